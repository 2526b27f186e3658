// SPDX-License-Identifier: Apache-2.0
//! The partitions of one thread: where packets become flows and flows records.
//!
//! Everything here happens by the packet clock. A packet whose time lies before the last
//! tick counts as if it came at that tick, but its own time is what the record says.

use std::collections::VecDeque;
use std::sync::Arc;

use penstock_wire::Has;

use crate::departed::Departed;
use crate::direction;
use crate::flow::{Aside, EndReason, Hot, Record, State};
use crate::flows::Flows;
use crate::key::Place;
use crate::ledger::FlowCounts;
use crate::parse::{Described, Descriptions, Rare};
use crate::plugin::{Instance, Plugins, Seen};
use crate::prefetch::prefetch;
use crate::rules::{LATEST_NS, Rules, Standing};
use crate::slab::NOWHERE;
use crate::stream::Chunk;
use crate::table::Table;
use crate::tcp::{self, Effect};
use crate::timers::{IN_HEAP, NO_ENTRY, Note, Timers};

/// The number of partitions that the table has, whoever owns them.
pub(crate) const PARTITIONS: usize = 256;

/// Packets whose memory is asked for together: enough for it to arrive in the meantime, few
/// enough for it to stay in the nearest cache.
pub(crate) const GROUP: usize = 64;

/// Some partitions in a row, and what has left them since it was last collected.
///
/// Which partition a flow is in follows from its key alone, and what happens in one
/// depends on no other: so it does not depend on how many threads there are.
pub(crate) struct Owner {
    rules: Arc<Rules>,
    instances: Vec<Arc<dyn Instance>>,
    /// Number of the first partition.
    first: usize,
    /// Of each partition.
    tables: Vec<Table>,
    /// Of each partition.
    timers: Vec<Timers>,
    /// Of each partition, the earliest time at which a flow of it may be due; perhaps earlier.
    next_ns: Vec<i64>,
    /// Of each partition, places that have no flow. A place stays with its partition, as
    /// its timer's entry does.
    free: Vec<Vec<u32>>,
    flows: Flows,
    plugins: Plugins,
    /// The packet clock at the last tick.
    tick_ns: i64,
    pub departed: Departed,
    pub counts: FlowCounts,
}

impl Owner {
    pub fn new(
        rules: Arc<Rules>,
        partitions: std::ops::Range<usize>,
        instances: &[Arc<dyn Instance>],
    ) -> Self {
        let plugins = Plugins::new(instances);
        Self {
            first: partitions.start,
            tables: partitions.clone().map(|_| Table::default()).collect(),
            timers: partitions.clone().map(|_| Timers::default()).collect(),
            next_ns: vec![i64::MAX; partitions.len()],
            free: partitions.map(|_| Vec::new()).collect(),
            flows: Flows::default(),
            rules,
            instances: instances.to_vec(),
            plugins,
            tick_ns: i64::MIN,
            departed: Departed::new(instances),
            counts: FlowCounts::default(),
        }
    }

