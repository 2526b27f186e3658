// SPDX-License-Identifier: Apache-2.0
//! What follows the bottom of a label stack: IP, or Ethernet in a pseudowire
//! (RFC 4448) with or without a control word (RFC 4385).
//!
//! ```text
//!  0     4           16               32
//! +-----+-----------+----------------+----------
//! |  0  |     0     | sequence number| Ethernet      with a control word
//! +-----+-----------+----------------+----------
//! ```
//! Nothing in the packet says which it is, so this file guesses, in this order:
//!
//! 1. First nibble 4 or 6: IP, if its length is that of what is there, but for padding. A MAC
//!    address may begin so too: if the length differs and Ethernet is plausible, Ethernet.
//! 2. Two octets of zero: a control word, if Ethernet is plausible behind it.
//! 3. Ethernet without a control word, if that is plausible.
//! 4. Otherwise nothing that is read here (nibble 1 is an associated channel, RFC 5586).
//!
//! Ethernet is plausible if its type is one that carries packets or runs a network, and
//! the payload of an IP type begins with that version; or if its length fits and
//! both its service access points are the same.

use super::{Stop, Version};
use crate::link::{ethernet, ethertype};
use crate::walk::{Walk, be16, too_deep};
use crate::{Extra, Has, MAX_TUNNELS, NotIp, Packet};

/// Goes on to the IP packet from behind the bottom of a label stack.
pub(super) fn read(
    walk: &mut Walk<'_>,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<Version, Stop> {
    let Some(&[first]) = walk.peek::<1>() else { return Err(walk.truncated(LAYER, 0, 1).into()) };
    match first >> 4 {
        4 if ipv4_fills(walk) || !is_ethernet(walk, 0) => return Ok(Version::V4),
        6 if ipv6_fills(walk) || !is_ethernet(walk, 0) => return Ok(Version::V6),
        _ if walk.peek() == Some(&[0, 0]) && is_ethernet(walk, CONTROL_WORD) => {
            walk.skip(CONTROL_WORD);
        }
        _ if is_ethernet(walk, 0) => {}
        nibble => return Err(Stop::NotIp(NotIp::Nibble(nibble))),
    }
    walk.pseudowires += 1;
    if walk.pseudowires > MAX_TUNNELS {
        return Err(too_deep(LAYER, MAX_TUNNELS).into());
    }
    let keep = Has::TUNNEL.with(Has::OUTER_FRAGMENT).with(Has::MPLS);
    ethernet::read(walk, packet.has.within(keep), packet, extra)
}

/// Whether the length in the header of IPv4 is that of what is there. One that was cut off is.
fn ipv4_fills(walk: &Walk<'_>) -> bool {
    let Some(head) = walk.peek::<20>() else { return true };
    head[0] & 0x0f >= 5 && fills(usize::from(be16(head, 2)), walk)
}

fn ipv6_fills(walk: &Walk<'_>) -> bool {
    let Some(head) = walk.peek::<40>() else { return true };
    fills(40 + usize::from(be16(head, 4)), walk)
}

/// Whether `octets` and nothing else are there, but for padding and a check sequence.
fn fills(octets: usize, walk: &Walk<'_>) -> bool {
    walk.left_on_wire().checked_sub(octets).is_some_and(|rest| {
        rest <= CHECK_SEQUENCE || octets >= 20 && walk.end <= SHORTEST_FRAME + CHECK_SEQUENCE
    })
}

/// Whether an Ethernet header is plausible `ahead` octets after the next one.
fn is_ethernet(walk: &Walk<'_>, ahead: usize) -> bool {
    let Some(head) = walk.peek_at::<{ ethernet::HEADER }>(ahead) else { return false };
    let payload = walk.peek_at::<2>(ahead + ethernet::HEADER);
    let version = payload.map(|first| first[0] >> 4);
    match be16(head, 12) {
        ethertype::IPV4 => version.is_none_or(|version| version == 4),
        ethertype::IPV6 => version.is_none_or(|version| version == 6),
        length @ ..=ethertype::LONGEST_LENGTH => {
            let room = walk.left_on_wire().saturating_sub(ahead + ethernet::HEADER);
            (3..=room).contains(&usize::from(length))
                && payload.is_none_or(|[to, from]| to | 1 == from | 1)
        }
        other => CARRIED.contains(&other),
    }
}

