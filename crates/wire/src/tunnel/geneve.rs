// SPDX-License-Identifier: Apache-2.0
//! GENEVE (RFC 8926, section 3.4).
//!
//! ```text
//!  0   2        8             16                              32
//! +---+--------+-+-+---------+-------------------------------+
//! |ver|opt len |O|C| reserved|         protocol type         |
//! +---+--------+-+-+---------+-------------------+-----------+
//! |     virtual network identifier (VNI)         | reserved  |
//! |     options, opt len words                               |
//! +----------------------------------------------------------+
//! ```
//! Options are passed over. Another version than 0 is not GENEVE.

use super::{Content, Opened, gre};
use crate::link::ethertype;
use crate::walk::{Walk, be16, be32};
use crate::{Packet, TunnelType, WireError};

/// Opens GENEVE.
pub(super) fn open(walk: &mut Walk<'_>, _: &Packet) -> Result<Option<Opened>, WireError> {
    if walk.peek().is_some_and(|&[first]| first >> 6 != 0) {
        return Ok(None);
    }
    let head = walk.take::<8>(LAYER, 0)?;
    walk.skip(usize::from(head[0] & 0x3f) * 4);
    let content = match be16(head, 2) {
        gre::TRANSPARENT_ETHERNET => Some(Content::Ethernet),
        ethertype::IPV4 => Some(Content::Ipv4),
        ethertype::IPV6 => Some(Content::Ipv6),
        ethertype::MPLS | ethertype::MPLS_UPSTREAM => Some(Content::Mpls),
        _ => None,
    };
    let id = Some(u64::from(be32(head, 4) >> 8));
    Ok(Some(Opened { kind: TunnelType::Geneve, id, content }))
}

/// The port that IANA assigned.
pub(super) const PORT: u16 = 6081;

const LAYER: &str = "Geneve";

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::{Ends, Has, LinkType, TunnelType};

    fn sent(head: &[u8], inner: &[u8]) -> sample::Seen {
        let payload = [head, inner].concat();
        sample::ip(LinkType::RAW, &sample::ipv6(17, &sample::udp(999, 6081, &payload)))
    }

    fn udp() -> Vec<u8> {
        sample::ipv4(17, &sample::udp(53, 1053, b"abc"))
    }

    #[test]
    fn options_are_passed_over() {
        let head = [2, 0, 0x65, 0x58, 0x12, 0x34, 0x56, 0, 1, 2, 3, 1, 9, 9, 9, 9];
        let seen = sent(&head, &sample::tagged(&[(0x8100, 8)], 0x0800, &udp()));
        assert_eq!((seen.packet.src_port, seen.packet.vlan_id), (53, 8));
        let tunnel = seen.extra.tunnel;
        assert_eq!((tunnel.kind, tunnel.id), (TunnelType::Geneve, Some(0x12_3456)));
    }

    #[test]
    fn ip_may_come_without_ethernet() {
        assert_eq!(sent(&[0, 0, 8, 0, 0, 0, 1, 0], &udp()).packet.src_port, 53);
    }

    #[test]
    fn another_version_is_simply_udp_and_another_payload_too() {
        for head in [[0x40, 0, 8, 0, 0, 0, 1, 0], [0, 0, 0x88, 0xcc, 0, 0, 1, 0]] {
            let packet = sent(&head, &udp()).packet;
            assert_eq!((packet.dst_port, packet.ends, packet.has), (6081, Ends::Ports, Has::NONE));
        }
    }

    #[test]
    fn options_beyond_the_datagram_are_trouble() {
        let packet = sent(&[0x3f, 0, 8, 0, 0, 0, 1, 0], &udp()).packet;
        assert_eq!((packet.dst_port, packet.has), (6081, Has::TROUBLE));
    }
}
