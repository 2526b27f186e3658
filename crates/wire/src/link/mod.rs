// SPDX-License-Identifier: Apache-2.0
//! Link layers: what a frame begins with, down to the IP packet in it.
//!
//! Each `read` goes on to the IP header, through tags, labels and sessions, and fills
//! the fields of the link layer. All of them are reset first, so that nothing stays of
//! the frame before.

pub(crate) mod ethernet;
pub(crate) mod ethertype;
mod hdlc;
mod llc;
mod null;
pub(crate) mod ppp;
mod pppoe;
pub(crate) mod raw;
mod sll;
mod vlan;

use crate::net::{Stop, Version};
use crate::walk::Walk;
use crate::{Extra, Has, NotIp, Packet};

/// What the first octet of a frame is, by its LINKTYPE number.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: an address family in the byte order of the machine that captured.
    pub const NULL: Self = Self(0);
    /// Ethernet, beginning with the destination address.
    pub const ETHERNET: Self = Self(1);
    /// PPP, with or without address and control octets.
    pub const PPP: Self = Self(9);
    /// Raw IP, by the number that most systems have for it inside.
    pub const DLT_RAW: Self = Self(12);
    /// Raw IP, by the number that `OpenBSD` has for it inside.
    pub const DLT_RAW_OPENBSD: Self = Self(14);
    /// PPP in HDLC-like framing (RFC 1662), or Cisco HDLC.
    pub const PPP_HDLC: Self = Self(50);
    /// A `PPPoE` header (RFC 2516), without the Ethernet header before it.
    pub const PPP_ETHER: Self = Self(51);
    /// Raw IP, either version.
    pub const RAW: Self = Self(101);
    /// Cisco HDLC.
    pub const C_HDLC: Self = Self(104);
    /// `OpenBSD` loopback: an address family, big-endian.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// PPP after an octet that tells the direction.
    pub const PPP_WITH_DIR: Self = Self(204);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
}

/// Reads the link layer of a frame. The table of link types.
#[inline(never)]
pub(crate) fn read(
    link: LinkType,
    walk: &mut Walk<'_>,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<Version, Stop> {
    forget(packet);
    match link {
        LinkType::ETHERNET => ethernet::read(walk, Has::NONE, packet, extra),
        LinkType::LINUX_SLL => sll::read(walk, packet, extra),
        LinkType::LINUX_SLL2 => sll::read_v2(walk, packet, extra),
        LinkType::RAW | LinkType::DLT_RAW | LinkType::DLT_RAW_OPENBSD => raw::read(walk),
        LinkType::IPV4 => Ok(Version::V4),
        LinkType::IPV6 => Ok(Version::V6),
        LinkType::NULL => null::read(walk),
        LinkType::LOOP => null::read_loop(walk),
        LinkType::PPP => ppp::read(walk, packet, extra),
        LinkType::PPP_HDLC => hdlc::read(walk, packet, extra),
        LinkType::C_HDLC => hdlc::read_cisco(walk, packet, extra),
        LinkType::PPP_ETHER => pppoe::read(walk, packet, extra),
        LinkType::PPP_WITH_DIR => ppp::read_with_direction(walk, packet, extra),
        LinkType(other) => Err(Stop::NotIp(NotIp::Link(other))),
    }
}

/// Resets the fields of the link layer.
fn forget(packet: &mut Packet) {
    packet.has = Has::NONE;
    packet.src_mac = [0; 6];
    packet.dst_mac = [0; 6];
    packet.ethertype = 0;
    packet.vlan_id = 0;
    packet.inner_vlan_id = 0;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, Outcome};

    #[test]
    fn a_link_type_that_is_not_known_is_named() {
        let seen = sample::read(LinkType(147), &[0; 60]);
        assert_eq!(seen, Outcome::NotIp(NotIp::Link(147)));
    }

    #[test]
    fn raw_ipv4_and_ipv6_hold_their_version_to_be_that() {
        let v4 = sample::ipv4(17, &sample::udp(1, 2, b"hello"));
        assert_eq!(sample::ip(LinkType::IPV4, &v4).packet.dst_port, 2);
        assert!(matches!(sample::read(LinkType::IPV6, &v4), Outcome::Malformed(_)));
    }

    #[test]
    fn nothing_of_one_frame_stays_for_the_next() {
        let (mut packet, mut extra) = (Packet::default(), Extra::default());
        let tagged = sample::tagged(
            &[(0x88a8, 7), (0x8100, 8)],
            0x0800,
            &sample::ipv4(6, &sample::tcp(1, 2, b"")),
        );
        sample::into(LinkType::ETHERNET, &tagged, &mut packet, &mut extra);
        sample::into(LinkType::RAW, &sample::ipv4(2, &[0; 8]), &mut packet, &mut extra);
        assert_eq!(packet.has, Has::NONE);
        assert_eq!((packet.vlan_id, packet.inner_vlan_id, packet.ethertype), (0, 0, 0));
        assert_eq!((packet.src_mac, packet.src_port, packet.tcp_flags), ([0; 6], 0, 0));
    }
}
