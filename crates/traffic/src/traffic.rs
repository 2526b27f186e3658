// SPDX-License-Identifier: Apache-2.0
//! All exporters together, and what becomes of their messages on the way to a collector.
//!
//! Exporters send in turn. What they make and what happens to it are drawn apart, so that the same
//! seed has the same flows with accidents and without.

use std::net::Ipv4Addr;
use std::ops::Range;

use crate::damage;
use crate::exporter::{Contents, Exporter, Making};
use crate::random::{Random, Share};
use crate::settings::{Protocol, Settings, SettingsError};
use crate::stock::Stock;
use crate::truth::Truth;

/// Makes datagrams, always the same ones for the same settings.
///
/// Time is simulated: it goes on with the flow records that are made, and no clock is read.
#[derive(Debug)]
pub struct Traffic {
    settings: Settings,
    accidents: Accidents,
    stock: Stock,
    exporters: Vec<Exporter>,
    /// Whose turn it is.
    turn: usize,
    records: u64,
    /// When the last message was made, which is when it is sent.
    clock_ns: i64,
    /// What the last turn left to be given out.
    arena: Vec<u8>,
    ready: Vec<Ready>,
    given: usize,
}

/// One datagram on its arrival.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Datagram<'a> {
    /// Which exporter sent it, from 0.
    pub exporter: u32,
    /// Simulated time, in nanoseconds since 1970. Never less than that of the one before.
    pub time_ns: i64,
    /// The UDP payload.
    pub octets: &'a [u8],
}

#[derive(Clone, Debug)]
struct Ready {
    exporter: u32,
    time_ns: i64,
    octets: Range<usize>,
}

#[derive(Debug)]
struct Accidents {
    random: Random,
    loss: Share,
    template_lost: Share,
    reorder: Share,
    duplicate: Share,
    hostile: Share,
}

/// A message that has been made and not yet sent.
struct Made {
    octets: Range<usize>,
    contents: Contents,
}

