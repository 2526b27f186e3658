// SPDX-License-Identifier: Apache-2.0
//! What is kept of one packet once its headers have been read.
//!
//! [`Packet`] has a fixed size and holds what every packet has. What few packets
//! have (a second tag, labels, a tunnel) is in [`Extra`], which is valid only
//! where [`Packet::has`] says so. Both are overwritten by each call of
//! [`dissect`](crate::dissect()); nothing here is allocated.

use crate::{LinkType, WireError};

/// One frame as it was captured.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// What the first octet of `bytes` is.
    pub link: LinkType,
    /// The octets that were captured.
    pub bytes: &'a [u8],
    /// How many octets the frame had, captured or not.
    pub original_octets: u32,
}

/// Which packet of a tunnelled one is described.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Tunnels {
    /// The innermost that can be read; the outermost addresses go to [`Extra::tunnel`].
    #[default]
    Inner,
    /// The outer one. Tunnels are not looked into.
    Outer,
}

/// What a frame turned out to hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dissected {
    /// An IP packet, described in [`Packet`].
    Ip,
    /// Something that is no IP packet.
    NotIp(NotIp),
}

/// What a frame holds that is no IP packet, by the number its link layer gives.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum NotIp {
    /// An ethertype, such as 0x0806 for ARP.
    Ethertype(u16),
    /// An 802.3 frame with an LLC header: its destination service access point.
    Llc(u8),
    /// A PPP protocol number.
    Ppp(u16),
    /// An address family of a null or loop header.
    Family(u32),
    /// A first octet after an MPLS stack, or of a raw IP packet, that is not IP.
    Nibble(u8),
    /// A link type that is not read.
    Link(u16),
}

/// What identifies a flow besides addresses and protocol.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum Ends {
    /// The protocol has no ports.
    #[default]
    None,
    /// `src_port` and `dst_port` hold ports.
    Ports,
    /// ICMP echo request or reply: `icmp_id` holds the identifier.
    IcmpEcho,
    /// ICMP timestamp request or reply: `icmp_id` holds the identifier.
    IcmpTimestamp,
    /// Any other ICMP or `ICMPv6` message: `icmp_type` and `icmp_code`.
    IcmpOther,
    /// The protocol has ports (or is ICMP), but its header is not here: it was cut off,
    /// or this is a later fragment. Of a later fragment also where an extension header or
    /// AH comes first in the datagram, so that its protocol is not known yet.
    Unread,
}

/// What part a packet is of a fragmented datagram.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(u8)]
pub enum Fragment {
    /// The whole datagram.
    #[default]
    Whole,
    /// Offset zero, more to come.
    First,
    /// Any fragment with an offset: it has no transport header.
    Later,
}

/// A set of things that a packet may have; see the constants.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Has(u16);

impl Has {
    /// `src_mac` and `dst_mac` were read. Linux cooked captures know only the
    /// sender's: there `dst_mac` is zero.
    pub const MACS: Self = Self(1);
    /// `vlan_id` was read.
    pub const VLAN: Self = Self(1 << 1);
    /// There were two tags or more: `inner_vlan_id` was read, [`Extra::vlans`] has all.
    pub const VLANS: Self = Self(1 << 2);
    /// [`Extra::mpls`] has the label stack.
    pub const MPLS: Self = Self(1 << 3);
    /// [`Extra::tunnel`] has the outermost tunnel.
    pub const TUNNEL: Self = Self(1 << 4);
    /// [`Extra::trouble`] says what could not be read after the described IP header, or
    /// which inner packet could not be read so that the outer one is described.
    pub const TROUBLE: Self = Self(1 << 5);
    /// [`Extra::outer_fragment`] names the outer datagram whose first fragment held
    /// the described inner packet.
    pub const OUTER_FRAGMENT: Self = Self(1 << 6);
    /// `ethertype` was read.
    pub const ETHERTYPE: Self = Self(1 << 7);
    /// The TCP header was read.
    pub const TCP: Self = Self(1 << 8);
    /// `identification`, and with [`Fragment::Later`] `fragment_offset`, come from an
    /// `IPv6` Fragment header. (`IPv4` always has both.)
    pub const FRAGMENT_HEADER: Self = Self(1 << 9);

