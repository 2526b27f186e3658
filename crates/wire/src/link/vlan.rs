// SPDX-License-Identifier: Apache-2.0
//! VLAN tags: IEEE 802.1Q (customer), 802.1ad (service), and the types that were in use
//! for stacked tags before it.
//!
//! ```text
//!  0   3 4            16              32
//! +---+-+------------+----------------+
//! |PCP|D|     VID    | type of what follows
//! +---+-+------------+----------------+
//! ```
//! The type 0x8100 (or another of them) stands before the tag, where any ethertype does.
//! An identifier of 0 (priority only) is a tag as well.

use crate::walk::{Walk, be16, too_deep};
use crate::{Extra, Has, MAX_VLANS, Packet, WireError};

/// Whether `ethertype` announces a tag.
pub(super) const fn announces(ethertype: u16) -> bool {
    matches!(ethertype, CUSTOMER | SERVICE | QINQ_9100 | QINQ_9200 | QINQ_9300)
}

/// The identifier in a tag.
#[inline]
pub(super) const fn id(tag: u16) -> u16 {
    tag & 0x0fff
}

/// Reads a stack of tags, the first of which was announced by `ethertype`, and returns
/// the type after the last.
pub(super) fn read(
    mut ethertype: u16,
    walk: &mut Walk<'_>,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<u16, WireError> {
    extra.vlans.clear();
    while announces(ethertype) {
        let tag = walk.take::<TAG>(LAYER, 0)?;
        ethertype = be16(tag, 2);
        let id = id(be16(tag, 0));
        match extra.vlans.len() {
            0 => packet.vlan_id = id,
            1 => packet.inner_vlan_id = id,
            _ => {}
        }
        if !extra.vlans.push(id) {
            return Err(too_deep(LAYER, MAX_VLANS));
        }
    }
    packet.has =
        packet.has.with(if extra.vlans.len() > 1 { Has::VLAN.with(Has::VLANS) } else { Has::VLAN });
    Ok(ethertype)
}

/// IEEE 802.1Q.
pub(super) const CUSTOMER: u16 = 0x8100;
/// IEEE 802.1ad.
const SERVICE: u16 = 0x88a8;
const QINQ_9100: u16 = 0x9100;
const QINQ_9200: u16 = 0x9200;
const QINQ_9300: u16 = 0x9300;
/// Octets of a tag and the type after it.
pub(super) const TAG: usize = 4;

const LAYER: &str = "IEEE 802.1Q";

#[cfg(test)]
mod tests {
    use crate::sample::{self, Outcome};
    use crate::{Has, LinkType, NotIp, Reason};

    fn udp() -> Vec<u8> {
        sample::ipv4(17, &sample::udp(53, 1053, b"abc"))
    }

    #[test]
    fn one_tag_is_the_vlan() {
        let seen =
            sample::ip(LinkType::ETHERNET, &sample::tagged(&[(0x8100, 0xe123)], 0x0800, &udp()));
        assert_eq!(seen.packet.vlan_id, 0x123);
        assert!(seen.packet.has.contains(Has::VLAN) && !seen.packet.has.contains(Has::VLANS));
        assert_eq!((seen.packet.ethertype, seen.packet.src_port), (0x0800, 53));
    }

    #[test]
    fn all_tags_of_a_stack_are_kept_whatever_announces_them() {
        let tags = [(0x88a8, 1), (0x9100, 2), (0x9200, 3), (0x9300, 4), (0x8100, 5)];
        let seen = sample::ip(LinkType::ETHERNET, &sample::tagged(&tags, 0x0800, &udp()));
        assert!(seen.packet.has.contains(Has::VLANS));
        assert_eq!((seen.packet.vlan_id, seen.packet.inner_vlan_id), (1, 2));
        assert_eq!(seen.extra.vlans.as_slice(), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn what_is_tagged_may_be_no_ip() {
        let frame = sample::tagged(&[(0x8100, 5)], 0x0806, &[0; 28]);
        assert_eq!(
            sample::read(LinkType::ETHERNET, &frame),
            Outcome::NotIp(NotIp::Ethertype(0x0806))
        );
    }

    #[test]
    fn a_ninth_tag_is_too_deep() {
        let frame = sample::tagged(&[(0x8100, 5); 9], 0x0800, &udp());
        let Outcome::Malformed(error) = sample::read(LinkType::ETHERNET, &frame) else {
            panic!("read");
        };
        assert_eq!(error.reason, Reason::TooDeep { limit: 8 });
    }
}
