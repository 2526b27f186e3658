// SPDX-License-Identifier: Apache-2.0
//! The fields of a record, from the columns that its row has.
//!
//! A column is sent as the first of its elements that is written, fits the row and keeps the value
//! whole, as the registry of columns says. Fields of fixed length come first, so that they are
//! filled column by column; within both kinds the order is the columns'.

use arrow_buffer::NullBuffer;
use penstock_codec::list::Semantic;
use penstock_codec::{Field, VARIABLE};
use penstock_elements::{DataType, Element};
use penstock_record::{Conversion, ElementUse, column};

use super::columns::{self, Fixed, Rows, TimeForm, write_field};
use super::flows::{Family, FlowColumn, Flows, family, list};
use super::rate::Form;
use super::variable::{Items, List, ListHeader, Variable};
use super::{IpfixSettings, Times};
use crate::column::{Kind, Values};

/// What a record of some class of rows is made of.
#[derive(Default)]
pub(super) struct Layout<'a> {
    fixed_fields: Vec<Field>,
    variable_fields: Vec<Field>,
    fixed: Vec<FixedField<'a>>,
    variable: Vec<Variable<'a>>,
    fixed_octets: usize,
    /// Elements of enterprises, with the number they are sent under.
    pub described: Vec<Described>,
    /// Values that no element stands for.
    pub lost_values: u64,
}

/// An element that collectors may not know.
#[derive(Clone, Copy)]
pub(super) struct Described {
    /// Enterprise number that it is sent under.
    pub pen: u32,
    pub element: &'static Element,
    /// What our column holds, for people.
    pub summary: &'static str,
}

struct FixedField<'a> {
    fixed: Fixed<'a>,
    which: Rows<'a>,
    at: usize,
    length: usize,
}

impl<'a> Layout<'a> {
    /// The fields that a row asks for, which are those of every row of its class.
    pub fn of(flows: &'a Flows<'_>, row: usize, settings: &IpfixSettings) -> Self {
        let mut layout = Self::default();
        let (family, total) = (flows.family_number(row), flows.is_total(row));
        let entries = flows.mpls_entries(row);
        // Of an element that came twice, the second is without a column: it has to stay the second.
        let (last, first): (Vec<_>, Vec<_>) =
            flows.columns().iter().partition(|known| known.column == column::EXTRA);
        let columns = first.into_iter().chain(last);
        for column in columns.filter(|known| !known.values.is_null(row)) {
            Chosen { flows, row, family, total, entries, settings, column }.add_to(&mut layout);
        }
        layout
    }

    /// All fields, in the order of a record.
    pub fn fields(&self) -> Box<[Field]> {
        [self.fixed_fields.as_slice(), &self.variable_fields].concat().into()
    }

    /// Whether records have no fields at all.
    pub const fn is_empty(&self) -> bool {
        self.fixed_fields.is_empty() && self.variable_fields.is_empty()
    }

    /// A further field of fixed length.
    pub fn push_fixed(&mut self, (pen, id): (u32, u16), length: u16, fixed: Fixed<'a>) {
        self.push_masked((pen, id), length, fixed, Rows::All);
    }

    /// One that is zero in rows that are null.
    pub fn push_or_zero(
        &mut self,
        (pen, id): (u32, u16),
        length: u16,
        fixed: Fixed<'a>,
        nulls: Option<&'a NullBuffer>,
    ) {
        self.push_masked((pen, id), length, fixed, nulls.map_or(Rows::All, Rows::OrZero));
    }

    /// Overwrites the last field in rows that are set.
    pub fn overwrite_last(&mut self, fixed: Fixed<'a>, nulls: Option<&'a NullBuffer>) {
        if let Some(&FixedField { at, length, .. }) = self.fixed.last() {
            let which = nulls.map_or(Rows::All, Rows::Only);
            self.fixed.push(FixedField { fixed, which, at, length });
        }
    }

    /// A further field of variable length.
    pub fn push_variable(&mut self, (pen, id): (u32, u16), variable: Variable<'a>) {
        self.variable_fields.push(Field { pen, id, length: VARIABLE });
        self.variable.push(variable);
    }

