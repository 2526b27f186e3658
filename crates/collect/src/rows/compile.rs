// SPDX-License-Identifier: Apache-2.0
//! Templates to plans: which field fills which column, by the rows of the registry.
//!
//! A column takes the first of its elements that the template has, and of an element that is there
//! several times the first field. What no column took stays in `extra`, with its
//! number. Times, rates and lists, which take several fields, are found in `compile_parts`.

use std::collections::HashMap;

use penstock_codec::{Field, Template, VARIABLE};
use penstock_elements::DataType;
use penstock_record::{Column, Conversion, ElementUse, Kind, Turned, column};

use super::Dialect;
use super::lists::slot_bit;
use super::plan::{Extra, FamilyOf, Holds, IcmpIn, Layout, ListField, Op, Place, Plan, Traits};
use super::shape::{Slot, Slots};

impl Plan {
    /// Compiles a template of flows.
    pub(crate) fn compile(template: &Template, dialect: Dialect) -> Self {
        let mut compiler = Compiler::new(template);
        let times = compiler.times();
        let rate = compiler.rate();
        compiler.ends();
        compiler.columns();
        let exporter = compiler.exporter();
        let traits = compiler.traits(dialect);
        let (lists, extras) = compiler.rest();
        let filled_lists = compiler.ops.iter().fold(0, |filled, op| match op {
            Op::List { slot, .. } => filled | slot_bit(*slot),
            _ => filled,
        });
        Self {
            groups: compiler.groups,
            layout: layout(template),
            family: compiler.family_of(),
            times,
            rate,
            exporter,
            lists,
            filled_lists,
            extras,
            traits,
            ops: compiler.ops.into(),
        }
    }
}

/// A template on its way to a plan.
pub(super) struct Compiler {
    fields: Vec<Located>,
    first: HashMap<(u32, u16), usize>,
    pub(super) ops: Vec<Op>,
    pub(super) groups: u128,
    total: bool,
    taken: Vec<Column>,
}

/// A field, and whether a column takes it.
#[derive(Clone, Copy)]
struct Located {
    pen: u32,
    id: u16,
    place: Place,
    taken: bool,
}

impl Compiler {
    fn new(template: &Template) -> Self {
        let fields = locate(&template.fields);
        let mut first = HashMap::with_capacity(fields.len());
        for (index, field) in fields.iter().enumerate() {
            first.entry((field.pen, field.id)).or_insert(index);
        }
        let base = Slots::get().bit(column::TIME_START);
        Self { fields, first, ops: Vec::new(), groups: base, total: false, taken: Vec::new() }
    }

    /// Where the first field of this element is.
    pub(super) fn find(&self, pen: u32, id: u16) -> Option<Place> {
        let index = self.first.get(&(pen, id))?;
        self.fields.get(*index).map(|field| field.place)
    }

    /// The same, and it stays out of `extra`.
    pub(super) fn take(&mut self, pen: u32, id: u16) -> Option<Place> {
        let field = self.first.get(&(pen, id)).and_then(|index| self.fields.get_mut(*index))?;
        field.taken = true;
        Some(field.place)
    }

    /// Every field of this element; they stay out of `extra`.
    pub(super) fn take_all(&mut self, pen: u32, id: u16) -> Vec<Place> {
        let same = self.fields.iter_mut().filter(|field| (field.pen, field.id) == (pen, id));
        same.map(|field| {
            field.taken = true;
            field.place
        })
        .collect()
    }

    /// A column that the records fill.
    pub(super) fn fills(&mut self, column: Column) -> Slot {
        self.groups |= Slots::get().bit(column);
        self.taken.push(column);
        Slots::get().of(column)
    }

    fn is_filled(&self, column: Column) -> bool {
        self.taken.contains(&column)
    }

