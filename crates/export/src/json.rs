// SPDX-License-Identifier: Apache-2.0
//! One JSON object a row, one row a line (RFC 8259).
//!
//! Members stand in the order of the columns; what is null is left out, within structs too, and is
//! `null` only as an item of a list. Addresses and MACs are text, times RFC 3339 in UTC with nine
//! fraction digits, durations whole nanoseconds, octet strings hexadecimal. Numbers are numbers,
//! 64 bits wide ones as well: a reader that turns them into binary floating point loses digits.

use arrow_array::RecordBatch;

use penstock_record::{write_ip, write_mac};

use crate::column::{Column, Kind, Values};
use crate::{EncodeError, format, time};

/// Appends one line a row to `out`: the columns named, in that order, or all in the batch's.
///
/// A name that the batch lacks is as if it were null in every row. Fails if a column's type has no
/// JSON form, and then has written nothing.
pub fn json_lines(
    batch: &RecordBatch,
    columns: Option<&[&str]>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let columns = match columns {
        Some(names) => {
            let chosen = Column::chosen(batch, &without_repeats(names))?;
            chosen.into_iter().flatten().collect()
        }
        None => Column::all(batch)?,
    };
    for row in 0..batch.num_rows() {
        object(&columns, row, out);
        out.push(b'\n');
    }
    Ok(())
}

/// One value as JSON. What it says for a null is not defined: ask [`Values::is_null`] first.
pub(crate) fn value(values: &Values<'_>, row: usize, out: &mut Vec<u8>) {
    match &values.kind {
        Kind::Address(addresses) => quoted(out, |out| write_ip(&addresses[row], out)),
        Kind::Mac(macs) => quoted(out, |out| write_mac(&macs[row], out)),
        Kind::Time { ticks, per_second } => {
            quoted(out, |out| time::rfc3339(ticks[row], *per_second, out));
        }
        Kind::Text(text) => quoted(out, |out| escaped(text.value(row), out)),
        Kind::Octets(octets) => quoted(out, |out| format::hex(octets.value(row), out)),
        Kind::Dictionary { keys, values } => value(values, keys[row], out),
        Kind::List { bounds, items } => list(items, bounds.of(row), out),
        Kind::Struct(fields) => object(fields, row, out),
        Kind::Null => out.extend_from_slice(b"null"),
        Kind::Bool(values) => {
            out.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
        }
        Kind::Duration { ticks, nanoseconds_per_tick } => {
            format::integer(i128::from(ticks[row]) * i128::from(*nanoseconds_per_tick), out);
        }
        Kind::U8(values) => format::integer(values[row], out),
        Kind::U16(values) => format::integer(values[row], out),
        Kind::U32(values) => format::integer(values[row], out),
        Kind::U64(values) => format::integer(values[row], out),
        Kind::I8(values) => format::integer(values[row], out),
        Kind::I16(values) => format::integer(values[row], out),
        Kind::I32(values) => format::integer(values[row], out),
        Kind::I64(values) => format::integer(values[row], out),
        Kind::F32(values) => format::float32(values[row], out),
        Kind::F64(values) => format::float(values[row], out),
    }
}

