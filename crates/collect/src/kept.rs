// SPDX-License-Identifier: Apache-2.0
//! What outlives a collector: templates and rates, and where every sequence stood.
//!
//! These are two images, because they are kept at different times: templates as soon as they
//! change, sequences only as far as the rows before them are safe. What an exporter sent in
//! between is then missing by its sequence numbers, exactly.

use crate::collector::Collector;
use crate::exporters::{Exporter, Key, SampleStream};
use crate::memory::saved::{SavedError, SavedExporter, SavedTemplate, decode, encode};
use crate::memory::sequence::Sequence;
use crate::memory::templates::Transport;
use crate::rows::{Dialect, SourceKind};
use crate::sflow::SampleKind;

/// Why what was kept cannot be taken up again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeptError(SavedError);

impl std::fmt::Display for KeptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for KeptError {}

impl Collector {
    /// Templates and sampling rates of all that send datagrams; none if nothing has changed since
    /// this was asked last.
    pub fn kept_templates(&mut self) -> Option<Vec<u8>> {
        if !std::mem::take(&mut self.intake.templates_changed) {
            return None;
        }
        let kept = |exporter: &Exporter| SavedExporter {
            templates: exporter
                .templates
                .iter()
                .map(|entry| SavedTemplate {
                    template: entry.template.clone(),
                    seen_ns: entry.seen_ns,
                })
                .collect(),
            rates: self.intake.directory.rates_of(exporter),
            ..about(exporter)
        };
        Some(encode(&self.datagram_exporters().map(kept).collect::<Vec<_>>()))
    }

    /// Where the sequences stood when rows were last taken.
    pub fn kept_sequences(&self) -> Vec<u8> {
        let kept = |exporter: &Exporter| {
            let own = exporter.sequence.saved().map(|saved| (OWN_SEQUENCE, saved));
            let samples = exporter.samples.iter().filter_map(|(stream, sequence)| {
                sequence.saved().map(|saved| (number_of(*stream), saved))
            });
            SavedExporter { sequences: own.into_iter().chain(samples).collect(), ..about(exporter) }
        };
        encode(&self.datagram_exporters().map(kept).collect::<Vec<_>>())
    }

    /// Takes up templates and rates. What was heard too long ago is left out.
    pub fn restore_templates(&mut self, octets: &[u8], now_ns: i64) -> Result<(), KeptError> {
        let max_age_ns = self.intake.settings().template_lifetime_ns;
        for saved in decode(octets, now_ns, max_age_ns).map_err(KeptError)? {
            let Some(number) = self.known_again(&saved, now_ns) else { continue };
            if let Some(key) = self.intake.directory.get(number).map(|exporter| exporter.key) {
                self.intake.directory.sampling_of(&key).restore(key.domain, &saved.rates);
            }
            let dialect = dialect_of(saved.kind);
            for kept in saved.templates {
                let compiled = self.intake.compile(&kept.template, dialect);
                if let Some(exporter) = self.intake.directory.get_mut(number) {
                    exporter.templates.restore(kept.template, kept.seen_ns, |_| compiled);
                }
            }
        }
        Ok(())
    }

    /// Takes up sequences: what was sent since they were kept counts as missing.
    pub fn restore_sequences(&mut self, octets: &[u8], now_ns: i64) -> Result<(), KeptError> {
        for saved in decode(octets, now_ns, i64::MAX).map_err(KeptError)? {
            let Some(number) = self.known_again(&saved, now_ns) else { continue };
            let Some(exporter) = self.intake.directory.get_mut(number) else { continue };
            // Of several images the newest holds, whichever comes first.
            if exporter.resumed_ns.is_some_and(|resumed_ns| resumed_ns >= saved.seen_ns) {
                continue;
            }
            exporter.resumed_ns = Some(saved.seen_ns);
            for (number, sequence) in &saved.sequences {
                if *number == OWN_SEQUENCE {
                    exporter.sequence = Sequence::resume(sequence);
                } else if let Some(stream) = stream_of(*number) {
                    exporter.samples.insert(stream, Sequence::resume(sequence));
                }
            }
        }
        Ok(())
    }

    /// The exporter that something was kept of.
    fn known_again(&mut self, saved: &SavedExporter, now_ns: i64) -> Option<u32> {
        let by_port = match saved.kind {
            SourceKind::NetFlow9 | SourceKind::SFlow => false,
            SourceKind::NetFlow5 => true,
            SourceKind::Ipfix => !self.intake.settings().ignore_source_port,
        };
        let key = Key {
            kind: saved.kind,
            addr: saved.addr,
            port: if by_port { saved.port } else { 0 },
            stream: 0,
            domain: saved.domain,
        };
        let seen_ns = saved.seen_ns.min(now_ns);
        self.intake.remember(key, saved.port, Transport::Datagram, seen_ns)
    }

    /// Streams begin anew with everything, so nothing needs to be kept of them.
    fn datagram_exporters(&self) -> impl Iterator<Item = &Exporter> {
        let all = self.intake.directory.iter().map(|(_, exporter)| exporter);
        all.filter(|exporter| exporter.transport == Transport::Datagram)
    }
}

fn about(exporter: &Exporter) -> SavedExporter {
    SavedExporter {
        addr: exporter.key.addr,
        port: exporter.port,
        kind: exporter.key.kind,
        domain: exporter.key.domain,
        seen_ns: exporter.last_ns,
        templates: Vec::new(),
        rates: Vec::new(),
        sequences: Vec::new(),
    }
}

const fn dialect_of(kind: SourceKind) -> Dialect {
    match kind {
        SourceKind::NetFlow5 => Dialect::NetFlow5,
        SourceKind::NetFlow9 => Dialect::NetFlow9,
        SourceKind::Ipfix | SourceKind::SFlow => Dialect::Ipfix,
    }
}

/// The number of an exporter's own sequence; those of its sources of samples follow.
const OWN_SEQUENCE: u64 = 0;

/// Kind from 1 on, class and index in one number. Classes are small.
fn number_of((kind, class, index): SampleStream) -> u64 {
    (kind as u64 + 1) << 56 | u64::from(class & 0x00ff_ffff) << 32 | u64::from(index)
}

fn stream_of(number: u64) -> Option<SampleStream> {
    let kind = match number >> 56 {
        1 => SampleKind::Flow,
        2 => SampleKind::Counter,
        3 => SampleKind::Drop,
        _ => return None,
    };
    let [_, class @ .., _, _, _, _] = number.to_be_bytes();
    let [a, b, c] = class;
    let index = u32::try_from(number & u64::from(u32::MAX)).ok()?;
    Some((kind, u32::from_be_bytes([0, a, b, c]), index))
}
