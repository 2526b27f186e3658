// SPDX-License-Identifier: Apache-2.0
//! The same stages on several threads, with the same result.
//!
//! Every worker does whatever is next: it reads and parses a chunk, or it meters a chunk
//! for the partitions that it owns. Chunks may be parsed in any order, but they pass the
//! fragment stage and every owner in the order of their numbers. What leaves is put
//! together chunk by chunk: first what the packets made leave, then what the tick did,
//! both in the order of the partitions. A worker owns partitions in a row, so that is worker
//! by worker. The one-thread engine gives the same order.
//!
//! No more than [`AHEAD`] chunks a worker are under way between the reading and the last
//! owner, and no more than [`PENDING`] chunks' departures wait for the consumer: beyond
//! that the workers wait. The consumer is woken when half of those are there, or the end.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::departed::Departed;
use crate::fragments::Fragments;
use crate::ledger::{FlowCounts, FragmentCounts, PacketCounts};
use crate::owner::{GROUP, Owner, PARTITIONS};
use crate::parse::{Descriptions, Parser};
use crate::reading::{Extent, Progress, Reading};
use crate::select::Select;
use crate::stream::Packets;

/// Chunks under way, a worker.
const AHEAD: usize = 12;
/// Chunks whose departures may wait for the consumer.
const PENDING: usize = 64;

/// The engine of several threads.
pub(crate) struct Parallel<S: Packets, F> {
    shared: Arc<Shared<S, F>>,
    workers: Vec<JoinHandle<Owner>>,
    /// The owners, once their workers have come to the end.
    owners: Vec<Owner>,
    /// The owner and the partition of it that are to be flushed next.
    flushing: Option<(usize, usize)>,
    /// Number of the chunk whose departures come next.
    next: u64,
}

struct Shared<S: Packets, F> {
    parser: Parser<F>,
    reading: Mutex<(Reading<S>, u64)>,
    state: Mutex<State<S>>,
    /// There is something to do for a worker that found nothing.
    for_workers: Condvar,
    /// There is something to collect, or no more to come.
    for_consumer: Condvar,
    progress: Arc<Progress>,
    workers: usize,
}

/// A chunk on its way.
struct Work<S: Packets> {
    number: u64,
    chunk: S::Chunk,
    described: Descriptions,
    /// Fragments that the tick at the chunk's end lets go.
    late: Descriptions,
    /// For each owner, which of `described` are its own.
    shares: Vec<Vec<u32>>,
    late_shares: Vec<Vec<u32>>,
    clock_before_ns: i64,
    clock_ns: i64,
}

impl<S: Packets> Work<S> {
    fn new(workers: usize) -> Self {
        Self {
            number: 0,
            chunk: S::Chunk::default(),
            described: Descriptions::default(),
            late: Descriptions::default(),
            shares: vec![Vec::new(); workers],
            late_shares: vec![Vec::new(); workers],
            clock_before_ns: i64::MIN,
            clock_ns: i64::MIN,
        }
    }
}

/// What one chunk has made leave: each owner's, once it is there.
struct Departures {
    by_packets: Vec<Option<Departed>>,
    by_tick: Vec<Option<Departed>>,
    missing: usize,
}

struct State<S: Packets> {
    fragments: Fragments,
    counts: PacketCounts,
    /// Parsed, but an earlier chunk has not come to the fragment stage.
    parsed: BTreeMap<u64, Work<S>>,
    /// Ready to be metered; the first has the number `first_ready`.
    ready: VecDeque<Arc<Work<S>>>,
    first_ready: u64,
    /// Number of the next chunk for the fragment stage.
    next_to_pass: u64,
    /// Which chunk each owner takes next.
    next_of: Vec<u64>,
    departures: BTreeMap<u64, Departures>,
    /// How many of these are complete, from the first without a gap.
    complete: usize,
    /// Chunks that are being read, parsed or metered.
    under_way: usize,
    /// Workers that wait.
    idle: usize,
    /// The number after the last chunk, once that is known.
    end: Option<u64>,
    flows: Vec<u64>,
    spare: Vec<Work<S>>,
    /// The consumer has gone, or a worker has died.
    given_up: bool,
}