    /// The addresses and the IP version.
    fn ends(&mut self) {
        for column in Column::all().filter(|column| column.kind() == Kind::Ip) {
            let of = |data_type| {
                let uses = column.spec().elements.iter();
                uses.copied().find(|used| used.element().data_type == data_type)
            };
            let place = |compiler: &mut Self, used: Option<ElementUse>, octets| {
                let used = used?;
                let place = compiler.find(used.pen, used.id)?;
                if place.width == octets { compiler.take(used.pen, used.id) } else { None }
            };
            let ipv4 = place(self, of(DataType::Ipv4Address), 4);
            let ipv6 = place(self, of(DataType::Ipv6Address), 16);
            if ipv4.is_none() && ipv6.is_none() {
                continue;
            }
            let slot = self.fills(column);
            self.ops.push(match (ipv4, ipv6) {
                (Some(place), None) => Op::Ipv4 { slot, place },
                (None, Some(place)) => Op::Ipv6 { slot, place },
                (Some(ipv4), Some(ipv6)) => Op::Ip { slot, ipv4, ipv6 },
                (None, None) => continue,
            });
        }
        if self.find(0, IP_VERSION).is_some() {
            return;
        }
        let version = match self.families() {
            (true, false) => 4,
            (false, true) => 6,
            _ => return,
        };
        let slot = self.fills(column::IP_VERSION);
        self.ops.push(Op::Fill { slot, value: version });
    }

    /// Whether the two ends may be of version 4, and of version 6.
    fn families(&self) -> (bool, bool) {
        let ends = [column::SRC_ADDR, column::DST_ADDR].map(|column| Slots::get().of(column));
        let mut families = (false, false);
        for op in &self.ops {
            match op {
                Op::Ipv4 { slot, .. } if ends.contains(slot) => families.0 = true,
                Op::Ipv6 { slot, .. } if ends.contains(slot) => families.1 = true,
                Op::Ip { slot, .. } if ends.contains(slot) => return (true, true),
                _ => {}
            }
        }
        families
    }

    /// Every column that takes one field.
    fn columns(&mut self) {
        for column in Column::all().filter(|column| !is_found_elsewhere(*column)) {
            match column.kind() {
                Kind::List(_) => self.list(column),
                Kind::U8 if column.spec().elements.iter().any(|used| used.family.is_some()) => {
                    self.octet_of_family(column);
                }
                kind => {
                    let fits = |place| fits(kind, place);
                    let Some((used, place)) = self.first_of(column, fits) else { continue };
                    let slot = self.fills(column);
                    self.total |= used.conversion == Conversion::Total;
                    self.ops.push(match kind {
                        Kind::Mac => Op::Mac { slot, place },
                        Kind::Text | Kind::Binary | Kind::Dictionary => Op::Octets { slot, place },
                        _ => Op::Integer { slot, place },
                    });
                }
            }
        }
    }

    /// The first element of a column that the template has, and the part of the field that it reads.
    fn first_of(
        &mut self,
        column: Column,
        fits: impl Fn(Place) -> bool,
    ) -> Option<(&'static ElementUse, Place)> {
        let mut found = column.spec().elements.iter().filter_map(|used| {
            // What a responder sent is the reverse of what an initiator sent, and of nothing else.
            let other_pair = |(responder, forward, initiator): &(u16, Column, u16)| {
                (used.pen, used.id) == (0, *responder)
                    && self.is_filled(*forward)
                    && !self.is_taken(*initiator)
            };
            if RESPONDERS.iter().any(other_pair) {
                return None;
            }
            let place = self.find(used.pen, used.id)?;
            converted(used.conversion, place)
                .filter(|place| fits(*place))
                .map(|place| (used, place))
        });
        let (used, place) = found.next()?;
        drop(found);
        self.take(used.pen, used.id);
        Some((used, place))
    }

    fn is_taken(&self, id: u16) -> bool {
        let field = self.first.get(&(0, id)).and_then(|index| self.fields.get(*index));
        field.is_some_and(|field| field.taken)
    }

