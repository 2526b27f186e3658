// SPDX-License-Identifier: Apache-2.0
//! What a record says, column by column.

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, UInt16Builder, UInt32Builder};
use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, StringArray, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{Field, Schema};
use penstock_codec::list::{BasicList, Semantic};
use penstock_codec::value::ntp_to_ns;
use penstock_record::{Kind, text_addresses};

use super::*;
use crate::ipfix::Times;

const EXPORT_S: u32 = 1_700_000_000;
const OWN: u32 = 32_473;

#[test]
fn rows_have_the_elements_of_the_columns_that_they_have() {
    let reader = sent(IpfixSettings::default(), &[flows(6)]);
    assert_eq!(reader.flows.len(), 6);
    let tcp = reader.flows.iter().find(|flow| flow.number(0, 2) == Some(3)).unwrap();
    assert_eq!(tcp.get(0, 8), Some(&[192, 0, 2, 1][..]));
    assert_eq!(tcp.get(0, 12), Some(&[192, 0, 2, 2][..]));
    assert_eq!((tcp.number(0, 60), tcp.number(0, 4)), (Some(4), Some(6)));
    assert_eq!((tcp.number(0, 7), tcp.number(0, 11)), (Some(3), Some(443)));
    assert_eq!((tcp.number(0, 1), tcp.number(REVERSE, 1)), (Some(1_003), Some(15)));
    assert_eq!((tcp.number(0, 6), tcp.get(0, 6).unwrap().len()), (Some(0x11b), 2));
    assert_eq!(tcp.get(0, 56), Some(&[2, 0, 0x5e, 0, 0x53, 1][..]));
    let start = tcp.number(0, 156).unwrap();
    assert_eq!(ntp_to_ns(start, EXPORT_S), NOW_NS + 3 * 1_001);
    let back = tcp.number(REVERSE, 157).unwrap();
    assert_eq!(ntp_to_ns(back, EXPORT_S), NOW_NS + 3 * 1_001 + 5);
    assert!(!tcp.has(0, 176) && !tcp.has(0, 27) && !tcp.has(0, 305));

    let udp = reader.flows.iter().find(|flow| flow.number(0, 2) == Some(1)).unwrap();
    assert_eq!(udp.get(0, 27), Some(&IPV6[..]));
    assert!(!udp.has(0, 8) && !udp.has(0, 6) && !udp.has(REVERSE, 156));
    assert_eq!(udp.number(REVERSE, 2), Some(0));

    let ping = reader.flows.iter().find(|flow| flow.number(0, 2) == Some(2)).unwrap();
    assert_eq!((ping.number(0, 176), ping.number(0, 177)), (Some(8), Some(1)));
    assert!(!ping.has(0, 7));
}

#[test]
fn rows_of_the_same_fields_keep_their_order() {
    let reader = sent(IpfixSettings::default(), &[flows(300)]);
    let mut last = BTreeMap::new();
    for flow in &reader.flows {
        let before = last.insert(flow.template, flow.number(0, 2));
        assert!(before.is_none_or(|before| before < flow.number(0, 2)));
    }
    assert_eq!(last.len(), 3);
}

#[test]
fn times_are_as_exact_as_asked_for() {
    for (times, id, expected) in [
        (Times::Nanoseconds, 156, 0xe8fe_6f80_0000_10cc),
        (Times::Microseconds, 154, 0xe8fe_6f80_0000_1800),
        (Times::Milliseconds, 152, 1_700_000_000_000),
    ] {
        let reader = sent(IpfixSettings { times, ..IpfixSettings::default() }, &[flows(2)]);
        let second = reader.flows.iter().find(|flow| flow.number(0, 2) == Some(1)).unwrap();
        assert_eq!(second.number(0, id), Some(expected), "{times:?}");
    }
}

