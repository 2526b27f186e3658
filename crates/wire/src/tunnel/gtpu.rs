// SPDX-License-Identifier: Apache-2.0
//! GTP-U, version 1 (3GPP TS 29.281, section 5).
//!
//! ```text
//!  0     3  4 5 6 7 8             16                              32
//! +-----+--+-+-+-+-+-------------+-------------------------------+
//! |  1  |PT|0|E|S|N| message type|            length             |
//! +-----+--+-+-+-+-+-------------+-------------------------------+
//! |              tunnel endpoint identifier (TEID)               |
//! +-------------------------------+-------------+----------------+
//! |        sequence number        | N-PDU number| next extension |    if E, S or N
//! +-------------+-----------------+-------------+----------------+
//! | length      |      4 x length - 2 octets    | next extension |    while there is a next
//! +-------------+-------------------------------+----------------+
//! ```
//! Only a G-PDU (message type 255) carries a packet; it has no sign of its kind. What does
//! not begin with the version of IP (Ethernet, say) leaves the outer packet.

use super::{Content, Opened};
use crate::walk::{Walk, be32, forbidden, too_deep};
use crate::{MAX_EXTENSIONS, Packet, TunnelType, WireError};

/// Opens a G-PDU.
pub(super) fn open(walk: &mut Walk<'_>, _: &Packet) -> Result<Option<Opened>, WireError> {
    if walk.peek().is_some_and(|&[first]| first & VERSION_AND_TYPE != GTP_VERSION_1)
        || walk.peek().is_some_and(|&[_, message]| message != G_PDU)
    {
        return Ok(None);
    }
    let head = walk.take::<8>(LAYER, 0)?;
    if head[0] & OPTIONAL_FIELDS != 0 {
        let &[_, _, _, next] = walk.take::<4>(LAYER, 8)?;
        if head[0] & EXTENSION != 0 {
            extensions(next, walk)?;
        }
    }
    let id = Some(u64::from(be32(head, 4)));
    Ok(Some(Opened { kind: TunnelType::Gtpu, id, content: Some(Content::Ip) }))
}

/// The port that IANA assigned.
pub(super) const PORT: u16 = 2152;

fn extensions(mut next: u8, walk: &mut Walk<'_>) -> Result<(), WireError> {
    for _ in 0..MAX_EXTENSIONS {
        if next == 0 {
            return Ok(());
        }
        let Some(&[words]) = walk.peek() else { return Err(walk.truncated(EXTENSIONS, 0, 1)) };
        let octets = usize::from(words) * 4;
        let Some(last) = octets.checked_sub(1) else {
            return Err(forbidden(EXTENSIONS, 0, "Extension Header Length", words));
        };
        let Some(&[type_of_next]) = walk.peek_at(last) else {
            return Err(walk.truncated(EXTENSIONS, 0, octets));
        };
        next = type_of_next;
        walk.skip(octets);
    }
    Err(too_deep(EXTENSIONS, MAX_EXTENSIONS))
}

const VERSION_AND_TYPE: u8 = 0xf0;
/// Version 1, and the bit that tells GTP from GTP'.
const GTP_VERSION_1: u8 = 0x30;
const OPTIONAL_FIELDS: u8 = 0x07;
const EXTENSION: u8 = 0x04;
const G_PDU: u8 = 255;

const LAYER: &str = "GTP-U";
const EXTENSIONS: &str = "GTP-U extension";

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::{Ends, Has, LinkType, TunnelType};

    fn sent(head: &[u8], inner: &[u8]) -> sample::Seen {
        let payload = [head, inner].concat();
        sample::ip(LinkType::RAW, &sample::ipv4(17, &sample::udp(2152, 2152, &payload)))
    }

    fn udp() -> Vec<u8> {
        sample::ipv4(17, &sample::udp(53, 1053, b"abc"))
    }

    #[test]
    fn the_packet_is_found_behind_all_that_is_optional() {
        let plain: &[u8] = &[0x30, 255, 0, 31, 0xde, 0xad, 0xbe, 0xef];
        let sequenced = [&[0x32], &plain[1..], &[0, 1, 0, 0]].concat();
        let extended =
            [&[0x34], &plain[1..], &[0, 1, 0, 0x85, 1, 0, 9, 0x40, 2, 0, 0, 0, 0, 0, 0, 0]]
                .concat();
        for head in [plain, &sequenced, &extended] {
            let seen = sent(head, &udp());
            assert_eq!((seen.packet.src_port, seen.packet.octets), (53, 31));
            let tunnel = seen.extra.tunnel;
            assert_eq!((tunnel.kind, tunnel.id), (TunnelType::Gtpu, Some(0xdead_beef)));
        }
    }

    #[test]
    fn what_is_no_g_pdu_is_simply_udp() {
        for head in [[0x30, 1], [0x20, 255], [0x50, 255]] {
            let packet = sent(&[head[0], head[1], 0, 0, 0, 0, 0, 0], &udp()).packet;
            assert_eq!((packet.dst_port, packet.ends, packet.has), (2152, Ends::Ports, Has::NONE));
        }
    }

    #[test]
    fn a_payload_that_is_no_ip_leaves_the_outer_packet() {
        let frame = sample::ethernet(0x0800, &udp());
        let packet = sent(&[0x30, 255, 0, 0, 0, 0, 0, 1], &frame).packet;
        assert_eq!((packet.dst_port, packet.has), (2152, Has::NONE));
    }

    #[test]
    fn an_extension_without_length_is_trouble() {
        let packet = sent(&[0x34, 255, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x85, 0, 0, 0, 0], &udp()).packet;
        assert_eq!((packet.dst_port, packet.has), (2152, Has::TROUBLE));
    }
}
