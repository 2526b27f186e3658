// SPDX-License-Identifier: Apache-2.0
//! BSD loopback: four octets that hold an address family.
//!
//! In `NULL` they are in the byte order of the machine that captured; families are
//! small, so the order that gives the smaller number is it. In `LOOP` they are
//! big-endian. The number for IPv6 differs among the systems that write such frames.

use crate::NotIp;
use crate::net::{Stop, Version};
use crate::walk::Walk;

/// Reads a `NULL` header.
pub(super) fn read(walk: &mut Walk<'_>) -> Result<Version, Stop> {
    let head = *walk.take::<4>(LAYER, 0)?;
    family(u32::from_be_bytes(head).min(u32::from_le_bytes(head)))
}

/// Reads a `LOOP` header.
pub(super) fn read_loop(walk: &mut Walk<'_>) -> Result<Version, Stop> {
    family(u32::from_be_bytes(*walk.take::<4>(LAYER, 0)?))
}

fn family(family: u32) -> Result<Version, Stop> {
    match family {
        INET => Ok(Version::V4),
        INET6_BSD | INET6_FREEBSD | INET6_DARWIN => Ok(Version::V6),
        other => Err(Stop::NotIp(NotIp::Family(other))),
    }
}

const INET: u32 = 2;
/// `NetBSD`, `OpenBSD`, and Npcap.
const INET6_BSD: u32 = 24;
const INET6_FREEBSD: u32 = 28;
const INET6_DARWIN: u32 = 30;

const LAYER: &str = "BSD loopback";

#[cfg(test)]
mod tests {
    use crate::sample::{self, Outcome};
    use crate::{LinkType, NotIp};

    fn after(head: [u8; 4], ip: &[u8]) -> Vec<u8> {
        [&head, ip].concat()
    }

    #[test]
    fn null_is_read_in_either_byte_order() {
        let v4 = sample::ipv4(17, &sample::udp(1, 2, b"hello"));
        for head in [[2, 0, 0, 0], [0, 0, 0, 2]] {
            assert_eq!(sample::ip(LinkType::NULL, &after(head, &v4)).packet.dst_port, 2);
        }
    }

    #[test]
    fn ipv6_has_three_numbers() {
        let v6 = sample::ipv6(17, &sample::udp(3, 4, b"hello"));
        for number in [24, 28, 30] {
            let packet = sample::ip(LinkType::LOOP, &after([0, 0, 0, number], &v6)).packet;
            assert_eq!((packet.ip_version, packet.dst_port), (6, 4));
        }
    }

    #[test]
    fn another_family_is_named() {
        let frame = after([7, 0, 0, 0], &[0; 40]);
        assert_eq!(sample::read(LinkType::NULL, &frame), Outcome::NotIp(NotIp::Family(7)));
        assert_eq!(
            sample::read(LinkType::LOOP, &frame),
            Outcome::NotIp(NotIp::Family(0x0700_0000))
        );
    }
}