    /// Nothing.
    pub const NONE: Self = Self(0);

    /// Whether all of `other` is in the set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is in the set.
    pub const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this set and in `other`.
    #[must_use]
    pub const fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// This set without `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// What the headers of one packet say.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Packet {
    /// Source address; IPv4 as `::ffff:a.b.c.d`.
    pub src: [u8; 16],
    /// Destination address; IPv4 as `::ffff:a.b.c.d`.
    pub dst: [u8; 16],
    /// The IP packet's own length: total length, or payload length + 40, or the jumbo option's.
    pub octets: u32,
    /// Octets of the whole frame on the wire, padding and outer headers included.
    pub frame_octets: u32,
    /// IPv4 Identification, or that of the IPv6 Fragment header.
    pub identification: u32,
    /// IPv6 flow label; 0 for IPv4.
    pub flow_label: u32,
    /// Where the transport header begins, in octets from the start of the frame.
    pub transport_at: u32,
    /// Where the transport payload begins, in octets from the start of the frame.
    pub payload_at: u32,
    /// Octets of transport payload on the wire, by the IP length; more than was captured, perhaps.
    pub payload_octets: u32,
    /// Source port; 0 unless `ends` says [`Ends::Ports`].
    pub src_port: u16,
    /// Destination port; 0 unless `ends` says [`Ends::Ports`].
    pub dst_port: u16,
    /// TCP flags: the low twelve bits of octets 12 and 13 (RFC 9293).
    pub tcp_flags: u16,
    /// Identifier of ICMP echo and timestamp.
    pub icmp_id: u16,
    /// The outermost 802.1Q VLAN identifier of the Ethernet header nearest to the packet.
    pub vlan_id: u16,
    /// The second tag's identifier.
    pub inner_vlan_id: u16,
    /// The ethertype that introduced the IP packet (or its MPLS stack or `PPPoE` session).
    pub ethertype: u16,
    /// Fragment offset in units of eight octets.
    pub fragment_offset: u16,
    /// What is there besides; tells which fields above and in [`Extra`] are meant.
    pub has: Has,
    /// Source MAC address of the Ethernet header nearest to the packet.
    pub src_mac: [u8; 6],
    /// Destination MAC address of the Ethernet header nearest to the packet.
    pub dst_mac: [u8; 6],
    /// 4 or 6.
    pub ip_version: u8,
    /// IANA protocol number after all extension headers, and after AH. Of a later fragment
    /// it may be an extension header's or AH's: what the first fragment alone can tell.
    pub protocol: u8,
    /// What the IP header itself names: protocol (IPv4) or next header (IPv6).
    pub next_header: u8,
    /// Type of service or traffic class, all eight bits.
    pub tos: u8,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// Fragmentation flags as element 197 has them: 0x40 don't fragment, 0x20 more fragments.
    pub ip_flags: u8,
    /// ICMP or `ICMPv6` type.
    pub icmp_type: u8,
    /// ICMP or `ICMPv6` code.
    pub icmp_code: u8,
    /// What the flow is identified by besides addresses and protocol.
    pub ends: Ends,
    /// What part of a datagram this is.
    pub fragment: Fragment,
}

impl Packet {
    /// The datagram that a fragment belongs to; meaningless for [`Fragment::Whole`].
    #[inline]
    pub const fn datagram(&self) -> Datagram {
        Datagram {
            src: self.src,
            dst: self.dst,
            identification: self.identification,
            vlan_id: if self.has.contains(Has::VLAN) { Some(self.vlan_id) } else { None },
            protocol: if self.ip_version == 4 { self.next_header } else { 0 },
        }
    }
}

/// Identifies a datagram whose fragments belong together (RFC 791; RFC 8200, section 4.5).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Datagram {
    /// Source address.
    pub src: [u8; 16],
    /// Destination address.
    pub dst: [u8; 16],
    /// Identification.
    pub identification: u32,
    /// Outermost VLAN: the same addresses and numbers in two VLANs are two datagrams.
    pub vlan_id: Option<u16>,
    /// Protocol for IPv4; 0 for IPv6, where it is not part of the identity.
    pub protocol: u8,
}

