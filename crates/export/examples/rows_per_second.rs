// SPDX-License-Identifier: Apache-2.0
//! How many rows of 30 columns each encoder writes in a second, on one core.
//!
//! `cargo run --release -p penstock-export --example rows_per_second`

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{
    ArrayRef, DictionaryArray, FixedSizeBinaryArray, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema};

const ROWS: usize = 100_000;
const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let batch = batch()?;
    let schema = batch.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    measure("json", |out| penstock_export::json_lines(&batch, None, out))?;
    measure("csv", |out| penstock_export::csv(&batch, &names, true, out))?;
    measure("text", |out| penstock_export::text(&batch, &names, true, false, out))?;
    Ok(())
}

/// Prints the fastest of several rounds: whatever else the machine does only slows.
fn measure<E>(name: &str, encode: impl Fn(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
    let mut out = Vec::new();
    let mut best_seconds = f64::INFINITY;
    for _ in 0..ROUNDS {
        out.clear();
        let start = Instant::now();
        encode(&mut out)?;
        best_seconds = best_seconds.min(start.elapsed().as_secs_f64());
    }
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let (rows, octets) = (ROWS as f64, out.len() as f64);
    let (rate, per_row) = (rows / best_seconds / 1e6, octets / rows);
    println!("{name:5} {rate:6.2} M rows/s, {per_row:.0} octets a row");
    Ok(())
}

/// A batch such as a probe makes: mostly TCP, a reverse side in every row, nine rows of ten IPv4.
fn batch() -> Result<RecordBatch, ArrowError> {
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    for name in ["time_start", "time_end", "time_start_rev", "time_end_rev"] {
        let times = rows(|row| 1_767_323_045_000_000_000 + i64::try_from(row).unwrap_or(0) * 7_919);
        let times = TimestampNanosecondArray::from_iter_values(times).with_timezone("UTC");
        columns.push((name.into(), Arc::new(times)));
    }
    for name in ["src_addr", "dst_addr"] {
        columns.push((name.into(), Arc::new(octets(address)?)));
    }
    for name in ["src_mac", "dst_mac"] {
        columns
            .push((name.into(), Arc::new(octets(|row| mixed(row).to_be_bytes()[..6].to_vec())?)));
    }
    for name in ["octets", "packets", "octets_rev", "packets_rev", "l2_octets", "l2_octets_rev"] {
        let counters = UInt64Array::from_iter_values(rows(|row| mixed(row) >> 44));
        columns.push((name.into(), Arc::new(counters)));
    }
    for name in ["src_port", "dst_port", "tcp_flags", "tcp_flags_rev", "ethertype", "vlan_id"] {
        let numbers = UInt16Array::from_iter_values(rows(|row| mixed(row).to_be_bytes()[0].into()));
        columns.push((name.into(), Arc::new(numbers)));
    }
    for name in ["protocol", "ip_version", "end_reason", "tos", "ttl_min", "ttl_max", "ip_flags"] {
        let numbers = UInt8Array::from_iter_values(rows(|row| mixed(row).to_be_bytes()[1] % 64));
        columns.push((name.into(), Arc::new(numbers)));
    }
    let labels = rows(|row| row.is_multiple_of(10).then_some(0xf_ffff)).collect::<UInt32Array>();
    columns.push(("ipv6_flow_label".into(), Arc::new(labels)));
    let word = Arc::new(StringArray::from(vec!["probe"]));
    let kinds = DictionaryArray::new(UInt8Array::from(vec![0; ROWS]), word);
    columns.push(("source_kind".into(), Arc::new(kinds)));
    let names = StringArray::from_iter_values(rows(|row| format!("host-{row}.example.org")));
    columns.push(("tls_sni".into(), Arc::new(names)));
    let (names, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let fields = names.iter().zip(&arrays).map(|(name, array)| field(name, array));
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), arrays)
}

fn rows<T>(value: impl Fn(usize) -> T) -> impl Iterator<Item = T> {
    (0..ROWS).map(value)
}

fn octets(value: impl Fn(usize) -> Vec<u8>) -> Result<FixedSizeBinaryArray, ArrowError> {
    FixedSizeBinaryArray::try_from_iter(rows(value))
}

fn address(row: usize) -> Vec<u8> {
    let tail = mixed(row).to_be_bytes();
    if row.is_multiple_of(10) {
        return [&[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0], tail.as_slice()].concat();
    }
    [&[0; 10], [0xff; 2].as_slice(), &tail[..4]].concat()
}

/// Digits without a pattern.
fn mixed(row: usize) -> u64 {
    (row as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn field(name: &str, array: &ArrayRef) -> Field {
    let field = Field::new(name, array.data_type().clone(), true);
    let extension = match array.data_type() {
        DataType::FixedSizeBinary(16) => "penstock.ip",
        DataType::FixedSizeBinary(6) => "penstock.mac",
        _ => return field,
    };
    field.with_metadata(HashMap::from([("ARROW:extension:name".into(), extension.into())]))
}
