// SPDX-License-Identifier: Apache-2.0
//! Comma-separated values, quoted by RFC 4180.
//!
//! Values look as in JSON without the quotes; a list or struct is its JSON text as one field. Null
//! is an empty field and an empty text is `""`. Lines end with a line feed alone, as programs on
//! Unix expect, where RFC 4180 has two characters. Nothing is changed for the sake of spreadsheets
//! that take a leading `=` for a formula.

use arrow_array::RecordBatch;

use penstock_record::{write_ip, write_mac};

use crate::column::{Column, Kind, Values};
use crate::{EncodeError, format, json, time};

/// Appends one line a row to `out`, before them a line of the names if `header` is set.
///
/// A column that the batch lacks is empty in every row. A null alone on its line is `""`, since
/// readers pass over an empty line. Without columns nothing is written. Fails if a column's type
/// has no form as text, and then has written nothing.
pub fn csv(
    batch: &RecordBatch,
    columns: &[&str],
    header: bool,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let chosen = Column::chosen(batch, columns)?;
    if columns.is_empty() {
        return Ok(());
    }
    if header {
        for name in columns {
            text(name.as_bytes(), out);
            out.push(b',');
        }
        end_line(out);
    }
    let mut scratch = Vec::new();
    for row in 0..batch.num_rows() {
        let start = out.len();
        for column in &chosen {
            if let Some(Column { values, .. }) = column
                && !values.is_null(row)
            {
                field(values, row, &mut scratch, out);
            }
            out.push(b',');
        }
        if out.len() == start + 1 {
            out.splice(start.., *b"\"\",");
        }
        end_line(out);
    }
    Ok(())
}

fn field(values: &Values<'_>, row: usize, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
    let (values, row) = values.behind_keys(row);
    match &values.kind {
        Kind::Text(words) => match words.value(row) {
            "" => out.extend_from_slice(b"\"\""),
            word => text(word.as_bytes(), out),
        },
        Kind::Address(addresses) => write_ip(&addresses[row], out),
        Kind::Mac(macs) => write_mac(&macs[row], out),
        Kind::Time { ticks, per_second } => time::rfc3339(ticks[row], *per_second, out),
        Kind::Octets(octets) => match octets.value(row) {
            [] => out.extend_from_slice(b"\"\""),
            octets => format::hex(octets, out),
        },
        Kind::List { .. } | Kind::Struct(_) => {
            scratch.clear();
            json::value(values, row, scratch);
            text(scratch, out);
        }
        _ => json::value(values, row, out),
    }
}

/// RFC 4180, section 2, rules 5 to 7.
fn text(text: &[u8], out: &mut Vec<u8>) {
    if !text.iter().any(|octet| matches!(octet, b',' | b'"' | b'\r' | b'\n')) {
        return out.extend_from_slice(text);
    }
    out.push(b'"');
    for part in text.split_inclusive(|octet| *octet == b'"') {
        out.extend_from_slice(part);
        if part.ends_with(b"\"") {
            out.push(b'"');
        }
    }
    out.push(b'"');
}

/// Every field has left a comma behind.
fn end_line(out: &mut [u8]) {
    if let Some(last) = out.last_mut() {
        *last = b'\n';
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, DurationMillisecondArray, Float64Array, StringArray};

    use super::*;
    use crate::sample;

    fn written(batch: &RecordBatch, columns: &[&str], header: bool) -> String {
        let mut out = Vec::new();
        csv(batch, columns, header, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn one_column(values: impl arrow_array::Array + 'static) -> RecordBatch {
        RecordBatch::try_from_iter([("c", Arc::new(values) as ArrayRef)]).unwrap()
    }

    #[test]
    fn every_type_of_the_schema_is_written_as_agreed() {
        let batch = sample::flows();
        let names: Vec<&str> =
            batch.schema_ref().fields().iter().map(|field| field.name().as_str()).collect();
        let expected = concat!(
            "time_start,time_stored,src_addr,dst_addr,src_mac,protocol,dst_port,",
            "ipv6_flow_label,octets,tcp_flags,end_reason,time_suspect,sampling_rate,",
            "source_kind,tls_sni,tcp_rtt,application_id,pstats_lengths,pstats_times,",
            "pstats_directions,extra\n",
            "2026-01-02T03:04:05.000000001Z,2026-01-02T03:04:06.000000000Z,192.0.2.1,",
            "2001:db8::1,02:00:5e:00:53:01,6,443,1048575,18446744073709551615,27,3,true,512.5,",
            "probe,\"a\"\"b\\c\n\u{1b}\0é\",1500000000,0dff,\"[60,1500]\",",
            "\"[\"\"2026-01-02T03:04:05.000000001Z\"\"]\",\"[1,-1]\",",
            r#""[{""pen"":8057,""id"":1013,""value"":""00ff""},{""pen"":0,""id"":1}]""#,
            "\n",
            "1970-01-01T00:00:00.000000000Z,,0.0.0.0,::,,17,,,0,,,,,,\"\",,\"\",[],,,[]\n",
            ",,,,,,,,,,,,,,,,,,,,\n",
        );
        assert_eq!(written(&batch, &names, true), expected);
    }

    #[test]
    fn a_column_that_the_batch_lacks_is_empty() {
        let text = written(&sample::flows(), &["protocol", "vlan_id", "dst_port"], true);
        assert_eq!(text, "protocol,vlan_id,dst_port\n6,,443\n17,,\n,,\n");
    }

    #[test]
    fn a_line_is_never_empty() {
        assert_eq!(written(&sample::flows(), &["vlan_id"], false), "\"\"\n\"\"\n\"\"\n");
        assert_eq!(written(&sample::flows(), &["protocol"], false), "6\n17\n\"\"\n");
        assert_eq!(written(&sample::flows(), &[], true), "");
    }

    #[test]
    fn only_what_would_be_mistaken_is_quoted() {
        for (text, expected) in [
            ("plain text", "plain text"),
            (" x ", " x "),
            ("a,b", "\"a,b\""),
            ("\"", "\"\"\"\""),
            ("a\"\"b", "\"a\"\"\"\"b\""),
            ("a\r", "\"a\r\""),
            ("=1+1", "=1+1"),
        ] {
            let batch = one_column(StringArray::from(vec![text]));
            assert_eq!(written(&batch, &["c"], false), format!("{expected}\n"));
        }
    }

    #[test]
    fn a_name_is_quoted_like_any_field() {
        assert_eq!(written(&sample::flows().slice(0, 0), &["a,b", "c"], true), "\"a,b\",c\n");
    }

    #[test]
    fn durations_are_nanoseconds_whatever_their_unit() {
        let batch = one_column(DurationMillisecondArray::from(vec![i64::MAX, -1]));
        assert_eq!(written(&batch, &["c"], false), "9223372036854775807000000\n-1000000\n");
    }

    #[test]
    fn a_number_that_is_not_finite_is_empty() {
        let batch = one_column(Float64Array::from(vec![f64::NAN, 0.5]));
        assert_eq!(written(&batch, &["c", "d"], false), ",\n0.5,\n");
    }
}
