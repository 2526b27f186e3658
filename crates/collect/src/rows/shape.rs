// SPDX-License-Identifier: Apache-2.0
//! Buffers of the rows that wait, a set of them for every set of columns.
//!
//! What a buffer is, is said in `buffer`; how octets become values in `read` and `lists`, what a batch
//! is made of in `drain`.

use std::collections::HashMap;
use std::sync::OnceLock;

use penstock_record::{Column, groups};

use super::buffer::{Buffer, Extras};
use super::plan::Traits;

/// A column's place among the buffers of every shape.
pub(super) type Slot = usize;

/// What the registry says of columns, as shapes need it.
pub(super) struct Slots {
    columns: Vec<(Column, u128)>,
    by_column: HashMap<Column, Slot>,
}

impl Slots {
    pub(super) fn get() -> &'static Self {
        static SLOTS: OnceLock<Slots> = OnceLock::new();
        SLOTS.get_or_init(|| {
            let bit = |column: Column| {
                let group = groups().iter().find(|group| group.name == column.spec().group);
                group.map_or(0, |group| 1_u128.checked_shl(group.bit.into()).unwrap_or(0))
            };
            let columns: Vec<_> = Column::all().map(|column| (column, bit(column))).collect();
            let slots = columns.iter().enumerate().map(|(slot, (column, _))| (*column, slot));
            Self { by_column: slots.collect(), columns }
        })
    }

    /// Every column and the bit of its group, in the order of slots.
    pub(super) fn columns(&self) -> &[(Column, u128)] {
        &self.columns
    }

    pub(super) fn of(&self, column: Column) -> Slot {
        self.by_column.get(&column).copied().unwrap_or(usize::MAX)
    }

    /// Bit of the column's group.
    pub(super) fn bit(&self, column: Column) -> u128 {
        self.columns.get(self.of(column)).map_or(0, |(_, bit)| *bit)
    }
}

/// Rows with the same columns.
#[derive(Debug)]
pub(super) struct Shape {
    /// Groups of columns that its rows have.
    pub groups: u128,
    pub rows: usize,
    pub start_ns: Vec<i64>,
    pub end_ns: Vec<i64>,
    /// By [`Slot`]; those of other groups stay empty.
    pub buffers: Vec<Buffer>,
    pub extra: Extras,
    /// Sampling rates stated in records; not a number where there is none. Nothing if none has one.
    pub stated: Vec<f64>,
    /// Exporters stated in records; zero where there is none. Nothing if none has one.
    pub exporter: Vec<[u8; 16]>,
    /// Rows whose times were put right, or made up.
    pub suspects: Vec<usize>,
    pub runs: Vec<Run>,
    /// How many rows the last batch had.
    pub expected_rows: usize,
}

/// Rows of one message and template, one behind the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub rows: usize,
    pub exporter: u32,
    pub sequence: u32,
    pub received_ns: i64,
    pub stated: Option<f64>,
    pub traits: Traits,
}

impl Run {
    /// Whether rows may be counted to either.
    fn continues(&self, other: &Self) -> bool {
        (self.exporter, self.sequence, self.received_ns, self.traits)
            == (other.exporter, other.sequence, other.received_ns, other.traits)
            && self.stated.map(f64::to_bits) == other.stated.map(f64::to_bits)
    }
}

impl Shape {
    pub(super) fn new(groups: u128) -> Self {
        let buffers = Slots::get().columns().iter().map(|(column, _)| Buffer::of(*column));
        Self {
            groups,
            rows: 0,
            start_ns: Vec::new(),
            end_ns: Vec::new(),
            buffers: buffers.collect(),
            extra: Extras::default(),
            stated: Vec::new(),
            exporter: Vec::new(),
            suspects: Vec::new(),
            runs: Vec::new(),
            expected_rows: 0,
        }
    }

    /// Makes room for as many rows as the last batch had, before the first row.
    pub(super) fn begin(&mut self) {
        if self.rows > 0 || self.expected_rows == 0 {
            return;
        }
        self.start_ns.reserve(self.expected_rows);
        self.end_ns.reserve(self.expected_rows);
        for ((_, bit), buffer) in Slots::get().columns().iter().zip(&mut self.buffers) {
            if self.groups & bit != 0 {
                buffer.reserve(self.expected_rows);
            }
        }
    }

    /// Counts rows whose values have been written.
    pub(super) fn add(&mut self, run: Run) {
        self.rows += run.rows;
        match self.runs.last_mut() {
            Some(last) if last.continues(&run) => last.rows += run.rows,
            _ => self.runs.push(run),
        }
    }

    pub(super) fn has(&self, group: u128) -> bool {
        self.groups & group != 0
    }

    /// Values of a column of one octet; nothing if it is of another type, or not there.
    pub(super) fn octets(&self, column: Column) -> &[u8] {
        match self.buffers.get(Slots::get().of(column)) {
            Some(Buffer::U8(values)) => values,
            _ => &[],
        }
    }

    /// The same of a column of two octets.
    pub(super) fn u16s(&self, column: Column) -> &[u16] {
        match self.buffers.get(Slots::get().of(column)) {
            Some(Buffer::U16(values)) => values,
            _ => &[],
        }
    }

    /// The same of a column of four octets.
    pub(super) fn u32s(&self, column: Column) -> &[u32] {
        match self.buffers.get(Slots::get().of(column)) {
            Some(Buffer::U32(values)) => values,
            _ => &[],
        }
    }

    /// The same of a column of eight octets.
    pub(super) fn u64s(&self, column: Column) -> &[u64] {
        match self.buffers.get(Slots::get().of(column)) {
            Some(Buffer::U64(values)) => values,
            _ => &[],
        }
    }

    /// The same of a column of addresses.
    pub(super) fn ips(&self, column: Column) -> &[[u8; 16]] {
        match self.buffers.get(Slots::get().of(column)) {
            Some(Buffer::Ip(values)) => values,
            _ => &[],
        }
    }

    /// The same of a column of times.
    pub(super) fn times(&self, column: Column) -> &[i64] {
        match self.buffers.get(Slots::get().of(column)) {
            Some(Buffer::Time(values)) => values,
            _ => &[],
        }
    }
}
