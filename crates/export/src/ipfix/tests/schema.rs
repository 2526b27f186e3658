// SPDX-License-Identifier: Apache-2.0
//! What holds for every column that the registry says is written.

use penstock_record::{Column, Kind, schema_of};

use super::*;
use crate::ipfix::Times;

/// Two rows of a column, with values that no other column has.
fn fill(column: Column, batch: &mut BatchBuilder) {
    let seed = column.spec().protobuf.cast_signed().into();
    let octet = column.spec().protobuf.to_be_bytes()[3];
    let two = || [octet, octet ^ 1].into_iter();
    match column.kind() {
        Kind::Bool => batch.bool(column, None, [true, false].into_iter()),
        Kind::U8 if column == column::IP_VERSION => batch.u8(column, None, [4, 6].into_iter()),
        Kind::U8 => batch.u8(column, None, two()),
        Kind::U16 => batch.u16(column, None, two().map(u16::from)),
        Kind::U32 => batch.u32(column, None, two().map(u32::from)),
        Kind::U64 => batch.u64(column, None, two().map(u64::from)),
        Kind::I8 => batch.i8(column, None, two().map(u8::cast_signed)),
        Kind::F64 => batch.f64(column, None, two().map(f64::from)),
        Kind::Ip => {
            batch.ip(column, None, [mapped([192, 0, 2, octet]), IPV6].into_iter());
        }
        Kind::Mac => batch.mac(column, None, two().map(|octet| [2, 0, 0, 0, 0, octet])),
        Kind::TimestampNs => {
            batch.timestamps(column, None, [NOW_NS + seed, NOW_NS - seed].into_iter());
        }
        Kind::TimestampS => batch.timestamps_s(column, None, [seed, seed].into_iter()),
        Kind::DurationNs => batch.durations(column, None, [seed, seed].into_iter()),
        Kind::Text => batch.text(column, None, [column.name(), ""].into_iter()),
        Kind::Dictionary if column == column::COUNTER_SEMANTICS => {
            batch.constant_text(column, "delta");
        }
        Kind::Dictionary => batch.constant_text(column, column.name()),
        Kind::Binary => batch.binary(column, None, [&[octet][..], &[]].into_iter()),
        Kind::List(item) => fill_list(column, *item, octet, batch),
        Kind::Struct(_) => panic!("{column:?}: no column is a struct"),
    }
}

fn fill_list(column: Column, item: Kind, octet: u8, batch: &mut BatchBuilder) {
    let lengths = [2, 1].into_iter();
    // Bits beside a label are three.
    let octet = if column == column::MPLS_EXPS { octet & 7 } else { octet };
    match item {
        Kind::U8 => batch.list_u8(column, None, lengths, vec![octet; 3]),
        Kind::I8 => batch.list_i8(column, None, lengths, vec![octet.cast_signed(); 3]),
        Kind::U16 => batch.list_u16(column, None, lengths, vec![octet.into(); 3]),
        Kind::U32 => batch.list_u32(column, None, lengths, vec![octet.into(); 3]),
        Kind::TimestampNs => batch.list_timestamps(column, None, lengths, vec![NOW_NS; 3]),
        _ => assert_eq!(column, column::EXTRA, "a kind of list that no test fills"),
    }
}

/// Columns of the session, which do not come back.
fn is_session(column: Column) -> bool {
    let group = column.spec().group;
    matches!(group, "exporter" | "sequence" | "received" | "stored")
        || [column::SOURCE_KIND, column::SAMPLING_ORIGIN].contains(&column)
}

#[test]
fn every_column_that_is_not_the_sessions_is_sent() {
    for column in Column::all().filter(|column| !is_session(*column)) {
        if [column::EXTRA, column::COUNTER_SEMANTICS].contains(&column) {
            continue;
        }
        for times in [Times::Nanoseconds, Times::Microseconds, Times::Milliseconds] {
            let mut batch = BatchBuilder::new(2);
            batch.f64(column::SAMPLING_RATE, None, [7.0, 9.0].into_iter());
            if column != column::SAMPLING_RATE {
                fill(column, &mut batch);
            }
            let settings = IpfixSettings { times, ..IpfixSettings::default() };
            let reader = sent(settings, &[batch.finish()]);
            assert_eq!(reader.flows.len(), 2, "{column:?}");
            // Interval and space, and if it is not the rate, the column.
            let fields = if column == column::SAMPLING_RATE { 2 } else { 3 };
            let found: Vec<_> = reader.flows.iter().map(|flow| flow.values.len()).collect();
            // Entries of a label stack are as many fields.
            assert!(found.iter().all(|found| *found >= fields), "{column:?}: {found:?}");
        }
    }
}

#[test]
fn all_columns_together_are_a_record_for_each_ip_version() {
    let columns: Vec<Column> = Column::all().filter(|column| *column != column::EXTRA).collect();
    let mut batch = BatchBuilder::new(2);
    for column in &columns {
        fill(*column, &mut batch);
    }
    let batch = batch.finish();
    assert_eq!(batch.schema(), schema_of(&columns));
    let reader = sent(IpfixSettings { pad: true, ..IpfixSettings::default() }, &[batch]);
    assert_eq!(reader.flows.len(), 2);
    for flow in &reader.flows {
        let known = |(pen, id): (u32, u16)| penstock_elements::by_number(pen, id).is_some();
        assert!(flow.values.iter().all(|(number, _)| known(*number)), "{flow:?}");
        let mut numbers: Vec<_> = flow.values.iter().map(|(number, _)| *number).collect();
        numbers.retain(|number| *number != (0, 291));
        let all = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), all, "an element twice");
    }
    let octets: Vec<_> = reader.flows.iter().map(|flow| flow.has(0, 8)).collect();
    assert_eq!(octets, [true, false]);
}
