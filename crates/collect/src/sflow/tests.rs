// SPDX-License-Identifier: Apache-2.0
//! Datagrams to batches, as the collector does it.

use std::time::Instant;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Float64Type, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array as _, ArrowPrimitiveType, RecordBatch, StringArray};
use penstock_codec::sflow::{
    CounterHead, DatagramWriter, DiscardedHead, Ethernet, ExtendedGateway, ExtendedNat,
    ExtendedRouter, ExtendedSwitch, FlowHead, Form, GenericInterface, Header, SampledEthernet,
    SampledHeader, SampledIp,
};
use penstock_record::Column;

use super::*;
use crate::memory::sampling::{Sampling, SamplingOrigin};
use crate::rows::{Identity, SourceKind};

const RECEIVED_NS: i64 = 1_700_000_000_000_000_000;
const MESSAGE: SflowMessage = SflowMessage { exporter: 3, received_ns: RECEIVED_NS };

/// One exporter, which says nothing of its sampling but what its samples do.
struct One;

impl Exporters for One {
    fn identity(&self, exporter: u32) -> Identity {
        assert_eq!(exporter, MESSAGE.exporter);
        let addr = v4([192, 0, 2, 10]);
        Identity { addr, port: 6343, domain: 5, kind: SourceKind::SFlow }
    }

    fn sampling(&self, _: u32, stated: Option<f64>, sampler: Option<u64>) -> Sampling {
        assert_eq!(sampler, None);
        stated.map_or(Sampling::UNKNOWN, |rate| Sampling { rate, origin: SamplingOrigin::Record })
    }
}

fn v4([a, b, c, d]: [u8; 4]) -> [u8; 16] {
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
}

fn head() -> FlowHead {
    FlowHead {
        sequence: 12,
        source: Source { class: 0, index: 3 },
        sampling_rate: 512,
        sample_pool: 61440,
        drops: 2,
        input: Interface::index(3),
        output: Interface::index(4),
    }
}

/// A TCP segment to port 80 in an Ethernet frame of 74 octets, of which 54 are sampled.
fn frame() -> Vec<u8> {
    let digits = "000c29b1c2d3001b21aabbcc08004500003c1c4640004006b1e6ac100a63ac100a0c\
         d4310050a1b2c3d4000000005002faf000000000";
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.as_bytes().chunks(2).map(octet).collect()
}

fn sampled(header: &[u8]) -> SampledHeader<'_> {
    SampledHeader { protocol: 1, frame_length: 78, stripped: 4, header }
}

