// SPDX-License-Identifier: Apache-2.0
//! Places that are taken and given back, at fixed addresses, grown a block at a time.
//!
//! A `Vec` that doubles would hold up to twice what is needed, and move everything when
//! it grows. Blocks do neither.

/// No place.
pub(crate) const NOWHERE: u32 = u32::MAX;

const BLOCK_BITS: u32 = 10;
const BLOCK: usize = 1 << BLOCK_BITS;

/// A growing set of `T` with numbered places. What was given back keeps its last value
/// until it is taken again.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    blocks: Vec<Box<[T]>>,
    free: Vec<u32>,
    used: u32,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { blocks: Vec::new(), free: Vec::new(), used: 0 }
    }
}

impl<T: Default> Slab<T> {
    /// A place, with what was last left there.
    pub fn take(&mut self) -> u32 {
        if let Some(place) = self.free.pop() {
            return place;
        }
        if self.used as usize == self.blocks.len() * BLOCK {
            self.blocks.push((0..BLOCK).map(|_| T::default()).collect());
        }
        self.used += 1;
        self.used - 1
    }

    /// Gives a place back.
    pub fn give_back(&mut self, place: u32) {
        self.free.push(place);
    }

    /// What is at a place that was taken.
    #[inline]
    pub fn get(&self, place: u32) -> &T {
        let found = self.blocks.get((place >> BLOCK_BITS) as usize);
        match found.and_then(|block| block.get(place as usize & (BLOCK - 1))) {
            Some(value) => value,
            None => never_taken(place),
        }
    }

    /// What is at a place that was taken, to be changed.
    #[inline]
    pub fn get_mut(&mut self, place: u32) -> &mut T {
        let found = self.blocks.get_mut((place >> BLOCK_BITS) as usize);
        match found.and_then(|block| block.get_mut(place as usize & (BLOCK - 1))) {
            Some(value) => value,
            None => never_taken(place),
        }
    }
}

/// Places come from the table itself, never from a packet.
#[cold]
fn never_taken(place: u32) -> ! {
    unreachable!("place {place} was never taken")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_reused_and_keep_their_value() {
        let mut slab = Slab::<u8>::default();
        let places: Vec<u32> = (0..200).map(|_| slab.take()).collect();
        *slab.get_mut(places[77]) = 9;
        slab.give_back(places[77]);
        let again = slab.take();
        assert_eq!((again, *slab.get(again), slab.take()), (77, 9, 200));
    }
}
