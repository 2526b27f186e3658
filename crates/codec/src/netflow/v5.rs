// SPDX-License-Identifier: Apache-2.0
//! `NetFlow` version 5, whose records are always the same.
//!
//! ```text
//!   0         2       4        8         12       16         20       21       22         24 ..
//! +---------+-------+--------+---------+--------+----------+--------+--------+----------+-- .. --+
//! | Version | Count | Uptime | Unix    | Unix   | Sequence | Engine | Engine | Sampling | Records|
//! |         |       | ms     | seconds | ns     |          | type   | id     | 2 14 bits|        |
//! +---------+-------+--------+---------+--------+----------+--------+--------+----------+-- .. --+
//!      5
//! ```
//!
//! The source of the layout is Cisco's *`NetFlow` Services and Applications*; no standard has it.
//! [`template`] says it in the terms of the protocols with templates, so that one decoder is
//! enough. Here too: records both ways. Not here: how uptimes become times of day.

use std::sync::LazyLock;

use crate::{Field, Malformed, Template};

/// What a packet begins with.
pub const VERSION: u16 = 5;
/// Octets before the first record.
pub const HEADER_OCTETS: usize = 24;
/// Octets of a record.
pub const RECORD_OCTETS: usize = 48;
/// Records that an exporter puts into a packet at most, by convention.
pub const MOST_RECORDS: u16 = 30;

/// The fields before the records, without the version.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Header {
    /// Records in this packet.
    pub count: u16,
    /// Milliseconds since the exporter started, modulo 2^32, when the packet left.
    pub uptime_ms: u32,
    /// Seconds since 1970 when the packet left.
    pub unix_s: u32,
    /// Nanoseconds beyond them. Above 999,999,999 they mean nothing.
    pub unix_ns: u32,
    /// Records that this engine sent in earlier packets, modulo 2^32.
    pub sequence: u32,
    /// Kind of the engine that saw the flows; 0 is the route processor.
    pub engine_type: u8,
    /// Slot of the engine.
    pub engine_id: u8,
    /// How packets were sampled: mode in 2 bits, interval in 14.
    pub sampling: u16,
}

impl Header {
    /// How packets were chosen: 1 every so many, 2 at random, 0 not said.
    pub const fn sampling_mode(&self) -> u8 {
        self.sampling.to_be_bytes()[0] >> 6
    }

    /// Of how many packets one was metered; 0 and 1 mean all of them.
    pub const fn sampling_interval(&self) -> u16 {
        self.sampling & ((1 << 14) - 1)
    }

    fn of(octets: &[u8; HEADER_OCTETS]) -> Self {
        let &[_, _, c0, c1, rest @ ..] = octets;
        let [u0, u1, u2, u3, t0, t1, t2, t3, n0, n1, n2, n3, rest @ ..] = rest;
        let [s0, s1, s2, s3, engine_type, engine_id, sampling @ ..] = rest;
        Self {
            count: u16::from_be_bytes([c0, c1]),
            uptime_ms: u32::from_be_bytes([u0, u1, u2, u3]),
            unix_s: u32::from_be_bytes([t0, t1, t2, t3]),
            unix_ns: u32::from_be_bytes([n0, n1, n2, n3]),
            sequence: u32::from_be_bytes([s0, s1, s2, s3]),
            engine_type,
            engine_id,
            sampling: u16::from_be_bytes(sampling),
        }
    }
}

/// A packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet<'a> {
    /// The fields before the records.
    pub header: Header,
    /// The records that came whole, [`RECORD_OCTETS`] each.
    pub records: &'a [u8],
    /// Records that the header announces and that did not come, or not whole.
    pub missing: u16,
    /// What follows the last record. Some exporters put several packets into a datagram. It is
    /// empty if records are missing.
    pub rest: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads the packet that the octets begin with. One with fewer records than announced is no
    /// error, see [`Self::missing`].
    pub fn read(octets: &'a [u8]) -> Result<Self, Malformed> {
        let (&version, _) = octets.split_first_chunk().ok_or(Malformed::HeaderCut)?;
        if u16::from_be_bytes(version) != VERSION {
            return Err(Malformed::Version);
        }
        let (header, body) = octets.split_first_chunk().ok_or(Malformed::HeaderCut)?;
        let header = Header::of(header);
        let announced = usize::from(header.count) * RECORD_OCTETS;
        if let Some((records, rest)) = body.split_at_checked(announced) {
            return Ok(Self { header, records, missing: 0, rest });
        }
        let (whole, _) = body.as_chunks::<RECORD_OCTETS>();
        let missing = usize::from(header.count).saturating_sub(whole.len());
        let missing = u16::try_from(missing).unwrap_or(header.count);
        Ok(Self { header, records: whole.as_flattened(), missing, rest: &[] })
    }
}

