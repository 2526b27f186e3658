// SPDX-License-Identifier: Apache-2.0
//! From frames to described packets with a place among the flows. Keeps no state, so any
//! thread may parse any chunk.

use std::ops::Range;

use penstock_wire::{Dissected, Extra, Fragment, Has, Packet, Tunnels, dissect};

use crate::key::{KeyRest, Place};
use crate::layout::KeyLayout;
use crate::ledger::PacketCounts;
use crate::select::Select;
use crate::slab::NOWHERE;
use crate::stream::Chunk;

/// A packet that will be metered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Described {
    pub place: Place,
    pub time_ns: i64,
    /// Index into [`Descriptions::rare`], or [`NOWHERE`].
    pub rare: u32,
    /// Which frame of its chunk it is, or [`NOWHERE`] where that chunk is gone.
    pub frame: u32,
    pub packet: Packet,
}

/// What few packets have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rare {
    pub extra: Extra,
    pub rest: KeyRest,
}

/// The described packets of a chunk, or of a part of one.
#[derive(Default)]
pub(crate) struct Descriptions {
    /// The first `len` of them count. The rest is kept to be overwritten, which is cheaper
    /// than to begin with zeroes.
    packets: Vec<Described>,
    len: usize,
    pub rare: Vec<Rare>,
    /// Whether any is a fragment, or came in one.
    pub fragments: bool,
}

impl Descriptions {
    pub fn clear(&mut self) {
        self.len = 0;
        self.rare.clear();
        self.fragments = false;
    }

    /// All of them.
    #[inline]
    pub fn packets(&self) -> &[Described] {
        self.packets.get(..self.len).unwrap_or(&[])
    }

    /// One of them.
    #[inline]
    pub fn packet(&self, index: u32) -> Option<&Described> {
        self.packets().get(index as usize)
    }

    /// Room for one more, with whatever was left there; taken by `len += 1`.
    #[inline]
    fn room(&mut self) -> &mut Described {
        if self.len == self.packets.len() {
            self.packets.push(Described::default());
        }
        match self.packets.get_mut(self.len) {
            Some(room) => room,
            None => unreachable!("there is room now"),
        }
    }

    #[inline]
    pub fn rare(&self, described: &Described) -> Option<&Rare> {
        if described.rare == NOWHERE { None } else { self.rare.get(described.rare as usize) }
    }

    /// Adds a packet that was described elsewhere.
    pub fn push(&mut self, mut described: Described, rare: Option<&Rare>) {
        described.rare = NOWHERE;
        if let Some(rare) = rare {
            described.rare = self.rare.len() as u32;
            self.rare.push(*rare);
        }
        *self.room() = described;
        self.len += 1;
    }
}

/// How frames become described packets.
pub(crate) struct Parser<F> {
    pub layout: KeyLayout,
    pub tunnels: Tunnels,
    /// `None` lets everything pass, at no cost.
    pub select: Option<F>,
}

impl<F: Select> Parser<F> {
    /// Adds the packets of some frames of a chunk. `clock_ns` is the greatest time before
    /// them in the stream, and is moved on.
    #[inline]
    pub fn parse(
        &self,
        chunk: &impl Chunk,
        frames: Range<usize>,
        clock_ns: &mut i64,
        out: &mut Descriptions,
        counts: &mut PacketCounts,
    ) {
        let mut extra = Extra::default();
        let first = out.len;
        for index in frames {
            let (frame, time_ns) = chunk.frame(index);
            counts.read += 1;
            if time_ns < *clock_ns {
                counts.backwards += 1;
            } else {
                *clock_ns = time_ns;
            }
            if let Some(select) = &self.select
                && !select.passes(&frame)
            {
                counts.filtered += 1;
                continue;
            }
            let described = out.room();
            match dissect(frame, self.tunnels, &mut described.packet, &mut extra) {
                Ok(Dissected::Ip) => {}
                Ok(Dissected::NotIp(what)) => {
                    counts.not_ip(what);
                    continue;
                }
                Err(error) => {
                    counts.malformed(&error);
                    continue;
                }
            }
            described.time_ns = time_ns;
            described.frame = index as u32;
            described.rare = NOWHERE;
            let has = described.packet.has;
            let fragments = described.packet.fragment != Fragment::Whole;
            if has.any(RARE) || !self.layout.is_default() {
                if has.contains(Has::TROUBLE) {
                    counts.trouble(extra.trouble.as_ref());
                }
                let rare = out.rare.len() as u32;
                out.rare.push(Rare { extra, rest: KeyRest::default() });
                out.room().rare = rare;
            }
            out.len += 1;
            out.fragments |= fragments || has.contains(Has::OUTER_FRAGMENT);
        }
        self.locate(out, first);
    }

    /// Gives the packets from `first` on their places. Apart from the reading, because what
    /// has just been written octet by octet is slow to be read word by word.
    #[inline]
    fn locate(&self, out: &mut Descriptions, first: usize) {
        for described in out.packets.get_mut(first..out.len).unwrap_or(&mut []) {
            let Described { packet, place, rare, .. } = described;
            self.layout.locate(packet, place);
            if *rare != NOWHERE
                && self.layout.needs_rest(packet)
                && let Some(rare) = out.rare.get_mut(*rare as usize)
            {
                rare.rest = self.layout.rest(packet, &rare.extra, place);
            }
        }
    }
}

const RARE: Has = Has::TUNNEL
    .with(Has::VLANS)
    .with(Has::MPLS)
    .with(Has::TROUBLE)
    .with(Has::OUTER_FRAGMENT)
    .with(Has::FRAGMENT_HEADER);
