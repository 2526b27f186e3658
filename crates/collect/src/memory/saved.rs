// SPDX-License-Identifier: Apache-2.0
//! What the collector remembers of exporters, as octets that outlive it.
//!
//! ```text
//!  octets  8        2         8          ..                    4
//!         +--------+---------+----------+---------------------+------------------------+
//!         | magic  | version | length   | exporters           | CRC-32 of all before   |
//!         +--------+---------+----------+---------------------+------------------------+
//! ```
//!
//! Numbers are big-endian. Where the octets are kept is not known here. Octets that are damaged or
//! somebody else's are an error that says so, and leave the collector to begin with nothing.

use std::fmt;
use std::sync::Arc;

use penstock_codec::{Field, Template};
use penstock_wire::{Reader, WireError};

use super::sampling::{SavedRate, Scope};
use super::sequence::{SavedSequence, Stamp};
use crate::rows::SourceKind;

/// What is kept of one exporter's domain.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SavedExporter {
    /// Address of the transport session, IPv4 mapped.
    pub addr: [u8; 16],
    /// Its port.
    pub port: u16,
    /// Protocol.
    pub kind: SourceKind,
    /// Observation domain, source id, engine or sub-agent.
    pub domain: u32,
    /// When it was last heard.
    pub seen_ns: i64,
    /// Its templates.
    pub templates: Vec<SavedTemplate>,
    /// The sampling rates that it has announced.
    pub rates: Vec<SavedRate>,
    /// Its numbered streams, by numbers of the collector's own.
    pub sequences: Vec<(u64, SavedSequence)>,
}

/// A template, and when it last came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct SavedTemplate {
    /// The template.
    pub template: Arc<Template>,
    /// When it last came.
    pub seen_ns: i64,
}

/// Why octets are not what a collector kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SavedError {
    /// They do not begin as ours do.
    Foreign,
    /// They are of a version that is not read.
    Version(u16),
    /// There are fewer or more than they say themselves.
    Length {
        /// As many as they say there are.
        said: u64,
        /// As many as there are.
        found: u64,
    },
    /// Some have changed since they were written.
    Checksum,
    /// They were written so, but cannot be.
    Contents(WireError),
}

impl fmt::Display for SavedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("not a memory of exporters"),
            Self::Version(version) => {
                write!(f, "a memory of exporters of version {version}; only {VERSION} is read")
            }
            Self::Length { said, found } => {
                write!(f, "a memory of exporters of {said} octets that has {found}")
            }
            Self::Checksum => f.write_str("a memory of exporters that has been damaged"),
            Self::Contents(error) => write!(f, "a memory of exporters that cannot be: {error}"),
        }
    }
}

impl std::error::Error for SavedError {}

/// Writes down what is remembered.
pub(crate) fn encode(exporters: &[SavedExporter]) -> Vec<u8> {
    let mut out = Vec::with_capacity(exporters.len() * 1024);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_be_bytes());
    out.extend_from_slice(&[0; 8]);
    write_count(&mut out, exporters.len());
    for exporter in exporters {
        write_exporter(&mut out, exporter);
    }
    let length = (out.len() + CHECKSUM_OCTETS) as u64;
    if let Some(field) = out.get_mut(LENGTH_AT..LENGTH_AT + 8) {
        field.copy_from_slice(&length.to_be_bytes());
    }
    let checksum = crc32fast::hash(&out);
    out.extend_from_slice(&checksum.to_be_bytes());
    out
}

/// Reads what was written down, but for exporters, templates and rates that were last heard more
/// than `max_age_ns` before `now_ns`. What was heard later than now, by a clock since put back, was
/// heard now.
pub(crate) fn decode(
    octets: &[u8],
    now_ns: i64,
    max_age_ns: i64,
) -> Result<Vec<SavedExporter>, SavedError> {
    let mut reader = Reader::new(LAYER, unsealed(octets)?);
    let recent = Recent { now_ns, oldest_ns: now_ns.saturating_sub(max_age_ns) };
    let mut exporters = Vec::new();
    for _ in 0..reader.u32()? {
        let exporter = read_exporter(&mut reader, recent)?;
        exporters.extend(exporter);
    }
    Ok(exporters)
}

