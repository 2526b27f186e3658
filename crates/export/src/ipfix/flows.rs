// SPDX-License-Identifier: Apache-2.0
//! A batch of flows, looked at as what templates tell apart: which rows need which fields.
//!
//! What those fields are is said in `layout`, and in `compat` for the records of others.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use arrow_buffer::NullBuffer;
use arrow_schema::{Field, FieldRef};
use penstock_elements::DataType;
use penstock_record::{Column, Kind as ColumnKind, column};

use super::ColumnError;
use super::classes::{Classes, KINDS, Sorted};
use super::columns::Stack;
use super::rate::{self, Form};
use crate::column::{Bounds, Kind, Values};

/// The columns of a batch that records are made of, in the batch's order.
pub(super) struct Flows<'a> {
    rows: usize,
    columns: Vec<FlowColumn<'a>>,
    /// The rate that rows without elements of their own have.
    declared_rate: Option<f64>,
    places: Places,
    /// Whether any counter goes on from record to record.
    totals: bool,
    /// Whether any column has elements for one IP version.
    by_family: bool,
}

/// Where the columns are that rows are asked about one by one.
#[derive(Default)]
struct Places {
    version: Option<usize>,
    source: Option<usize>,
    semantics: Option<usize>,
    labels: Option<usize>,
    classes: Option<usize>,
    rate: Option<usize>,
    sampler: Option<usize>,
    extra: Option<usize>,
}

/// One of them.
pub(super) struct FlowColumn<'a> {
    pub column: Column,
    pub values: Values<'a>,
}

/// Addresses, as far as their elements differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Family {
    Null,
    Ipv4,
    Ipv6,
    /// Nothing but zeroes.
    Empty,
}

/// An element that came without a column: where in its row, and what.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Extra {
    pub place: usize,
    pub pen: u32,
    pub id: u16,
    /// Octets, where the element is of a type that has a fixed length.
    pub length: Option<u16>,
}

impl<'a> Flows<'a> {
    /// The batch, without columns that are no flow's or the session's: those have no element.
    pub fn new(batch: &'a RecordBatch) -> Result<Self, ColumnError> {
        let schema = batch.schema_ref();
        let known = |(field, array): (&'a FieldRef, &'a arrow_array::ArrayRef)| {
            let column = Column::by_name(field.name())
                .filter(|column| is_sent(*column) || *column == column::COUNTER_SEMANTICS)?;
            let wrong =
                || ColumnError { column: column.name(), data_type: array.data_type().clone() };
            let field: &'a Field = field;
            let values = Values::new(field, array.as_ref(), "").map_err(|_| wrong());
            Some(values.and_then(|values| {
                let fits = fits(column.kind(), &values.kind);
                if fits { Ok(FlowColumn { column, values }) } else { Err(wrong()) }
            }))
        };
        let columns = schema.fields().iter().zip(batch.columns()).filter_map(known);
        let columns: Vec<FlowColumn<'a>> = columns.collect::<Result<_, _>>()?;
        let at = |column| columns.iter().position(|known| known.column == column);
        let places = Places {
            version: at(column::IP_VERSION),
            source: at(column::SRC_ADDR),
            semantics: at(column::COUNTER_SEMANTICS),
            labels: at(column::MPLS_LABELS),
            classes: at(column::MPLS_EXPS),
            rate: at(column::SAMPLING_RATE),
            sampler: at(column::SAMPLER_ID),
            extra: at(column::EXTRA),
        };
        let totals = places.semantics.is_some_and(|at| says_total(&columns[at].values));
        let by_family = columns.iter().any(|known| {
            known.column.spec().elements.iter().any(|used| used.written && used.family.is_some())
        });
        let rows = batch.num_rows();
        Ok(Self { rows, columns, declared_rate: None, places, totals, by_family })
    }

    /// Says which rate rows without elements of their own have.
    pub const fn declare_rate(&mut self, rate: f64) {
        self.declared_rate = Some(rate);
    }

    /// Its columns.
    pub fn columns(&self) -> &[FlowColumn<'a>] {
        &self.columns
    }

