// SPDX-License-Identifier: Apache-2.0
//! sFlow samples to rows: of flows, of interface counters and of dropped packets.
//!
//! A sampled packet is a flow of one packet. What the agent counts (datagrams, samples, what it lost) is not followed
//! here: each sample is told to the caller as it goes by. Who the agent is, is asked when batches are made.

mod columns;
mod counters;
mod drops;
mod extras;
mod lists;
mod origins;
mod packet;
mod route;
mod row;
mod sources;
mod store;
#[cfg(test)]
mod tests;

use penstock_codec::Malformed;
use penstock_codec::sflow::{
    Datagram, DiscardedPacket, FlowRecord, FlowSample, Interface, Sample, Source, forwarding_status,
};
use penstock_record::{BatchBuilder, BatchKind};
use penstock_wire::{Extra, Tunnels};

use arrow_array::RecordBatch;

use crate::rows::Exporters;
use counters::Counters;
use drops::Details;
use origins::Origin;
use packet::{Draft, Kept};
use row::Groups;
pub(crate) use sources::Sources;
use store::Store;

/// Where a datagram came from, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SflowMessage {
    /// The collector's index of agent and sub-agent.
    pub exporter: u32,
    /// When it was received, in nanoseconds since 1970.
    pub received_ns: i64,
}

impl SflowMessage {
    const fn origin(&self, sequence: u32) -> Origin {
        Origin { exporter: self.exporter, sequence, received_ns: self.received_ns }
    }
}

/// What a sample says of its source, for whoever follows what was lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct SourceSample {
    /// Which kind of sample: each has sequence numbers of its own.
    pub kind: SampleKind,
    /// What was sampled.
    pub source: Source,
    /// Counts samples of this kind and source.
    pub sequence: u32,
    /// One of how many packets is sampled; 0 is not known, and in other than flow samples.
    pub sampling_rate: u32,
    /// Packets that could have been sampled so far; 0 in other than flow samples.
    pub sample_pool: u32,
    /// Samples or reports that the agent has lost or held back so far; 0 in counter samples.
    pub drops: u32,
}

/// The kinds of sample.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum SampleKind {
    /// A sampled packet.
    Flow,
    /// Counters.
    Counter,
    /// A dropped packet.
    Drop,
}

/// What became of a datagram.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Taken {
    /// Rows of flows.
    pub flow_samples: u32,
    /// Rows of interface counters.
    pub counter_samples: u32,
    /// Rows of drops.
    pub drop_samples: u32,
    /// Samples of a kind that is not read.
    pub unknown_samples: u32,
    /// Records with lists or without a column for which there was no room.
    pub unkept_records: u32,
    /// What was wrong first, if the datagram was not whole. Samples before and, if only a part of one was
    /// wrong, behind it are rows all the same.
    pub malformed: Option<Malformed>,
}

/// Samples that wait to become batches.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    tunnels: Tunnels,
    flows: Store,
    drops: Store,
    details: Vec<Details>,
    counters: Counters,
    scratch: Extra,
}

impl Samples {
    /// None yet. `tunnels` says which packet of a tunnelled one a row is about.
    pub(crate) fn new(tunnels: Tunnels) -> Self {
        Self { tunnels, ..Self::default() }
    }

    /// Makes rows of a datagram's samples, and tells `seen` of each.
    pub(crate) fn take(
        &mut self,
        datagram: &Datagram<'_>,
        message: &SflowMessage,
        mut seen: impl FnMut(&SourceSample),
    ) -> Taken {
        let mut taken = Taken::default();
        let sequence = datagram.header.sequence;
        for sample in datagram.samples() {
            let outcome = match sample {
                Ok(Sample::Flow(sample)) => {
                    seen(&source_sample_of_flow(&sample));
                    taken.flow_samples += 1;
                    self.take_flow(sample, message, sequence, &mut taken)
                }
                Ok(Sample::Counters(sample)) => {
                    let (source, sequence_of) = (sample.head.source, sample.head.sequence);
                    seen(&source_sample(SampleKind::Counter, source, sequence_of, 0));
                    taken.counter_samples += 1;
                    self.counters.take(sample, message, sequence, &mut taken.unkept_records)
                }
                Ok(Sample::Discarded(sample)) => {
                    let head = &sample.head;
                    seen(&source_sample(SampleKind::Drop, head.source, head.sequence, head.drops));
                    taken.drop_samples += 1;
                    self.take_drop(sample, message, sequence, &mut taken)
                }
                Ok(Sample::Unknown(_)) => {
                    taken.unknown_samples += 1;
                    Ok(())
                }
                Err(wrong) => Err(wrong),
            };
            if let Err(wrong) = outcome {
                taken.malformed.get_or_insert(wrong);
            }
        }
        taken
    }

    /// Rows that wait, of all kinds.
    pub(crate) fn len(&self) -> usize {
        self.flows.len() + self.drops.len() + self.counters.len()
    }

    /// Octets of lists and of records without a column that wait: a few rows can have many. They are bounded, but long
    /// before that it is time for a batch.
    pub(crate) fn list_octets(&self) -> usize {
        self.flows.list_octets() + self.drops.list_octets() + self.counters.extras.octets()
    }

