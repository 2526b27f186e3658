// SPDX-License-Identifier: Apache-2.0
//! The flows that exporters report: who talks to whom, by what, how much.
//!
//! A pool is drawn once and then read from end to end again and again: a popular host stands in it
//! often, so what is read looks drawn. Addresses are those for benchmarks and documentation
//! (RFC 2544, RFC 3849) and private ones, AS numbers those of RFC 5398.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::random::{Random, Zipf};

/// What does not change between two records of the same flow.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub src: End,
    pub dst: End,
    pub next_hop: IpAddr,
    pub protocol: u8,
    pub tos: u8,
    pub tcp_flags: u8,
    /// IPFIX flowEndReason.
    pub end_reason: u8,
    pub vlan: u16,
    /// Octets of each of its packets, from the IP header on.
    pub packet_octets: u32,
}

/// One side of a flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub address: IpAddr,
    /// ICMP: 0 at the source, type and code at the destination.
    pub port: u16,
    /// From 1 to [`INTERFACES`].
    pub interface: u32,
    pub asn: u32,
    pub prefix_length: u8,
    pub mac: [u8; 6],
}

/// Interfaces of an exporter.
pub(crate) const INTERFACES: u32 = 8;

/// Protocol numbers.
pub(crate) const ICMP: u8 = 1;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const ICMPV6: u8 = 58;

/// This many flows of a family.
pub(crate) fn draw(flows: u32, ipv6: bool, seed: u64) -> Vec<Flow> {
    let mut random = Random::new(seed, 16 + u64::from(ipv6));
    let clients = Hosts { ranks: Zipf::new((flows / 4).clamp(8, 50_000)), ipv6, serve: false };
    let servers = Hosts { ranks: Zipf::new((flows / 16).clamp(4, 4_000)), ipv6, serve: true };
    (0..flows).map(|_| flow(&clients, &servers, &mut random)).collect()
}

/// The hosts of one side, the busiest first.
struct Hosts {
    ranks: Zipf,
    ipv6: bool,
    serve: bool,
}

impl Hosts {
    #[expect(clippy::cast_possible_truncation, reason = "there are fewer hosts than numbers")]
    fn draw(&self, port: u16, random: &mut Random) -> End {
        let rank = self.ranks.draw(random) as u32;
        // Neighbours in rank are no neighbours in the network.
        let spread = rank.wrapping_mul(2_654_435_761) >> 15;
        let network = spread % 16;
        let asn = if self.serve { 64_496 + network } else { 65_536 + network };
        let [_, high, middle, low] = spread.to_be_bytes();
        let address = match (self.ipv6, self.serve) {
            (false, false) => Ipv4Addr::new(10, high, middle, low).into(),
            (false, true) => Ipv4Addr::new(198, 18 + (high & 1), middle, low).into(),
            (true, serve) => {
                let [site, group, host] = [network as u16, rank as u16, spread as u16];
                let half = if serve { 0x8000 } else { 0 };
                Ipv6Addr::new(0x2001, 0xdb8, half | site, group, 0, 0, 0, host).into()
            }
        };
        End {
            address,
            port,
            interface: 1 + spread % INTERFACES,
            asn,
            prefix_length: if self.ipv6 { 48 } else { 16 + (network as u8 & 7) },
            // Locally administered.
            mac: [2, 0, u8::from(self.serve), network as u8, middle, low],
        }
    }
}

fn flow(clients: &Hosts, servers: &Hosts, random: &mut Random) -> Flow {
    let (protocol, port) = service(clients.ipv6, random);
    let ephemeral = match protocol {
        TCP | UDP => 32_768 + (random.bits() & 0x6fff) as u16,
        _ => 0,
    };
    let client = clients.draw(ephemeral, random);
    let server = servers.draw(port, random);
    // Most octets go to clients.
    let to_client = protocol != ICMP && protocol != ICMPV6 && random.below(2) == 0;
    let (src, dst) = if to_client { (server, client) } else { (client, server) };
    Flow {
        src,
        dst,
        next_hop: next_hop(&dst, clients.ipv6),
        protocol,
        tos: random.pick(&[0, 0, 0, 0, 0, 0x28, 0x48, 0xb8]),
        tcp_flags: if protocol == TCP {
            random.pick(&[0x1b, 0x1b, 0x1a, 0x18, 0x02, 0x14])
        } else {
            0
        },
        end_reason: random.pick(&[1, 1, 1, 2, 3, 3]),
        vlan: random.pick(&[10, 20, 30, 100]),
        packet_octets: packet_octets(protocol, to_client, random),
    }
}

