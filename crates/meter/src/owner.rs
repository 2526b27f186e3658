// SPDX-License-Identifier: Apache-2.0
//! The partitions of one thread: where packets become flows and flows records.
//!
//! Everything here happens by the packet clock. A packet whose time lies before the last
//! tick counts as if it came at that tick, but its own time is what the record says.

use std::collections::VecDeque;
use std::sync::Arc;

use penstock_record::BatchBuilder;
use penstock_wire::Has;

use crate::direction;
use crate::flow::{
    Aside, EndReason, Hot, Record, State, at, at_mut, describe, describe_aside, needs_aside,
};
use crate::key::KeyLayout;
use crate::ledger::FlowCounts;
use crate::parse::{Described, Descriptions, Rare};
use crate::partition::Partition;
use crate::plugin::{Instance, Left, Plugins, Seen};
use crate::prefetch::prefetch;
use crate::slab::NOWHERE;
use crate::stream::Chunk;
use crate::tcp::{self, Effect};
use crate::timers::{IN_HEAP, Note};

/// The number of partitions that the table has, whoever owns them.
pub(crate) const PARTITIONS: usize = 256;

/// Packets whose memory is asked for together: enough for it to arrive in the meantime, few
/// enough for it to stay in the nearest cache.
pub(crate) const GROUP: usize = 64;

/// How flows are metered, the same for every thread.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub layout: KeyLayout,
    pub active_ns: i64,
    pub idle_ns: i64,
    /// Most flows of one partition.
    pub partition_limit: usize,
}

/// Some partitions in a row, and what has left them since it was last collected.
pub(crate) struct Owner {
    rules: Arc<Rules>,
    instances: Vec<Arc<dyn Instance>>,
    /// Number of the first partition.
    first: usize,
    partitions: Vec<Partition>,
    plugins: Plugins,
    /// The packet clock at the last tick.
    tick_ns: i64,
    pub departed: Departed,
    pub counts: FlowCounts,
}

/// Records that have left, in the order in which they did.
pub(crate) struct Departed {
    records: Vec<Record>,
    /// The partition of each.
    partitions: Vec<u8>,
    /// Their plugins' states, a row a record.
    left: Vec<Box<dyn Left>>,
}

impl Departed {
    pub fn new(instances: &[Arc<dyn Instance>]) -> Self {
        let left = instances.iter().map(|instance| instance.left()).collect();
        Self { records: Vec::new(), partitions: Vec::new(), left }
    }

    /// Moves the rows behind those of `all`: by partition, and within a partition as they left.
    pub fn move_in_order(&mut self, all: &mut Self) {
        if self.records.is_empty() {
            return;
        }
        let mut order: Vec<u32> = (0..self.records.len() as u32).collect();
        if !self.partitions.is_sorted() {
            order.sort_by_key(|row| self.partitions.get(*row as usize).copied());
        }
        for (left, all) in self.left.iter_mut().zip(&mut all.left) {
            all.append(left.as_mut(), &order);
        }
        for row in order {
            if let Some(record) = self.records.get_mut(row as usize) {
                all.records.push(record.take());
            }
        }
        self.records.clear();
        self.partitions.clear();
    }

