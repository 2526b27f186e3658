// SPDX-License-Identifier: Apache-2.0
//! Columns as fields of variable length, row by row: text, octets and lists.
//!
//! Lengths are RFC 7011 section 7, lists RFC 6313 section 4.5.1.

use penstock_codec::ipfix::write_variable_length;
use penstock_codec::value::{ns_to_ntp, ns_to_ntp_micro};

use super::columns::{Element, TimeForm, milliseconds, probe_micro, seconds};
use crate::column::{Bounds, Kind, Octets, Text, Values};

/// Where the values of a field of variable length come from.
#[derive(Clone, Copy)]
pub(super) enum Variable<'a> {
    Text(&'a Text<'a>),
    Octets(&'a Octets<'a>),
    Word { keys: &'a [usize], words: &'a Values<'a> },
    List(List<'a>),
    Element(Element<'a>),
}

/// A basicList a row.
#[derive(Clone, Copy)]
pub(super) struct List<'a> {
    pub bounds: &'a Bounds<'a>,
    pub items: Items<'a>,
    /// Semantic, element, length and enterprise, as they stand before the items.
    pub header: ListHeader,
    /// Whether short lists have the long prefix, too.
    pub long_prefix: bool,
}

/// What stands before the items of a basicList.
#[derive(Clone, Copy)]
pub(super) struct ListHeader {
    octets: [u8; 9],
    length: u8,
}

/// Items of lists.
#[derive(Clone, Copy)]
pub(super) enum Items<'a> {
    U8(&'a [u8]),
    I8(&'a [i8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
    Time(&'a [i64], TimeForm),
}

impl Variable<'_> {
    /// Appends the value of a row with its length. Of a value that is too long for any message the
    /// length is wrong: whoever packs records leaves it out for its octets.
    pub fn append(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => append_octets(text.value(row).as_bytes(), out),
            Self::Octets(octets) => append_octets(octets.value(row), out),
            Self::Word { keys, words } => match &words.kind {
                Kind::Text(text) => append_octets(text.value(keys[row]).as_bytes(), out),
                _ => append_octets(&[], out),
            },
            Self::Element(element) => append_octets(element.value(row), out),
            Self::List(list) => list.append(row, out),
        }
    }
}

impl List<'_> {
    fn append(&self, row: usize, out: &mut Vec<u8>) {
        let range = self.bounds.of(row);
        let octets = usize::from(self.header.length) + range.len() * self.items.width();
        match u16::try_from(octets) {
            Ok(octets) if self.long_prefix => {
                let [high, low] = octets.to_be_bytes();
                out.extend_from_slice(&[255, high, low]);
            }
            Ok(octets) => write_variable_length(out, octets),
            Err(_) => out.push(255),
        }
        out.extend_from_slice(&self.header.octets[..usize::from(self.header.length)]);
        self.items.append(range, out);
    }
}

impl ListHeader {
    /// Of so many octets an item; the element's enterprise number is left out if it is 0.
    pub fn new(semantic: u8, pen: u32, id: u16, item_octets: u16) -> Self {
        let [id_high, id_low] = (id | if pen == 0 { 0 } else { 0x8000 }).to_be_bytes();
        let [high, low] = item_octets.to_be_bytes();
        let [p0, p1, p2, p3] = pen.to_be_bytes();
        let octets = [semantic, id_high, id_low, high, low, p0, p1, p2, p3];
        Self { octets, length: if pen == 0 { 5 } else { 9 } }
    }
}

impl Items<'_> {
    fn width(&self) -> usize {
        match self {
            Self::U8(_) | Self::I8(_) => 1,
            Self::U16(_) => 2,
            Self::U32(_) | Self::Time(_, TimeForm::Seconds) => 4,
            Self::U64(_) | Self::Time(..) => 8,
        }
    }

    fn append(&self, range: std::ops::Range<usize>, out: &mut Vec<u8>) {
        match self {
            Self::U8(values) => out.extend_from_slice(&values[range]),
            Self::I8(values) => append_each(&values[range], out, i8::to_be_bytes),
            Self::U16(values) => append_each(&values[range], out, u16::to_be_bytes),
            Self::U32(values) => append_each(&values[range], out, u32::to_be_bytes),
            Self::U64(values) => append_each(&values[range], out, u64::to_be_bytes),
            Self::Time(values, form) => append_times(&values[range], *form, out),
        }
    }
}

fn append_times(times: &[i64], form: TimeForm, out: &mut Vec<u8>) {
    match form {
        TimeForm::Nanoseconds => append_each(times, out, |ns| ns_to_ntp(ns).to_be_bytes()),
        TimeForm::Microseconds => append_each(times, out, |ns| ns_to_ntp_micro(ns).to_be_bytes()),
        TimeForm::Milliseconds => append_each(times, out, |ns| milliseconds(ns).to_be_bytes()),
        TimeForm::Seconds => append_each(times, out, |ns| seconds(ns).to_be_bytes()),
        TimeForm::ProbeMicroseconds => append_each(times, out, |ns| probe_micro(ns).to_be_bytes()),
    }
}

/// Makes room once for all of them.
fn append_each<T: Copy, const OCTETS: usize>(
    values: &[T],
    out: &mut Vec<u8>,
    octets: impl Fn(T) -> [u8; OCTETS],
) {
    let start = out.len();
    out.resize(start + OCTETS * values.len(), 0);
    for (place, value) in out[start..].chunks_exact_mut(OCTETS).zip(values) {
        place.copy_from_slice(&octets(*value));
    }
}

fn append_octets(octets: &[u8], out: &mut Vec<u8>) {
    match u16::try_from(octets.len()) {
        Ok(length) => write_variable_length(out, length),
        Err(_) => out.push(255),
    }
    out.extend_from_slice(octets);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_its_header_only_once() {
        let offsets = [0, 3, 3];
        let bounds = Bounds::Small(&offsets);
        let list = List {
            bounds: &bounds,
            items: Items::U16(&[1, 2, 3]),
            header: ListHeader::new(4, 8057, 1013, 2),
            long_prefix: false,
        };
        let mut out = Vec::new();
        list.append(0, &mut out);
        assert_eq!(out, [15, 4, 0x83, 0xf5, 0, 2, 0, 0, 0x1f, 0x79, 0, 1, 0, 2, 0, 3]);
        out.clear();
        List { header: ListHeader::new(3, 0, 14, 4), long_prefix: true, ..list }
            .append(1, &mut out);
        assert_eq!(out, [255, 0, 5, 3, 0, 14, 0, 4]);
    }
}
