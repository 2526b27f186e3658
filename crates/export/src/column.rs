// SPDX-License-Identifier: Apache-2.0
//! A column whose Arrow type has been found out, so that writing a value asks no more about it.
//!
//! What a value looks like is each format's own business; here is only what it is. A number that
//! is not finite counts as null: no format of ours has a word for it.

use arrow_array::cast::AsArray;
use arrow_array::types::{self, ArrowPrimitiveType};
use arrow_array::{Array, RecordBatch, StructArray};
use arrow_array::{
    BinaryArray, BinaryViewArray, BooleanArray, FixedSizeBinaryArray, LargeBinaryArray,
    LargeStringArray, StringArray, StringViewArray,
};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::{DataType, Field, TimeUnit};

use crate::{EncodeError, json};

/// A named column, or a named field within a column of structs.
pub(crate) struct Column<'a> {
    /// The name as it stands before a value in a JSON object.
    pub json_key: Vec<u8>,
    /// Its values.
    pub values: Values<'a>,
}

impl<'a> Column<'a> {
    /// The columns that are asked for, in that order; `None` where the batch lacks one.
    pub fn chosen(
        batch: &'a RecordBatch,
        names: &[&str],
    ) -> Result<Vec<Option<Self>>, EncodeError> {
        let find = |name: &&str| {
            let index = batch.schema_ref().index_of(name).ok()?;
            Some(Self::new(batch.schema_ref().field(index), batch.column(index).as_ref(), ""))
        };
        names.iter().map(|name| find(name).transpose()).collect()
    }

    /// All columns in the batch's order.
    pub fn all(batch: &'a RecordBatch) -> Result<Vec<Self>, EncodeError> {
        let fields = batch.schema_ref().fields();
        let arrays = batch.columns();
        fields
            .iter()
            .zip(arrays)
            .map(|(field, array)| Self::new(field, array.as_ref(), ""))
            .collect()
    }

    fn new(field: &'a Field, array: &'a dyn Array, parent: &str) -> Result<Self, EncodeError> {
        let name = field.name();
        let path = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
        Ok(Self { json_key: json::key(name), values: Values::new(field, array, &path)? })
    }
}

/// Values of one type, and which of them are null.
pub(crate) struct Values<'a> {
    nulls: Option<NullBuffer>,
    /// What the values are.
    pub kind: Kind<'a>,
}

impl<'a> Values<'a> {
    /// Whether there is nothing to write for the row.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Which rows are null, if any can be.
    pub const fn nulls(&self) -> Option<&NullBuffer> {
        self.nulls.as_ref()
    }

    /// Whether any of so many rows is set.
    pub fn has_values(&self, rows: usize) -> bool {
        self.nulls.as_ref().map_or(0, NullBuffer::null_count) < rows
    }

    /// Where the row's value is kept itself, and which it is there.
    pub fn behind_keys(&self, row: usize) -> (&Self, usize) {
        match &self.kind {
            Kind::Dictionary { keys, values } => values.behind_keys(keys[row]),
            _ => (self, row),
        }
    }

    /// The value as a number, if it is a whole one that is not negative.
    pub fn unsigned(&self, row: usize) -> Option<u64> {
        match self.kind {
            Kind::U8(values) => Some(values[row].into()),
            Kind::U16(values) => Some(values[row].into()),
            Kind::U32(values) => Some(values[row].into()),
            Kind::U64(values) => Some(values[row]),
            _ => None,
        }
    }

    /// The values of a field; `path` is its name, for an error.
    pub fn new(field: &'a Field, array: &'a dyn Array, path: &str) -> Result<Self, EncodeError> {
        Self::extended(array, field.extension_type_name(), path)
    }

    fn extended(
        array: &'a dyn Array,
        extension: Option<&str>,
        path: &str,
    ) -> Result<Self, EncodeError> {
        let kind = Kind::new(array, extension, path)?;
        let unwritable = match &kind {
            Kind::F32(values) => all_but(values, |value| value.is_finite()),
            Kind::F64(values) => all_but(values, |value| value.is_finite()),
            Kind::Dictionary { keys, values } => all_but(keys, |key| !values.is_null(*key)),
            _ => None,
        };
        // Logical, because an array of nulls only has no buffer that says so.
        let nulls = NullBuffer::union(array.logical_nulls().as_ref(), unwritable.as_ref());
        Ok(Self { nulls, kind })
    }
}

