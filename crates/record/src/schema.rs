// SPDX-License-Identifier: Apache-2.0
//! What the columns are: the registry's rows as constants.
//!
//! What their types are in Arrow is said in `kind`.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use arrow_schema::{Field, FieldRef, Schema, SchemaRef};
use penstock_elements::Element;

use crate::Kind;
use crate::kind::with_extension;

/// A column of some kind of batch. Columns compare in the order that batches have them in.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Column(u16);

impl Column {
    /// The column of a flow that is called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        static BY_NAME: OnceLock<HashMap<&'static str, Column>> = OnceLock::new();
        let by_name =
            BY_NAME.get_or_init(|| Self::all().map(|column| (column.name(), column)).collect());
        by_name.get(name).copied()
    }

    /// The column of that kind of batch that is called `name`.
    pub fn by_name_in(kind: BatchKind, name: &str) -> Option<Self> {
        static BY_NAME: OnceLock<HashMap<(BatchKind, &'static str), Column>> = OnceLock::new();
        let columns = BatchKind::ALL.into_iter().flat_map(BatchKind::columns);
        let by_name = BY_NAME.get_or_init(|| {
            columns.map(|column| ((column.spec().batch, column.name()), column)).collect()
        });
        by_name.get(&(kind, name)).copied()
    }

    /// Every column of a flow, in order.
    pub fn all() -> impl ExactSizeIterator<Item = Self> + Clone {
        (0..FLOW_COLUMNS).map(Self)
    }

    /// The registry's row.
    pub fn spec(self) -> &'static ColumnSpec {
        &SPECS[usize::from(self.0)]
    }

    /// Its name in every batch.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// Type of its values.
    pub fn kind(self) -> Kind {
        self.spec().kind
    }

    /// The column as Arrow describes it: nullable, with the extension name of addresses.
    pub fn field(self) -> &'static FieldRef {
        static FIELDS: OnceLock<Vec<FieldRef>> = OnceLock::new();
        let fields =
            FIELDS.get_or_init(|| SPECS.iter().map(|spec| Arc::new(make_field(spec))).collect());
        &fields[usize::from(self.0)]
    }
}

impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One row of the registry.
#[derive(Clone, Copy, Debug)]
pub struct ColumnSpec {
    /// Its name in every batch.
    pub name: &'static str,
    /// The kind of batch that has it.
    pub batch: BatchKind,
    /// Type of its values.
    pub kind: Kind,
    /// The [`Group`] that it is null or set with.
    pub group: &'static str,
    /// Elements it is read from and written as, best first.
    pub elements: &'static [ElementUse],
    /// Column type in `ClickHouse`.
    pub clickhouse: &'static str,
    /// Compression codecs in `ClickHouse`.
    pub codec: &'static str,
    /// Field number in the protobuf message.
    pub protobuf: u32,
    /// What the second row has when a biflow becomes two.
    pub turned: Turned,
    /// One line for people.
    pub summary: &'static str,
}

/// What a batch holds a row of.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum BatchKind {
    /// Flows.
    Flows,
    /// Rows of the loss ledger.
    Loss,
    /// Options records: what exporters say of themselves.
    Options,
    /// Counters of interfaces, one row a sample.
    InterfaceCounters,
    /// Packets that a device says it dropped.
    Drops,
}

impl BatchKind {
    /// Every kind, in the registry's order.
    pub const ALL: [Self; 5] =
        [Self::Flows, Self::Loss, Self::Options, Self::InterfaceCounters, Self::Drops];

    /// The kind in the words of the registry.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flows => "flows",
            Self::Loss => "loss",
            Self::Options => "options",
            Self::InterfaceCounters => "interface_counters",
            Self::Drops => "drops",
        }
    }

    /// The kind of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its columns, in order.
    pub fn columns(self) -> impl Iterator<Item = Column> + Clone {
        let all = 0..u16::try_from(SPECS.len()).unwrap_or(u16::MAX);
        all.map(Column).filter(move |column| column.spec().batch == self)
    }
}

