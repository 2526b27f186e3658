// SPDX-License-Identifier: Apache-2.0
//! Messages of the encoder, read again as a collector reads them.
//!
//! Here: the reader and batches to send. Tests are in files of what they are about.

mod ipfixprobe;
mod records;
mod schema;
mod session;
mod speed;

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use penstock_codec::ipfix::{self, Message};
use penstock_codec::{Definition, Template};
use penstock_record::{BatchBuilder, Validity, column};

use super::{IpfixEncoder, IpfixSettings, Messages};

/// 2023-11-14T22:13:20Z.
const NOW_NS: i64 = 1_700_000_000_000_000_000;
const SECOND_NS: i64 = 1_000_000_000;
const REVERSE: u32 = 29_305;

/// What a collector has learnt.
#[derive(Default)]
struct Reader {
    templates: BTreeMap<u16, Template>,
    /// Records of flows, in the order in which they came.
    flows: Vec<Record>,
    /// Records of options.
    options: Vec<Record>,
    /// Templates, each time one came.
    definitions: Vec<u16>,
    next_sequence: u32,
    sizes: Vec<usize>,
}

/// The octets of each value, by element.
#[derive(Clone, Debug)]
struct Record {
    template: u16,
    values: Vec<((u32, u16), Vec<u8>)>,
}

impl Record {
    fn get(&self, pen: u32, id: u16) -> Option<&[u8]> {
        let found = self.values.iter().find(|(number, _)| *number == (pen, id));
        found.map(|(_, octets)| octets.as_slice())
    }

    fn number(&self, pen: u32, id: u16) -> Option<u64> {
        self.get(pen, id).map(penstock_codec::value::unsigned)
    }

    fn has(&self, pen: u32, id: u16) -> bool {
        self.get(pen, id).is_some()
    }
}

impl Reader {
    /// Reads all messages; any that a collector could not use is a failure.
    fn read(&mut self, messages: &Messages) {
        assert_eq!(messages.records.len(), messages.len());
        let before = self.flows.len();
        for octets in messages.iter() {
            self.sizes.push(octets.len());
            let message = Message::read(octets).unwrap();
            assert_eq!(message.octets().len(), octets.len());
            assert_eq!(message.header.sequence, self.next_sequence);
            let mut sets = 0;
            for set in message.sets() {
                let set = set.unwrap();
                sets += 1;
                match set.id {
                    ipfix::TEMPLATE_SET | ipfix::OPTIONS_TEMPLATE_SET => {
                        for definition in ipfix::templates(&set) {
                            let Definition::Define(template) = definition.unwrap() else {
                                panic!()
                            };
                            self.definitions.push(template.id);
                            self.templates.insert(template.id, template);
                        }
                    }
                    id => self.read_records(id, set.octets),
                }
            }
            assert!(sets > 0, "an empty message");
        }
        assert_eq!(messages.flow_records(), (self.flows.len() - before) as u64);
    }

    fn read_records(&mut self, id: u16, octets: &[u8]) {
        let template = &self.templates[&id];
        for record in penstock_codec::records(template, octets) {
            let values = record.unwrap().values().map(|(f, v)| ((f.pen, f.id), v.to_vec()));
            let record = Record { template: id, values: values.collect() };
            self.next_sequence += 1;
            if template.is_options() { self.options.push(record) } else { self.flows.push(record) }
        }
    }

    fn options_with(&self, id: u16) -> Vec<&Record> {
        self.options.iter().filter(|record| record.has(0, id)).collect()
    }
}

/// What a collector reads of these batches, sent one a second.
fn sent(settings: IpfixSettings, batches: &[RecordBatch]) -> Reader {
    let mut encoder = IpfixEncoder::new(settings);
    let mut reader = Reader::default();
    let mut now_ns = NOW_NS;
    for batch in batches {
        let mut messages = Messages::default();
        encoder.encode(batch, now_ns, &mut messages).unwrap();
        reader.read(&messages);
        now_ns += SECOND_NS;
    }
    assert_eq!(reader.next_sequence, encoder.sequence());
    reader
}

fn mapped(last: [u8; 4]) -> [u8; 16] {
    let [a, b, c, d] = last;
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
}

const IPV6: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// TCP of IPv4 in both directions, UDP of IPv6 without an answer, ping; again and again.
fn flows(rows: usize) -> RecordBatch {
    let mut batch = BatchBuilder::new(rows);
    let kind = |row: usize| row % 3;
    let number = |row: usize| row as u64;
    let rows = || 0..rows;
    let is = |wanted: usize| Validity::new((0..rows().len()).map(|row| kind(row) == wanted));
    let start = |row: usize| NOW_NS + i64::try_from(row).unwrap() * 1_001;
    batch.timestamps(column::TIME_START, None, rows().map(start));
    batch.timestamps(column::TIME_END, None, rows().map(|row| start(row) + 77));
    let end = |row: usize, last: u8| match kind(row) {
        1 => [&IPV6[..15], &[last]].concat().try_into().unwrap(),
        _ => mapped([192, 0, 2, last]),
    };
    batch.ip(column::SRC_ADDR, None, rows().map(|row| end(row, 1)));
    batch.ip(column::DST_ADDR, None, rows().map(|row| end(row, 2)));
    let version = |row| if kind(row) == 1 { 6 } else { 4 };
    batch.u8(column::IP_VERSION, None, rows().map(version));
    batch.u8(column::PROTOCOL, None, rows().map(|row| [6, 17, 1][kind(row)]));
    let ports = Validity::new(rows().map(|row| kind(row) < 2));
    batch.u16(
        column::SRC_PORT,
        Some(&ports),
        rows().map(|row| u16::try_from(row % 60_000).unwrap()),
    );
    batch.u16(column::DST_PORT, Some(&ports), rows().map(|_| 443));
    batch.u8(column::ICMP_TYPE, Some(&is(2)), rows().map(|_| 8));
    batch.u8(column::ICMP_CODE, Some(&is(2)), rows().map(|_| 1));
    batch.u64(column::OCTETS, None, rows().map(|row| 1_000 + number(row)));
    batch.u64(column::PACKETS, None, rows().map(number));
    batch.u64(column::OCTETS_REV, None, rows().map(|row| 5 * number(row)));
    batch.u64(column::PACKETS_REV, None, rows().map(|row| u64::from(kind(row) == 0)));
    batch.u16(column::TCP_FLAGS, Some(&is(0)), rows().map(|_| 0x11b));
    batch.timestamps(column::TIME_START_REV, Some(&is(0)), rows().map(|row| start(row) + 3));
    batch.timestamps(column::TIME_END_REV, Some(&is(0)), rows().map(|row| start(row) + 5));
    batch.u8(column::TTL_MIN, None, rows().map(|_| 60));
    batch.u8(column::TTL_MAX, None, rows().map(|_| 64));
    batch.u8(column::END_REASON, None, rows().map(|_| 3));
    batch.mac(column::SRC_MAC, None, rows().map(|_| [2, 0, 0x5e, 0, 0x53, 1]));
    batch.mac(column::DST_MAC, None, rows().map(|_| [2, 0, 0x5e, 0, 0x53, 2]));
    batch.f64(column::SAMPLING_RATE, None, rows().map(|_| 1.0));
    batch.constant_text(column::SAMPLING_ORIGIN, "configured");
    batch.constant_text(column::COUNTER_SEMANTICS, "delta");
    batch.constant_text(column::SOURCE_KIND, "probe");
    batch.finish()
}