    /// Moves rows that are in order already behind those of `all`.
    pub fn append_to(&mut self, all: &mut Self) {
        let order: Vec<u32> = (0..self.records.len() as u32).collect();
        for (left, all) in self.left.iter_mut().zip(&mut all.left) {
            all.append(left.as_mut(), &order);
        }
        all.records.append(&mut self.records);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// The first of them.
    pub fn first(&self, rows: usize) -> &[Record] {
        self.records.get(..rows).unwrap_or(&[])
    }

    /// Fills the plugins' columns of the first rows, which are gone then.
    pub fn write_plugins(&mut self, rows: usize, batch: &mut BatchBuilder) {
        for left in &mut self.left {
            left.write(rows, batch);
        }
        self.records.drain(..rows);
    }

    fn push(&mut self, partition: usize, record: Record) {
        self.records.push(record);
        self.partitions.push(partition as u8);
    }
}

/// What is to be done with a flow that a packet has found.
enum Standing {
    /// Go on.
    Goes,
    /// Its record ends here, the flow goes on.
    Cut,
    /// It ended before this packet.
    Over(EndReason),
}

impl Owner {
    pub fn new(
        rules: Arc<Rules>,
        partitions: std::ops::Range<usize>,
        instances: &[Arc<dyn Instance>],
    ) -> Self {
        let plugins = Plugins::new(instances, rules.layout.uniflow());
        Self {
            first: partitions.start,
            partitions: partitions.map(|_| Partition::default()).collect(),
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

    /// Asks for the memory that [`meter`](Self::meter) will need for a packet: first what
    /// finds the flow, and once that is there, the flow.
    #[inline]
    pub fn fetch_place(&self, described: &Described) {
        if let Some(partition) = self.partition_of(described) {
            prefetch(partition.table.line(described.place.hash));
        }
    }

    /// The second step of asking.
    #[inline]
    pub fn fetch_flow(&self, described: &Described) {
        let Some(partition) = self.partition_of(described) else { return };
        if let Some(place) = partition.table.likely(described.place.hash) {
            fetch_hot(partition.hot.get(place));
        }
    }

    /// Takes up a group of packets, small enough for what is fetched to stay at hand.
    pub fn meter_group(&mut self, group: &Descriptions, chunk: &impl Chunk) {
        for described in &group.packets {
            self.fetch_place(described);
        }
        for described in &group.packets {
            self.fetch_flow(described);
        }
        self.meter_all(group, chunk);
    }

    /// Takes up some packets, in their order. `chunk` is where their frames are.
    pub fn meter_all(&mut self, described: &Descriptions, chunk: &impl Chunk) {
        for packet in &described.packets {
            self.meter(packet, described.rare(packet), chunk);
        }
    }

    /// Takes up those packets that `share` names, in groups.
    pub fn meter_share(&mut self, all: &Descriptions, share: &[u32], chunk: &impl Chunk) {
        let packet = |index: &u32| all.packets.get(*index as usize);
        for group in share.chunks(GROUP) {
            for described in group.iter().filter_map(packet) {
                self.fetch_place(described);
            }
            for described in group.iter().filter_map(packet) {
                self.fetch_flow(described);
            }
            for described in group.iter().filter_map(packet) {
                self.meter(described, all.rare(described), chunk);
            }
        }
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> usize {
        self.partitions.len()
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

    /// Takes up one packet of one of these partitions.
    #[inline]
    pub fn meter(&mut self, described: &Described, rare: Option<&Rare>, chunk: &impl Chunk) {
        self.counts.packets += 1;
        let now_ns = described.time_ns.max(self.tick_ns);
        let index = usize::from(described.place.partition()) - self.first;
        let found = self.partitions.get(index).and_then(|own| own.find(&described.place, rare));
        let (place, begins) = match found {
            Some(place) => match self.standing(index, place, described, now_ns) {
                Standing::Goes => (place, false),
                Standing::Cut => {
                    self.cut(index, place);
                    (place, false)
                }
                Standing::Over(reason) => {
                    self.leave(index, place, reason);
                    (self.begin(index, described, rare, now_ns), true)
                }
            },
            None => (self.begin(index, described, rare, now_ns), true),
        };
        self.count(index, place, described, rare, now_ns);
        if !self.plugins.is_empty() {
            self.show(index, place, described, chunk);
        }
        if begins {
            let (active, idle) = (self.rules.active_ns, self.rules.idle_ns);
            self.schedule(index, place, now_ns.saturating_add(active.min(idle)), now_ns);
        }
        if described.packet.has.contains(Has::TCP) {
            self.tcp(index, place, described, rare, now_ns);
        }
    }

    /// The packet clock has come to `clock_ns`: what is due may be let go with
    /// [`expire`](Self::expire).
    pub fn tick(&mut self, clock_ns: i64) {
        self.tick_ns = self.tick_ns.max(clock_ns);
    }

    /// Nothing more will come: all flows of a partition leave.
    pub fn flush(&mut self, index: usize) {
        let now_ns = self.tick_ns;
        for place in 0..self.partition(index).hot.used() {
            let hot = self.partition(index).hot.get(place);
            if hot.state.has(State::LIVE) {
                let ended = hot.state.has(State::ENDED);
                let last = if ended { EndReason::EndOfFlow } else { EndReason::Forced };
                let reason = self.reason(hot, now_ns).unwrap_or(last);
                self.leave(index, place, reason);
            }
        }
    }

    /// Whether the flow is over for this packet.
    #[inline]
    fn standing(&self, index: usize, place: u32, described: &Described, now_ns: i64) -> Standing {
        let hot = self.partition(index).hot.get(place);
        let side = usize::from(described.place.from_high);
        let tcp = described.packet.has.contains(Has::TCP);
        if tcp && tcp::begins_anew(hot, described.packet.tcp_flags, side) {
            return Standing::Over(EndReason::EndOfFlow);
        }
        match self.reason(hot, now_ns) {
            None if hot.is_full() => Standing::Cut,
            None => Standing::Goes,
            Some(EndReason::Active) => Standing::Cut,
            Some(reason) => Standing::Over(reason),
        }
    }

    /// Why the flow is due, if it is. Idle is tested before active.
    #[inline]
    fn reason(&self, hot: &Hot, now_ns: i64) -> Option<EndReason> {
        if hot.state.has(State::ENDED) {
            let over = now_ns.saturating_sub(hot.start_ns) >= tcp::LINGER_NS;
            return over.then_some(EndReason::EndOfFlow);
        }
        if now_ns.saturating_sub(hot.last_ns()) >= self.rules.idle_ns {
            return Some(EndReason::Idle);
        }
        let long = !hot.state.has(State::EMPTY)
            && now_ns.saturating_sub(hot.start_ns) >= self.rules.active_ns;
        long.then_some(EndReason::Active)
    }

    /// When the flow is due if no packet comes.
    #[inline]
    fn deadline(&self, hot: &Hot) -> i64 {
        if hot.state.has(State::ENDED) {
            return hot.start_ns.saturating_add(tcp::LINGER_NS);
        }
        let idle = hot.last_ns().saturating_add(self.rules.idle_ns);
        if hot.state.has(State::EMPTY) {
            return idle;
        }
        idle.min(hot.start_ns.saturating_add(self.rules.active_ns))
    }

    /// Makes room for a flow, and the flow.
    fn begin(&mut self, index: usize, described: &Described, rare: Option<&Rare>, now_ns: i64) -> u32 {
        if self.partition(index).len() >= self.rules.partition_limit {
            self.evict_nearest(index, now_ns);
        }
        let uniflow = self.rules.layout.uniflow();
        let side = usize::from(described.place.from_high);
        let source = direction::source_side(&described.packet, side, uniflow);
        let partition = self.partition_mut(index);
        let place = partition.begin(&described.place, rare);
        let hot = partition.hot.get_mut(place);
        hot.state.set(State::EMPTY);
        if source == 1 {
            hot.state.set(State::SOURCE_IS_HIGH);
        }
        self.counts.begun += 1;
        place
    }

    /// Counts a packet into its flow's record.
    #[inline]
    fn count(&mut self, index: usize, place: u32, described: &Described, rare: Option<&Rare>, now_ns: i64) {
        let packet = &described.packet;
        let side = usize::from(described.place.from_high);
        let clamped = described.time_ns < now_ns;
        let partition = self.partition_mut(index);
        let hot = partition.hot.get_mut(place);
        let source = hot.source();
        let begins = hot.state.has(State::EMPTY);
        if begins {
            hot.state.clear(State::EMPTY);
            hot.start_ns = now_ns;
            hot.last_ns = [i64::MIN; 2];
            describe(hot, partition.cold.get_mut(place), packet, side, source);
        }
        let packets = at_mut(&mut hot.packets, side);
        *packets += 1;
        if *packets == 1 {
            let cold = partition.cold.get_mut(place);
            *at_mut(&mut cold.first_ns, side) = described.time_ns;
            *at_mut(&mut cold.tos, side) = packet.tos;
            *at_mut(&mut cold.ip_flags, side) = packet.ip_flags;
            if side == source {
                cold.icmp = [packet.icmp_type, packet.icmp_code];
            }
        } else if described.time_ns < at(&hot.last_ns, side) {
            let first = at_mut(&mut partition.cold.get_mut(place).first_ns, side);
            *first = described.time_ns.min(*first);
            if !clamped {
                hot.start_ns = hot.start_ns.min(described.time_ns);
            }
        }
        let last = at_mut(&mut hot.last_ns, side);
        *last = now_ns.max(*last);
        *at_mut(&mut hot.octets, side) += u64::from(packet.octets);
        *at_mut(&mut hot.frame_octets, side) += u64::from(packet.frame_octets);
        let ttl_min = at_mut(&mut hot.ttl_min, side);
        *ttl_min = packet.ttl.min(*ttl_min);
        let ttl_max = at_mut(&mut hot.ttl_max, side);
        *ttl_max = packet.ttl.max(*ttl_max);
        if packet.has.contains(Has::TCP) {
            *at_mut(&mut hot.tcp_flags, side) |= packet.tcp_flags;
            hot.state.set(State::TCP);
        }
        if clamped || needs_aside(packet) || hot.state.has(State::CLAMPED) {
            self.counts.clamped += u64::from(clamped);
            let partition = self.partition_mut(index);
            let first_of_side = at(&partition.hot.get(place).packets, side) == 1;
            let aside = partition.aside_of(place);
            if let Some(rare) = rare.filter(|_| first_of_side) {
                describe_aside(aside, packet, &rare.extra, side, begins);
            }
            self.note_clamped(index, place, described, clamped, begins);
        }
    }

    /// Keeps the original times of a flow whose packet clock is another.
    #[cold]
    fn note_clamped(&mut self, index: usize, place: u32, described: &Described, clamped: bool, begins: bool) {
        let side = usize::from(described.place.from_high);
        let partition = self.partition_mut(index);
        let hot = partition.hot.get_mut(place);
        if begins {
            hot.state.clear(State::CLAMPED);
        }
        let already = hot.state.has(State::CLAMPED);
        if !clamped && !already {
            return;
        }
        let before = if begins { [i64::MIN; 2] } else { hot.last_ns };
        let alone = at(&hot.packets, side) == 1;
        hot.state.set(State::CLAMPED);
        let times = &mut partition.aside_of(place).last_original_ns;
        if !already {
            *times = before;
            // The table has counted this packet as if it came at the tick.
            if alone || begins {
                *at_mut(times, side) = i64::MIN;
            }
        }
        let last = at_mut(times, side);
        *last = described.time_ns.max(*last);
    }

    /// Shows the packet to the plugins.
    fn show(&mut self, index: usize, place: u32, described: &Described, chunk: &impl Chunk) {
        let uniflow = self.plugins.uniflow();
        let Some(partition) = self.partitions.get_mut(index) else { return };
        let hot = partition.hot.get_mut(place);
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
            uniflow,
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
    fn tcp(&mut self, index: usize, place: u32, described: &Described, rare: Option<&Rare>, now_ns: i64) {
        let uniflow = self.rules.layout.uniflow();
        let side = usize::from(described.place.from_high);
        let flags = described.packet.tcp_flags;
        let hot = self.partition_mut(index).hot.get_mut(place);
        let effect = tcp::observe(hot, flags, side, uniflow);
        if effect == Effect::None {
            return;
        }
        self.end(index, place, now_ns);
        if effect == Effect::EndsBoth && self.rules.layout.has_other_direction() {
            let mut other = described.place;
            other.key = other.key.of_other_direction();
            if let Some(place) = self.partition(index).find(&other, rare)
                && !self.partition(index).hot.get(place).state.has(State::ENDED)
            {
                self.end(index, place, now_ns);
            }
        }
    }

    fn end(&mut self, index: usize, place: u32, now_ns: i64) {
        let partition = self.partition_mut(index);
        let hot = partition.hot.get_mut(place);
        hot.state.set(State::ENDED);
        hot.start_ns = now_ns;
        let deadline_ns = now_ns.saturating_add(tcp::LINGER_NS);
        partition.timers.hasten(place, &mut hot.timer, deadline_ns, now_ns);
        partition.timers.clear_heap(|place| partition.hot.get(place).timer);
    }

    #[inline]
    fn schedule(&mut self, index: usize, place: u32, deadline_ns: i64, now_ns: i64) {
        let partition = self.partition_mut(index);
        let note = &mut partition.hot.get_mut(place).timer;
        partition.timers.schedule(place, note, deadline_ns, now_ns);
    }

    /// Lets the flows of a partition leave that are due.
    pub fn expire(&mut self, index: usize) {
        let now_ns = self.tick_ns;
        while let Some((bucket, entries)) = self.partition_mut(index).timers.begin_bucket(now_ns) {
            self.reschedule(index, bucket, entries, now_ns);
        }
        while let Some(place) = self.partition_mut(index).timers.pop_due(now_ns) {
            if !self.partition_mut(index).entry_counts(place, IN_HEAP) {
                continue;
            }
            match self.reason(self.partition(index).hot.get(place), now_ns) {
                Some(EndReason::Active) => self.cut(index, place),
                Some(reason) => {
                    self.leave(index, place, reason);
                    continue;
                }
                None => {}
            }
            let deadline_ns = self.deadline(self.partition(index).hot.get(place));
            self.schedule(index, place, deadline_ns, now_ns);
        }
    }

    /// Schedules the flows of a bucket by when they are due now.
    fn reschedule(&mut self, index: usize, bucket: Note, entries: VecDeque<u32>, now_ns: i64) {
        for (turn, place) in entries.iter().enumerate() {
            if let Some(ahead) = entries.get(turn + FETCH_AHEAD) {
                fetch_hot(self.partition(index).hot.get(*ahead));
            }
            if self.partition_mut(index).entry_counts(*place, bucket) {
                let deadline_ns = self.deadline(self.partition(index).hot.get(*place));
                self.schedule(index, *place, deadline_ns, now_ns);
            }
        }
        self.partition_mut(index).timers.recycle(bucket, entries);
    }

    /// Lets the flow leave that is nearest its end.
    fn evict_nearest(&mut self, index: usize, now_ns: i64) {
        loop {
            let Some((asked_ns, place)) = self.partition_mut(index).timers.pop() else {
                let next = self.partition_mut(index).timers.begin_nearest();
                let Some((bucket, entries)) = next else { return };
                self.reschedule(index, bucket, entries, now_ns);
                continue;
            };
            if !self.partition_mut(index).entry_counts(place, IN_HEAP) {
                continue;
            }
            let hot = self.partition(index).hot.get(place);
            let deadline_ns = self.deadline(hot);
            if deadline_ns > asked_ns {
                self.schedule(index, place, deadline_ns, now_ns);
                continue;
            }
            let reason = self.reason(hot, now_ns).unwrap_or(EndReason::LackOfResources);
            self.leave(index, place, reason);
            return;
        }
    }

    /// The record ends, the flow goes on.
    fn cut(&mut self, index: usize, place: u32) {
        self.record(index, place, EndReason::Active);
        self.partition_mut(index).hot.get_mut(place).begin_next_record();
    }

    /// The flow ends, and its record with it.
    fn leave(&mut self, index: usize, place: u32, reason: EndReason) {
        // Since the active timeout cut its last record, nothing came: there is none to end.
        if !self.partition(index).hot.get(place).state.has(State::EMPTY) {
            self.record(index, place, reason);
        }
        let layout = self.rules.layout;
        self.partition_mut(index).remove(place, &layout);
        self.counts.ended += 1;
    }

    fn record(&mut self, index: usize, place: u32, reason: EndReason) {
        let partition_number = self.first + index;
        let Some(partition) = self.partitions.get_mut(index) else { return };
        let hot = partition.hot.get_mut(place);
        self.plugins.leave(hot.plugins, &mut self.departed.left);
        (hot.plugins, hot.wants) = (NOWHERE, 0);
        let hot = *hot;
        let aside: Option<Box<Aside>> =
            (hot.aside != NOWHERE).then(|| Box::new(*partition.asides.get(hot.aside)));
        let record = Record { hot, cold: *partition.cold.get(place), aside, reason };
        self.counts.left(reason, record.packets());
        self.departed.push(partition_number, record);
    }

    #[inline]
    fn partition_of(&self, described: &Described) -> Option<&Partition> {
        self.partitions.get(usize::from(described.place.partition()).wrapping_sub(self.first))
    }

    #[inline]
    fn partition(&self, index: usize) -> &Partition {
        match self.partitions.get(index) {
            Some(partition) => partition,
            None => unreachable!("packets are dealt out by partition"),
        }
    }

    #[inline]
    fn partition_mut(&mut self, index: usize) -> &mut Partition {
        match self.partitions.get_mut(index) {
            Some(partition) => partition,
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

/// How many entries ahead a bucket's bucket's flows are fetched.
const FETCH_AHEAD: usize = 8;
