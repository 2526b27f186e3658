// SPDX-License-Identifier: Apache-2.0
//! Linux cooked captures, of which the device `any` gives one per packet.
//!
//! ```text
//!  0            2      4        6                     14         16
//! +------------+------+--------+---------------------+----------+
//! | packet type| ARPHRD| length| sender's address, 8 | protocol |      version 1
//! +------------+------+--------+---------------------+----------+
//!  0          2          4                8       10     11       12                20
//! +----------+----------+----------------+-------+------+--------+---------------------+
//! | protocol |    0     | interface index| ARPHRD| type | length | sender's address, 8 |
//! +----------+----------+----------------+-------+------+--------+---------------------+
//! ```
//! The protocol is an ethertype, or one of Linux's own numbers below 1536, unless the
//! kind of device (ARPHRD) makes it mean something else. Of the two MAC addresses only the
//! sender's is known: the destination stays zero.

use super::ethertype;
use crate::net::{Stop, Version};
use crate::walk::{Walk, be16, part};
use crate::{Extra, Has, NotIp, Packet};

/// Reads a header of version 1.
pub(super) fn read(
    walk: &mut Walk<'_>,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<Version, Stop> {
    let head = walk.take::<16>(LAYER, 0)?;
    sender(be16(head, 4), part(head, 6), packet);
    follow(be16(head, 2), be16(head, 14), walk, packet, extra)
}

/// Reads a header of version 2.
pub(super) fn read_v2(
    walk: &mut Walk<'_>,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<Version, Stop> {
    let head = walk.take::<20>(LAYER_V2, 0)?;
    let [length] = part(head, 11);
    sender(u16::from(length), part(head, 12), packet);
    follow(be16(head, 8), be16(head, 0), walk, packet, extra)
}

fn sender(length: u16, address: [u8; 6], packet: &mut Packet) {
    if length == 6 {
        packet.src_mac = address;
        packet.has = packet.has.with(Has::MACS);
    }
}

fn follow(
    device: u16,
    protocol: u16,
    walk: &mut Walk<'_>,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<Version, Stop> {
    if matches!(device, ARPHRD_NETLINK | ARPHRD_RADIOTAP | ARPHRD_FRAD) {
        return Err(Stop::NotIp(NotIp::Ethertype(protocol)));
    }
    match protocol {
        LINUX_802_2 => ethertype::follow(0, walk, packet, extra),
        0..=LAST_OF_LINUX => Err(Stop::NotIp(NotIp::Ethertype(protocol))),
        _ => ethertype::follow(protocol, walk, packet, extra),
    }
}

const ARPHRD_FRAD: u16 = 770;
const ARPHRD_RADIOTAP: u16 = 803;
const ARPHRD_NETLINK: u16 = 824;
/// An LLC header follows.
const LINUX_802_2: u16 = 4;
const LAST_OF_LINUX: u16 = 1535;

const LAYER: &str = "Linux SLL";
const LAYER_V2: &str = "Linux SLL2";

#[cfg(test)]
mod tests {
    use crate::sample::{self, Outcome};
    use crate::{Has, LinkType, NotIp};

    #[test]
    fn both_versions_give_the_sender_and_the_packet() {
        let v4 = sample::ipv4(17, &sample::udp(1, 2, b"hello"));
        for (link, frame) in [
            (LinkType::LINUX_SLL, sample::sll(1, 0x0800, &v4)),
            (LinkType::LINUX_SLL2, sample::sll2(1, 0x0800, &v4)),
        ] {
            let packet = sample::ip(link, &frame).packet;
            assert_eq!(packet.has, Has::MACS.with(Has::ETHERTYPE));
            assert_eq!((packet.src_mac, packet.dst_mac), (sample::SRC_MAC, [0; 6]));
            assert_eq!((packet.ethertype, packet.dst_port), (0x0800, 2));
        }
    }

    #[test]
    fn tags_are_read_as_on_ethernet() {
        let v4 = sample::ipv4(17, &sample::udp(1, 2, b"hello"));
        let tagged = [&[0, 9, 8, 0], v4.as_slice()].concat();
        let packet = sample::ip(LinkType::LINUX_SLL, &sample::sll(1, 0x8100, &tagged)).packet;
        assert_eq!((packet.vlan_id, packet.dst_port), (9, 2));
    }

    #[test]
    fn llc_is_read_and_linux_numbers_are_not_lengths() {
        let tree = sample::sll(1, 4, &[0x42, 0x42, 3, 0, 0]);
        assert_eq!(sample::read(LinkType::LINUX_SLL, &tree), Outcome::NotIp(NotIp::Llc(0x42)));
        let can = sample::sll2(280, 0x000c, &[0; 16]);
        assert_eq!(
            sample::read(LinkType::LINUX_SLL2, &can),
            Outcome::NotIp(NotIp::Ethertype(0x000c))
        );
    }

    #[test]
    fn netlink_is_no_ip_whatever_its_protocol() {
        let frame = sample::sll(824, 0x0800, &[0x45; 40]);
        assert_eq!(
            sample::read(LinkType::LINUX_SLL, &frame),
            Outcome::NotIp(NotIp::Ethertype(0x0800))
        );
    }
}