    /// A column of one octet that has an element for either family.
    fn octet_of_family(&mut self, column: Column) {
        let of = |family| {
            let mut uses = column.spec().elements.iter().filter(|used| used.family == Some(family));
            let (used, place) = uses.find_map(|used| {
                let place = self.find(used.pen, used.id)?;
                let place = converted(used.conversion, place)?.low(1);
                (!place.is_variable()).then_some((used, place))
            })?;
            Some((used, place))
        };
        let (ipv4, ipv6) = (of(4), of(6));
        // Field 32 of NetFlow version 9 is ICMP's of both families, so that the other one's will do.
        let (ipv4, ipv6) = match self.families() {
            (true, false) if ipv4.is_some() => (ipv4, None),
            (false, true) if ipv6.is_some() => (None, ipv6),
            _ => (ipv4, ipv6),
        };
        if ipv4.is_none() && ipv6.is_none() {
            return;
        }
        let slot = self.fills(column);
        for (used, _) in ipv4.iter().chain(&ipv6) {
            self.take(used.pen, used.id);
        }
        self.ops.push(match (ipv4, ipv6) {
            (Some((_, ipv4)), Some((_, ipv6))) => Op::OctetOfFamily { slot, ipv4, ipv6 },
            (Some((_, place)), None) | (None, Some((_, place))) => Op::Integer { slot, place },
            (None, None) => return,
        });
    }

    /// Elements 130 and 131 say who exported the record, where the session does not; the registry has
    /// no element for a column of the session.
    fn exporter(&mut self) -> Option<Place> {
        let wide = |place: Place, octets| place.width == octets;
        [(EXPORTER_IPV4, 4), (EXPORTER_IPV6, 16)].into_iter().find_map(|(id, octets)| {
            self.find(0, id).filter(|place| wide(*place, octets))?;
            self.take(0, id)
        })
    }

    fn family_of(&self) -> Option<FamilyOf> {
        let either = |op: &Op| matches!(op, Op::Ip { .. } | Op::OctetOfFamily { .. });
        if !self.ops.iter().any(either) {
            return None;
        }
        let ipv6 = [IPV6_SRC, IPV6_DST].into_iter().filter_map(|id| self.find(0, id));
        let ipv6 = ipv6.filter(|place| place.width == 16).collect();
        Some(FamilyOf { version: self.find(0, IP_VERSION), ipv6 })
    }

    fn traits(&mut self, dialect: Dialect) -> Traits {
        let ports = self.is_filled(column::DST_PORT) && self.is_filled(column::PROTOCOL);
        let own = self.is_filled(column::ICMP_TYPE) || self.is_filled(column::ICMP_CODE);
        let icmp = match dialect {
            _ if own && ports && !self.is_filled(column::ICMP_ID) => IcmpIn::ElementsBesidePorts,
            _ if own || !ports => IcmpIn::Elements,
            Dialect::NetFlow5 | Dialect::NetFlow9 => IcmpIn::Ports,
            Dialect::Ipfix => IcmpIn::PortsUnlessZero,
        };
        match icmp {
            IcmpIn::Elements => {}
            IcmpIn::Ports | IcmpIn::PortsUnlessZero => {
                self.groups |= Slots::get().bit(column::ICMP_TYPE);
            }
            IcmpIn::ElementsBesidePorts => self.groups |= Slots::get().bit(column::ICMP_ID),
        }
        let version_from_addresses =
            self.find(0, IP_VERSION).is_some() || self.families() == (true, true);
        Traits { total: self.total, icmp, version_from_addresses, undirected: self.is_undirected() }
    }

    /// RFC 5103 section 4: reverse values need an end to turn round.
    fn is_undirected(&self) -> bool {
        let reversed = |column: &Column| column.name().ends_with("_rev");
        if !self.taken.iter().any(reversed) {
            return false;
        }
        let has_other_end = |column: &Column| match column.spec().turned {
            Turned::Other(other) => !reversed(&other),
            _ => false,
        };
        let prefixes = || PREFIXES.iter().any(|id| self.find(0, *id).is_some());
        !self.taken.iter().any(has_other_end) && !prefixes()
    }