/// Ethertypes other than IP's that a pseudowire is likely to carry: ARP, the tags, slow
/// protocols, MPLS, `PPPoE`, 802.1X, `MACsec`, LLDP, connectivity fault management.
const CARRIED: [u16; 15] = [
    0x0806, 0x8100, 0x88a8, 0x9100, 0x9200, 0x9300, 0x8809, 0x8847, 0x8848, 0x8863, 0x8864, 0x888e,
    0x88e5, 0x88cc, 0x8902,
];

const CONTROL_WORD: usize = 4;
/// Octets of the check sequence behind a frame, which some captures have.
const CHECK_SEQUENCE: usize = 4;
/// Octets of the shortest Ethernet frame, check sequence included; shorter ones are padded.
const SHORTEST_FRAME: usize = 64;

const LAYER: &str = "MPLS payload";

#[cfg(test)]
mod tests {
    use crate::sample::{self, Outcome};
    use crate::{Has, LinkType, NotIp, Reason};

    fn wired(before: &[u8], ethernet: &[u8]) -> Vec<u8> {
        let content = [before, ethernet].concat();
        sample::tagged(&[(0x8100, 99)], 0x8847, &sample::labelled(&[16, 17], &content))
    }

    fn inner(first_octet: u8) -> Vec<u8> {
        let ip = sample::ipv4(17, &sample::udp(1, 2, b"abc"));
        let mut frame = sample::tagged(&[(0x8100, 5)], 0x0800, &ip);
        frame[0] = first_octet;
        frame
    }

    #[test]
    fn ethernet_is_read_with_and_without_a_control_word() {
        for (before, first) in
            [(&[0, 0, 0, 1][..], 2), (&[], 2), (&[], 0x46), (&[], 0x62), (&[], 0x0a)]
        {
            let seen = sample::ip(LinkType::ETHERNET, &wired(before, &inner(first)));
            assert_eq!(seen.packet.dst_port, 2);
            assert_eq!((seen.packet.vlan_id, seen.packet.dst_mac[0]), (5, first));
            assert!(seen.packet.has.contains(Has::MPLS.with(Has::MACS).with(Has::VLAN)));
            assert_eq!(seen.extra.mpls.len(), 2);
        }
    }

    #[test]
    fn what_the_wire_carries_may_be_no_ip() {
        let arp = sample::ethernet(0x0806, &[0; 28]);
        let seen = sample::read(LinkType::ETHERNET, &wired(&[0; 4], &arp));
        assert_eq!(seen, Outcome::NotIp(NotIp::Ethertype(0x0806)));
        let tree = sample::ethernet(38, &[&[0x42, 0x42, 3], [0; 35].as_slice()].concat());
        let seen = sample::read(LinkType::ETHERNET, &wired(&[0; 4], &tree));
        assert_eq!(seen, Outcome::NotIp(NotIp::Llc(0x42)));
    }

    #[test]
    fn an_associated_channel_is_no_ip() {
        let frame = wired(&[0x10, 0, 0, 0x21], &[0; 40]);
        assert_eq!(sample::read(LinkType::ETHERNET, &frame), Outcome::NotIp(NotIp::Nibble(1)));
    }

    #[test]
    fn wires_in_wires_come_to_an_end() {
        let mut frame = inner(2);
        for _ in 0..9 {
            frame = wired(&[0; 4], &frame);
        }
        let Outcome::Malformed(error) = sample::read(LinkType::ETHERNET, &frame) else {
            panic!("read");
        };
        assert_eq!(error.reason, Reason::TooDeep { limit: 8 });
    }
}
