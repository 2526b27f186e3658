// SPDX-License-Identifier: Apache-2.0
//! What all exporters make their messages of: flows in every layout, and messages kept for replay.

use std::collections::BTreeMap;

use crate::layout::{Key, Layout, Now};
use crate::message::Written;
use crate::pool::{self, Flow, Sizes};
use crate::random::Random;
use crate::settings::Settings;
use crate::sflow::Samples;

/// See the module.
#[derive(Debug)]
pub(crate) struct Stock {
    pub layouts: Vec<Layout>,
    /// Of IPv4 and of IPv6.
    pub samples: [Samples; 2],
    pub sizes: Sizes,
    /// What records say comes from here, and nothing else does: accidents change no record.
    pub random: Random,
    /// By the layouts of their records.
    pub replays: BTreeMap<[usize; 2], Replay>,
    flows: [Vec<Flow>; 2],
    keys: BTreeMap<Key, usize>,
}

/// Messages that are sent again and again.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    kept: Vec<Kept>,
    next: usize,
}

/// A message, and when it was made.
#[derive(Debug)]
pub(crate) struct Kept {
    pub octets: Vec<u8>,
    pub written: Written,
    pub now: Now,
}

impl Stock {
    pub fn new(settings: &Settings, sampled: bool) -> Self {
        let flows = [false, true].map(|ipv6| pool::draw(settings.flows, ipv6, settings.seed));
        let samples =
            [0, 1].map(|family: usize| Samples::new(if sampled { &flows[family] } else { &[] }));
        Self {
            layouts: Vec::new(),
            samples,
            sizes: Sizes::new(),
            random: Random::new(settings.seed, 1),
            replays: BTreeMap::new(),
            flows,
            keys: BTreeMap::new(),
        }
    }

    /// Where the layout is, which is made if it is new.
    pub fn layout(&mut self, key: Key) -> usize {
        *self.keys.entry(key).or_insert_with(|| {
            self.layouts.push(Layout::new(key, &self.flows[usize::from(key.ipv6)]));
            self.layouts.len() - 1
        })
    }

    /// No further layouts will be asked for.
    pub fn forget_flows(&mut self) {
        self.flows = [Vec::new(), Vec::new()];
    }
}

impl Replay {
    /// A message made before, in turn, if so many are kept already.
    pub fn next(&mut self, wanted: usize) -> Option<&Kept> {
        if self.kept.len() < wanted {
            return None;
        }
        let at = self.next % self.kept.len().max(1);
        self.next = at + 1;
        self.kept.get(at)
    }

    pub fn keep(&mut self, message: Kept) {
        self.kept.push(message);
    }
}
