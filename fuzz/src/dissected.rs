// SPDX-License-Identifier: Apache-2.0
//! What must hold of every description of a packet.

use penstock_wire::{
    Dissected, Ends, Extra, Fragment, Frame, Has, Packet, Tunnel, TunnelType, Tunnels, WireError,
    dissect, protocol, tcp,
};

/// What [`dissect`] said of a frame.
#[derive(Clone, Debug)]
pub struct Said {
    /// Its answer.
    pub answer: Result<Dissected, WireError>,
    /// The packet, which means something if there is one.
    pub packet: Packet,
    /// What only few packets have.
    pub extra: Extra,
}

impl Said {
    /// Whether there is a packet.
    pub const fn is_ip(&self) -> bool {
        matches!(self.answer, Ok(Dissected::Ip))
    }
}

/// Dissects a frame and checks what is said of it, also that it does not depend on what was
/// dissected before.
pub fn said(frame: Frame<'_>, tunnels: Tunnels) -> Said {
    let [clean, dirty] = [(Packet::default(), Extra::default()), used()].map(|before| {
        let (mut packet, mut extra) = before;
        let answer = dissect(frame, tunnels, &mut packet, &mut extra);
        Said { answer, packet, extra }
    });
    assert_eq!(clean.answer, dirty.answer);
    if let Err(error) = clean.answer {
        assert!(!error.to_string().is_empty());
    }
    if clean.is_ip() {
        assert_eq!(clean.packet, dirty.packet, "what was there before shows");
        same_extra(&clean, &dirty);
        check(&frame, tunnels, &clean);
    }
    clean
}

/// Asserts that both say the same of what their packet has.
fn same_extra(one: &Said, other: &Said) {
    let has = one.packet.has;
    let (one, other) = (&one.extra, &other.extra);
    assert!(!has.contains(Has::VLANS) || one.vlans.as_slice() == other.vlans.as_slice());
    assert!(!has.contains(Has::MPLS) || one.mpls.as_slice() == other.mpls.as_slice());
    assert!(!has.contains(Has::TUNNEL) || one.tunnel == other.tunnel);
    assert!(!has.contains(Has::OUTER_FRAGMENT) || one.outer_fragment == other.outer_fragment);
    assert!(!has.contains(Has::TROUBLE) || one.trouble == other.trouble);
}

fn check(frame: &Frame<'_>, tunnels: Tunnels, said: &Said) {
    let Said { packet, extra, .. } = said;
    assert_eq!(packet.frame_octets, frame.original_octets);
    ip(frame, packet);
    transport(frame, packet);
    rare(tunnels, packet, extra);
}

fn ip(frame: &Frame<'_>, packet: &Packet) {
    let on_wire = frame.bytes.len().max(frame.original_octets as usize);
    match packet.ip_version {
        4 => {
            let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
            assert!(packet.src.starts_with(&mapped) && packet.dst.starts_with(&mapped));
            // More than the field can say only where the network card was to cut the packet.
            let most = on_wire.max(usize::from(u16::MAX));
            assert!((20..=most).contains(&(packet.octets as usize)), "{packet:?}");
        }
        6 => assert!(packet.octets >= 40, "{packet:?}"),
        other => panic!("IP version {other}"),
    }
    assert!(packet.payload_octets <= packet.octets, "{packet:?}");
    if packet.fragment == Fragment::Later {
        assert!(matches!(packet.ends, Ends::None | Ends::Unread), "{packet:?}");
        assert_ne!(packet.fragment_offset, 0);
    }
}

