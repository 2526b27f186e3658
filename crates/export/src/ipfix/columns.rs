// SPDX-License-Identifier: Apache-2.0
//! Columns as fields of fixed length: one loop a column, over all records at once.
//!
//! Which fields a record has is said in `layout`; encodings are RFC 7011 section 6. Fields of variable
//! length are in `variable`.

use arrow_array::BooleanArray;
use arrow_buffer::NullBuffer;
use penstock_codec::value::{ns_to_ntp, ns_to_ntp_micro};

use super::rate;
use crate::column::{Bounds, Kind, Values};

/// Where the values of a field of fixed length come from, and how they are written.
#[derive(Clone, Copy)]
pub(super) enum Fixed<'a> {
    /// Numbers as wide as the column.
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
    I8(&'a [i8]),
    F64(&'a [f64]),
    Bool(&'a BooleanArray),
    /// Times in nanoseconds since 1970.
    Time(&'a [i64], TimeForm),
    /// The last four octets of an address.
    Ipv4(&'a [[u8; 16]]),
    Ipv6(&'a [[u8; 16]]),
    Mac(&'a [[u8; 6]]),
    /// The same in every record.
    Constant(u32),
    /// Nothing is known.
    Zero,
    /// The lower octet.
    LowOctet(&'a [u16]),
    /// The upper three bits, moved down.
    TopBits(&'a [u8]),
    /// Type and code of ICMP as one number.
    TypeAndCode(&'a [u8], &'a [u8]),
    /// An entry of a label stack without its TTL (RFC 3032): the label, three bits, the end.
    MplsEntry {
        stack: Stack<'a>,
        place: usize,
    },
    /// Parts of a sampling rate.
    Space(&'a [f64]),
    Population(&'a [f64]),
    Size(&'a [f64]),
    Probability(&'a [f64]),
    /// A value that came without a column.
    Octets(Element<'a>),
}

/// How a time is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TimeForm {
    Nanoseconds,
    Microseconds,
    Milliseconds,
    Seconds,
    /// As ipfixprobe counts microseconds: 2^32 of the fraction are 999,999 of them.
    ProbeMicroseconds,
}

/// Label stacks, and the bits beside each label if the batch has them.
#[derive(Clone, Copy)]
pub(super) struct Stack<'a> {
    pub bounds: &'a Bounds<'a>,
    pub labels: &'a [u32],
    pub classes: Option<(&'a Bounds<'a>, &'a [u8])>,
}

/// One of the elements of a row that have no column.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub bounds: &'a Bounds<'a>,
    /// Which of the row's.
    pub place: usize,
    pub values: &'a Values<'a>,
}

/// Which rows a field of fixed length is written for.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    /// All.
    All,
    /// Those that are set; the others have zeroes.
    OrZero(&'a NullBuffer),
    /// Those that are set; the others keep what an earlier field wrote there.
    Only(&'a NullBuffer),
}

impl Fixed<'_> {
    /// Writes the field of each record, which begin `stride` octets apart.
    pub fn write(self, records: &mut [u8], stride: usize, at: usize, length: usize, rows: &[u32]) {
        let mut out = Strided { records, stride, at, rows };
        match self {
            Self::U8(values) => out.put(|row| [values[row]]),
            Self::U16(values) => out.put(|row| values[row].to_be_bytes()),
            Self::U32(values) => out.put(|row| values[row].to_be_bytes()),
            Self::U64(values) => out.put(|row| values[row].to_be_bytes()),
            Self::I8(values) => out.put(|row| values[row].to_be_bytes()),
            Self::F64(values) => out.put(|row| values[row].to_be_bytes()),
            Self::Bool(values) => out.put(|row| [if values.value(row) { 1 } else { 2 }]),
            Self::Time(values, form) => out.times(values, form),
            Self::Ipv4(values) => out.put(|row| ipv4(&values[row])),
            Self::Ipv6(values) => out.put(|row| values[row]),
            Self::Mac(values) => out.put(|row| values[row]),
            Self::Zero => {}
            Self::Constant(value) => out.put(|_| value.to_be_bytes()),
            Self::LowOctet(values) => out.put(|row| [values[row].to_be_bytes()[1]]),
            Self::TopBits(values) => out.put(|row| [values[row] >> 5]),
            Self::TypeAndCode(types, codes) => out.put(|row| [types[row], codes[row]]),
            Self::MplsEntry { stack, place } => out.put(|row| stack.entry(row, place)),
            Self::Space(rates) => {
                out.put(|row| rate::space(rates[row]).unwrap_or(0).to_be_bytes());
            }
            Self::Population(rates) => {
                out.put(|row| rate::ratio(rates[row]).map_or(0, |ratio| ratio.0).to_be_bytes());
            }
            Self::Size(rates) => {
                out.put(|row| rate::ratio(rates[row]).map_or(0, |ratio| ratio.1).to_be_bytes());
            }
            Self::Probability(rates) => out.put(|row| (1.0 / rates[row]).to_be_bytes()),
            Self::Octets(element) => out.copy(length, |row| element.value(row)),
        }
    }
}

/// The same place in records of the same length.
struct Strided<'a> {
    records: &'a mut [u8],
    stride: usize,
    at: usize,
    rows: &'a [u32],
}

impl Strided<'_> {
    #[inline]
    fn put<const OCTETS: usize>(&mut self, value: impl Fn(usize) -> [u8; OCTETS]) {
        let places = self.records.chunks_exact_mut(self.stride);
        for (record, row) in places.zip(self.rows) {
            record[self.at..self.at + OCTETS].copy_from_slice(&value(*row as usize));
        }
    }

    fn copy<'v>(&mut self, length: usize, value: impl Fn(usize) -> &'v [u8]) {
        let places = self.records.chunks_exact_mut(self.stride);
        for (record, row) in places.zip(self.rows) {
            record[self.at..self.at + length].copy_from_slice(value(*row as usize));
        }
    }

    fn times(&mut self, values: &[i64], form: TimeForm) {
        match form {
            TimeForm::Nanoseconds => self.put(|row| ns_to_ntp(values[row]).to_be_bytes()),
            TimeForm::Microseconds => self.put(|row| ns_to_ntp_micro(values[row]).to_be_bytes()),
            TimeForm::Milliseconds => self.put(|row| milliseconds(values[row]).to_be_bytes()),
            TimeForm::Seconds => self.put(|row| seconds(values[row]).to_be_bytes()),
            TimeForm::ProbeMicroseconds => self.put(|row| probe_micro(values[row]).to_be_bytes()),
        }
    }
}

/// Zeroes the field where the row is not set, or writes it only where it is.
pub(super) fn write_field(
    fixed: Fixed<'_>,
    which: Rows<'_>,
    (records, stride): (&mut [u8], usize),
    (at, length): (usize, usize),
    rows: &[u32],
) {
    match which {
        Rows::All => fixed.write(records, stride, at, length, rows),
        Rows::OrZero(nulls) => {
            fixed.write(records, stride, at, length, rows);
            for (record, row) in records.chunks_exact_mut(stride).zip(rows) {
                if nulls.is_null(*row as usize) {
                    record[at..at + length].fill(0);
                }
            }
        }
        Rows::Only(nulls) => {
            for (record, row) in records.chunks_exact_mut(stride).zip(rows) {
                if nulls.is_valid(*row as usize) {
                    fixed.write(record, stride, at, length, std::slice::from_ref(row));
                }
            }
        }
    }
}

impl Stack<'_> {
    /// How many labels the row has, if entries can hold them and what stands beside them.
    pub fn entries(&self, row: usize) -> Option<usize> {
        let labels = &self.labels[self.bounds.of(row)];
        let classes = self.classes.map(|(bounds, classes)| &classes[bounds.of(row)]);
        let fit = labels.iter().all(|label| label >> 20 == 0)
            && classes.is_none_or(|classes| {
                classes.len() == labels.len() && classes.iter().all(|class| class >> 3 == 0)
            });
        fit.then_some(labels.len())
    }

    #[expect(clippy::cast_possible_truncation, reason = "each octet is cut out on purpose")]
    fn entry(&self, row: usize, place: usize) -> [u8; 3] {
        let labels = &self.labels[self.bounds.of(row)];
        let label = labels[place];
        let class = self.classes.map_or(0, |(bounds, classes)| classes[bounds.of(row)][place]);
        let bottom = u8::from(place + 1 == labels.len());
        [(label >> 12) as u8, (label >> 4) as u8, (label as u8) << 4 | class << 1 | bottom]
    }
}

impl<'a> Element<'a> {
    /// Its octets in a row; none where the value is null.
    pub fn value(&self, row: usize) -> &'a [u8] {
        let index = self.bounds.of(row).start + self.place;
        match &self.values.kind {
            Kind::Octets(octets) if !self.values.is_null(index) => octets.value(index),
            _ => &[],
        }
    }
}

fn ipv4(address: &[u8; 16]) -> [u8; 4] {
    let [.., a, b, c, d] = *address;
    [a, b, c, d]
}

pub(super) fn milliseconds(ns: i64) -> u64 {
    ns.div_euclid(1_000_000).cast_unsigned()
}

/// Modulo 2^32, as RFC 7011 section 6.1.7 has it.
#[expect(clippy::cast_possible_truncation, reason = "seconds come round in 2106")]
pub(super) fn seconds(ns: i64) -> u32 {
    ns.div_euclid(1_000_000_000).cast_unsigned() as u32
}

/// The last microsecond of a second would begin the next one; it keeps the greatest fraction.
pub(super) fn probe_micro(ns: i64) -> u64 {
    let second = ns_to_ntp(ns - ns.rem_euclid(1_000_000_000));
    let micro = ns.rem_euclid(1_000_000_000).cast_unsigned() / 1_000;
    second | ((micro << 32) / 999_999).min(u64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microseconds_of_ipfixprobe_have_a_divisor_of_their_own() {
        let second = 1_700_000_000_000_000_000;
        assert_eq!(probe_micro(second), 0xe8fe_6f80_0000_0000);
        let micro = (123_456_u64 << 32) / 999_999;
        assert_eq!(probe_micro(second + 123_456_789), 0xe8fe_6f80_0000_0000 | micro);
        assert_eq!(probe_micro(second + 999_999_000), 0xe8fe_6f80_ffff_ffff);
    }

    #[test]
    fn a_label_stack_entry_has_its_bits_where_rfc_3032_puts_them() {
        let offsets = [0, 2];
        let bounds = Bounds::Small(&offsets);
        let stack = Stack {
            bounds: &bounds,
            labels: &[0xabcde, 16],
            classes: Some((&bounds, &[0b101, 0b011])),
        };
        assert_eq!(stack.entries(0), Some(2));
        assert_eq!(stack.entry(0, 0), [0xab, 0xcd, 0xea]);
        assert_eq!(stack.entry(0, 1), [0x00, 0x01, 0x07]);
        let wide = Stack { labels: &[1 << 20, 16], ..stack };
        assert_eq!(wide.entries(0), None);
    }
}
