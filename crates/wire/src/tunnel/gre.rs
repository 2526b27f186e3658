// SPDX-License-Identifier: Apache-2.0
//! GRE (RFC 2784) with key and sequence number (RFC 2890), and the enhanced GRE of PPTP
//! (RFC 2637, section 4.1), which is version 1.
//!
//! ```text
//!  0 1 2 3 4           8         13  16                              32
//! +-+-+-+-+-----------+-+-------+---+-------------------------------+
//! |C|R|K|S|     0     |A|   0   |ver|         protocol type         |
//! +-+-+-+-+-----------+-+-------+---+-------------------------------+
//! |        checksum  (C)            |           reserved            |
//! |        key  (K); in version 1 payload length and call id        |
//! |        sequence number  (S)                                     |
//! |        acknowledgment number  (A, version 1)                    |
//! +-----------------------------------------------------------------+
//! ```
//! Routing (R, RFC 1701) is refused: it was abolished, and has no bound. The protocol
//! type is an ethertype; some of them make it another tunnel, see `erspan` and `nvgre`.

use super::{Content, Opened, erspan, nvgre};
use crate::link::ethertype;
use crate::walk::{Walk, be16, forbidden};
use crate::{Packet, TunnelType, WireError};

/// Opens protocol 47.
pub(super) fn open(walk: &mut Walk<'_>, _: &Packet) -> Result<Option<Opened>, WireError> {
    let head = walk.take::<4>(LAYER, 0)?;
    let (flags, kind) = (be16(head, 0), be16(head, 2));
    if flags & ROUTING != 0 {
        return Err(forbidden(LAYER, 0, "Routing Present", 1_u8));
    }
    match flags & VERSION {
        0 => standard(flags, kind, walk),
        1 => enhanced(flags, kind, walk),
        version => Err(forbidden(LAYER, 1, "Ver", version)),
    }
    .map(Some)
}

fn standard(flags: u16, kind: u16, walk: &mut Walk<'_>) -> Result<Opened, WireError> {
    let mut offset = 4;
    if flags & CHECKSUM != 0 {
        walk.take::<4>(LAYER, offset)?;
        offset += 4;
    }
    let mut key = None;
    if flags & KEY != 0 {
        key = Some(u32::from_be_bytes(*walk.take(LAYER, offset)?));
        offset += 4;
    }
    if flags & SEQUENCE != 0 {
        walk.take::<4>(LAYER, offset)?;
    }
    let content = match (kind, key) {
        (ethertype::IPV4, _) => Some(Content::Ipv4),
        (ethertype::IPV6, _) => Some(Content::Ipv6),
        (ethertype::MPLS | ethertype::MPLS_UPSTREAM, _) => Some(Content::Mpls),
        (PPP, _) => Some(Content::Ppp),
        (ERSPAN_II, _) => return erspan::open(flags & SEQUENCE != 0, walk),
        (ERSPAN_III, _) => return erspan::open_iii(walk),
        (TRANSPARENT_ETHERNET, Some(key)) if flags & (CHECKSUM | SEQUENCE) == 0 => {
            return Ok(nvgre::opened(key));
        }
        (TRANSPARENT_ETHERNET, _) => Some(Content::Ethernet),
        _ => None,
    };
    Ok(Opened { kind: TunnelType::Gre, id: key.map(u64::from), content })
}

fn enhanced(flags: u16, kind: u16, walk: &mut Walk<'_>) -> Result<Opened, WireError> {
    if kind != PPP {
        return Err(forbidden(LAYER, 2, "Protocol Type", kind));
    }
    if flags & KEY == 0 {
        return Err(forbidden(LAYER, 0, "Key Present", 0_u8));
    }
    let call = be16(walk.take::<4>(LAYER, 4)?, 2);
    let mut offset = 8;
    let mut content = None;
    if flags & SEQUENCE != 0 {
        walk.take::<4>(LAYER, offset)?;
        offset += 4;
        content = Some(Content::Ppp);
    }
    if flags & ACKNOWLEDGMENT != 0 {
        walk.take::<4>(LAYER, offset)?;
    }
    Ok(Opened { kind: TunnelType::Gre, id: Some(call.into()), content })
}

