// SPDX-License-Identifier: Apache-2.0
//! Data sets that wait for their template.
//!
//! Bounded in octets, for all exporters together and for each, and in age. What becomes of every
//! set is counted. Who decodes them is not known here, nor what else is to be remembered of the
//! message that a set came in: that is the `T` of [`Parked`].

use std::collections::{HashMap, VecDeque};

/// Which sets wait for the same template.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct ParkedKey {
    /// The collector's number for the exporter's domain.
    pub exporter: u32,
    /// The number of the template.
    pub template: u16,
}

/// How much may wait, and how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ParkedBounds {
    /// Octets of all sets together, with what it takes to keep them.
    pub octets: usize,
    /// The same, of one exporter's domain.
    pub octets_per_exporter: usize,
    /// Nanoseconds that a set waits.
    pub age_ns: i64,
}

impl Default for ParkedBounds {
    fn default() -> Self {
        Self { octets: 16 << 20, octets_per_exporter: 1 << 20, age_ns: 600_000_000_000 }
    }
}

/// A set that waits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ParkedSet<T> {
    /// The set without its header.
    pub octets: Box<[u8]>,
    /// What is to be remembered of its message.
    pub message: T,
    serial: u64,
}

/// Sets and their octets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Amount {
    /// How many sets.
    pub sets: u64,
    /// How many octets they have.
    pub octets: u64,
}

/// What became of all sets: those parked are replayed, expired, forgotten or waiting.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct ParkedCounts {
    /// Taken in.
    pub parked: Amount,
    /// Given back when their template came.
    pub replayed: Amount,
    /// Waited too long.
    pub expired: Amount,
    /// Their exporter was forgotten.
    pub forgotten: Amount,
    /// Not taken in, for want of room.
    pub over_bound: Amount,
}

/// The sets that wait.
#[derive(Debug)]
pub(crate) struct Parked<T> {
    bounds: ParkedBounds,
    sets: HashMap<ParkedKey, VecDeque<ParkedSet<T>>>,
    /// Room taken, with what it takes to keep a set.
    taken: usize,
    taken_by: HashMap<u32, usize>,
    /// All sets in the order in which they came, by serial number; some are gone already.
    order: VecDeque<(i64, u64, ParkedKey)>,
    waiting: usize,
    serial: u64,
    counts: ParkedCounts,
}

impl<T> Parked<T> {
    /// None yet.
    pub(crate) fn new(bounds: ParkedBounds) -> Self {
        Self {
            bounds,
            sets: HashMap::new(),
            taken: 0,
            taken_by: HashMap::new(),
            order: VecDeque::new(),
            waiting: 0,
            serial: 0,
            counts: ParkedCounts::default(),
        }
    }

    /// Keeps a set until its template comes. Gives whether there was room.
    pub(crate) fn push(&mut self, key: ParkedKey, octets: &[u8], message: T, now_ns: i64) -> bool {
        self.expire(now_ns);
        let room = room_for::<T>(octets.len());
        let by_exporter = self.taken_by.get(&key.exporter).copied().unwrap_or(0);
        let fits = self.taken + room <= self.bounds.octets
            && by_exporter + room <= self.bounds.octets_per_exporter;
        if !fits {
            self.counts.over_bound.add(octets.len());
            return false;
        }
        self.counts.parked.add(octets.len());
        self.taken += room;
        self.taken_by.insert(key.exporter, by_exporter + room);
        self.waiting += 1;
        self.serial += 1;
        let serial = self.serial;
        self.tidy_order();
        self.order.push_back((now_ns, serial, key));
        let set = ParkedSet { octets: octets.into(), message, serial };
        self.sets.entry(key).or_default().push_back(set);
        true
    }

    /// Gives back the sets that waited for this template, in the order in which they came.
    pub(crate) fn take(&mut self, key: ParkedKey, now_ns: i64) -> Vec<ParkedSet<T>> {
        if self.sets.is_empty() {
            return Vec::new();
        }
        self.expire(now_ns);
        let sets = Vec::from(self.sets.remove(&key).unwrap_or_default());
        for set in &sets {
            self.counts.replayed.add(set.octets.len());
            self.let_go(key.exporter, set.octets.len());
        }
        sets
    }

    /// Whether anything waits for this template.
    pub(crate) fn waits_for(&self, key: ParkedKey) -> bool {
        self.sets.contains_key(&key)
    }

    /// Lets those go that have waited too long. Gives how many.
    pub(crate) fn expire(&mut self, now_ns: i64) -> Amount {
        let before = self.counts.expired;
        while let Some((parked_ns, serial, key)) = self.order.front().copied() {
            if self.is_waiting(key, serial) {
                if now_ns.saturating_sub(parked_ns) <= self.bounds.age_ns {
                    break;
                }
                self.expire_oldest(key);
            }
            self.order.pop_front();
        }
        Amount {
            sets: self.counts.expired.sets - before.sets,
            octets: self.counts.expired.octets - before.octets,
        }
    }

    /// Lets all sets of an exporter go.
    pub(crate) fn forget(&mut self, exporter: u32) {
        let keys: Vec<_> =
            self.sets.keys().filter(|key| key.exporter == exporter).copied().collect();
        for key in keys {
            for set in self.sets.remove(&key).unwrap_or_default() {
                self.counts.forgotten.add(set.octets.len());
                self.let_go(exporter, set.octets.len());
            }
        }
    }

    /// What became of all sets.
    pub(crate) const fn counts(&self) -> ParkedCounts {
        self.counts
    }

    /// Sets of this exporter that wait.
    pub(crate) fn waiting_of(&self, exporter: u32) -> u64 {
        let own = self.sets.iter().filter(|(key, _)| key.exporter == exporter);
        own.map(|(_, sets)| sets.len() as u64).sum()
    }

