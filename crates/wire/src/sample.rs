// SPDX-License-Identifier: Apache-2.0
//! Frames for tests, built layer by layer, and ways to dissect them.
//!
//! Addresses are those for documentation; checksums are zero, for nothing here looks at
//! them. [`all`] has one frame for each protocol and combination that is read.

use crate::{Dissected, Extra, Frame, LinkType, NotIp, Packet, Tunnels, WireError, dissect};

pub const SRC_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
pub const DST_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// What became of an IP packet.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub packet: Packet,
    pub extra: Extra,
}

impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        self.packet == other.packet
    }
}

/// What became of a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Ip(Box<Seen>),
    NotIp(NotIp),
    Malformed(WireError),
}

/// Dissects a frame into fields that held something else before.
pub fn dissected(link: LinkType, bytes: &[u8], original: usize, tunnels: Tunnels) -> Outcome {
    let mut packet = stale();
    let mut extra = Extra::default();
    let original_octets = u32::try_from(original).unwrap();
    let frame = Frame { link, bytes, original_octets };
    match dissect(frame, tunnels, &mut packet, &mut extra) {
        Ok(Dissected::Ip) => Outcome::Ip(Box::new(Seen { packet, extra })),
        Ok(Dissected::NotIp(what)) => Outcome::NotIp(what),
        Err(error) => Outcome::Malformed(error),
    }
}

/// What became of a whole frame.
pub fn read(link: LinkType, bytes: &[u8]) -> Outcome {
    dissected(link, bytes, bytes.len(), Tunnels::Inner)
}

/// What became of a whole frame that holds IP.
pub fn ip(link: LinkType, bytes: &[u8]) -> Seen {
    ip_by(Tunnels::Inner, link, bytes)
}

/// The same, with or without a look into tunnels.
pub fn ip_by(tunnels: Tunnels, link: LinkType, bytes: &[u8]) -> Seen {
    expect_ip(dissected(link, bytes, bytes.len(), tunnels))
}

/// What became of a frame that holds IP, of which `captured` octets were captured.
pub fn cut(link: LinkType, bytes: &[u8], captured: usize) -> Seen {
    expect_ip(dissected(link, &bytes[..captured], bytes.len(), Tunnels::Inner))
}

/// Dissects into what the caller has.
pub fn into(link: LinkType, bytes: &[u8], packet: &mut Packet, extra: &mut Extra) {
    let original_octets = u32::try_from(bytes.len()).unwrap();
    let frame = Frame { link, bytes, original_octets };
    assert_eq!(dissect(frame, Tunnels::Inner, packet, extra), Ok(Dissected::Ip));
}

fn expect_ip(outcome: Outcome) -> Seen {
    match outcome {
        Outcome::Ip(seen) => *seen,
        other => panic!("not an IP packet: {other:?}"),
    }
}

/// A packet whose fields all hold what no test expects.
fn stale() -> Packet {
    Packet {
        src_port: 0x5a5a,
        dst_port: 0x5a5a,
        tcp_flags: 0x5a5a,
        icmp_id: 0x5a5a,
        vlan_id: 0x5a5a,
        inner_vlan_id: 0x5a5a,
        ethertype: 0x5a5a,
        flow_label: 0x5a5a,
        identification: 0x5a5a,
        fragment_offset: 0x5a5a,
        ip_flags: 0x5a,
        icmp_type: 0x5a,
        icmp_code: 0x5a,
        src_mac: [0x5a; 6],
        dst_mac: [0x5a; 6],
        ..Packet::default()
    }
}

pub fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&DST_MAC, &SRC_MAC, &ethertype.to_be_bytes()[..], payload].concat()
}

/// Ethernet for an IP packet of either version.
pub fn either(ip: &[u8]) -> Vec<u8> {
    ethernet(if ip[0] >> 4 == 4 { 0x0800 } else { 0x86dd }, ip)
}

/// Ethernet with tags, each as the type before it and its content.
pub fn tagged(tags: &[(u16, u16)], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = [DST_MAC, SRC_MAC].concat();
    for (kind, tag) in tags {
        frame.extend(kind.to_be_bytes());
        frame.extend(tag.to_be_bytes());
    }
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame
}

pub fn sll(device: u16, protocol: u16, payload: &[u8]) -> Vec<u8> {
    let (device, protocol) = (device.to_be_bytes(), protocol.to_be_bytes());
    [&[0, 0], &device[..], &[0, 6], &SRC_MAC, &[0, 0], &protocol, payload].concat()
}

