// SPDX-License-Identifier: Apache-2.0
//! A session of PPP over Ethernet (RFC 2516, section 4).
//!
//! ```text
//!  0   4   8      16               32       48
//! +---+---+------+----------------+--------+-----
//! | 1 | 1 | code |   session id   | length | PPP
//! +---+---+------+----------------+--------+-----
//! ```
//! The length is not used: IP has its own, which padding does not change.

use super::ppp;
use crate::net::{Stop, Version};
use crate::walk::{Walk, forbidden};
use crate::{Extra, Packet};

/// Reads the header and the PPP header behind it.
pub(super) fn read(
    walk: &mut Walk<'_>,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<Version, Stop> {
    let &[version_type, code, ..] = walk.take::<6>(LAYER, 0)?;
    if version_type != VERSION_1_TYPE_1 {
        return Err(forbidden(LAYER, 0, "VER and TYPE", version_type).into());
    }
    if code != SESSION_DATA {
        return Err(forbidden(LAYER, 1, "CODE", code).into());
    }
    ppp::read(walk, packet, extra)
}

const VERSION_1_TYPE_1: u8 = 0x11;
const SESSION_DATA: u8 = 0;

const LAYER: &str = "PPPoE";

#[cfg(test)]
mod tests {
    use crate::sample::{self, Outcome};
    use crate::{LinkType, NotIp};

    #[test]
    fn a_session_carries_either_ip() {
        for (protocol, ip) in [
            (0x21, sample::ipv4(17, &sample::udp(1, 2, b"hello"))),
            (0x57, sample::ipv6(17, &sample::udp(1, 2, b"hello"))),
        ] {
            let content = sample::pppoe(protocol, &ip);
            let packet = sample::ip(LinkType::ETHERNET, &sample::ethernet(0x8864, &content)).packet;
            assert_eq!((packet.ethertype, packet.dst_port), (0x8864, 2));
            assert_eq!(sample::ip(LinkType::PPP_ETHER, &content).packet.dst_port, 2);
        }
    }

    #[test]
    fn control_protocols_of_a_session_are_no_ip() {
        let frame = sample::ethernet(0x8864, &sample::pppoe(0xc021, &[1; 8]));
        assert_eq!(sample::read(LinkType::ETHERNET, &frame), Outcome::NotIp(NotIp::Ppp(0xc021)));
    }

    #[test]
    fn another_version_or_code_is_malformed() {
        for (at, value) in [(0, 0x21), (1, 0xa7)] {
            let mut content = sample::pppoe(0x21, &sample::ipv4(17, &[0; 8]));
            content[at] = value;
            let seen = sample::read(LinkType::PPP_ETHER, &content);
            assert!(matches!(seen, Outcome::Malformed(e) if e.offset == at));
        }
    }
}
