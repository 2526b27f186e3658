// SPDX-License-Identifier: Apache-2.0
//! What a template becomes: where each column's octets are, and how they are read.
//!
//! A plan knows columns by their [`Slot`] and is good for any number of shapes; how it is made of a
//! template is `compile`'s business, how it is obeyed `decode`'s.

use penstock_codec::VARIABLE;

use super::shape::Slot;

/// A template, compiled. Made by [`Plan::compile`].
#[derive(Debug)]
pub(crate) struct Plan {
    /// Groups of columns that every record fills, a bit each.
    pub(super) groups: u128,
    pub(super) layout: Layout,
    pub(super) ops: Box<[Op]>,
    pub(super) times: Times,
    /// Set where a record may have addresses of both families.
    pub(super) family: Option<FamilyOf>,
    pub(super) rate: Option<Rate>,
    /// Elements 130 or 131: the true exporter behind a proxy.
    pub(super) exporter: Option<Place>,
    /// Fields that say in each record which element they list (291).
    pub(super) lists: Box<[ListField]>,
    /// List columns that fields of their own fill, a bit each.
    pub(super) filled_lists: u128,
    /// Fields without a column, in the template's order.
    pub(super) extras: Box<[Extra]>,
    pub(super) traits: Traits,
}

/// What holds for all records of a template, and is remembered with their rows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Traits {
    /// Counters since the flow began (85, 86), not since the last record.
    pub total: bool,
    /// Where type and code of ICMP are, and its identifier.
    pub icmp: IcmpIn,
    /// The IP version is to be told from the addresses.
    pub version_from_addresses: bool,
    /// Reverse counters without an end to turn round: not to be decoded (RFC 5103 section 4).
    pub undirected: bool,
}

/// Where ICMP's type and code are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum IcmpIn {
    /// In elements of their own, or nowhere.
    #[default]
    Elements,
    /// In the destination port, as `NetFlow` has always had them; zero is an echo reply.
    Ports,
    /// Perhaps in the destination port; zero is nothing.
    PortsUnlessZero,
    /// In elements of their own, and the identifier of echo and timestamp perhaps in a port (Cisco ASA).
    ElementsBesidePorts,
}

impl IcmpIn {
    /// Whether type and code are looked for in the ports.
    pub(super) fn are_ports(self) -> bool {
        matches!(self, Self::Ports | Self::PortsUnlessZero)
    }
}

/// Where a field is in every record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Place {
    /// How many fields of variable length are in front of it.
    pub segment: u16,
    /// Octets between the end of the last of those, or the record's start, and the field.
    pub offset: u16,
    /// Its octets, or [`VARIABLE`].
    pub width: u16,
}

impl Place {
    /// The last `octets` of it: what is left of a number when it is read as a narrower one.
    pub(super) fn low(self, octets: u16) -> Self {
        if self.width == VARIABLE || self.width <= octets {
            return self;
        }
        let offset = self.offset.saturating_add(self.width - octets);
        Self { offset, width: octets, ..self }
    }

    /// The octet before the last.
    pub(super) fn second_lowest(self) -> Option<Self> {
        let wide = (2..VARIABLE).contains(&self.width);
        wide.then(|| Self { width: 1, ..self.low(2) })
    }

    pub(super) const fn is_variable(self) -> bool {
        self.width == VARIABLE
    }
}

/// How long records are.
#[derive(Debug)]
pub(super) enum Layout {
    /// All of so many octets.
    Fixed(usize),
    /// Octets in front of each field of variable length, and behind the last.
    Varied { gaps: Box<[u16]>, least_octets: usize },
}

/// One column's reading.
#[derive(Debug)]
pub(super) enum Op {
    /// A number of any width, into a column of the slot's width.
    Integer {
        slot: Slot,
        place: Place,
    },
    Ipv4 {
        slot: Slot,
        place: Place,
    },
    Ipv6 {
        slot: Slot,
        place: Place,
    },
    /// Whichever of the two the record uses.
    Ip {
        slot: Slot,
        ipv4: Place,
        ipv6: Place,
    },
    /// Whichever of the two belongs to the record's family.
    OctetOfFamily {
        slot: Slot,
        ipv4: Place,
        ipv6: Place,
    },
    Mac {
        slot: Slot,
        place: Place,
    },
    /// Text, words or octets.
    Octets {
        slot: Slot,
        place: Place,
    },
    /// The same octet in every record.
    Fill {
        slot: Slot,
        value: u8,
    },
    Times {
        slot: Slot,
        sources: Box<[TimeSource]>,
    },
    List {
        slot: Slot,
        from: ListFrom,
    },
}

/// What a list column is put together from.
#[derive(Debug)]
pub(super) enum ListFrom {
    /// A value from each of these fields.
    Values(Box<[Place]>),
    /// The upper 20 bits of each (RFC 3032 section 2.1), as far as there are any.
    MplsLabels(Box<[Place]>),
    /// The three bits behind the label of each.
    MplsClasses(Box<[Place]>),
    /// All of a basicList, whatever element it says it is of.
    Basic(Place),
}

/// The family of each record, where a template has fields for both.
#[derive(Debug)]
pub(super) struct FamilyOf {
    pub version: Option<Place>,
    /// The addresses of 16 octets: any that is not zero makes it version 6.
    pub ipv6: Box<[Place]>,
}

/// Start and end, each the first of its sources that is not zero.
#[derive(Debug, Default)]
pub(super) struct Times {
    pub start: Box<[TimeSource]>,
    pub end: Box<[TimeSource]>,
    /// The other end's distance, and its unit in nanoseconds.
    pub duration: Option<(Place, u32)>,
    /// When the event was that the record reports (322–325), for records of events.
    pub event: Option<TimeSource>,
}

/// A time in a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeSource {
    pub place: Place,
    pub unit: TimeUnit,
}

/// How a time is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TimeUnit {
    /// Since 1970.
    Seconds,
    /// Since 1970.
    Milliseconds,
    /// NTP timestamp whose low 11 bits mean nothing (RFC 7011 section 6.1.9).
    Microseconds,
    /// NTP timestamp.
    Nanoseconds,
    /// Milliseconds of the exporter's uptime.
    Uptime,
    /// Milliseconds after the start that this field (160) tells in milliseconds since 1970.
    UptimeSince(Place),
    /// Microseconds before the message's export.
    BeforeExport,
}

/// The sampling rate that a record states.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rate {
    /// One of so many.
    Plain(Place),
    /// One divided by it.
    Inverse(Place),
    /// (interval + space) / interval.
    IntervalAndSpace(Place, Place),
    /// population / size.
    SizeAndPopulation(Place, Place),
}

/// A field whose column each record decides.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListField {
    pub place: Place,
}

/// A field that has no column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extra {
    pub pen: u32,
    pub id: u16,
    pub place: Place,
    pub holds: Holds,
}

/// What an extra field's octets are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Holds {
    Value,
    /// A basicList, by its number among the plan's lists; extra only if its element has no column.
    BasicList(usize),
    SubTemplateList,
    SubTemplateMultiList,
}
