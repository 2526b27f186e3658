// SPDX-License-Identifier: Apache-2.0
//! Which flows may be due, without touching those that are not.
//!
//! A wheel of buckets, each 2^30 ns (1.07 s) of packet time wide, holds places of flows. An
//! entry is a promise to look *no later than* then: a packet that postpones a flow's end
//! leaves its entry alone, and the flow is put further on when its bucket's time has come. So
//! a packet costs the wheel nothing, and a flow is looked at about once a timeout. What a
//! bucket holds when its time begins goes into a heap, by exact deadline: so nothing
//! leaves late, and the flow nearest its end is at the top.
//!
//! A place has one entry that counts, where its flow's note says. The entry outlives
//! the flow and serves the next one at the same place, so that flows that come and go
//! within one instant of packet time do not fill the wheel.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::mem;

const BUCKET_BITS: u32 = 30;
/// Few and wide, so that all partitions' buckets together stay in the processor's cache.
const BUCKETS: i64 = 32;

/// A place's note of where its entry is: the number of a bucket, or one of these.
pub(crate) type Note = u16;
/// There is none.
pub(crate) const NO_ENTRY: Note = u16::MAX;
/// It is in the heap.
pub(crate) const IN_HEAP: Note = u16::MAX - 1;

/// The timers of one partition.
#[derive(Debug)]
pub(crate) struct Timers {
    buckets: Box<[VecDeque<u32>]>,
    /// A bit for each bucket that may hold entries.
    filled: u32,
    /// A bit for each bucket whose time was long past when packet time leapt over a whole turn.
    overdue: u32,
    /// Number of the first bucket that has not gone into the heap, counted from 1970.
    cursor: i64,
    /// Deadline, serial number of the entry, place: of equal deadlines the first asked for is
    /// the first due.
    heap: BinaryHeap<Reverse<(i64, u64, u32)>>,
    serial: u64,
    /// When the heap is this long, it is cleared of entries that no longer count.
    clear_at: usize,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| VecDeque::new()).collect(),
            filled: 0,
            overdue: 0,
            cursor: i64::MIN,
            heap: BinaryHeap::new(),
            serial: 0,
            clear_at: LEAST_CLEAR,
        }
    }
}

const LEAST_CLEAR: usize = 1024;

/// The number of the bucket that a time falls into, counted from 1970.
const fn bucket_of(time_ns: i64) -> i64 {
    time_ns >> BUCKET_BITS
}

impl Timers {
    /// Sees to it that the flow at `place` is looked at no later than `deadline_ns`. `note` is
    /// the place's own.
    #[inline]
    pub fn hasten(&mut self, place: u32, note: &mut Note, deadline_ns: i64) {
        if self.cursor == i64::MIN {
            // The first flow ever: nothing will be due before it is.
            self.cursor = bucket_of(deadline_ns).saturating_sub(BUCKETS / 2);
        }
        let wanted = bucket_of(deadline_ns).min(self.cursor + BUCKETS - 1);
        if wanted < self.cursor {
            *note = IN_HEAP;
            self.serial += 1;
            self.heap.push(Reverse((deadline_ns, self.serial, place)));
            return;
        }
        let waits = match *note {
            NO_ENTRY => false,
            IN_HEAP => true,
            bucket => self.absolute(bucket.into()) <= wanted,
        };
        if waits {
            return;
        }
        *note = wanted.rem_euclid(BUCKETS) as Note;
        self.mark(*note, true);
        if let Some(entries) = self.buckets.get_mut(usize::from(*note)) {
            entries.push_back(place);
        }
    }

