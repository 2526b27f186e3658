// SPDX-License-Identifier: Apache-2.0
//! What messages have in common, whatever their protocol: whose they are, what their sequence
//! numbers and clocks say, what becomes of templates, records and samples.
//!
//! Decoders read messages and ask this for the rest. Which decoder a message is for, and by what way
//! it came, is not known here.

use std::sync::Arc;

use arrow_array::RecordBatch;
use penstock_codec::sflow::Datagram;
use penstock_codec::value::unsigned;
use penstock_codec::{Definition, Field, Malformed, Set, Template};
use penstock_record::BatchKind;

use crate::counts::{Counts, count};
use crate::exporters::{Compiled, Directory, Key};
use crate::memory::parked::{Parked, ParkedBounds, ParkedKey};
use crate::memory::sampling::Learned;
use crate::memory::sequence::{Sequence, Stamp, Units};
use crate::memory::templates::{Outcome, Transport};
use crate::plans::Plans;
use crate::rows::{self, Dialect, Message, OptionsRecord, OptionsRows, Plan, Rows, SourceKind};
use crate::settings::{PENSTOCK_PEN, Settings};
use crate::sflow::{Samples, SflowMessage, Taken};

/// Where and when a message came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub addr: [u8; 16],
    pub port: u16,
    pub transport: Transport,
    /// Number of the stream; 0 of datagrams.
    pub stream: u32,
    pub received_ns: i64,
}

/// What is remembered of exporters, and the rows that wait.
pub(crate) struct Intake {
    settings: Settings,
    pub directory: Directory,
    rows: Rows,
    options: OptionsRows,
    samples: Samples,
    pub parked: Parked<Message>,
    plans: Plans,
    pub counts: Counts,
    clock_ns: i64,
    next_tick_ns: i64,
    next_keep_ns: i64,
    /// Since they were last kept.
    pub templates_changed: bool,
}

impl Intake {
    pub fn new(settings: Settings) -> Self {
        Self {
            directory: Directory::new(&settings),
            rows: Rows::new(settings.enterprise),
            options: OptionsRows::default(),
            samples: Samples::new(settings.tunnels),
            parked: Parked::new(ParkedBounds {
                octets: settings.parked_octets,
                octets_per_exporter: (settings.parked_octets / SHARES).max(LEAST_SHARE),
                age_ns: settings.parked_ns,
            }),
            plans: Plans::default(),
            counts: Counts::default(),
            clock_ns: i64::MIN,
            next_tick_ns: i64::MIN,
            next_keep_ns: i64::MIN,
            templates_changed: false,
            settings,
        }
    }

    /// Time has come to this: templates age, and what waits for one is given up. Cheap to call often.
    pub fn tick(&mut self, now_ns: i64) {
        self.clock_ns = self.clock_ns.max(now_ns);
        if self.clock_ns < self.next_tick_ns {
            return;
        }
        self.next_tick_ns = self.clock_ns.saturating_add(TICK_NS);
        let expired = self.directory.expire(self.clock_ns);
        count(&mut self.counts.templates, "expired", expired);
        self.parked.expire(self.clock_ns);
        if self.clock_ns >= self.next_keep_ns {
            // So that what is kept does not look older than it is.
            self.next_keep_ns = self.clock_ns.saturating_add(KEEP_NS);
            self.templates_changed = true;
        }
    }

    /// The latest time that was heard of, in nanoseconds since 1970.
    pub const fn clock_ns(&self) -> i64 {
        self.clock_ns
    }

    /// Rows that wait to be taken.
    pub fn waiting(&self) -> usize {
        self.rows.len() + self.options.len() + self.samples.len()
    }

    /// Whether it is time to take: so many rows wait, or they hold so much.
    pub fn is_full(&self, rows: usize) -> bool {
        self.rows.is_full(rows)
            || self.options.is_full(rows)
            || self.waiting() >= rows
            || self.samples.list_octets() >= MOST_LIST_OCTETS
    }