/// A datagram of one sample of a flow, with the records that `write` gives it.
fn flow(head: &FlowHead, write: impl Fn(&mut DatagramWriter<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = DatagramWriter::begin(&mut out, &Header { sequence: 7, ..Header::default() });
    writer.begin_flow_sample(head, Form::Compact);
    write(&mut writer);
    writer.end_sample();
    writer.finish();
    out
}

/// The only batch that a datagram makes, of this kind.
fn batch_of(datagram: &[u8], kind: BatchKind) -> (RecordBatch, Taken) {
    let mut samples = Samples::new(Tunnels::Inner);
    let taken = samples.take(&Datagram::read(datagram).unwrap(), &MESSAGE, |_| {});
    let mut batches = samples.drain(&One);
    assert_eq!((batches.len(), samples.len()), (1, 0));
    let (of, batch) = batches.remove(0);
    assert_eq!(of, kind);
    for field in batch.schema().fields() {
        let column = Column::by_name_in(kind, field.name()).expect("a column of the kind");
        assert_eq!(field.data_type(), &column.kind().arrow_type());
    }
    (batch, taken)
}

fn flows_of(datagram: &[u8]) -> RecordBatch {
    let (batch, taken) = batch_of(datagram, BatchKind::Flows);
    assert_eq!((taken.malformed, taken.flow_samples), (None, 1));
    batch
}

fn number<T: ArrowPrimitiveType>(batch: &RecordBatch, name: &str) -> Option<T::Native> {
    let array = batch.column_by_name(name)?.as_primitive::<T>();
    array.is_valid(0).then(|| array.value(0))
}

fn u8_of(batch: &RecordBatch, name: &str) -> Option<u8> {
    number::<UInt8Type>(batch, name)
}

fn u16_of(batch: &RecordBatch, name: &str) -> Option<u16> {
    number::<UInt16Type>(batch, name)
}

fn u32_of(batch: &RecordBatch, name: &str) -> Option<u32> {
    number::<UInt32Type>(batch, name)
}

fn u64_of(batch: &RecordBatch, name: &str) -> Option<u64> {
    number::<UInt64Type>(batch, name)
}

fn octets_of<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a [u8]> {
    Some(batch.column_by_name(name)?.as_fixed_size_binary().value(0))
}

fn word_of<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a str> {
    let words = batch.column_by_name(name)?.as_dictionary::<UInt8Type>();
    let words = words.downcast_dict::<StringArray>()?;
    words.into_iter().next()?
}

fn u32s_of(batch: &RecordBatch, name: &str) -> Option<Vec<u32>> {
    let lists = batch.column_by_name(name)?.as_list::<i32>();
    Some(lists.value(0).as_primitive::<UInt32Type>().values().to_vec())
}

/// Enterprise, format and octets of each record without a column.
fn extras_of(batch: &RecordBatch) -> Vec<(u32, u16, Vec<u8>)> {
    let Some(lists) = batch.column_by_name("extra") else { return vec![] };
    let list = lists.as_list::<i32>().value(0);
    let records = list.as_struct();
    let pens = records.column(0).as_primitive::<UInt32Type>();
    let ids = records.column(1).as_primitive::<UInt16Type>();
    let values = records.column(2).as_binary::<i32>();
    let all = 0..records.len();
    all.map(|n| (pens.value(n), ids.value(n), values.value(n).to_vec())).collect()
}

#[test]
fn a_sampled_header_fills_what_its_packet_says_and_the_switch_its_vlans() {
    let frame = frame();
    let batch = flows_of(&flow(&head(), |writer| {
        writer.sampled_header(&sampled(&frame));
        let switch = ExtendedSwitch { src_vlan: 10, dst_vlan: 20, ..ExtendedSwitch::default() };
        writer.extended_switch(&switch);
    }));
    assert_eq!(octets_of(&batch, "src_addr"), Some(&v4([172, 16, 10, 99])[..]));
    assert_eq!(octets_of(&batch, "dst_addr"), Some(&v4([172, 16, 10, 12])[..]));
    assert_eq!(octets_of(&batch, "src_mac"), Some(&[0, 0x1b, 0x21, 0xaa, 0xbb, 0xcc][..]));
    assert_eq!(octets_of(&batch, "exporter_addr"), Some(&v4([192, 0, 2, 10])[..]));
    let ports = (u16_of(&batch, "src_port"), u16_of(&batch, "dst_port"));
    assert_eq!(ports, (Some(54321), Some(80)));
    assert_eq!((u8_of(&batch, "protocol"), u16_of(&batch, "tcp_flags")), (Some(6), Some(2)));
    assert_eq!((u64_of(&batch, "octets"), u64_of(&batch, "packets")), (Some(60), Some(1)));
    assert_eq!(u64_of(&batch, "l2_octets"), Some(78));
    assert_eq!((u16_of(&batch, "vlan_id"), u16_of(&batch, "dst_vlan_id")), (Some(10), Some(20)));
    assert_eq!((u32_of(&batch, "in_if"), u32_of(&batch, "out_if")), (Some(3), Some(4)));
    assert_eq!(
        (u32_of(&batch, "sequence"), u32_of(&batch, "observation_domain")),
        (Some(7), Some(5))
    );
    assert_eq!(number::<Float64Type>(&batch, "sampling_rate"), Some(512.0));
    assert_eq!(word_of(&batch, "sampling_origin"), Some("record"));
    assert_eq!(word_of(&batch, "source_kind"), Some("sflow"));
    for time in ["time_start", "time_end", "time_received"] {
        assert_eq!(number::<TimestampNanosecondType>(&batch, time), Some(RECEIVED_NS));
    }
    for absent in ["inner_vlan_id", "tunnel_type", "src_as", "extra", "icmp_type", "next_hop"] {
        assert!(batch.column_by_name(absent).is_none(), "{absent}");
    }
}

#[test]
fn every_cut_of_the_header_gives_what_is_there_and_never_less_than_its_octets() {
    let frame = frame();
    for cut in 0..=frame.len() {
        let batch =
            flows_of(&flow(&head(), |writer| writer.sampled_header(&sampled(&frame[..cut]))));
        let whole_ip = cut >= 34;
        assert_eq!(batch.column_by_name("src_addr").is_some(), whole_ip, "{cut}");
        assert_eq!(u64_of(&batch, "octets"), Some(if whole_ip { 60 } else { 74 }), "{cut}");
        assert_eq!(batch.column_by_name("src_mac").is_some(), cut >= 12, "{cut}");
        assert_eq!(u16_of(&batch, "ethertype"), (cut >= 14).then_some(0x0800), "{cut}");
        assert_eq!((u64_of(&batch, "packets"), u64_of(&batch, "l2_octets")), (Some(1), Some(78)));
    }
}

#[test]
fn every_prefix_and_every_changed_octet_of_a_datagram_is_an_error_or_rows() {
    let whole = everything();
    let mut samples = Samples::new(Tunnels::Inner);
    let mut try_it = |octets: &[u8]| {
        if let Ok(datagram) = Datagram::read(octets) {
            samples.take(&datagram, &MESSAGE, |_| {});
            if samples.len() > 1000 {
                samples.drain(&One);
            }
        }
    };
    for cut in 0..=whole.len() {
        try_it(&whole[..cut]);
    }
    for at in 0..whole.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[at] = value;
            try_it(&changed);
        }
    }
    samples.drain(&One);
}

