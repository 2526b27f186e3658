// SPDX-License-Identifier: Apache-2.0
//! What a collector can tell of its exporters and of what it counted.

use std::collections::BTreeMap;

use penstock_codec::{Field, Template, VARIABLE};
use penstock_elements::by_number;
use penstock_record::{LedgerRow, Unit};

use crate::collector::Collector;
use crate::counts::count;
use crate::decoders::decoder_for;
use crate::exporters::Exporter;
use crate::memory::clock::ClockState;
use crate::memory::templates::Transport;

/// One exporter: a session and a domain.
#[derive(Clone, Debug, PartialEq)]
pub struct ExporterState {
    /// Address of the session, IPv4 mapped; in sFlow of the agent.
    pub addr: [u8; 16],
    /// The port that it sent from last.
    pub port: u16,
    /// `udp`, `tcp` or `file`.
    pub transport: &'static str,
    /// In the words of the column `source_kind`.
    pub protocol: &'static str,
    /// Observation domain, source id, engine, or sub-agent.
    pub domain: u32,
    /// When it was heard first, in nanoseconds since 1970.
    pub first_ns: i64,
    /// When it was heard last.
    pub last_ns: i64,
    /// Datagrams, or messages.
    pub datagrams: u64,
    /// Their octets.
    pub octets: u64,
    /// Flow records, or samples.
    pub records: u64,
    /// Options records, counter and drop samples.
    pub other_records: u64,
    /// Templates that hold.
    pub templates: usize,
    /// Units that its sequence numbers say were lost.
    pub missing: u64,
    /// What these are.
    pub missing_unit: Unit,
    /// Samples that the numbers of its sources say were lost.
    pub missing_samples: u64,
    /// Messages that came twice.
    pub duplicates: u64,
    /// Messages that came late.
    pub reordered: u64,
    /// Times that it began again.
    pub restarts: u64,
    /// Data sets that wait for their template.
    pub parked: u64,
    /// Messages refused or used in part, by reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// The rate that holds for a record that says none itself; 0 if unknown.
    pub sampling_rate: f64,
    /// How it is known.
    pub sampling_origin: &'static str,
    /// From export to receipt, in nanoseconds: how far its clock is behind ours, and the way.
    pub skew_ns: Option<i64>,
    /// What its clock is good for: `sound`, `off` or `unset`; empty if it tells no time.
    pub clock: &'static str,
    /// Flow records that it says it has exported.
    pub exported_records: Option<u64>,
}

/// One template of one exporter.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplateState {
    /// Address of the session, IPv4 mapped.
    pub addr: [u8; 16],
    /// Its port.
    pub port: u16,
    /// In the words of the column `source_kind`.
    pub protocol: &'static str,
    /// Observation domain or source id.
    pub domain: u32,
    /// What data sets call it.
    pub id: u16,
    /// Whether it describes options.
    pub options: bool,
    /// `name:octets`, or `number/number:octets`; variable length is `v`.
    pub fields: Vec<String>,
    /// When it came last, in nanoseconds since 1970.
    pub seen_ns: i64,
}

impl Collector {
    /// Everybody who was heard, in the order in which they were.
    pub fn exporters(&self) -> Vec<ExporterState> {
        self.intake
            .directory
            .iter()
            .map(|(number, exporter)| self.state_of(number, exporter))
            .collect()
    }

    /// Every template that is known.
    pub fn templates(&self) -> Vec<TemplateState> {
        let mut found = Vec::new();
        for (_, exporter) in self.intake.directory.iter() {
            let mut own: Vec<_> = exporter.templates.iter().collect();
            own.sort_by_key(|entry| entry.template.id);
            found.extend(own.into_iter().map(|entry| TemplateState {
                addr: exporter.key.addr,
                port: exporter.port,
                protocol: exporter.key.kind.name(),
                domain: exporter.key.domain,
                id: entry.template.id,
                options: entry.template.is_options(),
                fields: field_names(&entry.template),
                seen_ns: entry.seen_ns,
            }));
        }
        found
    }

    /// What every stage counted.
    pub fn ledger(&self) -> Vec<LedgerRow> {
        let mut missing = BTreeMap::new();
        let mut missing_samples = self.intake.counts.missing_samples;
        for (_, exporter) in self.intake.directory.iter() {
            let unit = decoder_for(exporter.key.kind).sequence_unit;
            let of_protocol = missing.entry(exporter.key.kind.name()).or_insert((unit, 0));
            of_protocol.1 += exporter.sequence.totals().lost;
            missing_samples += exporter.missing_samples();
        }
        let mut counts = self.intake.counts.clone();
        let over_bound = self.intake.directory.samplers_over_bound();
        count(&mut counts.templates, "of samplers beyond the bound", over_bound);
        counts.samples_unfollowed = self.intake.directory.sources_over_bound;
        counts.rows(&missing, missing_samples, &self.intake.parked.counts())
    }

    fn state_of(&self, number: u32, exporter: &Exporter) -> ExporterState {
        let totals = exporter.sequence.totals();
        let sampling = self.intake.directory.rate_of(exporter);
        ExporterState {
            addr: exporter.key.addr,
            port: exporter.port,
            transport: transport_name(exporter.transport),
            protocol: exporter.key.kind.name(),
            domain: exporter.key.domain,
            first_ns: exporter.first_ns,
            last_ns: exporter.last_ns,
            datagrams: exporter.counts.datagrams,
            octets: exporter.counts.octets,
            records: exporter.counts.records,
            other_records: exporter.counts.other_records,
            templates: exporter.templates.len(),
            missing: totals.lost,
            missing_unit: decoder_for(exporter.key.kind).sequence_unit,
            missing_samples: exporter.missing_samples(),
            duplicates: totals.duplicates,
            reordered: totals.reordered,
            restarts: totals.restarts,
            parked: self.intake.parked.waiting_of(number),
            refused: exporter.counts.refused.clone(),
            sampling_rate: sampling.rate,
            sampling_origin: sampling.origin.name(),
            skew_ns: exporter.skew.least_ns(),
            clock: exporter.skew.state().map_or("", ClockState::name),
            exported_records: exporter.exported_records,
        }
    }
}

const fn transport_name(transport: Transport) -> &'static str {
    match transport {
        Transport::Datagram => "udp",
        Transport::Stream => "tcp",
        Transport::File => "file",
    }
}

fn field_names(template: &Template) -> Vec<String> {
    let name = |field: &Field| {
        let length = match field.length {
            VARIABLE => "v".to_owned(),
            octets => octets.to_string(),
        };
        match by_number(field.pen, field.id) {
            Some(element) if element.pen == 0 => format!("{}:{length}", element.name),
            Some(element) => format!("{element}:{length}"),
            None => format!("{}/{}:{length}", field.pen, field.id),
        }
    };
    template.fields.iter().map(name).collect()
}