    fn push_masked(
        &mut self,
        (pen, id): (u32, u16),
        length: u16,
        fixed: Fixed<'a>,
        which: Rows<'a>,
    ) {
        self.fixed_fields.push(Field { pen, id, length });
        let (at, length) = (self.fixed_octets, usize::from(length));
        self.fixed.push(FixedField { fixed, which, at, length });
        self.fixed_octets += length;
    }

    /// Appends the records of these rows, and where each ends. `scratch` is what the caller keeps
    /// of the memory.
    pub fn write(
        &self,
        rows: &[u32],
        out: &mut Vec<u8>,
        ends: &mut Vec<usize>,
        scratch: &mut Vec<u8>,
    ) {
        let stride = self.fixed_octets;
        if self.variable.is_empty() {
            let start = out.len();
            out.resize(start + stride * rows.len(), 0);
            self.write_fixed(rows, &mut out[start..]);
            ends.extend((1..=rows.len()).map(|records| start + stride * records));
            return;
        }
        scratch.clear();
        scratch.resize(stride * rows.len(), 0);
        self.write_fixed(rows, scratch);
        for (place, row) in rows.iter().enumerate() {
            out.extend_from_slice(&scratch[place * stride..(place + 1) * stride]);
            for variable in &self.variable {
                variable.append(*row as usize, out);
            }
            ends.push(out.len());
        }
    }

    fn write_fixed(&self, rows: &[u32], records: &mut [u8]) {
        for FixedField { fixed, which, at, length } in &self.fixed {
            write_field(*fixed, *which, (records, self.fixed_octets), (*at, *length), rows);
        }
    }
}

/// A column of a row, to be given its field.
struct Chosen<'a, 'b, 's> {
    flows: &'a Flows<'b>,
    row: usize,
    family: u8,
    total: bool,
    /// Label stack entries, where they hold the row's stack whole.
    entries: Option<u8>,
    settings: &'s IpfixSettings,
    column: &'a FlowColumn<'b>,
}

impl<'a> Chosen<'a, '_, '_> {
    fn add_to(&self, layout: &mut Layout<'a>) {
        match self.column.column {
            column::EXPORTER_ADDR => self.add_exporter(layout),
            column::EXTRA => self.add_extra(layout),
            column::SAMPLING_RATE => self.add_rate(layout),
            column::MPLS_LABELS if self.entries.is_some() => self.add_mpls_entries(layout),
            // They are in the entries of the stack.
            column::MPLS_EXPS if self.entries.is_some() => {}
            _ => {
                if let Some(used) = self.element() {
                    self.add_element(used, layout);
                }
            }
        }
    }

