// SPDX-License-Identifier: Apache-2.0
//! Rows that wait, and who they are from.

use std::collections::HashMap;

use penstock_record::{BatchBuilder, BatchKind, Column, column};

use crate::memory::sampling::{Sampling, SamplingOrigin};
use crate::rows::{Exporters, Identity};

use super::columns::{Filler, fill_lists};
use super::extras::Extras;
use super::row::{Aside, Groups, Lists, Row};

/// Packets of one kind of batch that wait.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub rows: Vec<Row>,
    pub asides: Vec<Aside>,
    pub lists: Lists,
    pub extras: Extras,
}

impl Store {
    /// Fills the columns of packets; what is the kind's own comes on top.
    pub(super) fn fill(
        &mut self,
        kind: BatchKind,
        exporters: &dyn Exporters,
        batch: &mut BatchBuilder,
    ) {
        let sessions: Vec<_> =
            self.rows.iter().map(|row| (row.exporter, row.received_ns)).collect();
        fill_session(kind, &sessions, exporters, batch);
        Filler::new(kind, batch, &self.rows, &self.asides).packets();
        fill_lists(kind, self, batch);
    }

    /// Forgets all rows, and keeps the room they had.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.asides.clear();
        self.lists = Lists::default();
        self.extras = Extras::default();
    }

    /// Fills what flows alone have: times, counters, sampling.
    pub(super) fn fill_flows(&self, exporters: &dyn Exporters, batch: &mut BatchBuilder) {
        let rows = &self.rows;
        let octets = |row: &Row| u64::from(row.packet.octets);
        let packets = |row: &Row| u64::from(row.groups.has(Groups::PACKET));
        batch.timestamps(column::TIME_START, None, rows.iter().map(|row| row.time_ns));
        batch.timestamps(column::TIME_END, None, rows.iter().map(|row| row.time_ns));
        batch.u64(column::OCTETS, None, rows.iter().map(octets));
        batch.u64(column::PACKETS, None, rows.iter().map(packets));
        batch.constant_text(column::COUNTER_SEMANTICS, "delta");
        batch.u8(column::END_REASON, None, rows.iter().map(|_| 0));
        batch.constant_text(column::SOURCE_KIND, "sflow");
        let suspect = |row: &Row| row.groups.has(Groups::SUSPECT);
        batch.bool(column::TIME_SUSPECT, None, rows.iter().map(suspect));
        batch.u32(column::IN_IF, None, rows.iter().map(|row| row.in_if));
        batch.u32(column::OUT_IF, None, rows.iter().map(|row| row.out_if));
        batch.u32(column::SEQUENCE, None, rows.iter().map(|row| row.sequence));

        let sampling = self.sampling(exporters);
        batch.f64(column::SAMPLING_RATE, None, sampling.iter().map(|one| one.rate));
        let words = ORIGINS.map(SamplingOrigin::name);
        let key = |one: &Sampling| ORIGINS.iter().position(|origin| *origin == one.origin);
        let key = |one: &Sampling| u8::try_from(key(one).unwrap_or(0)).unwrap_or(0);
        batch.dictionary(column::SAMPLING_ORIGIN, None, &words, sampling.iter().map(key));
    }

    /// Rates by what the sample stated, or by what else is known if it stated 0.
    fn sampling(&self, exporters: &dyn Exporters) -> Vec<Sampling> {
        let mut last: Option<(u32, u32, Sampling)> = None;
        let rate = |row: &Row| {
            if let Some((exporter, rate, sampling)) = last
                && (exporter, rate) == (row.exporter, row.sampling_rate)
            {
                return sampling;
            }
            let stated = (row.sampling_rate > 0).then_some(f64::from(row.sampling_rate));
            let sampling = exporters.sampling(row.exporter, stated, None);
            last = Some((row.exporter, row.sampling_rate, sampling));
            sampling
        };
        self.rows.iter().map(rate).collect()
    }
}

/// Who sent each of some rows, and when it came: columns that every kind has.
pub(super) fn fill_session(
    kind: BatchKind,
    rows: &[(u32, i64)],
    exporters: &dyn Exporters,
    batch: &mut BatchBuilder,
) {
    let mut known: HashMap<u32, Identity> = HashMap::new();
    let mut last: Option<(u32, Identity)> = None;
    let identity = |exporter: u32| match last {
        Some((same, identity)) if same == exporter => identity,
        _ => {
            let identity = *known.entry(exporter).or_insert_with(|| exporters.identity(exporter));
            last = Some((exporter, identity));
            identity
        }
    };
    let identities: Vec<Identity> =
        rows.iter().map(|(exporter, _)| *exporter).map(identity).collect();
    let column = |flows: Column| match kind {
        BatchKind::Flows => Some(flows),
        other => Column::by_name_in(other, flows.name()),
    };
    if let Some(column) = column(column::TIME_RECEIVED) {
        batch.timestamps(column, None, rows.iter().map(|(_, received_ns)| *received_ns));
    }
    if let Some(column) = column(column::EXPORTER_ADDR) {
        batch.ip(column, None, identities.iter().map(|one| one.addr));
    }
    if let Some(column) = column(column::EXPORTER_PORT) {
        batch.u16(column, None, identities.iter().map(|one| one.port));
    }
    if let Some(column) = column(column::OBSERVATION_DOMAIN) {
        batch.u32(column, None, identities.iter().map(|one| one.domain));
    }
}

/// In the order of the words of `sampling_origin`.
const ORIGINS: [SamplingOrigin; 5] = [
    SamplingOrigin::Record,
    SamplingOrigin::Options,
    SamplingOrigin::Configured,
    SamplingOrigin::Assumed,
    SamplingOrigin::Unknown,
];