    /// How many rows it has.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// A column by its name, if the batch has it.
    pub fn get(&self, column: Column) -> Option<&Values<'a>> {
        self.columns.iter().find(|known| known.column == column).map(|known| &known.values)
    }

    /// Rows that are described by the same fields, class by class.
    pub fn classes(&self) -> Sorted {
        let mut classes = Classes::new(self.rows);
        let mut masks: Vec<&NullBuffer> = Vec::new();
        for FlowColumn { values, .. } in &self.columns {
            let Some(nulls) = values.nulls() else { continue };
            if !masks.iter().any(|mask| same(mask, nulls)) {
                masks.push(nulls);
                classes.split_by_nulls(Some(nulls));
            }
        }
        for FlowColumn { column, values } in &self.columns {
            match &values.kind {
                Kind::Address(_) if values.has_values(self.rows) => {
                    classes.split(|row| family(values, row) as u8);
                }
                _ if *column == column::EXTRA => self.split_by_extra(&mut classes),
                _ => {}
            }
        }
        if self.by_family {
            classes.split(|row| self.family_number(row));
        }
        if self.totals {
            classes.split(|row| u8::from(self.is_total(row)));
        }
        if self.at(self.places.labels).is_some_and(|labels| labels.has_values(self.rows)) {
            classes.split(|row| self.mpls_entries(row).unwrap_or(KINDS - 1));
        }
        if self.places.rate.is_some() {
            classes.split(|row| self.rate_form(row).map_or(0, |form| form as u8 + 1));
        }
        classes.sorted()
    }

    /// The rate that all rows have, if there is one.
    pub fn constant_rate(&self) -> Option<f64> {
        let values = self.at(self.places.rate)?;
        let Kind::F64(rates) = values.kind else { return None };
        let first = *rates.first()?;
        let constant =
            values.nulls().is_none() && rates.iter().all(|rate| rate::same(*rate, first));
        (constant && rate::is_known(first)).then_some(first)
    }

    /// Whether the row's counters go on from record to record.
    pub fn is_total(&self, row: usize) -> bool {
        let Some(values) = self.at(self.places.semantics).filter(|_| self.totals) else {
            return false;
        };
        if values.is_null(row) {
            return false;
        }
        let (values, index) = values.behind_keys(row);
        matches!(&values.kind, Kind::Text(text) if text.value(index) == TOTAL)
    }

    /// 6 for rows of IPv6, else 4: elements that depend on it exist for these two.
    pub fn family_number(&self, row: usize) -> u8 {
        if let Some(values) = self.at(self.places.version)
            && !values.is_null(row)
            && let Some(version) = values.unsigned(row)
        {
            return if version == 6 { 6 } else { 4 };
        }
        let source = self.at(self.places.source).map(|values| family(values, row));
        if source == Some(Family::Ipv6) { 6 } else { 4 }
    }

    /// The row's label stack.
    pub fn stack(&self) -> Option<Stack<'_>> {
        let (bounds, labels) = list(self.at(self.places.labels)?)?;
        let Kind::U32(labels) = labels.kind else { return None };
        let classes = self.at(self.places.classes).and_then(list);
        let classes = classes.and_then(|(bounds, classes)| match classes.kind {
            Kind::U8(classes) => Some((bounds, classes)),
            _ => None,
        });
        Some(Stack { bounds, labels, classes })
    }

    /// How many label stack entries say the row's stack whole; none if lists have to.
    pub fn mpls_entries(&self, row: usize) -> Option<u8> {
        if self.at(self.places.labels)?.is_null(row) {
            return None;
        }
        let entries = self.stack()?.entries(row)?;
        u8::try_from(entries).ok().filter(|entries| (1..=MPLS_ENTRIES).contains(entries))
    }

    /// How the row's rate is said; none if it is not known or everyone's.
    pub fn rate_form(&self, row: usize) -> Option<Form> {
        let values = self.at(self.places.rate).filter(|values| !values.is_null(row))?;
        let Kind::F64(rates) = values.kind else { return None };
        // A row that names its sampler asks for that sampler's rate, not for everyone's.
        let own = self.at(self.places.sampler).is_some_and(|values| !values.is_null(row));
        let form = Form::of(rates[row]);
        match self.declared_rate {
            Some(declared) if rate::same(declared, rates[row]) && !own => None,
            None if form == Form::Unknown => None,
            _ => Some(form),
        }
    }

    /// The row's elements without a column, and how many of them IPFIX has no number for.
    pub fn extra(&self, row: usize) -> (Vec<Extra>, u64) {
        let Some(values) = self.at(self.places.extra).filter(|values| !values.is_null(row)) else {
            return (Vec::new(), 0);
        };
        let Some((bounds, pens, ids, octets)) = extra_parts(values) else {
            return (Vec::new(), 0);
        };
        let mut lost = 0;
        let element = |(place, index): (usize, usize)| {
            let (pen, id) = (pens[index], ids[index]);
            if id >= 1 << 15 {
                lost += 1;
                return None;
            }
            let length = match &octets.kind {
                Kind::Octets(octets) => octets.value(index).len(),
                _ => 0,
            };
            Some(Extra { place, pen, id, length: fixed_length(pen, id, length) })
        };
        let extra = bounds.of(row).enumerate().filter_map(element).collect();
        (extra, lost)
    }

    /// The values of the elements without a column.
    pub fn extra_values(&self) -> Option<(&Bounds<'a>, &Values<'a>)> {
        let (bounds, _, _, octets) = extra_parts(self.at(self.places.extra)?)?;
        Some((bounds, octets))
    }

    fn at(&self, place: Option<usize>) -> Option<&Values<'a>> {
        place.map(|place| &self.columns[place].values)
    }

    fn split_by_extra(&self, classes: &mut Classes) {
        let mut numbers: HashMap<Vec<Extra>, u32> = HashMap::new();
        classes.split_widely(|row| {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            *numbers.entry(self.extra(row).0).or_insert(next)
        });
    }
}