    /// Everything that waits, as batches.
    pub fn take(&mut self) -> Vec<(BatchKind, RecordBatch)> {
        let mut batches: Vec<(BatchKind, RecordBatch)> = Vec::new();
        let flows = self.rows.drain(&self.directory);
        batches.extend(flows.into_iter().map(|batch| (BatchKind::Flows, batch)));
        batches.extend(self.samples.drain(&self.directory));
        let options = self.options.drain(&self.directory);
        batches.extend(options.map(|batch| (BatchKind::Options, batch)));
        let flows = batches.iter().filter(|(kind, _)| *kind == BatchKind::Flows);
        self.counts.flows_out += flows.map(|(_, batch)| batch.num_rows() as u64).sum::<u64>();
        self.directory.drained();
        batches
    }
}

/// What decoders ask.
impl Intake {
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Time has come to this, by what was heard.
    pub fn advance(&mut self, now_ns: i64) {
        self.clock_ns = self.clock_ns.max(now_ns);
    }

    /// The number of the exporter that a message is from.
    pub fn heard(&mut self, key: Key, arrival: &Arrival) -> Option<u32> {
        self.remember(key, arrival.port, arrival.transport, arrival.received_ns)
    }

    /// The same of one that was heard at this time. If another is forgotten for it, what that one had
    /// missing stays counted.
    pub fn remember(
        &mut self,
        key: Key,
        port: u16,
        transport: Transport,
        heard_ns: i64,
    ) -> Option<u32> {
        let (number, forgotten) = self.directory.heard(key, port, transport, heard_ns);
        if let Some((number, gone)) = forgotten {
            self.parked.forget(number);
            self.rows.forget(number);
            self.counts.exporters_forgotten += 1;
            self.counts.missing_samples += gone.missing_samples();
            let missing = gone.sequence.totals().lost;
            count(&mut self.counts.missing, gone.key.kind.name(), missing);
        }
        number
    }

    pub fn observe_clock(&mut self, exporter: u32, export_ns: i64, arrival: &Arrival) {
        if arrival.transport != Transport::File
            && let Some(exporter) = self.directory.get_mut(exporter)
        {
            exporter.skew.observe(export_ns, arrival.received_ns);
        }
    }

    /// Takes note of a sequence number; whether the exporter has begun again.
    pub fn observe_sequence(
        &mut self,
        exporter: u32,
        sequence: u32,
        units: Units,
        stamp: Stamp,
    ) -> bool {
        let Some(exporter) = self.directory.get_mut(exporter) else { return false };
        let restarted = exporter.sequence.observe(sequence, units, stamp).restarted;
        if restarted {
            // An agent's sources begin again with it, wherever their numbers are.
            exporter.samples.values_mut().for_each(Sequence::begin_again);
        }
        restarted
    }

    /// Records that were not counted with their message were read after all.
    pub fn accounted(&mut self, exporter: u32, records: u32) {
        if let Some(exporter) = self.directory.get_mut(exporter)
            && exporter.key.kind == SourceKind::Ipfix
        {
            exporter.sequence.accounted(records);
        }
    }

    pub fn drop_templates(&mut self, exporter: u32) {
        if let Some(exporter) = self.directory.get_mut(exporter) {
            exporter.templates.drop_all();
        }
    }

    pub fn define(&mut self, message: &Message, template: Template, dialect: Dialect) -> Outcome {
        let template = self.in_our_numbers(template);
        let crowded = self.directory.is_crowded();
        let Some(exporter) = self.directory.get_mut(message.exporter) else {
            return Outcome::TooManyTemplates;
        };
        if crowded && exporter.templates.get(template.id, message.received_ns).is_none() {
            return Outcome::TooManyTemplates;
        }
        let plans = &mut self.plans;
        let export_s = u32::try_from(message.export_ns / NS_PER_S).ok();
        let compile = |template: &Template| plans.of(template, dialect);
        let outcome = exporter.templates.define(template, message.received_ns, export_s, compile);
        self.templates_changed |= matches!(outcome, Outcome::New | Outcome::Replaced);
        if outcome == Outcome::New {
            self.directory.remembers += 1;
        }
        outcome
    }

