// SPDX-License-Identifier: Apache-2.0
//! Messages of all protocols, written so that few octets make a message that most of a collector
//! sees: templates of elements that mean something, data of these templates, samples.
//!
//! ```text
//! protocol, ahead, counted, age, domain, parts ..    a message
//! 0, count, templates ..                             templates: number, options, fields
//! 1, template, repeated, length, octets              data, so many times
//! 2, template                                        a withdrawal, which 0 makes one of all
//! 3, number (2), length, octets                      a set of any number
//! 4                                                  the end of the message
//! 5, at (2), value (2)                               the end, and two octets are changed
//! ```
//! The first octets count modulo what there is. `ahead` says by how much the sequence number is
//! another than that of the next message, `counted` how far it goes on with this one.

use std::sync::OnceLock;

use penstock_codec::Field;
use penstock_codec::sflow::{
    CounterHead, DatagramWriter, DiscardedHead, FlowHead, Form, Header, Interface, Source,
};
use penstock_record::Column;

use crate::Input;

/// What exporters count on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers {
    sequence: [u32; 4],
}

/// The time of exporters that were started with the collector.
const EPOCH_S: u32 = 1_700_000_000;
/// A message that is made is no longer than a datagram can be.
const MOST_OCTETS: usize = 65_507;
const MOST_PARTS: usize = 12;

/// A message as its octets say, of any protocol or of IPFIX alone.
pub fn message(input: &mut Input<'_>, numbers: &mut Numbers, ipfix_alone: bool) -> Vec<u8> {
    let protocol = if ipfix_alone { 2 } else { usize::from(input.u8()) % 4 };
    let (ahead, counted) = (input.u8().cast_signed(), input.u8());
    let (age, domain) = (input.u8().cast_signed(), input.u8() & 3);
    let sequence = numbers.sequence[protocol].wrapping_add_signed(jump(ahead));
    numbers.sequence[protocol] = sequence.wrapping_add(counted.into());
    let head = Head { sequence, counted, age_s: jump(age), domain };
    let mut octets = match protocol {
        0 => version_5(input, head),
        3 => return sflow(input, head),
        _ => with_sets(input, head, protocol == 1),
    };
    octets.truncate(MOST_OCTETS);
    octets
}

#[derive(Clone, Copy)]
struct Head {
    sequence: u32,
    counted: u8,
    age_s: i32,
    domain: u8,
}

impl Head {
    fn export_s(self) -> u32 {
        EPOCH_S.wrapping_add_signed(self.age_s)
    }

    fn uptime_ms(self) -> u32 {
        3_600_000_u32.wrapping_add_signed(self.age_s.wrapping_mul(1_000))
    }
}

/// Small steps are what they are, and the largest are leaps.
fn jump(step: i8) -> i32 {
    match step {
        i8::MAX => i32::MAX,
        i8::MIN => i32::MIN,
        120..i8::MAX => i32::from(step) * 100_000,
        -127..-120 => i32::from(step) * 1_000,
        _ => step.into(),
    }
}

fn version_5(input: &mut Input<'_>, head: Head) -> Vec<u8> {
    let mut octets = Vec::new();
    octets.extend([0, 5, 0, head.counted]);
    for word in [head.uptime_ms(), head.export_s(), 0, head.sequence] {
        octets.extend(word.to_be_bytes());
    }
    let sampling = input.u16();
    octets.extend([0, head.domain]);
    octets.extend(sampling.to_be_bytes());
    let (records, length) = (input.u8(), input.u8());
    let octets_of = input.take(length.into()).iter().copied().cycle();
    octets.extend(octets_of.take(usize::from(records) * 24));
    octets
}