fn object(columns: &[Column<'_>], row: usize, out: &mut Vec<u8>) {
    let start = out.len();
    for column in columns {
        if !column.values.is_null(row) {
            out.extend_from_slice(&column.json_key);
            value(&column.values, row, out);
        }
    }
    // Each key brings a comma before it; the first member's becomes the brace.
    match out.get_mut(start) {
        Some(first) => *first = b'{',
        None => out.push(b'{'),
    }
    out.push(b'}');
}

fn list(items: &Values<'_>, rows: std::ops::Range<usize>, out: &mut Vec<u8>) {
    out.push(b'[');
    for row in rows.clone() {
        if row != rows.start {
            out.push(b',');
        }
        if items.is_null(row) {
            out.extend_from_slice(b"null");
        } else {
            value(items, row, out);
        }
    }
    out.push(b']');
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

/// The comma, name and colon before a member's value.
pub(crate) fn key(name: &str) -> Vec<u8> {
    let mut key = vec![b','];
    quoted(&mut key, |key| escaped(name, key));
    key.push(b':');
    key
}

/// Only what RFC 8259, section 7, requires is escaped.
fn escaped(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some(clean) = rest.iter().position(|octet| matches!(octet, ..0x20 | b'"' | b'\\')) {
        out.extend_from_slice(&rest[..clean]);
        match rest[clean] {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            printable @ 0x20.. => out.extend_from_slice(&[b'\\', printable]),
            control => {
                out.extend_from_slice(b"\\u00");
                format::hex(&[control], out);
            }
        }
        rest = &rest[clean + 1..];
    }
    out.extend_from_slice(rest);
}

/// A name twice in one object would be two members that readers choose between (RFC 8259, 4).
fn without_repeats<'n>(names: &[&'n str]) -> Vec<&'n str> {
    let mut once: Vec<&str> = Vec::with_capacity(names.len());
    for name in names {
        if !once.contains(name) {
            once.push(name);
        }
    }
    once
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, Decimal128Array, DictionaryArray, FixedSizeListArray, Float32Array, Float64Array,
        Int32Array, LargeListArray, LargeStringArray, NullArray, StringArray, StringViewArray,
        TimestampSecondArray, UInt64Array, types,
    };
    use arrow_schema::DataType;
    use serde_json::{Value, json};

    use super::*;
    use crate::sample;

    fn lines(batch: &RecordBatch, columns: Option<&[&str]>) -> Vec<String> {
        let mut out = Vec::new();
        json_lines(batch, columns, &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(String::from).collect()
    }

    fn one_column(values: impl arrow_array::Array + 'static) -> RecordBatch {
        RecordBatch::try_from_iter([("c", Arc::new(values) as ArrayRef)]).unwrap()
    }

    #[test]
    fn every_type_of_the_schema_is_written_as_agreed() {
        let expected = concat!(
            r#"{"time_start":"2026-01-02T03:04:05.000000001Z","#,
            r#""time_stored":"2026-01-02T03:04:06.000000000Z","#,
            r#""src_addr":"192.0.2.1","dst_addr":"2001:db8::1","src_mac":"02:00:5e:00:53:01","#,
            r#""protocol":6,"dst_port":443,"ipv6_flow_label":1048575,"#,
            r#""octets":18446744073709551615,"tcp_flags":27,"end_reason":3,"#,
            r#""time_suspect":true,"sampling_rate":512.5,"source_kind":"probe","#,
            r#""tls_sni":"a\"b\\c\n\u001b\u0000é","tcp_rtt":1500000000,"#,
            r#""application_id":"0dff","pstats_lengths":[60,1500],"#,
            r#""pstats_times":["2026-01-02T03:04:05.000000001Z"],"pstats_directions":[1,-1],"#,
            r#""extra":[{"pen":8057,"id":1013,"value":"00ff"},{"pen":0,"id":1}]}"#,
        );
        assert_eq!(lines(&sample::flows(), None)[0], expected);
    }

    #[test]
    fn nulls_are_left_out_and_empty_values_are_not() {
        let expected = concat!(
            r#"{"time_start":"1970-01-01T00:00:00.000000000Z","src_addr":"0.0.0.0","#,
            r#""dst_addr":"::","protocol":17,"octets":0,"tls_sni":"","application_id":"","#,
            r#""pstats_lengths":[],"extra":[]}"#,
        );
        assert_eq!(lines(&sample::flows(), None)[1], expected);
    }

    #[test]
    fn a_row_of_nulls_is_an_empty_object() {
        assert_eq!(lines(&sample::flows(), Some(&["tls_sni", "protocol"]))[2], "{}");
        assert_eq!(lines(&one_column(NullArray::new(2)), None), ["{}", "{}"]);
    }

    #[test]
    fn columns_are_written_in_the_order_asked_for_once_each_and_absent_ones_not_at_all() {
        let columns = ["protocol", "no_such", "src_addr", "protocol"];
        let expected = r#"{"protocol":6,"src_addr":"192.0.2.1"}"#;
        assert_eq!(lines(&sample::flows(), Some(&columns))[0], expected);
    }

    #[test]
    fn a_json_parser_reads_back_what_was_written() {
        let lines = lines(&sample::flows(), None);
        let row: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(row["octets"], json!(u64::MAX));
        assert_eq!(row["tls_sni"], json!("a\"b\\c\n\u{1b}\0é"));
        assert_eq!(row["extra"][0], json!({"pen": 8057, "id": 1013, "value": "00ff"}));
        for line in &lines {
            let row: Value = serde_json::from_str(line).unwrap();
            assert!(row.is_object());
        }
    }

    #[test]
    fn every_character_survives_a_json_parser() {
        let texts: Vec<String> =
            (0..=0x2fff).filter_map(char::from_u32).map(String::from).collect();
        let batch = one_column(StringArray::from(texts.clone()));
        for (line, text) in lines(&batch, None).iter().zip(texts) {
            assert_eq!(serde_json::from_str::<Value>(line).unwrap(), json!({ "c": text }));
        }
    }

    #[test]
    fn numbers_that_are_not_finite_are_left_out_and_null_in_lists() {
        let values = vec![Some(0.1), Some(f64::NAN), None, Some(f64::NEG_INFINITY), Some(1e300)];
        let expected = [r#"{"c":0.1}"#, "{}", "{}", "{}", r#"{"c":1e300}"#];
        assert_eq!(lines(&one_column(Float64Array::from(values.clone())), None), expected);
        let list = LargeListArray::from_iter_primitive::<types::Float64Type, _, _>([Some(values)]);
        assert_eq!(lines(&one_column(list), None), [r#"{"c":[0.1,null,null,null,1e300]}"#]);
        let narrow = Float32Array::from(vec![0.1, f32::INFINITY]);
        assert_eq!(lines(&one_column(narrow), None), [r#"{"c":0.1}"#, "{}"]);
    }

    #[test]
    fn a_slice_of_a_batch_writes_the_same_lines() {
        let batch = sample::flows();
        for (row, line) in lines(&batch, None).into_iter().enumerate() {
            assert_eq!(lines(&batch.slice(row, 1), None), [line]);
        }
    }

    #[test]
    fn layouts_that_other_programs_make_are_read_alike() {
        let texts = ["plain", "a longer text than the view keeps inline"];
        let expected = texts.map(|text| format!(r#"{{"c":"{text}"}}"#));
        let large = LargeStringArray::from(texts.to_vec());
        assert_eq!(lines(&one_column(large), None), expected);
        let view = StringViewArray::from(texts.to_vec());
        assert_eq!(lines(&one_column(view), None), expected);
        let pairs = FixedSizeListArray::from_iter_primitive::<types::UInt8Type, _, _>(
            [Some([Some(1), None]), None],
            2,
        );
        assert_eq!(lines(&one_column(pairs), None), [r#"{"c":[1,null]}"#, "{}"]);
    }

    #[test]
    fn a_null_word_and_a_word_without_end_are_null_behind_any_key() {
        let keys = Int32Array::from(vec![Some(0), Some(1), None]);
        let words = Arc::new(StringArray::from(vec![Some("a"), None]));
        let texts = DictionaryArray::new(keys.clone(), words);
        assert_eq!(lines(&one_column(texts), None), [r#"{"c":"a"}"#, "{}", "{}"]);
        let numbers = DictionaryArray::new(keys, Arc::new(Float64Array::from(vec![1.0, f64::NAN])));
        assert_eq!(lines(&one_column(numbers), None), [r#"{"c":1}"#, "{}", "{}"]);
        let none = Arc::new(StringArray::from(Vec::<&str>::new()));
        let empty = DictionaryArray::new(Int32Array::from(vec![None, None]), none);
        assert_eq!(lines(&one_column(empty), None), ["{}", "{}"]);
    }

    #[test]
    fn a_name_is_escaped_like_any_text() {
        let values = Arc::new(UInt64Array::from(vec![1])) as ArrayRef;
        let batch = RecordBatch::try_from_iter([("a\"b", values)]).unwrap();
        assert_eq!(lines(&batch, None), [r#"{"a\"b":1}"#]);
    }

    #[test]
    fn a_year_of_five_digits_still_reads_as_text() {
        let far = one_column(TimestampSecondArray::from(vec![i64::MAX]));
        let row: Value = serde_json::from_str(&lines(&far, None)[0]).unwrap();
        assert_eq!(row["c"], json!("+292277026596-12-04T15:30:07.000000000Z"));
    }

    #[test]
    fn a_type_without_a_form_is_named_and_nothing_is_written() {
        let batch = one_column(Decimal128Array::from(vec![1]));
        let mut out = b"before".to_vec();
        let error = json_lines(&batch, None, &mut out).unwrap_err();
        assert_eq!(out, b"before");
        assert_eq!(error.data_type, DataType::Decimal128(38, 10));
        assert_eq!(error.to_string(), "column c: type Decimal128(38, 10) has no form as text");
        json_lines(&batch, Some(&[]), &mut out).unwrap();
        assert_eq!(out, b"before{}\n");
    }
}
