// SPDX-License-Identifier: Apache-2.0
//! Datagrams as packets of a capture file, in pcap's form with nanoseconds.

use std::net::Ipv4Addr;

use crate::frame::checksum;
use crate::traffic::Datagram;

/// What a capture file begins with: Ethernet, packets of any length.
pub const CAPTURE_HEADER: [u8; 24] = [
    0xa1, 0xb2, 0x3c, 0x4d, // nanoseconds, big-endian
    0, 2, 0, 4, // version 2.4
    0, 0, 0, 0, 0, 0, 0, 0, // times are UTC
    0, 4, 0, 0, // 262,144 octets of each packet
    0, 0, 0, 1, // Ethernet
];

/// Appends a datagram, sent from this address and port to that port of 127.0.0.1, as one packet of
/// a capture. A payload that no datagram can have is cut.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pcap's times end in 2106, and lengths are bounded first"
)]
pub fn append_packet(
    out: &mut Vec<u8>,
    datagram: &Datagram<'_>,
    source: Ipv4Addr,
    ports: [u16; 2],
) {
    let payload = &datagram.octets[..datagram.octets.len().min(MOST_OCTETS)];
    let udp_octets = (UDP_OCTETS + payload.len()) as u16;
    let ip_octets = IP_OCTETS + udp_octets;
    let frame_octets = ETHERNET_OCTETS + u32::from(ip_octets);
    let seconds = datagram.time_ns.div_euclid(1_000_000_000) as u32;
    let nanoseconds = datagram.time_ns.rem_euclid(1_000_000_000) as u32;
    for word in [seconds, nanoseconds, frame_octets, frame_octets] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    // Locally administered addresses, and IPv4 inside.
    out.extend_from_slice(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
    let begin = out.len();
    let [high, low] = ip_octets.to_be_bytes();
    // Do not fragment, time to live 64, UDP, the checksum's place.
    out.extend_from_slice(&[0x45, 0, high, low, 0, 0, 0x40, 0, 64, 17, 0, 0]);
    out.extend_from_slice(&source.octets());
    out.extend_from_slice(&Ipv4Addr::LOCALHOST.octets());
    let sum = checksum(&out[begin..]);
    out[begin + 10..begin + 12].copy_from_slice(&sum.to_be_bytes());
    // Checksum 0: none was made (RFC 768).
    for number in [ports[0], ports[1], udp_octets, 0] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(payload);
}

const ETHERNET_OCTETS: u32 = 14;
const IP_OCTETS: u16 = 20;
const UDP_OCTETS: usize = 8;
const MOST_OCTETS: usize = 65_507;
