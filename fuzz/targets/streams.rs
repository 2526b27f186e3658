// SPDX-License-Identifier: Apache-2.0
//! Octets of a connection or a file: the same comes of them whatever the pieces, and packed or not.
//!
//! ```text
//! how, piece, then:
//! 0, message                      see src/messages.rs
//! 1, length, octets               what is no message
//! 2, message, left                one that is cut
//! ```
#![no_main]

use arrow_array::RecordBatch;
use libfuzzer_sys::fuzz_target;
use penstock_collect::{Collector, ExporterState, Lz4Writer, SessionError, Settings};
use penstock_fuzz::messages::{Numbers, message};
use penstock_fuzz::{Input, collected};
use penstock_record::{BatchKind, LedgerRow};

fuzz_target!(|octets: &[u8]| {
    let mut input = Input::new(octets);
    let (how, piece) = (input.u8(), input.u8());
    let is_file = how & 1 != 0;
    if how & 2 != 0 {
        let whole = run(input.rest(), usize::MAX, is_file);
        assert_eq!(run(input.rest(), usize::from(piece) + 1, is_file), whole);
        return;
    }
    let (stream, messages) = stream(&mut input);
    let whole = run(&stream, usize::MAX, is_file);
    assert_eq!(run(&stream, usize::from(piece) + 1, is_file), whole);
    if stream.is_empty() || is_file {
        return;
    }
    if let Some(messages) = messages {
        let mut packed = Vec::new();
        let longest = messages.iter().map(Vec::len).max().unwrap_or(0);
        let ring = u32::try_from(longest).unwrap_or(0) * (1 + u32::from(how >> 6));
        let mut writer = Lz4Writer::new(ring);
        for message in &messages {
            if writer.write(message, &mut packed).is_err() {
                return;
            }
        }
        assert_eq!(run(&packed, usize::MAX, false), whole);
        assert_eq!(run(&packed, usize::from(piece) + 1, false), whole);
    }
});

/// The octets of a stream, and its messages if there is nothing else in it.
fn stream(input: &mut Input<'_>) -> (Vec<u8>, Option<Vec<Vec<u8>>>) {
    let mut numbers = Numbers::default();
    let (mut stream, mut messages) = (Vec::new(), Some(Vec::new()));
    while !input.is_over() && stream.len() < MOST_OCTETS {
        match input.u8() % 3 {
            0 => {
                let message = message(input, &mut numbers, true);
                stream.extend_from_slice(&message);
                let said = u16::from_be_bytes([message[2], message[3]]);
                let is_whole = usize::from(said) == message.len() && message[..2] == [0, 10];
                messages = messages.filter(|_| is_whole);
                if let Some(messages) = &mut messages {
                    messages.push(message);
                }
            }
            1 => {
                let length = input.u8();
                stream.extend_from_slice(input.take(length.into()));
                messages = None;
            }
            _ => {
                let message = message(input, &mut numbers, true);
                let left = usize::from(input.u16()) % message.len();
                stream.extend_from_slice(&message[..left]);
                messages = None;
            }
        }
    }
    (stream, messages)
}

#[derive(Debug, PartialEq)]
struct Outcome {
    ended: Result<(), SessionError>,
    batches: Vec<(BatchKind, RecordBatch)>,
    ledger: Vec<LedgerRow>,
    exporters: Vec<ExporterState>,
}

/// What comes of a stream in pieces of at most so many octets.
fn run(stream: &[u8], piece: usize, is_file: bool) -> Outcome {
    let mut collector = Collector::new(Settings::default());
    let number = if is_file { collector.open_file() } else { collector.open_stream([1; 16], 4739) };
    let pieces = stream.chunks(piece.min(stream.len()).max(1));
    let all = pieces.map(|piece| collector.stream(number, piece, NOW_NS));
    let sent = all.collect::<Result<Vec<()>, _>>().map(|_| ());
    let closed = collector.close_stream(number, NOW_NS);
    let batches = collected::take(&mut collector);
    let messages = collected::messages(&collector);
    collected::check_ledger(&collector, &Settings::default(), messages);
    assert!(is_file || collector.templates().is_empty(), "a session was forgotten in part");
    Outcome {
        ended: sent.and(closed),
        batches,
        ledger: collector.ledger(),
        exporters: collector.exporters(),
    }
}

const NOW_NS: i64 = 1_700_000_000_000_000_000;
const MOST_OCTETS: usize = 400 << 10;
