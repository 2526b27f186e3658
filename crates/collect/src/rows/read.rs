// SPDX-License-Identifier: Apache-2.0
//! The loops: one column of all records at a time.
//!
//! Bounds have been checked for the set as a whole; a read that fell out of it all the same would
//! give zeros. What lists hold is not read here, nor are times, which need more than octets.

use std::borrow::Cow;

use penstock_codec::value::unsigned;

use super::buffer::{Binaries, Buffer, Texts, Words};
use super::plan::{Op, Place};
use super::shape::{Shape, Slot};

/// Records of one template, as a grid.
pub(super) trait Cells<'a>: Copy {
    /// How many records.
    fn records(self) -> usize;
    /// Some of them.
    fn part(self, from: usize, to: usize) -> Self;
    /// A field of `W` octets in each record, if the place is that wide.
    fn arrays<const W: usize>(self, place: Place) -> impl ExactSizeIterator<Item = [u8; W]>;
    /// A field of any width in each record.
    fn slices(self, place: Place) -> impl ExactSizeIterator<Item = &'a [u8]>;
    /// A field of one record.
    fn cell(self, record: usize, place: Place) -> &'a [u8];
}

/// Records of the same length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fixed<'a> {
    octets: &'a [u8],
    stride: usize,
}

impl<'a> Fixed<'a> {
    /// The whole records at the front; what is behind them is padding.
    pub(super) fn new(octets: &'a [u8], record_octets: usize) -> Self {
        let stride = record_octets.max(1);
        let whole = octets.len() / stride * record_octets;
        Self { octets: octets.get(..whole).unwrap_or_default(), stride }
    }

    fn from(self, place: Place) -> std::slice::Chunks<'a, u8> {
        self.octets.get(usize::from(place.offset)..).unwrap_or_default().chunks(self.stride)
    }
}

impl<'a> Cells<'a> for Fixed<'a> {
    fn records(self) -> usize {
        self.octets.len() / self.stride
    }

    fn part(self, from: usize, to: usize) -> Self {
        let part = self.octets.get(from * self.stride..to * self.stride);
        Self { octets: part.unwrap_or_default(), ..self }
    }

    #[inline]
    fn arrays<const W: usize>(self, place: Place) -> impl ExactSizeIterator<Item = [u8; W]> {
        self.from(place).map(|field| field.first_chunk().copied().unwrap_or([0; W]))
    }

    #[inline]
    fn slices(self, place: Place) -> impl ExactSizeIterator<Item = &'a [u8]> {
        let width = usize::from(place.width);
        self.from(place).map(move |field| field.get(..width).unwrap_or_default())
    }

    fn cell(self, record: usize, place: Place) -> &'a [u8] {
        let at = record * self.stride + usize::from(place.offset);
        self.octets.get(at..at + usize::from(place.width)).unwrap_or_default()
    }
}

/// Records that tell their lengths themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Varied<'a> {
    octets: &'a [u8],
    /// A row a record: its start, then start and end of each field of variable length.
    positions: &'a [u32],
    columns: usize,
}

impl<'a> Varied<'a> {
    /// Finds the records of a set. What is left when one does not fit is said by the flag.
    pub(super) fn find(
        octets: &'a [u8],
        gaps: &[u16],
        least_octets: usize,
        positions: &'a mut Vec<u32>,
    ) -> (Self, bool) {
        positions.clear();
        let mut at = 0;
        let mut sound = true;
        while octets.len().saturating_sub(at) >= least_octets.max(1) {
            let begun = positions.len();
            let Some(end) = find_record(octets, gaps, at, positions) else {
                positions.truncate(begun);
                sound = false;
                break;
            };
            at = end;
        }
        let columns = 2 * gaps.len().saturating_sub(1) + 1;
        (Self { octets, positions, columns }, sound)
    }

    fn field(self, row: &[u32], place: Place) -> &'a [u8] {
        let range = if place.is_variable() {
            let ends =
                row.get(2 * usize::from(place.segment) + 1..).and_then(|row| row.first_chunk());
            ends.map_or(0..0, |&[start, end]| start as usize..end as usize)
        } else {
            let start = start(row, place);
            start..start + usize::from(place.width)
        };
        self.octets.get(range).unwrap_or_default()
    }
}