pub fn sll2(device: u16, protocol: u16, payload: &[u8]) -> Vec<u8> {
    let (device, protocol) = (device.to_be_bytes(), protocol.to_be_bytes());
    [&protocol, &[0, 0, 0, 0, 0, 3][..], &device, &[0, 6], &SRC_MAC, &[0, 0], payload].concat()
}

pub fn pppoe(protocol: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).unwrap().to_be_bytes();
    [&[0x11, 0, 0, 7], &length[..], &protocol.to_be_bytes(), payload].concat()
}

/// A label stack, with a TTL of 64.
pub fn labelled(labels: &[u32], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (place, label) in labels.iter().enumerate() {
        let bottom = u32::from(place + 1 == labels.len());
        bytes.extend((label << 12 | bottom << 8 | 64).to_be_bytes());
    }
    bytes.extend(payload);
    bytes
}

pub fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_with_options(protocol, &[], payload)
}

/// IPv4 with options, whose octets are a multiple of four.
pub fn ipv4_with_options(protocol: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let words = u8::try_from(5 + options.len() / 4).unwrap();
    // What is too long for the field is what a network card would cut.
    let total = u16::try_from(20 + options.len() + payload.len()).unwrap_or(0).to_be_bytes();
    let fixed = [0x40 | words, 0, total[0], total[1], 0, 0, 0, 0, 64, protocol, 0, 0];
    [&fixed[..], &[192, 0, 2, 1, 192, 0, 2, 2], options, payload].concat()
}

pub fn ipv6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    let mut bytes = vec![0x60, 0, 0, 0, length[0], length[1], next_header, 64];
    for last in [1, 2] {
        bytes.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    bytes.extend(payload);
    bytes
}

pub fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap_or(0).to_be_bytes();
    [&src.to_be_bytes(), &dst.to_be_bytes(), &length, &[0, 0][..], payload].concat()
}

/// TCP with the flags PSH and ACK.
pub fn tcp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let rest = [0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0];
    [&src.to_be_bytes(), &dst.to_be_bytes(), &rest[..], payload].concat()
}

/// SCTP with a chunk of four octets.
pub fn sctp(src: u16, dst: u16) -> Vec<u8> {
    let rest = [0, 0, 0, 1, 0, 0, 0, 0, 11, 0, 0, 4];
    [&src.to_be_bytes(), &dst.to_be_bytes(), &rest[..]].concat()
}

/// A DCCP request with a payload of four octets.
pub fn dccp(src: u16, dst: u16) -> Vec<u8> {
    let rest = [4, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 9, 9, 9, 9];
    [&src.to_be_bytes(), &dst.to_be_bytes(), &rest[..]].concat()
}

/// AH with a check value of twelve octets.
pub fn authentication(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![next_header, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    bytes.extend([0xaa; 12]);
    bytes.extend(payload);
    bytes
}

/// One frame for each protocol and combination, by name.
pub fn all() -> Vec<(&'static str, LinkType, Vec<u8>)> {
    let v4 = ipv4(17, &udp(53, 1053, b"payload"));
    let v6 = ipv6(6, &tcp(443, 1053, b"payload"));
    let mut samples = links(&v4, &v6);
    samples.extend(networks(&v4, &v6).into_iter().map(|(n, b)| (n, LinkType::ETHERNET, b)));
    samples.extend(tunnels(&v4, &v6).into_iter().map(|(n, b)| (n, LinkType::ETHERNET, either(&b))));
    samples
}

fn links(v4: &[u8], v6: &[u8]) -> Vec<(&'static str, LinkType, Vec<u8>)> {
    vec![
        ("ethernet, IPv4", LinkType::ETHERNET, either(v4)),
        ("ethernet, IPv6", LinkType::ETHERNET, either(v6)),
        ("802.1Q", LinkType::ETHERNET, tagged(&[(0x8100, 5)], 0x0800, v4)),
        ("802.1ad", LinkType::ETHERNET, tagged(&[(0x88a8, 5), (0x8100, 6)], 0x86dd, v6)),
        (
            "SNAP",
            LinkType::ETHERNET,
            ethernet(300, &[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], v4].concat()),
        ),
        ("PPPoE", LinkType::ETHERNET, ethernet(0x8864, &pppoe(0x57, v6))),
        ("PPPoE alone", LinkType::PPP_ETHER, pppoe(0x21, v4)),
        ("PPP", LinkType::PPP, [&[0xff, 3, 0, 0x21], v4].concat()),
        ("PPP with direction", LinkType::PPP_WITH_DIR, [&[1, 0x57], v6].concat()),
        ("Cisco HDLC", LinkType::PPP_HDLC, [&[0x0f, 0, 8, 0], v4].concat()),
        ("SLL", LinkType::LINUX_SLL, sll(1, 0x0800, v4)),
        ("SLL2", LinkType::LINUX_SLL2, sll2(1, 0x86dd, v6)),
        ("null", LinkType::NULL, [&[2, 0, 0, 0], v4].concat()),
        ("loop", LinkType::LOOP, [&[0, 0, 0, 24], v6].concat()),
        ("raw", LinkType::RAW, v6.to_vec()),
    ]
}

