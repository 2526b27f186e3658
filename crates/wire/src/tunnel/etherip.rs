// SPDX-License-Identifier: Apache-2.0
//! `EtherIP` (RFC 3378): Ethernet in IP, protocol 97.
//!
//! ```text
//!  0     4               16
//! +-----+---------------+----------
//! |  3  |       0       | Ethernet
//! +-----+---------------+----------
//! ```

use super::{Content, Opened};
use crate::walk::{Walk, forbidden};
use crate::{Packet, TunnelType, WireError};

/// Opens protocol 97.
pub(super) fn open(walk: &mut Walk<'_>, _: &Packet) -> Result<Option<Opened>, WireError> {
    let &[version, _] = walk.take::<2>(LAYER, 0)?;
    if version >> 4 != 3 {
        return Err(forbidden(LAYER, 0, "Version", version >> 4));
    }
    Ok(Some(Opened { kind: TunnelType::Etherip, id: None, content: Some(Content::Ethernet) }))
}

const LAYER: &str = "EtherIP";

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::{Has, LinkType, TunnelType};

    #[test]
    fn the_frame_inside_is_read() {
        let inner = sample::tagged(
            &[(0x8100, 8)],
            0x0800,
            &sample::ipv4(17, &sample::udp(53, 1053, b"abc")),
        );
        let seen =
            sample::ip(LinkType::RAW, &sample::ipv6(97, &[&[0x30, 0], inner.as_slice()].concat()));
        assert_eq!((seen.packet.src_port, seen.packet.vlan_id), (53, 8));
        assert_eq!((seen.extra.tunnel.kind, seen.extra.tunnel.id), (TunnelType::Etherip, None));
    }

    #[test]
    fn another_version_is_trouble() {
        let packet = sample::ip(LinkType::RAW, &sample::ipv4(97, &[0x20; 60])).packet;
        assert_eq!((packet.protocol, packet.has), (97, Has::TROUBLE));
    }
}
