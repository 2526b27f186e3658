// SPDX-License-Identifier: Apache-2.0
//! Senders that nobody knows, templates without end, octets of any kind.

use penstock_codec::{Field, Template, ipfix, netflow::v9};
use penstock_collect::{Collector, Reception, Settings};
use penstock_record::{Fate, Unit};
use penstock_traffic::Protocol;

use crate::run::{Run, check_ledger, count, each, reason};

const NOW_NS: i64 = 1_700_000_000_000_000_000;
const NOW_S: u32 = 1_700_000_000;

/// A message with one template of so many fields.
fn defining(id: u16, fields: usize) -> Vec<u8> {
    let fields = (1..).map(|id| Field { pen: 0, id, length: 4 }).take(fields).collect();
    let template = Template { id, scopes: 0, fields };
    let mut octets = Vec::new();
    let mut message = ipfix::MessageWriter::begin(&mut octets, NOW_S, 0, 1);
    message.begin_set(ipfix::TEMPLATE_SET);
    ipfix::write_template(message.octets(), &template).unwrap();
    message.finish().unwrap();
    octets
}

/// A message with a set of data and nothing else.
fn data(id: u16, octets_of: usize) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut message = ipfix::MessageWriter::begin(&mut octets, NOW_S, 0, 1);
    message.begin_set(id);
    message.octets().resize(16 + 4 + octets_of, 7);
    message.finish().unwrap();
    octets
}

fn sender(number: u32) -> [u8; 16] {
    let mut addr = [0; 16];
    addr[10..12].fill(0xff);
    addr[12..].copy_from_slice(&number.to_be_bytes());
    addr
}

/// Every way in which a sender makes a collector remember something.
#[test]
fn a_hundred_thousand_made_up_senders_take_no_more_room_than_there_is() {
    let settings = Settings { max_exporters: 1_000, parked_octets: 100_000, ..Settings::default() };
    let mut collector = Collector::new(settings);
    let version_9 = {
        let mut octets = Vec::new();
        let header =
            v9::Header { count: 1, uptime_ms: 1, unix_s: NOW_S, sequence: 1, source_id: 5 };
        v9::PacketWriter::begin(&mut octets, &header).finish(1).unwrap();
        octets
    };
    let kinds =
        [defining(256, 10), data(300, 200), version_9, [&[0, 5, 0, 1][..], &[1; 68]].concat()];
    for number in 0..100_000_u32 {
        let octets = &kinds[number as usize % kinds.len()];
        let reception = collector.datagram(sender(number), 9, NOW_NS + i64::from(number), octets);
        assert!(!matches!(reception, Reception::Refused("too many exporters")), "{number}");
        if collector.is_full(500) {
            collector.take();
        }
        if number % 10_000 == 0 {
            assert!(collector.exporters().len() <= 1_000);
        }
    }
    collector.take();
    check_ledger(&collector, 100_000);
    assert_eq!(collector.exporters().len(), 1_000);
    assert_eq!(reason(&collector, "forgotten for want of room"), 99_000);
    let images = collector.kept_templates().unwrap().len() + collector.kept_sequences().len();
    assert!(images < 1_000_000, "{images}");
    assert!(reason(&collector, "given up: exporter forgotten") > 0);
}

/// Of what is kept, no more is taken up than there is room for, and what has no room is said.
#[test]
fn more_exporters_kept_than_there_is_room_for_are_counted() {
    let mut before = Collector::new(Settings::default());
    for number in 0..100 {
        before.datagram(sender(number), 9, NOW_NS, &defining(256, 10));
    }
    let mut after = Collector::new(Settings { max_exporters: 60, ..Settings::default() });
    after.restore_templates(&before.kept_templates().unwrap(), NOW_NS).unwrap();
    assert_eq!((after.exporters().len(), after.templates().len()), (60, 60));
    assert_eq!(reason(&after, "forgotten for want of room"), 40);
}

#[test]
fn senders_whose_records_wait_are_not_forgotten_before_they_are_given_out() {
    let settings = Settings { max_exporters: 10, ..Settings::default() };
    let mut collector = Collector::new(settings);
    let octets = [&[0, 5, 0, 1][..], &[1; 68]].concat();
    for number in 0..100 {
        let reception = collector.datagram(sender(number), 9, NOW_NS, &octets);
        let expected =
            if number < 10 { Reception::Whole } else { Reception::Refused("too many exporters") };
        assert_eq!(reception, expected, "{number}");
    }
    assert_eq!(collector.take().iter().map(|(_, batch)| batch.num_rows()).sum::<usize>(), 10);
    check_ledger(&collector, 100);
    assert_eq!(count(&collector, "message", Fate::Lost, Unit::Datagrams), 90);
    assert_eq!(collector.datagram(sender(99), 9, NOW_NS, &octets), Reception::Whole);
}