/// What lies between header and checksum.
fn unsealed(octets: &[u8]) -> Result<&[u8], SavedError> {
    let mut reader = Reader::new(LAYER, octets);
    if reader.take(MAGIC.len()).ok() != Some(MAGIC.as_slice()) {
        return Err(SavedError::Foreign);
    }
    let version = reader.u16()?;
    if version != VERSION {
        return Err(SavedError::Version(version));
    }
    let (said, found) = (reader.u64()?, octets.len() as u64);
    let parts = octets.split_last_chunk::<CHECKSUM_OCTETS>();
    let (contents, checksum) =
        parts.filter(|_| said == found).ok_or(SavedError::Length { said, found })?;
    if crc32fast::hash(contents) != u32::from_be_bytes(*checksum) {
        return Err(SavedError::Checksum);
    }
    contents.get(HEADER_OCTETS..).ok_or(SavedError::Length { said, found })
}

#[derive(Clone, Copy)]
struct Recent {
    now_ns: i64,
    oldest_ns: i64,
}

impl Recent {
    fn time(self, seen_ns: i64) -> Option<i64> {
        (seen_ns >= self.oldest_ns).then(|| seen_ns.min(self.now_ns))
    }
}

fn write_exporter(out: &mut Vec<u8>, exporter: &SavedExporter) {
    out.extend_from_slice(&exporter.addr);
    out.extend_from_slice(&exporter.port.to_be_bytes());
    out.push(number_of(exporter.kind));
    out.extend_from_slice(&exporter.domain.to_be_bytes());
    out.extend_from_slice(&exporter.seen_ns.to_be_bytes());
    write_count(out, exporter.templates.len());
    for kept in &exporter.templates {
        out.extend_from_slice(&kept.seen_ns.to_be_bytes());
        write_template(out, &kept.template);
    }
    write_count(out, exporter.rates.len());
    for rate in &exporter.rates {
        write_rate(out, rate);
    }
    write_count(out, exporter.sequences.len());
    for (stream, sequence) in &exporter.sequences {
        out.extend_from_slice(&stream.to_be_bytes());
        write_sequence(out, sequence);
    }
}

fn read_exporter(r: &mut Reader<'_>, recent: Recent) -> Result<Option<SavedExporter>, WireError> {
    let (addr, port, kind, domain) = (r.array()?, r.u16()?, read_kind(r)?, r.u32()?);
    let seen_ns = recent.time(read_time(r)?);
    let mut templates = Vec::new();
    for _ in 0..r.u32()? {
        let seen_ns = recent.time(read_time(r)?);
        let template = read_template(r)?;
        templates.extend(seen_ns.map(|seen_ns| SavedTemplate { template, seen_ns }));
    }
    let mut rates = Vec::new();
    for _ in 0..r.u32()? {
        let rate = read_rate(r)?;
        let heard_ns = recent.time(rate.heard_ns);
        rates.extend(heard_ns.map(|heard_ns| SavedRate { heard_ns, ..rate }));
    }
    let mut sequences = Vec::new();
    for _ in 0..r.u32()? {
        sequences.push((r.u64()?, read_sequence(r)?));
    }
    let exporter =
        |seen_ns| SavedExporter { addr, port, kind, domain, seen_ns, templates, rates, sequences };
    Ok(seen_ns.map(exporter))
}

fn write_template(out: &mut Vec<u8>, template: &Template) {
    out.extend_from_slice(&template.id.to_be_bytes());
    out.extend_from_slice(&template.scopes.to_be_bytes());
    write_count(out, template.fields.len());
    for field in &template.fields {
        out.extend_from_slice(&field.pen.to_be_bytes());
        out.extend_from_slice(&field.id.to_be_bytes());
        out.extend_from_slice(&field.length.to_be_bytes());
    }
}

fn read_template(r: &mut Reader<'_>) -> Result<Arc<Template>, WireError> {
    let (id, scopes) = (r.u16()?, r.u16()?);
    let mut fields = Vec::new();
    for _ in 0..r.u32()? {
        fields.push(Field { pen: r.u32()?, id: r.u16()?, length: r.u16()? });
    }
    if usize::from(scopes) > fields.len() {
        return Err(r.forbidden(r.position(), "scope field count", scopes));
    }
    Ok(Arc::new(Template { id, scopes, fields: fields.into() }))
}

