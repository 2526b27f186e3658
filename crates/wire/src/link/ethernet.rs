// SPDX-License-Identifier: Apache-2.0
//! Ethernet (IEEE 802.3), without preamble and check sequence.
//!
//! ```text
//!  0                       6                      12      14
//! +-----------------------+-----------------------+-------+--------
//! |  destination address  |    source address     | type  | payload
//! +-----------------------+-----------------------+-------+--------
//! ```
//! A type below 1536 is the payload's length, and LLC begins the payload. Padding
//! behind the payload is never looked at: IP says how long it is.

use super::{ethertype, vlan};
use crate::net::{Stop, Version};
use crate::walk::{Walk, be16, part};
use crate::{Extra, Has, Packet};

/// Reads an Ethernet header and what follows it, down to the IP packet.
///
/// Of what the packet had before, only what is in `keep` is kept: an inner
/// Ethernet header hides the tags of an outer one, but not the tunnel it came in.
pub(crate) fn read(
    walk: &mut Walk<'_>,
    keep: Has,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<Version, Stop> {
    if let Some(version) = read_common(walk, keep, packet) {
        return Ok(version);
    }
    let head = walk.take::<HEADER>(LAYER, 0)?;
    addresses(head, packet);
    packet.vlan_id = 0;
    packet.has = keep.with(Has::MACS);
    ethertype::follow(be16(head, 12), walk, packet, extra)
}

/// Reads an Ethernet header with one tag or none before IP, if it is one; else
/// `walk` stays where it is.
#[inline]
pub(crate) fn read_common(walk: &mut Walk<'_>, keep: Has, packet: &mut Packet) -> Option<Version> {
    let head = walk.peek::<HEADER>()?;
    let mut ethertype = be16(head, 12);
    let mut has = keep.with(Has::MACS).with(Has::ETHERTYPE);
    let mut octets = HEADER;
    packet.vlan_id = 0;
    if ethertype == vlan::CUSTOMER {
        let tagged = walk.peek::<{ HEADER + vlan::TAG }>()?;
        ethertype = be16(tagged, 16);
        packet.vlan_id = vlan::id(be16(tagged, 14));
        has = has.with(Has::VLAN);
        octets = HEADER + vlan::TAG;
    }
    let version = match ethertype {
        ethertype::IPV4 => Version::V4,
        ethertype::IPV6 => Version::V6,
        _ => return None,
    };
    addresses(head, packet);
    packet.ethertype = ethertype;
    packet.has = has;
    walk.at += octets;
    Some(version)
}

#[inline]
fn addresses(head: &[u8; HEADER], packet: &mut Packet) {
    packet.dst_mac = part(head, 0);
    packet.src_mac = part(head, 6);
    packet.inner_vlan_id = 0;
}

/// Octets of the header.
pub(crate) const HEADER: usize = 14;

const LAYER: &str = "Ethernet";

#[cfg(test)]
mod tests {
    use crate::sample::{self, Outcome};
    use crate::{Has, LinkType, NotIp};

    #[test]
    fn addresses_and_type_are_kept() {
        let frame = sample::ethernet(0x0800, &sample::ipv4(17, &sample::udp(53, 1053, b"abc")));
        let seen = sample::ip(LinkType::ETHERNET, &frame);
        assert_eq!(seen.packet.has, Has::MACS.with(Has::ETHERTYPE));
        assert_eq!(seen.packet.dst_mac, sample::DST_MAC);
        assert_eq!(seen.packet.src_mac, sample::SRC_MAC);
        assert_eq!(seen.packet.ethertype, 0x0800);
    }

    #[test]
    fn padding_never_counts() {
        let mut frame = sample::ethernet(0x0800, &sample::ipv4(17, &sample::udp(53, 1053, b"abc")));
        frame.resize(60, 0xee);
        let packet = sample::ip(LinkType::ETHERNET, &frame).packet;
        assert_eq!((packet.octets, packet.frame_octets, packet.payload_octets), (31, 60, 3));
    }

    #[test]
    fn what_is_no_ip_is_named_by_its_type() {
        for ethertype in [0x0806, 0x88cc, 0x88e5, 0x8863, 0x05ff] {
            let seen = sample::read(LinkType::ETHERNET, &sample::ethernet(ethertype, &[0; 46]));
            assert_eq!(seen, Outcome::NotIp(NotIp::Ethertype(ethertype)));
        }
    }

    #[test]
    fn half_a_header_is_malformed() {
        let Outcome::Malformed(error) = sample::read(LinkType::ETHERNET, &[0; 13]) else {
            panic!("read");
        };
        assert_eq!(error.to_string(), "Ethernet: octet 0: 14 more needed, 13 left");
    }
}
