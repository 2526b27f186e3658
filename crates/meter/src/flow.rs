// SPDX-License-Identifier: Apache-2.0
//! What is remembered of one flow while it lives, and what is handed on when it leaves.
//!
//! Sides are counted by the key's ends: side 0 is the packets that the lesser end sent.
//! Which side is the source's is one bit ([`State::SOURCE_IS_HIGH`]), so that nothing is
//! moved when the direction turns out to be the other one.

use penstock_wire::{Extra, Has, MAX_LABELS, MAX_VLANS, Packet, Stack, Tunnel};

use crate::key::{Key, KeyRest};
use crate::slab::NOWHERE;
use crate::timers::{NO_ENTRY, Note};

/// What every packet of the flow touches: two cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Hot {
    pub key: Key,
    /// When this record began, by the packet clock; when the connection ended, if
    /// [`State::ENDED`]. Nanoseconds.
    pub start_ns: i64,
    /// Where the flow's [`Aside`] is, or [`NOWHERE`].
    pub aside: u32,
    /// Where the plugins' states are, or [`NOWHERE`].
    pub plugins: u32,
    pub state: State,
    /// A bit for each plugin that still wants packets.
    pub wants: u16,
    /// Where this place's timer is.
    pub timer: Note,
    pub packets: [u32; 2],
    /// Time of the last packet of each side by the packet clock; `i64::MIN` if none.
    pub last_ns: [i64; 2],
    pub octets: [u64; 2],
    pub frame_octets: [u64; 2],
    /// All TCP flags of each side. Of an ICMP flow, which has none, the first of both is type
    /// and code.
    pub tcp_flags: [u16; 2],
    pub ttl_min: [u8; 2],
    pub ttl_max: [u8; 2],
}

/// What the first packet of each side leaves behind, read again only when the flow leaves.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cold {
    /// Least original time of each side, valid where there are packets.
    pub first_ns: [i64; 2],
    /// IPv4 Identification, or IPv6 flow label.
    pub identification_or_label: u32,
    pub ethertype: u16,
    pub inner_vlan_id: u16,
    pub tos: [u8; 2],
    pub ip_flags: [u8; 2],
    /// The source's MAC address, then the destination's, of the first packet.
    pub macs: [[u8; 6]; 2],
}

/// What only few flows have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Aside {
    pub rest: KeyRest,
    pub tunnel: Option<Tunnel>,
    pub tunnel_id: [Option<u64>; 2],
    pub vlans: Stack<u16, MAX_VLANS>,
    pub mpls: Stack<u32, MAX_LABELS>,
    /// Of the first packet, in units of eight octets.
    pub fragment_offset: u16,
    /// Identification of an IPv6 Fragment header.
    pub fragment_id: Option<u32>,
    /// Greatest original time of each side, where [`State::CLAMPED`].
    pub last_original_ns: [i64; 2],
}

/// Yes-or-no facts of a flow.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct State(u16);

impl State {
    /// The place holds a flow.
    pub const LIVE: Self = Self(1);
    /// The greater end is the source.
    pub const SOURCE_IS_HIGH: Self = Self(1 << 1);
    /// Side 0 has sent FIN.
    const FIN_LOW: Self = Self(1 << 2);
    /// Side 1 has sent FIN.
    const FIN_HIGH: Self = Self(1 << 3);
    /// TCP has ended; what comes now is absorbed.
    pub const ENDED: Self = Self(1 << 4);
    /// The active timeout cut a record here and no packet came since.
    pub const EMPTY: Self = Self(1 << 5);
    /// Some packet's time ran backwards past a tick.
    pub const CLAMPED: Self = Self(1 << 6);
    /// A TCP header was read.
    pub const TCP: Self = Self(1 << 7);
    /// The first packet had MAC addresses.
    pub const MACS: Self = Self(1 << 8);
    /// The first packet had an ethertype.
    pub const ETHERTYPE: Self = Self(1 << 9);
    /// The first packet had two tags or more.
    pub const INNER_VLAN: Self = Self(1 << 10);

    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub fn set(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub fn clear(&mut self, other: Self) {
        self.0 &= !other.0;
    }

    pub const fn fin_of(side: usize) -> Self {
        if side == 0 { Self::FIN_LOW } else { Self::FIN_HIGH }
    }

    pub const fn both_fins(self) -> bool {
        let both = Self::FIN_LOW.0 | Self::FIN_HIGH.0;
        self.0 & both == both
    }
}

impl Default for Hot {
    fn default() -> Self {
        Self {
            key: Key::default(),
            start_ns: 0,
            aside: NOWHERE,
            plugins: NOWHERE,
            state: State::default(),
            wants: 0,
            timer: NO_ENTRY,
            packets: [0; 2],
            last_ns: [i64::MIN; 2],
            octets: [0; 2],
            frame_octets: [0; 2],
            tcp_flags: [0; 2],
            ttl_min: [u8::MAX; 2],
            ttl_max: [0; 2],
        }
    }
}

impl Hot {
    /// Time of the last packet by the packet clock.
    #[inline]
    pub fn last_ns(&self) -> i64 {
        let [low, high] = self.last_ns;
        low.max(high)
    }

    /// The side that is the source's.
    #[inline]
    pub const fn source(&self) -> usize {
        self.state.has(State::SOURCE_IS_HIGH) as usize
    }

