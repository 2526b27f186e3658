// SPDX-License-Identifier: Apache-2.0
//! Which fields make a key: the default ones, fewer, or others as well.

use std::fmt;

use penstock_wire::{Ends, Extra, Has, Packet};

use crate::key::{
    HIGH_PORT, KIND, Key, KeyRest, Kind, NO_VLAN, PROTOCOL_AT, Place, TunnelKey, VLAN, halves,
};

/// A set of fields, as bits.
type Fields = u32;

/// One field that a key can have.
struct Field {
    name: &'static str,
    bit: Fields,
    /// The same field of the other end, where there is one.
    other_end: Fields,
}

const SRC_ADDR: Fields = 1;
const DST_ADDR: Fields = 1 << 1;
const SRC_PORT: Fields = 1 << 2;
const DST_PORT: Fields = 1 << 3;
const PROTOCOL: Fields = 1 << 4;
const VLAN_ID: Fields = 1 << 5;
const TUNNEL: Fields = 1 << 6;
const DEFAULT: Fields = SRC_ADDR | DST_ADDR | SRC_PORT | DST_PORT | PROTOCOL | VLAN_ID | TUNNEL;
const TOS: Fields = 1 << 7;
const IP_FLAGS: Fields = 1 << 8;
const INNER_VLAN_ID: Fields = 1 << 9;
const ETHERTYPE: Fields = 1 << 10;
const IPV6_FLOW_LABEL: Fields = 1 << 11;
const FRAGMENT_ID: Fields = 1 << 12;
const SRC_MAC: Fields = 1 << 13;
const DST_MAC: Fields = 1 << 14;
const MPLS_LABELS: Fields = 1 << 15;
const TCP_FLAGS: Fields = 1 << 16;
const TUNNEL_ID: Fields = 1 << 17;
const IP_VERSION: Fields = 1 << 18;

/// Every field that a key can have, by its column's name; the default key's come first.
const FIELDS: &[Field] = &[
    Field { name: "src_addr", bit: SRC_ADDR, other_end: DST_ADDR },
    Field { name: "dst_addr", bit: DST_ADDR, other_end: SRC_ADDR },
    Field { name: "src_port", bit: SRC_PORT, other_end: DST_PORT },
    Field { name: "dst_port", bit: DST_PORT, other_end: SRC_PORT },
    Field { name: "protocol", bit: PROTOCOL, other_end: 0 },
    Field { name: "vlan_id", bit: VLAN_ID, other_end: 0 },
    Field { name: "tunnel", bit: TUNNEL, other_end: 0 },
    Field { name: "tos", bit: TOS, other_end: 0 },
    Field { name: "ip_flags", bit: IP_FLAGS, other_end: 0 },
    Field { name: "inner_vlan_id", bit: INNER_VLAN_ID, other_end: 0 },
    Field { name: "ethertype", bit: ETHERTYPE, other_end: 0 },
    Field { name: "ipv6_flow_label", bit: IPV6_FLOW_LABEL, other_end: 0 },
    Field { name: "fragment_id", bit: FRAGMENT_ID, other_end: 0 },
    Field { name: "src_mac", bit: SRC_MAC, other_end: DST_MAC },
    Field { name: "dst_mac", bit: DST_MAC, other_end: SRC_MAC },
    Field { name: "mpls_labels", bit: MPLS_LABELS, other_end: 0 },
    Field { name: "tcp_flags", bit: TCP_FLAGS, other_end: 0 },
    Field { name: "tunnel_id", bit: TUNNEL_ID, other_end: 0 },
    Field { name: "ip_version", bit: IP_VERSION, other_end: 0 },
];

/// Why a list of fields cannot be a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyError {
    /// No field has that name.
    Unknown(String),
    /// A biflow needs both ends of a field or neither.
    OneSided(&'static str),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "a key has no field '{name}'"),
            Self::OneSided(name) => write!(
                f,
                "a key with {name} but without that of the other end has no reverse direction: \
                 set uniflow, or name both"
            ),
        }
    }
}

impl std::error::Error for KeyError {}

/// Which fields make a key, and whether both directions share one.
#[derive(Clone, Copy, Debug)]
pub struct KeyLayout {
    fields: Fields,
    /// Directions are apart.
    uniflow: bool,
    /// Exactly the default fields, so that nothing has to be masked.
    plain: bool,
    /// Of a one-sided uniflow key: the ends stay in the order in which they were sent.
    oriented: bool,
    seed: [u64; 4],
}