    /// The element that the row's value is written as.
    fn element(&self) -> Option<&'static ElementUse> {
        let address = family_of(&self.column.values, self.row);
        let elements = self.column.column.spec().elements;
        let has_total = elements.iter().any(|used| used.conversion == Conversion::Total);
        let fits = |used: &&ElementUse| {
            let conversion = match used.conversion {
                Conversion::Value => !(self.total && has_total),
                Conversion::Total => self.total,
                Conversion::List => true,
                _ => false,
            };
            used.written
                && conversion
                && used.family.is_none_or(|wanted| wanted == self.family)
                && match used.element().data_type {
                    DataType::Ipv4Address => address == Family::Ipv4,
                    DataType::Ipv6Address => address != Family::Ipv4,
                    _ => true,
                }
        };
        let wanted = time_type(self.settings.times);
        let exact = |used: &&ElementUse| fits(used) && used.element().data_type == wanted;
        elements.iter().find(exact).or_else(|| elements.iter().find(fits))
    }

    fn add_element(&self, used: &'static ElementUse, layout: &mut Layout<'a>) {
        let element = used.element();
        let number = (self.sent_pen(used.pen), used.id);
        let kind = &self.column.values.kind;
        if let Some(fixed) = fixed(kind, element.data_type) {
            let Some(length) = element.data_type.octets() else { return };
            layout.push_fixed(number, length, fixed);
        } else if let Some(variable) = variable(kind) {
            layout.push_variable(number, variable);
        } else if let Some((field, list)) = self.list(element, number) {
            layout.push_variable(field, Variable::List(list));
        } else {
            return;
        }
        layout.describe(number.0, element, self.column.column.spec().summary);
    }

    fn list(
        &self,
        element: &'static Element,
        number: (u32, u16),
    ) -> Option<((u32, u16), List<'a>)> {
        let (bounds, values) = list(&self.column.values)?;
        // Elements that are lists themselves have items of another element.
        let (field, (item_pen, item_id), item) = match items_of(element) {
            Some(item) => (number, (item.pen, item.id), item),
            None => ((0, BASIC_LIST), number, element),
        };
        let items = items(&values.kind, item.data_type)?;
        let octets = item.data_type.octets()?;
        let header = ListHeader::new(Semantic::Ordered.octet(), item_pen, item_id, octets);
        Some((field, List { bounds, items, header, long_prefix: false }))
    }

    /// The exporter that the record came by first: whoever gets it from us shall know (RFC 6183
    /// section 5).
    fn add_exporter(&self, layout: &mut Layout<'a>) {
        let Kind::Address(addresses) = self.column.values.kind else { return };
        match family(&self.column.values, self.row) {
            Family::Ipv4 => layout.push_fixed((0, EXPORTER_IPV4), 4, Fixed::Ipv4(addresses)),
            Family::Ipv6 => layout.push_fixed((0, EXPORTER_IPV6), 16, Fixed::Ipv6(addresses)),
            Family::Null | Family::Empty => {}
        }
    }

    fn add_extra(&self, layout: &mut Layout<'a>) {
        let (extra, lost) = self.flows.extra(self.row);
        layout.lost_values = lost;
        let Some((bounds, values)) = self.flows.extra_values() else { return };
        for extra in extra {
            let value = columns::Element { bounds, place: extra.place, values };
            let number = (extra.pen, extra.id);
            match extra.length {
                Some(length) => layout.push_fixed(number, length, Fixed::Octets(value)),
                None => layout.push_variable(number, Variable::Element(value)),
            }
            if let Some(element) = penstock_elements::by_number(extra.pen, extra.id) {
                layout.describe(extra.pen, element, "");
            }
        }
    }

    fn add_rate(&self, layout: &mut Layout<'a>) {
        let Kind::F64(rates) = self.column.values.kind else { return };
        match self.flows.rate_form(self.row) {
            None => {}
            Some(Form::Interval) => {
                layout.push_fixed((0, PACKET_INTERVAL), 4, Fixed::Constant(1));
                layout.push_fixed((0, PACKET_SPACE), 4, Fixed::Space(rates));
            }
            Some(Form::Ratio) => {
                layout.push_fixed((0, SAMPLING_SIZE), 4, Fixed::Size(rates));
                layout.push_fixed((0, SAMPLING_POPULATION), 4, Fixed::Population(rates));
            }
            Some(Form::Probability) => {
                layout.push_fixed((0, SAMPLING_PROBABILITY), 8, Fixed::Probability(rates));
            }
            Some(Form::Unknown) => {
                layout.push_fixed((0, PACKET_INTERVAL), 4, Fixed::Constant(0));
                layout.push_fixed((0, PACKET_SPACE), 4, Fixed::Constant(0));
            }
        }
    }

    fn add_mpls_entries(&self, layout: &mut Layout<'a>) {
        let Some(stack) = self.flows.stack() else { return };
        for place in 0..self.entries.unwrap_or(0) {
            let id = FIRST_LABEL_STACK_SECTION + u16::from(place);
            layout.push_fixed((0, id), 3, Fixed::MplsEntry { stack, place: place.into() });
        }
    }

    fn sent_pen(&self, pen: u32) -> u32 {
        if pen == OWN_PEN { self.settings.enterprise } else { pen }
    }
}

