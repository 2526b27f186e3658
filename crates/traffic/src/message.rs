// SPDX-License-Identifier: Apache-2.0
//! Messages of `NetFlow` and IPFIX: the header, records of one or two layouts.
//!
//! What sequence number comes next, and when templates do, is the exporter's to know.

use std::ops::Range;

use penstock_codec::netflow::{v5, v9};
use penstock_codec::{Unwritable, ipfix};

use crate::layout::{Layout, Now};
use crate::pool::Sizes;
use crate::random::Random;
use crate::settings::Protocol;
use crate::truth::Sums;

/// What the header of a message says beside its records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub protocol: Protocol,
    pub now: Now,
    pub sequence: u32,
    pub domain: u32,
    /// Version 5 says its sampling rate here.
    pub sampling: u32,
}

/// So many records of one layout, of the pool's flows from `from` on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub layout: &'a Layout,
    pub from: usize,
    pub count: usize,
}

/// A message of data records as it was appended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    pub sums: Sums,
    /// Where the records of each part stand, counted from the message's beginning.
    pub records: [Range<usize>; 2],
}

/// Writes a message of sets, of either protocol that has them.
pub(crate) enum Writer<'a> {
    NetFlow9(v9::PacketWriter<'a>),
    Ipfix(ipfix::MessageWriter<'a>),
}

impl<'a> Writer<'a> {
    pub fn begin(out: &'a mut Vec<u8>, head: &Head) -> Self {
        let (unix_s, domain) = (head.now.unix_s(), head.domain);
        if head.protocol == Protocol::Ipfix {
            let message = ipfix::MessageWriter::begin(out, unix_s, head.sequence, domain);
            return Self::Ipfix(message);
        }
        let header = v9::Header {
            count: 0,
            uptime_ms: head.now.uptime_ms(),
            unix_s,
            sequence: head.sequence,
            source_id: domain,
        };
        Self::NetFlow9(v9::PacketWriter::begin(out, &header))
    }

    pub fn begin_set(&mut self, id: u16) {
        match self {
            Self::NetFlow9(packet) => packet.begin_set(id),
            Self::Ipfix(message) => message.begin_set(id),
        }
    }

    pub const fn octets(&mut self) -> &mut Vec<u8> {
        match self {
            Self::NetFlow9(packet) => packet.octets(),
            Self::Ipfix(message) => message.octets(),
        }
    }

    pub const fn len(&self) -> usize {
        match self {
            Self::NetFlow9(packet) => packet.len(),
            Self::Ipfix(message) => message.len(),
        }
    }

    pub fn end_set(&mut self, record_octets: usize) {
        match self {
            Self::NetFlow9(packet) => packet.end_set_padded(record_octets),
            Self::Ipfix(message) => message.end_set_padded(record_octets),
        }
    }

    /// With so many records, templates included.
    pub fn finish(self, count: u64) -> Result<usize, Unwritable> {
        match self {
            Self::NetFlow9(packet) => packet.finish(u16::try_from(count).unwrap_or(u16::MAX)),
            Self::Ipfix(message) => message.finish(),
        }
    }
}

/// Octets of a message that are neither records nor the header of a set.
pub(crate) const fn header_octets(protocol: Protocol) -> usize {
    match protocol {
        Protocol::NetFlow5 => v5::HEADER_OCTETS,
        Protocol::NetFlow9 => v9::HEADER_OCTETS,
        _ => ipfix::HEADER_OCTETS,
    }
}

/// Octets of a set that are not records: its header, and padding at most.
pub(crate) const fn set_octets(protocol: Protocol) -> usize {
    match protocol {
        Protocol::NetFlow5 => 0,
        _ => 4 + 3,
    }
}

/// Records of a message beyond which no exporter goes, whatever fits.
pub(crate) const fn most_records(protocol: Protocol) -> usize {
    match protocol {
        Protocol::NetFlow5 => v5::MOST_RECORDS as usize,
        _ => usize::MAX,
    }
}

/// Appends a message of data records. Version 5 has the first part only.
///
/// # Panics
///
/// If the message is longer than any can be: settings rule that out.
pub(crate) fn append_data(
    out: &mut Vec<u8>,
    head: &Head,
    parts: [Part<'_>; 2],
    sizes: &Sizes,
    random: &mut Random,
) -> Written {
    let mut written = Written::default();
    if head.protocol == Protocol::NetFlow5 {
        let Part { layout, from, count } = parts[0];
        v5::write_header(out, &header_v5(head, count as u64));
        written.sums = layout.append(out, from, count, head.now, sizes, random);
        written.records[0] = v5::HEADER_OCTETS..v5::HEADER_OCTETS + count * v5::RECORD_OCTETS;
        return written;
    }
    let mut message = Writer::begin(out, head);
    for (Part { layout, from, count }, place) in parts.into_iter().zip(&mut written.records) {
        if count > 0 {
            message.begin_set(layout.template.id);
            let begin = message.len();
            written.sums += layout.append(message.octets(), from, count, head.now, sizes, random);
            *place = begin..message.len();
            message.end_set(layout.record_octets);
        }
    }
    message.finish(written.sums.records).expect(FITS);
    written
}

/// Overwrites the header of a message that was made at another time or by another exporter.
pub(crate) fn replace_header(message: &mut [u8], head: &Head, records: u64) {
    let mut put = |at: usize, value: u32| message[at..at + 4].copy_from_slice(&value.to_be_bytes());
    match head.protocol {
        Protocol::NetFlow9 => {
            put(4, head.now.uptime_ms());
            put(8, head.now.unix_s());
            put(12, head.sequence);
            put(16, head.domain);
        }
        Protocol::Ipfix => {
            put(4, head.now.unix_s());
            put(8, head.sequence);
            put(12, head.domain);
        }
        _ => {
            let mut header = Vec::with_capacity(v5::HEADER_OCTETS);
            v5::write_header(&mut header, &header_v5(head, records));
            message[..v5::HEADER_OCTETS].copy_from_slice(&header);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "30 records, and domains of 16 bits")]
fn header_v5(head: &Head, records: u64) -> v5::Header {
    let [_, _, engine_type, engine_id] = head.domain.to_be_bytes();
    // Mode 1 is one packet in every so many; the interval has 14 bits.
    let sampling = match head.sampling {
        0 | 1 => 0,
        rate => 1 << 14 | rate.min(0x3fff) as u16,
    };
    v5::Header {
        count: records as u16,
        uptime_ms: head.now.uptime_ms(),
        unix_s: head.now.unix_s(),
        unix_ns: head.now.unix_ns(),
        sequence: head.sequence,
        engine_type,
        engine_id,
        sampling,
    }
}

pub(crate) const FITS: &str = "messages are no longer than a datagram";
