// SPDX-License-Identifier: Apache-2.0
//! ICMP (RFC 792) and `ICMPv6` (RFC 4443): type, code, and the identifier of the queries
//! that have one.
//!
//! ```text
//!  0        8        16                              32
//! +--------+--------+-------------------------------+
//! |  type  |  code  |           checksum            |
//! |    identifier   |        sequence number        |     echo, timestamp
//! +-----------------+-------------------------------+
//! ```
//! Payload is what follows the first eight octets; of the few messages that are shorter,
//! what follows the first four. The packet inside an error message is payload, not a tunnel.

use super::locate;
use crate::walk::{Walk, be16};
use crate::{Ends, Packet, WireError};

/// One of the two versions: which types have an identifier.
pub(super) struct Version {
    layer: &'static str,
    echo: [u8; 2],
    timestamp: Option<[u8; 2]>,
}

/// ICMP for IPv4.
pub(super) const V4: Version = Version { layer: "ICMP", echo: [8, 0], timestamp: Some([13, 14]) };
/// `ICMPv6`.
pub(super) const V6: Version = Version { layer: "ICMPv6", echo: [128, 129], timestamp: None };

/// Puts type, code and identifier into `packet`.
pub(super) fn read(
    version: &Version,
    walk: &mut Walk<'_>,
    packet: &mut Packet,
) -> Result<(), WireError> {
    let Some(&[kind, code, ..]) = walk.peek::<SHORTEST>() else {
        return Err(walk.truncated(version.layer, 0, SHORTEST));
    };
    let ends = if version.echo.contains(&kind) {
        Ends::IcmpEcho
    } else if version.timestamp.is_some_and(|types| types.contains(&kind)) {
        Ends::IcmpTimestamp
    } else {
        Ends::IcmpOther
    };
    if ends != Ends::IcmpOther {
        let Some(head) = walk.peek::<HEADER>() else {
            return Err(walk.truncated(version.layer, 0, HEADER));
        };
        packet.icmp_id = be16(head, 4);
    }
    let octets = if walk.left_on_wire() < HEADER { SHORTEST } else { HEADER };
    locate(walk.rest(), octets, packet);
    packet.icmp_type = kind;
    packet.icmp_code = code;
    packet.ends = ends;
    Ok(())
}

const SHORTEST: usize = 4;
const HEADER: usize = 8;

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::{Ends, Has, LinkType, Packet};

    fn v4(message: &[u8]) -> Packet {
        sample::ip(LinkType::RAW, &sample::ipv4(1, message)).packet
    }

    fn v6(message: &[u8]) -> Packet {
        sample::ip(LinkType::RAW, &sample::ipv6(58, message)).packet
    }

    fn query(kind: u8) -> [u8; 12] {
        [kind, 0, 0, 0, 0x12, 0x34, 0, 1, 9, 9, 9, 9]
    }

    #[test]
    fn echo_has_an_identifier_in_both_versions() {
        for packet in [v4(&query(8)), v4(&query(0)), v6(&query(128)), v6(&query(129))] {
            assert_eq!((packet.ends, packet.icmp_id), (Ends::IcmpEcho, 0x1234));
            assert_eq!((packet.payload_octets, packet.icmp_code), (4, 0));
        }
    }

    #[test]
    fn timestamp_has_one_too_in_version_four_only() {
        assert_eq!((v4(&query(13)).ends, v4(&query(14)).icmp_id), (Ends::IcmpTimestamp, 0x1234));
        assert_eq!((v6(&query(13)).ends, v6(&query(13)).icmp_id), (Ends::IcmpOther, 0));
    }

    #[test]
    fn every_other_message_is_type_and_code() {
        let inner = sample::ipv4(17, &sample::udp(1, 2, b"abc"));
        let packet = v4(&[&[3, 3, 0, 0, 0, 0, 0, 0], inner.as_slice()].concat());
        assert_eq!((packet.ends, packet.icmp_type, packet.icmp_code), (Ends::IcmpOther, 3, 3));
        assert_eq!((packet.icmp_id, packet.src_port, packet.payload_octets), (0, 0, 31));
    }

    #[test]
    fn four_octets_are_enough_without_an_identifier() {
        let packet = v4(&[10, 0, 0, 0]);
        assert_eq!(
            (packet.ends, packet.icmp_type, packet.payload_octets),
            (Ends::IcmpOther, 10, 0)
        );
        let packet = v4(&[8, 0, 0, 0]);
        assert_eq!((packet.ends, packet.icmp_type, packet.has), (Ends::Unread, 0, Has::TROUBLE));
    }
}
