// SPDX-License-Identifier: Apache-2.0
//! IPv6 (RFC 8200, section 3).
//!
//! ```text
//!  0   4           12          16                          32
//! +---+-----------+-----------+---------------------------+
//! | 6 |  class    |            flow label                 |
//! +---+-----------+-----------+-------------+-------------+
//! |     payload length        | next header |  hop limit  |
//! +---------------------------+-------------+-------------+
//! |                 source address, 16                    |
//! |               destination address, 16                 |
//! +-------------------------------------------------------+
//! ```
//! A payload length of zero is a jumbogram's (RFC 2675), whose hop-by-hop option has
//! the length, or a packet of more than 65,575 octets that the network card has yet
//! to cut, or stands for what it says.

use super::extension;
use crate::walk::{Walk, be16, be32, forbidden, part};
use crate::{Fragment, Packet, WireError, transport};

/// Reads the fixed header into `packet` and goes behind it.
#[inline]
pub(super) fn read(walk: &mut Walk<'_>, packet: &mut Packet) -> Result<(), WireError> {
    let Some(head) = walk.peek::<HEADER>() else {
        return Err(walk.truncated(LAYER, 0, HEADER));
    };
    let first = be32(head, 0);
    if first >> 28 != 6 {
        return Err(forbidden(LAYER, 0, "Version", head[0] >> 4));
    }
    let octets = match be16(head, 4) {
        0 => walk.aside(|walk| unstated(walk, head[6])),
        payload => HEADER + usize::from(payload),
    };
    walk.narrow(octets);
    walk.at += HEADER;

    packet.ip_version = 6;
    [_, packet.tos] = (be16(head, 0) >> 4).to_be_bytes();
    packet.octets = u32::try_from(octets).unwrap_or(u32::MAX);
    packet.identification = 0;
    packet.flow_label = first & 0x000f_ffff;
    packet.ttl = head[7];
    packet.protocol = head[6];
    packet.next_header = head[6];
    packet.src = part(head, 8);
    packet.dst = part(head, 24);
    packet.ip_flags = 0;
    packet.fragment_offset = 0;
    packet.fragment = Fragment::Whole;
    transport::forget(packet);
    Ok(())
}

/// Octets of a packet whose payload length is zero.
#[cold]
fn unstated(walk: &Walk<'_>, next_header: u8) -> usize {
    if next_header == extension::HOP_BY_HOP
        && let Some(payload) = extension::jumbo_payload_octets(walk, HEADER)
    {
        return HEADER.saturating_add(payload);
    }
    let rest = walk.left_on_wire();
    if rest > HEADER + usize::from(u16::MAX) { rest } else { HEADER }
}

const HEADER: usize = 40;

const LAYER: &str = "IPv6";

#[cfg(test)]
mod tests {
    use crate::sample::{self, Outcome};
    use crate::{Ends, Fragment, LinkType};

    fn raw(bytes: &[u8]) -> sample::Seen {
        sample::ip(LinkType::RAW, bytes)
    }

    #[test]
    fn every_field_is_where_the_rfc_has_it() {
        let mut ip = sample::ipv6(17, &sample::udp(53, 1053, b"abc"));
        (ip[0], ip[1], ip[2], ip[3], ip[7]) = (0x6b, 0x91, 0x23, 0x45, 61);
        let packet = raw(&ip).packet;
        assert_eq!((packet.ip_version, packet.tos, packet.flow_label), (6, 0xb9, 0x12345));
        assert_eq!((packet.octets, packet.ttl, packet.protocol), (51, 61, 17));
        assert_eq!((packet.src[..4].to_vec(), packet.src[15]), (vec![0x20, 1, 0x0d, 0xb8], 1));
        assert_eq!((packet.dst[..4].to_vec(), packet.dst[15]), (vec![0x20, 1, 0x0d, 0xb8], 2));
        assert_eq!((packet.transport_at, packet.payload_at, packet.payload_octets), (40, 48, 3));
        assert_eq!((packet.fragment, packet.identification), (Fragment::Whole, 0));
    }

    #[test]
    fn nothing_may_follow() {
        let packet = raw(&sample::ipv6(59, &[])).packet;
        assert_eq!((packet.protocol, packet.ends, packet.octets), (59, Ends::None, 40));
    }

    #[test]
    fn a_packet_too_long_for_its_length_field_goes_to_the_end_of_the_frame() {
        let mut ip = sample::ipv6(6, &sample::tcp(1, 2, &vec![0; 80_000]));
        (ip[4], ip[5]) = (0, 0);
        assert_eq!(raw(&ip).packet.payload_octets, 80_000);
    }

    #[test]
    fn another_version_is_malformed() {
        let mut frame = sample::ethernet(0x86dd, &sample::ipv6(59, &[]));
        frame[14] = 0x40;
        let Outcome::Malformed(error) = sample::read(LinkType::ETHERNET, &frame) else {
            panic!("read");
        };
        assert_eq!(error.to_string(), "IPv6: octet 0: Version cannot be 4");
    }
}