impl KeyLayout {
    /// The default fields.
    pub fn new(uniflow: bool, seed: [u64; 4]) -> Self {
        Self { fields: DEFAULT, uniflow, plain: true, oriented: false, seed }
    }

    /// The named fields only.
    pub fn of(names: &[String], uniflow: bool, seed: [u64; 4]) -> Result<Self, KeyError> {
        let mut fields = 0;
        for name in names {
            let field = FIELDS.iter().find(|field| field.name == name);
            fields |= field.ok_or_else(|| KeyError::Unknown(name.clone()))?.bit;
        }
        let one_sided = FIELDS.iter().find(|field| {
            fields & field.bit != 0 && field.other_end != 0 && fields & field.other_end == 0
        });
        match one_sided {
            Some(field) if !uniflow => return Err(KeyError::OneSided(field.name)),
            _ => {}
        }
        let (plain, oriented) = (fields == DEFAULT, one_sided.is_some());
        Ok(Self { fields, uniflow, plain, oriented, seed })
    }

    /// The names of every field that a key can have; the default key's come first.
    pub fn field_names() -> impl Iterator<Item = &'static str> {
        FIELDS.iter().map(|field| field.name)
    }

    /// Whether directions are apart.
    pub const fn uniflow(&self) -> bool {
        self.uniflow
    }

    /// Whether exactly the default fields make the key.
    pub const fn is_default(&self) -> bool {
        self.plain
    }

    /// Whether a flow is one connection at most, so that TCP's end is its end.
    pub const fn tells_connections_apart(&self) -> bool {
        const CONNECTION: Fields = SRC_ADDR | DST_ADDR | SRC_PORT | DST_PORT | PROTOCOL;
        self.fields & CONNECTION == CONNECTION
    }

    /// Whether all packets of a flow have one protocol.
    pub const fn has_protocol(&self) -> bool {
        self.has(PROTOCOL)
    }

    /// Whether all packets of a flow have one IP version.
    pub const fn has_ip_version(&self) -> bool {
        self.has(SRC_ADDR | DST_ADDR | IP_VERSION)
    }

    /// Whether the other direction's uniflow can be found by
    /// [`Key::of_other_direction`].
    pub const fn has_other_direction(&self) -> bool {
        !self.oriented
    }

    /// Says where the packet's flow is to be found, but for what only [`rest`](Self::rest)
    /// knows. Written in place: a copy of what was just written would have to wait for it.
    #[inline]
    pub fn locate(&self, packet: &Packet, place: &mut Place) {
        self.order(packet, place);
        if !self.plain {
            self.mask(&mut place.key);
        }
        place.hash = place.key.hash(&self.seed);
    }

    /// Adds what the fixed part cannot hold; to be called where
    /// [`needs_rest`](Self::needs_rest).
    pub fn rest(&self, packet: &Packet, extra: &Extra, place: &mut Place) -> KeyRest {
        let rest = KeyRest {
            tunnel: self.tunnel(packet, extra),
            fields: self.further(packet, extra, place.from_high),
        };
        place.key.tail |= u64::from(Kind::REST) << KIND;
        place.hash = place.key.hash(&self.seed) ^ rest.hash(&self.seed);
        rest
    }

    /// Whether the packet's key has a [`KeyRest`].
    #[inline]
    pub const fn needs_rest(&self, packet: &Packet) -> bool {
        (packet.has.contains(Has::TUNNEL) && self.fields & TUNNEL != 0)
            || self.fields & !(DEFAULT | IP_VERSION) != 0
    }

    /// The hash of a key, as [`locate`](Self::locate) and [`rest`](Self::rest) made it.
    pub fn hash_of(&self, key: &Key, rest: Option<&KeyRest>) -> u64 {
        let rest = rest.filter(|_| key.kind().has_rest());
        key.hash(&self.seed) ^ rest.map_or(0, |rest| rest.hash(&self.seed))
    }

    #[inline]
    fn order(&self, packet: &Packet, place: &mut Place) {
        let (mut src, mut dst) = (u128::from_le_bytes(packet.src), u128::from_le_bytes(packet.dst));
        let (mut src_port, mut dst_port) = match packet.ends {
            Ends::Ports => (packet.src_port, packet.dst_port),
            Ends::None | Ends::Unread => (0, 0),
            Ends::IcmpEcho | Ends::IcmpTimestamp => (packet.icmp_id, packet.icmp_id),
            Ends::IcmpOther => {
                let both = u16::from_be_bytes([packet.icmp_type, packet.icmp_code]);
                (both, both)
            }
        };
        if !self.plain {
            // What does not count must not say either who is the lesser end.
            for (address, field) in [(&mut src, SRC_ADDR), (&mut dst, DST_ADDR)] {
                *address = if self.has(field) { *address } else { 0 };
            }
            for (port, field) in [(&mut src_port, SRC_PORT), (&mut dst_port, DST_PORT)] {
                *port = if self.has(field) { *port } else { 0 };
            }
        }
        let from_high = !self.oriented && (src > dst || (src == dst && src_port > dst_port));
        let (low, high, low_port, high_port) =
            if from_high { (dst, src, dst_port, src_port) } else { (src, dst, src_port, dst_port) };
        let vlan = if packet.has.contains(Has::VLAN) { packet.vlan_id } else { NO_VLAN };
        let mut kind = packet.ends as u8;
        if packet.ip_version == 6 {
            kind |= Kind::IPV6;
        }
        if self.uniflow && from_high {
            kind |= Kind::FROM_HIGH;
        }
        place.from_high = from_high;
        place.key.addresses = [halves(low), halves(high)];
        place.key.tail = u64::from(low_port)
            | u64::from(high_port) << HIGH_PORT
            | u64::from(vlan) << VLAN
            | u64::from(packet.protocol) << PROTOCOL_AT
            | u64::from(kind) << KIND;
    }

    /// Blanks what does not count besides the ends.
    fn mask(&self, key: &mut Key) {
        let mut blank = 0;
        let mut blank_unless = |fields, bits: u64| {
            if self.fields & fields == 0 {
                blank |= bits;
            }
        };
        blank_unless(SRC_PORT | DST_PORT, u64::from(Kind::ENDS) << KIND);
        blank_unless(PROTOCOL, 0xFF << PROTOCOL_AT);
        blank_unless(SRC_ADDR | DST_ADDR | IP_VERSION, u64::from(Kind::IPV6) << KIND);
        key.tail &= !blank;
        if !self.has(VLAN_ID) {
            key.tail |= u64::from(NO_VLAN) << VLAN;
        }
    }

    const fn has(&self, field: Fields) -> bool {
        self.fields & field != 0
    }

    fn tunnel(&self, packet: &Packet, extra: &Extra) -> Option<TunnelKey> {
        if self.fields & TUNNEL == 0 || !packet.has.contains(Has::TUNNEL) {
            return None;
        }
        let tunnel = &extra.tunnel;
        let mut ends = [tunnel.src, tunnel.dst];
        ends.sort_unstable();
        let network = tunnel.id.filter(|_| tunnel.kind.identifier_names_a_network());
        Some(TunnelKey { kind: tunnel.kind, ends, network })
    }

    fn further(&self, packet: &Packet, extra: &Extra, from_high: bool) -> [u64; 6] {
        let mac = |[a, b, c, d, e, f]: [u8; 6]| u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        let pick = |field, value: u64| if self.fields & field == 0 { 0 } else { value };
        let src_mac = pick(SRC_MAC, mac(packet.src_mac));
        let dst_mac = pick(DST_MAC, mac(packet.dst_mac));
        let (low_mac, high_mac) = if from_high { (dst_mac, src_mac) } else { (src_mac, dst_mac) };
        let inner = if packet.has.contains(Has::VLANS) { packet.inner_vlan_id } else { NO_VLAN };
        let label = if packet.has.contains(Has::MPLS) {
            extra.mpls.as_slice().first().map_or(0, |entry| u64::from(entry >> 12) | 1 << 32)
        } else {
            0
        };
        let id = if packet.has.contains(Has::TUNNEL) { extra.tunnel.id } else { None };
        [
            pick(TOS, packet.tos.into())
                | pick(IP_FLAGS, packet.ip_flags.into()) << 8
                | pick(INNER_VLAN_ID, inner.into()) << 16
                | pick(ETHERTYPE, packet.ethertype.into()) << 32
                | pick(TCP_FLAGS, packet.tcp_flags.into()) << 48,
            pick(IPV6_FLOW_LABEL, packet.flow_label.into())
                | pick(FRAGMENT_ID, packet.identification.into()) << 32,
            low_mac,
            high_mac,
            pick(MPLS_LABELS, label),
            pick(TUNNEL_ID, id.map_or(0, |id| id.wrapping_add(1))),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::FIXED_SEED;

    fn place(layout: &KeyLayout, packet: &Packet) -> Place {
        let mut place = Place::default();
        layout.locate(packet, &mut place);
        place
    }

    fn packet(src: u8, dst: u8, ports: (u16, u16)) -> Packet {
        let mut packet =
            Packet { ip_version: 4, protocol: 6, ends: Ends::Ports, ..Packet::default() };
        packet.src[15] = src;
        packet.dst[15] = dst;
        (packet.src_port, packet.dst_port) = ports;
        packet
    }

    #[test]
    fn both_directions_share_a_key_and_know_who_sent() {
        let layout = KeyLayout::new(false, FIXED_SEED);
        let there = place(&layout, &packet(1, 2, (80, 4000)));
        let back = place(&layout, &packet(2, 1, (4000, 80)));
        assert_eq!((there.key, there.hash), (back.key, back.hash));
        assert_ne!(there.from_high, back.from_high);
    }

    #[test]
    fn uniflow_directions_share_a_partition_but_no_key() {
        let layout = KeyLayout::new(true, FIXED_SEED);
        let there = place(&layout, &packet(1, 2, (80, 4000)));
        let back = place(&layout, &packet(2, 1, (4000, 80)));
        assert_ne!(there.key, back.key);
        assert_eq!((there.key.of_other_direction(), there.hash), (back.key, back.hash));
    }

    #[test]
    fn a_field_that_is_left_out_does_not_count() {
        let names = ["src_addr", "dst_addr", "protocol"].map(String::from);
        let layout = KeyLayout::of(&names, false, FIXED_SEED).unwrap();
        let one = place(&layout, &packet(1, 2, (80, 4000)));
        let other = place(&layout, &packet(2, 1, (5, 6)));
        assert_eq!((one.key, one.hash), (other.key, other.hash));
    }

    #[test]
    fn ports_alone_have_two_directions_whatever_the_addresses() {
        let names = ["src_port", "dst_port"].map(String::from);
        let layout = KeyLayout::of(&names, false, FIXED_SEED).unwrap();
        let there = place(&layout, &packet(1, 2, (80, 4000)));
        let back = place(&layout, &packet(9, 1, (4000, 80)));
        assert_eq!((there.key, there.hash), (back.key, back.hash));
        assert_ne!(there.from_high, back.from_high);
    }

    #[test]
    fn a_key_without_ends_has_one_direction() {
        let layout = KeyLayout::of(&[String::from("protocol")], false, FIXED_SEED).unwrap();
        for (src, dst) in [(1, 2), (2, 1)] {
            assert!(!place(&layout, &packet(src, dst, (1, 2))).from_high);
        }
    }

    #[test]
    fn one_end_alone_needs_uniflows() {
        let names = [String::from("dst_addr")];
        let error = KeyLayout::of(&names, false, FIXED_SEED).unwrap_err();
        assert_eq!(error, KeyError::OneSided("dst_addr"));
        let layout = KeyLayout::of(&names, true, FIXED_SEED).unwrap();
        let one = place(&layout, &packet(1, 9, (80, 4000)));
        let other = place(&layout, &packet(20, 9, (81, 4001)));
        assert_eq!(one.key, other.key);
    }

    #[test]
    fn a_further_field_parts_flows() {
        let names = ["src_addr", "dst_addr", "tos"].map(String::from);
        let layout = KeyLayout::of(&names, false, FIXED_SEED).unwrap();
        let mut packet = packet(1, 2, (1, 2));
        let mut rests = Vec::new();
        for tos in [0, 8] {
            packet.tos = tos;
            let mut place = place(&layout, &packet);
            assert!(layout.needs_rest(&packet));
            rests.push(layout.rest(&packet, &Extra::default(), &mut place));
        }
        assert_ne!(rests[0], rests[1]);
    }
}
