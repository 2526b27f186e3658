// SPDX-License-Identifier: Apache-2.0
//! LLC (IEEE 802.2) and SNAP, which 802.3 frames with a length begin with.
//!
//! ```text
//!  0      1      2         3           6          8
//! +------+------+---------+-----------+----------+
//! | DSAP | SSAP | control |    OUI    | ethertype|      the last two with SNAP only
//! +------+------+---------+-----------+----------+
//! ```
//! IP comes in SNAP (RFC 1042) with an OUI of zero, or 00-00-F8 (IEEE 802.1H).

use crate::WireError;
use crate::walk::{Walk, be16};

/// What an LLC header announces.
pub(super) enum Next {
    /// An ethertype, from SNAP.
    Ethertype(u16),
    /// Something else, by the destination service access point.
    Other(u8),
}

/// Reads the header, and goes behind it if it announces an ethertype.
pub(super) fn read(walk: &mut Walk<'_>) -> Result<Next, WireError> {
    let Some(&[point]) = walk.peek::<1>() else { return Err(walk.truncated(LAYER, 0, 3)) };
    if !matches!(walk.peek(), Some(&[SNAP, SNAP, UNNUMBERED_INFORMATION])) {
        return Ok(Next::Other(point));
    }
    let head = walk.take::<8>("SNAP", 0)?;
    match head {
        [_, _, _, 0, 0, 0 | 0xf8, _, _] => Ok(Next::Ethertype(be16(head, 6))),
        _ => Ok(Next::Other(point)),
    }
}

const SNAP: u8 = 0xaa;
const UNNUMBERED_INFORMATION: u8 = 3;

const LAYER: &str = "LLC";

#[cfg(test)]
mod tests {
    use crate::sample::{self, Outcome};
    use crate::{LinkType, NotIp};

    fn framed(llc: &[u8], payload: &[u8]) -> Vec<u8> {
        let content = [llc, payload].concat();
        let length = u16::try_from(content.len()).unwrap();
        sample::ethernet(length, &content)
    }

    #[test]
    fn ip_in_snap_is_ip() {
        let ip = sample::ipv4(17, &sample::udp(53, 1053, b"abc"));
        for oui in [0, 0xf8] {
            let frame = framed(&[0xaa, 0xaa, 3, 0, 0, oui, 8, 0], &ip);
            let packet = sample::ip(LinkType::ETHERNET, &frame).packet;
            assert_eq!((packet.ethertype, packet.dst_port), (0x0800, 1053));
        }
    }

    #[test]
    fn the_rest_is_named_by_its_service_access_point() {
        let spanning_tree = framed(&[0x42, 0x42, 3], &[0; 35]);
        assert_eq!(
            sample::read(LinkType::ETHERNET, &spanning_tree),
            Outcome::NotIp(NotIp::Llc(0x42))
        );
        let cisco = framed(&[0xaa, 0xaa, 3, 0, 0, 0x0c, 0x20, 0], &[0; 35]);
        assert_eq!(sample::read(LinkType::ETHERNET, &cisco), Outcome::NotIp(NotIp::Llc(0xaa)));
    }

    #[test]
    fn nothing_at_all_is_malformed() {
        let empty = framed(&[], &[]);
        assert!(matches!(sample::read(LinkType::ETHERNET, &empty), Outcome::Malformed(_)));
    }
}
