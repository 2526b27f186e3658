// SPDX-License-Identifier: Apache-2.0
//! Where rows are from: what is the same for all of a datagram, and how their packets were sampled.
//!
//! Who an exporter is, and at what rate it samples if its samples do not say, is asked when a batch is made: what is
//! learned in the meantime holds for rows that wait, too.

use std::cell::Cell;
use std::iter::repeat_n;

use penstock_record::{BatchBuilder, Column, column};

use crate::memory::sampling::SamplingOrigin;
use crate::rows::{Exporters, Identity};

use super::columns::Filler;

/// A datagram that rows are of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Origin {
    /// The collector's index of agent and sub-agent.
    pub exporter: u32,
    pub sequence: u32,
    pub received_ns: i64,
}

/// The origins of rows that wait.
#[derive(Debug, Default)]
pub(super) struct Origins {
    /// One after another, and how many rows each has.
    runs: Vec<(Origin, usize)>,
    /// One of how many packets each row's is, as its sample states; 0 is not known.
    stated_rates: Vec<u32>,
}

impl Origins {
    /// That of the next row.
    #[inline]
    pub(super) fn push(&mut self, origin: Origin, stated_rate: u32) {
        self.stated_rates.push(stated_rate);
        match self.runs.last_mut() {
            Some((same, rows)) if *same == origin => *rows += 1,
            _ => self.runs.push((origin, 1)),
        }
    }

    pub(super) fn clear(&mut self) {
        self.runs.clear();
        self.stated_rates.clear();
    }

    /// Fills the columns of the session and the datagram.
    pub(super) fn fill(
        &self,
        filler: &Filler<'_>,
        exporters: &dyn Exporters,
        batch: &mut BatchBuilder,
    ) {
        let session = Session::new(exporters);
        let who: Vec<Identity> =
            self.runs.iter().map(|(origin, _)| session.of(origin.exporter)).collect();
        let mut given = |column: Column, put: &dyn Fn(&mut BatchBuilder, Column)| {
            if let Some(column) = filler.column(column) {
                put(batch, column);
            }
        };
        let addr = || self.spread(who.iter().map(|one| one.addr)).into_iter();
        given(column::EXPORTER_ADDR, &|batch, column| batch.ip(column, None, addr()));
        let port = || self.spread(who.iter().map(|one| one.port)).into_iter();
        given(column::EXPORTER_PORT, &|batch, column| batch.u16(column, None, port()));
        let domain = || self.spread(who.iter().map(|one| one.domain)).into_iter();
        given(column::OBSERVATION_DOMAIN, &|batch, column| batch.u32(column, None, domain()));
        let origins = || self.runs.iter().map(|(origin, _)| origin);
        let sequence = || self.spread(origins().map(|origin| origin.sequence)).into_iter();
        given(column::SEQUENCE, &|batch, column| batch.u32(column, None, sequence()));
        let received = || self.spread(origins().map(|origin| origin.received_ns)).into_iter();
        given(column::TIME_RECEIVED, &|batch, column| batch.timestamps(column, None, received()));
    }

    /// Fills the columns of sampling.
    pub(super) fn fill_rates(&self, exporters: &dyn Exporters, batch: &mut BatchBuilder) {
        let mut known = Rates::new(exporters);
        let mut rates = Vec::with_capacity(self.stated_rates.len());
        let mut words = Vec::with_capacity(self.stated_rates.len());
        let mut stated_rates = self.stated_rates.iter();
        for (origin, rows) in &self.runs {
            for stated in stated_rates.by_ref().take(*rows) {
                let (rate, word) = known.of(origin.exporter, *stated);
                rates.push(rate);
                words.push(word);
            }
        }
        batch.f64(column::SAMPLING_RATE, None, rates.into_iter());
        let all = WORDS.map(SamplingOrigin::name);
        batch.dictionary(column::SAMPLING_ORIGIN, None, &all, words.into_iter());
    }

    /// A value for each row from one for each datagram.
    fn spread<T: Clone>(&self, values: impl Iterator<Item = T>) -> Vec<T> {
        let mut spread = Vec::with_capacity(self.stated_rates.len());
        for ((_, rows), value) in self.runs.iter().zip(values) {
            spread.extend(repeat_n(value, *rows));
        }
        spread
    }
}

/// Who exporters are: asked once for rows in a row.
pub(super) struct Session<'a> {
    exporters: &'a dyn Exporters,
    last: Cell<Option<(u32, Identity)>>,
}

impl<'a> Session<'a> {
    pub(super) fn new(exporters: &'a dyn Exporters) -> Self {
        Self { exporters, last: Cell::new(None) }
    }

    pub(super) fn of(&self, exporter: u32) -> Identity {
        if let Some((same, identity)) = self.last.get()
            && same == exporter
        {
            return identity;
        }
        let identity = self.exporters.identity(exporter);
        self.last.set(Some((exporter, identity)));
        identity
    }
}

/// Rates by what samples stated, or by what else is known where they stated 0. Some exporters take turns, mostly
/// with one rate each: what was asked of them is remembered until another comes to the same place.
struct Rates<'a> {
    exporters: &'a dyn Exporters,
    known: Vec<Known>,
}

/// What was asked, by exporter and stated rate, and the answer: the rate and the place of its origin's word.
type Known = Option<((u32, u32), (f64, u8))>;

impl<'a> Rates<'a> {
    fn new(exporters: &'a dyn Exporters) -> Self {
        Self { exporters, known: vec![None; REMEMBERED as usize] }
    }

    fn of(&mut self, exporter: u32, stated: u32) -> (f64, u8) {
        let asked = (exporter, stated);
        let place = (exporter ^ stated.rotate_right(5)) % REMEMBERED;
        let slot = self.known.get_mut(place as usize);
        if let Some(Some((same, answer))) = slot
            && *same == asked
        {
            return *answer;
        }
        let stated = (stated > 0).then_some(f64::from(stated));
        let sampling = self.exporters.sampling(exporter, stated, None);
        let word = (0..).zip(WORDS).find(|(_, word)| *word == sampling.origin);
        let answer = (sampling.rate, word.map_or(0, |(place, _)| place));
        if let Some(slot) = slot {
            *slot = Some((asked, answer));
        }
        answer
    }
}

/// Origins of rates, in the order of the dictionary.
const WORDS: [SamplingOrigin; 5] = [
    SamplingOrigin::Record,
    SamplingOrigin::Options,
    SamplingOrigin::Configured,
    SamplingOrigin::Assumed,
    SamplingOrigin::Unknown,
];

/// Answers about sampling that are remembered while a batch is made.
const REMEMBERED: u32 = 256;
