// SPDX-License-Identifier: Apache-2.0
//! Who sends: a row for each session and domain, found again with every message.
//!
//! What makes two messages the same exporter's is each protocol's own rule (RFC 7011 section 8,
//! RFC 3954 section 5.1, and by practice for the rest); it is all in [`Key`]. Rows have small
//! numbers, which records carry until their batch is made; a row is not given to somebody else
//! while records with its number wait.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::memory::clock::Skew;
use crate::memory::sampling::{ConfiguredSampling, Sampling, SamplingTable, SavedRate};
use crate::memory::sequence::{Sequence, Stamp, Units};
use crate::memory::templates::{Entry, TemplateBounds, Templates, Transport};
use crate::rows::{self, Identity, Plan, SourceKind};
use crate::settings::Settings;
use crate::sflow::{SampleKind, SourceSample, Sources};

#[cfg(test)]
mod tests;

/// What makes messages one exporter's.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Key {
    pub kind: SourceKind,
    /// Address of the sender, IPv4 mapped; in sFlow the agent.
    pub addr: [u8; 16],
    /// Port of the sender, where it tells sessions apart: not in `NetFlow` version 9 and sFlow.
    pub port: u16,
    /// Number of the stream; 0 of datagrams.
    pub stream: u32,
    /// Observation domain, source id, engine, or sub-agent.
    pub domain: u32,
}

impl Key {
    /// Who it is, apart from session and domain.
    const fn sender(&self) -> (SourceKind, [u8; 16]) {
        (self.kind, self.addr)
    }
}

/// A compiled template.
#[derive(Clone, Debug)]
pub(crate) enum Compiled {
    Flows(Arc<Plan>),
    Options,
}

/// A source of sFlow samples: their kind, and class and index of what is sampled.
pub(crate) type SampleStream = (SampleKind, u32, u32);

/// What is known of one exporter.
pub(crate) struct Exporter {
    pub key: Key,
    pub transport: Transport,
    /// The port that it sent from last.
    pub port: u16,
    pub first_ns: i64,
    pub last_ns: i64,
    pub templates: Templates<Compiled>,
    pub sequence: Sequence,
    /// Sequences of sFlow's sources: flow samples, counter samples and drops each count alone.
    pub samples: Sources,
    pub skew: Skew,
    pub counts: ExporterCounts,
    /// When it was last heard by the image that its sequences were taken from, if they were.
    pub resumed_ns: Option<i64>,
    /// The rate that its latest message or sample stated, outside of records.
    pub stated_rate: Option<f64>,
    /// What it says that it has exported (exportedFlowRecordTotalCount).
    pub exported_records: Option<u64>,
    /// The session of the same address and domain before it, whose templates hold until it sends its
    /// own.
    before: Option<(u32, Key)>,
    /// Records of it wait in the current batch.
    waiting: bool,
}

/// What one exporter sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExporterCounts {
    pub datagrams: u64,
    pub octets: u64,
    pub records: u64,
    pub other_records: u64,
    pub refused: BTreeMap<&'static str, u64>,
}

/// All exporters.
pub(crate) struct Directory {
    exporters: Vec<Exporter>,
    by_key: HashMap<Key, u32>,
    /// The latest exporter of an address and domain, whatever its port: a new port of the same
    /// pair takes over its templates.
    by_pair: HashMap<(SourceKind, [u8; 16], u32), u32>,
    /// By protocol too: what one says of its sampling is nothing to another from the same address.
    sampling: HashMap<(SourceKind, [u8; 16]), SamplingTable>,
    /// The one asked for last: exporters send many messages in a row.
    latest: Option<(Key, u32)>,
    /// Where the search for room goes on.
    hand: usize,
    configured: HashMap<[u8; 16], f64>,
    assumed: Option<f64>,
    max_exporters: usize,
    bounds: TemplateBounds,
    /// Templates and sources of samples of all exporters: as of the last count, and those that came since.
    pub remembers: usize,
    /// Samples whose source there was no room to follow.
    pub sources_over_bound: u64,
}

/// An exporter that made room: its number, now another's, and what was known of it.
pub(crate) type Forgotten = (u32, Box<Exporter>);

impl Directory {
    pub fn new(settings: &Settings) -> Self {
        Self {
            exporters: Vec::new(),
            by_key: HashMap::new(),
            by_pair: HashMap::new(),
            sampling: HashMap::new(),
            latest: None,
            hand: 0,
            configured: settings.sampling.iter().copied().collect(),
            assumed: settings.default_sampling,
            max_exporters: settings.max_exporters.max(1),
            bounds: TemplateBounds {
                templates: settings.max_templates,
                fields: settings.max_fields,
                lifetime_ns: Some(settings.template_lifetime_ns),
            },
            remembers: 0,
            sources_over_bound: 0,
        }
    }

