// SPDX-License-Identifier: Apache-2.0
//! Sends made-up traffic to a collector and adds up what it gives out.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, RecordBatch};
use penstock_codec::{Definition, Template, ipfix};
use penstock_collect::{Collector, ExporterState};
use penstock_record::{BatchKind, Fate, Unit, column};
use penstock_traffic::{Datagram, Protocol, Settings, Sums, Traffic, Truth};

/// What a collector gave out, by exporter.
#[derive(Debug, Default)]
pub struct Given {
    pub flows: BTreeMap<[u8; 16], Sums>,
    pub options: usize,
    pub counters: usize,
    pub batches: Vec<(BatchKind, RecordBatch)>,
}

impl Given {
    /// Takes what waits.
    pub fn take(&mut self, collector: &mut Collector) {
        for (kind, batch) in collector.take() {
            match kind {
                BatchKind::Flows => self.add(&batch),
                BatchKind::Options => self.options += batch.num_rows(),
                _ => self.counters += batch.num_rows(),
            }
            self.batches.push((kind, batch));
        }
    }

    /// Of one exporter.
    pub fn of(&self, addr: [u8; 16]) -> Sums {
        self.flows.get(&addr).copied().unwrap_or_default()
    }

    fn add(&mut self, batch: &RecordBatch) {
        let numbers = |column: penstock_record::Column| {
            let values = batch.column_by_name(column.name()).unwrap();
            values.as_primitive::<UInt64Type>().values().clone()
        };
        let (octets, packets) = (numbers(column::OCTETS), numbers(column::PACKETS));
        let addrs = batch.column_by_name(column::EXPORTER_ADDR.name()).unwrap();
        let addrs = addrs.as_fixed_size_binary();
        for row in 0..addrs.len() {
            let addr = addrs.value(row).try_into().unwrap();
            let sums = self.flows.entry(addr).or_default();
            sums.records += 1;
            // What is read by another template than its own may be any number.
            sums.octets = sums.octets.saturating_add(octets[row]);
            sums.packets = sums.packets.saturating_add(packets[row]);
        }
    }
}

/// The first and the last datagram of an exporter, by its numbers.
#[derive(Clone, Debug)]
struct Ends {
    first: u32,
    last: (u32, Vec<u8>),
}

/// Traffic on its way to a collector.
pub struct Run {
    pub traffic: Traffic,
    pub given: Given,
    pub datagrams: u64,
    ends: BTreeMap<u32, Ends>,
    templates: BTreeMap<(u32, u16), Template>,
}

impl Run {
    pub fn new(settings: Settings) -> Self {
        Self {
            traffic: Traffic::new(settings).unwrap(),
            given: Given::default(),
            datagrams: 0,
            ends: BTreeMap::new(),
            templates: BTreeMap::new(),
        }
    }

    /// The same, to its end.
    pub fn to_the_end(settings: Settings, collector: &mut Collector) -> Self {
        let mut run = Self::new(settings);
        while run.send(collector) {}
        run.given.take(collector);
        run
    }

    /// Sends the next datagram from its exporter's address; false if there is none.
    pub fn send(&mut self, collector: &mut Collector) -> bool {
        let Some(Datagram { exporter, time_ns, octets }) = self.traffic.next() else {
            return false;
        };
        let octets = octets.to_vec();
        collector.tick(time_ns);
        collector.datagram(self.addr(exporter), 2055, time_ns, &octets);
        if collector.is_full(5_000) {
            self.given.take(collector);
        }
        self.datagrams += 1;
        self.note(exporter, octets);
        true
    }

    pub fn addr(&self, exporter: u32) -> [u8; 16] {
        self.traffic.address(exporter).to_ipv6_mapped().octets()
    }

    /// What the collector says of an exporter.
    pub fn state(&self, collector: &Collector, exporter: u32) -> ExporterState {
        let addr = self.addr(exporter);
        let mut found = collector.exporters().into_iter().filter(|state| state.addr == addr);
        let state = found.next().expect("it was heard");
        assert_eq!(found.next(), None, "one exporter taken for two");
        state
    }