#[test]
fn counters_that_go_on_are_sent_as_such() {
    let mut batch = BatchBuilder::new(2);
    batch.u64(column::OCTETS, None, [1, 2].into_iter());
    batch.u64(column::OCTETS_REV, None, [3, 4].into_iter());
    batch.u64(column::L2_OCTETS, None, [5, 6].into_iter());
    batch.dictionary(column::COUNTER_SEMANTICS, None, &["delta", "total"], [1, 0].into_iter());
    let reader = sent(IpfixSettings::default(), &[batch.finish()]);
    let total = reader.flows.iter().find(|flow| flow.has(0, 85)).unwrap();
    assert_eq!((total.number(0, 85), total.number(REVERSE, 85)), (Some(1), Some(3)));
    assert_eq!(total.number(0, 353), Some(5));
    assert!(!total.has(0, 1));
    let delta = reader.flows.iter().find(|flow| flow.has(0, 1)).unwrap();
    assert_eq!((delta.number(0, 1), delta.number(0, 352)), (Some(2), Some(6)));
}

#[test]
fn lists_are_ordered_basic_lists() {
    let pstats = || {
        let mut batch = BatchBuilder::new(2);
        let valid = Validity::from_iter([true, true]);
        let valid = Some(&valid);
        let lengths = || [2, 0].into_iter();
        batch.u64(column::OCTETS, None, [1, 2].into_iter());
        batch.list_u16(column::PSTATS_LENGTHS, valid, lengths(), vec![517, 1_200]);
        batch.list_timestamps(column::PSTATS_TIMES, valid, lengths(), vec![NOW_NS, NOW_NS + 1]);
        batch.list_u8(column::PSTATS_FLAGS, valid, lengths(), vec![0x18, 0x10]);
        batch.list_i8(column::PSTATS_DIRECTIONS, valid, lengths(), vec![1, -1]);
        batch.list_u32(column::SRC_AS_PATH, valid, lengths(), vec![64_496, 64_511]);
        batch.list_u32(column::DST_COMMUNITIES, valid, lengths(), vec![7, 9]);
        batch.finish()
    };
    let lists = |flow: &Record| -> Vec<((u32, u16), Vec<u8>)> {
        let lists = flow.values.iter().filter(|(number, _)| matches!(number.1, 291 | 485 | 511));
        lists
            .map(|(_, octets)| {
                let list = BasicList::read(octets).unwrap();
                assert_eq!(list.semantic, Semantic::Ordered);
                ((list.field.pen, list.field.id), list.octets().to_vec())
            })
            .collect()
    };
    let reader = sent(IpfixSettings::default(), &[pstats()]);
    let items = lists(&reader.flows[0]);
    let number = |number| items.iter().find(|(found, _)| *found == number).unwrap().1.as_slice();
    assert_eq!(number((8057, 1013)), [2, 5, 4, 176]);
    assert_eq!(number((8057, 1015)), [0x18, 0x10]);
    assert_eq!(number((8057, 1016)), [1, 255]);
    assert_eq!(
        number((OWN, 1)),
        [0xe8fe_6f80_0000_0000_u64, 0xe8fe_6f80_0000_0005].map(u64::to_be_bytes).as_flattened()
    );
    assert_eq!(number((0, 16)), [0, 0, 251, 240, 0, 0, 251, 255]);
    assert_eq!(number((0, 483)), [0, 0, 0, 7, 0, 0, 0, 9]);
    assert!(reader.flows[0].has(0, 511) && reader.flows[0].has(0, 485));
    assert!(lists(&reader.flows[1]).iter().all(|(_, octets)| octets.is_empty()));

    let settings = IpfixSettings { times: Times::Milliseconds, ..IpfixSettings::default() };
    let rounded = sent(settings, &[pstats()]);
    let times = [1_700_000_000_000_u64; 2].map(u64::to_be_bytes).concat();
    assert!(lists(&rounded.flows[0]).contains(&((8057, 1014), times)));
}

