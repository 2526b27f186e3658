// SPDX-License-Identifier: Apache-2.0
//! MPLS label stacks (RFC 3032, section 2.1).
//!
//! ```text
//!  0                   20   23 24       32
//! +-------------------+----+-+----------+
//! |       label       | TC |S|   TTL    |     S: the bottom of the stack
//! +-------------------+----+-+----------+
//! ```
//! Nothing says what follows the bottom: the first four bits of it do, as routers
//! have it (RFC 4928). 4 and 6 are IP; for the rest see `pseudowire`.

use super::{Stop, Version, pseudowire};
use crate::walk::{Walk, too_deep};
use crate::{Extra, Has, MAX_LABELS, Packet};

/// Reads a label stack and what follows it, down to the IP packet.
#[inline(never)]
pub(crate) fn read(
    walk: &mut Walk<'_>,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<Version, Stop> {
    extra.mpls.clear();
    loop {
        let entry = u32::from_be_bytes(*walk.take(LAYER, 4 * extra.mpls.len())?);
        if !extra.mpls.push(entry) {
            return Err(too_deep(LAYER, MAX_LABELS).into());
        }
        if entry & BOTTOM != 0 {
            packet.has = packet.has.with(Has::MPLS);
            return pseudowire::read(walk, packet, extra);
        }
    }
}

const BOTTOM: u32 = 0x100;

const LAYER: &str = "MPLS";

#[cfg(test)]
mod tests {
    use crate::sample::{self, Outcome};
    use crate::{Has, LinkType, Reason};

    #[test]
    fn all_labels_are_kept_with_their_class_and_ttl() {
        let ip = sample::ipv4(17, &sample::udp(1, 2, b"abc"));
        let frame = sample::ethernet(0x8847, &sample::labelled(&[16, 17, 0xf_ffff], &ip));
        let seen = sample::ip(LinkType::ETHERNET, &frame);
        assert!(seen.packet.has.contains(Has::MPLS));
        assert_eq!(seen.extra.mpls.as_slice(), [0x0001_0040, 0x0001_1040, 0xffff_f140]);
        assert_eq!((seen.packet.ethertype, seen.packet.dst_port), (0x8847, 2));
    }

    #[test]
    fn ipv6_is_told_by_its_first_nibble() {
        let ip = sample::ipv6(17, &sample::udp(1, 2, b"abc"));
        let seen =
            sample::ip(LinkType::ETHERNET, &sample::ethernet(0x8848, &sample::labelled(&[2], &ip)));
        assert_eq!((seen.packet.ip_version, seen.packet.dst_port), (6, 2));
    }

    #[test]
    fn a_stack_without_bottom_is_malformed() {
        let labels = [0; 8].repeat(3);
        let Outcome::Malformed(error) =
            sample::read(LinkType::ETHERNET, &sample::ethernet(0x8847, &labels))
        else {
            panic!("read");
        };
        assert_eq!(error.to_string(), "MPLS: octet 24: 4 more needed, 0 left");
        let many = [0; 4].repeat(17);
        let Outcome::Malformed(error) =
            sample::read(LinkType::ETHERNET, &sample::ethernet(0x8847, &many))
        else {
            panic!("read");
        };
        assert_eq!(error.reason, Reason::TooDeep { limit: 16 });
    }
}