    /// Begins the next record of the same flow: nothing counted, direction and
    /// connection kept.
    pub fn begin_next_record(&mut self) {
        self.packets = [0; 2];
        self.octets = [0; 2];
        self.frame_octets = [0; 2];
        self.tcp_flags = [0; 2];
        self.ttl_min = [u8::MAX; 2];
        self.ttl_max = [0; 2];
        self.state.set(State::EMPTY);
    }

    /// Whether one more packet would not fit the counters.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.packets.contains(&u32::MAX)
    }
}

/// How a record came to its end, as `flowEndReason` (element 136) counts.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum EndReason {
    /// No packet for the idle timeout.
    Idle = 1,
    /// Longer than the active timeout.
    Active = 2,
    /// TCP said so.
    EndOfFlow = 3,
    /// The input ended, or someone asked.
    Forced = 4,
    /// There was no room.
    LackOfResources = 5,
}

impl EndReason {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::Idle, Self::Active, Self::EndOfFlow, Self::Forced, Self::LackOfResources];

    /// A word for people and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle timeout",
            Self::Active => "active timeout",
            Self::EndOfFlow => "end of flow",
            Self::Forced => "end of input",
            Self::LackOfResources => "lack of resources",
        }
    }
}

/// A record that has left the table.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub hot: Hot,
    pub cold: Cold,
    pub aside: Option<Box<Aside>>,
    pub reason: EndReason,
}

impl Record {
    /// The record, leaving one behind that lacks what is aside.
    pub fn take(&mut self) -> Self {
        let Self { hot, cold, reason, .. } = *self;
        Self { hot, cold, aside: self.aside.take(), reason }
    }

    /// The packets of both sides.
    pub fn packets(&self) -> u64 {
        self.hot.packets.iter().map(|packets| u64::from(*packets)).sum()
    }

    /// Greatest original time of a side.
    pub fn last_original_ns(&self, side: usize) -> i64 {
        let times = match &self.aside {
            Some(aside) if self.hot.state.has(State::CLAMPED) => aside.last_original_ns,
            _ => self.hot.last_ns,
        };
        at(&times, side)
    }

    /// The source's entry of a pair that is kept by side.
    pub fn of_source<T: Copy>(&self, pair: &[T; 2]) -> T {
        at(pair, self.hot.source())
    }

    /// The other's.
    pub fn of_other<T: Copy>(&self, pair: &[T; 2]) -> T {
        at(pair, 1 - self.hot.source())
    }
}

/// An entry of a pair. `side` is 0 or 1.
#[inline]
pub(crate) const fn at<T: Copy>(pair: &[T; 2], side: usize) -> T {
    let [low, high] = pair;
    if side == 0 { *low } else { *high }
}

/// The place of an entry of a pair. `side` is 0 or 1.
#[inline]
pub(crate) const fn at_mut<T>(pair: &mut [T; 2], side: usize) -> &mut T {
    let [low, high] = pair;
    if side == 0 { low } else { high }
}

/// What the first packet of a record says once and for all. `source` is the side of the
/// flow's source.
pub(crate) fn describe(
    hot: &mut Hot,
    cold: &mut Cold,
    packet: &Packet,
    side: usize,
    source: usize,
) {
    cold.identification_or_label =
        if packet.ip_version == 6 { packet.flow_label } else { packet.identification };
    cold.ethertype = packet.ethertype;
    cold.inner_vlan_id = packet.inner_vlan_id;
    cold.macs = if side == source {
        [packet.src_mac, packet.dst_mac]
    } else {
        [packet.dst_mac, packet.src_mac]
    };
    let facts = [
        (Has::MACS, State::MACS),
        (Has::ETHERTYPE, State::ETHERTYPE),
        (Has::VLANS, State::INNER_VLAN),
    ];
    for (has, state) in facts {
        if packet.has.contains(has) {
            hot.state.set(state);
        } else {
            hot.state.clear(state);
        }
    }
}

/// Whether the packet has something that belongs into an [`Aside`].
#[inline]
pub(crate) const fn needs_aside(packet: &Packet) -> bool {
    packet.has.any(ASIDE) || packet.fragment_offset != 0
}

const ASIDE: Has = Has::TUNNEL.with(Has::MPLS).with(Has::VLANS).with(Has::FRAGMENT_HEADER);

/// What the first packet of a side adds to what is aside.
pub(crate) fn describe_aside(
    aside: &mut Aside,
    packet: &Packet,
    extra: &Extra,
    side: usize,
    first: bool,
) {
    if packet.has.contains(Has::TUNNEL) {
        *at_mut(&mut aside.tunnel_id, side) = extra.tunnel.id;
    }
    if !first {
        return;
    }
    aside.fragment_offset = packet.fragment_offset;
    if packet.has.contains(Has::TUNNEL) {
        aside.tunnel = Some(extra.tunnel);
    }
    if packet.has.contains(Has::MPLS) {
        aside.mpls = extra.mpls;
    }
    if packet.has.contains(Has::VLANS) {
        aside.vlans = extra.vlans;
    }
    if packet.has.contains(Has::FRAGMENT_HEADER) {
        aside.fragment_id = Some(packet.identification);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hot_part_is_two_cache_lines() {
        assert_eq!(size_of::<Hot>(), 128);
        assert_eq!(size_of::<Cold>(), 40);
    }
}
