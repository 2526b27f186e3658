// SPDX-License-Identifier: Apache-2.0
//! Made-up traffic for the meter's tests, and what they ask of its rows.

#![allow(dead_code, reason = "each test file uses its own share")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampNanosecondType, UInt8Type, UInt16Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use penstock_meter::{Chunk, Fate, Meter, Packets, SelectAll, Settings, Unit};
use penstock_wire::{Frame, LinkType};

pub const MS: i64 = 1_000_000;
pub const SECOND: i64 = 1_000_000_000;
pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const ACK: u8 = 16;

/// One packet: when, and its octets from the IP header on.
pub type Packet = (i64, Vec<u8>);

/// An IPv4 packet with this payload. Ends are the last octets of 192.0.2.0/24.
pub fn ipv4(src: u8, dst: u8, protocol: u8, payload: &[u8]) -> Vec<u8> {
    fragment(src, dst, protocol, payload, 0, 0)
}

/// An IPv4 packet with an identification, and flags and offset as the header has them.
pub fn fragment(
    src: u8,
    dst: u8,
    protocol: u8,
    payload: &[u8],
    identification: u16,
    flags_and_offset: u16,
) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let [id_high, id_low] = identification.to_be_bytes();
    let [high, low] = flags_and_offset.to_be_bytes();
    let mut packet = vec![0x45, 0, length[0], length[1], id_high, id_low, high, low, 64, protocol];
    packet.extend([0, 0, 192, 0, 2, src, 192, 0, 2, dst]);
    packet.extend(payload);
    packet
}

/// A TCP packet without payload.
pub fn tcp(src: (u8, u16), dst: (u8, u16), flags: u8) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend(src.1.to_be_bytes());
    segment.extend(dst.1.to_be_bytes());
    segment.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 0x20, 0, 0, 0, 0, 0]);
    ipv4(src.0, dst.0, 6, &segment)
}

/// A UDP packet with so many octets of payload.
pub fn udp(src: (u8, u16), dst: (u8, u16), octets: usize) -> Vec<u8> {
    ipv4(src.0, dst.0, 17, &datagram(src.1, dst.1, octets))
}

/// A UDP header and so many octets of payload.
pub fn datagram(src_port: u16, dst_port: u16, octets: usize) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend(src_port.to_be_bytes());
    datagram.extend(dst_port.to_be_bytes());
    datagram.extend(u16::try_from(8 + octets).unwrap().to_be_bytes());
    datagram.extend([0, 0]);
    datagram.resize(8 + octets, 0xAA);
    datagram
}

/// An ICMP message with an identifier.
pub fn icmp(src: u8, dst: u8, kind: u8, identifier: u16) -> Vec<u8> {
    let [high, low] = identifier.to_be_bytes();
    ipv4(src, dst, 1, &[kind, 0, 0, 0, high, low, 0, 1])
}

/// Packets as a source, in chunks of so many or one second.
pub struct Replay {
    packets: Arc<Vec<Packet>>,
    at: usize,
    chunk: usize,
}

impl Replay {
    /// These packets, in chunks of at most 512.
    pub fn of(packets: Vec<Packet>) -> Self {
        Self { packets: Arc::new(packets), at: 0, chunk: 512 }
    }
}

/// A chunk of a [`Replay`].
#[derive(Default)]
pub struct ReplayChunk(Vec<Packet>);

impl Chunk for ReplayChunk {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn frame(&self, index: usize) -> (Frame<'_>, i64) {
        let (time_ns, bytes) = &self.0[index];
        let original_octets = u32::try_from(bytes.len()).unwrap();
        (Frame { link: LinkType(101), bytes, original_octets }, *time_ns)
    }
}

impl Packets for Replay {
    type Chunk = ReplayChunk;
    type Error = Infallible;

    fn read(&mut self, chunk: &mut ReplayChunk) -> Result<bool, Infallible> {
        chunk.0.clear();
        let start_ns = self.packets.get(self.at).map_or(0, |packet| packet.0);
        while let Some(packet) = self.packets.get(self.at)
            && chunk.0.len() < self.chunk
            && (chunk.0.is_empty() || packet.0 < start_ns.saturating_add(SECOND))
        {
            chunk.0.push(packet.clone());
            self.at += 1;
        }
        Ok(!chunk.0.is_empty())
    }
}

/// The batches that a meter makes of the packets. The ledger must add up.
pub fn batches(packets: &Arc<Vec<Packet>>, settings: &Settings) -> Vec<RecordBatch> {
    let source = Replay { packets: Arc::clone(packets), at: 0, chunk: 512 };
    let mut meter = Meter::new(source, None::<SelectAll>, settings).unwrap();
    let mut batches = Vec::new();
    while let Some(batch) = meter.next_batch().unwrap() {
        batches.push(batch);
    }
    let ledger = meter.ledger();
    let sum = |stage, fate, unit| -> u64 {
        let rows = ledger.iter().filter(|r| (r.stage, r.fate, r.unit) == (stage, fate, unit));
        rows.map(|row| row.count).sum()
    };
    let lost: u64 = ["select", "link", "wire", "fragments"]
        .map(|stage| sum(stage, Fate::Lost, Unit::Packets))
        .iter()
        .sum();
    assert_eq!(sum("source", Fate::In, Unit::Packets), packets.len() as u64);
    assert_eq!(sum("meter", Fate::In, Unit::Packets) + lost, packets.len() as u64, "{ledger:?}");
    let counted = sum("meter", Fate::Out, Unit::Packets);
    assert_eq!(counted, sum("meter", Fate::In, Unit::Packets));
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(sum("meter", Fate::Out, Unit::Flows), rows as u64);
    let flows_in = sum("meter", Fate::In, Unit::Flows);
    assert!(flows_in <= rows as u64, "{flows_in} flows began, {rows} records came");
    batches
}

/// What the tests look at in a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    pub src: u8,
    pub dst: u8,
    pub ports: Option<(u16, u16)>,
    pub packets: (u64, u64),
    pub octets: (u64, u64),
    pub times: (i64, i64),
    pub reason: u8,
}

/// The rows of a meter with these settings.
pub fn rows(packets: Vec<Packet>, settings: &Settings) -> Vec<Row> {
    batches(&Arc::new(packets), settings).iter().flat_map(rows_of).collect()
}

fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let of = |name: &str| batch.column_by_name(name);
    let u64s = |name: &str, row: usize| {
        of(name).map_or(0, |column| column.as_primitive::<UInt64Type>().value(row))
    };
    let time = |name: &str, row: usize| {
        let column = of(name).unwrap().as_primitive::<TimestampNanosecondType>();
        column.is_valid(row).then(|| column.value(row))
    };
    let host = |name: &str, row: usize| of(name).unwrap().as_fixed_size_binary().value(row)[15];
    let port = |name: &str, row: usize| {
        let column = of(name).unwrap().as_primitive::<UInt16Type>();
        column.is_valid(row).then(|| column.value(row))
    };
    let row = |row| Row {
        src: host("src_addr", row),
        dst: host("dst_addr", row),
        ports: port("src_port", row).zip(port("dst_port", row)),
        packets: (u64s("packets", row), u64s("packets_rev", row)),
        octets: (u64s("octets", row), u64s("octets_rev", row)),
        times: (time("time_start", row).unwrap(), time("time_end", row).unwrap()),
        reason: of("end_reason").unwrap().as_primitive::<UInt8Type>().value(row),
    };
    (0..batch.num_rows()).map(row).collect()
}

/// How many rows ended for each reason.
pub fn reasons(rows: &[Row]) -> BTreeMap<u8, usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(row.reason).or_default() += 1;
    }
    counts
}