/// Version 9 or IPFIX.
fn with_sets(input: &mut Input<'_>, head: Head, version_9: bool) -> Vec<u8> {
    let mut octets = Vec::new();
    octets.extend([0, if version_9 { 9 } else { 10 }, 0, head.counted]);
    if version_9 {
        octets.extend(head.uptime_ms().to_be_bytes());
    }
    for word in [head.export_s(), head.sequence, head.domain.into()] {
        octets.extend(word.to_be_bytes());
    }
    let mut damage = None;
    for _ in 0..MOST_PARTS {
        if input.is_over() || octets.len() > MOST_OCTETS {
            break;
        }
        match input.u8() % 6 {
            0 => templates(input, version_9, &mut octets),
            1 => data(input, &mut octets),
            2 => withdrawal(input, &mut octets),
            3 => {
                let (id, length) = (input.u16(), input.u8());
                let content = input.take(length.into());
                set(&mut octets, id, |octets| octets.extend_from_slice(content));
            }
            4 => break,
            _ => {
                damage = Some((input.u16(), input.u16()));
                break;
            }
        }
    }
    octets.truncate(MOST_OCTETS);
    if !version_9 {
        let length = u16::try_from(octets.len()).unwrap_or(u16::MAX);
        octets[2..4].copy_from_slice(&length.to_be_bytes());
    }
    if let Some((at, value)) = damage {
        let at = usize::from(at) % (octets.len() - 1);
        octets[at..at + 2].copy_from_slice(&value.to_be_bytes());
    }
    octets
}

fn set(octets: &mut Vec<u8>, id: u16, content: impl FnOnce(&mut Vec<u8>)) {
    let begun = octets.len();
    octets.extend(id.to_be_bytes());
    octets.extend([0; 2]);
    content(octets);
    let length = u16::try_from(octets.len() - begun).unwrap_or(u16::MAX);
    octets[begun + 2..begun + 4].copy_from_slice(&length.to_be_bytes());
}

fn template_number(octet: u8) -> u16 {
    256 + u16::from(octet % 6)
}

fn templates(input: &mut Input<'_>, version_9: bool, octets: &mut Vec<u8>) {
    for _ in 0..=input.u8() % 3 {
        let (id, scopes) = (template_number(input.u8()), input.u8());
        let options = scopes >= 128;
        let fields = fields(input);
        let scopes = if options { u16::from(scopes & 3).min(count(fields.len())) } else { 0 };
        let set_id = match (version_9, options) {
            (true, options) => u16::from(options),
            (false, options) => 2 + u16::from(options),
        };
        set(octets, set_id, |octets| {
            octets.extend(id.to_be_bytes());
            if version_9 && options {
                octets.extend((scopes * 4).to_be_bytes());
                octets.extend(((count(fields.len()) - scopes) * 4).to_be_bytes());
            } else {
                octets.extend(count(fields.len()).to_be_bytes());
                if options {
                    octets.extend(scopes.to_be_bytes());
                }
            }
            for field in &fields {
                put_field(octets, *field, version_9);
            }
        });
    }
}

fn count(fields: usize) -> u16 {
    u16::try_from(fields).unwrap_or(u16::MAX)
}

/// Each is an element's place in the table and how long it is: 0 as it should be, up to 32 and 255
/// as said, and in between so many times.
fn fields(input: &mut Input<'_>) -> Vec<Field> {
    let mut fields = Vec::new();
    for _ in 0..input.u8() % 32 {
        let places = elements();
        let known = places[usize::from(input.u16()) % places.len()];
        match input.u8() {
            0 => fields.push(known),
            255 => fields.push(Field { length: u16::MAX, ..known }),
            length @ 1..=32 => fields.push(Field { length: u16::from(length) - 1, ..known }),
            times => fields.extend(vec![known; usize::from(times) * 4]),
        }
    }
    fields.truncate(1_500);
    fields
}

fn put_field(octets: &mut Vec<u8>, Field { pen, id, length }: Field, version_9: bool) {
    let enterprise = pen != 0 && !version_9;
    octets.extend((id | u16::from(enterprise) << 15).to_be_bytes());
    octets.extend(length.to_be_bytes());
    if enterprise {
        octets.extend(pen.to_be_bytes());
    }
}

fn data(input: &mut Input<'_>, octets: &mut Vec<u8>) {
    let (id, repeated) = (template_number(input.u8()), input.u8());
    let length = input.u8();
    let content = input.take(length.into());
    let times = match repeated {
        0..=200 => usize::from(repeated) + 1,
        more => (usize::from(more) - 200) * 1_000,
    };
    let room = MOST_OCTETS.saturating_sub(octets.len() + 4);
    let times = times.min(room / content.len().max(1));
    set(octets, id, |octets| (0..times).for_each(|_| octets.extend_from_slice(content)));
}

