// SPDX-License-Identifier: Apache-2.0
//! Batches to messages, and what a session remembers between them.
//!
//! Sequence numbers, templates that were sent and options that are due are here; octets are made in
//! `layout` and `options`, and filled into messages in `pack`.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use penstock_codec::ipfix::{MessageWriter, OPTIONS_TEMPLATE_SET, TEMPLATE_SET};
use penstock_record::column;

use super::flows::Flows;
use super::layout::Layout;
use super::options::{self, NotSent, Report};
use super::pack::{Content, Packed, Run, Shape, write_message};
use super::said::Said;
use super::templates::Templates;
use super::{ColumnError, Compat, Counts, Interface, IpfixSettings, Messages, Refresh, compat};
use crate::column::Kind;

/// Makes IPFIX messages of batches of flows (RFC 7011), for one session with one collector.
///
/// It knows no socket and no clock. What it hands out has to be sent in order; if a session ends,
/// [`restart`](Self::restart) begins the next one.
pub struct IpfixEncoder {
    settings: IpfixSettings,
    shape: Shape,
    templates: Templates,
    /// Data records in earlier messages of the session, modulo 2^32.
    pub(super) sequence: u32,
    counts: Counts,
    not_sent: NotSent,
    said: Said,
    refreshed_ns: Option<i64>,
    messages_since_refresh: u32,
    stated_ns: Option<i64>,
}

impl IpfixEncoder {
    /// An encoder before its first session.
    pub fn new(settings: IpfixSettings) -> Self {
        Self {
            shape: Shape::new(settings.message_octets, settings.pad),
            templates: Templates::new(settings.first_template),
            settings,
            sequence: 0,
            counts: Counts::default(),
            not_sent: NotSent::default(),
            said: Said::default(),
            refreshed_ns: None,
            messages_since_refresh: 0,
            stated_ns: None,
        }
    }

    /// What was made so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Data records before the next message, modulo 2^32.
    pub const fn sequence(&self) -> u32 {
        self.sequence
    }

    /// Appends the messages that say this batch of flows, whole: nothing is kept for later.
    ///
    /// `now_ns` is nanoseconds since 1970, and becomes the export time. Rows that need a template
    /// too many, or a record longer than a message, are left out and counted. Columns that no flow
    /// has are left out. If a column is of another type than it has in a flow, that is an error, and
    /// nothing was appended.
    pub fn encode(
        &mut self,
        batch: &RecordBatch,
        now_ns: i64,
        out: &mut Messages,
    ) -> Result<(), ColumnError> {
        let mut flows = Flows::new(batch)?;
        if flows.rows() == 0 {
            return Ok(());
        }
        if self.settings.compat.is_none()
            && let Some(rate) = self.said.rate(|| flows.constant_rate())
        {
            flows.declare_rate(rate);
        }
        self.tick(now_ns, out);
        let sorted = match self.settings.compat {
            None => flows.classes(),
            Some(_) => compat::classes(&flows),
        };
        let mut records = Vec::new();
        let mut new_templates = Vec::new();
        for rows in sorted.classes() {
            self.add_class(&flows, rows, now_ns, &mut records, &mut new_templates);
        }
        let mut runs = VecDeque::new();
        self.add_options(now_ns, &mut runs);
        if self.settings.compat.is_some() {
            // The newest stands first there.
            new_templates.reverse();
            records.reverse();
        }
        runs.extend(self.definitions(&new_templates));
        runs.extend(records);
        self.send(runs, &flows, now_ns, out);
        Ok(())
    }

    /// Appends what is due without flows: templates again, statistics. To be called about once a
    /// second while none come.
    pub fn tick(&mut self, now_ns: i64, out: &mut Messages) {
        let mut runs = VecDeque::new();
        let stated_ns = *self.stated_ns.get_or_insert(now_ns);
        if let Some(every_s) = self.settings.statistics_s
            && has_passed(stated_ns, now_ns, every_s)
        {
            self.stated_ns = Some(now_ns);
            self.add_statistics(now_ns, &mut runs);
        }
        self.refreshed_ns.get_or_insert(now_ns);
        if runs.is_empty() && self.refresh_is_due(now_ns) {
            runs = self.refresh(now_ns);
        }
        self.send_options(runs, now_ns, out);
    }

    /// Appends the last report: how much was sent, and what was not.
    pub fn finish(&mut self, now_ns: i64, out: &mut Messages) {
        let mut runs = VecDeque::new();
        self.add_statistics(now_ns, &mut runs);
        self.send_options(runs, now_ns, out);
    }

