// SPDX-License-Identifier: Apache-2.0
//! What IP carries: the header with the ports, or none.
//!
//! A header that cannot be read leaves the packet without ports
//! ([`Ends::Unread`]) and with its trouble told: the IP header is as good as
//! before. Tunnels are not opened here, only recognised.

mod dccp;
mod icmp;
pub mod protocol;
mod sctp;
pub mod tcp;
mod udp;

use crate::tunnel::{self, Open};
use crate::walk::{Rest, Walk, place};
use crate::{Ends, Extra, Has, Packet, WireError};

/// Reads the header that `packet.protocol` announces. The table of transport protocols.
/// Returns how to open the tunnel that the payload may be, with `walk` at that payload.
#[inline]
pub(crate) fn read(walk: &mut Walk<'_>, packet: &mut Packet, extra: &mut Extra) -> Option<Open> {
    match packet.protocol {
        protocol::TCP => tcp::dissect(walk, packet, extra),
        protocol::UDP => return udp::dissect(walk, packet, extra),
        _ => return walk.aside(|walk| rarer(walk, packet, extra)),
    }
    None
}

#[inline(never)]
fn rarer(walk: &mut Walk<'_>, packet: &mut Packet, extra: &mut Extra) -> Option<Open> {
    let result = match packet.protocol {
        protocol::ICMP => icmp::read(&icmp::V4, walk, packet),
        protocol::ICMPV6 => icmp::read(&icmp::V6, walk, packet),
        protocol::SCTP => sctp::read(walk, packet),
        protocol::DCCP => dccp::read(walk, packet),
        protocol::UDP_LITE => udp::read_lite(walk, packet),
        _ => {
            absent(walk.rest(), packet);
            return tunnel::by_protocol(packet.protocol);
        }
    };
    if let Err(error) = result {
        unreadable(walk.rest(), packet, extra, error);
    }
    None
}

/// Resets the fields that transport headers fill.
#[inline]
pub(crate) fn forget(packet: &mut Packet) {
    packet.src_port = 0;
    packet.dst_port = 0;
    packet.tcp_flags = 0;
    packet.icmp_id = 0;
    packet.icmp_type = 0;
    packet.icmp_code = 0;
    packet.ends = Ends::None;
}

/// Describes a packet without a transport header that could be read here: everything
/// behind the IP headers is payload.
#[inline]
pub(crate) fn absent(rest: Rest, packet: &mut Packet) {
    forget(packet);
    locate(rest, 0, packet);
    packet.ends = match packet.protocol {
        protocol::TCP
        | protocol::UDP
        | protocol::ICMP
        | protocol::ICMPV6
        | protocol::SCTP
        | protocol::DCCP
        | protocol::UDP_LITE => Ends::Unread,
        _ => Ends::None,
    };
}

/// Describes a packet whose transport or extension header is wrong in the way of `error`.
#[cold]
pub(crate) fn unreadable(rest: Rest, packet: &mut Packet, extra: &mut Extra, error: WireError) {
    absent(rest, packet);
    trouble(packet, extra, error);
}

/// Notes what could not be read.
#[cold]
pub(crate) fn trouble(packet: &mut Packet, extra: &mut Extra, error: WireError) {
    packet.has = packet.has.with(Has::TROUBLE);
    extra.trouble = Some(error);
}

/// Notes where a transport header of `header_octets`, which comes next, and its payload begin.
#[inline]
fn locate(rest: Rest, header_octets: usize, packet: &mut Packet) {
    packet.transport_at = place(rest.at);
    packet.payload_at = place(rest.at + header_octets);
    packet.payload_octets = place(rest.octets.saturating_sub(header_octets));
}

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::{Ends, Has, LinkType};

    #[test]
    fn protocols_without_ports_have_none_and_all_is_payload() {
        for protocol in [2, 50, 89, 103, 112, 253, 254, 255] {
            let packet = sample::ip(LinkType::RAW, &sample::ipv4(protocol, &[7; 12])).packet;
            assert_eq!(
                (packet.protocol, packet.ends, packet.has),
                (protocol, Ends::None, Has::NONE)
            );
            assert_eq!(
                (packet.transport_at, packet.payload_at, packet.payload_octets),
                (20, 20, 12)
            );
        }
    }

    #[test]
    fn a_header_cut_short_leaves_the_packet_without_ports_but_with_its_protocol() {
        for protocol in [6, 17, 132, 33, 136, 1, 58] {
            let seen = sample::ip(LinkType::RAW, &sample::ipv4(protocol, &[1; 3]));
            let packet = seen.packet;
            assert_eq!((packet.protocol, packet.ends), (protocol, Ends::Unread));
            assert_eq!((packet.src_port, packet.octets), (0, 23));
            assert!(packet.has.contains(Has::TROUBLE));
            assert_eq!(seen.extra.trouble.unwrap().reason.label(), "truncated");
        }
    }
}
