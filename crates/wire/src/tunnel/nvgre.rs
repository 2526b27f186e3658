// SPDX-License-Identifier: Apache-2.0
//! NVGRE (RFC 7637, section 3.2): GRE with a key, without checksum and sequence
//! number, that carries Ethernet.
//!
//! ```text
//!  0                               24        32
//! +-------------------------------+---------+
//! |    virtual subnet id (VSID)   | flow id |      GRE's key
//! +-------------------------------+---------+
//! ```
//! Ethernet in GRE with a key of any other meaning looks the same and is taken for NVGRE.

use super::{Content, Opened};
use crate::TunnelType;

/// What GRE with this key and such a payload is.
pub(super) fn opened(key: u32) -> Opened {
    let vsid = u64::from(key >> 8);
    Opened { kind: TunnelType::Nvgre, id: Some(vsid), content: Some(Content::Ethernet) }
}

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::{LinkType, TunnelType};

    #[test]
    fn the_vsid_is_the_upper_three_octets_of_the_key() {
        let inner = sample::ethernet(0x0800, &sample::ipv4(17, &sample::udp(53, 1053, b"abc")));
        let gre = [&[0x20, 0, 0x65, 0x58, 0x12, 0x34, 0x56, 0x78], inner.as_slice()].concat();
        let seen = sample::ip(LinkType::RAW, &sample::ipv4(47, &gre));
        let tunnel = seen.extra.tunnel;
        assert_eq!((tunnel.kind, tunnel.id), (TunnelType::Nvgre, Some(0x12_3456)));
        assert_eq!((seen.packet.src_port, seen.packet.src_mac), (53, sample::SRC_MAC));
    }

    #[test]
    fn a_sequence_number_makes_it_plain_gre() {
        let inner = sample::ethernet(0x0800, &sample::ipv4(17, &sample::udp(53, 1053, b"abc")));
        let gre = [&[0x30, 0, 0x65, 0x58, 0, 0, 0, 1, 0, 0, 0, 2], inner.as_slice()].concat();
        let tunnel = sample::ip(LinkType::RAW, &sample::ipv4(47, &gre)).extra.tunnel;
        assert_eq!((tunnel.kind, tunnel.id), (TunnelType::Gre, Some(1)));
    }
}
