// SPDX-License-Identifier: Apache-2.0
//! Serial lines: PPP in HDLC-like framing (RFC 1662), or Cisco HDLC.
//!
//! ```text
//!  0         1         2           4
//! +---------+---------+-----------+---------
//! | address | control | ethertype | payload        Cisco HDLC
//! +---------+---------+-----------+---------
//! ```
//! The address tells which: 0x0F (unicast) and 0x8F (multicast) are Cisco's, 0xFF is PPP's.

use super::{ethertype, ppp};
use crate::net::{Stop, Version};
use crate::walk::{Walk, be16};
use crate::{Extra, Packet};

/// Reads either header.
pub(super) fn read(
    walk: &mut Walk<'_>,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<Version, Stop> {
    match walk.peek() {
        Some(&[UNICAST | MULTICAST]) => read_cisco(walk, packet, extra),
        _ => ppp::read(walk, packet, extra),
    }
}

/// Reads a Cisco HDLC header.
pub(super) fn read_cisco(
    walk: &mut Walk<'_>,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<Version, Stop> {
    let head = walk.take::<4>("Cisco HDLC", 0)?;
    ethertype::follow(be16(head, 2), walk, packet, extra)
}

const UNICAST: u8 = 0x0f;
const MULTICAST: u8 = 0x8f;

#[cfg(test)]
mod tests {
    use crate::sample::{self, Outcome};
    use crate::{LinkType, NotIp};

    #[test]
    fn the_address_tells_cisco_from_ppp() {
        let v4 = sample::ipv4(17, &sample::udp(1, 2, b"hello"));
        for head in [[0x0f, 0, 0x08, 0x00], [0x8f, 0, 0x08, 0x00], [0xff, 0x03, 0x00, 0x21]] {
            let frame = [&head, v4.as_slice()].concat();
            assert_eq!(sample::ip(LinkType::PPP_HDLC, &frame).packet.dst_port, 2);
        }
    }

    #[test]
    fn keepalives_are_no_ip() {
        let frame = [&[0x8f, 0, 0x80, 0x35], [0; 18].as_slice()].concat();
        assert_eq!(
            sample::read(LinkType::C_HDLC, &frame),
            Outcome::NotIp(NotIp::Ethertype(0x8035))
        );
    }
}