fn write_rate(out: &mut Vec<u8>, saved: &SavedRate) {
    let (scope, number) = match saved.scope {
        Scope::System => (0, 0),
        Scope::Sampler(id) => (1, id),
        Scope::Interface(index) => (2, index),
        Scope::LineCard(card) => (3, card),
        Scope::Template(id) => (4, id),
    };
    out.push(scope);
    out.extend_from_slice(&number.to_be_bytes());
    // No rate is 0, so that it can stand for none.
    out.extend_from_slice(&saved.rate.unwrap_or(0.0).to_be_bytes());
    out.extend_from_slice(&saved.heard_ns.to_be_bytes());
}

fn read_rate(r: &mut Reader<'_>) -> Result<SavedRate, WireError> {
    let (scope, number) = (r.u8()?, r.u64()?);
    let scope = match scope {
        0 => Scope::System,
        1 => Scope::Sampler(number),
        2 => Scope::Interface(number),
        3 => Scope::LineCard(number),
        4 => Scope::Template(number),
        _ => return Err(r.forbidden(r.position(), "scope", scope)),
    };
    let rate = Some(f64::from_be_bytes(r.array()?)).filter(|rate| *rate >= 1.0);
    Ok(SavedRate { scope, rate, heard_ns: read_time(r)? })
}

fn write_sequence(out: &mut Vec<u8>, saved: &SavedSequence) {
    let Stamp { uptime_ms, export_s } = saved.newest;
    let presence = [saved.open, uptime_ms.is_some(), export_s.is_some()];
    out.push((0..).zip(presence).map(|(bit, is)| u8::from(is) << bit).sum());
    out.extend_from_slice(&saved.next.to_be_bytes());
    out.extend_from_slice(&uptime_ms.unwrap_or(0).to_be_bytes());
    out.extend_from_slice(&export_s.unwrap_or(0).to_be_bytes());
}

fn read_sequence(r: &mut Reader<'_>) -> Result<SavedSequence, WireError> {
    let presence = r.u8()?;
    let (next, uptime_ms, export_s) = (r.u32()?, r.u32()?, r.u32()?);
    let newest = Stamp {
        uptime_ms: (presence & 2 != 0).then_some(uptime_ms),
        export_s: (presence & 4 != 0).then_some(export_s),
    };
    Ok(SavedSequence { next, open: presence & 1 != 0, newest })
}

const fn number_of(kind: SourceKind) -> u8 {
    match kind {
        SourceKind::NetFlow5 => 5,
        SourceKind::NetFlow9 => 9,
        SourceKind::Ipfix => 10,
        SourceKind::SFlow => 105,
    }
}

fn read_kind(r: &mut Reader<'_>) -> Result<SourceKind, WireError> {
    match r.u8()? {
        5 => Ok(SourceKind::NetFlow5),
        9 => Ok(SourceKind::NetFlow9),
        10 => Ok(SourceKind::Ipfix),
        105 => Ok(SourceKind::SFlow),
        other => Err(r.forbidden(r.position(), "protocol", other)),
    }
}

fn read_time(r: &mut Reader<'_>) -> Result<i64, WireError> {
    r.u64().map(u64::cast_signed)
}

#[expect(clippy::cast_possible_truncation, reason = "so many things do not fit the memory")]
fn write_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&(count as u32).to_be_bytes());
}

impl From<WireError> for SavedError {
    fn from(error: WireError) -> Self {
        Self::Contents(error)
    }
}