/// An Ethernet frame as the payload of something (RFC 1701's list; RFC 7637).
pub(super) const TRANSPARENT_ETHERNET: u16 = 0x6558;
const PPP: u16 = 0x880b;
const ERSPAN_II: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

const LAYER: &str = "GRE";

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::{Ends, Has, LinkType, TunnelType};

    fn udp() -> Vec<u8> {
        sample::ipv4(17, &sample::udp(53, 1053, b"abc"))
    }

    fn gre(head: &[u8], content: &[u8]) -> sample::Seen {
        let frame = sample::ethernet(0x0800, &sample::ipv4(47, &[head, content].concat()));
        sample::ip(LinkType::ETHERNET, &frame)
    }

    #[test]
    fn every_optional_field_is_passed_over_and_the_key_kept() {
        let fields = [(0x80_u8, None), (0x20, Some(0x0102_0304)), (0x10, None)];
        for chosen in 0..8_u8 {
            let mut head = vec![0, 0, 8, 0];
            let mut id = None;
            for (bit, (flag, key)) in fields.iter().enumerate() {
                if chosen & (1 << bit) != 0 {
                    head[0] |= flag;
                    head.extend([1, 2, 3, 4]);
                    id = id.or(*key);
                }
            }
            let seen = gre(&head, &udp());
            assert_eq!((seen.packet.src_port, seen.packet.octets), (53, 31));
            assert_eq!((seen.extra.tunnel.kind, seen.extra.tunnel.id), (TunnelType::Gre, id));
        }
    }

    #[test]
    fn it_runs_over_ipv6_as_well() {
        let outer = sample::ipv6(47, &[&[0, 0, 8, 0], udp().as_slice()].concat());
        let seen = sample::ip(LinkType::RAW, &outer);
        assert_eq!((seen.packet.ip_version, seen.packet.src_port), (4, 53));
        assert_eq!(seen.extra.tunnel.src[..2], [0x20, 1]);
    }

    #[test]
    fn labels_ethernet_and_ipv6_are_carried() {
        assert_eq!(gre(&[0, 0, 0x88, 0x47], &sample::labelled(&[9], &udp())).packet.src_port, 53);
        let inner = sample::tagged(&[(0x8100, 6)], 0x0800, &udp());
        let seen = gre(&[0, 0, 0x65, 0x58], &inner);
        assert_eq!((seen.packet.vlan_id, seen.extra.tunnel.kind), (6, TunnelType::Gre));
        let v6 = sample::ipv6(17, &sample::udp(7, 8, b""));
        assert_eq!(gre(&[0, 0, 0x86, 0xdd], &v6).packet.dst_port, 8);
    }

    #[test]
    fn pptp_carries_ppp_where_there_is_a_sequence_number() {
        let ppp = [&[0xff, 3, 0, 0x21], udp().as_slice()].concat();
        let with_both = [0x30, 0x81, 0x88, 0x0b, 0, 35, 0, 77, 0, 0, 0, 1, 0, 0, 0, 2];
        let seen = gre(&with_both, &ppp);
        assert_eq!((seen.packet.src_port, seen.extra.tunnel.id), (53, Some(77)));
        let acknowledgment_only = [0x20, 0x81, 0x88, 0x0b, 0, 0, 0, 77, 0, 0, 0, 2];
        let packet = gre(&acknowledgment_only, &[]).packet;
        assert_eq!((packet.protocol, packet.ends), (47, Ends::None));
        assert!(!packet.has.any(Has::TROUBLE.with(Has::TUNNEL)));
    }

    #[test]
    fn what_the_rfc_abolished_is_trouble_of_the_outer_packet() {
        for head in [[0x40, 0, 8, 0], [0, 2, 8, 0], [0x20, 1, 8, 0], [0x10, 1, 0x88, 0x0b]] {
            let seen = gre(&head, &udp());
            assert_eq!((seen.packet.protocol, seen.packet.ends), (47, Ends::None));
            assert!(
                seen.packet.has.contains(Has::TROUBLE) && !seen.packet.has.contains(Has::TUNNEL)
            );
        }
    }

    #[test]
    fn what_is_no_ip_leaves_the_outer_packet() {
        let packet = gre(&[0, 0, 0x20, 0x01], &[0; 30]).packet;
        assert_eq!((packet.protocol, packet.has), (47, Has::MACS.with(Has::ETHERTYPE)));
    }
}
