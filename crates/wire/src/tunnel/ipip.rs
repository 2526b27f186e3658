// SPDX-License-Identifier: Apache-2.0
//! IP directly in IP: 4 in 4 (RFC 2003), 6 in 4 (RFC 4213), anything in 6 (RFC 2473).
//!
//! There is no header between the two; the protocol number tells the inner version.

use super::{Content, Opened};
use crate::walk::Walk;
use crate::{Packet, TunnelType, WireError};

/// IPv4 in either version, protocol 4.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all tunnels")]
pub(super) fn open_v4(_: &mut Walk<'_>, _: &Packet) -> Result<Option<Opened>, WireError> {
    Ok(Some(Opened { kind: TunnelType::Ipip, id: None, content: Some(Content::Ipv4) }))
}

/// IPv6 in either version, protocol 41.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all tunnels")]
pub(super) fn open_v6(_: &mut Walk<'_>, _: &Packet) -> Result<Option<Opened>, WireError> {
    Ok(Some(Opened { kind: TunnelType::Ipip, id: None, content: Some(Content::Ipv6) }))
}

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::{Has, LinkType, TunnelType};

    #[test]
    fn all_four_ways_are_opened() {
        let udp = sample::udp(53, 1053, b"abc");
        let (v4, v6) = (sample::ipv4(17, &udp), sample::ipv6(17, &udp));
        for (outer, inner_version) in [
            (sample::ipv4(4, &v4), 4),
            (sample::ipv4(41, &v6), 6),
            (sample::ipv6(4, &v4), 4),
            (sample::ipv6(41, &v6), 6),
        ] {
            let seen = sample::ip(LinkType::ETHERNET, &sample::either(&outer));
            let packet = seen.packet;
            assert_eq!((packet.ip_version, packet.src_port), (inner_version, 53));
            assert!(packet.has.contains(Has::TUNNEL.with(Has::MACS)));
            assert_eq!(packet.octets, if inner_version == 4 { 31 } else { 51 });
            assert_eq!((seen.extra.tunnel.kind, seen.extra.tunnel.id), (TunnelType::Ipip, None));
        }
    }

    #[test]
    fn the_inner_version_must_be_what_the_number_says() {
        let v6 = sample::ipv6(17, &sample::udp(53, 1053, b"abc"));
        let packet = sample::ip(LinkType::RAW, &sample::ipv4(4, &v6)).packet;
        assert_eq!((packet.protocol, packet.has), (4, Has::TROUBLE));
    }
}
