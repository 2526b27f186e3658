// SPDX-License-Identifier: Apache-2.0
//! Tunnels: packets inside packets.
//!
//! To add an encapsulation: write a file with an `open` function after the pattern of
//! those beside this one, give it a row in [`by_protocol`] or [`by_port`] and a name in
//! [`TunnelType`], and a sample in `sample`.
//!
//! The packet that is described is always the innermost one that could be read. Where an inner
//! one cannot be, or is no IP packet, the packet around it is described as if it had not been
//! looked into. A port is only a hint: an `open` that does not find its protocol behind it says
//! `None`, and the packet is simply UDP. Protocol numbers are no hints: what does not
//! fit them is trouble.

mod erspan;
mod etherip;
mod geneve;
mod gre;
mod gtpu;
mod ipip;
mod nvgre;
mod teredo;
mod vxlan;

use crate::link::{ethernet, ppp, raw};
use crate::net::{self, Stop, Version, mpls};
use crate::transport::{protocol, trouble};
use crate::walk::{Walk, too_deep};
use crate::{Extra, Fragment, Has, MAX_TUNNELS, Packet, Tunnel, TunnelType, WireError};

/// Reads a tunnel's header and goes behind it. `None` if it is not that
/// tunnel's. The packet is the one that carries the tunnel.
pub(crate) type Open = fn(&mut Walk<'_>, &Packet) -> Result<Option<Opened>, WireError>;

/// What a tunnel's header says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    kind: TunnelType,
    id: Option<u64>,
    /// `None` where no IP packet is looked for.
    content: Option<Content>,
}

/// What comes behind a tunnel's header.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    Ipv4,
    Ipv6,
    /// IP of the version that it says itself.
    Ip,
    Ethernet,
    Mpls,
    Ppp,
}

/// The table of tunnels that have a protocol number.
pub(crate) fn by_protocol(protocol: u8) -> Option<Open> {
    match protocol {
        protocol::IPV4 => Some(ipip::open_v4),
        protocol::IPV6 => Some(ipip::open_v6),
        protocol::GRE => Some(gre::open),
        protocol::ETHERIP => Some(etherip::open),
        _ => None,
    }
}

/// The table of tunnels that have a UDP port. What is sent to it is tunnelled; answers from
/// it are not, but for Teredo, whose clients may have any port.
#[inline]
pub(crate) fn by_port(src: u16, dst: u16) -> Option<Open> {
    match dst {
        vxlan::PORT | vxlan::PORT_BEFORE_IANA => Some(vxlan::open),
        vxlan::PORT_GPE => Some(vxlan::open_gpe),
        geneve::PORT => Some(geneve::open),
        gtpu::PORT => Some(gtpu::open),
        teredo::PORT => Some(teredo::open),
        _ if src == teredo::PORT => Some(teredo::open),
        _ => None,
    }
}

/// Where a look into tunnels ended at something that is no packet, after `packet`
/// was overwritten.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spoilt {
    /// How many tunnels can be gone into.
    pub readable: usize,
    /// What is wrong with the packet in the next; `None` if it is no IP packet.
    pub error: Option<WireError>,
}

/// Describes in `packet` the innermost packet that can be read, but goes into no more than
/// `limit` tunnels. `walk` is at the payload of the one that `packet` describes, which `open`
/// may be able to open.
///
/// # Errors
/// A packet on the way cannot be read, and the one around it is not described any more. (To
/// keep a copy of it would cost every tunnelled packet more than reading its headers does.)
#[inline(never)]
pub(crate) fn look_inside(
    mut open: Open,
    limit: usize,
    walk: &mut Walk<'_>,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<(), Spoilt> {
    for depth in 0..limit {
        let opened = match open(walk, packet) {
            Ok(Some(opened)) => opened,
            Ok(None) => return Ok(()),
            Err(error) => {
                trouble(packet, extra, error);
                return Ok(());
            }
        };
        let Some(content) = opened.content else { return Ok(()) };
        note(&opened, packet, extra);
        match enter(content, walk, packet, extra) {
            Ok(Some(deeper)) => open = deeper,
            Ok(None) => return Ok(()),
            Err(Stop::NotIp(_)) => return Err(Spoilt { readable: depth, error: None }),
            Err(Stop::Malformed(error)) => {
                return Err(Spoilt { readable: depth, error: Some(error) });
            }
        }
    }
    if limit == MAX_TUNNELS
        && let Ok(Some(opened)) = open(walk, packet)
    {
        trouble(packet, extra, too_deep(opened.kind.name(), MAX_TUNNELS));
    }
    Ok(())
}

/// Notes which tunnel the packet inside the described one comes in; of several, the outermost.
fn note(opened: &Opened, packet: &mut Packet, extra: &mut Extra) {
    if !packet.has.contains(Has::TUNNEL) {
        let &Opened { kind, id, .. } = opened;
        extra.tunnel = Tunnel { src: packet.src, dst: packet.dst, id, kind };
        packet.has = packet.has.with(Has::TUNNEL);
    }
    if packet.fragment == Fragment::First && !packet.has.contains(Has::OUTER_FRAGMENT) {
        extra.outer_fragment = packet.datagram();
        packet.has = packet.has.with(Has::OUTER_FRAGMENT);
    }
}