    /// All that waits, as a batch of each kind that there is any of.
    pub(crate) fn drain(&mut self, exporters: &dyn Exporters) -> Vec<(BatchKind, RecordBatch)> {
        let mut batches = Vec::new();
        if self.flows.len() > 0 {
            let mut batch = BatchBuilder::new(self.flows.len());
            self.flows.fill(BatchKind::Flows, exporters, &mut batch);
            self.flows.clear();
            batches.push((BatchKind::Flows, batch.finish()));
        }
        if self.counters.len() > 0 {
            let mut batch = BatchBuilder::new(self.counters.len());
            self.counters.drain(exporters, &mut batch);
            batches.push((BatchKind::InterfaceCounters, batch.finish()));
        }
        if self.drops.len() > 0 {
            let mut batch = BatchBuilder::new(self.drops.len());
            self.drops.fill(BatchKind::Drops, exporters, &mut batch);
            drops::fill(&self.details, &mut batch);
            self.drops.clear();
            self.details.clear();
            batches.push((BatchKind::Drops, batch.finish()));
        }
        batches
    }

    /// A sampled packet is a flow of one packet, which began and ended as it was received, or when its record
    /// `timestamp` says. A sample without any header is not about a packet (applications are sampled too): it has
    /// none.
    ///
    /// `in_if` and `out_if` are as the agent numbers interfaces, 1073741823 being itself. A packet that was discarded
    /// has `out_if` 0, and `forwarding_status` says so; one that left by several has 0 as well.
    #[inline]
    fn take_flow(
        &mut self,
        sample: FlowSample<'_>,
        message: &SflowMessage,
        sequence: u32,
        taken: &mut Taken,
    ) -> Result<(), Malformed> {
        let head = &sample.head;
        let store = &mut self.flows;
        let place = store.begin();
        let Some(row) = store.rows.last_mut() else { return Ok(()) };
        row.time_ns = message.received_ns;
        row.in_if = if_index(head.input);
        row.out_if = if_index(head.output);
        if head.output.format == Interface::DISCARDED {
            row.forwarding_status = forwarding_status(head.output.value);
            row.groups.add(Groups::FORWARDING);
        }
        let mut kept = Kept {
            row: place,
            asides: &mut store.asides,
            routes: &mut store.routes,
            lists: &mut store.lists,
            extras: &mut store.extras,
            unkept: &mut taken.unkept_records,
            tunnels: self.tunnels,
            scratch: &mut self.scratch,
        };
        let mut draft = Draft::default();
        let mut outcome = Ok(());
        let mut records = sample.records;
        while let Some(record) = records.whole() {
            outcome = outcome.and(draft.take(record, &mut kept));
        }
        outcome = outcome.and(records.end());
        outcome = outcome.and(draft.finish(row, &mut kept));
        store.finish(message.origin(sequence), head.sampling_rate);
        outcome
    }

    /// A dropped packet stands for itself: nobody samples drops.
    #[cold]
    fn take_drop(
        &mut self,
        sample: DiscardedPacket<'_>,
        message: &SflowMessage,
        sequence: u32,
        taken: &mut Taken,
    ) -> Result<(), Malformed> {
        let mut details = Details::new(sample.head);
        let store = &mut self.drops;
        let place = store.begin();
        let Some(row) = store.rows.last_mut() else { return Ok(()) };
        row.time_ns = message.received_ns;
        let mut kept = Kept {
            row: place,
            asides: &mut store.asides,
            routes: &mut store.routes,
            lists: &mut store.lists,
            extras: &mut store.extras,
            unkept: &mut taken.unkept_records,
            tunnels: self.tunnels,
            scratch: &mut self.scratch,
        };
        let mut draft = Draft::default();
        let mut outcome = Ok(());
        for record in sample.records {
            let taken = record.and_then(|record| {
                let ours = details.take(&FlowRecord::read(record)?);
                if ours { Ok(()) } else { draft.take(record, &mut kept) }
            });
            outcome = outcome.and(taken);
        }
        outcome = outcome.and(draft.finish(row, &mut kept));
        store.finish(message.origin(sequence), 0);
        self.details.push(details);
        outcome
    }
}

/// The interface by its number; 0 if there is none, there are several, or it is not known.
const fn if_index(interface: Interface) -> u32 {
    match interface {
        // Some agents say so that they do not know it.
        Interface { value: u32::MAX, .. } => 0,
        Interface { format: Interface::IF_INDEX, value } => value,
        Interface { .. } => 0,
    }
}

fn source_sample_of_flow(sample: &FlowSample<'_>) -> SourceSample {
    let head = &sample.head;
    SourceSample {
        sampling_rate: head.sampling_rate,
        sample_pool: head.sample_pool,
        ..source_sample(SampleKind::Flow, head.source, head.sequence, head.drops)
    }
}

const fn source_sample(
    kind: SampleKind,
    source: Source,
    sequence: u32,
    drops: u32,
) -> SourceSample {
    SourceSample { kind, source, sequence, sampling_rate: 0, sample_pool: 0, drops }
}
