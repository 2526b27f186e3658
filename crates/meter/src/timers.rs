// SPDX-License-Identifier: Apache-2.0
//! Which flows may be due, without touching those that are not.
//!
//! A wheel of buckets, each [`BUCKET_NS`] of packet time wide, holds places of flows. An
//! entry is a promise to look *no later than* then: a packet that postpones a flow's end
//! leaves its entry alone, and the flow is put further on when the bucket is drained. So
//! a packet costs the wheel nothing, and a flow is looked at about once a timeout.
//!
//! A place has at most one entry that counts, in the bucket that its flow names; others
//! are skipped. The entry outlives the flow and serves the next one at the same place, so
//! that flows that come and go within one instant of packet time do not fill the wheel.

use std::collections::VecDeque;
use std::mem;

/// The width of a bucket is 2^27 ns, about 134 ms.
const BUCKET_BITS: u32 = 27;
const BUCKETS: i64 = 256;

/// The place has no entry.
pub(crate) const NO_BUCKET: u16 = u16::MAX;

/// The wheel of one partition.
#[derive(Debug)]
pub(crate) struct Wheel {
    buckets: Box<[VecDeque<u32>]>,
    /// A bit for each bucket that may hold entries.
    filled: [u64; 4],
    /// Number of the first bucket that has not been drained, counted from 1970.
    cursor: i64,
}

impl Default for Wheel {
    fn default() -> Self {
        let buckets = (0..BUCKETS).map(|_| VecDeque::new()).collect();
        Self { buckets, filled: [0; 4], cursor: i64::MIN }
    }
}

/// The number of the bucket that a time falls into, counted from 1970.
pub(crate) const fn bucket_of(time_ns: i64) -> i64 {
    time_ns >> BUCKET_BITS
}

impl Wheel {
    /// Sees to it that the flow at `place` is looked at no later than `deadline_ns`.
    /// `bucket` is the flow's own note of where its entry is.
    #[inline]
    pub fn schedule(&mut self, place: u32, bucket: &mut u16, deadline_ns: i64, now_ns: i64) {
        if self.cursor == i64::MIN {
            self.cursor = bucket_of(now_ns);
        }
        let wanted = bucket_of(deadline_ns).clamp(self.cursor, self.cursor + BUCKETS - 1);
        if *bucket != NO_BUCKET && self.absolute(i64::from(*bucket)) <= wanted {
            return;
        }
        *bucket = wanted.rem_euclid(BUCKETS) as u16;
        self.mark(*bucket, true);
        if let Some(entries) = self.buckets.get_mut(usize::from(*bucket)) {
            entries.push_back(place);
        }
    }

    /// The entries of the next bucket that lies wholly before `now_ns`, with its number
    /// modulo; to be given back with [`recycle`](Self::recycle).
    pub fn drain(&mut self, now_ns: i64) -> Option<(u16, VecDeque<u32>)> {
        let end = bucket_of(now_ns);
        if self.cursor >= end || self.cursor == i64::MIN {
            return None;
        }
        match self.next_filled().filter(|next| *next < end) {
            Some(next) => {
                self.cursor = next + 1;
                let bucket = next.rem_euclid(BUCKETS) as u16;
                self.mark(bucket, false);
                let entries = self.buckets.get_mut(usize::from(bucket))?;
                Some((bucket, mem::take(entries)))
            }
            None => {
                self.cursor = end;
                None
            }
        }
    }

    /// Takes back what [`drain`](Self::drain) gave, for its memory.
    pub fn recycle(&mut self, bucket: u16, mut entries: VecDeque<u32>) {
        entries.clear();
        if let Some(own) = self.buckets.get_mut(usize::from(bucket))
            && own.is_empty()
            && own.capacity() < entries.capacity()
        {
            *own = entries;
        }
    }

