// SPDX-License-Identifier: Apache-2.0
//! Records as ipfixprobe of CESNET (versions 4 and 5) sends them: its fields, their order and widths.
//!
//! A record has the basic fields, then those of each plugin that runs, in the order of their names.
//! What a flow does not have is zero. Templates come in pairs, for IPv4 and for IPv6.

use penstock_codec::Field;
use penstock_codec::list::Semantic;
use penstock_record::{Column, column};

use super::classes::{Classes, Sorted};
use super::columns::{Fixed, TimeForm};
use super::flows::{Flows, list};
use super::layout::Layout;
use super::variable::{Items, List, ListHeader, Variable};
use crate::column::Kind;

/// The record of a row, with ingressInterface as it was asked for.
pub(super) fn layout<'a>(flows: &'a Flows<'_>, row: usize, dir: u32) -> Layout<'a> {
    let mut record = Record { flows, layout: Layout::default() };
    record.basic(flows.family_number(row), dir);
    if flows.get(column::TCP_WINDOW).is_some() {
        record.basicplus();
    }
    if has_pstats(flows, row) {
        record.pstats();
    }
    record.layout
}

/// The fields of the same record in the other IP version.
pub(super) fn other_family(fields: &[Field]) -> Box<[Field]> {
    let other = |field: &Field| match (field.pen, field.id) {
        (0, 8) => Field { id: 27, length: 16, ..*field },
        (0, 12) => Field { id: 28, length: 16, ..*field },
        (0, 27) => Field { id: 8, length: 4, ..*field },
        (0, 28) => Field { id: 12, length: 4, ..*field },
        _ => *field,
    };
    fields.iter().map(other).collect()
}

/// Whether the fields are of the IPv4 one of two templates, which has the lower number.
pub(super) fn is_ipv4(fields: &[Field]) -> bool {
    fields.iter().any(|field| (field.pen, field.id) == (0, 8))
}

/// Rows with the same fields.
pub(super) fn classes(flows: &Flows<'_>) -> Sorted {
    let mut classes = Classes::new(flows.rows());
    classes.split(|row| u8::from(has_pstats(flows, row)));
    classes.split(|row| flows.family_number(row));
    classes.sorted()
}

fn has_pstats(flows: &Flows<'_>, row: usize) -> bool {
    flows.get(column::PSTATS_LENGTHS).is_some_and(|values| !values.is_null(row))
}

struct Record<'a, 'b> {
    flows: &'a Flows<'b>,
    layout: Layout<'a>,
}

impl Record<'_, '_> {
    fn basic(&mut self, family: u8, dir: u32) {
        self.number(0, 136, 1, column::END_REASON);
        self.number(0, 1, 8, column::OCTETS);
        self.number(REVERSE, 1, 8, column::OCTETS_REV);
        self.number(0, 2, 8, column::PACKETS);
        self.number(REVERSE, 2, 8, column::PACKETS_REV);
        self.time(154, column::TIME_START);
        self.time(155, column::TIME_END);
        self.number(0, 60, 1, column::IP_VERSION);
        self.number(0, 4, 1, column::PROTOCOL);
        self.number(0, 6, 1, column::TCP_FLAGS);
        self.number(REVERSE, 6, 1, column::TCP_FLAGS_REV);
        self.number(0, 7, 2, column::SRC_PORT);
        self.number(0, 11, 2, column::DST_PORT);
        self.icmp_as_port();
        self.layout.push_fixed((0, 10), 4, Fixed::Constant(dir));
        let (ends, length) = if family == 6 { ([27, 28], 16) } else { ([8, 12], 4) };
        for (id, end) in ends.into_iter().zip([column::SRC_ADDR, column::DST_ADDR]) {
            self.number(0, id, length, end);
        }
        self.number(0, 56, 6, column::SRC_MAC);
        self.number(0, 80, 6, column::DST_MAC);
    }