    /// The entries of the next bucket whose time has begun, and its number as notes have it.
    /// They are to be scheduled anew, and the bucket given back with
    /// [`recycle`](Self::recycle).
    pub fn begin_bucket(&mut self, now_ns: i64) -> Option<(Note, VecDeque<u32>)> {
        if self.overdue == 0 {
            let last = bucket_of(now_ns);
            if self.cursor > last || self.cursor == i64::MIN {
                return None;
            }
            if last - self.cursor < BUCKETS {
                let next = self.next_filled().filter(|next| *next <= last);
                if next.is_none() {
                    self.cursor = last + 1;
                }
                return self.take(next?);
            }
            // Entries that went on turn by turn would not come to the end of a leap of years.
            self.cursor = last + 1;
            self.overdue = self.filled;
        }
        let bucket = self.overdue.trailing_zeros() as Note;
        self.overdue &= self.overdue.checked_sub(1)?;
        self.mark(bucket, false);
        Some((bucket, mem::take(self.buckets.get_mut(usize::from(bucket))?)))
    }

    /// The same for the next bucket that has entries, whenever its time is.
    pub fn begin_nearest(&mut self) -> Option<(Note, VecDeque<u32>)> {
        let next = self.next_filled()?;
        self.take(next)
    }

    /// The earliest time at which anything here may be due.
    pub fn next_ns(&self) -> i64 {
        let in_heap = self.heap.peek().map_or(i64::MAX, |Reverse((deadline_ns, ..))| *deadline_ns);
        let in_bucket = self.next_filled().map_or(i64::MAX, |bucket| bucket << BUCKET_BITS);
        in_heap.min(in_bucket)
    }

    /// Takes back an emptied bucket, for its memory.
    pub fn recycle(&mut self, bucket: Note, mut entries: VecDeque<u32>) {
        entries.clear();
        if let Some(own) = self.buckets.get_mut(usize::from(bucket))
            && own.is_empty()
            && own.capacity() < entries.capacity()
        {
            *own = entries;
        }
    }

    /// The next place in the heap whose deadline has come.
    #[inline]
    pub fn pop_due(&mut self, now_ns: i64) -> Option<u32> {
        let Reverse((deadline_ns, ..)) = self.heap.peek()?;
        if *deadline_ns > now_ns { None } else { self.pop().map(|(_, place)| place) }
    }

    /// The place in the heap with the least deadline, and that.
    pub fn pop(&mut self) -> Option<(i64, u32)> {
        self.heap.pop().map(|Reverse((deadline_ns, _, place))| (deadline_ns, place))
    }

    /// Forgets entries of the heap that no longer count, if they have become many. `notes`
    /// tells the note of a place.
    pub fn clear_heap(&mut self, notes: impl Fn(u32) -> Note) {
        if self.heap.len() < self.clear_at {
            return;
        }
        let mut least = HashMap::new();
        for Reverse(entry) in self.heap.drain() {
            if notes(entry.2) == IN_HEAP {
                let known = least.entry(entry.2).or_insert(entry);
                *known = entry.min(*known);
            }
        }
        self.heap.extend(least.into_values().map(Reverse));
        self.clear_at = LEAST_CLEAR.max(self.heap.len() * 4);
    }

    fn take(&mut self, next: i64) -> Option<(Note, VecDeque<u32>)> {
        self.cursor = next + 1;
        let bucket = next.rem_euclid(BUCKETS) as Note;
        self.mark(bucket, false);
        Some((bucket, mem::take(self.buckets.get_mut(usize::from(bucket))?)))
    }

    /// The number of the first bucket from the cursor on that may hold entries.
    fn next_filled(&self) -> Option<i64> {
        let from_cursor = self.filled.rotate_right(self.cursor.rem_euclid(BUCKETS) as u32);
        (from_cursor != 0).then(|| self.cursor + i64::from(from_cursor.trailing_zeros()))
    }

    /// The number of a bucket that lies no more than one turn ahead, counted from 1970.
    fn absolute(&self, bucket: i64) -> i64 {
        self.cursor + (bucket - self.cursor).rem_euclid(BUCKETS)
    }

