// SPDX-License-Identifier: Apache-2.0
//! No link layer: the first four bits are the version of IP.

use crate::NotIp;
use crate::net::{Stop, Version};
use crate::walk::Walk;

/// Tells the version of the IP packet that comes next.
pub(crate) fn read(walk: &mut Walk<'_>) -> Result<Version, Stop> {
    let Some(&[first]) = walk.peek::<1>() else { return Err(walk.truncated(LAYER, 0, 1).into()) };
    match first >> 4 {
        4 => Ok(Version::V4),
        6 => Ok(Version::V6),
        nibble => Err(Stop::NotIp(NotIp::Nibble(nibble))),
    }
}

const LAYER: &str = "IP";

#[cfg(test)]
mod tests {
    use crate::sample::{self, Outcome};
    use crate::{LinkType, NotIp};

    #[test]
    fn either_version_is_told_by_itself_under_each_number() {
        let v4 = sample::ipv4(17, &sample::udp(1, 2, b"hello"));
        let v6 = sample::ipv6(17, &sample::udp(3, 4, b"hello"));
        for link in [LinkType::RAW, LinkType::DLT_RAW, LinkType::DLT_RAW_OPENBSD] {
            assert_eq!(sample::ip(link, &v4).packet.dst_port, 2);
            assert_eq!(sample::ip(link, &v6).packet.dst_port, 4);
        }
    }

    #[test]
    fn another_first_nibble_is_no_ip() {
        assert_eq!(sample::read(LinkType::RAW, &[0x51; 40]), Outcome::NotIp(NotIp::Nibble(5)));
    }
}