/// A datagram with a sample of every kind and a record of nearly every format.
fn everything() -> Vec<u8> {
    let frame = frame();
    let mut out = Vec::new();
    let mut writer = DatagramWriter::begin(&mut out, &Header::default());
    for form in [Form::Compact, Form::Expanded] {
        writer.begin_flow_sample(&head(), form);
        writer.extended_switch(&ExtendedSwitch { src_vlan: 4, ..ExtendedSwitch::default() });
        writer.sampled_header(&sampled(&frame));
        writer.sampled_ethernet(&SampledEthernet::default());
        writer.sampled_ip(&outer(17, 4789));
        writer.extended_router(&ExtendedRouter { nexthop: Some([9; 16]), ..Default::default() });
        writer.extended_gateway(&ExtendedGateway::default(), &[1, 2, 3], &[4, 5]);
        writer.extended_nat(&ExtendedNat { src_address: Some([9; 16]), dst_address: None });
        writer.record(0, 1006, |out| put(out, &[0, 1, 0x1000, 2, 0x2000, 0x3000]));
        writer.record(0, 1012, |out| put(out, &[3, 5, 6, 7]));
        writer.record(0, 1020, |out| put(out, &[80, 81]));
        writer.record(0, 1024, |out| put_ip(out, &outer(47, 0)));
        writer.record(0, 1030, |out| put(out, &[77]));
        writer.record(0, 1043, |out| put(out, &[1, 2]));
        writer.record(9, 9, |out| put(out, &[8, 8]));
        writer.end_sample();
        writer.begin_counter_sample(&CounterHead::default(), form);
        writer.generic_interface(&GenericInterface::default());
        writer.ethernet(&Ethernet::default());
        writer.record(0, 2003, |out| put(out, &[0; 17]));
        writer.end_sample();
    }
    writer.begin_discarded_packet(&DiscardedHead::default());
    writer.sampled_header(&sampled(&frame));
    writer.record(0, 1041, |out| put(out, &[2, 0x6869_0000, 1, 0x6a00_0000]));
    writer.end_sample();
    writer.finish();
    out
}