#[test]
fn templates_and_fields_beyond_the_bound_are_refused_and_said_to_be() {
    let settings = Settings { max_templates: 50, max_fields: 20, ..Settings::default() };
    let mut collector = Collector::new(settings);
    for id in 256..356 {
        let reception = collector.datagram(sender(1), 9, NOW_NS, &defining(id, 20));
        let expected =
            if id < 306 { Reception::Whole } else { Reception::Refused("too many templates") };
        assert_eq!(reception, expected);
    }
    let reception = collector.datagram(sender(1), 9, NOW_NS, &defining(256, 21));
    assert_eq!(reception, Reception::Refused("too many fields"));
    assert_eq!(collector.templates().len(), 50);
    assert_eq!(reason(&collector, "templates beyond the bound"), 50);
    assert_eq!(reason(&collector, "templates with too many fields"), 1);
    check_ledger(&collector, 101);
}

#[test]
fn what_waits_for_templates_is_bounded_in_octets_and_in_age() {
    let settings = Settings { parked_octets: 1 << 20, parked_ns: 1_000, ..Settings::default() };
    let mut collector = Collector::new(settings);
    for number in 0..2_000 {
        collector.datagram(sender(number), 9, NOW_NS, &data(300, 1_000));
    }
    let parked = |collector: &Collector| -> u64 {
        collector.exporters().iter().map(|exporter| exporter.parked).sum()
    };
    let waiting = parked(&collector);
    assert!((500..1_049).contains(&waiting), "{waiting}");
    assert_eq!(reason(&collector, "given up: no room to wait"), 2_000 - waiting);
    collector.tick(NOW_NS + 2_000_000_000);
    assert_eq!(parked(&collector), 0);
    assert_eq!(reason(&collector, "given up: no template came"), waiting);
    check_ledger(&collector, 2_000);
}

#[test]
fn many_fields_without_octets_cost_nothing() {
    one_octet_and_many_fields(0);
    one_octet_and_many_fields(1);
}

fn one_octet_and_many_fields(scopes: u16) {
    let mut fields = vec![Field { pen: 0, id: 4, length: 1 }];
    fields.resize(1_000, Field { pen: 0, id: 3, length: 0 });
    let template = Template { id: 256, scopes, fields: fields.into() };
    let mut octets = Vec::new();
    let mut message = ipfix::MessageWriter::begin(&mut octets, NOW_S, 0, 1);
    message.begin_set(ipfix::TEMPLATE_SET + scopes);
    ipfix::write_template(message.octets(), &template).unwrap();
    message.begin_set(256);
    message.octets().resize(65_000, 6);
    message.finish().unwrap();
    let mut collector = Collector::new(Settings::default());
    assert_eq!(collector.datagram(sender(1), 9, NOW_NS, &octets), Reception::Whole);
    let batches = collector.take();
    let rows: usize = batches.iter().map(|(_, batch)| batch.num_rows()).sum();
    assert!(rows > 60_000);
    let octets: usize = batches.iter().map(|(_, batch)| batch.get_array_memory_size()).sum();
    assert!(octets < 300 * rows, "{octets} octets for {rows} rows");
}

#[test]
fn every_prefix_of_every_datagram_is_counted_and_harms_nobody() {
    let settings = penstock_traffic::Settings {
        records: Some(200),
        message_octets: 640,
        template_every: 2,
        sampling: vec![100],
        ..each()
    };
    let mut collector = Collector::new(Settings::default());
    let mut whole = Collector::new(Settings::default());
    let mut run = Run::new(settings.clone());
    let mut sent = 0;
    let mut seen = Vec::new();
    while let Some(datagram) = run.traffic.next() {
        seen.push((datagram.exporter, datagram.time_ns, datagram.octets.to_vec()));
    }
    for (exporter, time_ns, octets) in &seen {
        for length in 0..=octets.len() {
            let addr = run.addr(*exporter);
            collector.datagram(addr, 2055, *time_ns, &octets[..length]);
            sent += 1;
        }
        if collector.is_full(10_000) {
            collector.take();
        }
    }
    collector.take();
    check_ledger(&collector, sent);
    let protocols: Vec<Protocol> = run.traffic.truth().iter().map(|truth| truth.protocol).collect();
    assert!(Protocol::ALL.iter().all(|protocol| protocols.contains(protocol)));
    let run = Run::to_the_end(settings, &mut whole);
    assert_eq!(run.given.flows.values().map(|sums| sums.records).sum::<u64>(), 200);
    let decoded = |collector| count(collector, "decode", Fate::Out, Unit::Flows);
    assert!(decoded(&collector) > decoded(&whole));
}
