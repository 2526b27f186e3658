// SPDX-License-Identifier: Apache-2.0
//! Types of values, in the registry's words and in Arrow's.

use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, TimeUnit};

/// Field metadata that says what octets are: `penstock.ip`, `penstock.mac`.
pub const EXTENSION_NAME: &str = "ARROW:extension:name";

pub(crate) const IP_EXTENSION: &str = "penstock.ip";
pub(crate) const MAC_EXTENSION: &str = "penstock.mac";

const UTC: &str = "UTC";

/// Types of values.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// True or false.
    Bool,
    /// One octet.
    U8,
    /// Two octets.
    U16,
    /// Four octets.
    U32,
    /// Eight octets.
    U64,
    /// One octet with sign.
    I8,
    /// Floating point of eight octets.
    F64,
    /// 16 octets, IPv4 mapped.
    Ip,
    /// Six octets.
    Mac,
    /// Nanoseconds since 1970 in UTC.
    TimestampNs,
    /// Seconds since 1970 in UTC.
    TimestampS,
    /// Nanoseconds.
    DurationNs,
    /// UTF-8.
    Text,
    /// UTF-8 from a small vocabulary.
    Dictionary,
    /// Octets.
    Binary,
    /// Any number of values of one kind.
    List(&'static Kind),
    /// Named values.
    Struct(&'static [(&'static str, Kind)]),
}

impl Kind {
    /// The type that its arrays have.
    pub fn arrow_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::U8 => DataType::UInt8,
            Self::U16 => DataType::UInt16,
            Self::U32 => DataType::UInt32,
            Self::U64 => DataType::UInt64,
            Self::I8 => DataType::Int8,
            Self::F64 => DataType::Float64,
            Self::Ip => DataType::FixedSizeBinary(16),
            Self::Mac => DataType::FixedSizeBinary(6),
            Self::TimestampNs => DataType::Timestamp(TimeUnit::Nanosecond, Some(UTC.into())),
            Self::TimestampS => DataType::Timestamp(TimeUnit::Second, Some(UTC.into())),
            Self::DurationNs => DataType::Duration(TimeUnit::Nanosecond),
            Self::Text => DataType::Utf8,
            Self::Dictionary => {
                DataType::Dictionary(Box::new(DataType::UInt8), Box::new(DataType::Utf8))
            }
            Self::Binary => DataType::Binary,
            Self::List(item) => DataType::List(item.item_field()),
            Self::Struct(members) => DataType::Struct(struct_fields(members)),
        }
    }

    /// The field of the values in a list of this kind, for building such a list by hand.
    pub fn item_field(self) -> FieldRef {
        Arc::new(with_extension(
            Field::new(Field::LIST_FIELD_DEFAULT_NAME, self.arrow_type(), true),
            self,
        ))
    }
}

impl fmt::Display for Kind {
    /// In the words of the registry.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::I8 => "i8",
            Self::F64 => "f64",
            Self::Ip => "ip",
            Self::Mac => "mac",
            Self::TimestampNs => "timestamp_ns",
            Self::TimestampS => "timestamp_s",
            Self::DurationNs => "duration_ns",
            Self::Text => "text",
            Self::Dictionary => "dictionary",
            Self::Binary => "binary",
            Self::List(item) => return write!(f, "list<{item}>"),
            Self::Struct(members) => {
                let members: Vec<String> =
                    members.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
                return write!(f, "struct<{}>", members.join(", "));
            }
        })
    }
}

pub(crate) fn with_extension(field: Field, kind: Kind) -> Field {
    let extension = match kind {
        Kind::Ip => IP_EXTENSION,
        Kind::Mac => MAC_EXTENSION,
        _ => return field,
    };
    field.with_metadata([(EXTENSION_NAME.to_owned(), extension.to_owned())])
}

fn struct_fields(members: &[(&str, Kind)]) -> Fields {
    let field = |&(name, kind): &(&str, Kind)| {
        with_extension(Field::new(name, kind.arrow_type(), true), kind)
    };
    members.iter().map(field).collect()
}