impl Layout<'_> {
    fn describe(&mut self, pen: u32, element: &'static Element, summary: &'static str) {
        let own = pen == penstock_elements::IANA_PEN
            || pen == penstock_elements::REVERSE_PEN
            || element.pen == penstock_elements::NETFLOW9_PEN
            || element.pen == penstock_elements::IANA_PEN;
        if !own {
            self.described.push(Described { pen, element, summary });
        }
    }
}

fn family_of(values: &Values<'_>, row: usize) -> Family {
    match family(values, row) {
        Family::Empty => Family::Ipv6,
        family => family,
    }
}

const fn time_type(times: Times) -> DataType {
    match times {
        Times::Nanoseconds => DataType::DateTimeNanoseconds,
        Times::Microseconds => DataType::DateTimeMicroseconds,
        Times::Milliseconds => DataType::DateTimeMilliseconds,
    }
}

fn time_form(data_type: DataType) -> Option<TimeForm> {
    Some(match data_type {
        DataType::DateTimeNanoseconds => TimeForm::Nanoseconds,
        DataType::DateTimeMicroseconds => TimeForm::Microseconds,
        DataType::DateTimeMilliseconds => TimeForm::Milliseconds,
        DataType::DateTimeSeconds => TimeForm::Seconds,
        _ => return None,
    })
}

fn fixed<'a>(kind: &Kind<'a>, data_type: DataType) -> Option<Fixed<'a>> {
    Some(match *kind {
        Kind::U8(values) => Fixed::U8(values),
        Kind::U16(values) => Fixed::U16(values),
        Kind::U32(values) => Fixed::U32(values),
        Kind::U64(values) => Fixed::U64(values),
        Kind::I8(values) => Fixed::I8(values),
        Kind::F64(values) => Fixed::F64(values),
        Kind::Bool(values) => Fixed::Bool(values),
        Kind::Time { ticks, per_second: 1_000_000_000 } => {
            Fixed::Time(ticks, time_form(data_type)?)
        }
        Kind::Address(values) if data_type == DataType::Ipv4Address => Fixed::Ipv4(values),
        Kind::Address(values) => Fixed::Ipv6(values),
        Kind::Mac(values) => Fixed::Mac(values),
        _ => return None,
    })
}

fn variable<'a>(kind: &'a Kind<'_>) -> Option<Variable<'a>> {
    Some(match kind {
        Kind::Text(text) => Variable::Text(text),
        Kind::Octets(octets) => Variable::Octets(octets),
        Kind::Dictionary { keys, values } => Variable::Word { keys, words: values },
        _ => return None,
    })
}

fn items<'a>(kind: &Kind<'a>, data_type: DataType) -> Option<Items<'a>> {
    Some(match *kind {
        Kind::U8(values) => Items::U8(values),
        Kind::I8(values) => Items::I8(values),
        Kind::U16(values) => Items::U16(values),
        Kind::U32(values) => Items::U32(values),
        Kind::U64(values) => Items::U64(values),
        Kind::Time { ticks, per_second: 1_000_000_000 } => {
            Items::Time(ticks, time_form(data_type)?)
        }
        _ => return None,
    })
}

/// Of what the lists are that have elements of their own (RFC 8549 section 4, and IANA's registry
/// for paths).
fn items_of(element: &Element) -> Option<&'static Element> {
    let item = match (element.pen, element.id) {
        (0, 484 | 485) => 483,
        (0, 511) => 16,
        (0, 512) => 17,
        _ => return None,
    };
    penstock_elements::by_number(0, item)
}

/// The number that the registry has our elements under; another may be asked for.
pub(super) const OWN_PEN: u32 = 32_473;

const BASIC_LIST: u16 = 291;
const EXPORTER_IPV4: u16 = 130;
const EXPORTER_IPV6: u16 = 131;
pub(super) const PACKET_INTERVAL: u16 = 305;
pub(super) const PACKET_SPACE: u16 = 306;
pub(super) const SAMPLING_SIZE: u16 = 309;
pub(super) const SAMPLING_POPULATION: u16 = 310;
pub(super) const SAMPLING_PROBABILITY: u16 = 311;
const FIRST_LABEL_STACK_SECTION: u16 = 70;