#[test]
fn label_stacks_are_entries_unless_they_are_deeper_than_there_are_elements() {
    let mut batch = BatchBuilder::new(3);
    let lengths = || [2, 11, 0].into_iter();
    batch.u64(column::OCTETS, None, [1, 2, 3].into_iter());
    let labels = [&[0xabcde, 3][..], &[9; 11]].concat();
    batch.list_u32(column::MPLS_LABELS, None, lengths(), labels);
    batch.list_u8(column::MPLS_TTLS, None, lengths(), vec![63; 13]);
    batch.list_u8(column::MPLS_EXPS, None, lengths(), [&[5, 1][..], &[2; 11]].concat());
    let reader = sent(IpfixSettings::default(), &[batch.finish()]);
    let shallow = reader.flows.iter().find(|flow| flow.number(0, 1) == Some(1)).unwrap();
    assert_eq!(shallow.get(0, 70), Some(&[0xab, 0xcd, 0xea][..]));
    assert_eq!(shallow.get(0, 71), Some(&[0x00, 0x00, 0x33][..]));
    assert!(shallow.has(0, 291) && !shallow.has(0, 72));
    for octets in [2, 3] {
        let listed = reader.flows.iter().find(|flow| flow.number(0, 1) == Some(octets)).unwrap();
        assert!(!listed.has(0, 70));
        let lists = listed.values.iter().filter(|(number, _)| *number == (0, 291));
        let elements: Vec<u16> =
            lists.map(|(_, list)| BasicList::read(list).unwrap().field.id).collect();
        assert_eq!(elements, [3, 4, 5]);
    }
}

#[test]
fn text_and_octets_have_the_lengths_they_have() {
    let long = "x".repeat(300);
    let mut batch = BatchBuilder::new(3);
    batch.u64(column::OCTETS, None, [1, 2, 3].into_iter());
    batch.binary(column::APPLICATION_ID, None, [&[13, 0, 0, 1][..], &[], &[1]].into_iter());
    batch.text(column::APPLICATION_NAME, None, ["é", "", long.as_str()].into_iter());
    let tunnels = Validity::from_iter([true, true, true]);
    batch.dictionary(column::TUNNEL_TYPE, Some(&tunnels), &["gre", "vxlan"], [1, 0, 1].into_iter());
    batch.ip(column::TUNNEL_SRC_ADDR, Some(&tunnels), [IPV6, mapped([1; 4]), [0; 16]].into_iter());
    let reader = sent(IpfixSettings::default(), &[batch.finish()]);
    let flow = |octets| reader.flows.iter().find(|flow| flow.number(0, 1) == Some(octets)).unwrap();
    assert_eq!(flow(1).get(0, 96), Some("é".as_bytes()));
    assert_eq!((flow(2).get(0, 96), flow(2).get(0, 95)), (Some(&[][..]), Some(&[][..])));
    assert_eq!(flow(3).get(0, 96), Some(long.as_bytes()));
    assert_eq!(flow(1).get(OWN, 7), Some(&b"vxlan"[..]));
    assert_eq!((flow(1).get(OWN, 11), flow(2).get(OWN, 9)), (Some(&IPV6[..]), Some(&[1; 4][..])));
    assert_eq!(flow(3).get(OWN, 11), Some(&[0; 16][..]));
}

#[test]
fn what_came_without_a_column_goes_out_as_it_came() {
    let extra = extra(&[
        &[(8057, 2, b"a.example"), (0, 232, &[0, 9])],
        &[(4_294_967_295, 40_000, b"lost"), (9, 12_235, &[1, 2, 3])],
        &[],
    ]);
    let mut batch = BatchBuilder::new(3);
    batch.u64(column::OCTETS, None, [1, 2, 3].into_iter());
    batch.array(column::EXTRA, extra);
    let batch = batch.finish();
    let reader = sent(IpfixSettings::default(), std::slice::from_ref(&batch));
    let flow = |octets| reader.flows.iter().find(|flow| flow.number(0, 1) == Some(octets)).unwrap();
    assert_eq!(flow(1).get(8057, 2), Some(&b"a.example"[..]));
    assert_eq!(flow(1).get(0, 232), Some(&[0, 9][..]));
    assert_eq!(reader.templates[&flow(1).template].fields[1].length, 2);
    assert_eq!(flow(2).get(9, 12_235), Some(&[1, 2, 3][..]));
    assert_eq!(flow(2).values.len(), 2);
    assert_eq!(flow(3).values.len(), 1);

    let mut encoder = IpfixEncoder::new(IpfixSettings::default());
    encoder.encode(&batch, NOW_NS, &mut Messages::default()).unwrap();
    assert_eq!(encoder.counts().lost_values, 1);
}