/// The kinds of tunnel, by the names that the column `tunnel_type` uses.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum TunnelType {
    /// IP directly in IP, any of the four ways (RFC 2003, 2473, 4213).
    #[default]
    Ipip,
    /// Generic routing encapsulation (RFC 2784, 2890).
    Gre,
    /// NVGRE (RFC 7637): GRE whose key is a network's identifier.
    Nvgre,
    /// ERSPAN types I to III.
    Erspan,
    /// `EtherIP` (RFC 3378).
    Etherip,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// GENEVE (RFC 8926).
    Geneve,
    /// GTP-U (3GPP TS 29.281).
    Gtpu,
    /// Teredo (RFC 4380).
    Teredo,
}

impl TunnelType {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Ipip,
        Self::Gre,
        Self::Nvgre,
        Self::Erspan,
        Self::Etherip,
        Self::Vxlan,
        Self::Geneve,
        Self::Gtpu,
        Self::Teredo,
    ];

    /// What the column `tunnel_type` says.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipip => "ipip",
            Self::Gre => "gre",
            Self::Nvgre => "nvgre",
            Self::Erspan => "erspan",
            Self::Etherip => "etherip",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::Gtpu => "gtpu",
            Self::Teredo => "teredo",
        }
    }

    /// Whether the identifier names a network, alike in both directions, and so
    /// belongs to a flow's key: a VNI or VSID does, a TEID, GRE key or session does not.
    pub const fn identifier_names_a_network(self) -> bool {
        matches!(self, Self::Vxlan | Self::Geneve | Self::Nvgre)
    }
}

/// The outermost tunnel that a packet came in.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Tunnel {
    /// Source address of the outer packet.
    pub src: [u8; 16],
    /// Destination address of the outer packet.
    pub dst: [u8; 16],
    /// VNI, VSID, TEID, GRE key or ERSPAN session; `None` where the tunnel has none.
    pub id: Option<u64>,
    /// What kind it is.
    pub kind: TunnelType,
}

/// Up to `N` values of a stack, and how many there really were.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stack<T, const N: usize> {
    items: [T; N],
    len: u8,
}

impl<T: Copy + Default, const N: usize> Default for Stack<T, N> {
    fn default() -> Self {
        Self { items: [T::default(); N], len: 0 }
    }
}

impl<T: Copy, const N: usize> Stack<T, N> {
    /// How many values are held.
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets all.
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// Adds a value; `false` where `N` are held already.
    pub fn push(&mut self, item: T) -> bool {
        let Some(place) = self.items.get_mut(usize::from(self.len)) else { return false };
        *place = item;
        self.len += 1;
        true
    }

    /// What is held, outermost first.
    pub fn as_slice(&self) -> &[T] {
        self.items.get(..usize::from(self.len)).unwrap_or(&[])
    }
}

/// Most tags of one frame that are looked at.
pub const MAX_VLANS: usize = 8;
/// Most labels of one stack that are looked at.
pub const MAX_LABELS: usize = 16;
/// Most tunnels in tunnels that are looked into.
pub const MAX_TUNNELS: usize = 8;
/// Most IPv6 extension headers of one packet that are looked at.
pub const MAX_EXTENSIONS: usize = 16;

/// What only few packets have. Each field is valid where [`Packet::has`] says so.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extra {
    /// All VLAN identifiers of the Ethernet header nearest to the packet, outermost first.
    pub vlans: Stack<u16, MAX_VLANS>,
    /// Entries of the MPLS label stack nearest to the packet, top first: label (20 bits), traffic class (3), bottom (1), TTL (8).
    pub mpls: Stack<u32, MAX_LABELS>,
    /// The outermost tunnel.
    pub tunnel: Tunnel,
    /// The outer datagram whose first fragment this was.
    pub outer_fragment: Datagram,
    /// What could not be read.
    pub trouble: Option<WireError>,
}
