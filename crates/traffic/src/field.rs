// SPDX-License-Identifier: Apache-2.0
//! Fields of records: their numbers, their octets, their orders, and what of a flow they say.

use std::net::IpAddr;

use crate::layout::{Clock, Edition, Extra, Key};
use crate::pool::Flow;

/// What a field says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum What {
    Src,
    Dst,
    NextHop,
    SrcPort,
    DstPort,
    Protocol,
    Tos,
    TcpFlags,
    Octets,
    Packets,
    InIf,
    OutIf,
    SrcAs,
    DstAs,
    SrcPrefix,
    DstPrefix,
    Start,
    End,
    Direction,
    EndReason,
    SamplerId,
    SelectorId,
    Interval,
    Padding,
}

impl What {
    /// Number of the element, which is IANA's and also version 9's.
    pub fn number(self, key: Key) -> u16 {
        let family = |ipv4, ipv6| if key.ipv6 { ipv6 } else { ipv4 };
        let time = |uptime, absolute| if key.is_absolute() { absolute } else { uptime };
        match self {
            Self::Octets => 1,
            Self::Packets => 2,
            Self::Protocol => 4,
            Self::Tos => 5,
            Self::TcpFlags => 6,
            Self::SrcPort => 7,
            Self::Src => family(8, 27),
            Self::SrcPrefix => family(9, 29),
            Self::InIf => 10,
            Self::DstPort => 11,
            Self::Dst => family(12, 28),
            Self::DstPrefix => family(13, 30),
            Self::OutIf => 14,
            Self::NextHop => family(15, 62),
            Self::SrcAs => 16,
            Self::DstAs => 17,
            Self::End => time(21, 153),
            Self::Start => time(22, 152),
            Self::Interval => 34,
            Self::SamplerId => 48,
            Self::Direction => 61,
            Self::EndReason => 136,
            Self::Padding => 210,
            Self::SelectorId => 302,
        }
    }

    /// Octets in a record of a template.
    fn octets(self, key: Key) -> u16 {
        let address = if key.ipv6 { 16 } else { 4 };
        let (time, flags) = if key.is_absolute() { (8, 2) } else { (4, 1) };
        let first = key.edition == Edition::First;
        let (octets, packets) = if first { (8, 4) } else { (4, 8) };
        match self {
            Self::Src | Self::Dst | Self::NextHop => address,
            Self::Start | Self::End => time,
            Self::TcpFlags => flags,
            Self::Octets => octets,
            Self::Packets => packets,
            Self::SrcPort | Self::DstPort => 2,
            Self::InIf
            | Self::OutIf
            | Self::SrcAs
            | Self::DstAs
            | Self::SelectorId
            | Self::Interval => 4,
            _ => 1,
        }
    }
}

/// What is in a record, and its octets.
pub(crate) fn items(key: Key) -> Vec<(What, u16)> {
    let order = match (key.clock, key.edition) {
        (Clock::Fixed, _) => return FIXED.to_vec(),
        (_, Edition::First) => FIRST,
        (_, Edition::Second) => SECOND,
    };
    let extra = match key.extra {
        Extra::Nothing => None,
        Extra::SamplerId => Some(What::SamplerId),
        Extra::SelectorId => Some(What::SelectorId),
        Extra::Interval(_) => Some(What::Interval),
    };
    order.iter().copied().chain(extra).map(|what| (what, what.octets(key))).collect()
}

/// Appends what the field of this flow says, in its octets.
pub(crate) fn put_item(out: &mut Vec<u8>, (what, width): (What, u16), flow: &Flow, key: Key) {
    let number = match what {
        What::Src => return put_address(out, flow.src.address),
        What::Dst => return put_address(out, flow.dst.address),
        What::NextHop => return put_address(out, flow.next_hop),
        What::SrcPort => flow.src.port.into(),
        What::DstPort => flow.dst.port.into(),
        What::Protocol => flow.protocol.into(),
        What::Tos => flow.tos.into(),
        What::TcpFlags => flow.tcp_flags.into(),
        What::InIf => flow.src.interface,
        What::OutIf => flow.dst.interface,
        What::SrcAs => asn(flow.src.asn, width),
        What::DstAs => asn(flow.dst.asn, width),
        What::SrcPrefix => flow.src.prefix_length.into(),
        What::DstPrefix => flow.dst.prefix_length.into(),
        What::EndReason => flow.end_reason.into(),
        What::SamplerId | What::SelectorId => SAMPLER.into(),
        What::Interval => match key.extra {
            Extra::Interval(rate) => rate,
            _ => 0,
        },
        // Every flow is seen where it comes in; counters and times are each record's own.
        What::Direction
        | What::Octets
        | What::Packets
        | What::Start
        | What::End
        | What::Padding => 0,
    };
    let octets = u64::from(number).to_be_bytes();
    out.extend_from_slice(&octets[8 - usize::from(width)..]);
}

fn put_address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => out.extend_from_slice(&address.octets()),
        IpAddr::V6(address) => out.extend_from_slice(&address.octets()),
    }
}

/// AS numbers that do not fit two octets are sent as `AS_TRANS` (RFC 6793 section 9).
const fn asn(number: u32, width: u16) -> u32 {
    if width == 2 && number > 0xffff { 23_456 } else { number }
}

/// Every sampler and selector has this number.
pub(crate) const SAMPLER: u8 = 1;

/// The usual 20 fields.
const FIRST: &[What] = &[
    What::Src,
    What::Dst,
    What::SrcPort,
    What::DstPort,
    What::Protocol,
    What::Tos,
    What::TcpFlags,
    What::Octets,
    What::Packets,
    What::InIf,
    What::OutIf,
    What::SrcAs,
    What::DstAs,
    What::SrcPrefix,
    What::DstPrefix,
    What::NextHop,
    What::Start,
    What::End,
    What::Direction,
    What::EndReason,
];

/// The same fields; octets are of four octets here and packets of eight.
const SECOND: &[What] = &[
    What::Start,
    What::End,
    What::Octets,
    What::Packets,
    What::Protocol,
    What::Src,
    What::SrcPort,
    What::SrcPrefix,
    What::SrcAs,
    What::InIf,
    What::Dst,
    What::DstPort,
    What::DstPrefix,
    What::DstAs,
    What::OutIf,
    What::NextHop,
    What::Tos,
    What::TcpFlags,
    What::EndReason,
    What::Direction,
];

/// The record of `NetFlow` version 5.
const FIXED: &[(What, u16)] = &[
    (What::Src, 4),
    (What::Dst, 4),
    (What::NextHop, 4),
    (What::InIf, 2),
    (What::OutIf, 2),
    (What::Packets, 4),
    (What::Octets, 4),
    (What::Start, 4),
    (What::End, 4),
    (What::SrcPort, 2),
    (What::DstPort, 2),
    (What::Padding, 1),
    (What::TcpFlags, 1),
    (What::Protocol, 1),
    (What::Tos, 1),
    (What::SrcAs, 2),
    (What::DstAs, 2),
    (What::SrcPrefix, 1),
    (What::DstPrefix, 1),
    (What::Padding, 2),
];