impl Traffic {
    /// Draws the flows and makes the exporters. Fails with the first setting that cannot be.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let settings = settings.checked()?;
        let sampled = settings.protocols.contains(&Protocol::SFlow);
        let mut stock = Stock::new(&settings, sampled);
        let exporters = (0..settings.exporters)
            .map(|index| Exporter::new(index, &settings, &mut stock))
            .collect();
        stock.forget_flows();
        let accidents = Accidents {
            random: Random::new(settings.seed, 2),
            loss: Share::new(settings.loss),
            template_lost: Share::new(settings.template_lost),
            reorder: Share::new(settings.reorder),
            duplicate: Share::new(settings.duplicate),
            hostile: Share::new(settings.hostile),
        };
        Ok(Self {
            settings,
            accidents,
            stock,
            exporters,
            turn: 0,
            records: 0,
            clock_ns: 0,
            arena: Vec::new(),
            ready: Vec::new(),
            given: 0,
        })
    }

    /// The next datagram to arrive, or none once all records are made.
    #[expect(clippy::should_implement_trait, reason = "what it gives is borrowed from it")]
    pub fn next(&mut self) -> Option<Datagram<'_>> {
        while !self.is_pending() {
            if self.left() == 0 {
                return None;
            }
            self.take_turn();
        }
        let Ready { exporter, time_ns, octets } = self.ready[self.given].clone();
        self.given += 1;
        let octets = &self.arena[octets];
        let truth = &mut self.exporters[exporter as usize].truth;
        truth.datagrams.sent += 1;
        truth.datagrams.octets += octets.len() as u64;
        Some(Datagram { exporter, time_ns, octets })
    }

    /// Appends up to so many datagrams: their octets one behind the other, where each ends, who
    /// sent it and when. Says how many; none once all records are made.
    pub fn fill(
        &mut self,
        max_datagrams: usize,
        out: &mut Vec<u8>,
        ends: &mut Vec<usize>,
        exporters: &mut Vec<u32>,
        times_ns: &mut Vec<i64>,
    ) -> usize {
        for filled in 0..max_datagrams {
            let Some(datagram) = self.next() else { return filled };
            out.extend_from_slice(datagram.octets);
            ends.push(out.len());
            exporters.push(datagram.exporter);
            times_ns.push(datagram.time_ns);
        }
        max_datagrams
    }

    /// What was made, and what became of it, an entry an exporter. Of what is ready but not yet
    /// given out, all but the datagrams sent is counted already.
    pub fn truth(&self) -> Vec<Truth> {
        self.exporters.iter().map(|exporter| exporter.truth.clone()).collect()
    }

    /// Whether datagrams are ready whose records are made, so that the next one makes none.
    pub const fn is_pending(&self) -> bool {
        self.given < self.ready.len()
    }

    /// Flow records made so far, those lost included.
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// Simulated time, in nanoseconds since 1970.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "no one makes 2^53 records"
    )]
    pub fn time_ns(&self) -> i64 {
        let elapsed_s = self.records as f64 / self.settings.flows_per_second;
        self.settings.start_time_ns.saturating_add((elapsed_s * 1e9) as i64)
    }

    /// What the exporter speaks.
    ///
    /// # Panics
    ///
    /// If there is no such exporter.
    pub fn protocol(&self, exporter: u32) -> Protocol {
        self.exporters[exporter as usize].truth.protocol
    }

    /// The address by which the exporter's protocol names it, where it does: sFlow's agent.
    ///
    /// # Panics
    ///
    /// If there is no such exporter.
    pub fn address(&self, exporter: u32) -> Ipv4Addr {
        self.exporters[exporter as usize].address()
    }

    /// Records still to be made.
    fn left(&self) -> u64 {
        self.settings.records.map_or(u64::MAX, |records| records.saturating_sub(self.records))
    }

    /// One exporter sends its next data message, and before it what is due.
    fn take_turn(&mut self) {
        self.arena.clear();
        self.ready.clear();
        self.given = 0;
        let index = self.turn;
        self.turn = (index + 1) % self.exporters.len();
        let time_ms = self.time_ns() / 1_000_000;
        self.exporters[index].prepare(&self.settings, time_ms);
        if let Some(made) = self.make(index, Exporter::templates) {
            let lost = self.accidents.happens(|share| share.template_lost);
            self.dispatch(index, &made, lost);
        }
        if let Some(made) = self.make(index, Exporter::counters) {
            self.dispatch(index, &made, false);
        }
        let Some(first) = self.data(index) else { return };
        let late = self.accidents.happens(|share| share.reorder) && self.left() > 0;
        if late && let Some(second) = self.data(index) {
            let second_sent = self.dispatch(index, &second, false);
            let first_sent = self.dispatch(index, &first, false);
            let reordered = &mut self.exporters[index].truth.datagrams.reordered;
            *reordered += u64::from(second_sent && first_sent);
        } else {
            self.dispatch(index, &first, false);
        }
    }

    fn data(&mut self, index: usize) -> Option<Made> {
        let left = self.left();
        let made = self.make(index, |exporter, making| Some(exporter.data(making, left)))?;
        self.records += made.contents.sums.records;
        Some(made)
    }

    fn make(
        &mut self,
        index: usize,
        how: impl FnOnce(&mut Exporter, &mut Making<'_>) -> Option<Contents>,
    ) -> Option<Made> {
        let begin = self.arena.len();
        self.clock_ns = self.time_ns();
        let time_ms = self.clock_ns / 1_000_000;
        let making = &mut Making {
            out: &mut self.arena,
            stock: &mut self.stock,
            settings: &self.settings,
            time_ms,
        };
        let exporter = &mut self.exporters[index];
        let contents = how(exporter, making)?;
        let truth = &mut exporter.truth;
        truth.datagrams.made += 1;
        truth.made += contents.sums;
        truth.templates.made += contents.templates;
        truth.options.made += contents.options;
        truth.counter_samples.made += contents.counter_samples;
        Some(Made { octets: begin..self.arena.len(), contents })
    }

    /// Sends a message, or loses it; says whether it arrived.
    fn dispatch(&mut self, index: usize, made: &Made, lost: bool) -> bool {
        let exporter = &mut self.exporters[index];
        let Made { octets, contents } = made;
        if self.accidents.happens(|share| share.loss) || lost {
            exporter.truth.datagrams.lost += 1;
            exporter.truth.lost += contents.sums;
            return false;
        }
        exporter.arrive(contents);
        self.push(index, octets.clone());
        if self.accidents.happens(|share| share.duplicate) {
            let truth = &mut self.exporters[index].truth;
            truth.datagrams.duplicated += 1;
            truth.duplicated += contents.sums;
            self.push(index, octets.clone());
        }
        let has_data = contents.sums.records > 0;
        if has_data && self.accidents.happens(|share| share.hostile) {
            self.exporters[index].truth.datagrams.hostile += 1;
            let begin = self.arena.len();
            let message = self.arena[octets.clone()].to_vec();
            damage::append_damaged(&mut self.arena, &message, &mut self.accidents.random);
            self.push(index, begin..self.arena.len());
        }
        true
    }

    #[expect(clippy::cast_possible_truncation, reason = "exporters are counted in 32 bits")]
    fn push(&mut self, index: usize, octets: Range<usize>) {
        self.ready.push(Ready { exporter: index as u32, time_ns: self.clock_ns, octets });
    }
}

impl Accidents {
    fn happens(&mut self, which: impl Fn(&Self) -> Share) -> bool {
        let share = which(self);
        self.random.happens(share)
    }
}
