// SPDX-License-Identifier: Apache-2.0
//! How fast records become batches: run with `--release -- --ignored --nocapture rate`.

use std::time::Instant;

use arrow_array::RecordBatch;

use penstock_codec::{Field, Template, VARIABLE};

use super::{Dialect, One, Plan, Rows, iana, message};

const RECORDS: usize = 20_000_000;
const TEMPLATES: u32 = 20_000;
const BATCH_ROWS: usize = 65_536;

#[test]
#[ignore = "measures"]
fn rate_of_version_5() {
    measure("v5", penstock_codec::netflow::v5::template(), Dialect::NetFlow5, 30);
}

#[test]
#[ignore = "measures"]
fn rate_of_version_9() {
    measure("v9, 20 fields", &common(&[(22, 4), (21, 4)], 4), Dialect::NetFlow9, 25);
}

#[test]
#[ignore = "measures"]
fn rate_of_ipfix() {
    measure("IPFIX, 20 fields", &common(&[(152, 8), (153, 8)], 8), Dialect::Ipfix, 20);
    measure("IPFIX, 20 fields, ns", &common(&[(156, 8), (157, 8)], 8), Dialect::Ipfix, 20);
}

#[test]
#[ignore = "measures"]
fn rate_of_records_of_variable_length() {
    let mut fields = common(&[(152, 8), (153, 8)], 8).fields.to_vec();
    fields.push(Field { pen: 0, id: 96, length: VARIABLE });
    let template = Template { id: 256, scopes: 0, fields: fields.into() };
    measure("IPFIX, a name besides", &template, Dialect::Ipfix, 18);
}

#[test]
#[ignore = "measures"]
fn rate_of_records_with_elements_without_column() {
    let mut fields = common(&[(22, 4), (21, 4)], 4).fields.to_vec();
    let extra = |id| Field { pen: 9, id, length: 4 };
    fields.extend([extra(1), extra(2), extra(3)]);
    let template = Template { id: 256, scopes: 0, fields: fields.into() };
    measure("v9, 3 fields besides", &template, Dialect::NetFlow9, 22);
}

#[test]
#[ignore = "measures"]
fn rate_of_records_with_lists() {
    let list = |id| Field { pen: 8057, id, length: VARIABLE };
    let mut fields = common(&[(152, 8), (153, 8)], 8).fields.to_vec();
    fields.extend([list(1013), list(1015), list(1016)]);
    let template = Template { id: 256, scopes: 0, fields: fields.into() };
    measure("IPFIX, 3 lists of 10 besides", &template, Dialect::Ipfix, 8);
}

#[test]
#[ignore = "measures"]
fn rate_of_templates() {
    let template = common(&[(152, 8), (153, 8)], 8);
    let begun = Instant::now();
    for _ in 0..TEMPLATES {
        assert!(!Plan::compile(&template, Dialect::Ipfix).ops.is_empty());
    }
    let each_us = begun.elapsed().as_secs_f64() * 1e6 / f64::from(TEMPLATES);
    println!("a template: {each_us:.1} us");
}

fn common(times: &[(u16, u16)], counter_octets: u16) -> Template {
    let mut fields = vec![(8, 4), (12, 4), (15, 4), (7, 2), (11, 2), (4, 1), (5, 1), (6, 1)];
    fields.extend([(10, 4), (14, 4), (1, counter_octets), (2, counter_octets)]);
    fields.extend([(16, 4), (17, 4), (9, 1), (13, 1), (61, 1), (58, 2)]);
    fields.extend(times);
    iana(&fields)
}

fn measure(what: &str, template: &Template, dialect: Dialect, records: usize) {
    let sent: Vec<_> = template.fields.iter().copied().map(as_sent).collect();
    let sent = Template { fields: sent.into(), ..template.clone() };
    let plan = Plan::compile(&sent, dialect);
    let mut set = Vec::new();
    for record in 0..records {
        for field in &template.fields {
            match (field.id, field.length) {
                (1013..=1016, _) => {
                    let width = if field.id == 1013 { 2 } else { 1 };
                    set.extend([9 + 10 * width, 4]);
                    set.extend((field.id | 0x8000).to_be_bytes());
                    set.extend([0, width, 0, 0, 0x1f, 0x79]);
                    set.resize(set.len() + usize::from(10 * width), 1);
                }
                (96, _) => set.extend(b"\x05https"),
                (4, _) => set.push(if record % 3 == 0 { 17 } else { 6 }),
                (152 | 153, _) => set.extend((super::NOW_NS / 1_000_000 - 5).to_be_bytes()),
                (156 | 157, _) => {
                    set.extend(penstock_codec::value::ns_to_ntp(super::NOW_NS - 5).to_be_bytes());
                }
                (21 | 22, _) => set.extend(900_000_u32.to_be_bytes()),
                (_, length) => {
                    set.extend((0..length).map(|octet| (octet + record as u16 * 7) as u8 & 0x3f));
                }
            }
        }
    }
    let mut rows = Rows::default();
    let mut message = message();
    let (begun, begun_cpu) = (Instant::now(), cpu_s());
    let mut seen = 0;
    for _ in 0..RECORDS / records {
        message.sequence = message.sequence.wrapping_add(1);
        assert_eq!(rows.decode(&plan, &set, &message, &|_| None).malformed, None);
        if rows.is_full(BATCH_ROWS) {
            seen += rows.drain(&One).iter().map(RecordBatch::num_rows).sum::<usize>();
        }
    }
    let took_s = begun.elapsed().as_secs_f64();
    // Of the processor alone, where the system tells: others may be at work on it.
    let cpu_s = begun_cpu.zip(cpu_s()).map_or(took_s, |(begun, now)| now - begun);
    let rate = |took_s: f64| seen as f64 / took_s / 1e6;
    println!("{what}: {:.1} M records/s, {:.1} by the processor", rate(took_s), rate(cpu_s));
}

/// Elements that are measured as lists are sent as such.
fn as_sent(field: Field) -> Field {
    if field.pen == 8057 { Field { pen: 0, id: 291, ..field } } else { field }
}

/// Seconds that this thread has run.
fn cpu_s() -> Option<f64> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let ns: f64 = told.split_whitespace().next()?.parse().ok()?;
    Some(ns / 1e9)
}
