// SPDX-License-Identifier: Apache-2.0
//! PPP (RFC 1661), with or without the address and control octets of HDLC-like
//! framing (RFC 1662), and with or without protocol field compression.
//!
//! ```text
//! +------+------+----------------+---------
//! |  ff  |  03  | protocol (1, 2)| payload
//! +------+------+----------------+---------
//! ```
//! A protocol whose first octet is odd has no second one (RFC 1661, section 2).

use crate::net::{Stop, Version, mpls};
use crate::walk::Walk;
use crate::{Extra, NotIp, Packet};

/// Reads a PPP header.
pub(crate) fn read(
    walk: &mut Walk<'_>,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<Version, Stop> {
    if walk.peek() == Some(&[ALL_STATIONS, UNNUMBERED_INFORMATION]) {
        walk.at += 2;
    }
    let protocol = match walk.peek() {
        Some(&[first]) if first & 1 == 1 => {
            walk.at += 1;
            u16::from(first)
        }
        _ => u16::from_be_bytes(*walk.take(LAYER, 0)?),
    };
    match protocol {
        IPV4 => Ok(Version::V4),
        IPV6 => Ok(Version::V6),
        MPLS_UNICAST | MPLS_MULTICAST => mpls::read(walk, packet, extra),
        other => Err(Stop::NotIp(NotIp::Ppp(other))),
    }
}

/// Reads a PPP header after the octet that `PPP_WITH_DIR` puts before it.
pub(super) fn read_with_direction(
    walk: &mut Walk<'_>,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<Version, Stop> {
    walk.take::<1>(LAYER, 0)?;
    read(walk, packet, extra)
}

const ALL_STATIONS: u8 = 0xff;
const UNNUMBERED_INFORMATION: u8 = 0x03;
const IPV4: u16 = 0x0021;
const IPV6: u16 = 0x0057;
const MPLS_UNICAST: u16 = 0x0281;
const MPLS_MULTICAST: u16 = 0x0283;

const LAYER: &str = "PPP";

#[cfg(test)]
mod tests {
    use crate::sample::{self, Outcome};
    use crate::{Has, LinkType, NotIp};

    fn after(head: &[u8], ip: &[u8]) -> Vec<u8> {
        [head, ip].concat()
    }

    #[test]
    fn each_way_to_write_the_header_is_read() {
        let v4 = sample::ipv4(17, &sample::udp(1, 2, b"hello"));
        let heads: [&[u8]; 4] = [&[0xff, 3, 0, 0x21], &[0, 0x21], &[0xff, 3, 0x21], &[0x21]];
        for head in heads {
            assert_eq!(sample::ip(LinkType::PPP, &after(head, &v4)).packet.dst_port, 2);
            let directed = after(&[1], &after(head, &v4));
            assert_eq!(sample::ip(LinkType::PPP_WITH_DIR, &directed).packet.dst_port, 2);
        }
    }

    #[test]
    fn ipv6_and_labels_are_followed() {
        let v6 = sample::ipv6(17, &sample::udp(3, 4, b"hello"));
        assert_eq!(sample::ip(LinkType::PPP, &after(&[0, 0x57], &v6)).packet.dst_port, 4);
        let labelled = after(&[0x02, 0x81, 0, 1, 0x01, 64], &v6);
        let seen = sample::ip(LinkType::PPP, &labelled);
        assert_eq!(seen.packet.has, Has::MPLS);
        assert_eq!(seen.extra.mpls.as_slice(), [0x0001_0140]);
    }

    #[test]
    fn control_protocols_are_no_ip() {
        let frame = after(&[0xff, 3, 0xc0, 0x21], &[1, 1, 0, 4]);
        assert_eq!(sample::read(LinkType::PPP, &frame), Outcome::NotIp(NotIp::Ppp(0xc021)));
    }
}
