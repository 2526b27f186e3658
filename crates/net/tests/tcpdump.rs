// SPDX-License-Identifier: Apache-2.0
//! Filters select what tcpdump selects: from packets made here, and from the captures in
//! `PENSTOCK_CAPTURES/packets` where that is set. Skipped without tcpdump.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use penstock_net::filter::{self, Program};
use penstock_net::{Capture, Chunk, Limits};

#[test]
fn filters_select_as_many_packets_as_tcpdump() {
    if Command::new("tcpdump").arg("--version").output().is_err() {
        eprintln!("skipped: no tcpdump here");
        return;
    }
    let made = env::temp_dir().join(format!("penstock-filter-{}.pcap", std::process::id()));
    fs::write(&made, capture()).unwrap();
    let mut files = vec![made.clone()];
    if let Some(folder) = env::var_os("PENSTOCK_CAPTURES") {
        let entries = fs::read_dir(PathBuf::from(folder).join("packets")).unwrap();
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    let mut compared = 0;
    for file in &files {
        for expression in EXPRESSIONS {
            let Some(expected) = tcpdump(file, expression) else { continue };
            let found = selected(file, expression);
            assert_eq!(found, expected, "{}: {expression}", file.display());
            compared += 1;
        }
    }
    fs::remove_file(made).unwrap();
    assert!(compared >= EXPRESSIONS.len(), "tcpdump read too few: {compared}");
}

const EXPRESSIONS: &[&str] = &[
    "",
    "ip",
    "ip6",
    "tcp or udp port 53",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    "tcp[((tcp[12] & 0xf0) >> 2):2] = 0x4745",
    "udp[4:2] % 3 = 1",
    "ip[0] & 0xf != 5 or ip[6:2] & 0x1fff != 0",
    "net 192.0.2.0/25 and not src host 192.0.2.7",
    "ip6 host 2001:db8::1 or ip6 net 2001:db8:1::/48",
    "ip6 protochain 17",
    "ip6[6] = 44",
    "portrange 1000-2000",
    "greater 200",
    "len <= 60",
    "vlan and udp",
    "vlan 7 or vlan 8",
    "mpls and ip",
    "icmp[icmptype] = icmp-echo or icmp6",
    "ether[0] & 1 = 1",
    "ether host 02:00:00:00:00:01",
    "ether proto 0x88cc or arp",
    "not (tcp or udp)",
    "ip[2:2] - ((ip[0] & 0xf) << 2) > 100",
    "(ip[8] ^ 0x40) * 3 = 0",
    "-ip[8] < 0xffffffe0",
];

/// How many packets tcpdump selects; none if it cannot, as where the link has no such field.
fn tcpdump(file: &Path, expression: &str) -> Option<usize> {
    let output = Command::new("tcpdump")
        .args(["-n", "-t", "-q", "--count", "-r"])
        .arg(file)
        .args(["--", expression])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let count = text.lines().last()?.split_whitespace().next()?.parse().ok();
    count.filter(|_| output.status.success())
}

fn selected(file: &Path, expression: &str) -> usize {
    let mut programs: HashMap<u16, Program> = HashMap::new();
    let mut capture = Capture::open(&[file.to_str().unwrap().to_owned()]).unwrap();
    let (mut chunk, mut count) = (Chunk::default(), 0);
    while capture.read_chunk(&Limits::default(), &mut chunk).unwrap() {
        for packet in &chunk.packets {
            let program = programs
                .entry(packet.link)
                .or_insert_with(|| filter::compile(expression, packet.link, 0).unwrap());
            count += usize::from(program.matches(chunk.frame(packet), packet.original_octets));
        }
    }
    count
}

/// Frames of many sorts, and each of them cut in many places.
fn capture() -> Vec<u8> {
    let ipv4 = |options: usize, protocol, fragment: [u8; 2], payload: &[u8]| {
        let head = 20 + options;
        let total = u16::try_from(head + payload.len()).unwrap().to_be_bytes();
        let version = 0x40 | u8::try_from(head / 4).unwrap();
        let [a, b] = fragment;
        let mut packet = vec![version, 0, total[0], total[1], 0, 1, a, b, 64, protocol, 0, 0];
        packet.extend([192, 0, 2, 7, 198, 51, 100, 1]);
        packet.extend(vec![1; options]);
        packet.extend(payload);
        packet
    };
    let ipv6 = |next, payload: &[u8]| {
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        let mut packet = vec![0x60, 0, 0, 0, length[0], length[1], next, 32];
        packet.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        packet.extend([0x20, 1, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        packet.extend(payload);
        packet
    };
    let udp = |port: u16, octets: u8| {
        let [a, b] = port.to_be_bytes();
        [&[4, 0, a, b, 0, 8 + octets, 0, 0][..], &vec![b'x'; octets.into()]].concat()
    };
    let tcp = |flags, payload: &[u8]| {
        let head = [0, 80, 9, 9, 0, 0, 0, 1, 0, 0, 0, 2, 0x60, flags, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0];
        [&head[..], payload].concat()
    };
    let ether = |last: u8, tags: &[u8], packet: &[u8]| {
        [&[2, 0, 0, 0, 0, last, 3, 0, 0, 0, 0, 2][..], tags, packet].concat()
    };
    let (v4, v6): (&[u8], &[u8]) = (&[8, 0], &[0x86, 0xdd]);
    let hop_by_hop = [&[17, 0, 1, 4, 0, 0, 0, 0][..], &udp(53, 20)].concat();
    let fragment = [&[17, 0, 0, 1, 0, 0, 0, 9][..], &udp(53, 4)].concat();
    let frames = [
        ether(1, v4, &ipv4(0, 6, [0, 0], &tcp(2, b""))),
        ether(1, v4, &ipv4(12, 6, [0, 0], &tcp(0x18, b"GET / HTTP/1.1\r\n\r\n"))),
        ether(3, v4, &ipv4(0, 17, [0, 0], &udp(53, 40))),
        ether(3, v4, &ipv4(0, 17, [0x20, 0], &udp(1234, 200))),
        ether(3, v4, &ipv4(0, 17, [0, 9], &udp(53, 41))),
        ether(4, v4, &ipv4(0, 1, [0, 0], &[8, 0, 0, 0, 0, 1, 0, 1])),
        ether(5, v6, &ipv6(17, &udp(53, 22))),
        ether(5, v6, &ipv6(0, &hop_by_hop)),
        ether(5, v6, &ipv6(44, &fragment)),
        ether(5, v6, &ipv6(58, &[128, 0, 0, 0, 0, 1, 0, 1])),
        ether(6, &[0x81, 0, 0, 7, 8, 0], &ipv4(0, 17, [0, 0], &udp(53, 23))),
        ether(6, &[0x88, 0xa8, 0, 9, 0x81, 0, 0, 8, 0x86, 0xdd], &ipv6(17, &udp(1999, 24))),
        ether(7, &[0x88, 0x47, 0, 1, 1, 64], &ipv4(0, 6, [0, 0], &tcp(1, b""))),
        ether(8, &[0x88, 0xcc], &[2, 4, 6, 8]),
        ether(9, &[8, 6], &[0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1]),
    ];
    cut_everywhere(&frames)
}

/// A capture of the frames, each of them cut in many places and whole.
fn cut_everywhere(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for field in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend(field.to_le_bytes());
    }
    for frame in frames {
        for captured in (1..frame.len()).step_by(3).chain([frame.len()]) {
            for field in [1_700_000_000, 0, captured, frame.len()] {
                file.extend(u32::try_from(field).unwrap().to_le_bytes());
            }
            file.extend(&frame[..captured]);
        }
    }
    file
}
