// SPDX-License-Identifier: Apache-2.0
//! Rows that wait, and what is asked about who they are from.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use penstock_record::{BatchBuilder, BatchKind, column};

use crate::memory::sampling::{Sampling, SamplingOrigin};
use crate::rows::{Exporters, Identity};

use super::columns::{Filler, Put, fill_lists};
use super::extras::Extras;
use super::row::{Aside, Groups, Lists, Row};

/// Packets of one kind of batch that wait.
#[derive(Debug, Default)]
pub(super) struct Store {
    rows: Vec<Row>,
    /// Those of each row: what has to be known of all rows before any is written.
    groups: Vec<Groups>,
    pub asides: Vec<Aside>,
    pub lists: Lists,
    pub extras: Extras,
}

impl Store {
    /// Adds a row. Its aside and lists are there already.
    #[inline]
    pub(super) fn push(&mut self, row: Row) {
        self.groups.push(row.groups);
        self.rows.push(row);
    }

    /// How many rows wait.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Fills the columns that flows have, or those of drops that flows have as well.
    pub(super) fn fill(
        &mut self,
        kind: BatchKind,
        exporters: &dyn Exporters,
        batch: &mut BatchBuilder,
    ) {
        let (session, rates) = (Session::new(exporters), Rates::new(exporters));
        let always = Groups::ALWAYS;
        let mut filler = Filler::new(kind, &self.rows, &self.groups, &self.asides);
        filler.packets();
        filler.u32(column::SEQUENCE, always, |row| row.sequence);
        filler.u64(column::OCTETS, always, |row| u64::from(row.packet.octets));
        filler.timestamps(column::TIME_RECEIVED, always, |row| row.received_ns);
        filler.ip(column::EXPORTER_ADDR, always, |row| session.of(row.exporter).addr);
        filler.u16(column::EXPORTER_PORT, always, |row| session.of(row.exporter).port);
        filler.u32(column::OBSERVATION_DOMAIN, always, |row| session.of(row.exporter).domain);
        if kind == BatchKind::Flows {
            flows_alone(&mut filler, &rates);
            batch.constant_text(column::COUNTER_SEMANTICS, "delta");
            batch.constant_text(column::SOURCE_KIND, "sflow");
        }
        let lists = std::mem::take(&mut self.lists);
        fill_lists(&mut filler, lists, &mut self.extras, batch);
        filler.finish(batch);
    }

    /// Octets of lists and of records without a column.
    pub(super) fn list_octets(&self) -> usize {
        self.extras.octets() + self.lists.octets()
    }

    /// Forgets all rows, and keeps the room they had.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.groups.clear();
        self.asides.clear();
        self.lists = Lists::default();
        self.extras = Extras::default();
    }
}

/// What flows have and drops do not: times, counters, interfaces, sampling.
fn flows_alone<'a>(filler: &mut Filler<'a>, rates: &'a Rates<'_>) {
    let always = Groups::ALWAYS;
    filler.timestamps(column::TIME_START, always, |row| row.time_ns);
    filler.timestamps(column::TIME_END, always, |row| row.time_ns);
    filler.u64(column::PACKETS, always, |row| u64::from(row.groups.has(Groups::PACKET)));
    filler.u8(column::END_REASON, always, |_| 0);
    filler.bool(column::TIME_SUSPECT, always, |row| row.groups.has(Groups::SUSPECT));
    filler.u32(column::IN_IF, always, |row| row.in_if);
    filler.u32(column::OUT_IF, always, |row| row.out_if);
    filler.f64(column::SAMPLING_RATE, always, |row| rates.of(row).rate);
    let put: Put<u8> = |batch, column, valid, values| {
        let words = ORIGINS.map(|(_, origin)| origin.name());
        batch.dictionary(column, valid, &words, values.into_iter());
    };
    let origin = |row: &Row| {
        let of = rates.of(row).origin;
        ORIGINS.iter().find(|(_, origin)| *origin == of).map_or(0, |(place, _)| *place)
    };
    filler.add(column::SAMPLING_ORIGIN, always, origin, put);
}

/// Who exporters are: asked once each.
pub(super) struct Session<'a> {
    exporters: &'a dyn Exporters,
    last: Cell<Option<(u32, Identity)>>,
    known: RefCell<HashMap<u32, Identity>>,
}

impl<'a> Session<'a> {
    pub(super) fn new(exporters: &'a dyn Exporters) -> Self {
        Self { exporters, last: Cell::new(None), known: RefCell::default() }
    }

    pub(super) fn of(&self, exporter: u32) -> Identity {
        if let Some((same, identity)) = self.last.get()
            && same == exporter
        {
            return identity;
        }
        let mut known = self.known.borrow_mut();
        let identity = *known.entry(exporter).or_insert_with(|| self.exporters.identity(exporter));
        self.last.set(Some((exporter, identity)));
        identity
    }
}

/// Rates by what samples stated, or by what else is known where they stated 0. Successive samples mostly are from
/// one agent and of one rate: those are asked for once.
struct Rates<'a> {
    exporters: &'a dyn Exporters,
    last: Cell<Option<(u32, u32, Sampling)>>,
}

impl<'a> Rates<'a> {
    fn new(exporters: &'a dyn Exporters) -> Self {
        Self { exporters, last: Cell::new(None) }
    }

    fn of(&self, row: &Row) -> Sampling {
        if let Some((exporter, rate, sampling)) = self.last.get()
            && (exporter, rate) == (row.exporter, row.sampling_rate)
        {
            return sampling;
        }
        let stated = (row.sampling_rate > 0).then_some(f64::from(row.sampling_rate));
        let sampling = self.exporters.sampling(row.exporter, stated, None);
        self.last.set(Some((row.exporter, row.sampling_rate, sampling)));
        sampling
    }
}

/// Origins and the places of their words in the dictionary.
const ORIGINS: [(u8, SamplingOrigin); 5] = [
    (0, SamplingOrigin::Record),
    (1, SamplingOrigin::Options),
    (2, SamplingOrigin::Configured),
    (3, SamplingOrigin::Assumed),
    (4, SamplingOrigin::Unknown),
];
