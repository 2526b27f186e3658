// SPDX-License-Identifier: Apache-2.0
//! Teredo (RFC 4380, section 5.1.1): IPv6 in UDP, with two optional headers before it.
//!
//! ```text
//! +------+------+---------+---------+-----------+------+----------+-------+
//! |  00  |  01  | id octs | au octs | client id | auth | nonce, 8 | conf. |   authentication
//! +------+------+---------+---------+-----------+------+----------+-------+
//! |  00  |  00  | port, 2 |  IPv4 address, 4    |                            origin indication
//! +------+------+---------+---------------------+
//! |  IPv6 packet
//! ```
//! What is not IPv6 of a length that fits the datagram is not Teredo. Trailers (RFC
//! 6081) come behind the packet and are not looked at.

use super::{Content, Opened};
use crate::walk::{Walk, be16};
use crate::{Fragment, Packet, TunnelType, WireError};

/// Opens Teredo. `outer` tells whether the inner packet has to fit.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all tunnels")]
pub(super) fn open(walk: &mut Walk<'_>, outer: &Packet) -> Result<Option<Opened>, WireError> {
    if let Some(&[0, 1, client, authentication]) = walk.peek() {
        walk.skip(4 + usize::from(client) + usize::from(authentication) + NONCE_AND_CONFIRMATION);
    }
    if walk.peek() == Some(&[0, 0]) {
        walk.skip(ORIGIN_INDICATION);
    }
    let fits = walk.peek::<6>().is_some_and(|head| {
        let octets = 40 + usize::from(be16(head, 4));
        head[0] >> 4 == 6 && (octets <= walk.left_on_wire() || outer.fragment == Fragment::First)
    });
    let opened = Opened { kind: TunnelType::Teredo, id: None, content: Some(Content::Ipv6) };
    Ok(fits.then_some(opened))
}

/// The port that IANA assigned to servers and relays.
pub(super) const PORT: u16 = 3544;

const NONCE_AND_CONFIRMATION: usize = 9;
const ORIGIN_INDICATION: usize = 8;

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::{Ends, Has, LinkType, TunnelType};

    fn sent(ports: (u16, u16), head: &[u8], inner: &[u8]) -> sample::Seen {
        let udp = sample::udp(ports.0, ports.1, &[head, inner].concat());
        sample::ip(LinkType::RAW, &sample::ipv4(17, &udp))
    }

    fn inner() -> Vec<u8> {
        sample::ipv6(17, &sample::udp(53, 1053, b"abc"))
    }

    #[test]
    fn the_packet_is_found_behind_both_indications_in_either_direction() {
        let authentication = [0, 1, 2, 1, 7, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0];
        let origin = [0, 0, 0xff, 0xee, 0x3f, 0xff, 0xfd, 0xfe];
        let both = [authentication.as_slice(), &origin].concat();
        let heads: [&[u8]; 4] = [&[], &authentication, &origin, &both];
        for head in heads {
            for ports in [(4000, 3544), (3544, 4000)] {
                let seen = sent(ports, head, &inner());
                assert_eq!((seen.packet.ip_version, seen.packet.src_port), (6, 53));
                let tunnel = seen.extra.tunnel;
                assert_eq!((tunnel.kind, tunnel.id), (TunnelType::Teredo, None));
            }
        }
    }

    #[test]
    fn a_bubble_is_a_packet_with_nothing_in_it() {
        let packet = sent((4000, 3544), &[], &sample::ipv6(59, &[])).packet;
        assert_eq!((packet.protocol, packet.octets, packet.has), (59, 40, Has::TUNNEL));
    }

    #[test]
    fn what_does_not_fit_is_simply_udp() {
        let mut long = inner();
        long[5] += 1;
        for payload in [long, vec![0x60; 20], vec![0x45; 60]] {
            let packet = sent((4000, 3544), &[], &payload).packet;
            assert_eq!((packet.dst_port, packet.ends, packet.has), (3544, Ends::Ports, Has::NONE));
        }
    }
}
