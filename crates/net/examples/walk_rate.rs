// SPDX-License-Identifier: Apache-2.0
//! How fast the packets of a capture are walked over, doing nothing with them.
//!
//! `cargo run --release -p penstock-net --example walk_rate -- FILE…`

use std::env;
use std::time::Instant;

use penstock_net::{Capture, Chunk, Limits, SourceError};

fn main() -> Result<(), SourceError> {
    let files: Vec<String> = env::args().skip(1).collect();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let mut capture = Capture::open(&files)?;
        let (mut chunks, mut packets, mut octets) = (0_u64, 0_u64, 0_u64);
        let mut ring: [Chunk; CHUNKS] = std::array::from_fn(|_| Chunk::default());
        'all: loop {
            for chunk in &mut ring {
                if !capture.read_chunk(&Limits::default(), chunk)? {
                    break 'all;
                }
                chunks += 1;
                packets += chunk.packets.len() as u64;
                octets += chunk.packets.last().map_or(0, |last| u64::from(last.at));
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "a rate needs no more")]
        let rate = packets as f64 / seconds / 1e6;
        println!(
            "{packets} packets in {chunks} chunks, {octets} octets, {seconds:.3} s: \
             {rate:.1} M packets/s, {:.2} ns each",
            1e3 / rate
        );
    }
    Ok(())
}

const ROUNDS: usize = 5;
/// As many as a pipeline has in use at a time.
const CHUNKS: usize = 4;
