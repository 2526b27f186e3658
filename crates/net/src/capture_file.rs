// SPDX-License-Identifier: Apache-2.0
//! Datagrams written down as a capture: pcap with nanoseconds, packets that begin with IP.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// What such a file begins with.
pub const HEADER: [u8; 24] = [
    0xa1, 0xb2, 0x3c, 0x4d, // nanoseconds, big-endian
    0, 2, 0, 4, // version 2.4
    0, 0, 0, 0, 0, 0, 0, 0, // times are UTC
    0, 4, 0, 0, // 262,144 octets of each packet
    0, 0, 0, 101, // raw IP
];

/// Appends a UDP datagram as one packet. Between addresses of different families it goes over IPv6,
/// the other mapped. Without checksums of UDP; a payload that no datagram can have is cut.
///
/// `time_ns` is nanoseconds since 1970; the format's times end in 2106.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "lengths are bounded first, and times wrap as the format's do"
)]
pub fn append_datagram(
    out: &mut Vec<u8>,
    time_ns: i64,
    from: SocketAddr,
    to: SocketAddr,
    payload: &[u8],
) {
    let payload = &payload[..payload.len().min(MOST_OCTETS)];
    let udp_octets = (UDP_OCTETS + payload.len()) as u16;
    let mut packet = ip_header(from.ip(), to.ip(), udp_octets);
    for number in [from.port(), to.port(), udp_octets, 0] {
        packet.extend_from_slice(&number.to_be_bytes());
    }
    let octets = (packet.len() + payload.len()) as u32;
    let seconds = time_ns.div_euclid(NS_PER_S) as u32;
    let nanoseconds = time_ns.rem_euclid(NS_PER_S) as u32;
    for word in [seconds, nanoseconds, octets, octets] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(&packet);
    out.extend_from_slice(payload);
}

fn ip_header(from: IpAddr, to: IpAddr, udp_octets: u16) -> Vec<u8> {
    let mut header = Vec::with_capacity(48);
    if let (IpAddr::V4(from), IpAddr::V4(to)) = (from, to) {
        let [high, low] = (20 + udp_octets).to_be_bytes();
        // Do not fragment, time to live 64, the checksum's place.
        header.extend_from_slice(&[0x45, 0, high, low, 0, 0, 0x40, 0, 64, UDP, 0, 0]);
        header.extend_from_slice(&from.octets());
        header.extend_from_slice(&to.octets());
        let sum = checksum(&header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
    } else {
        let [high, low] = udp_octets.to_be_bytes();
        header.extend_from_slice(&[0x60, 0, 0, 0, high, low, UDP, 64]);
        header.extend_from_slice(&in_six(from).octets());
        header.extend_from_slice(&in_six(to).octets());
    }
    header
}

fn in_six(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(four) => four.to_ipv6_mapped(),
        IpAddr::V6(six) => six,
    }
}

/// The checksum of an IPv4 header whose own field is zero (RFC 791 section 3.1).
fn checksum(header: &[u8]) -> u16 {
    let (words, _) = header.as_chunks::<2>();
    let sum: u32 = words.iter().map(|&word| u32::from(u16::from_be_bytes(word))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap_or(u16::MAX)
}

const NS_PER_S: i64 = 1_000_000_000;
const UDP: u8 = 17;
const UDP_OCTETS: usize = 8;
const MOST_OCTETS: usize = 65_507;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Capture, Chunk, Limits};

    #[test]
    fn what_is_written_is_read_again_as_a_packet_at_its_time() {
        let mut octets = HEADER.to_vec();
        let four: SocketAddr = "192.0.2.1:9995".parse().unwrap();
        let six: SocketAddr = "[2001:db8::1]:2055".parse().unwrap();
        append_datagram(&mut octets, 1_700_000_000_123_456_789, four, four, b"abc");
        append_datagram(&mut octets, 1_700_000_001_000_000_000, six, four, &vec![7; 70_000]);
        let mut capture = Capture::from_octets("written", octets).unwrap();
        let mut chunk = Chunk::default();
        let mut found = Vec::new();
        while capture.read_chunk(&Limits::default(), &mut chunk).unwrap() {
            for packet in &chunk.packets {
                let frame = chunk.frame(packet);
                found.push((packet.time_ns, packet.link, frame.len(), frame.first().copied()));
            }
        }
        let expected = [
            (1_700_000_000_123_456_789, 101, 31, Some(0x45)),
            (1_700_000_001_000_000_000, 101, 40 + 8 + 65_507, Some(0x60)),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_header_checksum_is_right() {
        // The example of RFC 1071's kind: a header whose checksum is known.
        let header = [
            0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0, 0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,
            0xc7,
        ];
        assert_eq!(checksum(&header), 0xb861);
    }
}