/// What an address of the row asks for.
pub(super) fn family(values: &Values<'_>, row: usize) -> Family {
    match values.kind {
        Kind::Address(addresses) if !values.is_null(row) => match &addresses[row] {
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ..] => Family::Ipv4,
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] => Family::Empty,
            _ => Family::Ipv6,
        },
        _ => Family::Null,
    }
}

/// Groups that are set in the same rows split nothing twice. Most of them share their mask.
fn same(a: &NullBuffer, b: &NullBuffer) -> bool {
    let shared = a.buffer().as_ptr() == b.buffer().as_ptr() && a.offset() == b.offset();
    a.null_count() == b.null_count() && (shared || a == b)
}

/// Whether the column goes into records at all; the others are the session's.
pub(super) fn is_sent(column: Column) -> bool {
    column == column::EXPORTER_ADDR
        || column == column::EXTRA
        || column.spec().elements.iter().any(|used| used.written)
}

/// The bounds and items of a column of lists.
pub(super) fn list<'v, 'a>(values: &'v Values<'a>) -> Option<(&'v Bounds<'a>, &'v Values<'a>)> {
    match &values.kind {
        Kind::List { bounds, items } => Some((bounds, items.as_ref())),
        _ => None,
    }
}

/// Whether the word is in the column's vocabulary.
fn says_total(values: &Values<'_>) -> bool {
    match &values.kind {
        Kind::Dictionary { keys, values } => match &values.kind {
            Kind::Text(text) => {
                let words = keys.iter().max().map_or(0, |last| last + 1);
                (0..words).any(|word| text.value(word) == TOTAL)
            }
            _ => false,
        },
        _ => false,
    }
}

/// What `counter_semantics` says of counters that go on.
const TOTAL: &str = "total";

/// Elements 70 to 79 hold one entry each.
const MPLS_ENTRIES: u8 = 10;

type ExtraParts<'v, 'a> = (&'v Bounds<'a>, &'a [u32], &'a [u16], &'v Values<'a>);

fn extra_parts<'v, 'a>(values: &'v Values<'a>) -> Option<ExtraParts<'v, 'a>> {
    let (bounds, items) = list(values)?;
    let Kind::Struct(members) = &items.kind else { return None };
    match members.as_slice() {
        [pen, id, value] => match (&pen.values.kind, &id.values.kind) {
            (Kind::U32(pens), Kind::U16(ids)) => Some((bounds, pens, ids, &value.values)),
            _ => None,
        },
        _ => None,
    }
}

/// Numbers, times and addresses go out as long as they came; where that is no length of theirs, and
/// for what nobody has described, the record says how long.
fn fixed_length(pen: u32, id: u16, length: usize) -> Option<u16> {
    let data_type = penstock_elements::by_number(pen, id)?.data_type;
    let whole = data_type.octets()?;
    let length = u16::try_from(length).ok()?;
    let reducible = matches!(
        data_type,
        DataType::Unsigned16
            | DataType::Unsigned32
            | DataType::Unsigned64
            | DataType::Unsigned256
            | DataType::Signed16
            | DataType::Signed32
            | DataType::Signed64
    ) && (1..whole).contains(&length);
    let narrow_float = data_type == DataType::Float64 && length == 4;
    (length == whole || reducible || narrow_float).then_some(length)
}

fn fits(wanted: ColumnKind, values: &Kind<'_>) -> bool {
    match (wanted, values) {
        (ColumnKind::Bool, Kind::Bool(_))
        | (ColumnKind::U8, Kind::U8(_))
        | (ColumnKind::U16, Kind::U16(_))
        | (ColumnKind::U32, Kind::U32(_))
        | (ColumnKind::U64, Kind::U64(_))
        | (ColumnKind::I8, Kind::I8(_))
        | (ColumnKind::F64, Kind::F64(_))
        | (ColumnKind::Ip, Kind::Address(_))
        | (ColumnKind::Mac, Kind::Mac(_))
        | (ColumnKind::TimestampS, Kind::Time { .. })
        | (ColumnKind::DurationNs, Kind::Duration { .. })
        | (ColumnKind::Text, Kind::Text(_))
        | (ColumnKind::Binary, Kind::Octets(_)) => true,
        (ColumnKind::TimestampNs, Kind::Time { per_second, .. }) => *per_second == 1_000_000_000,
        (ColumnKind::Dictionary, Kind::Dictionary { values, .. }) => {
            matches!(values.kind, Kind::Text(_))
        }
        (ColumnKind::List(wanted), Kind::List { items, .. }) => fits(*wanted, &items.kind),
        (ColumnKind::Struct(wanted), Kind::Struct(members)) => {
            wanted.len() == members.len()
                && wanted
                    .iter()
                    .zip(members)
                    .all(|((_, kind), member)| fits(*kind, &member.values.kind))
        }
        _ => false,
    }
}
