// SPDX-License-Identifier: Apache-2.0
//! The sequences of an agent's sources, found again with every sample.
//!
//! Samples of few interfaces come in turn: which place a source has is remembered by the last bits of its number,
//! and looked up in order only if another was there.

use std::collections::BTreeMap;

use super::SampleKind;
use crate::exporters::SampleStream;
use crate::memory::sequence::Sequence;

/// Sequences by source.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// In the order in which they were first heard of.
    sequences: Vec<(SampleStream, Sequence)>,
    places: BTreeMap<SampleStream, u16>,
    /// Places of those heard of last, by [`slot`]; none before the first source.
    recent: Vec<u16>,
}

impl Sources {
    /// The sequence of a source, a new one if need be; none if it is new and there are so many or more.
    #[inline]
    pub(crate) fn heard(&mut self, stream: SampleStream, most: usize) -> Option<&mut Sequence> {
        let recent = self.recent.get(slot(stream)).copied().unwrap_or(u16::MAX);
        let known = self.sequences.get(usize::from(recent)).is_some_and(|(of, _)| *of == stream);
        let place = if known { recent } else { self.place(stream, most)? };
        self.sequences.get_mut(usize::from(place)).map(|(_, sequence)| sequence)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.sequences.len()
    }

    /// Puts a source's sequence in the place of any that it had.
    pub(crate) fn insert(&mut self, stream: SampleStream, sequence: Sequence) {
        if let Some(place) = self.heard(stream, usize::from(u16::MAX)) {
            *place = sequence;
        }
    }

    /// All of them, by their sources' order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&SampleStream, &Sequence)> {
        let all = self.places.values().filter_map(|place| self.sequences.get(usize::from(*place)));
        all.map(|(stream, sequence)| (stream, sequence))
    }

    /// All sequences.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Sequence> {
        self.sequences.iter().map(|(_, sequence)| sequence)
    }

    /// All sequences, to be changed.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Sequence> {
        self.sequences.iter_mut().map(|(_, sequence)| sequence)
    }

    #[cold]
    fn place(&mut self, stream: SampleStream, most: usize) -> Option<u16> {
        let place = match self.places.get(&stream) {
            Some(place) => *place,
            None if self.sequences.len() >= most => return None,
            None => {
                let place = u16::try_from(self.sequences.len()).ok()?;
                self.sequences.push((stream, Sequence::default()));
                self.places.insert(stream, place);
                place
            }
        };
        self.recent.resize(SLOTS, u16::MAX);
        if let Some(recent) = self.recent.get_mut(slot(stream)) {
            *recent = place;
        }
        Some(place)
    }
}

/// Interfaces next to each other, and flow and counter samples of one, are apart.
fn slot((kind, _, index): SampleStream) -> usize {
    let apart = match kind {
        SampleKind::Flow => 0,
        SampleKind::Counter => SLOTS / 2,
        SampleKind::Drop => SLOTS / 4,
    };
    (index as usize).wrapping_add(apart) % SLOTS
}

const SLOTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::sequence::{Stamp, Units};

    #[test]
    fn sources_of_the_same_slot_take_turns_and_keep_their_own_numbers() {
        let mut sources = Sources::default();
        let slots = u32::try_from(SLOTS).unwrap();
        let streams = [(SampleKind::Flow, 0, 3), (SampleKind::Flow, 0, 3 + slots)];
        for sequence in [5, 6, 8] {
            for stream in streams {
                let known = sources.heard(stream, 2).unwrap();
                known.observe(sequence, Units::Known(1), Stamp::default());
            }
        }
        assert!(sources.heard((SampleKind::Counter, 0, 3), 2).is_none());
        let lost: Vec<u64> = sources.values().map(|sequence| sequence.totals().lost).collect();
        assert_eq!(lost, [1, 1]);
    }

    #[test]
    fn a_sequence_that_was_kept_is_gone_on_with() {
        let mut sources = Sources::default();
        for index in [9, 2] {
            sources.insert((SampleKind::Flow, 0, index), Sequence::default());
        }
        let mut kept = Sequence::default();
        kept.observe(41, Units::Known(1), Stamp::default());
        sources.insert((SampleKind::Flow, 0, 9), kept);
        let all = sources.iter().map(|(stream, sequence)| (stream.2, sequence.saved().is_some()));
        assert_eq!(all.collect::<Vec<_>>(), [(2, false), (9, true)]);
        sources.values_mut().for_each(Sequence::begin_again);
        assert!(sources.values().all(|sequence| sequence.saved().is_none()));
    }
}