    /// Begins a session with a collector that knows nothing: the sequence begins at 0, templates and
    /// options are sent before the next records (RFC 7011 section 10.4).
    pub fn restart(&mut self) {
        self.sequence = 0;
        self.templates.restart();
        self.said.again();
        self.refreshed_ns = None;
        self.messages_since_refresh = 0;
    }

    /// Messages are no longer than this from now on: the path has turned out to allow no more, or more.
    pub fn set_message_octets(&mut self, octets: usize) {
        self.settings.message_octets = octets;
        self.shape = Shape::new(octets, self.settings.pad);
    }

    /// Names the interfaces, to be told before the next flows.
    pub fn set_interfaces(&mut self, interfaces: &[Interface]) {
        self.said.name(interfaces);
    }

    /// Takes note that messages with so many flow records never left, for the report of what was
    /// lost. What they counted is not known any more.
    pub fn not_sent(&mut self, records: u64, now_ns: i64) {
        self.not_sent.add(records, 0, 0, now_ns);
    }

    /// Prepares the records of a class of rows, and its template if it is new to the collector.
    fn add_class<'a>(
        &mut self,
        flows: &'a Flows<'_>,
        rows: &'a [u32],
        now_ns: i64,
        records: &mut Vec<Run<'a>>,
        new_templates: &mut Vec<usize>,
    ) {
        let Some(first) = rows.first() else { return };
        let layout = match self.settings.compat {
            None => Layout::of(flows, *first as usize, &self.settings),
            Some(Compat::Ipfixprobe { dir }) => compat::layout(flows, *first as usize, dir),
        };
        let Some(known) = self.template_of(&layout, now_ns, new_templates) else {
            self.counts.lost_too_many_templates += rows.len() as u64;
            return self.lose(flows, rows, now_ns);
        };
        if layout.is_empty() || self.templates.octets(known) > self.shape.record_octets() {
            self.counts.lost_too_long += rows.len() as u64;
            return self.lose(flows, rows, now_ns);
        }
        if self.templates.announce(known, now_ns) {
            new_templates.push(known);
        }
        if self.settings.compat.is_none() {
            self.said.describe(&layout.described);
        }
        self.counts.lost_values += layout.lost_values * rows.len() as u64;
        let template = self.templates.get(known);
        records.push(Run::of_rows(template.id, template.least_octets(), layout, rows));
    }

    fn template_of(
        &mut self,
        layout: &Layout<'_>,
        now_ns: i64,
        new_templates: &mut Vec<usize>,
    ) -> Option<usize> {
        let fields = layout.fields();
        if self.settings.compat.is_none() {
            return self.templates.of_fields(&fields);
        }
        let other = compat::other_family(&fields);
        let ipv4_first =
            if compat::is_ipv4(&fields) { [&fields, &other] } else { [&other, &fields] };
        for fields in ipv4_first {
            let known = self.templates.of_fields(fields)?;
            if self.templates.announce(known, now_ns) {
                new_templates.push(known);
            }
        }
        self.templates.of_fields(&fields)
    }

    /// Options that were not sent in this session yet.
    fn add_options(&mut self, now_ns: i64, runs: &mut VecDeque<Run<'_>>) {
        for (report, records) in self.said.unsaid() {
            self.add_report(report, records, now_ns, runs);
        }
    }

    fn add_statistics(&mut self, now_ns: i64, runs: &mut VecDeque<Run<'_>>) {
        let statistics = options::statistics(self.settings.observation_domain, &self.counts);
        self.add_report(Report::Statistics, vec![statistics], now_ns, runs);
        let lost = options::reliability(&self.not_sent);
        self.add_report(Report::Reliability, lost.into_iter().collect(), now_ns, runs);
    }

    fn add_report(
        &mut self,
        report: Report,
        records: Vec<Vec<u8>>,
        now_ns: i64,
        runs: &mut VecDeque<Run<'_>>,
    ) {
        let most = self.shape.record_octets();
        let records: Vec<Vec<u8>> =
            records.into_iter().filter(|record| record.len() <= most).collect();
        if records.is_empty() || self.settings.compat.is_some() {
            return;
        }
        let Some(known) = self.templates.of_report(report) else { return };
        if self.templates.announce(known, now_ns) {
            runs.extend(self.definitions(&[known]));
        }
        let template = self.templates.get(known);
        runs.push_back(Run::new(template.id, Content::Options, template.least_octets(), records));
    }

    /// Templates as they are sent, options templates and the others apart.
    fn definitions(&self, known: &[usize]) -> Vec<Run<'static>> {
        let run = |set, options| {
            let of_kind = |known: &&usize| {
                self.templates.get(**known).is_options() == options
                    && self.templates.octets(**known) <= self.shape.record_octets()
            };
            let of_kind = known.iter().filter(of_kind);
            let octets: Vec<Vec<u8>> = of_kind.map(|known| self.templates.write(*known)).collect();
            (!octets.is_empty()).then(|| Run::new(set, Content::Templates, 4, octets))
        };
        [run(OPTIONS_TEMPLATE_SET, true), run(TEMPLATE_SET, false)].into_iter().flatten().collect()
    }

    fn refresh_is_due(&self, now_ns: i64) -> bool {
        self.settings.refresh.is_some_and(|Refresh { seconds, messages }| {
            let by_time = |then_ns| has_passed(then_ns, now_ns, seconds.max(1));
            self.messages_since_refresh >= messages.max(1) || self.refreshed_ns.is_some_and(by_time)
        })
    }

    /// All templates and options again.
    fn refresh(&mut self, now_ns: i64) -> VecDeque<Run<'static>> {
        self.refreshed_ns = Some(now_ns);
        self.messages_since_refresh = 0;
        let refreshed = self.templates.refreshed(now_ns);
        let mut runs: VecDeque<Run<'static>> = self.definitions(&refreshed).into();
        // Nothing is repeated that has not been said.
        if refreshed.is_empty() {
            return runs;
        }
        self.said.again();
        self.add_options(now_ns, &mut runs);
        runs
    }

    fn send_options(&mut self, runs: VecDeque<Run<'_>>, now_ns: i64, out: &mut Messages) {
        self.send_runs(runs, now_ns, out, |_| {});
    }

    fn send(
        &mut self,
        runs: VecDeque<Run<'_>>,
        flows: &Flows<'_>,
        now_ns: i64,
        out: &mut Messages,
    ) {
        let mut refused = Vec::new();
        self.send_runs(runs, now_ns, out, |run| refused.extend_from_slice(run.refused()));
        if !refused.is_empty() {
            self.counts.lost_too_long += refused.len() as u64;
            self.lose(flows, &refused, now_ns);
        }
    }

    fn send_runs(
        &mut self,
        mut runs: VecDeque<Run<'_>>,
        now_ns: i64,
        out: &mut Messages,
        mut done: impl FnMut(&Run<'_>),
    ) {
        loop {
            while let Some(run) = runs.front_mut()
                && !run.is_ready(self.shape)
            {
                done(run);
                runs.pop_front();
            }
            if runs.is_empty() {
                return;
            }
            if self.refresh_is_due(now_ns) {
                for run in self.refresh(now_ns).into_iter().rev() {
                    runs.push_front(run);
                }
            }
            let writer = MessageWriter::begin(
                &mut out.octets,
                seconds(now_ns),
                self.sequence,
                self.settings.observation_domain,
            );
            let packed = write_message(&mut runs, self.shape, writer, &mut done);
            self.count(packed, out);
        }
    }

    fn count(&mut self, packed: Packed, out: &mut Messages) {
        out.ends.push(out.octets.len());
        out.records.push(packed.flows);
        // Templates are no data records; options are.
        self.sequence = self.sequence.wrapping_add(packed.flows).wrapping_add(packed.options);
        // Those that only repeat templates do not hasten the next time.
        if packed.flows > 0 {
            self.messages_since_refresh = self.messages_since_refresh.saturating_add(1);
        }
        self.counts.messages += 1;
        self.counts.octets += packed.octets as u64;
        self.counts.records += u64::from(packed.flows);
        self.counts.options_records += u64::from(packed.options);
        self.counts.templates += u64::from(packed.templates);
    }

    fn lose(&mut self, flows: &Flows<'_>, rows: &[u32], now_ns: i64) {
        let total = |column| match flows.get(column).map(|values| &values.kind) {
            Some(Kind::U64(values)) => {
                rows.iter().fold(0, |sum: u64, row| sum.saturating_add(values[*row as usize]))
            }
            _ => 0,
        };
        let (packets, octets) = (total(column::PACKETS), total(column::OCTETS));
        self.not_sent.add(rows.len() as u64, packets, octets, now_ns);
    }
}

fn has_passed(then_ns: i64, now_ns: i64, seconds: u32) -> bool {
    now_ns.saturating_sub(then_ns) >= i64::from(seconds).saturating_mul(1_000_000_000)
}

/// Modulo 2^32 (RFC 7011 section 3.1).
#[expect(clippy::cast_possible_truncation, reason = "export times come round in 2106")]
#[expect(clippy::cast_sign_loss, reason = "modulo 2^32")]
fn seconds(now_ns: i64) -> u32 {
    now_ns.div_euclid(1_000_000_000) as u32
}