#[test]
fn an_element_that_came_twice_stays_in_its_order() {
    let mut batch = BatchBuilder::new(1);
    batch.array(column::EXTRA, extra(&[&[(0, 186, &[0, 2]), (0, 96, b"second")]]));
    batch.text(column::APPLICATION_NAME, None, ["first"].into_iter());
    batch.u16(column::TCP_WINDOW, None, [1].into_iter());
    let reader = sent(IpfixSettings::default(), &[batch.finish()]);
    let values = &reader.flows[0].values;
    let of = |id| values.iter().filter(move |(n, _)| n.1 == id).map(|(_, v)| v.as_slice());
    assert!(of(186).eq([&[0, 1][..], &[0, 2]]));
    assert!(of(96).eq([&b"first"[..], b"second"]));
}

#[test]
fn the_exporter_of_a_record_that_was_collected_is_named() {
    let mut batch = BatchBuilder::new(3);
    batch.u64(column::OCTETS, None, [1, 2, 3].into_iter());
    batch.ip(column::EXPORTER_ADDR, None, [mapped([198, 51, 100, 1]), IPV6, [0; 16]].into_iter());
    batch.u16(column::EXPORTER_PORT, None, [2_055; 3].into_iter());
    batch.u32(column::OBSERVATION_DOMAIN, None, [7; 3].into_iter());
    let reader = sent(IpfixSettings::default(), &[batch.finish()]);
    let flow = |octets| reader.flows.iter().find(|flow| flow.number(0, 1) == Some(octets)).unwrap();
    assert_eq!(flow(1).get(0, 130), Some(&[198, 51, 100, 1][..]));
    assert_eq!(flow(2).get(0, 131), Some(&IPV6[..]));
    assert_eq!(flow(3).values.len(), 1);
}

#[test]
fn rates_that_differ_are_in_the_records() {
    let mut batch = BatchBuilder::new(5);
    batch.u64(column::OCTETS, None, [1, 2, 3, 4, 5].into_iter());
    batch.f64(column::SAMPLING_RATE, None, [1.0, 1000.0, 1.5, 0.0, 1e12].into_iter());
    let reader = sent(IpfixSettings::default(), &[batch.finish()]);
    let flow = |octets| reader.flows.iter().find(|flow| flow.number(0, 1) == Some(octets)).unwrap();
    assert!(reader.options.is_empty());
    assert_eq!((flow(1).number(0, 305), flow(1).number(0, 306)), (Some(1), Some(0)));
    assert_eq!((flow(2).number(0, 305), flow(2).number(0, 306)), (Some(1), Some(999)));
    assert_eq!((flow(3).number(0, 309), flow(3).number(0, 310)), (Some(2), Some(3)));
    assert_eq!(flow(4).values.len(), 1);
    assert_eq!(flow(5).get(0, 311), Some(&1e-12_f64.to_be_bytes()[..]));
}

#[test]
fn a_row_that_names_its_sampler_says_its_rate_even_if_it_is_everyones() {
    let rates = |sampler: Option<u64>| {
        let mut batch = BatchBuilder::new(1);
        batch.u64(column::OCTETS, None, [1].into_iter());
        batch.f64(column::SAMPLING_RATE, None, [10.0].into_iter());
        if let Some(sampler) = sampler {
            batch.u64(column::SAMPLER_ID, None, [sampler].into_iter());
        }
        batch.finish()
    };
    let reader = sent(IpfixSettings::default(), &[rates(None), rates(Some(4))]);
    assert!(!reader.flows[0].has(0, 306));
    assert_eq!(reader.flows[1].number(0, 306), Some(9));
    assert_eq!(reader.flows[1].number(0, 302), Some(4));
}

