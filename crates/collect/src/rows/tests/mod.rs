// SPDX-License-Identifier: Apache-2.0
//! What records become, from the octets of the formats' worked examples and of made-up templates.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::format_collect,
    reason = "test data is small"
)]

mod captures;
mod columns;
mod hostile;
mod lists;
mod rate;
mod times;
mod worked;

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Float64Type, Int8Type, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use penstock_codec::{Field, Template};

use super::{Decoded, Dialect, Exporters, Identity, Message, Plan, Rows, SourceKind};
use crate::memory::sampling::{Sampling, SamplingOrigin};

pub(super) const NOW_NS: i64 = 1_700_000_000_000_000_000;

/// Knows one exporter, whose sampler 7 takes one packet of 100.
pub(super) struct One;

impl Exporters for One {
    fn identity(&self, exporter: u32) -> Identity {
        let addr = super::read::mapped([192, 0, 2, exporter as u8]);
        Identity { addr, port: 2055, domain: 5, kind: SourceKind::NetFlow9 }
    }

    fn sampling(&self, _: u32, stated: Option<f64>, sampler: Option<u64>) -> Sampling {
        match (stated, sampler) {
            (Some(rate), _) => Sampling { rate, origin: SamplingOrigin::Record },
            (None, Some(7)) => Sampling { rate: 100.0, origin: SamplingOrigin::Options },
            _ => Sampling::UNKNOWN,
        }
    }
}

pub(super) fn message() -> Message {
    Message {
        exporter: 1,
        sequence: 9,
        received_ns: NOW_NS + 1_000_000_000,
        export_ns: NOW_NS,
        uptime_ms: Some(1_000_000),
        stated_rate: None,
    }
}

/// A template of these elements and lengths; an element is (0, id) unless it has an enterprise.
pub(super) fn template(fields: &[(u32, u16, u16)]) -> Template {
    let fields = fields.iter().map(|&(pen, id, length)| Field { pen, id, length });
    Template { id: 256, scopes: 0, fields: fields.collect() }
}

pub(super) fn iana(fields: &[(u16, u16)]) -> Template {
    let fields: Vec<_> = fields.iter().map(|&(id, length)| (0, id, length)).collect();
    template(&fields)
}

/// Decodes one set and drains it.
pub(super) fn decode(template: &Template, dialect: Dialect, set: &[u8]) -> (Decoded, RecordBatch) {
    decode_with(template, dialect, set, &message())
}

pub(super) fn decode_with(
    template: &Template,
    dialect: Dialect,
    set: &[u8],
    message: &Message,
) -> (Decoded, RecordBatch) {
    let mut rows = Rows::default();
    let plan = Plan::compile(template, dialect);
    let decoded = rows.decode(&plan, set, message, &|_| None);
    assert_eq!(rows.len(), decoded.records as usize);
    let mut batches = rows.drain(&One);
    assert!(batches.len() <= 1);
    assert_eq!(rows.len(), 0);
    (
        decoded,
        batches.pop().unwrap_or_else(|| RecordBatch::new_empty(penstock_record::schema_of(&[]))),
    )
}

/// One row as text: `name=value` of the columns asked for, `-` for null, nothing for a column that
/// is not there.
pub(super) fn show(batch: &RecordBatch, row: usize, names: &str) -> String {
    let shown = names.split_whitespace().filter_map(|name| {
        let array = batch.column_by_name(name)?;
        let value = if array.is_null(row) { "-".to_owned() } else { value(array, row) };
        Some(format!("{name}={value}"))
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn value(array: &ArrayRef, row: usize) -> String {
    match array.data_type() {
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).to_string(),
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).to_string(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).to_string(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).to_string(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).to_string(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Binary => hex(array.as_binary::<i32>().value(row)),
        // Milliseconds from now, and what is left of nanoseconds.
        DataType::Timestamp(..) => {
            let time = array.as_primitive::<TimestampNanosecondType>().value(row) - NOW_NS;
            if time % 1_000_000 == 0 { (time / 1_000_000).to_string() } else { format!("{time}ns") }
        }
        DataType::FixedSizeBinary(16) => {
            let octets: [u8; 16] = array.as_fixed_size_binary().value(row).try_into().unwrap();
            std::net::Ipv6Addr::from(octets).to_canonical().to_string()
        }
        DataType::FixedSizeBinary(_) => hex(array.as_fixed_size_binary().value(row)),
        DataType::Dictionary(..) => {
            let words = array.as_dictionary::<UInt8Type>();
            words.values().as_string::<i32>().value(words.keys().value(row).into()).to_owned()
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>().value(row);
            let values: Vec<String> = (0..list.len()).map(|item| value(&list, item)).collect();
            format!("[{}]", values.join(","))
        }
        DataType::Struct(_) => {
            let values = array.as_struct().columns().iter().map(|column| value(column, row));
            values.collect::<Vec<_>>().join("/")
        }
        other => panic!("{other}"),
    }
}

pub(super) fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks_exact(2).map(octet).collect()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

pub(super) type Lookup = dyn Fn(u16) -> Option<Arc<Template>>;

/// Decodes records of these fields and shows columns of the first.
pub(super) fn first(fields: &[(u16, u16)], hex: &str, names: &str) -> String {
    let (decoded, batch) = decode(&iana(fields), Dialect::Ipfix, &octets(hex));
    assert_eq!(decoded.malformed, None);
    show(&batch, 0, names)
}

pub(super) fn hex64(value: u64) -> String {
    format!("{value:016x}")
}