fn put(out: &mut Vec<u8>, words: &[u32]) {
    out.extend(words.iter().flat_map(|word| word.to_be_bytes()));
}

fn put_ip(out: &mut Vec<u8>, ip: &SampledIp) {
    put(out, &[ip.length, ip.protocol]);
    out.extend_from_slice(&ip.src_ip[12..]);
    out.extend_from_slice(&ip.dst_ip[12..]);
    put(out, &[ip.src_port, ip.dst_port, ip.tcp_flags, ip.tos]);
}

fn outer(protocol: u32, dst_port: u32) -> SampledIp {
    SampledIp {
        ip_version: 4,
        length: 600,
        protocol,
        src_ip: v4([203, 0, 113, 1]),
        dst_ip: v4([203, 0, 113, 2]),
        src_port: 50000,
        dst_port,
        tcp_flags: 0x10,
        tos: 0xb8,
    }
}

#[test]
fn nothing_of_a_datagram_with_everything_is_wrong_and_every_sample_is_told() {
    let octets = everything();
    let mut seen = Vec::new();
    let mut samples = Samples::new(Tunnels::Inner);
    let taken = samples.take(&Datagram::read(&octets).unwrap(), &MESSAGE, |one| seen.push(*one));
    let expected =
        Taken { flow_samples: 2, counter_samples: 2, drop_samples: 1, ..Taken::default() };
    assert_eq!((taken, samples.len()), (expected, 5));
    let kinds: Vec<SampleKind> = seen.iter().map(|one| one.kind).collect();
    let (flow, counter) = (SampleKind::Flow, SampleKind::Counter);
    assert_eq!(kinds, [flow, counter, flow, counter, SampleKind::Drop]);
    assert_eq!((seen[0].sequence, seen[0].sample_pool, seen[0].drops), (12, 61440, 2));
    let kinds: Vec<BatchKind> = samples.drain(&One).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [BatchKind::Flows, BatchKind::InterfaceCounters, BatchKind::Drops]);
}

#[test]
fn headers_in_fields_stand_in_where_none_was_sampled() {
    let batch = flows_of(&flow(&head(), |writer| {
        writer.sampled_ethernet(&SampledEthernet {
            length: 618,
            src_mac: [1; 6],
            dst_mac: [2; 6],
            ethertype: 0x0800,
        });
        writer.sampled_ip(&outer(6, 443));
    }));
    assert_eq!((u64_of(&batch, "octets"), u64_of(&batch, "l2_octets")), (Some(600), Some(618)));
    assert_eq!((u16_of(&batch, "dst_port"), u8_of(&batch, "tos")), (Some(443), Some(0xb8)));
    assert_eq!(u16_of(&batch, "tcp_flags"), Some(0x10));
    assert_eq!(octets_of(&batch, "dst_mac"), Some(&[2; 6][..]));
    assert!(batch.column_by_name("ttl_min").is_none());
}

#[test]
fn a_frame_without_ip_keeps_its_link_layer() {
    let mut frame = frame();
    frame.truncate(12);
    frame.extend([0x81, 0, 0x20, 7, 8, 6, 0, 1]);
    let batch = flows_of(&flow(&head(), |writer| writer.sampled_header(&sampled(&frame))));
    assert_eq!((u16_of(&batch, "vlan_id"), u16_of(&batch, "ethertype")), (Some(7), Some(0x0806)));
    assert_eq!((u64_of(&batch, "octets"), u64_of(&batch, "packets")), (Some(74), Some(1)));
    assert!(batch.column_by_name("src_addr").is_none());
}