#[test]
fn our_elements_go_out_under_the_number_that_was_asked_for() {
    let mut batch = BatchBuilder::new(1);
    batch.u64(column::OCTETS, None, [1].into_iter());
    batch.u16(column::ICMP_ID, None, [7].into_iter());
    batch.u64(column::TUNNEL_ID_REV, None, [9].into_iter());
    batch.list_u16(column::VLAN_IDS, None, [3].into_iter(), vec![1, 2, 3]);
    let settings = IpfixSettings { enterprise: 64_000, ..IpfixSettings::default() };
    let reader = sent(settings, &[batch.finish()]);
    let flow = &reader.flows[0];
    assert_eq!((flow.number(64_000, 2), flow.number(64_000, 16_392)), (Some(7), Some(9)));
    let list = BasicList::read(flow.get(0, 291).unwrap()).unwrap();
    assert_eq!((list.field.pen, list.field.id), (64_000, 6));
    let described: Vec<_> = reader.options_with(346).iter().map(|r| r.number(0, 346)).collect();
    assert_eq!(described, [Some(64_000); 3]);
}

#[test]
fn a_column_of_another_type_is_an_error_and_nothing_is_sent() {
    let batch = text_addresses(&flows(3));
    let mut messages = Messages::default();
    let error = IpfixEncoder::new(IpfixSettings::default()).encode(&batch, NOW_NS, &mut messages);
    assert_eq!(
        error.unwrap_err().to_string(),
        "column src_addr: type Utf8 is not the one that it has in a flow"
    );
    assert!(messages.is_empty() && messages.octets.is_empty());
}

#[test]
fn columns_that_no_flow_has_are_left_out() {
    let flows = flows(2);
    let mut fields = flows.schema().fields().to_vec();
    fields.push(Arc::new(Field::new("mine", arrow_schema::DataType::Utf8, true)));
    let mut columns = flows.columns().to_vec();
    columns.push(Arc::new(StringArray::from(vec!["a", "b"])));
    let more = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    let (mut with, mut without) = (Messages::default(), Messages::default());
    IpfixEncoder::new(IpfixSettings::default()).encode(&more, NOW_NS, &mut with).unwrap();
    IpfixEncoder::new(IpfixSettings::default()).encode(&flows, NOW_NS, &mut without).unwrap();
    assert_eq!(with, without);
}

#[test]
fn a_slice_of_a_batch_is_sent_like_a_batch() {
    let (mut whole, mut sliced) = (Messages::default(), Messages::default());
    let first = flows(30).slice(0, 12);
    IpfixEncoder::new(IpfixSettings::default()).encode(&flows(12), NOW_NS, &mut whole).unwrap();
    IpfixEncoder::new(IpfixSettings::default()).encode(&first, NOW_NS, &mut sliced).unwrap();
    assert_eq!(whole, sliced);
    let reader = sent(IpfixSettings::default(), &[flows(30).slice(12, 3)]);
    let mut packets: Vec<_> = reader.flows.iter().map(|flow| flow.number(0, 2)).collect();
    packets.sort_unstable();
    assert_eq!(packets, [Some(12), Some(13), Some(14)]);
}

fn extra(rows: &[&[(u32, u16, &[u8])]]) -> ArrayRef {
    let (mut pens, mut ids) = (UInt32Builder::new(), UInt16Builder::new());
    let mut values = BinaryBuilder::new();
    for (pen, id, value) in rows.iter().copied().flatten() {
        pens.append_value(*pen);
        ids.append_value(*id);
        values.append_value(value);
    }
    let Kind::List(item) = column::EXTRA.kind() else { panic!("a list") };
    let field = item.item_field();
    let arrow_schema::DataType::Struct(members) = field.data_type().clone() else { panic!() };
    let arrays: Vec<Arc<dyn Array>> =
        vec![Arc::new(pens.finish()), Arc::new(ids.finish()), Arc::new(values.finish())];
    let items = StructArray::new(members, arrays, None);
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(|row| row.len()));
    Arc::new(ListArray::new(field, offsets, Arc::new(items), None))
}
