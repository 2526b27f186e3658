// SPDX-License-Identifier: Apache-2.0
//! What an ethertype announces, wherever it stands: after MAC addresses, a tag, a
//! SNAP header, in a cooked capture.
//!
//! Values below 1536 are lengths and announce LLC; values that announce nothing IP
//! can be in are the packet's name in the count of what is no IP.

use super::{llc, pppoe, vlan};
use crate::net::{Stop, Version, mpls};
use crate::walk::Walk;
use crate::{Extra, Has, NotIp, Packet};

/// Goes on to the IP packet from behind `ethertype`.
pub(crate) fn follow(
    mut ethertype: u16,
    walk: &mut Walk<'_>,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<Version, Stop> {
    if vlan::announces(ethertype) {
        ethertype = vlan::read(ethertype, walk, packet, extra)?;
    }
    if ethertype <= LONGEST_LENGTH {
        match llc::read(walk)? {
            llc::Next::Ethertype(snap) => ethertype = snap,
            llc::Next::Other(point) => return Err(Stop::NotIp(NotIp::Llc(point))),
        }
    }
    packet.ethertype = ethertype;
    packet.has = packet.has.with(Has::ETHERTYPE);
    match ethertype {
        IPV4 => Ok(Version::V4),
        IPV6 => Ok(Version::V6),
        MPLS | MPLS_UPSTREAM => mpls::read(walk, packet, extra),
        PPPOE_SESSION => pppoe::read(walk, packet, extra),
        other => Err(Stop::NotIp(NotIp::Ethertype(other))),
    }
}

/// IPv4.
pub(crate) const IPV4: u16 = 0x0800;
/// IPv6.
pub(crate) const IPV6: u16 = 0x86dd;
/// MPLS, unicast as it was first called (RFC 5332).
pub(crate) const MPLS: u16 = 0x8847;
/// MPLS with a label that the sender of the frame assigned (RFC 5332).
pub(crate) const MPLS_UPSTREAM: u16 = 0x8848;
/// A session of PPP over Ethernet (RFC 2516).
pub(crate) const PPPOE_SESSION: u16 = 0x8864;
/// The greatest value that is a length (IEEE 802.3, clause 3.2.6).
pub(crate) const LONGEST_LENGTH: u16 = 1500;

#[cfg(test)]
mod tests {
    use crate::sample::{self, Outcome};
    use crate::{LinkType, NotIp};

    #[test]
    fn a_snap_header_cannot_announce_another() {
        let snap = [0xaa, 0xaa, 3, 0, 0, 0, 0, 8];
        let frame = sample::ethernet(16, &snap.repeat(4));
        assert_eq!(sample::read(LinkType::ETHERNET, &frame), Outcome::NotIp(NotIp::Ethertype(8)));
    }
}