fn withdrawal(input: &mut Input<'_>, octets: &mut Vec<u8>) {
    let which = input.u8();
    let (set_id, id) = match which {
        0 => (2, 2),
        1 => (3, 3),
        other => (2, template_number(other)),
    };
    set(octets, set_id, |octets| {
        octets.extend(u16::to_be_bytes(id));
        octets.extend([0; 2]);
    });
}

/// Elements that columns are made of, those that say something about sampling, and lists.
pub fn elements() -> &'static [Field] {
    static ELEMENTS: OnceLock<Vec<Field>> = OnceLock::new();
    ELEMENTS.get_or_init(|| {
        let more = |(id, length)| Field { pen: 0, id, length };
        let mut elements: Vec<Field> = MORE.into_iter().map(more).collect();
        for column in Column::all() {
            elements.extend(column.spec().elements.iter().map(|used| {
                let length = used.element().data_type.octets().unwrap_or(u16::MAX);
                Field { pen: used.pen, id: used.id, length }
            }));
        }
        elements.extend([1, 32_767].map(|id| Field { pen: 999, id, length: 3 }));
        elements
    })
}

/// Lists, scopes, sampling, counts, exporters' addresses, starts, padding, and what nobody knows.
const MORE: [(u16, u16); 30] = [
    (291, u16::MAX),
    (292, u16::MAX),
    (293, u16::MAX),
    (1, 4),
    (2, 4),
    (10, 4),
    (34, 4),
    (35, 1),
    (42, 8),
    (48, 1),
    (49, 1),
    (50, 4),
    (84, 2),
    (130, 4),
    (131, 16),
    (144, 4),
    (145, 2),
    (149, 4),
    (160, 8),
    (210, 1),
    (302, 8),
    (304, 2),
    (305, 4),
    (306, 4),
    (309, 4),
    (310, 4),
    (311, 8),
    (32_000, 5),
    (61, 1),
    (239, 1),
];

/// Samples: kind, number ahead, source, rate; records: format, length, octets.
fn sflow(input: &mut Input<'_>, head: Head) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut agent_address = [0; 16];
    agent_address[15] = head.domain;
    let header = Header {
        agent_address,
        sub_agent_id: u32::from(head.domain & 1),
        sequence: head.sequence,
        uptime_ms: head.uptime_ms(),
        num_samples: 0,
    };
    let mut writer = DatagramWriter::begin(&mut octets, &header);
    for _ in 0..input.u8() % 5 {
        let (kind, ahead, source) = (input.u8(), input.u8(), input.u8());
        let sequence = head.sequence.wrapping_add_signed(jump(ahead.cast_signed()));
        let form = if kind & 4 == 0 { Form::Compact } else { Form::Expanded };
        let source = Source { class: u32::from(source & 3), index: u32::from(source >> 2) };
        match kind % 3 {
            0 => {
                let (sampling_rate, sample_pool) = (input.u16().into(), input.u16().into());
                let interface = |octet: u8| Interface {
                    format: (octet & 3).into(),
                    value: (octet >> 2).into(),
                };
                let (input, output) = (interface(input.u8()), interface(input.u8()));
                let drops = 0;
                let head =
                    FlowHead { sequence, source, sampling_rate, sample_pool, drops, input, output };
                writer.begin_flow_sample(&head, form);
            }
            1 => writer.begin_counter_sample(&CounterHead { sequence, source }, form),
            _ => {
                let reason = input.u16().into();
                let (input, output) = (input.u8().into(), input.u8().into());
                let head = DiscardedHead { sequence, source, drops: 0, input, output, reason };
                writer.begin_discarded_packet(&head);
            }
        }
        for _ in 0..input.u8() % 5 {
            let format = input.u8();
            let length = input.u8();
            let content = input.take(length.into());
            let (enterprise, format) = match format {
                low @ 0..=60 => (0, low.into()),
                high @ 61..=150 => (0, u32::from(high) + 940),
                other => (9, other.into()),
            };
            writer.record(enterprise, format, |out| out.extend_from_slice(content));
        }
        writer.end_sample();
    }
    writer.finish();
    octets
}