#[test]
fn a_header_that_begins_with_labels_or_with_ip_is_read_too() {
    let ip = &frame()[14..];
    let labelled = [&[0, 1, 0x10, 64, 0, 2, 0x11, 64][..], ip].concat();
    for (protocol, header) in [(11, ip), (13, &labelled)] {
        let before = u32::try_from(header.len() - ip.len()).unwrap();
        let header = SampledHeader { protocol, frame_length: 60 + before, stripped: 0, header };
        let batch = flows_of(&flow(&head(), |writer| writer.sampled_header(&header)));
        assert_eq!((u16_of(&batch, "dst_port"), u64_of(&batch, "octets")), (Some(80), Some(60)));
        let labels = (protocol == 13).then(|| vec![0x11, 0x21]);
        assert_eq!(u32s_of(&batch, "mpls_labels"), labels);
    }
    let other = SampledHeader { protocol: 15, frame_length: 90, stripped: 0, header: ip };
    let batch = flows_of(&flow(&head(), |writer| writer.sampled_header(&other)));
    assert_eq!(u64_of(&batch, "octets"), Some(90));
    let extras = extras_of(&batch);
    assert_eq!((extras[0].0, extras[0].1, extras[0].2.len()), (extras::SFLOW_PEN, 1, 16 + 40));
}

#[test]
fn routes_fill_next_hops_systems_paths_and_communities() {
    let route = ExtendedGateway {
        nexthop: Some(v4([198, 51, 100, 9])),
        own_as: 64500,
        src_as: 64510,
        src_peer_as: 64511,
        localpref: 100,
        ..ExtendedGateway::default()
    };
    let hop = Some(v4([198, 51, 100, 1]));
    let router = ExtendedRouter { nexthop: hop, src_mask: 24, dst_mask: 129 };
    let batch = flows_of(&flow(&head(), |writer| {
        writer.extended_gateway(&route, &[64496, 64497], &[7, 8, 9]);
        writer.extended_router(&router);
        writer.sampled_header(&sampled(&frame()));
    }));
    assert_eq!(octets_of(&batch, "next_hop"), Some(&v4([198, 51, 100, 1])[..]));
    assert_eq!(octets_of(&batch, "bgp_next_hop"), Some(&v4([198, 51, 100, 9])[..]));
    let systems = ["src_as", "prev_as", "next_as", "dst_as"].map(|name| u32_of(&batch, name));
    assert_eq!(systems, [64510, 64511, 64496, 64497].map(Some));
    assert_eq!(u32s_of(&batch, "dst_as_path"), Some(vec![64496, 64497]));
    assert_eq!(u32s_of(&batch, "dst_communities"), Some(vec![7, 8, 9]));
    assert_eq!(u32s_of(&batch, "src_as_path"), Some(vec![]));
    assert_eq!(u8_of(&batch, "src_prefix_length"), Some(24));
    assert!(batch.column_by_name("dst_prefix_length").is_none());
}

#[test]
fn an_outer_header_that_was_taken_off_is_the_tunnel_and_a_second_one_is_kept() {
    let batch = flows_of(&flow(&head(), |writer| {
        writer.sampled_header(&sampled(&frame()));
        writer.record(0, 1023, |out| put_ip(out, &outer(47, 0)));
        writer.record(0, 1024, |out| put_ip(out, &outer(17, 4789)));
        writer.record(0, 1030, |out| put(out, &[5000]));
    }));
    assert_eq!(word_of(&batch, "tunnel_type"), Some("vxlan"));
    assert_eq!(octets_of(&batch, "tunnel_src_addr"), Some(&v4([203, 0, 113, 1])[..]));
    assert_eq!(u64_of(&batch, "tunnel_id"), Some(5000));
    let kept: Vec<u16> = extras_of(&batch).iter().map(|(_, format, _)| *format).collect();
    assert_eq!(kept, [1023]);
}

