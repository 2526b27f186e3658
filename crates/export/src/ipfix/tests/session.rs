// SPDX-License-Identifier: Apache-2.0
//! Templates, options, sizes and numbers over many messages.

use super::*;
use crate::ipfix::{Interface, Refresh};

#[test]
fn templates_and_options_come_before_the_records_and_only_once() {
    let reader = sent(IpfixSettings::default(), &[flows(9), flows(9), flows(30)]);
    assert_eq!(reader.definitions, [259, 256, 257, 258]);
    assert_eq!(reader.flows.len(), 48);
    assert_eq!(reader.options.len(), 1);
    let selector = &reader.options[0];
    assert_eq!((selector.number(0, 302), selector.number(0, 304)), (Some(0), Some(1)));
    assert_eq!((selector.number(0, 305), selector.number(0, 306)), (Some(1), Some(0)));
}

#[test]
fn no_message_is_longer_than_it_may_be() {
    for (message_octets, pad) in [(512, false), (512, true), (1_391, true), (65_535, false)] {
        let settings = IpfixSettings { message_octets, pad, ..IpfixSettings::default() };
        let reader = sent(settings, &[flows(2_000)]);
        assert_eq!(reader.flows.len(), 2_000);
        assert!(reader.sizes.iter().all(|octets| *octets <= message_octets));
        assert!(!pad || reader.sizes.iter().all(|octets| octets % 4 == 0));
        // Only the last is not full: a further record takes less than this.
        let full = &reader.sizes[1..reader.sizes.len() - 1];
        assert!(full.iter().all(|octets| octets + 160 > message_octets), "{:?}", reader.sizes);
    }
}

#[test]
fn templates_are_sent_again_after_so_many_messages() {
    let refresh = Some(Refresh { seconds: 3_600, messages: 50 });
    let settings = IpfixSettings { refresh, message_octets: 512, ..IpfixSettings::default() };
    let reader = sent(settings, &[flows(2_000)]);
    let times = reader.sizes.len().div_ceil(50);
    assert!(times > 3);
    let often = |id| reader.definitions.iter().filter(|defined| **defined == id).count();
    assert_eq!([256, 257, 258, 259].map(often), [times; 4]);
    assert_eq!(reader.options_with(302).len(), times);
}

#[test]
fn however_often_templates_are_to_be_sent_again_records_are_sent_too() {
    let refresh = Some(Refresh { seconds: 0, messages: 0 });
    let settings = IpfixSettings { refresh, message_octets: 200, ..IpfixSettings::default() };
    let reader = sent(settings, &[flows(100), flows(100)]);
    assert_eq!(reader.flows.len(), 200);
}

#[test]
fn templates_are_sent_again_after_some_time_with_or_without_flows() {
    let mut encoder = IpfixEncoder::new(IpfixSettings { statistics_s: None, ..Default::default() });
    let mut reader = Reader::default();
    let mut messages = Messages::default();
    encoder.encode(&flows(3), NOW_NS, &mut messages).unwrap();
    encoder.tick(NOW_NS + 59 * SECOND_NS, &mut messages);
    reader.read(&messages);
    assert_eq!(reader.definitions.len(), 4);
    messages.clear();
    encoder.tick(NOW_NS + 60 * SECOND_NS, &mut messages);
    encoder.encode(&flows(3), NOW_NS + 119 * SECOND_NS, &mut messages).unwrap();
    reader.read(&messages);
    assert_eq!((reader.definitions.len(), reader.options.len()), (8, 2));
    messages.clear();
    encoder.encode(&flows(3), NOW_NS + 120 * SECOND_NS, &mut messages).unwrap();
    reader.read(&messages);
    assert_eq!((reader.definitions.len(), reader.options.len()), (12, 3));
}

#[test]
fn a_template_that_is_used_no_more_is_forgotten_until_it_is() {
    let mut encoder = IpfixEncoder::new(IpfixSettings { statistics_s: None, ..Default::default() });
    let mut messages = Messages::default();
    encoder.encode(&flows(3), NOW_NS, &mut messages).unwrap();
    for minute in 1..12 {
        encoder.tick(NOW_NS + minute * 60 * SECOND_NS, &mut messages);
    }
    let before = encoder.counts().templates;
    encoder.encode(&flows(3), NOW_NS + 661 * SECOND_NS, &mut messages).unwrap();
    assert_eq!(encoder.counts().templates - before, 3);
    Reader::default().read(&messages);
}