    /// What no column took.
    fn rest(&mut self) -> (Box<[ListField]>, Box<[Extra]>) {
        let mut lists = Vec::new();
        let mut extras = Vec::new();
        for field in self.fields.iter().filter(|field| !field.taken) {
            let Located { pen, id, place, .. } = *field;
            let holds = match penstock_elements::by_number(pen, id).map(|known| known.data_type) {
                Some(DataType::BasicList) if (pen, id) == (0, BASIC_LIST) => {
                    lists.push(ListField { place });
                    Holds::BasicList(lists.len() - 1)
                }
                Some(DataType::SubTemplateList) => Holds::SubTemplateList,
                Some(DataType::SubTemplateMultiList) => Holds::SubTemplateMultiList,
                _ => Holds::Value,
            };
            extras.push(Extra { pen, id, place, holds });
        }
        let always = extras.iter().any(|extra| !matches!(extra.holds, Holds::BasicList(_)));
        if always {
            self.groups |= Slots::get().bit(column::EXTRA);
        }
        (lists.into(), extras.into())
    }
}

/// Fields that hold something, and where. Padding and fields of no length hold nothing.
fn locate(fields: &[Field]) -> Vec<Located> {
    let mut located = Vec::with_capacity(fields.len());
    let (mut segment, mut offset) = (0_u16, 0_u16);
    for field in fields {
        let place = Place { segment, offset, width: field.length };
        let padding = (field.pen, field.id) == (0, PADDING);
        if !padding && field.length != 0 {
            located.push(Located { pen: field.pen, id: field.id, place, taken: false });
        }
        if field.length == VARIABLE {
            segment = segment.saturating_add(1);
            offset = 0;
        } else {
            offset = offset.saturating_add(field.length);
        }
    }
    located
}

fn layout(template: &Template) -> Layout {
    if let Some(octets) = template.fixed_octets() {
        return Layout::Fixed(octets);
    }
    let mut gaps = vec![0_u16];
    for field in &template.fields {
        match gaps.last_mut() {
            Some(gap) if field.length != VARIABLE => *gap = gap.saturating_add(field.length),
            _ => gaps.push(0),
        }
    }
    Layout::Varied { gaps: gaps.into(), least_octets: template.least_octets() }
}

/// Columns that are not made of one field, and those that enrichment or the message fills.
fn is_found_elsewhere(column: Column) -> bool {
    matches!(column.kind(), Kind::Ip | Kind::TimestampNs | Kind::F64)
        || column.spec().elements.is_empty()
}

/// The part of a field that a conversion reads.
fn converted(conversion: Conversion, place: Place) -> Option<Place> {
    match conversion {
        Conversion::Value | Conversion::Total => Some(place),
        Conversion::HighOctet => place.second_lowest(),
        Conversion::LowOctet => (!place.is_variable()).then(|| place.low(1)),
        Conversion::SegmentId => Some(place.low(3)),
        _ => None,
    }
}

const fn fits(kind: Kind, place: Place) -> bool {
    match kind {
        Kind::Mac => place.width == 6,
        Kind::U8 | Kind::U16 | Kind::U32 | Kind::U64 => true,
        _ => matches!(kind, Kind::Text | Kind::Binary | Kind::Dictionary),
    }
}

/// Counters of responders, the column of what the other side sent, and the initiator's counter that
/// it must come from.
const RESPONDERS: [(u16, Column, u16); 2] =
    [(232, column::OCTETS, 231), (299, column::PACKETS, 298)];
/// Prefixes of the two ends, which have no column of their own.
const PREFIXES: [u16; 4] = [44, 45, 169, 170];
const IP_VERSION: u16 = 60;
const IPV6_SRC: u16 = 27;
const IPV6_DST: u16 = 28;
const EXPORTER_IPV4: u16 = 130;
const EXPORTER_IPV6: u16 = 131;
const PADDING: u16 = 210;
const BASIC_LIST: u16 = 291;