/// Columns that are null together or set together.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// What columns call it.
    pub name: &'static str,
    /// Its place in `ClickHouse`'s `has`.
    pub bit: u8,
    /// Whether it is what a plugin found.
    pub plugin: bool,
    /// One line for people.
    pub summary: &'static str,
}

/// Every group, in the registry's order.
pub fn groups() -> &'static [Group] {
    GROUPS
}

/// An information element that a column is read from or written as.
#[derive(Clone, Copy, Debug)]
pub struct ElementUse {
    /// Qualified name, such as `iana:octetDeltaCount`.
    pub name: &'static str,
    /// Private enterprise number.
    pub pen: u32,
    /// Number within the enterprise.
    pub id: u16,
    /// How the element's value becomes the column's.
    pub conversion: Conversion,
    /// Whether it may be written; all are read.
    pub written: bool,
    /// IP version of the rows it is for, if it is not for both.
    pub family: Option<u8>,
}

impl ElementUse {
    /// The element itself.
    ///
    /// # Panics
    ///
    /// Never: the build resolved it.
    pub fn element(&self) -> &'static Element {
        penstock_elements::by_number(self.pen, self.id).expect("resolved by the build")
    }
}

/// How an element's value becomes a column's. Widths, IPv4 addresses in 16 octets, units of time and basicLists of
/// what the column lists follow from the two types and need no word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Conversion {
    /// As it is.
    Value,
    /// As it is, and `counter_semantics` becomes `total`.
    Total,
    /// Milliseconds of the exporter's uptime, against its start (160) or the header.
    Uptime,
    /// Microseconds before the export time of the message.
    BeforeExport,
    /// A duration after `time_start`.
    AfterStart,
    /// The upper of two octets.
    HighOctet,
    /// The lower of two octets.
    LowOctet,
    /// A basicList of this element.
    List,
    /// One value of the list; there may be several of the element in a record.
    Append,
    /// The upper 20 bits of a label stack entry without its TTL; one element an entry.
    MplsLabel,
    /// The three bits after the label in such an entry.
    MplsExp,
    /// The first value of the list only.
    MplsTop,
    /// The lower three octets; the upper one says which encapsulation it is (element 351).
    SegmentId,
    /// One divided by it.
    Inverse,
    /// Interval (305) and space (306) together: (interval + space) / interval.
    IntervalAndSpace,
    /// Size (309) and population (310) together: population / size.
    SizeAndPopulation,
}

/// What the second row has in a column when a biflow becomes two rows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Turned {
    /// The value of the first row.
    Same,
    /// The value of another column: the other end, or the `_rev` twin.
    Other(Column),
    /// Null: it belongs to the first row.
    First,
    /// The answer to the first row's ICMP type.
    IcmpAnswer,
    /// Initiator and reverse initiator change places (RFC 5103 section 6.3).
    Initiator,
    /// The column ends with the split.
    Gone,
}

/// The schema of a batch that has these columns, which it puts in order.
pub fn schema_of(columns: &[Column]) -> SchemaRef {
    let mut columns = columns.to_vec();
    columns.sort_unstable();
    columns.dedup();
    let fields: Vec<FieldRef> =
        columns.into_iter().map(|column| Arc::clone(column.field())).collect();
    Arc::new(Schema::new(fields))
}

fn make_field(spec: &ColumnSpec) -> Field {
    with_extension(Field::new(spec.name, spec.kind.arrow_type(), true), spec.kind)
}