    /// How many flows are in the table.
    pub fn flows(&self) -> u64 {
        self.counts.begun - self.counts.ended
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> usize {
        self.tables.len()
    }

    /// What has left, in order; `None` if nothing has.
    pub fn take_departed(&mut self) -> Option<Departed> {
        if self.departed.len() == 0 {
            return None;
        }
        let mut ordered = Departed::new(&self.instances);
        self.departed.move_in_order(&mut ordered);
        Some(ordered)
    }

    /// Takes up some packets, in their order. `chunk` is where their frames are.
    pub fn meter_all(&mut self, all: &Descriptions, chunk: &impl Chunk) {
        for group in all.packets().chunks(GROUP) {
            self.meter_group(group.iter(), all, chunk);
        }
    }

    /// Takes up those packets that `share` names, in their order.
    pub fn meter_share(&mut self, all: &Descriptions, share: &[u32], chunk: &impl Chunk) {
        for (turn, group) in share.chunks(GROUP).enumerate() {
            // Another core has described them, perhaps.
            let next = share.get((turn + 1) * GROUP..).unwrap_or(&[]).iter().take(GROUP);
            for described in next.filter_map(|index| all.packet(*index)) {
                let line: *const u8 = std::ptr::from_ref(described).cast();
                for part in 0..size_of::<Described>() / 64 {
                    prefetch(line.wrapping_add(part * 64));
                }
            }
            self.meter_group(group.iter().filter_map(|index| all.packet(*index)), all, chunk);
        }
    }

    /// The packet clock has come to `clock_ns`: what is due may be let go with
    /// [`expire`](Self::expire).
    pub fn tick(&mut self, clock_ns: i64) {
        self.tick_ns = self.tick_ns.max(clock_ns).min(LATEST_NS);
    }

    /// The next partition from `index` on that may have flows that are due.
    pub fn next_due(&self, index: usize) -> Option<usize> {
        let rest = self.next_ns.get(index..)?;
        Some(index + rest.iter().position(|next_ns| *next_ns <= self.tick_ns)?)
    }

    /// Lets the flows of a partition leave that are due.
    pub fn expire(&mut self, index: usize) {
        self.let_due_leave(index, self.tick_ns);
        let next_ns = self.timers_of(index).next_ns();
        if let Some(own) = self.next_ns.get_mut(index) {
            *own = next_ns;
        }
    }

    fn let_due_leave(&mut self, index: usize, now_ns: i64) {
        self.begin_buckets(index, now_ns);
        loop {
            let mut due = [NOWHERE; FETCH_DUE];
            let places = self.fetch_due(index, now_ns, &mut due);
            for place in due.into_iter().take(places) {
                if self.flows.entry_counts(place, IN_HEAP) {
                    self.look_at(index, place, now_ns);
                }
            }
            if places < FETCH_DUE {
                return;
            }
        }
    }

    /// Nothing more will come: all flows of a partition leave.
    pub fn flush(&mut self, index: usize) {
        let now_ns = self.tick_ns;
        let places: Vec<u32> = self.table_of(index).places().collect();
        for place in places {
            let hot = self.flows.hot.get(place);
            let ended = hot.state.has(State::ENDED);
            let last = if ended { EndReason::EndOfFlow } else { EndReason::Forced };
            let reason = self.rules.reason(hot, now_ns).unwrap_or(last);
            self.leave(index, place, reason);
        }
        // These places will not be needed again.
        if let Some(free) = self.free.get_mut(index) {
            *free = Vec::new();
        }
    }

    /// Takes up a group of at most [`GROUP`] packets. The memory that they need is asked for
    /// first: what finds their flows, and once that is there, the flows.
    fn meter_group<'a>(
        &mut self,
        group: impl Iterator<Item = &'a Described> + Clone,
        all: &Descriptions,
        chunk: &impl Chunk,
    ) {
        let mut likely = [NOWHERE; GROUP];
        for described in group.clone() {
            if let Some(table) = self.tables.get(self.index_of(described)) {
                prefetch(table.line(described.place.hash));
            }
        }
        for (described, likely) in group.clone().zip(&mut likely) {
            let index = self.index_of(described);
            let Some(table) = self.tables.get(index) else { continue };
            if let Some(place) = table.likely(described.place.hash) {
                fetch_hot(self.flows.hot.get(place));
                *likely = place;
            } else if let Some(place) = self.free.get(index).and_then(|free| free.last()) {
                fetch_hot(self.flows.hot.get(*place));
                prefetch(std::ptr::from_ref(self.flows.cold.get(*place)).cast());
            }
        }
        for (described, likely) in group.zip(likely) {
            self.meter(described, likely, all.rare(described), chunk);
        }
    }

    /// Takes up one packet. Its flow is at `likely`, if that is still so.
    #[inline]
    fn meter(
        &mut self,
        described: &Described,
        likely: u32,
        rare: Option<&Rare>,
        chunk: &impl Chunk,
    ) {
        self.counts.packets += 1;
        let now_ns = described.time_ns.max(self.tick_ns).min(LATEST_NS);
        self.counts.clamped += u64::from(described.time_ns != now_ns);
        let index = self.index_of(described);
        let place = match self.find(index, &described.place, likely, rare) {
            Some(place) => {
                match self.rules.standing(self.flows.hot.get(place), described, now_ns) {
                    Standing::Goes => place,
                    Standing::Cut => {
                        self.cut(index, place);
                        place
                    }
                    Standing::Over(reason) => {
                        self.leave(index, place, reason);
                        self.begin(index, described, rare, now_ns)
                    }
                }
            }
            None => self.begin(index, described, rare, now_ns),
        };
        let begins = self.flows.count(place, described, rare, now_ns);
        if !self.plugins.is_empty() {
            self.show(place, described, chunk);
        }
        if begins && self.flows.hot.get(place).timer == NO_ENTRY {
            self.schedule(index, place);
        }
        let packet = &described.packet;
        if packet.has.contains(Has::TCP)
            && tcp::may_end(packet.tcp_flags)
            && self.rules.layout.tells_connections_apart()
        {
            self.tcp(index, place, described, rare, now_ns);
        }
    }