fn service(ipv6: bool, random: &mut Random) -> (u8, u16) {
    match random.below(100) {
        0..55 => (TCP, 443),
        55..63 => (TCP, random.pick(&[80, 22, 25, 993, 5432, 8080])),
        63..80 => (UDP, 443),
        80..94 => (UDP, 53),
        94..97 => (UDP, random.pick(&[123, 161, 500, 5060])),
        // Echo request: type * 256 + code.
        _ if ipv6 => (ICMPV6, 0x8000),
        _ => (ICMP, 0x0800),
    }
}

fn packet_octets(protocol: u8, to_client: bool, random: &mut Random) -> u32 {
    match (protocol, to_client) {
        (TCP, true) => random.pick(&[1500, 1500, 1420, 900, 300]),
        (TCP, false) => 60 + random.below(200),
        (UDP, true) => 120 + random.below(1200),
        (UDP, false) => 70 + random.below(300),
        _ => 84,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "interfaces are few")]
fn next_hop(towards: &End, ipv6: bool) -> IpAddr {
    let last = towards.interface as u8;
    if ipv6 {
        Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, last.into()).into()
    } else {
        Ipv4Addr::new(192, 0, 2, last).into()
    }
}

/// How much one record reports: heavy-tailed, from tables that whole numbers fill.
#[derive(Clone, Debug)]
pub(crate) struct Sizes {
    packets: Box<[u16; QUANTILES]>,
    duration_ms: Box<[u16; QUANTILES]>,
}

/// One record's share of a flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub packets: u32,
    /// Between its first packet and its last.
    pub duration_ms: u32,
    /// Between its last packet and its export.
    pub waited_ms: u32,
}

const QUANTILES: usize = 4_096;

impl Sizes {
    pub fn new() -> Self {
        let mut packets = Box::new([1; QUANTILES]);
        let mut duration_ms = Box::new([0; QUANTILES]);
        for (index, packets) in packets.iter_mut().enumerate() {
            // Pareto with exponent 1: half have one packet, one in a hundred has a hundred.
            *packets = u16::try_from(QUANTILES / (QUANTILES - index)).unwrap_or(u16::MAX);
        }
        for (index, duration_ms) in duration_ms.iter_mut().enumerate() {
            *duration_ms = u16::try_from(index * index / 280).unwrap_or(u16::MAX);
        }
        Self { packets, duration_ms }
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "a few bits of each draw are used")]
    pub fn draw(&self, random: &mut Random) -> Size {
        let bits = random.bits();
        let at = |shift: u32| (bits >> shift) as usize % QUANTILES;
        let packets = u32::from(self.packets[at(0)]);
        let duration_ms = if packets == 1 { 0 } else { u32::from(self.duration_ms[at(12)]) };
        Size { packets, duration_ms, waited_ms: (bits >> 24) as u32 & 1023 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_has_each_protocol_and_a_busiest_host() {
        for ipv6 in [false, true] {
            let flows = draw(4_096, ipv6, 1);
            let icmp = if ipv6 { ICMPV6 } else { ICMP };
            for protocol in [TCP, UDP, icmp] {
                assert!(flows.iter().any(|flow| flow.protocol == protocol));
            }
            assert!(flows.iter().all(|flow| flow.src.address.is_ipv6() == ipv6));
            let mut servers = std::collections::BTreeMap::new();
            for flow in &flows {
                *servers.entry(flow.dst.address).or_insert(0) += 1;
            }
            assert!(servers.len() > 500);
            assert!(*servers.values().max().unwrap() > 100);
        }
    }

    #[test]
    fn sizes_have_a_heavy_tail() {
        let (sizes, mut random) = (Sizes::new(), Random::new(1, 0));
        let drawn: Vec<Size> = (0..10_000).map(|_| sizes.draw(&mut random)).collect();
        let single = drawn.iter().filter(|size| size.packets == 1).count();
        assert!((4_000..6_000).contains(&single));
        assert!(drawn.iter().any(|size| size.packets > 1_000));
        assert!(drawn.iter().all(|size| size.packets > 1 || size.duration_ms == 0));
        assert!(drawn.iter().all(|size| size.duration_ms < 60_000));
    }
}