impl<'a> Cells<'a> for Varied<'a> {
    fn records(self) -> usize {
        self.positions.len() / self.columns
    }

    fn part(self, from: usize, to: usize) -> Self {
        let part = self.positions.get(from * self.columns..to * self.columns);
        Self { positions: part.unwrap_or_default(), ..self }
    }

    #[inline]
    fn arrays<const W: usize>(self, place: Place) -> impl ExactSizeIterator<Item = [u8; W]> {
        self.positions.chunks_exact(self.columns).map(move |row| {
            let field = self.octets.get(start(row, place)..);
            field.and_then(|field| field.first_chunk()).copied().unwrap_or([0; W])
        })
    }

    #[inline]
    fn slices(self, place: Place) -> impl ExactSizeIterator<Item = &'a [u8]> {
        self.positions.chunks_exact(self.columns).map(move |row| self.field(row, place))
    }

    fn cell(self, record: usize, place: Place) -> &'a [u8] {
        let row = self.positions.get(record * self.columns..(record + 1) * self.columns);
        self.field(row.unwrap_or_default(), place)
    }
}

/// Where a field of fixed length begins in the record whose positions these are.
fn start(row: &[u32], place: Place) -> usize {
    let base = row.get(2 * usize::from(place.segment)).copied().unwrap_or(u32::MAX);
    base as usize + usize::from(place.offset)
}

/// Notes where one record's fields are; its end, or nothing if it goes on behind the set's.
fn find_record(octets: &[u8], gaps: &[u16], at: usize, out: &mut Vec<u32>) -> Option<usize> {
    let (last, gaps) = gaps.split_last()?;
    let mut at = at;
    out.push(u32::try_from(at).ok()?);
    for gap in gaps {
        at += usize::from(*gap);
        let (length, prefix) =
            penstock_codec::value::read_variable_length(octets.get(at..)?).ok()?;
        at += prefix;
        out.push(u32::try_from(at).ok()?);
        at += length;
        out.push(u32::try_from(at).ok()?);
    }
    at += usize::from(*last);
    (at <= octets.len()).then_some(at)
}

/// Reads one column of all records into its buffer, behind the rows that the shape has.
pub(super) fn read<'a>(shape: &mut Shape, cells: impl Cells<'a>, op: &Op, prefer_ipv6: &[bool]) {
    let rows = shape.rows;
    let buffers = &mut shape.buffers;
    match op {
        Op::Integer { slot, place } => match filled_up(buffers, *slot, rows) {
            Some(Buffer::U8(out)) => u8s(out, cells, *place),
            Some(Buffer::U16(out)) => u16s(out, cells, *place),
            Some(Buffer::U32(out)) => u32s(out, cells, *place),
            Some(Buffer::U64(out)) => u64s(out, cells, *place),
            _ => {}
        },
        Op::Ipv4 { slot, place } => {
            if let Some(Buffer::Ip(out)) = filled_up(buffers, *slot, rows) {
                out.extend(cells.arrays(*place).map(mapped));
            }
        }
        Op::Ipv6 { slot, place } => {
            if let Some(Buffer::Ip(out)) = filled_up(buffers, *slot, rows) {
                out.extend(cells.arrays(*place));
            }
        }
        Op::Ip { slot, ipv4, ipv6 } => {
            if let Some(Buffer::Ip(out)) = filled_up(buffers, *slot, rows) {
                let both = cells.arrays(*ipv4).zip(cells.arrays(*ipv6)).zip(prefer_ipv6);
                out.extend(both.map(|((ipv4, ipv6), prefer)| either(ipv4, ipv6, *prefer)));
            }
        }
        Op::OctetOfFamily { slot, ipv4, ipv6 } => {
            if let Some(Buffer::U8(out)) = filled_up(buffers, *slot, rows) {
                let both = cells.arrays(*ipv4).zip(cells.arrays(*ipv6)).zip(prefer_ipv6);
                out.extend(both.map(
                    |(([ipv4], [ipv6]), prefer)| {
                        if ipv4 == 0 || *prefer && ipv6 != 0 { ipv6 } else { ipv4 }
                    },
                ));
            }
        }
        Op::Mac { slot, place } => {
            if let Some(Buffer::Mac(out)) = filled_up(buffers, *slot, rows) {
                out.extend(cells.arrays(*place));
            }
        }
        Op::Octets { slot, place } => match filled_up(buffers, *slot, rows) {
            Some(Buffer::Text(out)) => texts(out, cells, *place),
            Some(Buffer::Words(out)) => words(out, cells, *place),
            Some(Buffer::Binary(out)) => binaries(out, cells, *place),
            _ => {}
        },
        Op::Fill { slot, value } => {
            if let Some(Buffer::U8(out)) = filled_up(buffers, *slot, rows) {
                out.resize(rows + cells.records(), *value);
            }
        }
        Op::Times { .. } | Op::List { .. } => {}
    }
}