#[test]
fn stripped_tags_are_outside_those_of_the_header() {
    let mut tagged = frame();
    tagged.splice(12..12, [0x81, 0, 0, 30]);
    let batch = flows_of(&flow(&head(), |writer| {
        writer.sampled_header(&sampled(&tagged));
        writer.record(0, 1012, |out| put(out, &[2, 0x88a8_000a, 0x8100_2014]));
    }));
    assert_eq!((u16_of(&batch, "vlan_id"), u16_of(&batch, "inner_vlan_id")), (Some(10), Some(20)));
    let lists = batch.column_by_name("vlan_ids").unwrap().as_list::<i32>();
    assert_eq!(lists.value(0).as_primitive::<UInt16Type>().values().to_vec(), [10, 20, 30]);
}

#[test]
fn translation_fills_the_columns_of_nat() {
    let batch = flows_of(&flow(&head(), |writer| {
        writer.extended_nat(&ExtendedNat { src_address: Some([7; 16]), dst_address: None });
        writer.record(0, 1020, |out| put(out, &[1024, 80]));
    }));
    assert_eq!(octets_of(&batch, "nat_src_addr"), Some(&[7; 16][..]));
    assert_eq!(u16_of(&batch, "nat_dst_port"), Some(80));
    // There was no header of any form: what was sampled is not known to be a packet.
    assert_eq!((u64_of(&batch, "packets"), u64_of(&batch, "octets")), (Some(0), Some(0)));
}

#[test]
fn a_packet_that_left_by_no_interface_or_by_several_has_none() {
    let cases = [
        (Interface { format: 1, value: 258 }, 0, Some(0x81)),
        (Interface { format: 2, value: 5 }, 0, None),
        (Interface::index(u32::MAX), 0, None),
        (Interface::index(Interface::INTERNAL), Interface::INTERNAL, None),
    ];
    for (output, out_if, status) in cases {
        let head = FlowHead { output, ..head() };
        let batch = flows_of(&flow(&head, |writer| writer.sampled_header(&sampled(&frame()))));
        assert_eq!(u32_of(&batch, "out_if"), Some(out_if));
        assert_eq!(u8_of(&batch, "forwarding_status"), status);
    }
}

#[test]
fn a_rate_that_is_not_stated_is_asked_for() {
    let head = FlowHead { sampling_rate: 0, ..head() };
    let batch = flows_of(&flow(&head, |writer| writer.sampled_header(&sampled(&frame()))));
    assert_eq!(word_of(&batch, "sampling_origin"), Some("unknown"));
}

#[test]
fn the_agents_own_time_is_taken_unless_it_is_days_away() {
    for (off_s, believed) in [(-2, true), (90_000, false)] {
        let time_ns = RECEIVED_NS + off_s * 1_000_000_000;
        let batch = flows_of(&flow(&head(), |writer| {
            writer.sampled_header(&sampled(&frame()));
            writer.record(0, 1043, |out| out.extend_from_slice(&time_ns.to_be_bytes()));
        }));
        let start = number::<TimestampNanosecondType>(&batch, "time_start");
        assert_eq!(start, Some(if believed { time_ns } else { RECEIVED_NS }));
        let suspect = batch.column_by_name("time_suspect").unwrap().as_boolean().value(0);
        assert_eq!(suspect, !believed);
    }
}

#[test]
fn a_record_that_is_cut_leaves_the_others_of_its_sample_and_is_told() {
    let octets = flow(&head(), |writer| {
        writer.record(0, 1001, |out| put(out, &[1, 2]));
        writer.sampled_header(&sampled(&frame()));
        writer.record(0, 1004, |out| put(out, &[106, 0, 106, 0]));
    });
    let (batch, taken) = batch_of(&octets, BatchKind::Flows);
    assert_eq!(taken.malformed, Some(Malformed::SampleCut));
    assert_eq!(u16_of(&batch, "dst_port"), Some(80));
    assert_eq!(extras_of(&batch).len(), 1);
}

