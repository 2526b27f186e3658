// SPDX-License-Identifier: Apache-2.0
//! Flows of any columns, exported by IPFIX and collected: the same rows come back.
//!
//! `how`, `times`, then batches: see src/rows.rs.
#![no_main]

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use libfuzzer_sys::fuzz_target;
use penstock_collect::{Collector, Reception, Settings};
use penstock_export::ipfix::{IpfixEncoder, IpfixSettings, Messages, Refresh};
use penstock_fuzz::rows::{NOW_NS, batch};
use penstock_fuzz::{Input, collected};
use penstock_record::{BatchKind, Fate, Unit, column};

fuzz_target!(|octets: &[u8]| {
    let mut input = Input::new(octets);
    let how = input.u8();
    let mut encoder = IpfixEncoder::new(settings(how));
    let settings = Settings { enterprise: enterprise(how), ..Settings::default() };
    let mut collector = Collector::new(settings.clone());
    let session = if how & 64 == 0 { None } else { Some(collector.open_stream([1; 16], 4739)) };
    let (mut first, mut now_ns) = (0, NOW_NS);
    while let Some(batch) = batch(&mut input, first) {
        let mut messages = Messages::default();
        encoder.encode(&batch, now_ns, &mut messages).expect("columns of flows");
        for message in messages.iter() {
            if let Some(session) = session {
                collector.stream(session, message, now_ns).expect("a sound message");
            } else {
                let reception = collector.datagram([1; 16], 4739, now_ns, message);
                assert_eq!(reception, Reception::Whole);
            }
        }
        let back = collected::take(&mut collector);
        check(&batch, &back, first, messages.flow_records());
        first += batch.num_rows() as u64;
        now_ns += 7_000_000_000;
    }
    let counts = encoder.counts();
    assert_eq!(counts.records + counts.lost_too_long + counts.lost_too_many_templates, first);
    assert_eq!(counts.lost_values, 0);
    let ledger = collector.ledger();
    assert_eq!(collected::count(&ledger, "network", Fate::Lost, Unit::Records), 0);
    assert_eq!(collected::count(&ledger, "decode", Fate::In, Unit::Records), counts.records);
    collected::check_ledger(&collector, &settings, counts.messages);
});

fn settings(how: u8) -> IpfixSettings {
    IpfixSettings {
        message_octets: [1_392, 512, 65_535, 64][usize::from(how & 3)],
        pad: how & 4 != 0,
        refresh: (how & 8 != 0).then_some(Refresh { seconds: 5, messages: 2 }),
        enterprise: enterprise(how),
        statistics_s: (how & 32 != 0).then_some(5),
        ..IpfixSettings::default()
    }
}

/// The number of our own elements: the registry's, or an operator's own.
fn enterprise(how: u8) -> u32 {
    if how & 16 == 0 { 32_473 } else { 77_777 }
}

/// Asserts that so many rows came back, each as it was.
fn check(sent: &RecordBatch, back: &[(BatchKind, RecordBatch)], first: u64, records: u64) {
    let mut seen = vec![false; sent.num_rows()];
    for (_, batch) in back.iter().filter(|(kind, _)| *kind == BatchKind::Flows) {
        let numbers = batch.column_by_name(column::FLOW_ID.name()).expect("every row has one");
        for (row, number) in numbers.as_primitive::<UInt64Type>().values().iter().enumerate() {
            let place = usize::try_from(number - first).expect("a row of this batch");
            assert!(!seen[place], "twice");
            seen[place] = true;
            check_row(sent, place, batch, row);
        }
    }
    assert_eq!(seen.iter().filter(|seen| **seen).count() as u64, records);
}

fn check_row(sent: &RecordBatch, place: usize, back: &RecordBatch, row: usize) {
    for (field, values) in sent.schema().fields().iter().zip(sent.columns()) {
        let name = field.name().as_str();
        let found = back.column_by_name(name);
        if values.is_null(place) {
            assert!(found.is_none_or(|found| found.is_null(row)), "{name}: null became a value");
            continue;
        }
        let found = found.unwrap_or_else(|| panic!("{name}: not there"));
        let same = if name == column::EXTRA.name() {
            elements(values, place) == elements(found, row)
        } else {
            *values.slice(place, 1) == *found.slice(row, 1)
        };
        assert!(same, "{name}: {:?} became {:?}", values.slice(place, 1), found.slice(row, 1));
    }
    for (field, values) in back.schema().fields().iter().zip(back.columns()) {
        let is_new = sent.column_by_name(field.name()).is_none() && values.is_valid(row);
        let name = field.name().as_str();
        assert!(
            !is_new || OF_SESSION.contains(&name),
            "{name} out of nothing: {:?}",
            values.slice(row, 1)
        );
    }
}

/// Elements without a column, in an order of their own: those of fixed length are sent first.
fn elements(lists: &dyn Array, row: usize) -> Vec<(u32, u16, Vec<u8>)> {
    let list = lists.as_list::<i32>().value(row);
    let list = list.as_struct();
    let (pens, ids) =
        (list.column(0).as_primitive::<UInt32Type>(), list.column(1).as_primitive::<UInt16Type>());
    let values = list.column(2).as_binary::<i32>();
    let element = |at| (pens.value(at), ids.value(at), values.value(at).to_vec());
    let mut elements: Vec<_> = (0..list.len()).map(element).collect();
    elements.sort();
    elements
}

/// What is not the record's own, but of its session.
const OF_SESSION: [&str; 9] = [
    "source_kind",
    "sampling_rate",
    "sampling_origin",
    "exporter_addr",
    "exporter_port",
    "observation_domain",
    "sequence",
    "time_received",
    "time_suspect",
];
