// SPDX-License-Identifier: Apache-2.0
//! A table for people: a line a row, columns padded to widths that never change.
//!
//! Widths depend on the column's name alone, so that the lines of all batches stand below one
//! header. A value longer than its width is written whole and pushes the rest of its line aside.
//! Numbers that have words are words here, null is `-`, and text that came from the network cannot
//! move the cursor: whatever is not printable is shown as an escape. Programs should read JSON or
//! CSV instead; this form may change for the eye's sake.

use arrow_array::RecordBatch;

use penstock_record::{write_ip, write_mac};

use crate::column::{Column, Kind, Values};
use crate::words::Vocabulary;
use crate::{EncodeError, format, json, time};

/// Appends one line a row to `out`, before them a line of the names if `header` is set, with ANSI
/// colours if `color` is.
///
/// A column that the batch lacks is null in every row. Without columns nothing is written. Fails
/// if a column's type has no form as text, and then has written nothing.
pub fn text(
    batch: &RecordBatch,
    columns: &[&str],
    header: bool,
    color: bool,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let chosen = Column::chosen(batch, columns)?;
    let table: Vec<Cells<'_>> = columns.iter().zip(&chosen).map(Cells::new).collect();
    if table.is_empty() {
        return Ok(());
    }
    if header {
        let tint = color.then_some(DIM);
        line(&table, out, |cells, out| {
            printable(cells.name, out);
            tint
        });
    }
    let mut scratch = Vec::new();
    for row in 0..batch.num_rows() {
        line(&table, out, |cells, out| {
            let tint = cells.write(row, &mut scratch, out);
            tint.filter(|_| color)
        });
    }
    Ok(())
}

/// One column of the table.
struct Cells<'a> {
    name: &'a str,
    /// Nothing where the batch lacks the column.
    values: Option<&'a Values<'a>>,
    vocabulary: Option<Vocabulary>,
    width: usize,
    align: Align,
}

#[derive(Clone, Copy)]
enum Align {
    Left,
    Right,
}

impl<'a> Cells<'a> {
    fn new((name, column): (&&'a str, &'a Option<Column<'a>>)) -> Self {
        let (width, align) = width(name);
        Self {
            name,
            values: column.as_ref().map(|column| &column.values),
            vocabulary: Vocabulary::of(name),
            width: width.max(name.chars().count()),
            align,
        }
    }

    /// Appends a row's value and answers how it would be coloured.
    fn write(&self, row: usize, scratch: &mut Vec<u8>, out: &mut Vec<u8>) -> Option<&'static str> {
        let Some(values) = self.values.filter(|values| !values.is_null(row)) else {
            out.push(b'-');
            return Some(DIM);
        };
        if let (Some(vocabulary), Some(number)) = (self.vocabulary, values.unsigned(row)) {
            if !vocabulary.write(number, out) {
                format::integer(number, out);
            }
            return (vocabulary == Vocabulary::Protocol).then(|| protocol_color(number));
        }
        value(values, row, scratch, out);
        None
    }
}

