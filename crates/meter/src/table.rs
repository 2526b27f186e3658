// SPDX-License-Identifier: Apache-2.0
//! Where a flow is, by the hash of its key: open addressing with linear probing.
//!
//! An entry is eight octets: half of the hash, and the flow's place. The table says
//! which places are worth a look; whether the key is the same is the caller's to see.
//! Removal shifts what follows back, so that no tombstones gather.

/// The places of one partition's flows.
#[derive(Debug)]
pub(crate) struct Table {
    entries: Box<[Entry]>,
    len: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    tag: u32,
    /// One more than the place; 0 where the entry is free.
    place: u32,
}

impl Default for Table {
    fn default() -> Self {
        Self { entries: vec![Entry::default(); 8].into(), len: 0 }
    }
}

impl Table {
    /// The first place whose hash agrees and which `is_it` accepts.
    #[inline]
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let tag = hash as u32;
        let mut at = tag as usize;
        loop {
            let entry = self.entry(at);
            let place = entry.place.checked_sub(1)?;
            if entry.tag == tag && is_it(place) {
                return Some(place);
            }
            at += 1;
        }
    }

    /// The first place whose hash agrees: worth fetching early.
    #[inline]
    pub fn likely(&self, hash: u64) -> Option<u32> {
        self.find(hash, |_| true)
    }

    /// The address at which a look-up will begin, to be fetched early.
    #[inline]
    pub fn line(&self, hash: u64) -> *const u8 {
        let at = hash as u32 as usize & (self.entries.len() - 1);
        self.entries.as_ptr().wrapping_add(at).cast()
    }

    /// How many flows there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// All places, in an order that follows from what was added and taken out.
    pub fn places(&self) -> impl Iterator<Item = u32> {
        self.entries.iter().filter_map(|entry| entry.place.checked_sub(1))
    }

    /// Adds a place that is not there yet.
    pub fn insert(&mut self, hash: u64, place: u32) {
        if (self.len + 1) * 8 > self.entries.len() * 7 {
            self.grow();
        }
        self.put(Entry { tag: hash as u32, place: place + 1 });
        self.len += 1;
    }

    /// Takes a place out.
    pub fn remove(&mut self, hash: u64, place: u32) {
        let mut hole = hash as u32 as usize;
        while self.entry(hole).place != place + 1 {
            if self.entry(hole).place == 0 {
                return;
            }
            hole += 1;
        }
        self.len -= 1;
        let mut next = hole + 1;
        loop {
            let entry = self.entry(next);
            if entry.place == 0 {
                break;
            }
            // How far the entry lies from where its look-up begins, and how far the hole does.
            let mask = self.entries.len() - 1;
            let from_home = next.wrapping_sub(entry.tag as usize) & mask;
            if from_home >= next - hole {
                self.set(hole, entry);
                hole = next;
            }
            next += 1;
        }
        self.set(hole, Entry::default());
    }

    #[inline]
    fn entry(&self, at: usize) -> Entry {
        // The length is a power of two and not zero, so the default is never meant.
        self.entries.get(at & (self.entries.len() - 1)).copied().unwrap_or_default()
    }

    fn set(&mut self, at: usize, entry: Entry) {
        let mask = self.entries.len() - 1;
        if let Some(place) = self.entries.get_mut(at & mask) {
            *place = entry;
        }
    }

    fn put(&mut self, entry: Entry) {
        let mut at = entry.tag as usize;
        while self.entry(at).place != 0 {
            at += 1;
        }
        self.set(at, entry);
    }

    fn grow(&mut self) {
        let larger = vec![Entry::default(); self.entries.len() * 2].into();
        let old = std::mem::replace(&mut self.entries, larger);
        for entry in old.iter().filter(|entry| entry.place != 0) {
            self.put(*entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn it_agrees_with_a_map_through_many_inserts_and_removals() {
        let mut table = Table::default();
        let mut map = HashMap::new();
        let mut random = 1_u64;
        for round in 0..20_000_u32 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round.into());
            // Few distinct hashes, so that runs are long and wrap around the end.
            let hash = (random >> 40) % 600 * 0x0101_0101;
            if let Some(place) = map.remove(&hash) {
                assert_eq!(table.find(hash, |_| true), Some(place));
                table.remove(hash, place);
                assert_eq!(table.find(hash, |_| true), None);
            } else {
                map.insert(hash, round);
                table.insert(hash, round);
            }
        }
        for (hash, place) in map {
            assert_eq!(table.find(hash, |_| true), Some(place));
        }
    }

    #[test]
    fn places_with_one_hash_are_told_apart_by_the_caller() {
        let mut table = Table::default();
        table.insert(7, 1);
        table.insert(7, 2);
        table.remove(7, 1);
        assert_eq!(table.find(7, |place| place == 2), Some(2));
        assert_eq!(table.find(7, |place| place == 1), None);
    }
}
