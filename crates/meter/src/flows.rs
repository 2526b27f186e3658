// SPDX-License-Identifier: Apache-2.0
//! The flows of one thread, each in up to three parts at one numbered place.
//!
//! A place's number says nothing about its flow, and depends on how many threads there
//! are: nothing that comes out may hang on it.

use penstock_wire::{Ends, Extra, Packet};

use crate::flow::{Aside, Cold, Hot, State, at, at_mut, describe, describe_aside, needs_aside};
use crate::key::{KeyRest, Place};
use crate::parse::{Described, Rare};
use crate::slab::{NOWHERE, Slab};
use crate::timers::{NO_ENTRY, Note};

/// Places and what is there.
#[derive(Debug, Default)]
pub(crate) struct Flows {
    pub hot: Slab<Hot>,
    pub cold: Slab<Cold>,
    pub asides: Slab<Aside>,
}

impl Flows {
    /// Whether the flow of that key is at `place`.
    #[inline]
    pub fn is_at(&self, place: u32, wanted: &Place, rare: Option<&Rare>) -> bool {
        let hot = self.hot.get(place);
        hot.key == wanted.key
            && hot.state.has(State::LIVE)
            && (!wanted.key.kind().has_rest()
                || rare.is_some_and(|rare| self.rest(hot) == Some(&rare.rest)))
    }

    /// What the flow's key has besides.
    pub fn rest(&self, hot: &Hot) -> Option<&KeyRest> {
        (hot.aside != NOWHERE).then(|| &self.asides.get(hot.aside).rest)
    }

    /// A place that no flow has had.
    pub fn new_place(&mut self) -> u32 {
        self.cold.take();
        self.hot.take()
    }

    /// Puts a new flow with nothing counted yet, whose source is on side `source`.
    pub fn begin(&mut self, place: u32, wanted: &Place, rare: Option<&Rare>, source: usize) {
        let hot = self.hot.get_mut(place);
        let mut state = State::LIVE;
        state.set(State::EMPTY);
        if source == 1 {
            state.set(State::SOURCE_IS_HIGH);
        }
        // Its timer's entry outlives a flow.
        *hot = Hot { key: wanted.key, state, timer: hot.timer, ..Hot::default() };
        if let Some(rare) = rare.filter(|_| wanted.key.kind().has_rest()) {
            self.aside_of(place).rest = rare.rest;
        }
    }

    /// Forgets a flow.
    pub fn end(&mut self, place: u32) {
        let hot = self.hot.get_mut(place);
        hot.state = State::default();
        if hot.aside != NOWHERE {
            self.asides.give_back(hot.aside);
        }
    }

    /// Whether a timer's entry for `place`, taken from where `note` says, is the one that
    /// counts, and a flow is there.
    #[inline]
    pub fn entry_counts(&mut self, place: u32, note: Note) -> bool {
        let hot = self.hot.get_mut(place);
        if hot.timer != note {
            return false;
        }
        hot.timer = NO_ENTRY;
        hot.state.has(State::LIVE)
    }

    /// Counts a packet into its flow's record, and answers whether it is the record's first.
    /// `now_ns` is the packet's time, or the packet clock's where that is another.
    #[inline]
    pub fn count(
        &mut self,
        place: u32,
        described: &Described,
        rare: Option<&Rare>,
        now_ns: i64,
    ) -> bool {
        let packet = &described.packet;
        let side = usize::from(described.place.from_high);
        let clamped = described.time_ns != now_ns;
        let hot = self.hot.get_mut(place);
        let source = hot.source();
        let begins = hot.state.has(State::EMPTY);
        if begins {
            hot.state.clear(State::EMPTY);
            hot.start_ns = now_ns;
            hot.last_ns = [i64::MIN; 2];
            describe(hot, self.cold.get_mut(place), packet, side, source);
        }
        let packets = at_mut(&mut hot.packets, side);
        *packets += 1;
        if *packets == 1 {
            let cold = self.cold.get_mut(place);
            *at_mut(&mut cold.first_ns, side) = described.time_ns;
            *at_mut(&mut cold.tos, side) = packet.tos;
            *at_mut(&mut cold.ip_flags, side) = packet.ip_flags;
            if side == source || begins {
                note_icmp(hot, packet);
            }
        } else if described.time_ns < at(&hot.last_ns, side) {
            let first = at_mut(&mut self.cold.get_mut(place).first_ns, side);
            *first = described.time_ns.min(*first);
            if !clamped {
                hot.start_ns = hot.start_ns.min(described.time_ns);
            }
        }
        let last = at_mut(&mut hot.last_ns, side);
        let last_before_ns = *last;
        *last = now_ns.max(*last);
        *at_mut(&mut hot.octets, side) += u64::from(packet.octets);
        *at_mut(&mut hot.frame_octets, side) += u64::from(packet.frame_octets);
        let ttl_min = at_mut(&mut hot.ttl_min, side);
        *ttl_min = packet.ttl.min(*ttl_min);
        let ttl_max = at_mut(&mut hot.ttl_max, side);
        *ttl_max = packet.ttl.max(*ttl_max);
        *at_mut(&mut hot.tcp_flags, side) |= packet.tcp_flags;
        if packet.has.contains(penstock_wire::Has::TCP) {
            hot.state.set(State::TCP);
        }
        if clamped || needs_aside(packet) || hot.state.has(State::CLAMPED) {
            let first_of_side = at(&hot.packets, side) == 1;
            if first_of_side {
                let none = Extra::default();
                let extra = rare.map_or(&none, |rare| &rare.extra);
                describe_aside(self.aside_of(place), packet, extra, side, begins);
            }
            self.keep_original_times(place, described, last_before_ns, clamped, begins);
        }
        begins
    }

    /// Keeps apart the original times of a flow whose packet clock is another.
    #[cold]
    fn keep_original_times(
        &mut self,
        place: u32,
        described: &Described,
        last_before_ns: i64,
        clamped: bool,
        begins: bool,
    ) {
        let side = usize::from(described.place.from_high);
        let hot = self.hot.get_mut(place);
        if begins {
            hot.state.clear(State::CLAMPED);
        }
        let already = hot.state.has(State::CLAMPED);
        if !clamped && !already {
            return;
        }
        hot.state.set(State::CLAMPED);
        let mut before = hot.last_ns;
        *at_mut(&mut before, side) = last_before_ns;
        let times = &mut self.aside_of(place).last_original_ns;
        if !already {
            *times = before;
        }
        let last = at_mut(times, side);
        *last = described.time_ns.max(*last);
    }

    /// What the flow has aside, made if there is none.
    fn aside_of(&mut self, place: u32) -> &mut Aside {
        let hot = self.hot.get_mut(place);
        if hot.aside == NOWHERE {
            hot.aside = self.asides.take();
            *self.asides.get_mut(hot.aside) = Aside::default();
        }
        self.asides.get_mut(hot.aside)
    }
}

/// Keeps type and code of the first ICMP message, and of the source's first if that is later.
fn note_icmp(hot: &mut Hot, packet: &Packet) {
    let ends = hot.key.kind().ends();
    if matches!(ends, Ends::IcmpEcho | Ends::IcmpTimestamp | Ends::IcmpOther) {
        let [flags, _] = &mut hot.tcp_flags;
        *flags = u16::from_be_bytes([packet.icmp_type, packet.icmp_code]);
    }
}