    fn mark(&mut self, bucket: Note, filled: bool) {
        let bit = 1 << bucket;
        if filled { self.filled |= bit } else { self.filled &= !bit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    /// Timers of places that each have one deadline, and their notes.
    #[derive(Default)]
    struct Places {
        timers: Timers,
        notes: HashMap<u32, Note>,
        deadlines: HashMap<u32, i64>,
    }

    impl Places {
        fn schedule(&mut self, place: u32, deadline_ns: i64) {
            self.deadlines.insert(place, deadline_ns);
            let note = self.notes.entry(place).or_insert(NO_ENTRY);
            self.timers.hasten(place, note, deadline_ns);
        }

        fn due(&mut self, now_ns: i64) -> Vec<u32> {
            while let Some((bucket, entries)) = self.timers.begin_bucket(now_ns) {
                for place in &entries {
                    if self.notes.get(place) == Some(&bucket) {
                        self.notes.insert(*place, NO_ENTRY);
                        self.schedule(*place, self.deadlines[place]);
                    }
                }
                self.timers.recycle(bucket, entries);
            }
            std::iter::from_fn(|| self.timers.pop_due(now_ns)).collect()
        }
    }

    #[test]
    fn places_are_due_in_the_order_of_their_deadlines_and_exactly_then() {
        let mut places = Places::default();
        for (place, deadline_ns) in [(1, 30 * SECOND), (2, 5 * SECOND + 1), (3, 5 * SECOND)] {
            places.schedule(place, deadline_ns);
        }
        assert_eq!(places.due(5 * SECOND - 1), []);
        assert_eq!(places.due(5 * SECOND), [3]);
        assert_eq!(places.due(5 * SECOND + 1), [2]);
        assert_eq!(places.due(3_000 * SECOND), [1]);
    }

    #[test]
    fn an_earlier_deadline_is_heeded_wherever_the_entry_is() {
        let mut places = Places::default();
        places.schedule(1, 20 * SECOND);
        places.schedule(1, 2 * SECOND);
        assert_eq!(places.due(2 * SECOND), [1]);
    }

    #[test]
    fn a_deadline_beyond_the_wheel_is_looked_at_again_and_again_until_it_comes() {
        let mut places = Places::default();
        places.schedule(1, 1_000 * SECOND);
        for second in (10..1_000).step_by(10) {
            assert_eq!(places.due(second * SECOND), []);
        }
        assert_eq!(places.due(1_000 * SECOND), [1]);
    }

    #[test]
    fn a_leap_of_centuries_is_no_long_way() {
        let mut places = Places::default();
        for place in 0..1_000 {
            places.schedule(place, i64::from(place) * SECOND / 40);
        }
        assert_eq!(places.due(i64::MAX - SECOND).len(), 1_000);
        places.schedule(7, i64::MAX - SECOND / 2);
        assert_eq!(places.due(i64::MAX - SECOND / 2), [7]);

        // Asked for before anybody looked, and so put where the wheel then was.
        let mut places = Places::default();
        places.schedule(1, 0);
        places.schedule(2, i64::MAX);
        assert_eq!(places.due(i64::MAX - 1), [1]);
        assert_eq!(places.due(i64::MAX), [2]);
    }

    #[test]
    fn the_nearest_bucket_is_found_wherever_the_cursor_is() {
        for start in [0, 7, 31, 32, 33, 1000] {
            let now = start << BUCKET_BITS;
            let mut timers = Timers::default();
            timers.hasten(9, &mut { NO_ENTRY }, now + 20 * SECOND);
            timers.hasten(8, &mut { NO_ENTRY }, now + 13 * SECOND);
            let mut next = || timers.begin_nearest().map(|(_, entries)| entries[0]);
            assert_eq!((next(), next(), next()), (Some(8), Some(9), None));
        }
    }

    #[test]
    fn entries_that_no_longer_count_do_not_pile_up() {
        let mut timers = Timers::default();
        let mut note = NO_ENTRY;
        timers.hasten(1, &mut note, 0);
        timers.begin_nearest();
        for _ in 0..100_000 {
            timers.hasten(1, &mut note, 0);
            timers.clear_heap(|_| note);
        }
        assert!(timers.heap.len() <= LEAST_CLEAR);
    }
}