/// Writes each cell with `write`, which answers its colour, and pads it.
fn line(
    table: &[Cells<'_>],
    out: &mut Vec<u8>,
    mut write: impl FnMut(&Cells<'_>, &mut Vec<u8>) -> Option<&'static str>,
) {
    let mut cell = Vec::new();
    let mut behind = 0;
    for (index, cells) in table.iter().enumerate() {
        cell.clear();
        let tint = write(cells, &mut cell);
        let gap = cells.width.saturating_sub(characters(&cell));
        let (before, after) = match cells.align {
            Align::Left => (0, gap),
            Align::Right => (gap, 0),
        };
        // Padding is kept until something follows it: no line ends in spaces.
        let between = if index == 0 { 0 } else { SEPARATION };
        spaces(behind + between + before, out);
        behind = after;
        if let Some(tint) = tint {
            out.extend_from_slice(tint.as_bytes());
            out.extend_from_slice(&cell);
            out.extend_from_slice(RESET.as_bytes());
        } else {
            out.extend_from_slice(&cell);
        }
    }
    out.push(b'\n');
}

fn value(values: &Values<'_>, row: usize, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
    let (values, row) = values.behind_keys(row);
    match &values.kind {
        Kind::Text(words) => printable(words.value(row), out),
        Kind::Address(addresses) => write_ip(&addresses[row], out),
        Kind::Mac(macs) => write_mac(&macs[row], out),
        Kind::Time { ticks, per_second } => time::readable(ticks[row], *per_second, out),
        Kind::Duration { ticks, nanoseconds_per_tick } => {
            let nanoseconds = i128::from(ticks[row]) * i128::from(*nanoseconds_per_tick);
            time::readable_duration(nanoseconds, out);
        }
        Kind::Octets(octets) => format::hex(octets.value(row), out),
        Kind::List { .. } | Kind::Struct(_) => {
            scratch.clear();
            json::value(values, row, scratch);
            printable(&String::from_utf8_lossy(scratch), out);
        }
        _ => json::value(values, row, out),
    }
}

/// Text with every character that a terminal would obey, or that would turn the order of the
/// others around, as its number.
fn printable(text: &str, out: &mut Vec<u8>) {
    if text.bytes().all(|octet| matches!(octet, b' '..=b'~')) {
        return out.extend_from_slice(text.as_bytes());
    }
    for character in text.chars() {
        if character.is_control() || TURNING.contains(&character) {
            out.extend(character.escape_unicode().map(|part| part as u8));
        } else {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

fn characters(text: &[u8]) -> usize {
    // Octets that continue a character begin with the bits 10.
    text.iter().filter(|octet| **octet >> 6 != 0b10).count()
}

fn spaces(count: usize, out: &mut Vec<u8>) {
    out.resize(out.len() + count, b' ');
}

/// Width in characters, at least; a name longer than that makes its column as wide as itself.
fn width(column: &str) -> (usize, Align) {
    let forward = column.strip_suffix("_rev").unwrap_or(column);
    if let Some((_, width, align)) = WIDTHS.iter().find(|(name, ..)| *name == forward) {
        return (*width, *align);
    }
    FORMS
        .iter()
        .find(|(form, ..)| forward.ends_with(form))
        .map_or((0, Align::Left), |(_, width, align)| (*width, *align))
}

fn protocol_color(number: u64) -> &'static str {
    match number {
        6 => CYAN,
        17 => GREEN,
        1 | 58 => YELLOW,
        _ => MAGENTA,
    }
}

/// Characters between two columns.
const SEPARATION: usize = 2;

/// Columns by name, without `_rev`. IPv6 addresses are wider than their columns: a table of IPv4
/// would otherwise be half empty.
const WIDTHS: &[(&str, usize, Align)] = &[
    ("time_start", 23, Align::Left),
    ("time_end", 23, Align::Left),
    ("time_received", 23, Align::Left),
    ("time_stored", 23, Align::Left),
    ("protocol", 8, Align::Left),
    ("tcp_flags", 6, Align::Left),
    ("end_reason", 9, Align::Left),
    ("next_hop", 15, Align::Left),
    ("bgp_next_hop", 15, Align::Left),
    ("octets", 10, Align::Right),
    ("l2_octets", 10, Align::Right),
    ("packets", 8, Align::Right),
    ("tos", 3, Align::Right),
    ("ipv6_flow_label", 7, Align::Right),
    ("ip_version", 1, Align::Right),
    ("ip_flags", 3, Align::Right),
    ("direction", 1, Align::Right),
    ("ethertype", 5, Align::Right),
    ("in_if", 5, Align::Right),
    ("out_if", 5, Align::Right),
    ("observation_point", 5, Align::Right),
    ("observation_domain", 5, Align::Right),
    ("forwarding_status", 3, Align::Right),
    ("flow_id", 20, Align::Right),
    ("sampling_rate", 6, Align::Right),
    ("sequence", 10, Align::Right),
    ("community_id", 30, Align::Left),
    ("application_id", 8, Align::Left),
    ("tunnel_type", 6, Align::Left),
];

/// Columns by how their names end, for those without a row above; the first that fits.
const FORMS: &[(&str, usize, Align)] = &[
    ("_addr", 15, Align::Left),
    ("_mac", 17, Align::Left),
    ("_port", 5, Align::Right),
    ("_id", 5, Align::Right),
    ("_as", 6, Align::Right),
    ("_type", 4, Align::Right),
    ("_code", 4, Align::Right),
    ("_count", 5, Align::Right),
    ("_length", 3, Align::Right),
    ("_offset", 5, Align::Right),
    ("_vrf", 5, Align::Right),
    ("_event", 3, Align::Right),
    ("_min", 3, Align::Right),
    ("_max", 3, Align::Right),
    ("_window", 5, Align::Right),
    ("_mss", 5, Align::Right),
    ("_size", 5, Align::Right),
    ("_sni", 24, Align::Left),
];

/// What turns the direction of writing (Unicode Standard Annex 9), and the two separators that
/// some programs take for the end of a line.
const TURNING: [char; 14] = [
    '\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202b}', '\u{202c}',
    '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

const DIM: &str = "\x1b[2m";
const CYAN: &str = "\x1b[36m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const MAGENTA: &str = "\x1b[35m";
const RESET: &str = "\x1b[0m";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, StringArray, UInt64Array};

    use super::*;
    use crate::sample;

    fn written(batch: &RecordBatch, columns: &[&str], header: bool, color: bool) -> String {
        let mut out = Vec::new();
        text(batch, columns, header, color, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_table_of_flows_reads_as_agreed() {
        let columns = [
            "time_start",
            "protocol",
            "src_addr",
            "dst_addr",
            "dst_port",
            "octets",
            "tcp_flags",
            "end_reason",
        ];
        let expected = [
            "time_start               protocol  src_addr         dst_addr         dst_port      \
             octets  tcp_flags  end_reason",
            "2026-01-02 03:04:05.000  tcp       192.0.2.1        2001:db8::1           443  \
             18446744073709551615  .AP.SF     end",
            "1970-01-01 00:00:00.000  udp       0.0.0.0          ::                      -           \
             0  -          -",
            "-                        -         -                -                       -           \
             -  -          -",
        ];
        let table = written(&sample::flows(), &columns, true, false);
        assert_eq!(table.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn every_other_type_of_the_schema_reads_as_agreed() {
        for (column, expected) in [
            ("time_stored", "2026-01-02 03:04:06.000"),
            ("src_mac", "02:00:5e:00:53:01"),
            ("ipv6_flow_label", "        1048575"),
            ("time_suspect", "true"),
            ("sampling_rate", "        512.5"),
            ("source_kind", "probe"),
            ("tls_sni", "a\"b\\c\\u{a}\\u{1b}\\u{0}é"),
            ("tcp_rtt", "1.5s"),
            ("application_id", "0dff"),
            ("pstats_lengths", "[60,1500]"),
            ("pstats_times", "[\"2026-01-02T03:04:05.000000001Z\"]"),
            ("extra", "[{\"pen\":8057,\"id\":1013,\"value\":\"00ff\"},{\"pen\":0,\"id\":1}]"),
        ] {
            let line = written(&sample::flows().slice(0, 1), &[column], false, false);
            assert_eq!(line, format!("{expected}\n"), "{column}");
        }
    }

    #[test]
    fn a_column_that_the_batch_lacks_is_null_and_keeps_its_width() {
        let table = written(&sample::flows(), &["vlan_id", "src_port", "protocol"], true, false);
        assert_eq!(table.lines().next(), Some("vlan_id  src_port  protocol"));
        assert_eq!(table.lines().nth(1), Some("      -         -  tcp"));
        assert_eq!(written(&sample::flows(), &[], true, true), "");
    }

    #[test]
    fn text_from_the_network_cannot_act_on_the_terminal() {
        for (text, expected) in [
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("a\nb", "a\\u{a}b"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            ("x\u{202e}y", "x\\u{202e}y"),
            ("näive", "näive"),
        ] {
            let values = Arc::new(StringArray::from(vec![text])) as ArrayRef;
            let batch = RecordBatch::try_from_iter([("tls_sni", values)]).unwrap();
            assert_eq!(written(&batch, &["tls_sni"], false, false), format!("{expected}\n"));
        }
    }

    #[test]
    fn padding_counts_characters_and_not_octets() {
        let columns = ["tls_sni", "octets"];
        let values = |rows: &[&str]| Arc::new(StringArray::from(rows.to_vec())) as ArrayRef;
        let octets = Arc::new(UInt64Array::from(vec![1, 2])) as ArrayRef;
        let batch =
            RecordBatch::try_from_iter([("tls_sni", values(&["é", "e"])), ("octets", octets)]);
        let table = written(&batch.unwrap(), &columns, false, false);
        let widths: Vec<usize> = table.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths, [36, 36]);
    }

    #[test]
    fn colours_leave_the_letters_and_their_places_alone() {
        let columns = ["protocol", "dst_port", "octets"];
        let plain = written(&sample::flows(), &columns, true, false);
        let coloured = written(&sample::flows(), &columns, true, true);
        assert!(coloured.contains("\x1b[36mtcp\x1b[0m      "));
        assert!(coloured.starts_with("\x1b[2mprotocol\x1b[0m"));
        let mut stripped = coloured;
        for code in [DIM, CYAN, GREEN, YELLOW, MAGENTA, RESET] {
            stripped = stripped.replace(code, "");
        }
        assert_eq!(stripped, plain);
    }
}
