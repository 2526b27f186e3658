// SPDX-License-Identifier: Apache-2.0
//! Records of options: what is said of the exporter, its sampling and its elements.
//!
//! Here: their templates and octets. When they are sent is the encoder's business.

use penstock_codec::ipfix::write_variable_length;
use penstock_codec::{Field, Template, VARIABLE};
use penstock_elements::{DataType, Element, Semantics};

use super::layout::{
    Described, PACKET_INTERVAL, PACKET_SPACE, SAMPLING_POPULATION, SAMPLING_PROBABILITY,
    SAMPLING_SIZE,
};
use super::rate::{self, Form};
use super::{Counts, Interface};

/// What a record of options is about.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Report {
    /// The rate of records that do not say their own, as a selector (RFC 5476 section 6.5.2).
    Sampling(Form),
    /// What an enterprise's element is (RFC 5610 section 3.9).
    TypeInformation,
    /// An interface's name.
    Interface,
    /// What was sent (RFC 7011 section 4.1).
    Statistics,
    /// What was not (RFC 7011 section 4.3).
    Reliability,
}

/// What could not be sent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct NotSent {
    pub records: u64,
    pub packets: u64,
    pub octets: u64,
    /// When the first and the last was, in nanoseconds since 1970.
    pub times_ns: Option<(i64, i64)>,
}

impl NotSent {
    /// Adds what was lost now.
    pub fn add(&mut self, records: u64, packets: u64, octets: u64, now_ns: i64) {
        self.records = self.records.saturating_add(records);
        self.packets = self.packets.saturating_add(packets);
        self.octets = self.octets.saturating_add(octets);
        if records > 0 {
            let (first, _) = self.times_ns.unwrap_or((now_ns, now_ns));
            self.times_ns = Some((first, now_ns));
        }
    }
}

impl Report {
    /// The template, under this number.
    pub fn template(self, id: u16) -> Template {
        let fields: &[(u16, u16)] = match self {
            Self::Sampling(Form::Ratio) => {
                &[SELECTOR, ALGORITHM, (SAMPLING_SIZE, 4), (SAMPLING_POPULATION, 4)]
            }
            Self::Sampling(Form::Probability) => &[SELECTOR, ALGORITHM, (SAMPLING_PROBABILITY, 8)],
            Self::Sampling(_) => &[SELECTOR, ALGORITHM, (PACKET_INTERVAL, 4), (PACKET_SPACE, 4)],
            Self::TypeInformation => &[
                (346, 4),
                (303, 2),
                (339, 1),
                (344, 1),
                (345, 2),
                (341, VARIABLE),
                (340, VARIABLE),
            ],
            Self::Interface => &[(10, 4), (82, VARIABLE), (83, VARIABLE)],
            Self::Statistics => &[(149, 4), (41, 8), (42, 8), (40, 8)],
            Self::Reliability => {
                &[(144, 4), (166, 8), (167, 8), (168, 8), (OBSERVATION_MS, 8), (OBSERVATION_MS, 8)]
            }
        };
        let scopes = if self == Self::TypeInformation { 2 } else { 1 };
        let field = |&(id, length): &(u16, u16)| Field { pen: 0, id, length };
        Template { id, scopes, fields: fields.iter().map(field).collect() }
    }
}

/// A rate that is known, of the one selector there is.
pub(super) fn sampling(rate: f64) -> Vec<u8> {
    let form = Form::of(rate);
    let mut out = SELECTOR_ID.to_be_bytes().to_vec();
    out.extend_from_slice(&algorithm(form).to_be_bytes());
    match form {
        Form::Ratio => {
            let (population, size) = rate::ratio(rate).unwrap_or_default();
            out.extend([size, population].iter().flat_map(|number| number.to_be_bytes()));
        }
        Form::Probability => out.extend((1.0 / rate).to_be_bytes()),
        Form::Interval | Form::Unknown => {
            let numbers = [1, rate::space(rate).unwrap_or(0)];
            out.extend(numbers.iter().flat_map(|number: &u32| number.to_be_bytes()));
        }
    }
    out
}

/// An element of an enterprise.
pub(super) fn type_information(described: &Described) -> Vec<u8> {
    let Described { pen, element, summary } = described;
    let mut out = pen.to_be_bytes().to_vec();
    out.extend(element.id.to_be_bytes());
    out.extend([data_type(element.data_type), semantics(element)]);
    out.extend(units(element.units).to_be_bytes());
    text(element.name, &mut out);
    text(summary, &mut out);
    out
}

/// An interface by name.
pub(super) fn interface(interface: &Interface) -> Vec<u8> {
    let mut out = interface.index.to_be_bytes().to_vec();
    text(&interface.name, &mut out);
    text(&interface.description, &mut out);
    out
}

/// What was sent before this record's message.
pub(super) fn statistics(observation_domain: u32, counts: &Counts) -> Vec<u8> {
    let mut out = observation_domain.to_be_bytes().to_vec();
    let numbers = [counts.messages, counts.records, counts.octets];
    out.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
    out
}

/// What was not sent; nothing if everything was.
pub(super) fn reliability(lost: &NotSent) -> Option<Vec<u8>> {
    let (first, last) = lost.times_ns?;
    let mut out = EXPORTING_PROCESS.to_be_bytes().to_vec();
    let times = [first, last].map(|ns| ns.div_euclid(1_000_000).cast_unsigned());
    let numbers = [lost.records, lost.packets, lost.octets, times[0], times[1]];
    out.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
    Some(out)
}