fn transport(frame: &Frame<'_>, packet: &Packet) {
    let captured = frame.bytes.len();
    let at = packet.transport_at as usize;
    assert!(at >= 20 && packet.transport_at <= packet.payload_at, "{packet:?}");
    let least = match packet.ends {
        Ends::None | Ends::Unread => 0,
        Ends::IcmpOther => 4,
        Ends::Ports | Ends::IcmpEcho | Ends::IcmpTimestamp => 8,
    };
    assert!(least == 0 || at + least <= captured, "{packet:?}");
    if packet.ends != Ends::Ports {
        assert_eq!((packet.src_port, packet.dst_port), (0, 0), "{packet:?}");
    }
    let is_icmp = matches!(packet.protocol, protocol::ICMP | protocol::ICMPV6);
    match packet.ends {
        Ends::IcmpEcho | Ends::IcmpTimestamp | Ends::IcmpOther => assert!(is_icmp, "{packet:?}"),
        _ => assert_eq!((packet.icmp_type, packet.icmp_code, packet.icmp_id), (0, 0, 0)),
    }
    if packet.has.contains(Has::TCP) {
        assert_eq!((packet.protocol, packet.ends), (protocol::TCP, Ends::Ports), "{packet:?}");
        let header = tcp::read(&frame.bytes[at..]).expect("a header that was read before");
        let read = (header.src_port, header.dst_port, header.flags);
        assert_eq!(read, (packet.src_port, packet.dst_port, packet.tcp_flags));
        assert!(tcp::options(header.options).count() <= header.options.len());
    } else {
        assert_eq!(packet.tcp_flags, 0, "{packet:?}");
    }
}

fn rare(tunnels: Tunnels, packet: &Packet, extra: &Extra) {
    let has = packet.has;
    if has.contains(Has::VLAN) {
        assert!(packet.vlan_id < 4096, "{packet:?}");
    } else {
        assert!(packet.vlan_id == 0 && !has.contains(Has::VLANS), "{packet:?}");
    }
    if has.contains(Has::VLANS) {
        let tags = extra.vlans.as_slice();
        assert!(tags.starts_with(&[packet.vlan_id, packet.inner_vlan_id]), "{tags:?}");
    }
    assert!(!has.contains(Has::MPLS) || !extra.mpls.is_empty());
    assert!(!has.contains(Has::TROUBLE) || extra.trouble.is_some());
    assert!(!has.contains(Has::OUTER_FRAGMENT) || has.contains(Has::TUNNEL), "{packet:?}");
    assert!(!has.contains(Has::FRAGMENT_HEADER) || packet.ip_version == 6, "{packet:?}");
    assert!(tunnels == Tunnels::Inner || !has.contains(Has::TUNNEL), "{packet:?}");
}

/// As another frame may have left them, with everything in them that there can be.
fn used() -> (Packet, Extra) {
    let has = [
        Has::MACS,
        Has::VLAN,
        Has::VLANS,
        Has::MPLS,
        Has::TUNNEL,
        Has::TROUBLE,
        Has::OUTER_FRAGMENT,
        Has::ETHERTYPE,
        Has::TCP,
        Has::FRAGMENT_HEADER,
    ];
    let packet = Packet {
        src: [1; 16],
        dst: [2; 16],
        octets: 3,
        frame_octets: 4,
        identification: 5,
        flow_label: 6,
        transport_at: 7,
        payload_at: 8,
        payload_octets: 9,
        src_port: 10,
        dst_port: 11,
        tcp_flags: 12,
        icmp_id: 13,
        vlan_id: 14,
        inner_vlan_id: 15,
        ethertype: 16,
        fragment_offset: 17,
        has: has.into_iter().fold(Has::NONE, Has::with),
        src_mac: [18; 6],
        dst_mac: [19; 6],
        ip_version: 20,
        protocol: 21,
        next_header: 22,
        tos: 23,
        ttl: 24,
        ip_flags: 25,
        icmp_type: 26,
        icmp_code: 27,
        ends: Ends::IcmpTimestamp,
        fragment: Fragment::Later,
    };
    let mut extra = Extra::default();
    extra.vlans.push(28);
    extra.mpls.push(29);
    extra.tunnel = Tunnel { id: Some(30), kind: TunnelType::Teredo, ..Tunnel::default() };
    extra.outer_fragment = packet.datagram();
    extra.trouble = tcp::read(&[]).err();
    (packet, extra)
}