    /// The exporter of this key, who is heard now; a new one if need be, in the place of another
    /// where there is no more room. None if everybody's records wait.
    pub fn heard(
        &mut self,
        key: Key,
        port: u16,
        transport: Transport,
        now_ns: i64,
    ) -> (Option<u32>, Option<Forgotten>) {
        let known = match self.latest {
            Some((latest, number)) if latest == key => Some(number),
            _ => self.by_key.get(&key).copied(),
        };
        let (number, forgotten) = match known {
            Some(number) => (Some(number), None),
            None => self.insert(key, transport, now_ns),
        };
        if let Some(number) = number {
            self.latest = Some((key, number));
            if let Some(exporter) = self.exporters.get_mut(number as usize) {
                exporter.port = port;
                exporter.last_ns = exporter.last_ns.max(now_ns);
            }
        }
        (number, forgotten)
    }

    pub fn get(&self, number: u32) -> Option<&Exporter> {
        self.exporters.get(number as usize)
    }

    pub fn get_mut(&mut self, number: u32) -> Option<&mut Exporter> {
        self.exporters.get_mut(number as usize)
    }

    /// The template that an exporter's data sets of this number have, be it of a session before.
    pub fn template(&self, number: u32, id: u16, now_ns: i64) -> Option<&Entry<Compiled>> {
        let mut exporter = self.get(number)?;
        for _ in 0..SESSIONS_BACK {
            if let Some(entry) = exporter.templates.get(id, now_ns) {
                return Some(entry);
            }
            let (number, key) = exporter.before?;
            exporter = self.get(number).filter(|before| before.key == key)?;
        }
        None
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, &Exporter)> {
        (0..).zip(&self.exporters)
    }

    /// The rate that holds for a record of this exporter that says none itself, as of its latest
    /// message.
    pub fn rate_of(&self, exporter: &Exporter) -> Sampling {
        let table = self.sampling.get(&exporter.key.sender());
        table.map_or(Sampling::UNKNOWN, |table| {
            table.lookup(exporter.key.domain, exporter.stated_rate, None)
        })
    }

    /// What it has announced, for keeping.
    pub fn rates_of(&self, exporter: &Exporter) -> Vec<SavedRate> {
        let table = self.sampling.get(&exporter.key.sender());
        table.map_or_else(Vec::new, |table| table.saved(exporter.key.domain))
    }

    /// The rates that this sender has announced.
    pub fn sampling_of(&mut self, key: &Key) -> &mut SamplingTable {
        let configured = ConfiguredSampling {
            override_rate: self.configured.get(&key.addr).copied(),
            default_rate: None,
            assumed_rate: self.assumed,
        };
        self.sampling.entry(key.sender()).or_insert_with(|| SamplingTable::new(configured))
    }

    /// Records of this exporter wait from now on.
    pub fn waits(&mut self, number: u32) {
        if let Some(exporter) = self.get_mut(number) {
            exporter.waiting = true;
        }
    }

    /// No records wait any more.
    pub fn drained(&mut self) {
        for exporter in &mut self.exporters {
            exporter.waiting = false;
        }
    }

    /// The stream is over, and what it taught with it.
    pub fn forget_templates_of(&mut self, stream: u32) {
        for exporter in self.exporters.iter_mut().filter(|other| other.key.stream == stream) {
            exporter.templates.drop_all();
        }
    }

    /// Forgets templates that were not seen for too long; how many.
    pub fn expire(&mut self, now_ns: i64) -> u64 {
        let expired = self
            .exporters
            .iter_mut()
            .map(|exporter| exporter.templates.expire(now_ns) as u64)
            .sum();
        let held = |exporter: &Exporter| exporter.templates.len() + exporter.samples.len();
        self.remembers = self.exporters.iter().map(held).sum();
        expired
    }

    /// Whether there are too many templates and sources of samples, of all exporters, to remember more.
    pub fn is_crowded(&self) -> bool {
        self.remembers >= ALL_REMEMBERED
    }

    /// Takes note of a sample's number: every source counts for itself.
    pub fn observe_sample(&mut self, number: u32, sample: &SourceSample, stamp: Stamp) {
        let crowded = self.is_crowded();
        let Some(exporter) = self.get_mut(number) else { return };
        let before = exporter.samples.len();
        if !exporter.observe_sample(sample, stamp, crowded) {
            self.sources_over_bound += 1;
        } else if exporter.samples.len() > before {
            self.remembers += 1;
        }
    }

    fn insert(
        &mut self,
        key: Key,
        transport: Transport,
        now_ns: i64,
    ) -> (Option<u32>, Option<Forgotten>) {
        let exporter = Exporter {
            key,
            transport,
            port: key.port,
            first_ns: now_ns,
            last_ns: now_ns,
            templates: Templates::new(transport, self.bounds_for(key.kind)),
            sequence: Sequence::default(),
            samples: Sources::default(),
            skew: Skew::default(),
            counts: ExporterCounts::default(),
            resumed_ns: None,
            stated_rate: None,
            exported_records: None,
            before: self.session_before(&key, transport),
            waiting: false,
        };
        let mut forgotten = None;
        let room = u32::try_from(self.exporters.len()).ok();
        let number =
            if let Some(number) = room.filter(|_| self.exporters.len() < self.max_exporters) {
                self.exporters.push(exporter);
                number
            } else {
                let Some(number) = self.longest_silent() else { return (None, None) };
                let Some(place) = self.get_mut(number) else { return (None, None) };
                let before = std::mem::replace(place, exporter);
                self.forget(number, &before.key);
                forgotten = Some((number, Box::new(before)));
                number
            };
        self.by_key.insert(key, number);
        self.sampling_of(&key);
        if transport == Transport::Datagram {
            self.by_pair.insert((key.kind, key.addr, key.domain), number);
        }
        (Some(number), forgotten)
    }

