// SPDX-License-Identifier: Apache-2.0
//! The first octets of a packet as it looks on Ethernet: what a sampling device would copy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::pool::{Flow, ICMP, ICMPV6, TCP, UDP};

/// The packet's first octets, `most` at most. What follows the headers is zeroes.
pub(crate) fn first_octets(flow: &Flow, most: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(most);
    out.extend_from_slice(&flow.dst.mac);
    out.extend_from_slice(&flow.src.mac);
    match (flow.src.address, flow.dst.address) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => put_ipv4(&mut out, flow, src, dst),
        (src, dst) => put_ipv6(&mut out, flow, wide(src), wide(dst)),
    }
    put_transport(&mut out, flow);
    out.resize(most.min((ETHERNET_OCTETS + flow.packet_octets) as usize), 0);
    out
}

/// Octets of the frame on the wire, its check sequence included.
pub(crate) const fn octets(flow: &Flow) -> u32 {
    ETHERNET_OCTETS + flow.packet_octets + CHECK_SEQUENCE_OCTETS
}

/// Behind the packet, on the wire alone.
pub(crate) const CHECK_SEQUENCE_OCTETS: u32 = 4;

const fn wide(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "packets are of 1,500 octets at most")]
fn put_ipv4(out: &mut Vec<u8>, flow: &Flow, src: Ipv4Addr, dst: Ipv4Addr) {
    out.extend_from_slice(&[0x08, 0x00]);
    let begin = out.len();
    let length = (flow.packet_octets as u16).to_be_bytes();
    out.extend_from_slice(&[0x45, flow.tos, length[0], length[1]]);
    // Identification 0, do not fragment, time to live, the checksum's place.
    out.extend_from_slice(&[0, 0, 0x40, 0, 62, flow.protocol, 0, 0]);
    out.extend_from_slice(&src.octets());
    out.extend_from_slice(&dst.octets());
    let sum = checksum(&out[begin..]);
    out[begin + 10..begin + 12].copy_from_slice(&sum.to_be_bytes());
}

#[expect(clippy::cast_possible_truncation, reason = "packets are of 1,500 octets at most")]
fn put_ipv6(out: &mut Vec<u8>, flow: &Flow, src: Ipv6Addr, dst: Ipv6Addr) {
    out.extend_from_slice(&[0x86, 0xdd]);
    out.extend_from_slice(&(6 << 28 | u32::from(flow.tos) << 20).to_be_bytes());
    let length = (flow.packet_octets - 40) as u16;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&[flow.protocol, 62]);
    out.extend_from_slice(&src.octets());
    out.extend_from_slice(&dst.octets());
}

#[expect(clippy::cast_possible_truncation, reason = "packets are of 1,500 octets at most")]
fn put_transport(out: &mut Vec<u8>, flow: &Flow) {
    let ports = [flow.src.port.to_be_bytes(), flow.dst.port.to_be_bytes()].concat();
    match flow.protocol {
        TCP => {
            out.extend_from_slice(&ports);
            // Sequence and acknowledgement, a header of five words, a window.
            out.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 1, 0x50, flow.tcp_flags, 0xff, 0xff]);
        }
        UDP => {
            let ip_octets = if flow.src.address.is_ipv6() { 40 } else { 20 };
            out.extend_from_slice(&ports);
            out.extend_from_slice(&((flow.packet_octets - ip_octets) as u16).to_be_bytes());
        }
        ICMP | ICMPV6 => out.extend_from_slice(&flow.dst.port.to_be_bytes()),
        _ => {}
    }
}

/// The Internet checksum of an even number of octets (RFC 1071).
#[expect(clippy::cast_possible_truncation, reason = "carries are folded in")]
pub(crate) fn checksum(octets: &[u8]) -> u16 {
    let words = octets.as_chunks().0.iter().map(|&pair| u32::from(u16::from_be_bytes(pair)));
    let sum: u32 = words.sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    !((sum & 0xffff) + (sum >> 16)) as u16
}

const ETHERNET_OCTETS: u32 = 14;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool;

    #[test]
    fn a_frame_is_no_longer_than_its_packet_nor_than_asked_for() {
        for ipv6 in [false, true] {
            for flow in pool::draw(1_000, ipv6, 1) {
                let frame = first_octets(&flow, 128);
                let whole = octets(&flow) - CHECK_SEQUENCE_OCTETS;
                assert_eq!(frame.len(), 128.min(whole as usize));
            }
        }
    }

    #[test]
    fn a_header_with_its_checksum_sums_up_to_zero() {
        for flow in pool::draw(100, false, 1) {
            assert_eq!(checksum(&first_octets(&flow, 128)[14..34]), 0);
        }
    }
}
