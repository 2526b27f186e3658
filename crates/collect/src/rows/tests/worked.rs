// SPDX-License-Identifier: Apache-2.0
//! The worked examples of the formats: from whole messages to rows.

use penstock_codec::netflow::{v5, v9};
use penstock_codec::{Definition, ipfix};

use super::{Dialect, Message, One, Plan, Rows, decode_with, message, octets, show};
use crate::rows::{OptionsRows, options};

#[test]
fn a_record_of_version_5_is_what_the_router_meant() {
    let header = "0005 0001 01a18168 5790d37d 1eb13d20 007c3512 00 00 0000";
    let record = "0a000d01 c0a80062 c0a80062 000d 0032 00000002 00000068 01a1455e 01a1455e
                  146c cdfe 00 10 06 00 0000 0000 00 00 0000";
    let datagram = octets(&format!("{header}{record}"));
    let packet = v5::Packet::read(&datagram).unwrap();
    let export_ns = i64::from(packet.header.unix_s) * 1_000_000_000 + 514_932_000;
    let message = Message {
        received_ns: export_ns,
        export_ns,
        uptime_ms: Some(packet.header.uptime_ms),
        sequence: packet.header.sequence,
        stated_rate: Some(64.0),
        ..message()
    };
    let (decoded, batch) = decode_with(v5::template(), Dialect::NetFlow5, packet.records, &message);
    assert_eq!((decoded.records, decoded.malformed), (1, None));
    assert_eq!(
        show(&batch, 0, "src_addr dst_addr src_port dst_port protocol ip_version octets packets"),
        "src_addr=10.0.13.1 dst_addr=192.168.0.98 src_port=5228 dst_port=52734 protocol=6 \
         ip_version=4 octets=104 packets=2"
    );
    assert_eq!(
        show(&batch, 0, "next_hop in_if out_if tcp_flags tos src_as dst_prefix_length icmp_type"),
        "next_hop=192.168.0.98 in_if=13 out_if=50 tcp_flags=16 tos=0 src_as=0 \
         dst_prefix_length=0 icmp_type=-"
    );
    assert_eq!(
        show(&batch, 0, "sampling_rate sampling_origin counter_semantics sequence time_suspect"),
        "sampling_rate=64 sampling_origin=record counter_semantics=delta sequence=8140050 \
         time_suspect=false"
    );
    let starts = batch.column_by_name("time_start").unwrap();
    assert_eq!(batch.column_by_name("time_end").unwrap(), starts);
    let before_export_ms = 27_361_640 - 27_346_270;
    let start_ns = export_ns - before_export_ms * 1_000_000 - super::NOW_NS;
    assert_eq!(show(&batch, 0, "time_start"), format!("time_start={start_ns}ns"));
    assert!(batch.column_by_name("extra").is_none());
}

const VERSION_9: &str = "
    00090007 00012345 6553f100 00000001 00000100
    0000001c 01000005 00080004 000c0004 000f0004 00020004 00010004
    01000040
      c6a8010c 0a050cfe c0a80101 00001391 00518c81
      c0a8011b 0a050c17 c0a80101 000002ec 0005ef46
      c0a80138 0a050c41 c0a80101 00000005 00001986
    00010018 0101 0004 0008 0003 0002 0029 0002 002a 0002 0000
    01010010 0001 0159 27d9 0002 02b2 4fb2";

#[test]
fn records_of_version_9_without_times_are_as_old_as_their_export() {
    let datagram = octets(VERSION_9);
    let packet = v9::Packet::read(&datagram).unwrap();
    let sets: Vec<_> = packet.sets().map(Result::unwrap).collect();
    let Some(Ok(Definition::Define(template))) = v9::templates(&sets[0]).next() else { panic!() };
    let (decoded, batch) = decode_with(&template, Dialect::NetFlow9, sets[1].octets, &message());
    assert_eq!((decoded.records, decoded.malformed), (3, None));
    assert_eq!(
        show(
            &batch,
            0,
            "src_addr dst_addr next_hop packets octets time_start time_end time_suspect"
        ),
        "src_addr=198.168.1.12 dst_addr=10.5.12.254 next_hop=192.168.1.1 packets=5009 \
         octets=5344385 time_start=0 time_end=0 time_suspect=true"
    );
    assert_eq!(show(&batch, 2, "packets octets ip_version"), "packets=5 octets=6534 ip_version=4");
    assert_eq!(
        show(&batch, 2, "exporter_addr exporter_port observation_domain source_kind time_received"),
        "exporter_addr=192.0.2.1 exporter_port=2055 observation_domain=5 source_kind=netflow9 \
         time_received=1000"
    );
}

#[test]
fn options_are_rows_of_their_own() {
    let datagram = octets(VERSION_9);
    let packet = v9::Packet::read(&datagram).unwrap();
    let sets: Vec<_> = packet.sets().map(Result::unwrap).collect();
    let Some(Ok(Definition::Define(template))) = v9::templates(&sets[2]).next() else { panic!() };
    let mut rows = OptionsRows::default();
    for record in options(&template, sets[3].octets) {
        rows.push(&record.unwrap(), template.id, &message());
    }
    assert_eq!(rows.len(), 2);
    let batch = rows.drain(&One).unwrap();
    assert_eq!(
        show(&batch, 1, "template_id scope values source_kind exporter_addr"),
        "template_id=257 scope=[4294967294/3/0002] values=[0/41/02b2,0/42/4fb2] \
         source_kind=netflow9 exporter_addr=192.0.2.1"
    );
    assert!(rows.drain(&One).is_none());
}

#[test]
fn a_biflow_of_ipfix_has_both_directions_and_keeps_what_has_no_column() {
    let datagram = octets(
        "000a004c 6553f100 00000000 00000001
         0002 0024 0100 0006 00080004 000c0004 00040001 00020002 8002 0002 00007279 0052ffff
         0100 0018 c0000201 c6336407 06 012c 012b 04 65746830 0000",
    );
    let message_read = ipfix::Message::read(&datagram).unwrap();
    let sets: Vec<_> = message_read.sets().map(Result::unwrap).collect();
    let Some(Ok(Definition::Define(template))) = ipfix::templates(&sets[0]).next() else {
        panic!()
    };
    let (decoded, batch) = decode_with(&template, Dialect::Ipfix, sets[1].octets, &message());
    assert_eq!((decoded.records, decoded.malformed), (1, None));
    assert_eq!(
        show(&batch, 0, "src_addr dst_addr protocol packets packets_rev octets octets_rev extra"),
        "src_addr=192.0.2.1 dst_addr=198.51.100.7 protocol=6 packets=300 packets_rev=299 octets=0 \
         octets_rev=0 extra=[0/82/65746830]"
    );
    for cut in 0..sets[1].octets.len() {
        let mut rows = Rows::default();
        let plan = Plan::compile(&template, Dialect::Ipfix);
        let records = rows.decode(&plan, &sets[1].octets[..cut], &message(), &|_| None).records;
        assert_eq!(records, u32::from(cut >= 18));
        rows.drain(&One);
    }
}
