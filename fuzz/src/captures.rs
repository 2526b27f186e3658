// SPDX-License-Identifier: Apache-2.0
//! What must hold of every capture, whatever its octets are.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use penstock_net::{Capture, Captured, Chunk, Limits, SourceError};

use crate::Input;

/// How a capture is read a second time, to see that it makes no difference.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    limits: Limits,
    packing: Packing,
    /// Where the capture is cut, by its length.
    cut: u16,
}

#[derive(Clone, Copy, Debug)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

impl Reading {
    /// Packing and span (1), most packets and octets of a chunk (1), and the cut (2).
    pub fn of(input: &mut Input<'_>) -> Self {
        let (first, second) = (input.u8(), input.u8());
        let packing = match first % 4 {
            0 | 1 => Packing::None,
            2 => Packing::Gzip,
            _ => Packing::Zstd,
        };
        let limits = Limits {
            packets: 1 + usize::from(second % 16),
            span_ns: i64::from(first >> 2) * 20_000_000,
            octets: usize::from(second >> 4) * 100,
        };
        Self { limits, packing, cut: input.u16() }
    }
}

/// Reads a capture in several ways. `plain` says that it surely is not packed.
pub fn check(octets: &[u8], reading: Reading, plain: bool) {
    let usual = read(octets.to_vec(), &Limits::default());
    if plain {
        assert!(usual.end_of_input != Some(false), "the end was not reached");
        if let Some(error) = &usual.error {
            let offset = error.offset.expect("what is wrong is in the content");
            assert!(offset <= octets.len() as u64, "{error}");
        }
    }
    same(&usual, &read(octets.to_vec(), &reading.limits));
    if plain {
        same(&usual, &read(packed(octets, reading.packing), &reading.limits));
        let cut = usize::from(reading.cut) % (octets.len() + 1);
        let part = read(octets[..cut].to_vec(), &Limits::default());
        assert!(part.packets.len() <= usual.packets.len());
        assert_eq!(part.packets[..], usual.packets[..part.packets.len()]);
        assert!(usual.octets.starts_with(&part.octets));
    }
}

/// What reading a capture gave.
struct Outcome {
    packets: Vec<Captured>,
    /// Those of all packets, one after the other.
    octets: Vec<u8>,
    error: Option<SourceError>,
    /// Whether all octets had been read when the capture ended; none if it did not end.
    end_of_input: Option<bool>,
    /// More packets were there.
    stopped: bool,
}

fn read(octets: Vec<u8>, limits: &Limits) -> Outcome {
    let all = octets.len() as u64;
    let (mut packets, mut gathered) = (Vec::new(), Vec::new());
    let opened = Capture::from_octets("capture", octets);
    let mut outcome = match opened {
        Ok(mut capture) => {
            assert_eq!(capture.octets_total(), Some(all));
            let (error, stopped) = gather(&mut capture, limits, &mut packets, &mut gathered);
            assert!(capture.octets_read() <= all);
            let ended = error.is_none() && !stopped;
            let end_of_input = ended.then(|| capture.octets_read() == all);
            Outcome { packets, octets: gathered, error, end_of_input, stopped }
        }
        Err(error) => {
            let (error, end_of_input, stopped) = (Some(error), None, false);
            Outcome { packets, octets: gathered, error, end_of_input, stopped }
        }
    };
    if let Some(error) = &outcome.error {
        assert!(error.to_string().starts_with("capture: "), "{error}");
    }
    // Where in a chunk they were is nobody's business.
    outcome.packets.iter_mut().for_each(|packet| packet.at = 0);
    outcome
}

/// Reads chunks up to the end, an error, or more packets than are wanted here.
fn gather(
    capture: &mut Capture,
    limits: &Limits,
    packets: &mut Vec<Captured>,
    octets: &mut Vec<u8>,
) -> (Option<SourceError>, bool) {
    let mut chunk = Chunk::default();
    let mut clock_ns = i64::MIN;
    for number in 0.. {
        match capture.read_chunk(limits, &mut chunk) {
            Ok(true) => {}
            Ok(false) => {
                assert!(chunk.packets.is_empty());
                return (None, false);
            }
            Err(error) => {
                assert!(chunk.packets.is_empty());
                assert_eq!(capture.read_chunk(limits, &mut chunk), Err(error.clone()));
                return (Some(error), false);
            }
        }
        assert_eq!(chunk.number, number);
        assert!((1..=limits.packets).contains(&chunk.packets.len()));
        let mut backwards = 0;
        let mut taken = 0;
        for packet in &chunk.packets {
            let frame = chunk.frame(packet);
            assert_eq!(frame.len(), packet.captured_octets as usize);
            taken += frame.len();
            octets.extend_from_slice(frame);
            backwards += u64::from(packet.time_ns < clock_ns);
            clock_ns = clock_ns.max(packet.time_ns);
        }
        assert!(taken <= limits.octets || chunk.packets.len() == 1 || taken == 0);
        assert_eq!((chunk.clock_ns, chunk.backwards), (clock_ns, backwards));
        packets.append(&mut chunk.packets);
        if packets.len() >= MOST_PACKETS || octets.len() >= MOST_OCTETS {
            return (None, true);
        }
    }
    unreachable!("the numbers do not end")
}

fn same(one: &Outcome, other: &Outcome) {
    let packets = one.packets.len().min(other.packets.len());
    assert_eq!(one.packets[..packets], other.packets[..packets]);
    let octets = one.octets.len().min(other.octets.len());
    assert!(one.octets[..octets] == other.octets[..octets]);
    if !one.stopped && !other.stopped {
        assert_eq!(one.packets.len(), other.packets.len());
        assert_eq!(one.error, other.error);
    }
}

fn packed(octets: &[u8], packing: Packing) -> Vec<u8> {
    match packing {
        Packing::None => octets.to_vec(),
        Packing::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(octets).expect("memory takes all");
            encoder.finish().expect("memory takes all")
        }
        Packing::Zstd => zstd::encode_all(octets, 1).expect("memory takes all"),
    }
}

/// More than an input has in records of its own; what is packed may have any number.
const MOST_PACKETS: usize = 16_384;
const MOST_OCTETS: usize = 4 << 20;