/// What the values of a column are, with the way to get at them.
pub(crate) enum Kind<'a> {
    /// Nulls only.
    Null,
    /// True or false.
    Bool(&'a BooleanArray),
    /// Whole numbers.
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    /// Real numbers.
    F32(&'a [f32]),
    F64(&'a [f64]),
    /// Addresses, IPv4 mapped into IPv6.
    Address(&'a [[u8; 16]]),
    /// MAC addresses.
    Mac(&'a [[u8; 6]]),
    /// Moments, in ticks since 1970, UTC.
    Time {
        ticks: &'a [i64],
        per_second: i64,
    },
    /// Lengths of time, in ticks.
    Duration {
        ticks: &'a [i64],
        nanoseconds_per_tick: i64,
    },
    /// Words.
    Text(Text<'a>),
    /// Octets without a form of their own.
    Octets(Octets<'a>),
    /// Values that are kept once each, by index.
    Dictionary {
        keys: Vec<usize>,
        values: Box<Values<'a>>,
    },
    /// Any number of values a row.
    List {
        bounds: Bounds<'a>,
        items: Box<Values<'a>>,
    },
    /// Named values.
    Struct(Vec<Column<'a>>),
}

/// Text in each of Arrow's layouts.
pub(crate) enum Text<'a> {
    Small(&'a StringArray),
    Large(&'a LargeStringArray),
    View(&'a StringViewArray),
}

impl Text<'_> {
    /// The text of a row.
    #[inline]
    pub fn value(&self, row: usize) -> &str {
        match self {
            Self::Small(array) => array.value(row),
            Self::Large(array) => array.value(row),
            Self::View(array) => array.value(row),
        }
    }
}

/// Octet strings in each of Arrow's layouts.
pub(crate) enum Octets<'a> {
    Small(&'a BinaryArray),
    Large(&'a LargeBinaryArray),
    View(&'a BinaryViewArray),
    Fixed(&'a FixedSizeBinaryArray),
}

impl Octets<'_> {
    /// The octets of a row.
    pub fn value(&self, row: usize) -> &[u8] {
        match self {
            Self::Small(array) => array.value(row),
            Self::Large(array) => array.value(row),
            Self::View(array) => array.value(row),
            Self::Fixed(array) => array.value(row),
        }
    }
}

/// Where each row's items begin and end.
pub(crate) enum Bounds<'a> {
    Small(&'a [i32]),
    Large(&'a [i64]),
    Fixed(usize),
}

impl Bounds<'_> {
    /// The items of a row.
    pub fn of(&self, row: usize) -> std::ops::Range<usize> {
        // Arrow's offsets are never negative.
        let index = |offset: i64| usize::try_from(offset).unwrap_or_default();
        match self {
            Self::Small(offsets) => index(offsets[row].into())..index(offsets[row + 1].into()),
            Self::Large(offsets) => index(offsets[row])..index(offsets[row + 1]),
            Self::Fixed(length) => row * length..(row + 1) * length,
        }
    }
}

impl<'a> Kind<'a> {
    fn new(array: &'a dyn Array, extension: Option<&str>, path: &str) -> Result<Self, EncodeError> {
        let refused = || EncodeError { column: path.into(), data_type: array.data_type().clone() };
        if let Some(number) = Self::number(array) {
            return Ok(number);
        }
        Ok(match array.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Bool(array.as_boolean()),
            DataType::Timestamp(unit, _) => {
                Self::Time { ticks: ticks(array, *unit, true), per_second: per_second(*unit) }
            }
            DataType::Duration(unit) => Self::Duration {
                ticks: ticks(array, *unit, false),
                nanoseconds_per_tick: 1_000_000_000 / per_second(*unit),
            },
            DataType::Utf8 => Self::Text(Text::Small(array.as_string())),
            DataType::LargeUtf8 => Self::Text(Text::Large(array.as_string())),
            DataType::Utf8View => Self::Text(Text::View(array.as_string_view())),
            DataType::Binary => Self::Octets(Octets::Small(array.as_binary())),
            DataType::LargeBinary => Self::Octets(Octets::Large(array.as_binary())),
            DataType::BinaryView => Self::Octets(Octets::View(array.as_binary_view())),
            DataType::FixedSizeBinary(width) => {
                let octets = array.as_fixed_size_binary();
                match (extension, width) {
                    (Some(IP), 16) => Self::Address(octets.value_data().as_chunks().0),
                    (Some(MAC), 6) => Self::Mac(octets.value_data().as_chunks().0),
                    _ => Self::Octets(Octets::Fixed(octets)),
                }
            }
            DataType::Dictionary(..) => Self::dictionary(array, extension, path)?,
            DataType::List(item) => {
                let list = array.as_list::<i32>();
                let items = Box::new(Values::new(item, list.values().as_ref(), path)?);
                Self::List { bounds: Bounds::Small(list.value_offsets()), items }
            }
            DataType::LargeList(item) => {
                let list = array.as_list::<i64>();
                let items = Box::new(Values::new(item, list.values().as_ref(), path)?);
                Self::List { bounds: Bounds::Large(list.value_offsets()), items }
            }
            DataType::FixedSizeList(item, length) => {
                let length = usize::try_from(*length).map_err(|_| refused())?;
                let values = array.as_fixed_size_list().values();
                let items = Box::new(Values::new(item, values.as_ref(), path)?);
                Self::List { bounds: Bounds::Fixed(length), items }
            }
            DataType::Struct(_) => Self::fields(array.as_struct(), path)?,
            _ => return Err(refused()),
        })
    }

    fn number(array: &'a dyn Array) -> Option<Self> {
        Some(match array.data_type() {
            DataType::UInt8 => Self::U8(slice::<types::UInt8Type>(array)),
            DataType::UInt16 => Self::U16(slice::<types::UInt16Type>(array)),
            DataType::UInt32 => Self::U32(slice::<types::UInt32Type>(array)),
            DataType::UInt64 => Self::U64(slice::<types::UInt64Type>(array)),
            DataType::Int8 => Self::I8(slice::<types::Int8Type>(array)),
            DataType::Int16 => Self::I16(slice::<types::Int16Type>(array)),
            DataType::Int32 => Self::I32(slice::<types::Int32Type>(array)),
            DataType::Int64 => Self::I64(slice::<types::Int64Type>(array)),
            DataType::Float32 => Self::F32(slice::<types::Float32Type>(array)),
            DataType::Float64 => Self::F64(slice::<types::Float64Type>(array)),
            _ => return None,
        })
    }

    fn dictionary(
        array: &'a dyn Array,
        extension: Option<&str>,
        path: &str,
    ) -> Result<Self, EncodeError> {
        let dictionary = array.as_any_dictionary();
        let words = dictionary.values().as_ref();
        // Without words every row is null, and no key is ever looked up.
        let keys = if words.is_empty() { Vec::new() } else { dictionary.normalized_keys() };
        let values = Box::new(Values::extended(words, extension, path)?);
        Ok(Self::Dictionary { keys, values })
    }

    fn fields(array: &'a StructArray, path: &str) -> Result<Self, EncodeError> {
        let fields = array.fields().iter().zip(array.columns());
        let columns = fields.map(|(field, values)| Column::new(field, values.as_ref(), path));
        Ok(Self::Struct(columns.collect::<Result<_, _>>()?))
    }
}

fn slice<T: ArrowPrimitiveType>(array: &dyn Array) -> &[T::Native] {
    array.as_primitive::<T>().values()
}

fn ticks(array: &dyn Array, unit: TimeUnit, moment: bool) -> &[i64] {
    match (moment, unit) {
        (true, TimeUnit::Second) => slice::<types::TimestampSecondType>(array),
        (true, TimeUnit::Millisecond) => slice::<types::TimestampMillisecondType>(array),
        (true, TimeUnit::Microsecond) => slice::<types::TimestampMicrosecondType>(array),
        (true, TimeUnit::Nanosecond) => slice::<types::TimestampNanosecondType>(array),
        (false, TimeUnit::Second) => slice::<types::DurationSecondType>(array),
        (false, TimeUnit::Millisecond) => slice::<types::DurationMillisecondType>(array),
        (false, TimeUnit::Microsecond) => slice::<types::DurationMicrosecondType>(array),
        (false, TimeUnit::Nanosecond) => slice::<types::DurationNanosecondType>(array),
    }
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// Nulls where the test fails, nothing where it never does.
fn all_but<T>(values: &[T], test: impl Fn(&T) -> bool) -> Option<NullBuffer> {
    if values.iter().all(&test) {
        return None;
    }
    Some(NullBuffer::new(BooleanBuffer::collect_bool(values.len(), |row| test(&values[row]))))
}

const IP: &str = "penstock.ip";
const MAC: &str = "penstock.mac";