    /// Units that an exporter's numbers can show to be lost, by the protocol's own rule: not what
    /// went before the first message to arrive, nor behind the last, for nothing came to tell.
    pub fn missing(&self, truth: &Truth) -> u64 {
        let lost = match truth.protocol {
            Protocol::NetFlow5 => truth.lost.records,
            Protocol::Ipfix => truth.lost.records + truth.options.made - truth.options.sent,
            Protocol::NetFlow9 | Protocol::SFlow => truth.datagrams.lost,
        };
        let Ends { first, last: (last, octets) } = &self.ends[&truth.exporter];
        let before = first - u32::from(truth.protocol == Protocol::SFlow);
        let behind = truth.sequence - last - self.units(truth, octets);
        lost - u64::from(before) - u64::from(behind)
    }

    fn note(&mut self, exporter: u32, octets: Vec<u8>) {
        let protocol = self.traffic.protocol(exporter);
        let at = match protocol {
            Protocol::NetFlow9 => 12,
            Protocol::Ipfix => 8,
            Protocol::NetFlow5 | Protocol::SFlow => 16,
        };
        let Some(number) = octets.get(at..at + 4) else { return };
        let number = u32::from_be_bytes(number.try_into().unwrap());
        if protocol == Protocol::Ipfix {
            self.learn(exporter, &octets);
        }
        let last = (number, octets);
        let ends = self.ends.entry(exporter).or_insert(Ends { first: number, last: last.clone() });
        ends.first = ends.first.min(number);
        if number >= ends.last.0 {
            ends.last = last;
        }
    }

    fn learn(&mut self, exporter: u32, octets: &[u8]) {
        let Ok(message) = ipfix::Message::read(octets) else { return };
        for set in message.sets().map_while(Result::ok) {
            for definition in ipfix::templates(&set).flatten() {
                if let Definition::Define(template) = definition {
                    self.templates.insert((exporter, template.id), template);
                }
            }
        }
    }

    /// By how much the numbers go on behind a datagram.
    fn units(&self, truth: &Truth, octets: &[u8]) -> u32 {
        match truth.protocol {
            Protocol::NetFlow5 => u16::from_be_bytes([octets[2], octets[3]]).into(),
            Protocol::NetFlow9 | Protocol::SFlow => 1,
            Protocol::Ipfix => {
                let message = ipfix::Message::read(octets).unwrap();
                let sets = message.sets().map(|set| set.unwrap()).filter(|set| set.id >= 256);
                let records = sets.map(|set| {
                    let template = &self.templates[&(truth.exporter, set.id)];
                    penstock_codec::records(template, set.octets).count()
                });
                u32::try_from(records.sum::<usize>()).unwrap()
            }
        }
    }
}

/// Eight exporters, two of each protocol, and some flows a second each.
pub fn each() -> Settings {
    Settings {
        exporters: 8,
        protocols: Protocol::ALL.to_vec(),
        records: Some(6_000),
        flows: 500,
        flows_per_second: 60.0,
        template_every: 20,
        ..Settings::default()
    }
}

/// Both sums together.
pub fn and(mut one: Sums, other: Sums) -> Sums {
    one += other;
    one
}

/// Rows of the ledger under these words, whatever their reason.
pub fn count(collector: &Collector, stage: &str, fate: Fate, unit: Unit) -> u64 {
    let ledger = collector.ledger();
    let rows = ledger.iter().filter(|row| (row.stage, row.fate, row.unit) == (stage, fate, unit));
    rows.map(|row| row.count).sum()
}

/// The row of the ledger with this reason.
pub fn reason(collector: &Collector, reason: &str) -> u64 {
    let ledger = collector.ledger();
    ledger.iter().filter(|row| row.reason == reason).map(|row| row.count).sum()
}

/// Asserts that every stage gave on what it got, but for what it says it lost.
pub fn check_ledger(collector: &Collector, datagrams: u64) {
    let messages = |fate| count(collector, "message", fate, Unit::Datagrams);
    assert_eq!(messages(Fate::In), datagrams);
    assert_eq!(messages(Fate::In), messages(Fate::Out) + messages(Fate::Lost));
    let decoded = count(collector, "decode", Fate::In, Unit::Records);
    let lost = count(collector, "decode", Fate::Lost, Unit::Records);
    assert_eq!(decoded, count(collector, "decode", Fate::Out, Unit::Flows) + lost);
}
