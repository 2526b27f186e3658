// SPDX-License-Identifier: Apache-2.0
//! Rows that wait, with all that is kept beside them.

use penstock_record::{BatchBuilder, BatchKind, column};

use crate::rows::Exporters;

use super::columns::{Filler, fill_lists};
use super::extras::Extras;
use super::lists::Lists;
use super::origins::{Origin, Origins};
use super::row::{Aside, Groups, Route, Row};

/// Packets of one kind of batch that wait.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub rows: Vec<Row>,
    /// Those of each row: what has to be known of all rows before any is written.
    groups: Vec<Groups>,
    origins: Origins,
    pub asides: Vec<Aside>,
    pub routes: Vec<Route>,
    pub lists: Lists,
    pub extras: Extras,
}

impl Store {
    /// Adds a row, to be filled where it is: rows are long to be copied. Answers its place.
    #[inline]
    pub(super) fn begin(&mut self) -> usize {
        let place = self.rows.len();
        self.rows.push(Row::default());
        place
    }

    /// The row that was added is filled. `stated_rate` is that of its sample, 0 if it is not known.
    #[inline]
    pub(super) fn finish(&mut self, origin: Origin, stated_rate: u32) {
        self.groups.push(self.rows.last().map_or(Groups::ALWAYS, |row| row.groups));
        self.origins.push(origin, stated_rate);
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
        let mut filler = Filler::new(kind, &self.rows, &self.groups);
        filler.packets(&self.asides, &self.routes);
        if kind == BatchKind::Flows {
            flows_alone(&mut filler);
            self.origins.fill_rates(exporters, batch);
            batch.constant_text(column::COUNTER_SEMANTICS, "delta");
            batch.constant_text(column::SOURCE_KIND, "sflow");
        }
        self.origins.fill(&filler, exporters, batch);
        fill_lists(&mut filler, std::mem::take(&mut self.lists), batch);
        filler.extras(&self.asides, &mut self.extras, batch);
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
        self.origins.clear();
        self.asides.clear();
        self.routes.clear();
        self.lists = Lists::default();
        self.extras = Extras::default();
    }
}

/// What flows have and drops do not: times, counters, interfaces.
fn flows_alone(filler: &mut Filler<'_>) {
    let always = Groups::ALWAYS;
    filler.timestamps(column::TIME_START, always, |row| row.time_ns);
    filler.timestamps(column::TIME_END, always, |row| row.time_ns);
    filler.u64(column::PACKETS, always, |row| u64::from(row.groups.has(Groups::PACKET)));
    filler.u8(column::END_REASON, always, |_| 0);
    filler.bool(column::TIME_SUSPECT, always, |row| row.groups.has(Groups::SUSPECT));
    filler.u32(column::IN_IF, always, |row| row.in_if);
    filler.u32(column::OUT_IF, always, |row| row.out_if);
}
