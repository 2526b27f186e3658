// SPDX-License-Identifier: Apache-2.0
//! VXLAN (RFC 7348, section 5) and its generic protocol extension
//! (draft-ietf-nvo3-vxlan-gpe).
//!
//! ```text
//!  0             8                               24          32
//! +-------------+-------------------------------+-----------+
//! | flags       |           reserved            | next (GPE)|     I = 0x08, P = 0x04 (GPE)
//! +-------------+-------------------------------+-----------+
//! |     VXLAN network identifier (VNI)          | reserved  |
//! +---------------------------------------------+-----------+
//! ```
//! Without the flag I the payload is not VXLAN. Reserved bits are ignored, as the RFC
//! has it (the group policy extension uses some).

use super::{Content, Opened};
use crate::walk::{Walk, be32};
use crate::{Packet, TunnelType, WireError};

/// Opens VXLAN.
pub(super) fn open(walk: &mut Walk<'_>, _: &Packet) -> Result<Option<Opened>, WireError> {
    Ok(read(walk)?.map(|(_, id)| opened(id, Some(Content::Ethernet))))
}

/// Opens VXLAN-GPE.
pub(super) fn open_gpe(walk: &mut Walk<'_>, _: &Packet) -> Result<Option<Opened>, WireError> {
    let Some((first, id)) = read(walk)? else { return Ok(None) };
    let [flags, .., next] = first.to_be_bytes();
    let content = match next {
        _ if flags & NEXT_PROTOCOL == 0 => Some(Content::Ethernet),
        1 => Some(Content::Ipv4),
        2 => Some(Content::Ipv6),
        3 => Some(Content::Ethernet),
        5 => Some(Content::Mpls),
        _ => None,
    };
    Ok(Some(opened(id, content)))
}

/// The port that IANA assigned.
pub(super) const PORT: u16 = 4789;
/// The port that Linux used before, and does still unless told otherwise.
pub(super) const PORT_BEFORE_IANA: u16 = 8472;
/// The port of VXLAN-GPE.
pub(super) const PORT_GPE: u16 = 4790;

fn opened(id: u64, content: Option<Content>) -> Opened {
    Opened { kind: TunnelType::Vxlan, id: Some(id), content }
}

/// Reads the header: its first word, and the VNI. `None` without the flag I.
fn read(walk: &mut Walk<'_>) -> Result<Option<(u32, u64)>, WireError> {
    if walk.peek().is_some_and(|&[flags]| flags & INSTANCE == 0) {
        return Ok(None);
    }
    let head = walk.take::<8>(LAYER, 0)?;
    Ok(Some((be32(head, 0), u64::from(be32(head, 4) >> 8))))
}

const INSTANCE: u8 = 0x08;
const NEXT_PROTOCOL: u8 = 0x04;

const LAYER: &str = "VXLAN";

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::{Ends, Has, LinkType, TunnelType};

    fn udp() -> Vec<u8> {
        sample::ipv4(17, &sample::udp(53, 1053, b"abc"))
    }

    fn sent_to(port: u16, head: &[u8], inner: &[u8]) -> sample::Seen {
        let payload = [head, inner].concat();
        let frame = sample::ethernet(0x0800, &sample::ipv4(17, &sample::udp(999, port, &payload)));
        sample::ip(LinkType::ETHERNET, &frame)
    }

    #[test]
    fn the_frame_inside_is_read_and_the_outer_tags_are_not_its_own() {
        let inner = sample::tagged(&[(0x8100, 8)], 0x0800, &udp());
        for port in [4789, 8472] {
            let seen = sent_to(port, &[8, 0, 0, 0, 0x12, 0x34, 0x56, 0], &inner);
            assert_eq!((seen.packet.src_port, seen.packet.vlan_id), (53, 8));
            assert_eq!(seen.packet.frame_octets as usize, 14 + 28 + 8 + inner.len());
            let tunnel = seen.extra.tunnel;
            assert_eq!((tunnel.kind, tunnel.id), (TunnelType::Vxlan, Some(0x12_3456)));
        }
        let payload =
            [&[8, 0, 0, 0, 0, 0, 1, 0], sample::ethernet(0x0800, &udp()).as_slice()].concat();
        let outer = sample::ipv4(17, &sample::udp(999, 4789, &payload));
        let seen = sample::ip(LinkType::ETHERNET, &sample::tagged(&[(0x8100, 9)], 0x0800, &outer));
        assert_eq!(seen.packet.has, Has::MACS.with(Has::ETHERTYPE).with(Has::TUNNEL));
    }

    #[test]
    fn without_its_flag_it_is_simply_udp() {
        let seen = sent_to(4789, &[0; 8], &sample::ethernet(0x0800, &udp()));
        assert_eq!((seen.packet.dst_port, seen.packet.ends), (4789, Ends::Ports));
        assert_eq!(seen.packet.has, Has::MACS.with(Has::ETHERTYPE));
    }

    #[test]
    fn gpe_says_what_it_carries() {
        let v6 = sample::ipv6(17, &sample::udp(53, 1053, b"abc"));
        for (next, inner) in [
            (1, udp()),
            (2, v6),
            (3, sample::ethernet(0x0800, &udp())),
            (5, sample::labelled(&[3], &udp())),
        ] {
            let seen = sent_to(4790, &[0x0c, 0, 0, next, 0, 0, 7, 0], &inner);
            assert_eq!((seen.packet.src_port, seen.extra.tunnel.id), (53, Some(7)));
        }
        let packet = sent_to(4790, &[0x0c, 0, 0, 4, 0, 0, 7, 0], &udp()).packet;
        assert_eq!((packet.dst_port, packet.has), (4790, Has::MACS.with(Has::ETHERTYPE)));
    }
}