include!(concat!(env!("OUT_DIR"), "/columns.rs"));

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::EXTENSION_NAME;

    #[test]
    fn every_element_of_every_column_is_in_the_registry_under_its_number() {
        for spec in SPECS {
            for used in spec.elements {
                let named = penstock_elements::by_name(used.name);
                assert_eq!(named, Some(used.element()), "{}: {}", spec.name, used.name);
            }
        }
    }

    #[test]
    fn no_two_columns_of_a_kind_share_a_name_or_a_protobuf_number() {
        for batch in BatchKind::ALL {
            let mut seen = HashSet::new();
            for column in batch.columns() {
                assert!(seen.insert(column.name().to_owned()), "{column:?}");
                assert!(seen.insert(column.spec().protobuf.to_string()), "{column:?}");
            }
            assert!(!seen.is_empty());
        }
    }

    #[test]
    fn what_is_written_fits_the_column() {
        for column in Column::all() {
            for used in column.spec().elements.iter().filter(|used| used.written) {
                let element = used.element();
                assert_ne!(element.status, penstock_elements::Status::Deprecated, "{column:?}");
                let width = match column.kind() {
                    Kind::U8 | Kind::I8 => 1,
                    Kind::U16 => 2,
                    Kind::U32 => 4,
                    Kind::U64 => 8,
                    _ => continue,
                };
                assert_eq!(element.data_type.octets(), Some(width), "{column:?}: {}", used.name);
            }
        }
    }

    #[test]
    fn a_reverse_column_is_the_twin_of_a_forward_one() {
        for column in Column::all().filter(|column| column.name().ends_with("_rev")) {
            let forward = Column::by_name(column.name().strip_suffix("_rev").unwrap()).unwrap();
            assert_eq!(forward.spec().turned, Turned::Other(column));
            assert_eq!(forward.kind(), column.kind());
        }
    }

    #[test]
    fn names_lead_to_their_constants() {
        assert_eq!(Column::by_name("src_addr"), Some(column::SRC_ADDR));
        assert_eq!(column::loss::STAGE.spec().batch, BatchKind::Loss);
        assert_eq!(Column::by_name("stage"), None);
        assert_eq!(Column::by_name_in(BatchKind::Loss, "stage"), Some(column::loss::STAGE));
        assert_eq!(Column::by_name_in(BatchKind::Drops, "stage"), None);
        let values = Column::by_name_in(BatchKind::Options, "values");
        assert_eq!(values, Some(column::options::VALUES));
        assert!(Column::all().all(|column| Column::by_name(column.name()) == Some(column)));
    }

    #[test]
    fn what_kinds_share_with_flows_has_the_type_it_has_there() {
        for column in BatchKind::ALL.into_iter().flat_map(BatchKind::columns) {
            if let Some(flows) = Column::by_name(column.name()) {
                assert_eq!(column.kind(), flows.kind(), "{column:?}");
            }
        }
    }

    #[test]
    fn only_counters_that_a_device_may_not_keep_can_be_null_in_the_store() {
        for column in BatchKind::ALL.into_iter().flat_map(BatchKind::columns) {
            let spec = column.spec();
            let counter = spec.batch == BatchKind::InterfaceCounters
                && matches!(spec.group, "interface_counters" | "ethernet_counters");
            assert_eq!(spec.clickhouse.starts_with("Nullable"), counter, "{column:?}");
        }
    }

    #[test]
    fn each_group_has_a_column_and_a_bit_of_its_own() {
        let mut bits = HashSet::new();
        for group in groups() {
            assert!(bits.insert(group.bit), "{}", group.name);
            assert!(SPECS.iter().any(|spec| spec.group == group.name), "{}", group.name);
        }
    }

    #[test]
    fn a_schema_is_in_order_whatever_the_order_it_is_asked_in() {
        let schema = schema_of(&[column::PROTOCOL, column::SRC_ADDR, column::PROTOCOL]);
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["src_addr", "protocol"]);
        assert_eq!(schema.field(0).metadata().get(EXTENSION_NAME).unwrap(), "penstock.ip");
    }

    #[test]
    fn kinds_are_written_as_the_registry_writes_them() {
        assert_eq!(column::EXTRA.kind().to_string(), "list<struct<pen u32, id u16, value binary>>");
    }
}
