// SPDX-License-Identifier: Apache-2.0
//! Every prefix of every packet of the golden captures: described or refused, never a panic,
//! and metered with the ledger adding up.

use std::path::PathBuf;
use std::{env, fs};

use penstock_meter::{Chunk, Fate, Meter, Packets, SelectAll, Settings, Unit};
use penstock_net::{Capture, Limits};
use penstock_wire::{Dissected, Extra, Frame, LinkType, Packet, Tunnels, dissect};

/// A frame: its link type, its octets, and how many it had on the wire.
struct Captured {
    link: u16,
    octets: Vec<u8>,
    original_octets: u32,
}

fn golden_packets() -> Vec<Captured> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/pcap");
    let mut packets = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path().to_str().unwrap().to_owned();
        if ![".pcap", ".pcapng", ".gz", ".zst"].iter().any(|ending| path.ends_with(ending)) {
            continue;
        }
        let mut capture = Capture::open(&[path]).unwrap();
        let mut chunk = penstock_net::Chunk::default();
        // Some captures are cut on purpose: what they hold up to there counts.
        while capture.read_chunk(&Limits::default(), &mut chunk).unwrap_or(false) {
            packets.extend(chunk.packets.iter().map(|packet| Captured {
                link: packet.link,
                octets: chunk.frame(packet).to_vec(),
                original_octets: packet.original_octets,
            }));
        }
    }
    assert!(packets.len() > 500, "only {} packets", packets.len());
    packets
}

#[test]
fn every_prefix_is_described_within_its_bounds_or_refused() {
    let (mut packet, mut extra) = (Packet::default(), Extra::default());
    for captured in golden_packets() {
        for cut in 0..=captured.octets.len() {
            let bytes = &captured.octets[..cut];
            let link = LinkType(captured.link);
            let frame = Frame { link, bytes, original_octets: captured.original_octets };
            for tunnels in [Tunnels::Inner, Tunnels::Outer] {
                if dissect(frame, tunnels, &mut packet, &mut extra) == Ok(Dissected::Ip) {
                    assert!(packet.transport_at <= packet.payload_at);
                    assert_eq!(packet.frame_octets, captured.original_octets);
                    assert!(matches!(packet.ip_version, 4 | 6));
                }
            }
        }
    }
}

/// All prefixes of all packets, as packets a millisecond apart.
struct Prefixes {
    frames: Vec<Captured>,
    time_ns: i64,
}

#[derive(Default)]
struct Cuts(Vec<(i64, Captured)>);

impl Chunk for Cuts {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn frame(&self, index: usize) -> (Frame<'_>, i64) {
        let (time_ns, captured) = &self.0[index];
        let link = LinkType(captured.link);
        let original_octets = captured.original_octets;
        (Frame { link, bytes: &captured.octets, original_octets }, *time_ns)
    }
}

impl Packets for Prefixes {
    type Chunk = Cuts;
    type Error = ();

    fn read(&mut self, chunk: &mut Cuts) -> Result<bool, ()> {
        let Some(frame) = self.frames.pop() else { return Ok(false) };
        chunk.0.clear();
        for cut in 0..=frame.octets.len() {
            self.time_ns += 1_000_000;
            let octets = frame.octets[..cut].to_vec();
            let (link, original_octets) = (frame.link, frame.original_octets);
            chunk.0.push((self.time_ns, Captured { link, octets, original_octets }));
        }
        Ok(true)
    }
}

#[test]
fn every_prefix_is_metered_and_accounted_for() {
    let plugins = ["basicplus", "pstats", "community_id"];
    let settings = Settings {
        plugins: plugins.map(|name| (name.to_owned(), [].into())).to_vec(),
        ..Settings::default()
    };
    let source = Prefixes { frames: golden_packets(), time_ns: 0 };
    let mut meter = Meter::new(source, None::<SelectAll>, &settings).unwrap();
    while meter.next_batch().unwrap().is_some() {}
    let ledger = meter.ledger();
    let sum = |stages: &[&str], fate| -> u64 {
        let packets = ledger.iter().filter(|row| row.unit == Unit::Packets && row.fate == fate);
        packets.filter(|row| stages.contains(&row.stage)).map(|row| row.count).sum()
    };
    let lost = sum(&["select", "link", "wire", "fragments"], Fate::Lost);
    assert_eq!(sum(&["source"], Fate::In), sum(&["meter"], Fate::Out) + lost);
    assert!(sum(&["wire"], Fate::Lost) > 1_000 && sum(&["meter"], Fate::Out) > 10_000);
}