impl<S, F> Parallel<S, F>
where
    S: Packets + 'static,
    S::Chunk: 'static,
    S::Error: 'static,
    F: Select + 'static,
{
    pub fn new(
        reading: Reading<S>,
        parser: Parser<F>,
        fragments: Fragments,
        owners: Vec<Owner>,
        progress: Arc<Progress>,
    ) -> Self {
        let workers = owners.len();
        let state = State {
            fragments,
            counts: PacketCounts::default(),
            parsed: BTreeMap::new(),
            ready: VecDeque::new(),
            first_ready: 0,
            next_to_pass: 0,
            next_of: vec![0; workers],
            departures: BTreeMap::new(),
            complete: 0,
            under_way: 0,
            idle: 0,
            end: None,
            flows: vec![0; workers],
            spare: Vec::new(),
            given_up: false,
        };
        let shared = Arc::new(Shared {
            parser,
            reading: Mutex::new((reading, 0)),
            state: Mutex::new(state),
            for_workers: Condvar::new(),
            for_consumer: Condvar::new(),
            progress,
            workers,
        });
        Self { shared, workers: Vec::new(), owners, flushing: None, next: 0 }
    }

    /// Goes one step on; what leaves is added to `rows`. Answers whether there is more.
    pub fn step(&mut self, rows: &mut Departed) -> bool {
        if let Some((owner, partition)) = self.flushing {
            self.flush(owner, partition, rows);
            return self.flushing.is_some_and(|(owner, _)| owner < self.owners.len());
        }
        self.start();
        let mut state = self.shared.lock();
        loop {
            let over = state.end == Some(self.next + state.complete as u64) || state.given_up;
            if state.complete >= PENDING / 2 || (over && state.complete > 0) {
                let departures = state.take_complete(self.next);
                self.next += departures.len() as u64;
                drop(state);
                self.shared.for_workers.notify_all();
                for mut departed in departures.into_iter().flat_map(Departures::in_order) {
                    departed.move_in_order(rows);
                }
                return true;
            }
            if over {
                drop(state);
                self.finish(rows);
                return true;
            }
            state = self.shared.for_consumer.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Why the reading ended, if not as it should; told once.
    pub fn take_error(&mut self) -> Option<S::Error> {
        self.shared.reading.lock().unwrap_or_else(PoisonError::into_inner).0.take_error()
    }

    pub fn counts(&self) -> (PacketCounts, FragmentCounts, FlowCounts) {
        let state = self.shared.lock();
        let mut flows = FlowCounts::default();
        for owner in &self.owners {
            flows.add(&owner.counts);
        }
        (state.counts.clone(), state.fragments.counts, flows)
    }

    fn start(&mut self) {
        for (number, mut owner) in mem::take(&mut self.owners).into_iter().enumerate() {
            let shared = Arc::clone(&self.shared);
            self.workers.push(std::thread::spawn(move || {
                let guard = GiveUp(&shared);
                shared.work(number, &mut owner);
                mem::forget(guard);
                owner
            }));
        }
    }

    /// The workers are at the end: what is left is done here, partition by partition, so
    /// that it need not all be held at once.
    fn finish(&mut self, rows: &mut Departed) {
        for worker in mem::take(&mut self.workers) {
            match worker.join() {
                Ok(owner) => self.owners.push(owner),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        let mut late = Work::<S>::new(self.owners.len());
        let mut state = self.shared.lock();
        state.fragments.flush(&mut late.late);
        drop(state);
        deal(&late.late, &mut late.late_shares);
        for (owner, share) in self.owners.iter_mut().zip(&late.late_shares) {
            owner.meter_share(&late.late, share, &late.chunk);
            owner.departed.move_in_order(rows);
        }
        self.flushing = Some((0, 0));
    }

    fn flush(&mut self, number: usize, partition: usize, rows: &mut Departed) {
        let Some(owner) = self.owners.get_mut(number) else { return };
        if partition < owner.partitions() {
            owner.flush(partition);
            owner.departed.move_in_order(rows);
            self.flushing = Some((number, partition + 1));
        } else {
            self.flushing = Some((number + 1, 0));
        }
    }
}

impl<S: Packets, F> Drop for Parallel<S, F> {
    fn drop(&mut self) {
        self.shared.progress.stop();
        self.shared.give_up();
        for worker in mem::take(&mut self.workers) {
            // A worker that panicked has nothing to add while we are leaving anyway.
            let _ = worker.join();
        }
    }
}

/// Tells everyone when a worker dies, so that nobody waits for it.
struct GiveUp<'a, S: Packets, F>(&'a Shared<S, F>);

impl<S: Packets, F> Drop for GiveUp<'_, S, F> {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

impl Departures {
    fn new(workers: usize) -> Self {
        let none = || (0..workers).map(|_| None).collect();
        Self { by_packets: none(), by_tick: none(), missing: workers }
    }

    fn in_order(self) -> impl Iterator<Item = Departed> {
        self.by_packets.into_iter().chain(self.by_tick).flatten()
    }
}

impl<S: Packets, F> Shared<S, F> {
    fn lock(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_up(&self) {
        self.lock().given_up = true;
        self.for_workers.notify_all();
        self.for_consumer.notify_all();
    }
}

impl<S: Packets, F: Select> Shared<S, F> {
    fn work(&self, number: usize, owner: &mut Owner) {
        let mut state = self.lock();
        loop {
            let next = state.next_of.get(number).copied().unwrap_or(0);
            let ready = next.checked_sub(state.first_ready);
            if state.given_up || state.end == Some(next) {
                return;
            } else if let Some(work) =
                ready.and_then(|at| state.ready.get(at as usize)).map(Arc::clone)
            {
                drop(state);
                state = self.meter(number, owner, work);
            } else if state.may_read(self.workers) {
                state.under_way += 1;
                let work = state.spare.pop().unwrap_or_else(|| Work::new(self.workers));
                drop(state);
                state = self.read_and_parse(work);
            } else {
                state.idle += 1;
                state = self.for_workers.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }

    fn read_and_parse(&self, mut work: Work<S>) -> MutexGuard<'_, State<S>> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let (source, number) = &mut *reading;
        let Some(extent) = source.read(&mut work.chunk) else {
            let end = *number;
            drop(reading);
            let mut state = self.lock();
            state.end = Some(end);
            state.under_way -= 1;
            self.for_workers.notify_all();
            self.for_consumer.notify_all();
            return state;
        };
        work.number = *number;
        *number += 1;
        drop(reading);

        let Extent { packets, clock_before_ns, clock_ns } = extent;
        (work.clock_before_ns, work.clock_ns) = (clock_before_ns, clock_ns);
        work.described.clear();
        let mut counts = PacketCounts::default();
        let mut clock = clock_before_ns;
        for start in (0..packets).step_by(GROUP) {
            let frames = start..packets.min(start + GROUP);
            let described = &mut work.described;
            self.parser.parse(&work.chunk, frames, &mut clock, described, &mut counts);
        }
        if !work.described.fragments {
            deal(&work.described, &mut work.shares);
        }
        let mut state = self.lock();
        state.counts.add(&counts);
        state.parsed.insert(work.number, work);
        state.pass_in_order(self.workers);
        self.wake(&state);
        state
    }

    fn meter(
        &self,
        number: usize,
        owner: &mut Owner,
        work: Arc<Work<S>>,
    ) -> MutexGuard<'_, State<S>> {
        for (all, shares) in [(&work.described, &work.shares), (&work.late, &work.late_shares)] {
            if let Some(own) = shares.get(number) {
                owner.meter_share(all, own, &work.chunk);
            }
        }
        let by_packets = owner.take_departed();
        owner.tick(work.clock_ns);
        let mut from = 0;
        while let Some(due) = owner.next_due(from) {
            owner.expire(due);
            from = due + 1;
        }
        let by_tick = owner.take_departed();

        let mut state = self.lock();
        let chunk = work.number;
        if let Some(departures) = state.departures.get_mut(&chunk) {
            for (places, departed) in
                [(&mut departures.by_packets, by_packets), (&mut departures.by_tick, by_tick)]
            {
                if let Some(place) = places.get_mut(number) {
                    *place = departed;
                }
            }
            departures.missing -= 1;
        }
        state.count_complete();
        if let Some(next) = state.next_of.get_mut(number) {
            *next = chunk + 1;
        }
        if let Some(flows) = state.flows.get_mut(number) {
            *flows = owner.flows();
        }
        self.progress.set_flows(state.flows.iter().sum());
        drop(work);
        state.let_go();
        self.wake(&state);
        state
    }

    /// Wakes who has something to do now.
    fn wake(&self, state: &State<S>) {
        if state.idle > 0 {
            self.for_workers.notify_all();
        }
        let next = state.departures.first_key_value().map(|(number, _)| *number);
        let last = next.is_some_and(|next| state.end == Some(next + state.complete as u64));
        if state.complete >= PENDING / 2 || last {
            self.for_consumer.notify_all();
        }
    }
}

impl<S: Packets> State<S> {
    /// Sends what can go through the fragment stage, in order.
    fn pass_in_order(&mut self, workers: usize) {
        while let Some(mut work) = self.parsed.remove(&self.next_to_pass) {
            self.next_to_pass += 1;
            if work.described.fragments {
                self.fragments.pass(&mut work.described, &work.chunk, 0, work.clock_before_ns);
                deal(&work.described, &mut work.shares);
            }
            self.fragments.tick(work.clock_ns, &mut work.late);
            deal(&work.late, &mut work.late_shares);
            self.departures.insert(work.number, Departures::new(workers));
            self.ready.push_back(Arc::new(work));
        }
    }

    /// Whether another chunk may be begun.
    fn may_read(&self, workers: usize) -> bool {
        self.end.is_none()
            && self.under_way < workers * AHEAD
            && self.under_way + self.departures.len() < PENDING + workers * AHEAD
    }

    /// Looks how far departures are complete without a gap.
    fn count_complete(&mut self) {
        let rest = self.departures.values().skip(self.complete);
        self.complete += rest.take_while(|departures| departures.missing == 0).count();
    }

    /// Takes what is complete; `next` is the number of the first.
    fn take_complete(&mut self, next: u64) -> Vec<Departures> {
        let rest = self.departures.split_off(&(next + self.complete as u64));
        self.complete = 0;
        mem::replace(&mut self.departures, rest).into_values().collect()
    }

    /// Takes back chunks that every owner has metered.
    fn let_go(&mut self) {
        let slowest = self.next_of.iter().copied().min().unwrap_or(0);
        while self.first_ready < slowest {
            self.first_ready += 1;
            self.under_way -= 1;
            if let Some(Ok(work)) = self.ready.pop_front().map(Arc::try_unwrap) {
                self.spare.push(work);
            }
        }
    }
}

/// Which owner has each packet.
fn deal(described: &Descriptions, shares: &mut [Vec<u32>]) {
    shares.iter_mut().for_each(Vec::clear);
    let owners = shares.len();
    for (index, packet) in described.packets().iter().enumerate() {
        let owner = usize::from(packet.place.partition()) * owners / PARTITIONS;
        if let Some(share) = shares.get_mut(owner) {
            share.push(index as u32);
        }
    }
}