    #[inline]
    fn find(&self, index: usize, wanted: &Place, likely: u32, rare: Option<&Rare>) -> Option<u32> {
        if likely != NOWHERE && self.flows.is_at(likely, wanted, rare) {
            return Some(likely);
        }
        let table = self.tables.get(index)?;
        table.find(wanted.hash, |place| self.flows.is_at(place, wanted, rare))
    }

    /// Makes room for a flow, and the flow.
    fn begin(
        &mut self,
        index: usize,
        described: &Described,
        rare: Option<&Rare>,
        now_ns: i64,
    ) -> u32 {
        if self.table_of(index).len() >= self.rules.partition_limit {
            self.evict_nearest(index, now_ns);
        }
        let side = usize::from(described.place.from_high);
        let uniflow = self.rules.layout.uniflow();
        let source = direction::source_side(&described.packet, side, uniflow);
        let free = self.free.get_mut(index).and_then(Vec::pop);
        let place = free.unwrap_or_else(|| self.flows.new_place());
        self.flows.begin(place, &described.place, rare, source);
        self.table_of(index).insert(described.place.hash, place);
        self.counts.begun += 1;
        place
    }

    /// Shows the packet to the plugins.
    fn show(&mut self, place: u32, described: &Described, chunk: &impl Chunk) {
        let hot = self.flows.hot.get_mut(place);
        let begins = hot.plugins == NOWHERE;
        if !begins && hot.wants == 0 {
            return;
        }
        let frame = if described.frame == NOWHERE {
            &[]
        } else {
            chunk.frame(described.frame as usize).0.bytes
        };
        let seen = Seen {
            packet: &described.packet,
            time_ns: described.time_ns,
            from_source: usize::from(described.place.from_high) == hot.source(),
            uniflow: self.rules.layout.uniflow(),
            frame,
        };
        if begins {
            (hot.plugins, hot.wants) = self.plugins.start(&seen);
        }
        if hot.wants != 0 {
            hot.wants = self.plugins.observe(hot.plugins, hot.wants, &seen);
        }
    }

    /// Looks whether the packet ends its connection.
    #[inline]
    fn tcp(
        &mut self,
        index: usize,
        place: u32,
        described: &Described,
        rare: Option<&Rare>,
        now_ns: i64,
    ) {
        let layout = &self.rules.layout;
        let side = usize::from(described.place.from_high);
        let flags = described.packet.tcp_flags;
        let hot = self.flows.hot.get_mut(place);
        let effect = tcp::observe(hot, flags, side, layout.uniflow());
        if effect == Effect::None {
            return;
        }
        let both = effect == Effect::EndsBoth && layout.has_other_direction();
        self.end(index, place, now_ns);
        if both {
            let mut other = described.place;
            other.key = other.key.of_other_direction();
            if let Some(place) = self.find(index, &other, NOWHERE, rare)
                && !self.flows.hot.get(place).state.has(State::ENDED)
            {
                self.end(index, place, now_ns);
            }
        }
    }

    /// The connection has ended; the flow lingers.
    fn end(&mut self, index: usize, place: u32, now_ns: i64) {
        let hot = self.flows.hot.get_mut(place);
        hot.state.set(State::ENDED);
        hot.start_ns = now_ns;
        self.schedule(index, place);
        if let Some(timers) = self.timers.get_mut(index) {
            timers.clear_heap(|place| self.flows.hot.get(place).timer);
        }
    }

    /// Sees to it that a flow is looked at when it is due.
    #[inline]
    fn schedule(&mut self, index: usize, place: u32) {
        let hot = self.flows.hot.get_mut(place);
        let deadline_ns = self.rules.deadline(hot);
        if let (Some(timers), Some(next_ns)) =
            (self.timers.get_mut(index), self.next_ns.get_mut(index))
        {
            timers.hasten(place, &mut hot.timer, deadline_ns);
            *next_ns = timers.next_ns().min(*next_ns);
        }
    }

    /// Takes the next places that may be due, and asks for all that their leaving will touch.
    fn fetch_due(&mut self, index: usize, now_ns: i64, due: &mut [u32; FETCH_DUE]) -> usize {
        let mut places = 0;
        for due in due.iter_mut() {
            let Some(place) = self.timers_of(index).pop_due(now_ns) else { break };
            fetch_hot(self.flows.hot.get(place));
            prefetch(std::ptr::from_ref(self.flows.cold.get(place)).cast());
            *due = place;
            places += 1;
        }
        for place in due.iter().take(places) {
            let hot = self.flows.hot.get(*place);
            if let Some(table) = self.tables.get(index) {
                prefetch(table.line(self.rules.layout.hash_of(&hot.key, self.flows.rest(hot))));
            }
        }
        places
    }

