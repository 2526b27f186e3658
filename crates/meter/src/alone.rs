// SPDX-License-Identifier: Apache-2.0
//! Every stage in turn, in the calling thread.

use std::sync::Arc;

use crate::departed::Departed;
use crate::fragments::Fragments;
use crate::ledger::{FlowCounts, FragmentCounts, PacketCounts};
use crate::owner::{GROUP, Owner, PARTITIONS};
use crate::parse::{Descriptions, Parser};
use crate::reading::{Progress, Reading};
use crate::select::Select;
use crate::stream::Packets;

/// The engine of one thread.
pub(crate) struct Alone<S: Packets, F> {
    reading: Reading<S>,
    chunk: S::Chunk,
    parser: Parser<F>,
    group: Descriptions,
    fragments: Fragments,
    owner: Owner,
    counts: PacketCounts,
    progress: Arc<Progress>,
    phase: Phase,
}

/// What comes next. Flows leave partition by partition, so that those that leave together
/// need not all be held at once.
enum Phase {
    Reading,
    /// The tick at a chunk's end has come to this partition.
    Ticking(usize),
    /// The end of the input has.
    Flushing(usize),
    Over,
}

impl<S: Packets, F: Select> Alone<S, F> {
    pub fn new(
        reading: Reading<S>,
        parser: Parser<F>,
        fragments: Fragments,
        owner: Owner,
        progress: Arc<Progress>,
    ) -> Self {
        Self {
            reading,
            chunk: S::Chunk::default(),
            parser,
            group: Descriptions::default(),
            fragments,
            owner,
            counts: PacketCounts::default(),
            progress,
            phase: Phase::Reading,
        }
    }

    /// Goes one step on; what leaves is added to `rows`. Answers whether there is more.
    pub fn step(&mut self, rows: &mut Departed) -> bool {
        match self.phase {
            Phase::Reading => {
                self.chunk();
                self.owner.departed.move_in_order(rows);
            }
            Phase::Ticking(partition) => match self.owner.next_due(partition) {
                Some(due) => {
                    self.owner.expire(due);
                    self.owner.departed.move_in_order(rows);
                    self.phase = Phase::Ticking(due + 1);
                }
                None => self.phase = Phase::Reading,
            },
            Phase::Flushing(partition) => {
                self.owner.flush(partition);
                self.owner.departed.move_in_order(rows);
                let next = partition + 1;
                self.phase = if next < PARTITIONS { Phase::Flushing(next) } else { Phase::Over };
            }
            Phase::Over => return false,
        }
        true
    }

    /// Why the reading ended, if not as it should; told once.
    pub fn take_error(&mut self) -> Option<S::Error> {
        self.reading.take_error()
    }

    pub fn counts(&self) -> (PacketCounts, FragmentCounts, FlowCounts) {
        (self.counts.clone(), self.fragments.counts, self.owner.counts)
    }

    fn chunk(&mut self) {
        let Some(extent) = self.reading.read(&mut self.chunk) else {
            self.fragments.flush(&mut self.group);
            self.owner.meter_all(&self.group, &self.chunk);
            self.phase = Phase::Flushing(0);
            return;
        };
        let mut clock_ns = extent.clock_before_ns;
        let mut start = 0;
        while start < extent.packets {
            let end = extent.packets.min(start + GROUP);
            let before_ns = clock_ns;
            self.group.clear();
            let (group, counts) = (&mut self.group, &mut self.counts);
            self.parser.parse(&self.chunk, start..end, &mut clock_ns, group, counts);
            self.fragments.pass(group, &self.chunk, start, before_ns);
            self.owner.meter_all(group, &self.chunk);
            start = end;
        }
        self.fragments.tick(clock_ns, &mut self.group);
        self.owner.meter_all(&self.group, &self.chunk);
        self.owner.tick(clock_ns);
        self.phase = Phase::Ticking(0);
        self.progress.set_flows(self.owner.flows());
    }
}