#[test]
fn counters_that_a_device_does_not_keep_are_null_and_other_records_are_kept() {
    let mut out = Vec::new();
    let mut writer = DatagramWriter::begin(&mut out, &Header { sequence: 7, ..Header::default() });
    let source = Source { class: 0, index: 9 };
    writer.begin_counter_sample(&CounterHead { sequence: 70, source }, Form::Compact);
    writer.generic_interface(&GenericInterface {
        if_index: 9,
        if_speed: 1_000_000_000,
        if_in_octets: 1 << 40,
        if_out_octets: u64::MAX,
        if_in_errors: u32::MAX,
        ..GenericInterface::default()
    });
    writer.record(0, 5, |out| put(out, &[0; 7]));
    writer.end_sample();
    writer.finish();
    let (batch, taken) = batch_of(&out, BatchKind::InterfaceCounters);
    assert_eq!((taken.counter_samples, taken.malformed), (1, None));
    assert_eq!((u32_of(&batch, "source_index"), u32_of(&batch, "if_index")), (Some(9), Some(9)));
    let sequences = (u32_of(&batch, "sequence"), u32_of(&batch, "sample_sequence"));
    assert_eq!(sequences, (Some(7), Some(70)));
    assert_eq!(u64_of(&batch, "if_speed_bps"), Some(1_000_000_000));
    assert_eq!((u64_of(&batch, "in_octets"), u64_of(&batch, "out_octets")), (Some(1 << 40), None));
    assert_eq!((u32_of(&batch, "in_errors"), u32_of(&batch, "out_errors")), (None, Some(0)));
    assert!(batch.column_by_name("ethernet_fcs_errors").is_none());
    assert_eq!(extras_of(&batch), [(extras::SFLOW_PEN, 5, vec![0; 28])]);
}

#[test]
fn a_dropped_packet_says_why_and_where_and_what_it_was() {
    let mut out = Vec::new();
    let mut writer = DatagramWriter::begin(&mut out, &Header { sequence: 7, ..Header::default() });
    let source = Source { class: 0, index: 9 };
    let head = DiscardedHead { sequence: 8, source, drops: 5, input: 1, output: 2, reason: 257 };
    writer.begin_discarded_packet(&head);
    writer.sampled_header(&sampled(&frame()));
    writer.record(0, 1038, |out| put(out, &[6, 0x6970_5f72, 0x6376_0000]));
    writer.record(0, 1036, |out| put(out, &[3]));
    writer.end_sample();
    writer.finish();
    let (batch, taken) = batch_of(&out, BatchKind::Drops);
    assert_eq!((taken.drop_samples, taken.malformed), (1, None));
    assert_eq!(
        (u32_of(&batch, "reason"), word_of(&batch, "reason_name")),
        (Some(257), Some("ttl_exceeded"))
    );
    let text =
        |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().value(0).to_owned();
    assert_eq!((text("drop_function"), text("hw_trap")), ("ip_rcv".to_owned(), String::new()));
    assert_eq!((u16_of(&batch, "dst_port"), u8_of(&batch, "ttl")), (Some(80), Some(64)));
    assert_eq!((u64_of(&batch, "octets"), u32_of(&batch, "drops")), (Some(60), Some(5)));
    assert_eq!(extras_of(&batch), [(extras::SFLOW_PEN, 1036, vec![0, 0, 0, 3])]);
}

#[test]
fn a_batch_after_a_batch_begins_anew() {
    let octets = everything();
    let mut samples = Samples::new(Tunnels::Inner);
    let mut batches = || {
        samples.take(&Datagram::read(&octets).unwrap(), &MESSAGE, |_| {});
        assert!(samples.list_octets() > 0);
        let batches = samples.drain(&One);
        assert_eq!((samples.list_octets(), samples.len()), (0, 0));
        batches
    };
    assert_eq!(batches(), batches());
    assert!(samples.drain(&One).is_empty());
}