    pub fn compile(&mut self, template: &Template, dialect: Dialect) -> Compiled {
        self.plans.of(template, dialect)
    }

    /// Our own elements, under whatever enterprise number they come, as the registry has them.
    fn in_our_numbers(&self, mut template: Template) -> Template {
        if self.settings.enterprise != PENSTOCK_PEN {
            let ours = |field: &&mut Field| field.pen == self.settings.enterprise;
            template.fields.iter_mut().filter(ours).for_each(|field| field.pen = PENSTOCK_PEN);
        }
        template
    }

    /// Lets templates go, where the transport lets them; the ledger's word for it.
    pub fn withdraw(
        &mut self,
        exporter: u32,
        withdrawal: &Definition,
        options: bool,
    ) -> &'static str {
        let Some(exporter) = self.directory.get_mut(exporter) else { return "withdrawn" };
        let heeded = match withdrawal {
            Definition::Withdraw(id) => exporter.templates.withdraw(*id),
            Definition::WithdrawAll => exporter.templates.withdraw_all(options) > 0,
            Definition::Define(_) => false,
        };
        if heeded { "withdrawn" } else { "withdrawn in vain" }
    }

    /// The template that an exporter's sets of this number have.
    pub fn template(&self, message: &Message, id: u16) -> Option<(Arc<Template>, Compiled)> {
        let entry = self.directory.template(message.exporter, id, message.received_ns)?;
        Some((Arc::clone(&entry.template), entry.plan.clone()))
    }

    /// Lets a data set wait for its template; false if there is no room.
    pub fn park(&mut self, message: &Message, set: &Set<'_>) -> bool {
        let key = ParkedKey { exporter: message.exporter, template: set.id };
        self.parked.push(key, set.octets, *message, message.received_ns)
    }

    /// The records of a set whose template is known.
    pub fn records(
        &mut self,
        message: &Message,
        octets: &[u8],
        template: &Arc<Template>,
        compiled: &Compiled,
    ) -> (u32, Option<Malformed>) {
        match compiled {
            Compiled::Flows(plan) => self.decode_templated(plan, octets, message),
            Compiled::Options => self.decode_options(template, octets, message),
        }
    }

    /// Decodes what waited for a template that has come.
    pub fn replay(&mut self, about: &Message, id: u16) {
        let key = ParkedKey { exporter: about.exporter, template: id };
        if !self.parked.waits_for(key) {
            return;
        }
        let Some((template, compiled)) = self.template(about, id) else { return };
        for set in self.parked.take(key, about.received_ns) {
            let (found, why) = self.records(&set.message, &set.octets, &template, &compiled);
            self.accounted(about.exporter, found);
            if let Some(why) = why
                && let Some(exporter) = self.directory.get_mut(about.exporter)
            {
                count(&mut exporter.counts.refused, why.reason(), 1);
            }
        }
    }

    /// Records whose layout the protocol fixes; how many.
    pub fn decode_flows(&mut self, plan: &Arc<Plan>, octets: &[u8], message: &Message) -> u32 {
        self.decode_templated(plan, octets, message).0
    }

    pub fn decode_templated(
        &mut self,
        plan: &Arc<Plan>,
        octets: &[u8],
        message: &Message,
    ) -> (u32, Option<Malformed>) {
        let directory = &self.directory;
        let templates = |id| {
            let entry = directory.template(message.exporter, id, message.received_ns)?;
            Some(Arc::clone(&entry.template))
        };
        let decoded = self.rows.decode(plan, octets, message, &templates);
        self.counts.flows += u64::from(decoded.records);
        count(&mut self.counts.lost_records, "no direction", decoded.no_direction.into());
        if let Some(exporter) = self.directory.get_mut(message.exporter) {
            exporter.counts.records += u64::from(decoded.records);
            exporter.stated_rate = message.stated_rate;
        }
        self.directory.waits(message.exporter);
        (decoded.records + decoded.no_direction, decoded.malformed)
    }

    pub fn decode_options(
        &mut self,
        template: &Arc<Template>,
        octets: &[u8],
        message: &Message,
    ) -> (u32, Option<Malformed>) {
        let mut found = 0;
        let mut malformed = None;
        let Some(key) = self.directory.get(message.exporter).map(|exporter| exporter.key) else {
            return (0, None);
        };
        for record in rows::options(template, octets) {
            let record = match record {
                Ok(record) => record,
                Err(why) => {
                    malformed = Some(why);
                    break;
                }
            };
            found += 1;
            let values = record.values.iter().map(|value| (value.pen, value.id, value.octets));
            let now_ns = message.received_ns;
            if let Some(boot_ms) = boot_ms(&record) {
                self.rows.learn_boot(message.exporter, boot_ms);
            }
            let learned =
                self.directory.sampling_of(&key).learn(key.domain, values, record.scopes, now_ns);
            self.templates_changed |= learned == Learned::Changed;
            self.note_exported(message.exporter, &record);
            self.options.push(&record, template.id, message);
        }
        self.counts.options += u64::from(found);
        if let Some(exporter) = self.directory.get_mut(message.exporter) {
            exporter.counts.other_records += u64::from(found);
        }
        self.directory.waits(message.exporter);
        (found, malformed)
    }
}