#[test]
fn without_a_refresh_templates_are_sent_once() {
    let settings = IpfixSettings { refresh: None, statistics_s: None, ..Default::default() };
    let mut encoder = IpfixEncoder::new(settings);
    let mut messages = Messages::default();
    for hour in 0..5 {
        encoder.encode(&flows(3), NOW_NS + hour * 3_600 * SECOND_NS, &mut messages).unwrap();
        encoder.tick(NOW_NS + hour * 3_600 * SECOND_NS, &mut messages);
    }
    assert_eq!(encoder.counts().templates, 4);
}

#[test]
fn a_new_session_begins_anew() {
    let mut encoder = IpfixEncoder::new(IpfixSettings { refresh: None, ..Default::default() });
    encoder.set_interfaces(&[Interface {
        index: 1,
        name: "eth0".into(),
        description: String::new(),
    }]);
    let mut first = Messages::default();
    encoder.encode(&flows(30), NOW_NS, &mut first).unwrap();
    encoder.restart();
    let mut second = Messages::default();
    encoder.encode(&flows(30), NOW_NS, &mut second).unwrap();
    assert_eq!(first, second);
    let mut reader = Reader::default();
    reader.read(&second);
    assert_eq!((reader.flows.len(), encoder.counts().records), (30, 60));
}

#[test]
fn interfaces_are_named_before_the_next_flows() {
    let mut encoder = IpfixEncoder::new(IpfixSettings::default());
    let mut messages = Messages::default();
    encoder.encode(&flows(3), NOW_NS, &mut messages).unwrap();
    let interface =
        |index, name: &str| Interface { index, name: name.into(), description: "uplink".into() };
    encoder.set_interfaces(&[interface(1, "eth0"), interface(2, "eth1")]);
    encoder.encode(&flows(3), NOW_NS, &mut messages).unwrap();
    let mut reader = Reader::default();
    reader.read(&messages);
    let named = reader.options_with(82);
    assert_eq!(named.len(), 2);
    assert_eq!((named[1].number(0, 10), named[1].get(0, 82)), (Some(2), Some(&b"eth1"[..])));
    assert_eq!(named[1].get(0, 83), Some(&b"uplink"[..]));
}

#[test]
fn elements_of_enterprises_are_described_once() {
    let mut batch = BatchBuilder::new(1);
    batch.u64(column::OCTETS, None, [1].into_iter());
    batch.u16(column::TCP_SYN_SIZE, None, [60].into_iter());
    batch.text(column::COMMUNITY_ID, None, ["1:x"].into_iter());
    let batch = batch.finish();
    let reader = sent(IpfixSettings::default(), &[batch.clone(), batch]);
    let described = reader.options_with(346);
    let numbers: Vec<_> = described.iter().map(|r| (r.number(0, 346), r.number(0, 303))).collect();
    assert_eq!(numbers, [(Some(8_057), Some(902)), (Some(32_473), Some(13))]);
    assert_eq!(described[1].get(0, 341), Some(&b"communityId"[..]));
    assert_eq!((described[1].number(0, 339), described[1].number(0, 344)), (Some(13), Some(0)));
    let summary = column::COMMUNITY_ID.spec().summary;
    assert_eq!(described[1].get(0, 340), Some(summary.as_bytes()));
}

#[test]
fn statistics_say_what_was_sent_before_them() {
    let mut encoder =
        IpfixEncoder::new(IpfixSettings { observation_domain: 9, ..Default::default() });
    let mut messages = Messages::default();
    encoder.encode(&flows(30), NOW_NS, &mut messages).unwrap();
    encoder.tick(NOW_NS + 30 * SECOND_NS, &mut messages);
    let before = encoder.counts();
    encoder.tick(NOW_NS + 60 * SECOND_NS, &mut messages);
    encoder.finish(NOW_NS + 61 * SECOND_NS, &mut messages);
    let mut reader = Reader::default();
    reader.read(&messages);
    let reports = reader.options_with(41);
    assert_eq!(reports.len(), 2);
    assert_eq!((reports[0].number(0, 149), reports[0].number(0, 42)), (Some(9), Some(30)));
    assert_eq!(reports[0].number(0, 41), Some(before.messages));
    assert_eq!(reports[0].number(0, 40), Some(before.octets));
    let after = encoder.counts();
    assert_eq!(after.octets, messages.octets.len() as u64);
    assert_eq!(after.messages, messages.len() as u64);
    assert_eq!(after.records + after.options_records, u64::from(encoder.sequence()));
}