/// The layout of a record, in IANA's elements. Its number is on no wire.
///
/// What is unused is paddingOctets. AS numbers may be the origin's or the peer's, which the
/// exporter's configuration knows.
pub fn template() -> &'static Template {
    static TEMPLATE: LazyLock<Template> = LazyLock::new(|| Template {
        id: crate::template::LEAST_ID,
        scopes: 0,
        fields: FIELDS.iter().map(|&(id, length)| Field { pen: 0, id, length }).collect(),
    });
    &TEMPLATE
}

/// One flow, in the fields' own terms. Addresses are the octets of the wire.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Record {
    /// Source address.
    pub src_addr: [u8; 4],
    /// Destination address.
    pub dst_addr: [u8; 4],
    /// The next hop's address.
    pub next_hop: [u8; 4],
    /// Ingress interface, as SNMP numbers it.
    pub input: u16,
    /// Egress interface; 0 if the flow was dropped or for the router itself.
    pub output: u16,
    /// Packets.
    pub packets: u32,
    /// Octets of IP.
    pub octets: u32,
    /// Uptime of the exporter at the first packet, in milliseconds modulo 2^32.
    pub first_ms: u32,
    /// Uptime of the exporter at the last packet, in milliseconds modulo 2^32.
    pub last_ms: u32,
    /// Source port.
    pub src_port: u16,
    /// Destination port; of ICMP, 256 times the type and the code.
    pub dst_port: u16,
    /// TCP flags of all packets.
    pub tcp_flags: u8,
    /// IP protocol.
    pub protocol: u8,
    /// Type of service.
    pub tos: u8,
    /// Autonomous system of the source.
    pub src_as: u16,
    /// Autonomous system of the destination.
    pub dst_as: u16,
    /// Bits of the source's prefix.
    pub src_mask: u8,
    /// Bits of the destination's prefix.
    pub dst_mask: u8,
}

/// Writes the fields before the records.
pub fn write_header(out: &mut Vec<u8>, header: &Header) {
    out.extend_from_slice(&VERSION.to_be_bytes());
    out.extend_from_slice(&header.count.to_be_bytes());
    for field in [header.uptime_ms, header.unix_s, header.unix_ns, header.sequence] {
        out.extend_from_slice(&field.to_be_bytes());
    }
    out.extend_from_slice(&[header.engine_type, header.engine_id]);
    out.extend_from_slice(&header.sampling.to_be_bytes());
}

/// Writes one record.
pub fn write_record(out: &mut Vec<u8>, record: &Record) {
    let r = record;
    for address in [r.src_addr, r.dst_addr, r.next_hop] {
        out.extend_from_slice(&address);
    }
    out.extend_from_slice(&r.input.to_be_bytes());
    out.extend_from_slice(&r.output.to_be_bytes());
    for number in [r.packets, r.octets, r.first_ms, r.last_ms] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(&r.src_port.to_be_bytes());
    out.extend_from_slice(&r.dst_port.to_be_bytes());
    out.extend_from_slice(&[0, r.tcp_flags, r.protocol, r.tos]);
    out.extend_from_slice(&r.src_as.to_be_bytes());
    out.extend_from_slice(&r.dst_as.to_be_bytes());
    out.extend_from_slice(&[r.src_mask, r.dst_mask, 0, 0]);
}