#[test]
fn a_switchs_own_datagrams_are_all_understood() {
    let Some(captures) = std::env::var_os("PENSTOCK_CAPTURES") else { return };
    let path = std::path::Path::new(&captures).join("packets/sflow.pcap");
    let Ok(capture) = std::fs::read(path) else { return };
    let mut samples = Samples::new(Tunnels::Inner);
    let (mut datagrams, mut rows) = (0, 0);
    let mut rest = &capture[24..];
    while rest.len() > 16 {
        let octets = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        // Behind Ethernet, IPv4 without options, and UDP.
        let payload = &rest[16 + 14 + 20 + 8..16 + octets];
        let taken = samples.take(&Datagram::read(payload).unwrap(), &MESSAGE, |_| {});
        assert_eq!((taken.malformed, taken.unknown_samples), (None, 0));
        rows += taken.flow_samples + taken.counter_samples;
        datagrams += 1;
        rest = &rest[16 + octets..];
    }
    assert_eq!((datagrams, rows), (9, 9));
    let (mut flows, mut counters) = (0, 0);
    for (kind, batch) in samples.drain(&One) {
        match kind {
            BatchKind::Flows => flows += batch.num_rows(),
            BatchKind::InterfaceCounters => {
                counters += batch.num_rows();
                assert_eq!(u32_of(&batch, "if_index"), Some(1036));
                assert_eq!(u64_of(&batch, "in_octets"), Some(25_963_724));
                assert_eq!(u32_of(&batch, "out_unicast_packets"), Some(41143));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((flows, counters), (1, 8));
}

#[test]
#[ignore = "prints a rate, which means something in a release alone"]
fn rate_of_samples_with_a_header() {
    let mut out = Vec::new();
    let mut frame = frame();
    frame.resize(128, 0);
    let mut datagrams = Vec::new();
    for number in 0..64_u32 {
        out.clear();
        let header = Header { sequence: number, ..Header::default() };
        let mut writer = DatagramWriter::begin(&mut out, &header);
        while writer.octets() < 1250 {
            frame[33] = (number & 0xff) as u8;
            writer.begin_flow_sample(&head(), Form::Compact);
            let sampled =
                SampledHeader { protocol: 1, frame_length: 1518, stripped: 4, header: &frame };
            writer.sampled_header(&sampled);
            writer.extended_switch(&ExtendedSwitch { src_vlan: 10, ..Default::default() });
            writer.end_sample();
        }
        writer.finish();
        datagrams.push(out.clone());
    }
    let mut samples = Samples::new(Tunnels::Inner);
    let (mut count, mut rows) = (0_u32, 0_usize);
    let (start, start_cpu_s) = (Instant::now(), cpu_s());
    while start.elapsed().as_secs() < 3 {
        for datagram in &datagrams {
            let taken = samples.take(&Datagram::read(datagram).unwrap(), &MESSAGE, |_| {});
            count += taken.flow_samples;
        }
        if samples.len() >= 100_000 {
            rows += samples.drain(&One).iter().map(|(_, batch)| batch.num_rows()).sum::<usize>();
        }
    }
    let (wall_s, cpu_s) = (start.elapsed().as_secs_f64(), cpu_s() - start_cpu_s);
    let millions = f64::from(count) / 1e6;
    println!("{:.2} M samples/s, {:.2} M/s of this core", millions / wall_s, millions / cpu_s);
    assert!(rows > 0);
}

/// Seconds that this thread has run, as Linux counts them.
fn cpu_s() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ran_ns = told.split(' ').next().and_then(|ns| ns.parse::<f64>().ok());
    ran_ns.unwrap_or(0.0) / 1e9
}
