// SPDX-License-Identifier: Apache-2.0
//! A stream of packets, written so that few octets make many packets that have to do with each
//! other: flows, their ends, fragments, floods.
//!
//! ```text
//! 0, step, link, original, length (2), frame      a new frame
//! 1, step, at (2), value                          the last frame again, one octet changed
//! 2, step, at (2), count                          so many of it, that octet one more each time
//! 3, step, back                                   an earlier frame again
//! ```
//! The first octet counts modulo 4. A step is a change of time: see [`later`].

use std::sync::Arc;

use penstock_meter::{Chunk, Packets};
use penstock_wire::{Frame, LinkType};

use crate::{Input, link, original_octets};

/// One packet of a script.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When, in nanoseconds since 1970.
    pub time_ns: i64,
    /// What its first octet is.
    pub link: LinkType,
    /// Octets on the wire.
    pub original_octets: u32,
    /// Octets that were captured.
    pub octets: Vec<u8>,
}

impl Sent {
    /// The packet as it would be dissected.
    pub fn frame(&self) -> Frame<'_> {
        let Self { link, original_octets, ref octets, .. } = *self;
        Frame { link, bytes: octets, original_octets }
    }
}

/// The packets that an input stands for; at most [`MOST_PACKETS`].
pub fn packets(mut input: Input<'_>) -> Vec<Sent> {
    let mut sent: Vec<Sent> = Vec::new();
    let mut time_ns = 1_700_000_000 * SECOND;
    while !input.is_over() && sent.len() < MOST_PACKETS {
        let (what, step) = (input.u8() % 4, input.u8());
        time_ns = later(time_ns, step);
        if what == 0 {
            let (link, more) = (link(input.u8()), input.u8());
            let length = usize::from(input.u16());
            let octets = input.take(length.min(LONGEST_FRAME)).to_vec();
            let original_octets = original_octets(more, octets.len());
            sent.push(Sent { time_ns, link, original_octets, octets });
            continue;
        }
        let Some(last) = sent.last().cloned() else { continue };
        match what {
            1 => {
                let (at, value) = (input.u16(), input.u8());
                sent.push(changed(Sent { time_ns, ..last }, at, |octet| *octet = value));
            }
            2 => {
                let (at, count) = (input.u16(), input.u8());
                for more in 1..=count {
                    let one = Sent { time_ns, ..last.clone() };
                    sent.push(changed(one, at, |octet| *octet = octet.wrapping_add(more)));
                    time_ns = later(time_ns, step);
                }
            }
            _ => {
                let back = usize::from(input.u8()) % sent.len();
                let earlier = sent[sent.len() - 1 - back].clone();
                sent.push(Sent { time_ns, ..earlier });
            }
        }
    }
    sent.truncate(MOST_PACKETS);
    sent
}

/// A time a step after another: the two upper bits say milliseconds, half seconds, quarters of
/// a second backward, or a leap; the others how many of them.
pub fn later(time_ns: i64, step: u8) -> i64 {
    let count = i64::from(step & 0x3f);
    match (step >> 6, count) {
        (0, _) => time_ns.saturating_add(count * (SECOND / 1000)),
        (1, _) => time_ns.saturating_add(count * (SECOND / 2)),
        (2, _) => time_ns.saturating_sub(count * (SECOND / 4)),
        (_, 0) => i64::MIN,
        (_, 1) => i64::MAX,
        (_, 2) => 0,
        (_, 3) => -1,
        (_, 4) => i64::MAX - SECOND,
        (_, 5) => i64::MIN + SECOND,
        _ => time_ns.saturating_add(count * 1000 * SECOND),
    }
}

/// A source that gives the packets of a script, and then ends or fails.
pub struct Replay {
    packets: Arc<Vec<Sent>>,
    at: usize,
    most_in_chunk: usize,
    fails: bool,
}

/// What a [`Replay`] that is to fail fails with.
#[derive(Debug, Eq, PartialEq)]
pub struct Failed;

impl Replay {
    /// These packets, at most `most_in_chunk` in a chunk.
    pub fn new(packets: Arc<Vec<Sent>>, most_in_chunk: usize, fails: bool) -> Self {
        Self { packets, at: 0, most_in_chunk: most_in_chunk.max(1), fails }
    }
}

/// Some packets of a [`Replay`].
#[derive(Default)]
pub struct Piece {
    packets: Arc<Vec<Sent>>,
    start: usize,
    end: usize,
}

impl Chunk for Piece {
    fn len(&self) -> usize {
        self.end - self.start
    }

    fn frame(&self, index: usize) -> (Frame<'_>, i64) {
        let sent = &self.packets[self.start + index];
        (sent.frame(), sent.time_ns)
    }
}

impl Packets for Replay {
    type Chunk = Piece;
    type Error = Failed;

    fn read(&mut self, chunk: &mut Piece) -> Result<bool, Failed> {
        let start = self.at;
        let Some(first) = self.packets.get(start) else {
            return if self.fails { Err(Failed) } else { Ok(false) };
        };
        let close_ns = first.time_ns.saturating_add(SECOND);
        let rest = self.packets[start..].iter().take(self.most_in_chunk);
        let others = rest.skip(1).take_while(|sent| sent.time_ns < close_ns).count();
        self.at = start + 1 + others;
        *chunk = Piece { packets: Arc::clone(&self.packets), start, end: self.at };
        Ok(true)
    }
}

fn changed(mut sent: Sent, at: u16, change: impl FnOnce(&mut u8)) -> Sent {
    let at = usize::from(at) % sent.octets.len().max(1);
    sent.octets.get_mut(at).map(change);
    sent
}

/// Most packets of a script: enough for floods, few enough for many scripts a second.
pub const MOST_PACKETS: usize = 1024;
const LONGEST_FRAME: usize = 2048;
const SECOND: i64 = 1_000_000_000;
