// SPDX-License-Identifier: Apache-2.0
//! Prints how many nanoseconds `dissect` takes for one packet of each of some kinds.
//!
//! `cargo run --release -p penstock-wire --example dissect_rate`. A kind's frames differ in
//! address and port and lie one behind another in memory, as a capture's do; the
//! figure is the best of many short rounds, so that a busy machine does not show in it.

use std::hint::black_box;
use std::time::Instant;

use penstock_wire::{Dissected, Extra, Frame, LinkType, Packet, Tunnels, dissect};

const FRAMES: usize = 4096;
const ROUNDS: usize = 2000;

fn main() {
    let tcp = |n: u16| {
        [&port(n), &[1, 187], &[0; 8][..], &[0x50, 0x18, 1, 1, 0, 0, 0, 0], &[7; 20]].concat()
    };
    let udp = |n: u16| udp(n, 443, &[7; 20]);
    let mixed = |n: u16| match n % 4 {
        0 => ethernet(0x0800, &ipv4(n, 6, &tcp(n))),
        1 => ethernet(0x86dd, &ipv6(n, 17, &udp(n))),
        2 => ethernet(0x86dd, &ipv6(n, 6, &tcp(n))),
        _ => ethernet(0x0800, &ipv4(n, 17, &udp(n))),
    };
    measure("Ethernet, IPv4, TCP", |n| ethernet(0x0800, &ipv4(n, 6, &tcp(n))));
    measure("Ethernet, IPv6, UDP", |n| ethernet(0x86dd, &ipv6(n, 17, &udp(n))));
    measure("Ethernet, VLAN, IPv4, UDP", |n| tagged(&ipv4(n, 17, &udp(n))));
    measure("the four of IP and transport", mixed);
    measure("VXLAN, Ethernet, IPv4, TCP", |n| {
        ethernet(0x0800, &ipv4(n, 17, &vxlan(&ethernet(0x0800, &ipv4(n, 6, &tcp(n))))))
    });
    measure("GRE, IPv4, TCP", |n| {
        let gre = [&[0, 0, 8, 0], ipv4(n, 6, &tcp(n)).as_slice()].concat();
        ethernet(0x0800, &ipv4(n, 47, &gre))
    });
    measure("two tags, IPv4, TCP", |n| {
        let inner = tagged(&ipv4(n, 6, &tcp(n)));
        [&inner[..12], &[0x88, 0xa8, 0, 3], &inner[12..]].concat()
    });
}

fn measure(name: &str, frame: impl Fn(u16) -> Vec<u8>) {
    let mut bytes = Vec::new();
    let mut ends = Vec::new();
    for n in 0..FRAMES {
        bytes.extend(frame(u16::try_from(n * 7 % 60_000).unwrap_or(0)));
        ends.push(bytes.len());
    }
    let (mut packet, mut extra) = (Packet::default(), Extra::default());
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let mut start = 0;
        for &end in &ends {
            let bytes = &bytes[start..end];
            let original_octets = u32::try_from(bytes.len()).unwrap_or(0);
            let frame = Frame { link: LinkType::ETHERNET, bytes, original_octets };
            let result = dissect(black_box(frame), Tunnels::Inner, &mut packet, &mut extra);
            assert!(matches!(result, Ok(Dissected::Ip)), "{name}");
            black_box(&packet);
            start = end;
        }
        best = best.min(begin.elapsed().as_secs_f64());
    }
    let count = u32::try_from(FRAMES).map_or(f64::NAN, f64::from);
    println!("{:6.1} ns  {name}", best * 1e9 / count);
}

fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&[2; 12][..], &ethertype.to_be_bytes(), payload].concat()
}

fn tagged(ip: &[u8]) -> Vec<u8> {
    [&[2; 12][..], &[0x81, 0, 0, 5, 8, 0], ip].concat()
}

fn ipv4(n: u16, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = port(u16::try_from(20 + payload.len()).unwrap_or(0));
    let head = [0x45, 0, high, low, 0, 0, 0x40, 0, 64, protocol, 0, 0, 192, 0];
    [&head[..], &port(n), &[198, 51, 100, 7], payload].concat()
}

fn ipv6(n: u16, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = port(u16::try_from(payload.len()).unwrap_or(0));
    let head = [0x60, 0, 0, 0, high, low, protocol, 64, 0x20, 1, 0x0d, 0xb8];
    [&head[..], &[0; 10], &port(n), &[0x20, 1, 0x0d, 0xb8], &[0; 12], payload].concat()
}

fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap_or(0);
    [&port(src), &port(dst), &port(length), &[0, 0][..], payload].concat()
}

fn vxlan(frame: &[u8]) -> Vec<u8> {
    udp(999, 4789, &[&[8, 0, 0, 0, 0, 0, 7, 0], frame].concat())
}

fn port(n: u16) -> [u8; 2] {
    n.to_be_bytes()
}