    fn basicplus(&mut self) {
        self.number(0, 192, 1, column::TTL_MAX);
        self.number(REVERSE, 192, 1, column::TTL_MAX_REV);
        self.number(0, 197, 1, column::IP_FLAGS);
        self.number(REVERSE, 197, 1, column::IP_FLAGS_REV);
        self.number(0, 186, 2, column::TCP_WINDOW);
        self.number(REVERSE, 186, 2, column::TCP_WINDOW_REV);
        self.number(0, 209, 8, column::TCP_OPTIONS);
        self.number(REVERSE, 209, 8, column::TCP_OPTIONS_REV);
        self.number(CESNET, 900, 4, column::TCP_MSS);
        self.number(CESNET, 901, 4, column::TCP_MSS_REV);
        self.number(CESNET, 902, 2, column::TCP_SYN_SIZE);
    }

    fn pstats(&mut self) {
        self.list(1013, 2, column::PSTATS_LENGTHS);
        self.list(1014, 8, column::PSTATS_TIMES);
        self.list(1015, 1, column::PSTATS_FLAGS);
        self.list(1016, 1, column::PSTATS_DIRECTIONS);
    }

    /// A number or an address; zero where it is null, or the batch does not have the column.
    fn number(&mut self, pen: u32, id: u16, length: u16, column: Column) {
        let Some(values) = self.flows.get(column) else {
            return self.layout.push_fixed((pen, id), length, Fixed::Zero);
        };
        let fixed = match values.kind {
            // Flags stand in the lowest bits there, of the fragment and of TCP alike.
            Kind::U8(values) if id == 197 => Fixed::TopBits(values),
            Kind::U16(values) if length == 1 => Fixed::LowOctet(values),
            Kind::U8(values) => Fixed::U8(values),
            Kind::U16(values) => Fixed::U16(values),
            Kind::U32(values) => Fixed::U32(values),
            Kind::U64(values) => Fixed::U64(values),
            Kind::Address(values) if length == 4 => Fixed::Ipv4(values),
            Kind::Address(values) => Fixed::Ipv6(values),
            Kind::Mac(values) => Fixed::Mac(values),
            _ => Fixed::Zero,
        };
        self.layout.push_or_zero((pen, id), length, fixed, values.nulls());
    }

    fn time(&mut self, id: u16, column: Column) {
        let values = self.flows.get(column);
        let fixed = match values.map(|values| &values.kind) {
            Some(Kind::Time { ticks, .. }) => Fixed::Time(ticks, TimeForm::ProbeMicroseconds),
            _ => Fixed::Zero,
        };
        self.layout.push_or_zero((0, id), 8, fixed, values.and_then(|values| values.nulls()));
    }

    /// The destination port of ICMP is its type and code.
    fn icmp_as_port(&mut self) {
        let types = self.flows.get(column::ICMP_TYPE);
        let codes = self.flows.get(column::ICMP_CODE);
        if let (Some(types), Some(codes)) = (types, codes)
            && let (Kind::U8(kinds), Kind::U8(codes)) = (&types.kind, &codes.kind)
        {
            self.layout.overwrite_last(Fixed::TypeAndCode(kinds, codes), types.nulls());
        }
    }

    fn list(&mut self, id: u16, octets: u16, column: Column) {
        let Some((bounds, values)) = self.flows.get(column).and_then(list) else { return };
        let items = match values.kind {
            Kind::U8(values) => Items::U8(values),
            Kind::I8(values) => Items::I8(values),
            Kind::U16(values) => Items::U16(values),
            Kind::Time { ticks, .. } => Items::Time(ticks, TimeForm::Milliseconds),
            _ => return,
        };
        let header = ListHeader::new(Semantic::AllOf.octet(), CESNET, id, octets);
        let list = List { bounds, items, header, long_prefix: true };
        self.layout.push_variable((0, 291), Variable::List(list));
    }
}

const REVERSE: u32 = penstock_elements::REVERSE_PEN;
const CESNET: u32 = 8057;