    /// Lets a flow leave if it is due, or sees to it that it is looked at again.
    fn look_at(&mut self, index: usize, place: u32, now_ns: i64) {
        match self.rules.reason(self.flows.hot.get(place), now_ns) {
            Some(EndReason::Active) => self.cut(index, place),
            Some(reason) => return self.leave(index, place, reason),
            None => {}
        }
        self.schedule(index, place);
    }

    /// Schedules the flows of all buckets whose time has begun.
    fn begin_buckets(&mut self, index: usize, now_ns: i64) {
        while let Some((bucket, entries)) = self.timers_of(index).begin_bucket(now_ns) {
            self.reschedule(index, bucket, entries);
        }
    }

    /// Schedules the flows of a bucket by when they are due now.
    fn reschedule(&mut self, index: usize, bucket: Note, entries: VecDeque<u32>) {
        for (turn, place) in entries.iter().enumerate() {
            if let Some(ahead) = entries.get(turn + FETCH_AHEAD) {
                fetch_hot(self.flows.hot.get(*ahead));
            }
            if self.flows.entry_counts(*place, bucket) {
                self.schedule(index, *place);
            }
        }
        self.timers_of(index).recycle(bucket, entries);
    }

    /// Lets the flow leave that is nearest its end.
    fn evict_nearest(&mut self, index: usize, now_ns: i64) {
        self.begin_buckets(index, now_ns);
        loop {
            let Some((asked_ns, place)) = self.timers_of(index).pop() else {
                let next = self.timers_of(index).begin_nearest();
                let Some((bucket, entries)) = next else { return };
                self.reschedule(index, bucket, entries);
                continue;
            };
            if !self.flows.entry_counts(place, IN_HEAP) {
                continue;
            }
            let hot = self.flows.hot.get(place);
            if self.rules.deadline(hot) > asked_ns {
                self.schedule(index, place);
                continue;
            }
            let reason = self.rules.reason(hot, now_ns).unwrap_or(EndReason::LackOfResources);
            self.leave(index, place, reason);
            return;
        }
    }

    /// The record ends, the flow goes on.
    fn cut(&mut self, index: usize, place: u32) {
        self.record(index, place, EndReason::Active);
        self.flows.hot.get_mut(place).begin_next_record();
    }

    /// The flow ends, and its record with it.
    fn leave(&mut self, index: usize, place: u32, reason: EndReason) {
        let hot = self.flows.hot.get(place);
        let hash = self.rules.layout.hash_of(&hot.key, self.flows.rest(hot));
        // Since the active timeout cut its last record, nothing came: there is none to end.
        if !hot.state.has(State::EMPTY) {
            self.record(index, place, reason);
        }
        self.table_of(index).remove(hash, place);
        self.flows.end(place);
        if let Some(free) = self.free.get_mut(index) {
            free.push(place);
        }
        self.counts.ended += 1;
    }

    fn record(&mut self, index: usize, place: u32, reason: EndReason) {
        let hot = self.flows.hot.get_mut(place);
        self.plugins.leave(hot.plugins, &mut self.departed.left);
        (hot.plugins, hot.wants) = (NOWHERE, 0);
        let hot = *hot;
        let aside: Option<Box<Aside>> =
            (hot.aside != NOWHERE).then(|| Box::new(*self.flows.asides.get(hot.aside)));
        let record = Record { hot, cold: *self.flows.cold.get(place), aside, reason };
        self.counts.left(reason, record.packets());
        self.departed.push(self.first + index, record);
    }

    /// Which of these partitions the packet's flow is in.
    #[inline]
    fn index_of(&self, described: &Described) -> usize {
        usize::from(described.place.partition()).wrapping_sub(self.first)
    }

    #[inline]
    fn table_of(&mut self, index: usize) -> &mut Table {
        match self.tables.get_mut(index) {
            Some(table) => table,
            None => unreachable!("packets are dealt out by partition"),
        }
    }

    #[inline]
    fn timers_of(&mut self, index: usize) -> &mut Timers {
        match self.timers.get_mut(index) {
            Some(timers) => timers,
            None => unreachable!("packets are dealt out by partition"),
        }
    }
}

/// Asks for both cache lines.
#[inline]
fn fetch_hot(hot: &Hot) {
    let line: *const u8 = std::ptr::from_ref(hot).cast();
    prefetch(line);
    prefetch(line.wrapping_add(64));
}

/// How many entries ahead a bucket's flows are fetched.
const FETCH_AHEAD: usize = 8;
/// How many flows that are due are fetched together.
const FETCH_DUE: usize = 16;
