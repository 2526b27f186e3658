// SPDX-License-Identifier: Apache-2.0
//! A 256th of the flow table: where its flows are, and where each part of them is.
//!
//! Which partition a flow is in follows from its key alone, so that what happens in one
//! does not depend on how many threads there are.

use crate::flow::{Aside, Cold, Hot, State};
use crate::key::{KeyLayout, KeyRest, Place};
use crate::parse::Rare;
use crate::slab::{NOWHERE, Slab};
use crate::table::Table;
use crate::timers::{NO_ENTRY, Note, Timers};

/// One partition's flows.
#[derive(Debug, Default)]
pub(crate) struct Partition {
    pub table: Table,
    pub hot: Slab<Hot>,
    pub cold: Slab<Cold>,
    pub asides: Slab<Aside>,
    pub timers: Timers,
    len: usize,
}

impl Partition {
    /// How many flows there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// The flow with that key, whole.
    #[inline]
    pub fn find(&self, wanted: &Place, rare: Option<&Rare>) -> Option<u32> {
        self.table.find(wanted.hash, |place| {
            let hot = self.hot.get(place);
            hot.key == wanted.key
                && (!wanted.key.kind.has_rest()
                    || rare.is_some_and(|rare| self.rest(hot) == Some(&rare.rest)))
        })
    }

    /// A new flow, with its key and nothing else.
    pub fn begin(&mut self, wanted: &Place, rare: Option<&Rare>) -> u32 {
        let place = self.hot.take();
        if place == self.cold.used() {
            self.cold.take();
        }
        let hot = self.hot.get_mut(place);
        *hot = Hot { key: wanted.key, state: State::LIVE, timer: hot.timer, ..Hot::default() };
        *self.cold.get_mut(place) = Cold::default();
        if let Some(rare) = rare.filter(|_| wanted.key.kind.has_rest()) {
            self.aside_of(place).rest = rare.rest;
        }
        self.table.insert(wanted.hash, place);
        self.len += 1;
        place
    }

    /// Forgets a flow. Its timer's entry stays, for the next flow at the same place.
    pub fn remove(&mut self, place: u32, layout: &KeyLayout) {
        let hot = self.hot.get_mut(place);
        hot.state = State::default();
        let (key, aside) = (hot.key, std::mem::replace(&mut hot.aside, NOWHERE));
        let rest = (aside != NOWHERE).then(|| self.asides.get(aside).rest);
        self.table.remove(layout.hash_of(&key, rest.as_ref()), place);
        if aside != NOWHERE {
            self.asides.give_back(aside);
        }
        self.hot.give_back(place);
        self.len -= 1;
    }

    /// What the flow has aside, made if there is none.
    pub fn aside_of(&mut self, place: u32) -> &mut Aside {
        let hot = self.hot.get_mut(place);
        if hot.aside == NOWHERE {
            hot.aside = self.asides.take();
            *self.asides.get_mut(hot.aside) = Aside::default();
        }
        self.asides.get_mut(hot.aside)
    }

    /// Whether a timer's entry for `place`, taken from where `note` says, is the one that
    /// counts, and a flow is there.
    pub fn entry_counts(&mut self, place: u32, note: Note) -> bool {
        let hot = self.hot.get_mut(place);
        if hot.timer != note {
            return false;
        }
        hot.timer = NO_ENTRY;
        hot.state.has(State::LIVE)
    }

    fn rest(&self, hot: &Hot) -> Option<&KeyRest> {
        (hot.aside != NOWHERE).then(|| &self.asides.get(hot.aside).rest)
    }
}
