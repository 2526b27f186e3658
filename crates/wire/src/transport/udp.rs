// SPDX-License-Identifier: Apache-2.0
//! UDP (RFC 768) and UDP-Lite (RFC 3828).
//!
//! ```text
//!  0                        16                              32
//! +------------------------+-------------------------------+
//! |      source port       |       destination port        |
//! | length (Lite: coverage)|           checksum            |
//! +------------------------+-------------------------------+
//! ```
//! A length that cannot be (below 8, or beyond the IP packet, as in a first
//! fragment) is passed over and the IP length used; zero is a jumbogram's (RFC 2675,
//! section 4). UDP-Lite has a checksum's coverage in its place.

use super::{locate, unreadable};
use crate::tunnel::{self, Open};
use crate::walk::{Rest, Walk, be16};
use crate::{Ends, Extra, Packet, WireError};

/// Puts ports into `packet`. Returns how to open the tunnel that the ports stand for.
#[inline]
pub(super) fn dissect(walk: &mut Walk<'_>, packet: &mut Packet, extra: &mut Extra) -> Option<Open> {
    let Some(head) = walk.peek::<HEADER>() else {
        let error = walk.truncated(LAYER, 0, HEADER);
        unreadable(walk.rest(), packet, extra, error);
        return None;
    };
    ports(*head, walk.rest(), packet);
    let length = u32::from(be16(head, 4));
    // Wraps below the header's own length, which no payload then is as long as.
    let payload = length.wrapping_sub(8);
    if payload < packet.payload_octets {
        packet.payload_octets = payload;
    }
    walk.at += HEADER;
    tunnel::by_port(packet.src_port, packet.dst_port)
}

/// Puts the ports of UDP-Lite into `packet`.
pub(super) fn read_lite(walk: &mut Walk<'_>, packet: &mut Packet) -> Result<(), WireError> {
    let Some(head) = walk.peek::<HEADER>() else {
        return Err(walk.truncated("UDP-Lite", 0, HEADER));
    };
    ports(*head, walk.rest(), packet);
    Ok(())
}

#[inline]
fn ports(head: [u8; HEADER], rest: Rest, packet: &mut Packet) {
    locate(rest, HEADER, packet);
    packet.src_port = be16(&head, 0);
    packet.dst_port = be16(&head, 2);
    packet.ends = Ends::Ports;
}

const HEADER: usize = 8;

const LAYER: &str = "UDP";

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::{Ends, Has, LinkType, Packet};

    fn raw(protocol: u8, bytes: &[u8]) -> Packet {
        sample::ip(LinkType::RAW, &sample::ipv4(protocol, bytes)).packet
    }

    #[test]
    fn ports_and_payload_are_found() {
        let packet = raw(17, &sample::udp(53, 1053, b"abc"));
        assert_eq!((packet.src_port, packet.dst_port, packet.ends), (53, 1053, Ends::Ports));
        assert_eq!((packet.payload_at, packet.payload_octets, packet.has), (28, 3, Has::NONE));
    }

    #[test]
    fn the_length_is_heeded_only_where_it_can_be() {
        for (length, payload) in [(10, 2), (8, 0), (7, 3), (0, 3), (12, 3), (0xffff, 3)] {
            let mut udp = sample::udp(53, 1053, b"abc");
            udp[4..6].copy_from_slice(&u16::to_be_bytes(length));
            assert_eq!(raw(17, &udp).payload_octets, payload, "{length}");
        }
    }

    #[test]
    fn udp_lite_has_a_coverage_in_the_place_of_a_length() {
        let mut udp = sample::udp(53, 1053, b"abc");
        udp[5] = 8;
        let packet = raw(136, &udp);
        assert_eq!((packet.src_port, packet.dst_port, packet.payload_octets), (53, 1053, 3));
    }
}