#[test]
fn a_record_longer_than_a_message_is_lost_and_said_to_be() {
    let long = "x".repeat(1_400);
    let mut batch = BatchBuilder::new(4);
    batch.u64(column::OCTETS, None, [1, 20, 3, 40].into_iter());
    batch.u64(column::PACKETS, None, [1, 2, 3, 4].into_iter());
    batch.text(column::APPLICATION_NAME, None, ["a", &long, "b", &long].into_iter());
    let mut encoder = IpfixEncoder::new(IpfixSettings::default());
    let mut messages = Messages::default();
    encoder.encode(&batch.finish(), NOW_NS, &mut messages).unwrap();
    encoder.not_sent(5, NOW_NS + SECOND_NS);
    encoder.finish(NOW_NS + SECOND_NS, &mut messages);
    let mut reader = Reader::default();
    reader.read(&messages);
    let left: Vec<_> = reader.flows.iter().map(|flow| flow.number(0, 1)).collect();
    assert_eq!(left, [Some(1), Some(3)]);
    assert_eq!(encoder.counts().lost_too_long, 2);
    let report = reader.options_with(166)[0];
    let numbers = [166, 167, 168].map(|id| report.number(0, id));
    assert_eq!(numbers, [Some(7), Some(6), Some(60)]);
    let times: Vec<u64> =
        report.values[4..].iter().map(|(_, v)| penstock_codec::value::unsigned(v)).collect();
    assert_eq!(times, [1_700_000_000_000, 1_700_000_001_000]);
}

#[test]
fn a_template_longer_than_a_message_loses_its_records_only() {
    let settings = IpfixSettings { message_octets: 90, ..IpfixSettings::default() };
    let mut encoder = IpfixEncoder::new(settings);
    let mut small = BatchBuilder::new(1);
    small.u64(column::OCTETS, None, [1].into_iter());
    let mut messages = Messages::default();
    encoder.encode(&small.finish(), NOW_NS, &mut messages).unwrap();
    encoder.encode(&flows(3), NOW_NS, &mut messages).unwrap();
    let mut reader = Reader::default();
    reader.read(&messages);
    assert_eq!((reader.flows.len(), encoder.counts().lost_too_long), (1, 3));
}

#[test]
fn more_templates_than_a_session_may_have_are_refused() {
    let settings = IpfixSettings { first_template: 65_533, ..IpfixSettings::default() };
    let mut encoder = IpfixEncoder::new(settings);
    let mut messages = Messages::default();
    encoder.encode(&flows(30), NOW_NS, &mut messages).unwrap();
    let counts = encoder.counts();
    assert_eq!((counts.records, counts.lost_too_many_templates), (30, 0));
    encoder.finish(NOW_NS, &mut messages);
    let mut reader = Reader::default();
    reader.read(&messages);
    assert_eq!(reader.flows.len(), 30);
    let mut encoder =
        IpfixEncoder::new(IpfixSettings { first_template: 65_534, ..Default::default() });
    encoder.encode(&flows(30), NOW_NS, &mut messages).unwrap();
    assert_eq!(encoder.counts().lost_too_many_templates, 10);
}

#[test]
fn the_sequence_comes_round() {
    let mut encoder = IpfixEncoder::new(IpfixSettings::default());
    encoder.sequence = u32::MAX - 1;
    let mut messages = Messages::default();
    encoder.encode(&flows(3), NOW_NS, &mut messages).unwrap();
    assert_eq!(encoder.sequence(), 2);
}

#[test]
fn the_same_batches_give_the_same_octets() {
    let run = || {
        let mut encoder = IpfixEncoder::new(IpfixSettings::default());
        let mut messages = Messages::default();
        encoder.encode(&flows(100), NOW_NS, &mut messages).unwrap();
        messages
    };
    assert_eq!(run(), run());
}