    /// Whose templates a new session takes over. They are looked up there, not copied: any sender can
    /// make up ports.
    fn session_before(&self, key: &Key, transport: Transport) -> Option<(u32, Key)> {
        let number = *self.by_pair.get(&(key.kind, key.addr, key.domain))?;
        let before = self.get(number).filter(|_| transport == Transport::Datagram)?;
        let is_same = (before.key.kind, before.key.addr, before.key.domain)
            == (key.kind, key.addr, key.domain);
        let has_own = before.templates.len() > 0;
        if has_own { Some((number, before.key)) } else { before.before }.filter(|_| is_same)
    }

    /// Routers that speak version 9 send their templates every half hour at most, which is all that
    /// IPFIX lets them live.
    fn bounds_for(&self, kind: SourceKind) -> TemplateBounds {
        match kind {
            SourceKind::NetFlow9 => TemplateBounds {
                lifetime_ns: self.bounds.lifetime_ns.map(|lifetime| lifetime.saturating_mul(2)),
                ..self.bounds
            },
            _ => self.bounds,
        }
    }

    /// Samplers that were not remembered for want of room.
    pub fn samplers_over_bound(&self) -> u64 {
        self.sampling.values().map(SamplingTable::over_bound).sum()
    }

    /// Of a few, the one that has been silent for longest, if its records do not wait.
    fn longest_silent(&mut self) -> Option<u32> {
        let room = self.exporters.len().max(1);
        let candidates = (0..LOOKED_AT.min(room)).map(|step| (self.hand + step) % room);
        let free = candidates.filter_map(|number| {
            let exporter = self.exporters.get(number).filter(|exporter| !exporter.waiting)?;
            Some((exporter.last_ns, u32::try_from(number).ok()?))
        });
        let found = free.min();
        self.hand = (self.hand + LOOKED_AT) % room;
        found.map(|(_, number)| number)
    }

    /// Nothing leads to this exporter any more, whose place another has.
    fn forget(&mut self, number: u32, key: &Key) {
        self.by_key.remove(key);
        let pair = (key.kind, key.addr, key.domain);
        if self.by_pair.get(&pair) == Some(&number) {
            self.by_pair.remove(&pair);
        }
        self.latest = None;
        // Now and then only: it takes a look at everybody.
        if self.sampling.len() / 2 > self.max_exporters {
            let used: HashSet<_> = self.exporters.iter().map(|e| e.key.sender()).collect();
            self.sampling.retain(|sender, _| used.contains(sender));
        }
    }
}

impl Exporter {
    /// Takes note of a sample's number; false if there is no room for its source.
    fn observe_sample(&mut self, sample: &SourceSample, stamp: Stamp, crowded: bool) -> bool {
        let stream = (sample.kind, sample.source.class, sample.source.index);
        let most = if crowded { 0 } else { SOURCES };
        let Some(sequence) = self.samples.heard(stream, most) else { return false };
        if sample.kind == SampleKind::Flow {
            let known = Some(sample.sampling_rate).filter(|&rate| rate > 0);
            self.stated_rate = known.map(f64::from);
        }
        sequence.observe(sample.sequence, Units::Known(1), stamp);
        true
    }

    /// Samples that the numbers of its sources say were lost.
    pub fn missing_samples(&self) -> u64 {
        self.samples.values().map(|sequence| sequence.totals().lost).sum()
    }
}

impl rows::Exporters for Directory {
    fn identity(&self, exporter: u32) -> Identity {
        self.get(exporter).map_or(
            Identity { addr: [0; 16], port: 0, domain: 0, kind: SourceKind::Ipfix },
            |exporter| Identity {
                addr: exporter.key.addr,
                port: exporter.port,
                domain: exporter.key.domain,
                kind: exporter.key.kind,
            },
        )
    }

    fn sampling(&self, exporter: u32, stated: Option<f64>, sampler: Option<u64>) -> Sampling {
        let Some(exporter) = self.get(exporter) else { return Sampling::UNKNOWN };
        let key = exporter.key;
        match self.sampling.get(&key.sender()) {
            Some(table) => table.lookup(key.domain, stated, sampler),
            None => Sampling::UNKNOWN,
        }
    }
}

/// Templates and sources of samples that are remembered, of all exporters together: the bounds of each would
/// multiply.
const ALL_REMEMBERED: usize = 1 << 20;

/// Sources of samples of one exporter whose numbers are followed.
const SOURCES: usize = 4_096;

/// Exporters that are looked at to find one that may be forgotten. Few, because a flood of
/// made-up senders asks for room with every datagram.
const LOOKED_AT: usize = 16;

/// Sessions of one address and domain that are asked for a template, one before the other.
const SESSIONS_BACK: usize = 8;
