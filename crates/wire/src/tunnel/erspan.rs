// SPDX-License-Identifier: Apache-2.0
//! ERSPAN: mirrored frames in GRE (draft-foschiano-erspan).
//!
//! ```text
//!  0     4             16          22                       32
//! +-----+-------------+-----------+------------------------+
//! | ver |    VLAN     | COS,En,T  |       session id       |    types II and III
//! +-----+-------------+-----------+------------------------+
//! |         reserved, index   or   timestamp               |
//! +-----------------------------+-+---------+------+-+---+-+
//! |     security group tag      |P|  frame  | HwID |D|Gra|O|    type III only
//! +-----------------------------+-+---------+------+-+---+-+
//! |     platform specific, 8 octets, where O is set        |
//! +--------------------------------------------------------+
//! ```
//! Type I has no header of its own: GRE's protocol type is that of type II, but GRE has no
//! sequence number.

use super::{Content, Opened};
use crate::walk::{Walk, be16, forbidden};
use crate::{TunnelType, WireError};

/// Reads the header of type II, or of type I, which is none.
pub(super) fn open(sequenced: bool, walk: &mut Walk<'_>) -> Result<Opened, WireError> {
    let id = if sequenced {
        let head = walk.take::<8>(LAYER, 0)?;
        Some(session(1, be16(head, 0), be16(head, 2))?)
    } else {
        None
    };
    Ok(Opened { kind: TunnelType::Erspan, id, content: Some(Content::Ethernet) })
}

/// Reads the header of type III.
pub(super) fn open_iii(walk: &mut Walk<'_>) -> Result<Opened, WireError> {
    let head = walk.take::<12>(LAYER, 0)?;
    let id = Some(session(2, be16(head, 0), be16(head, 2))?);
    let last = be16(head, 10);
    if last & PLATFORM_SPECIFIC != 0 {
        walk.take::<8>(LAYER, 12)?;
    }
    let content = match (last >> 10) & 0x1f {
        FRAME_ETHERNET => Some(Content::Ethernet),
        FRAME_IP => Some(Content::Ip),
        _ => None,
    };
    Ok(Opened { kind: TunnelType::Erspan, id, content })
}

fn session(version: u16, first: u16, second: u16) -> Result<u64, WireError> {
    if first >> 12 != version {
        return Err(forbidden(LAYER, 0, "Ver", first >> 12));
    }
    Ok(u64::from(second & 0x03ff))
}

const PLATFORM_SPECIFIC: u16 = 1;
const FRAME_ETHERNET: u16 = 0;
const FRAME_IP: u16 = 2;

const LAYER: &str = "ERSPAN";

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::{Has, LinkType, TunnelType};

    fn mirrored(head: &[u8], inner: &[u8]) -> sample::Seen {
        sample::ip(LinkType::RAW, &sample::ipv4(47, &[head, inner].concat()))
    }

    fn frame() -> Vec<u8> {
        sample::tagged(&[(0x8100, 8)], 0x0800, &udp())
    }

    fn udp() -> Vec<u8> {
        sample::ipv4(17, &sample::udp(53, 1053, b"abc"))
    }

    #[test]
    fn each_type_is_opened() {
        let type_ii = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 5, 0xfe, 0x34, 0, 0, 0, 9];
        let mut type_iii = [0_u8; 20];
        type_iii[..12].copy_from_slice(&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 5, 0xfe, 0x34]);
        let mut with_subheader = [0_u8; 28];
        with_subheader[..20].copy_from_slice(&type_iii);
        with_subheader[19] = 1;
        let heads: [(&[u8], Option<u64>); 4] = [
            (&[0, 0, 0x88, 0xbe], None),
            (&type_ii, Some(0x234)),
            (&type_iii, Some(0x234)),
            (&with_subheader, Some(0x234)),
        ];
        for (head, session) in heads {
            let seen = mirrored(head, &frame());
            assert_eq!((seen.packet.src_port, seen.packet.vlan_id), (53, 8));
            let tunnel = seen.extra.tunnel;
            assert_eq!((tunnel.kind, tunnel.id), (TunnelType::Erspan, session));
        }
    }

    #[test]
    fn type_iii_may_carry_ip_without_ethernet() {
        let mut head = [0_u8; 20];
        head[..12].copy_from_slice(&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 5, 0, 1]);
        head[18] = 2 << 2;
        let seen = mirrored(&head, &udp());
        assert_eq!((seen.packet.src_port, seen.packet.has), (53, Has::TUNNEL));
    }

    #[test]
    fn another_version_is_trouble() {
        let head = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x30, 5, 0, 1, 0, 0, 0, 9];
        assert_eq!(mirrored(&head, &frame()).packet.has, Has::TROUBLE);
    }
}
