// SPDX-License-Identifier: Apache-2.0
//! The collector: messages in, batches out.
//!
//! A message goes to the decoder that claims it, which has the `intake` do what all have in common.
//! Here it is counted what became of it.

use std::collections::{HashMap, HashSet};

use arrow_array::RecordBatch;
use penstock_codec::Malformed;
use penstock_record::BatchKind;

use crate::counts::count;
use crate::decoders::{Verdict, decoder_of};
use crate::intake::{Arrival, Intake};
use crate::memory::templates::Transport;
use crate::sessions::Session;
use crate::settings::Settings;

/// Flow exports to flows.
pub struct Collector {
    pub(crate) intake: Intake,
    pub(crate) sessions: HashMap<u32, Session>,
    /// The number given out last; 0 stands for datagrams.
    pub(crate) last_session: u32,
    /// Who is known to send flow exports in captures: address and port.
    pub(crate) senders: HashSet<([u8; 16], u16)>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reception {
    /// All of it was decoded.
    Whole,
    /// Some of it was, and this is what was wrong with the rest.
    Partly(&'static str),
    /// Some of it waits for a template.
    Parked,
    /// Nothing of it was of use, for this reason.
    Refused(&'static str),
}

impl Reception {
    /// Whether something was wrong with it.
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Partly(_) | Self::Refused(_))
    }
}

impl Collector {
    /// A collector that has heard nobody yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            intake: Intake::new(settings),
            sessions: HashMap::new(),
            last_session: 0,
            senders: HashSet::new(),
        }
    }

    /// Takes a datagram. Addresses are of 16 octets, IPv4 mapped.
    pub fn datagram(
        &mut self,
        addr: [u8; 16],
        port: u16,
        received_ns: i64,
        octets: &[u8],
    ) -> Reception {
        let arrival =
            Arrival { addr, port, transport: Transport::Datagram, stream: 0, received_ns };
        self.message(&arrival, octets).0
    }

    /// Takes one message of a stream or a file. Whether the session may go on is the second answer.
    pub(crate) fn message(&mut self, arrival: &Arrival, octets: &[u8]) -> (Reception, bool) {
        self.intake.advance(arrival.received_ns);
        let verdict = match decoder_of(octets) {
            Some(decoder) => (decoder.take)(&mut self.intake, arrival, octets),
            None => Verdict::refused(unknown(octets)),
        };
        let directory = &mut self.intake.directory;
        if let Some(exporter) = verdict.exporter.and_then(|number| directory.get_mut(number)) {
            exporter.counts.datagrams += 1;
            exporter.counts.octets += octets.len() as u64;
            if let Some(why) = verdict.trouble {
                count(&mut exporter.counts.refused, why, 1);
            }
        }
        (self.settle(&verdict), !verdict.fatal)
    }

    fn settle(&mut self, verdict: &Verdict) -> Reception {
        let counts = &mut self.intake.counts;
        counts.datagrams += 1;
        match verdict.trouble {
            Some(why) if verdict.used || verdict.parked > 0 => {
                count(&mut counts.partly, why, 1);
                Reception::Partly(why)
            }
            Some(why) => {
                count(&mut counts.refused, why, 1);
                Reception::Refused(why)
            }
            None if verdict.parked > 0 => {
                counts.parked += 1;
                Reception::Parked
            }
            None => {
                counts.whole += 1;
                Reception::Whole
            }
        }
    }

    /// Time has come to this: templates age, and what waits for one is given up. Cheap to call often.
    pub fn tick(&mut self, now_ns: i64) {
        self.intake.tick(now_ns);
    }

    /// The latest time that was heard of, in nanoseconds since 1970.
    pub const fn clock_ns(&self) -> i64 {
        self.intake.clock_ns()
    }

    /// Rows that wait to be taken.
    pub fn waiting(&self) -> usize {
        self.intake.waiting()
    }

    /// Whether it is time to take: so many rows wait, or they hold so much.
    pub fn is_full(&self, rows: usize) -> bool {
        self.intake.is_full(rows)
    }

    /// Everything that waits, as batches.
    pub fn take(&mut self) -> Vec<(BatchKind, RecordBatch)> {
        self.intake.take()
    }
}

fn unknown(octets: &[u8]) -> Malformed {
    if octets.len() < 4 { Malformed::HeaderCut } else { Malformed::Version }
}