const LAYER: &str = "memory of exporters";
const MAGIC: &[u8; 8] = b"penstkEX";
const VERSION: u16 = 1;
const LENGTH_AT: usize = MAGIC.len() + 2;
const HEADER_OCTETS: usize = LENGTH_AT + 8;
const CHECKSUM_OCTETS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    const NOW_NS: i64 = 1_700_000_000_000_000_000;
    const AGE_NS: i64 = 3_600_000_000_000;

    fn exporter(number: u32, seen_ns: i64) -> SavedExporter {
        let field = |id| Field { pen: number % 2 * 29_305, id, length: 4 };
        let template = |id| Template { id, scopes: id % 2, fields: (1..=20).map(field).collect() };
        let kept = |id| SavedTemplate { template: Arc::new(template(id)), seen_ns };
        let scopes = [Scope::System, Scope::Sampler(7), Scope::Interface(3), Scope::LineCard(1)];
        let rates = [Some(1.0), None, Some(1.5), Some(1e9)];
        let rate = |(scope, rate)| SavedRate { scope, rate, heard_ns: seen_ns };
        let newest = Stamp { uptime_ms: Some(number), export_s: None };
        SavedExporter {
            addr: u128::from(number).to_be_bytes(),
            port: 4739,
            kind: [SourceKind::NetFlow9, SourceKind::Ipfix][usize::from(number.is_multiple_of(2))],
            domain: number,
            seen_ns,
            templates: (256..266).map(kept).collect(),
            rates: scopes.into_iter().zip(rates).map(rate).collect(),
            sequences: vec![(0, SavedSequence { next: number, open: true, newest })],
        }
    }

    #[test]
    fn what_is_written_down_reads_the_same() {
        let exporters: Vec<_> = (0..3).map(|number| exporter(number, NOW_NS)).collect();
        assert_eq!(decode(&encode(&exporters), NOW_NS, AGE_NS), Ok(exporters));
        assert_eq!(decode(&encode(&[]), NOW_NS, AGE_NS), Ok(Vec::new()));
    }

    #[test]
    fn what_was_heard_too_long_ago_is_left_out_and_what_comes_from_the_future_is_of_today() {
        let mut mixed = exporter(1, NOW_NS + AGE_NS);
        mixed.templates.truncate(2);
        mixed.templates[0].seen_ns = NOW_NS - AGE_NS - 1;
        mixed.rates.truncate(1);
        mixed.rates[0].heard_ns = NOW_NS - AGE_NS - 1;
        let kept = decode(&encode(&[exporter(2, 0), mixed.clone()]), NOW_NS, AGE_NS).unwrap();
        assert_eq!(kept.len(), 1);
        assert_eq!((kept[0].seen_ns, kept[0].templates[0].seen_ns), (NOW_NS, NOW_NS));
        assert_eq!(kept[0].templates[0].template, mixed.templates[1].template);
        assert_eq!((kept[0].templates.len(), kept[0].rates.len()), (1, 0));
    }

    #[test]
    fn every_cut_and_every_changed_octet_is_an_error_that_says_what() {
        let whole = encode(&[exporter(1, NOW_NS)]);
        for cut in 0..whole.len() {
            let error = decode(&whole[..cut], NOW_NS, AGE_NS).unwrap_err();
            assert!(!error.to_string().is_empty(), "cut at {cut}");
        }
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 0x20;
            let error = decode(&changed, NOW_NS, AGE_NS).unwrap_err();
            let expected = match place {
                0..8 => matches!(error, SavedError::Foreign),
                8..10 => matches!(error, SavedError::Version(_)),
                10..18 => matches!(error, SavedError::Length { .. }),
                _ => error == SavedError::Checksum,
            };
            assert!(expected, "octet {place}: {error}");
        }
    }

    #[test]
    fn contents_that_cannot_be_are_refused_even_under_a_right_checksum() {
        let whole = encode(&[exporter(1, NOW_NS)]);
        for place in HEADER_OCTETS..whole.len() - CHECKSUM_OCTETS {
            let mut changed = whole[..whole.len() - CHECKSUM_OCTETS].to_vec();
            changed[place] = 0xff;
            changed.extend_from_slice(&crc32fast::hash(&changed).to_be_bytes());
            let _ = decode(&changed, NOW_NS, AGE_NS);
        }
    }

    #[test]
    fn ten_thousand_exporters_take_well_under_a_second() {
        let exporters: Vec<_> = (0..10_000).map(|number| exporter(number, NOW_NS)).collect();
        let begun = Instant::now();
        let octets = encode(&exporters);
        let kept = decode(&octets, NOW_NS, AGE_NS).unwrap();
        // Generous, as other tests run beside this one.
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert_eq!(kept.len(), exporters.len());
    }
}