    /// The first entry of the first bucket that has any, with its bucket's number modulo.
    /// It is gone from the wheel then.
    pub fn pop_nearest(&mut self) -> Option<(u16, u32)> {
        loop {
            let bucket = self.next_filled()?.rem_euclid(BUCKETS) as u16;
            let entries = self.buckets.get_mut(usize::from(bucket))?;
            if let Some(place) = entries.pop_front() {
                return Some((bucket, place));
            }
            self.mark(bucket, false);
        }
    }

    /// The number of the first bucket from the cursor on that may hold entries.
    fn next_filled(&self) -> Option<i64> {
        let start = self.cursor.rem_euclid(BUCKETS) as u32;
        // The word in which the cursor lies comes twice: from the cursor on, and at last
        // from its beginning.
        for turn in 0..=4 {
            let word = (start / 64 + turn) % 4;
            let mut bits = self.filled.get(word as usize).copied().unwrap_or(0);
            if turn == 0 {
                bits &= u64::MAX << (start % 64);
            }
            if bits != 0 {
                return Some(self.absolute(i64::from(word * 64 + bits.trailing_zeros())));
            }
        }
        None
    }

    /// The number of a bucket that lies no more than one turn ahead, counted from 1970.
    fn absolute(&self, bucket: i64) -> i64 {
        self.cursor + (bucket - self.cursor).rem_euclid(BUCKETS)
    }

    fn mark(&mut self, bucket: u16, filled: bool) {
        if let Some(word) = self.filled.get_mut(usize::from(bucket / 64)) {
            let bit = 1 << (bucket % 64);
            if filled { *word |= bit } else { *word &= !bit }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn drained(wheel: &mut Wheel, now_ns: i64) -> Vec<u32> {
        let mut all = Vec::new();
        while let Some((bucket, entries)) = wheel.drain(now_ns) {
            all.extend(entries.iter());
            wheel.recycle(bucket, entries);
        }
        all
    }

    #[test]
    fn entries_come_out_in_the_order_of_their_deadlines() {
        let mut wheel = Wheel::default();
        for (place, seconds) in [(1, 30), (2, 5), (3, 2), (4, 20)] {
            wheel.schedule(place, &mut { NO_BUCKET }, seconds * SECOND, 0);
        }
        assert_eq!(drained(&mut wheel, 10 * SECOND), [3, 2]);
        assert_eq!(drained(&mut wheel, 3_000 * SECOND), [4, 1]);
    }

    #[test]
    fn a_later_deadline_leaves_the_entry_and_an_earlier_one_adds_one() {
        let mut wheel = Wheel::default();
        let mut bucket = NO_BUCKET;
        wheel.schedule(1, &mut bucket, 10 * SECOND, 0);
        let first = bucket;
        wheel.schedule(1, &mut bucket, 20 * SECOND, 0);
        assert_eq!(bucket, first);
        wheel.schedule(1, &mut bucket, 2 * SECOND, 0);
        assert_ne!(bucket, first);
        assert_eq!(drained(&mut wheel, 60 * SECOND), [1, 1]);
    }

    #[test]
    fn the_nearest_entry_is_found_wherever_the_cursor_is() {
        for start in [0, 7, 100, 255, 256, 1000] {
            let now = start << BUCKET_BITS;
            let mut wheel = Wheel::default();
            wheel.schedule(9, &mut { NO_BUCKET }, now + 34 * SECOND, now);
            wheel.schedule(8, &mut { NO_BUCKET }, now + 3 * SECOND, now);
            assert_eq!(wheel.pop_nearest().map(|(_, place)| place), Some(8));
            assert_eq!(wheel.pop_nearest().map(|(_, place)| place), Some(9));
            assert_eq!(wheel.pop_nearest(), None);
        }
    }

    #[test]
    fn a_deadline_beyond_the_wheel_is_looked_at_earlier() {
        let mut wheel = Wheel::default();
        wheel.schedule(1, &mut { NO_BUCKET }, 1_000_000 * SECOND, 0);
        assert_eq!(drained(&mut wheel, 40 * SECOND), [1]);
    }
}