/// Describes what comes next in place of the packet around it. Returns how to open the
/// tunnel that its payload may be.
fn enter(
    content: Content,
    walk: &mut Walk<'_>,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<Option<Open>, Stop> {
    let tunnel = packet.has.within(Has::TUNNEL.with(Has::OUTER_FRAGMENT));
    packet.has = packet.has.without(Has::TCP.with(Has::FRAGMENT_HEADER));
    let version = match content {
        Content::Ipv4 => Version::V4,
        Content::Ipv6 => Version::V6,
        Content::Ip => raw::read(walk)?,
        Content::Ethernet => ethernet::read(walk, tunnel, packet, extra)?,
        Content::Mpls => mpls::read(walk, packet, extra)?,
        Content::Ppp => ppp::read(walk, packet, extra)?,
    };
    Ok(net::read(version, walk, packet, extra)?)
}

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::{Ends, Has, LinkType, Packet, Reason, TunnelType, Tunnels};

    fn udp() -> Vec<u8> {
        sample::ipv4(17, &sample::udp(53, 1053, b"abc"))
    }

    fn vxlan(vni: u8, inner: &[u8]) -> Vec<u8> {
        let payload = [&[8, 0, 0, 0, 0, 0, vni, 0], inner].concat();
        sample::ipv4(17, &sample::udp(999, 4789, &payload))
    }

    fn outer_of_vxlan(packet: &Packet) {
        assert_eq!((packet.protocol, packet.ends), (17, Ends::Ports));
        assert_eq!((packet.src_port, packet.dst_port), (999, 4789));
        assert!(!packet.has.contains(Has::TUNNEL));
    }

    #[test]
    fn the_outer_packet_is_described_if_asked_for() {
        let frame = sample::ethernet(0x0800, &vxlan(7, &sample::ethernet(0x0800, &udp())));
        outer_of_vxlan(&sample::ip_by(Tunnels::Outer, LinkType::ETHERNET, &frame).packet);
    }

    #[test]
    fn an_inner_packet_that_cannot_be_read_leaves_the_outer_one_and_its_tags() {
        let mut bad = udp();
        bad[0] = 0x41;
        let inner = sample::tagged(&[(0x8100, 3), (0x8100, 4)], 0x0800, &bad);
        let frame = sample::tagged(&[(0x88a8, 1), (0x8100, 2)], 0x0800, &vxlan(7, &inner));
        let seen = sample::ip(LinkType::ETHERNET, &frame);
        outer_of_vxlan(&seen.packet);
        assert_eq!((seen.packet.vlan_id, seen.packet.inner_vlan_id), (1, 2));
        assert_eq!(seen.extra.vlans.as_slice(), [1, 2]);
        assert!(seen.packet.has.contains(Has::TROUBLE));
        assert_eq!(seen.extra.trouble.unwrap().to_string(), "IPv4: octet 0: IHL cannot be 1");
    }

    #[test]
    fn an_inner_frame_that_is_no_ip_leaves_the_outer_packet_without_trouble() {
        let frame = sample::ethernet(0x0800, &vxlan(7, &sample::ethernet(0x0806, &[0; 28])));
        let packet = sample::ip(LinkType::ETHERNET, &frame).packet;
        outer_of_vxlan(&packet);
        assert!(!packet.has.contains(Has::TROUBLE));
    }

    #[test]
    fn an_inner_transport_header_that_cannot_be_read_leaves_the_inner_packet() {
        let inner = sample::ipv6(6, &[1; 10]);
        let seen = sample::ip(LinkType::RAW, &sample::ipv4(41, &inner));
        assert_eq!((seen.packet.ip_version, seen.packet.ends), (6, Ends::Unread));
        assert_eq!(seen.packet.has, Has::TUNNEL.with(Has::TROUBLE));
    }

    #[test]
    fn of_two_tunnels_the_outermost_is_told() {
        let inner = sample::ethernet(0x0800, &sample::ipv4(4, &udp()));
        let seen = sample::ip(LinkType::RAW, &vxlan(7, &inner));
        assert_eq!((seen.packet.src_port, seen.extra.tunnel.kind), (53, TunnelType::Vxlan));
        assert_eq!(seen.extra.tunnel.id, Some(7));
    }

    #[test]
    fn tunnels_in_tunnels_come_to_an_end() {
        let mut packet = udp();
        for _ in 0..8 {
            packet = sample::ipv4(4, &packet);
        }
        let seen = sample::ip(LinkType::RAW, &packet);
        assert_eq!((seen.packet.src_port, seen.packet.has), (53, Has::TUNNEL));
        let seen = sample::ip(LinkType::RAW, &sample::ipv4(4, &packet));
        assert_eq!(
            (seen.packet.protocol, seen.packet.ends, seen.packet.octets),
            (4, Ends::None, 51)
        );
        assert_eq!(seen.packet.has, Has::TUNNEL.with(Has::TROUBLE));
        assert_eq!(seen.extra.trouble.unwrap().reason, Reason::TooDeep { limit: 8 });
    }

    #[test]
    fn an_inner_packet_in_a_first_fragment_names_the_datagram() {
        let mut outer =
            vxlan(7, &sample::ethernet(0x0800, &sample::ipv4(6, &sample::tcp(1, 2, &[0; 99]))));
        (outer[4], outer[5], outer[6]) = (1, 2, 0x20);
        outer.truncate(108);
        outer[3] = 108;
        let seen = sample::ip(LinkType::RAW, &outer);
        assert_eq!((seen.packet.dst_port, seen.packet.octets), (2, 139));
        assert!(seen.packet.has.contains(Has::OUTER_FRAGMENT.with(Has::TUNNEL)));
        assert_eq!(seen.extra.outer_fragment.identification, 0x0102);
        assert_eq!(seen.extra.outer_fragment.protocol, 17);
        assert_eq!(seen.extra.outer_fragment.src, seen.extra.tunnel.src);
    }

    #[test]
    fn a_later_fragment_is_not_looked_into() {
        let mut outer = sample::ipv4(4, &udp());
        outer[7] = 4;
        let packet = sample::ip(LinkType::RAW, &outer).packet;
        assert_eq!((packet.protocol, packet.ends, packet.has), (4, Ends::None, Has::NONE));
    }
}