/// Every record that names no selector is of this one, for collectors that look it up.
const SELECTOR_ID: u64 = 0;
/// There is one a session.
const EXPORTING_PROCESS: u32 = 1;
const SELECTOR: (u16, u16) = (302, 8);
const ALGORITHM: (u16, u16) = (304, 2);
const OBSERVATION_MS: u16 = 323;
/// Longer names and summaries help nobody.
const MOST_TEXT_OCTETS: usize = 254;

/// IANA's registry of selection algorithms.
const fn algorithm(form: Form) -> u16 {
    match form {
        Form::Interval | Form::Unknown => 1,
        Form::Ratio => 3,
        Form::Probability => 4,
    }
}

/// Cut at the end of a character (RFC 7011 section 6.1.6).
fn text(text: &str, out: &mut Vec<u8>) {
    let ends = (0..=text.len().min(MOST_TEXT_OCTETS)).rev();
    let end = ends.into_iter().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let text = &text[..end];
    write_variable_length(out, u16::try_from(text.len()).unwrap_or(0));
    out.extend_from_slice(text.as_bytes());
}

/// IANA's registry of data types.
const fn data_type(data_type: DataType) -> u8 {
    match data_type {
        DataType::OctetArray => 0,
        DataType::Unsigned8 => 1,
        DataType::Unsigned16 => 2,
        DataType::Unsigned32 => 3,
        DataType::Unsigned64 => 4,
        DataType::Signed8 => 5,
        DataType::Signed16 => 6,
        DataType::Signed32 => 7,
        DataType::Signed64 => 8,
        DataType::Float32 => 9,
        DataType::Float64 => 10,
        DataType::Boolean => 11,
        DataType::MacAddress => 12,
        DataType::String => 13,
        DataType::DateTimeSeconds => 14,
        DataType::DateTimeMilliseconds => 15,
        DataType::DateTimeMicroseconds => 16,
        DataType::DateTimeNanoseconds => 17,
        DataType::Ipv4Address => 18,
        DataType::Ipv6Address => 19,
        DataType::BasicList => 20,
        DataType::SubTemplateList => 21,
        DataType::SubTemplateMultiList => 22,
        DataType::Unsigned256 => 23,
    }
}

/// IANA's registry of semantics, as far as they go with the type (RFC 5610 section 3.10).
const fn semantics(element: &Element) -> u8 {
    let number = match element.semantics {
        Semantics::Default | Semantics::Unstated => 0,
        Semantics::Quantity => 1,
        Semantics::TotalCounter => 2,
        Semantics::DeltaCounter => 3,
        Semantics::Identifier => 4,
        Semantics::Flags => 5,
        Semantics::List => 6,
        Semantics::SnmpCounter => 7,
        Semantics::SnmpGauge => 8,
    };
    let allowed = match element.data_type {
        DataType::Unsigned8
        | DataType::Unsigned16
        | DataType::Unsigned32
        | DataType::Unsigned64
        | DataType::Unsigned256 => number != 6,
        DataType::Signed8 | DataType::Signed16 | DataType::Signed32 | DataType::Signed64 => {
            number != 5 && number != 6
        }
        DataType::Float32 | DataType::Float64 => number < 4 || number > 6,
        DataType::BasicList | DataType::SubTemplateList | DataType::SubTemplateMultiList => {
            number == 6
        }
        _ => false,
    };
    if allowed { number } else { 0 }
}

/// IANA's registry of units; those it does not have are none.
fn units(units: &str) -> u16 {
    match units {
        "bits" => 1,
        "octets" => 2,
        "packets" => 3,
        "flows" => 4,
        "seconds" => 5,
        "milliseconds" => 6,
        "microseconds" => 7,
        "nanoseconds" => 8,
        "4-octet words" => 9,
        "messages" => 10,
        "hops" => 11,
        "entries" => 12,
        "frames" => 13,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_the_fields_of_their_templates() {
        let element = penstock_elements::by_name("cesnet:packetLength").unwrap();
        let described = Described { pen: 8057, element, summary: "Octets of payload" };
        let name = Interface { index: 3, name: "eth0".into(), description: String::new() };
        let mut lost = NotSent::default();
        assert_eq!(reliability(&lost), None);
        lost.add(1, 2, 3, 4_000_000_000);
        let mut reports = vec![
            (Report::TypeInformation, type_information(&described)),
            (Report::Interface, interface(&name)),
            (Report::Statistics, statistics(1, &Counts::default())),
            (Report::Reliability, reliability(&lost).unwrap()),
        ];
        let rates = [1.0, 1.5, 1e12].map(|rate| (Report::Sampling(Form::of(rate)), sampling(rate)));
        reports.extend(rates);
        for (report, octets) in reports {
            let template = report.template(256);
            assert!(template.is_options());
            let read: Vec<_> = penstock_codec::records(&template, &octets).collect();
            assert_eq!(read.len(), 1, "{report:?}");
            assert_eq!(read[0].unwrap().octets(), octets);
        }
    }

    #[test]
    fn an_element_is_described_as_the_registries_of_iana_number_it() {
        let element = penstock_elements::by_name("penstock:packetTimeNanoseconds").unwrap();
        let octets = type_information(&Described { pen: 32473, element, summary: "é" });
        let head = [0, 0, 0x7e, 0xd9, 0, 1, 17, 0, 0, 8, 21];
        assert_eq!(octets[..11], head);
        assert_eq!(octets[11..32], *b"packetTimeNanoseconds");
        assert_eq!(octets[32..], [2, 0xc3, 0xa9]);
    }

    #[test]
    fn text_is_cut_between_characters() {
        let mut out = Vec::new();
        text(&"é".repeat(200), &mut out);
        assert_eq!(usize::from(out[0]), out.len() - 1);
        assert!(std::str::from_utf8(&out[1..]).is_ok());
    }
}
