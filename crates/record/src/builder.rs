// SPDX-License-Identifier: Apache-2.0
//! A batch, built column by column.
//!
//! Values are dense: a row that is not set still has one, which nobody sees. A column
//! of another type or length than the registry and the batch have is a mistake of the
//! caller, and panics with the column's name.

use std::sync::Arc;

use arrow_array::types::{
    DurationNanosecondType, Float64Type, Int8Type, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, DictionaryArray,
    FixedSizeBinaryArray, ListArray, PrimitiveArray, RecordBatch, RecordBatchOptions, StringArray,
};
use arrow_buffer::{
    ArrowNativeType, Buffer, NullBuffer, OffsetBuffer, OffsetBufferBuilder, ScalarBuffer,
};
use arrow_schema::{FieldRef, Schema};

use crate::validity::packed;
use crate::{Column, Kind, Validity};

/// Collects the columns of one batch, in any order.
///
/// Every method takes a column, which rows have it (`None`: all), and a value for every row.
/// They panic if the column is of another type or was given before, or if there are
/// more or fewer values than rows: that is never input's fault.
#[derive(Debug)]
pub struct BatchBuilder {
    rows: usize,
    columns: Vec<(Column, ArrayRef)>,
}

macro_rules! primitives {
    ($($(#[$doc:meta])+ $method:ident($value:ty, $arrow:ty, $kind:ident);)+) => {$(
        $(#[$doc])+
        ///
        /// # Panics
        ///
        /// See [`BatchBuilder`].
        pub fn $method(
            &mut self,
            column: Column,
            valid: Option<&Validity>,
            values: impl ExactSizeIterator<Item = $value>,
        ) {
            expect(column, column.kind() == Kind::$kind, stringify!($method));
            let values: ScalarBuffer<$value> = values.collect::<Vec<$value>>().into();
            self.primitive::<$arrow>(column, valid, values);
        }
    )+};
}

macro_rules! lists {
    ($($(#[$doc:meta])+ $method:ident($value:ty, $arrow:ty, $kind:ident);)+) => {$(
        $(#[$doc])+
        ///
        /// # Panics
        ///
        /// See [`BatchBuilder`]; also if the lengths do not add up to the values.
        pub fn $method(
            &mut self,
            column: Column,
            valid: Option<&Validity>,
            lengths: impl Iterator<Item = usize>,
            values: Vec<$value>,
        ) {
            expect(column, column.kind() == Kind::List(&Kind::$kind), stringify!($method));
            let values = with_type::<$arrow>(Kind::$kind, values.into(), None);
            self.list(column, valid, lengths, Arc::new(values));
        }
    )+};
}

impl BatchBuilder {
    /// A batch of so many rows, without a column yet.
    pub fn new(rows: usize) -> Self {
        Self { rows, columns: Vec::with_capacity(64) }
    }

    /// How many rows it has.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    primitives! {
        /// A column of one octet.
        u8(u8, UInt8Type, U8);
        /// A column of two octets.
        u16(u16, UInt16Type, U16);
        /// A column of four octets.
        u32(u32, UInt32Type, U32);
        /// A column of eight octets.
        u64(u64, UInt64Type, U64);
        /// A column of one octet with sign.
        i8(i8, Int8Type, I8);
        /// A column of floating point.
        f64(f64, Float64Type, F64);
        /// A column of times, in nanoseconds since 1970.
        timestamps(i64, TimestampNanosecondType, TimestampNs);
        /// A column of times, in seconds since 1970.
        timestamps_s(i64, TimestampSecondType, TimestampS);
        /// A column of durations, in nanoseconds.
        durations(i64, DurationNanosecondType, DurationNs);
    }

    lists! {
        /// A column of lists: so many of `values` for each row, one row after another.
        list_u8(u8, UInt8Type, U8);
        /// A column of lists; see [`Self::list_u8`].
        list_i8(i8, Int8Type, I8);
        /// A column of lists; see [`Self::list_u8`].
        list_u16(u16, UInt16Type, U16);
        /// A column of lists; see [`Self::list_u8`].
        list_u32(u32, UInt32Type, U32);
        /// A column of lists of times, in nanoseconds since 1970; see [`Self::list_u8`].
        list_timestamps(i64, TimestampNanosecondType, TimestampNs);
    }

    /// A column of yes and no.
    ///
    /// # Panics
    ///
    /// See [`BatchBuilder`].
    pub fn bool(
        &mut self,
        column: Column,
        valid: Option<&Validity>,
        values: impl ExactSizeIterator<Item = bool>,
    ) {
        expect(column, column.kind() == Kind::Bool, "bool");
        let values = BooleanArray::new(packed(values), nulls(valid));
        self.push(column, valid, Arc::new(values));
    }

    /// A column of addresses, IPv4 as `::ffff:a.b.c.d`.
    ///
    /// # Panics
    ///
    /// See [`BatchBuilder`].
    pub fn ip(
        &mut self,
        column: Column,
        valid: Option<&Validity>,
        values: impl ExactSizeIterator<Item = [u8; 16]>,
    ) {
        expect(column, column.kind() == Kind::Ip, "ip");
        self.fixed(column, valid, values);
    }

    /// A column of MAC addresses.
    ///
    /// # Panics
    ///
    /// See [`BatchBuilder`].
    pub fn mac(
        &mut self,
        column: Column,
        valid: Option<&Validity>,
        values: impl ExactSizeIterator<Item = [u8; 6]>,
    ) {
        expect(column, column.kind() == Kind::Mac, "mac");
        self.fixed(column, valid, values);
    }

    /// A column from a small vocabulary: `keys` are places in `words`.
    ///
    /// # Panics
    ///
    /// See [`BatchBuilder`]; also if a key of a set row is beyond the words.
    pub fn dictionary(
        &mut self,
        column: Column,
        valid: Option<&Validity>,
        words: &[&str],
        keys: impl ExactSizeIterator<Item = u8>,
    ) {
        expect(column, column.kind() == Kind::Dictionary, "dictionary");
        let keys: ScalarBuffer<u8> = keys.collect::<Vec<u8>>().into();
        expect(column, keys.len() == self.rows, "as many values as rows");
        let keys = PrimitiveArray::<UInt8Type>::new(keys, nulls(valid));
        let words = Arc::new(StringArray::from_iter_values(words));
        self.push(column, valid, Arc::new(DictionaryArray::new(keys, words)));
    }

    /// A vocabulary column that says the same in every row.
    ///
    /// # Panics
    ///
    /// See [`BatchBuilder`].
    pub fn constant_text(&mut self, column: Column, word: &str) {
        self.dictionary(column, None, &[word], std::iter::repeat_n(0, self.rows));
    }

    /// A column of text.
    ///
    /// # Panics
    ///
    /// See [`BatchBuilder`]; also above 2 GiB of text.
    pub fn text(
        &mut self,
        column: Column,
        valid: Option<&Validity>,
        values: impl Iterator<Item = impl AsRef<str>>,
    ) {
        expect(column, column.kind() == Kind::Text, "text");
        let (offsets, octets) = joined(self.rows, values.map(TextOctets));
        expect(column, offsets.len() == self.rows + 1, "as many values as rows");
        let values = StringArray::new(offsets, octets.into(), nulls(valid));
        self.push(column, valid, Arc::new(values));
    }

    /// A column of octet strings.
    ///
    /// # Panics
    ///
    /// See [`BatchBuilder`]; also above 2 GiB of octets.
    pub fn binary(
        &mut self,
        column: Column,
        valid: Option<&Validity>,
        values: impl Iterator<Item = impl AsRef<[u8]>>,
    ) {
        expect(column, column.kind() == Kind::Binary, "binary");
        let (offsets, octets) = joined(self.rows, values);
        expect(column, offsets.len() == self.rows + 1, "as many values as rows");
        let values = BinaryArray::new(offsets, octets.into(), nulls(valid));
        self.push(column, valid, Arc::new(values));
    }

    /// A column that is an array already, such as lists of structs.
    ///
    /// # Panics
    ///
    /// See [`BatchBuilder`].
    pub fn array(&mut self, column: Column, values: ArrayRef) {
        expect(column, *values.data_type() == column.kind().arrow_type(), "array");
        self.push(column, None, values);
    }

    /// The batch, its columns in the registry's order.
    ///
    /// # Panics
    ///
    /// If a column was given twice.
    pub fn finish(mut self) -> RecordBatch {
        self.columns.sort_by_key(|(column, _)| *column);
        for pair in self.columns.windows(2) {
            expect(pair[0].0, pair[0].0 != pair[1].0, "given once");
        }
        let fields: Vec<FieldRef> =
            self.columns.iter().map(|(column, _)| Arc::clone(column.field())).collect();
        let arrays = self.columns.into_iter().map(|(_, array)| array).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .expect("each column was checked when it came")
    }

    fn primitive<T: ArrowPrimitiveType>(
        &mut self,
        column: Column,
        valid: Option<&Validity>,
        values: ScalarBuffer<T::Native>,
    ) {
        expect(column, values.len() == self.rows, "as many values as rows");
        let values = with_type::<T>(column.kind(), values, nulls(valid));
        self.push(column, valid, Arc::new(values));
    }

    fn fixed<const OCTETS: usize>(
        &mut self,
        column: Column,
        valid: Option<&Validity>,
        values: impl ExactSizeIterator<Item = [u8; OCTETS]>,
    ) {
        let values = values.collect::<Vec<_>>().into_flattened();
        expect(column, values.len() == self.rows * OCTETS, "as many values as rows");
        let width = i32::try_from(OCTETS).expect("16 or 6");
        let buffer = Buffer::from_vec(values);
        let values = FixedSizeBinaryArray::new(width, buffer, nulls(valid));
        self.push(column, valid, Arc::new(values));
    }

    fn list(
        &mut self,
        column: Column,
        valid: Option<&Validity>,
        lengths: impl Iterator<Item = usize>,
        values: ArrayRef,
    ) {
        let mut offsets = OffsetBufferBuilder::<i32>::new(self.rows);
        lengths.for_each(|length| offsets.push_length(length));
        let offsets = offsets.finish();
        expect(column, offsets.len() == self.rows + 1, "as many values as rows");
        let used = offsets.last().as_usize();
        expect(column, used == values.len(), "lengths that add up to the values");
        let Kind::List(item) = column.kind() else { unreachable!("checked by the caller") };
        let lists = ListArray::new(item.item_field(), offsets, values, nulls(valid));
        self.push(column, valid, Arc::new(lists));
    }

    fn push(&mut self, column: Column, valid: Option<&Validity>, array: ArrayRef) {
        expect(column, array.len() == self.rows, "as many values as rows");
        let same = valid.is_none_or(|valid| valid.rows() == self.rows);
        expect(column, same, "a validity of as many rows");
        debug_assert_eq!(*array.data_type(), column.kind().arrow_type(), "{column:?}");
        self.columns.push((column, array));
    }
}

/// Text as the octets it is.
struct TextOctets<T>(T);

impl<T: AsRef<str>> AsRef<[u8]> for TextOctets<T> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref().as_bytes()
    }
}

fn joined(
    rows: usize,
    values: impl Iterator<Item = impl AsRef<[u8]>>,
) -> (OffsetBuffer<i32>, Vec<u8>) {
    let mut offsets = OffsetBufferBuilder::<i32>::new(rows);
    let mut octets = Vec::new();
    for value in values {
        let value = value.as_ref();
        octets.extend_from_slice(value);
        offsets.push_length(value.len());
    }
    (offsets.finish(), octets)
}

fn with_type<T: ArrowPrimitiveType>(
    kind: Kind,
    values: ScalarBuffer<T::Native>,
    nulls: Option<NullBuffer>,
) -> PrimitiveArray<T> {
    let array = PrimitiveArray::<T>::new(values, nulls);
    match kind {
        Kind::TimestampNs | Kind::TimestampS => array.with_data_type(kind.arrow_type()),
        _ => array,
    }
}

fn nulls(valid: Option<&Validity>) -> Option<NullBuffer> {
    valid.and_then(Validity::nulls)
}

#[track_caller]
fn expect(column: Column, holds: bool, wanted: &str) {
    assert!(holds, "column {column:?} ({}): {wanted} is what was expected", column.kind());
}