/// Number and octets of each field of a record.
const FIELDS: [(u16, u16); 20] = [
    (8, 4),   // sourceIPv4Address
    (12, 4),  // destinationIPv4Address
    (15, 4),  // ipNextHopIPv4Address
    (10, 2),  // ingressInterface
    (14, 2),  // egressInterface
    (2, 4),   // packetDeltaCount
    (1, 4),   // octetDeltaCount
    (22, 4),  // flowStartSysUpTime
    (21, 4),  // flowEndSysUpTime
    (7, 2),   // sourceTransportPort
    (11, 2),  // destinationTransportPort
    (210, 1), // paddingOctets
    (6, 1),   // tcpControlBits
    (4, 1),   // protocolIdentifier
    (5, 1),   // ipClassOfService
    (16, 2),  // bgpSourceAsNumber
    (17, 2),  // bgpDestinationAsNumber
    (9, 1),   // sourceIPv4PrefixLength
    (13, 1),  // destinationIPv4PrefixLength
    (210, 2), // paddingOctets
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::value::unsigned;

    fn header() -> Header {
        Header {
            count: 1,
            uptime_ms: 27_361_640,
            unix_s: 1_469_109_117,
            unix_ns: 514_932_000,
            sequence: 8_140_050,
            ..Header::default()
        }
    }

    fn record() -> Record {
        Record {
            src_addr: [10, 0, 13, 1],
            dst_addr: [192, 168, 0, 98],
            next_hop: [192, 168, 0, 98],
            input: 13,
            output: 50,
            packets: 2,
            octets: 104,
            first_ms: 27_346_270,
            last_ms: 27_346_270,
            src_port: 5228,
            dst_port: 52734,
            tcp_flags: 0x10,
            protocol: 6,
            ..Record::default()
        }
    }

    #[test]
    fn the_example_is_read() {
        let octets = samples::netflow5();
        let packet = Packet::read(&octets).unwrap();
        assert_eq!((packet.header, packet.missing, packet.rest), (header(), 0, &[][..]));
        let record = crate::records(template(), packet.records).next().unwrap().unwrap();
        let values: Vec<_> =
            record.values().map(|(field, value)| (field.id, unsigned(value))).collect();
        let of = |id| values.iter().find(|(known, _)| *known == id).unwrap().1;
        assert_eq!((of(8), of(12), of(15)), (0x0a00_0d01, 0xc0a8_0062, 0xc0a8_0062));
        assert_eq!((of(10), of(14), of(2), of(1)), (13, 50, 2, 104));
        assert_eq!((of(22), of(21)), (27_346_270, 27_346_270));
        assert_eq!((of(7), of(11), of(6), of(4), of(5)), (5228, 52734, 0x10, 6, 0));
    }

    #[test]
    fn the_example_is_written() {
        let mut out = vec![];
        write_header(&mut out, &header());
        write_record(&mut out, &record());
        assert_eq!(out, samples::netflow5());
    }

    #[test]
    fn every_field_is_where_the_template_says() {
        let record = Record {
            tos: 0xb8,
            src_as: 65_000,
            dst_as: 65_001,
            src_mask: 24,
            dst_mask: 16,
            ..record()
        };
        let mut octets = vec![];
        write_record(&mut octets, &record);
        let read = crate::records(template(), &octets).next().unwrap().unwrap();
        let values: Vec<_> =
            read.values().map(|(field, value)| (field.id, unsigned(value))).collect();
        for expected in [(5, 0xb8), (16, 65_000), (17, 65_001), (9, 24), (13, 16), (210, 0)] {
            assert!(values.contains(&expected), "{expected:?}");
        }
        assert_eq!(template().fixed_octets(), Some(RECORD_OCTETS));
    }

    #[test]
    fn records_that_did_not_come_are_told() {
        let octets = samples::netflow5_one_of_30();
        let packet = Packet::read(&octets).unwrap();
        assert_eq!((packet.records.len(), packet.missing), (RECORD_OCTETS, 29));
        let packet = Packet::read(&octets[..octets.len() - 1]).unwrap();
        assert_eq!((packet.records.len(), packet.missing, packet.rest), (0, 30, &[][..]));
    }

    #[test]
    fn packets_may_follow_each_other_in_a_datagram() {
        let two = samples::netflow5().repeat(2);
        let packet = Packet::read(&two).unwrap();
        assert_eq!(packet.rest, samples::netflow5());
    }

    #[test]
    fn sampling_is_a_mode_and_an_interval() {
        let header = Header { sampling: 0x4064, ..header() };
        assert_eq!((header.sampling_mode(), header.sampling_interval()), (1, 100));
        let header = Header { sampling: 0xffff, ..header };
        assert_eq!((header.sampling_mode(), header.sampling_interval()), (3, 16_383));
    }

    #[test]
    fn headers_that_cannot_be_are_refused() {
        let whole = samples::netflow5();
        for octets in 0..HEADER_OCTETS {
            assert_eq!(Packet::read(&whole[..octets]), Err(Malformed::HeaderCut));
        }
        assert_eq!(Packet::read(&[0, 9]), Err(Malformed::Version));
    }
}