impl Intake {
    /// The samples of a datagram.
    pub fn decode_samples(
        &mut self,
        exporter: u32,
        datagram: &Datagram<'_>,
        stamp: Stamp,
        received_ns: i64,
    ) -> Taken {
        let message = SflowMessage { exporter, received_ns };
        let directory = &mut self.directory;
        let taken = self.samples.take(datagram, &message, |sample| {
            directory.observe_sample(exporter, sample, stamp);
        });
        self.counts.flows += u64::from(taken.flow_samples);
        self.counts.counter_samples += u64::from(taken.counter_samples);
        self.counts.drop_samples += u64::from(taken.drop_samples);
        self.counts.unknown_samples += u64::from(taken.unknown_samples);
        if let Some(exporter) = self.directory.get_mut(exporter) {
            exporter.counts.records += u64::from(taken.flow_samples);
            exporter.counts.other_records +=
                u64::from(taken.counter_samples) + u64::from(taken.drop_samples);
        }
        self.directory.waits(exporter);
        taken
    }

    /// What an exporter says that it has sent in all.
    fn note_exported(&mut self, exporter: u32, record: &OptionsRecord<'_>) {
        let said = record.values.iter().find(|value| (value.pen, value.id) == EXPORTED_RECORDS);
        if let Some(said) = said
            && let Some(exporter) = self.directory.get_mut(exporter)
        {
            exporter.exported_records = Some(unsigned(said.octets));
        }
    }
}

/// When the exporter began, if its options say so: some tell it there alone, and their flows in
/// milliseconds since.
fn boot_ms(record: &OptionsRecord<'_>) -> Option<i64> {
    let told = record.values.iter().find(|value| (value.pen, value.id) == SYSTEM_INIT_TIME)?;
    i64::try_from(unsigned(told.octets)).ok().filter(|&ms| ms > 0)
}

/// systemInitTimeMilliseconds.
const SYSTEM_INIT_TIME: (u32, u16) = (0, 160);

/// exportedFlowRecordTotalCount.
const EXPORTED_RECORDS: (u32, u16) = (0, 42);

/// Of the octets that may wait, one exporter may have one part in so many, if that is not too few for a
/// message or two.
const SHARES: usize = 16;
const LEAST_SHARE: usize = 128 << 10;

/// Octets of lists in sFlow rows at which it is time for a batch.
const MOST_LIST_OCTETS: usize = 64 << 20;

/// How often templates are kept that did not change.
const KEEP_NS: i64 = 120 * NS_PER_S;

const NS_PER_S: i64 = 1_000_000_000;

/// How often ageing is looked at.
const TICK_NS: i64 = 1_000_000_000;