/// The buffer of a slot, with a value for every row so far.
fn filled_up(buffers: &mut [Buffer], slot: Slot, rows: usize) -> Option<&mut Buffer> {
    let buffer = buffers.get_mut(slot)?;
    buffer.fill_up(rows);
    Some(buffer)
}

/// Which records are of IP version 6, where the template leaves that open.
pub(super) fn families<'a>(
    cells: impl Cells<'a>,
    version: Option<Place>,
    ipv6: &[Place],
    out: &mut Vec<bool>,
) {
    out.clear();
    out.resize(cells.records(), false);
    for place in ipv6 {
        for (out, address) in out.iter_mut().zip(cells.arrays::<16>(*place)) {
            *out |= address != [0; 16];
        }
    }
    let Some(version) = version else { return };
    for (out, version) in out.iter_mut().zip(cells.slices(version)) {
        match unsigned(version) {
            4 => *out = false,
            6 => *out = true,
            _ => {}
        }
    }
}

/// An IPv4 address in 16 octets.
#[inline]
pub(super) const fn mapped([a, b, c, d]: [u8; 4]) -> [u8; 16] {
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
}

/// The address of the record's family, unless only the other one says anything.
fn either(ipv4: [u8; 4], ipv6: [u8; 16], prefer_ipv6: bool) -> [u8; 16] {
    let ipv6_says = ipv6 != [0; 16];
    let ipv4_says = ipv4 != [0; 4];
    let use_ipv6 = if prefer_ipv6 { ipv6_says || !ipv4_says } else { ipv6_says && !ipv4_says };
    if use_ipv6 { ipv6 } else { mapped(ipv4) }
}

fn u8s<'a>(out: &mut Vec<u8>, cells: impl Cells<'a>, place: Place) {
    if place.is_variable() {
        out.extend(cells.slices(place).map(|octets| low::<1>(octets)[0]));
    } else {
        out.extend(cells.arrays(place.low(1)).map(|[octet]: [u8; 1]| octet));
    }
}

fn u16s<'a>(out: &mut Vec<u16>, cells: impl Cells<'a>, place: Place) {
    let place = place.low(2);
    match place.width {
        2 => out.extend(cells.arrays(place).map(u16::from_be_bytes)),
        1 => out.extend(cells.arrays(place).map(|[octet]: [u8; 1]| u16::from(octet))),
        _ => out.extend(cells.slices(place).map(|octets| u16::from_be_bytes(low(octets)))),
    }
}

fn u32s<'a>(out: &mut Vec<u32>, cells: impl Cells<'a>, place: Place) {
    let place = place.low(4);
    match place.width {
        4 => out.extend(cells.arrays(place).map(u32::from_be_bytes)),
        2 => out.extend(cells.arrays(place).map(u16::from_be_bytes).map(u32::from)),
        1 => out.extend(cells.arrays(place).map(|[octet]: [u8; 1]| u32::from(octet))),
        _ => out.extend(cells.slices(place).map(|octets| u32::from_be_bytes(low(octets)))),
    }
}

fn u64s<'a>(out: &mut Vec<u64>, cells: impl Cells<'a>, place: Place) {
    let place = place.low(8);
    match place.width {
        8 => out.extend(cells.arrays(place).map(u64::from_be_bytes)),
        4 => out.extend(cells.arrays(place).map(u32::from_be_bytes).map(u64::from)),
        2 => out.extend(cells.arrays(place).map(u16::from_be_bytes).map(u64::from)),
        _ => out.extend(cells.slices(place).map(unsigned)),
    }
}

/// The lowest octets of a number, with zeros in front of a shorter one.
fn low<const W: usize>(octets: &[u8]) -> [u8; W] {
    let value = unsigned(octets).to_be_bytes();
    value.last_chunk().copied().unwrap_or([0; W])
}

fn texts<'a>(out: &mut Texts, cells: impl Cells<'a>, place: Place) {
    let fixed = !place.is_variable();
    cells.slices(place).for_each(|octets| out.push(&text(octets, fixed)));
}

fn words<'a>(out: &mut Words, cells: impl Cells<'a>, place: Place) {
    let fixed = !place.is_variable();
    cells.slices(place).for_each(|octets| out.push(&text(octets, fixed)));
}

fn binaries<'a>(out: &mut Binaries, cells: impl Cells<'a>, place: Place) {
    cells.slices(place).for_each(|octets| out.push(octets));
}

/// Text without the zeros that fill a field of fixed length up, whatever its octets are.
fn text(octets: &[u8], fixed: bool) -> Cow<'_, str> {
    let end = octets.iter().position(|octet| fixed && *octet == 0).unwrap_or(octets.len());
    String::from_utf8_lossy(octets.get(..end).unwrap_or_default())
}