    fn expire_oldest(&mut self, key: ParkedKey) {
        let Some(sets) = self.sets.get_mut(&key) else { return };
        let octets = sets.pop_front().map_or(0, |set| set.octets.len());
        if sets.is_empty() {
            self.sets.remove(&key);
        }
        self.counts.expired.add(octets);
        self.let_go(key.exporter, octets);
    }

    fn let_go(&mut self, exporter: u32, octets: usize) {
        let room = room_for::<T>(octets);
        self.waiting -= 1;
        self.taken -= room;
        if let Some(taken) = self.taken_by.get_mut(&exporter) {
            *taken -= room;
            if *taken == 0 {
                self.taken_by.remove(&exporter);
            }
        }
    }

    /// Sets leave their queue from the front or all at once, so those behind its front are there.
    fn is_waiting(&self, key: ParkedKey, serial: u64) -> bool {
        let oldest = self.sets.get(&key).and_then(|sets| sets.front());
        oldest.is_some_and(|oldest| oldest.serial <= serial)
    }

    /// Keeps the order from growing with sets that come and go.
    fn tidy_order(&mut self) {
        if self.order.len() > 2 * self.waiting + LEAST_TIDIED {
            let mut order = std::mem::take(&mut self.order);
            order.retain(|(_, serial, key)| self.is_waiting(*key, *serial));
            self.order = order;
        }
    }
}

impl Amount {
    fn add(&mut self, octets: usize) {
        self.sets += 1;
        self.octets += octets as u64;
    }
}

/// Octets that a set takes, itself and its places in queue and order.
const fn room_for<T>(octets: usize) -> usize {
    octets + size_of::<ParkedSet<T>>() + size_of::<(i64, u64, ParkedKey)>()
}

const LEAST_TIDIED: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: ParkedBounds =
        ParkedBounds { octets: 4_000, octets_per_exporter: 2_000, age_ns: 100 };

    fn key(exporter: u32, template: u16) -> ParkedKey {
        ParkedKey { exporter, template }
    }

    fn texts(sets: Vec<ParkedSet<u8>>) -> Vec<(String, u8)> {
        let text =
            |set: ParkedSet<u8>| (String::from_utf8(set.octets.into()).unwrap(), set.message);
        sets.into_iter().map(text).collect()
    }

    #[test]
    fn sets_come_back_in_order_when_their_template_has_come() {
        let mut parked = Parked::new(BOUNDS);
        assert!(parked.push(key(1, 256), b"one", 1, 0));
        assert!(parked.push(key(1, 257), b"other", 2, 1));
        assert!(parked.push(key(1, 256), b"two", 3, 2));
        assert!(parked.waits_for(key(1, 256)) && !parked.waits_for(key(2, 256)));
        let taken = texts(parked.take(key(1, 256), 3));
        assert_eq!(taken, [("one".to_owned(), 1), ("two".to_owned(), 3)]);
        assert!(parked.take(key(1, 256), 3).is_empty());
        assert_eq!(parked.counts().replayed, Amount { sets: 2, octets: 6 });
        assert_eq!(parked.waiting, 1);
    }

    #[test]
    fn sets_that_wait_too_long_expire() {
        let mut parked = Parked::new(BOUNDS);
        parked.push(key(1, 256), b"old", 0, 0);
        parked.push(key(2, 256), b"gone", 0, 10);
        parked.push(key(1, 256), b"young", 0, 50);
        parked.take(key(2, 256), 60);
        assert_eq!(parked.expire(100), Amount::default());
        assert_eq!(parked.expire(101), Amount { sets: 1, octets: 3 });
        assert_eq!(texts(parked.take(key(1, 256), 150)), [("young".to_owned(), 0)]);
        parked.push(key(1, 256), b"late", 0, 150);
        assert!(parked.take(key(1, 256), 251).is_empty());
    }

    #[test]
    fn no_exporter_takes_more_than_its_share_and_all_no_more_than_the_bound() {
        let mut parked = Parked::new(BOUNDS);
        let set = [0; 400];
        let fitting = |parked: &mut Parked<u8>, exporter| {
            (0..20).filter(|template| parked.push(key(exporter, *template), &set, 0, 0)).count()
        };
        assert_eq!(fitting(&mut parked, 1), 4);
        assert_eq!(fitting(&mut parked, 2), 4);
        assert_eq!(fitting(&mut parked, 3), 0);
        parked.forget(1);
        assert_eq!(fitting(&mut parked, 3), 4);
        let counts = parked.counts();
        assert_eq!(
            (counts.parked.sets, counts.forgotten.sets, counts.over_bound.sets),
            (12, 4, 68)
        );
    }

    #[test]
    fn every_set_is_counted_once_and_nothing_stays_behind() {
        let mut parked = Parked::new(BOUNDS);
        let mut random = 7_u64;
        for now_ns in 0..20_000_i64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let exporter = u32::try_from(random >> 60).unwrap();
            let template = u16::try_from(random >> 56 & 3).unwrap();
            match random >> 40 & 7 {
                0 => drop(parked.take(key(exporter, template), now_ns)),
                1 => parked.forget(exporter),
                _ => drop(parked.push(key(exporter, template), &[0; 9], 0, now_ns)),
            }
            let counts = parked.counts();
            let gone = counts.replayed.sets + counts.expired.sets + counts.forgotten.sets;
            assert_eq!(counts.parked.sets, gone + parked.waiting as u64);
            assert!(parked.order.len() <= 2 * parked.waiting + LEAST_TIDIED + 1);
        }
        parked.expire(i64::MAX);
        assert_eq!((parked.waiting, parked.taken, parked.taken_by.len()), (0, 0, 0));
        assert!(parked.sets.is_empty() && parked.order.is_empty());
    }
}