fn networks(v4: &[u8], v6: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let last = udp(53, 1053, b"payload");
    let mut chain = vec![60, 0, 1, 4, 0, 0, 0, 0, 44, 0, 1, 4, 0, 0, 0, 0, 51, 0, 0, 1, 0, 0, 0, 9];
    chain.extend(authentication(17, &last));
    let mut later = ipv4(17, &last);
    later[7] = 9;
    vec![
        ("ARP", ethernet(0x0806, &[1; 28])),
        ("options", either(&ipv4_with_options(17, &[0x94, 4, 0, 0, 1, 1, 1, 0], &last))),
        ("extensions", either(&ipv6(0, &chain))),
        ("later fragment", either(&later)),
        ("MPLS", ethernet(0x8847, &labelled(&[16, 17, 18], v4))),
        ("pseudowire", ethernet(0x8847, &labelled(&[16], &either(v6)))),
        ("control word", ethernet(0x8847, &labelled(&[16], &[&[0; 4], &either(v4)[..]].concat()))),
        ("ICMP", either(&ipv4(1, &[8, 0, 0, 0, 0, 7, 0, 1, 9, 9]))),
        ("ICMPv6", either(&ipv6(58, &[135, 0, 0, 0, 0, 0, 0, 0, 9, 9]))),
        ("SCTP", either(&ipv4(132, &sctp(5, 6)))),
        ("DCCP", either(&ipv6(33, &dccp(5, 6)))),
        ("UDP-Lite", either(&ipv4(136, &udp(5, 6, b"x")))),
        ("IGMP", either(&ipv4(2, &[0x16, 0, 0, 0, 224, 0, 0, 1]))),
        ("ESP", either(&ipv4(50, &[9; 40]))),
    ]
}

fn tunnels(v4: &[u8], v6: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let gre = |head: &[u8], inner: &[u8]| ipv4(47, &[head, inner].concat());
    let over_udp =
        |port, head: &[u8], inner: &[u8]| ipv4(17, &udp(999, port, &[head, inner].concat()));
    let frame = tagged(&[(0x8100, 7)], 0x0800, v4);
    let span = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 5, 0, 0, 0, 0];
    let span_iii = [
        0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1,
        1, 1,
    ];
    let gtp = [0x34, 255, 0, 0, 0, 0, 0, 9, 0, 1, 0, 0x85, 1, 0, 9, 0];
    let vni = [8, 0, 0, 0, 0, 0, 7, 0];
    let nested = over_udp(4789, &vni, &either(&ipv4(41, v6)));
    vec![
        ("4 in 4", ipv4(4, v4)),
        ("6 in 4", ipv4(41, v6)),
        ("4 in 6", ipv6(4, v4)),
        ("6 in 6", ipv6(41, v6)),
        ("GRE", gre(&[0xb0, 0, 8, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3], v4)),
        ("PPTP", gre(&[0x30, 1, 0x88, 0x0b, 0, 9, 0, 7, 0, 0, 0, 1, 0, 0x21], v4)),
        ("MPLS in GRE", gre(&[0, 0, 0x88, 0x47], &labelled(&[5, 6], v6))),
        ("NVGRE", gre(&[0x20, 0, 0x65, 0x58, 0, 0, 7, 1], &frame)),
        ("ERSPAN I", gre(&[0, 0, 0x88, 0xbe], &frame)),
        ("ERSPAN II", gre(&span, &frame)),
        ("ERSPAN III", gre(&span_iii, &frame)),
        ("EtherIP", ipv6(97, &[&[0x30, 0], &frame[..]].concat())),
        ("VXLAN", over_udp(4789, &vni, &frame)),
        ("VXLAN-GPE", over_udp(4790, &[0x0c, 0, 0, 2, 0, 0, 7, 0], v6)),
        ("GENEVE", over_udp(6081, &[1, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 1, 1, 0], &frame)),
        ("GTP-U", over_udp(2152, &gtp, v4)),
        ("Teredo", over_udp(3544, &[0, 0, 1, 2, 3, 4, 5, 6], v6)),
        ("nested", nested),
    ]
}
