// SPDX-License-Identifier: Apache-2.0
//! Writes datagrams: samples one after another, each with its records.

use super::counter::{ETHERNET, GENERIC_INTERFACE};
use super::flow::{
    EXTENDED_GATEWAY, EXTENDED_ROUTER, EXTENDED_SWITCH, SAMPLED_ETHERNET, SAMPLED_HEADER,
};
use super::sample::{COUNTERS, DISCARDED, EXPANDED_COUNTERS, EXPANDED_FLOW, FLOW, data_format};
use super::xdr::{put_count, put_u32};
use super::{
    CounterHead, DiscardedHead, Ethernet, ExtendedGateway, ExtendedMpls, ExtendedNat,
    ExtendedRouter, ExtendedSwitch, FlowHead, GenericInterface, Header, SampledEthernet,
    SampledHeader, SampledIp, gateway,
};

/// Which of the two forms of a sample is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Form {
    /// The compact one, unless an index is too large for it.
    #[default]
    Compact,
    /// The expanded one.
    Expanded,
}

/// Writes one datagram behind whatever is in a buffer.
///
/// A sample is begun, gets its records and is ended; the lengths and counts before it are filled in then. A record
/// that is written outside a sample is lost with the caller's mistake: nothing counts it.
#[derive(Debug)]
pub struct DatagramWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    /// Where the number of samples stands.
    count_at: usize,
    samples: u32,
    /// Where the length of the sample under way stands, and the number of its records.
    length_at: usize,
    records_at: usize,
    records: u32,
}

impl<'a> DatagramWriter<'a> {
    /// Begins a datagram. `num_samples` of the header is not heeded: samples are counted.
    pub fn begin(out: &'a mut Vec<u8>, header: &Header) -> Self {
        let start = out.len();
        header.write(out);
        let count_at = out.len() - 4;
        Self { out, start, count_at, samples: 0, length_at: 0, records_at: 0, records: 0 }
    }

    /// Octets of the datagram so far.
    pub fn octets(&self) -> usize {
        self.out.len() - self.start
    }

    /// How many samples were ended.
    pub const fn samples(&self) -> u32 {
        self.samples
    }

    /// Begins a sampled packet.
    pub fn begin_flow_sample(&mut self, head: &FlowHead, form: Form) {
        let compact =
            head.source.is_compact() && head.input.is_compact() && head.output.is_compact();
        let expanded = form == Form::Expanded || !compact;
        self.begin_sample(if expanded { EXPANDED_FLOW } else { FLOW });
        head.write(self.out, expanded);
        self.begin_records();
    }

    /// Begins the counters of a source.
    pub fn begin_counter_sample(&mut self, head: &CounterHead, form: Form) {
        let expanded = form == Form::Expanded || !head.source.is_compact();
        self.begin_sample(if expanded { EXPANDED_COUNTERS } else { COUNTERS });
        head.write(self.out, expanded);
        self.begin_records();
    }

    /// Begins the report of a dropped packet.
    pub fn begin_discarded_packet(&mut self, head: &DiscardedHead) {
        self.begin_sample(DISCARDED);
        head.write(self.out);
        self.begin_records();
    }

    /// Ends the sample under way.
    pub fn end_sample(&mut self) {
        self.put_length(self.length_at);
        self.put_at(self.records_at, self.records);
        self.samples += 1;
    }

    /// Takes back everything from octet `octets` of the datagram on, which is where a sample that did not fit began.
    pub fn take_back(&mut self, octets: usize) {
        self.out.truncate(self.start + octets);
    }

    /// Ends the datagram; answers its octets.
    pub fn finish(self) -> usize {
        let Self { count_at, samples, .. } = self;
        let mut writer = self;
        writer.put_at(count_at, samples);
        writer.octets()
    }

    /// A record of any format.
    pub fn record(&mut self, enterprise: u32, format: u32, write: impl FnOnce(&mut Vec<u8>)) {
        put_u32(self.out, data_format(enterprise, format));
        let length_at = self.out.len();
        put_u32(self.out, 0);
        write(self.out);
        self.put_length(length_at);
        self.records += 1;
    }

    /// The packet's first octets.
    pub fn sampled_header(&mut self, header: &SampledHeader<'_>) {
        self.record(0, SAMPLED_HEADER, |out| header.write(out));
    }

    /// The packet's Ethernet header in fields.
    pub fn sampled_ethernet(&mut self, ethernet: &SampledEthernet) {
        self.record(0, SAMPLED_ETHERNET, |out| ethernet.write(out));
    }

    /// The packet's IP header in fields.
    pub fn sampled_ip(&mut self, ip: &SampledIp) {
        self.record(0, ip.format(), |out| ip.write(out));
    }

    /// VLANs that it was bridged between.
    pub fn extended_switch(&mut self, switch: &ExtendedSwitch) {
        self.record(0, EXTENDED_SWITCH, |out| switch.write(out));
    }

    /// The route that it took.
    pub fn extended_router(&mut self, router: &ExtendedRouter) {
        self.record(0, EXTENDED_ROUTER, |out| router.write(out));
    }

    /// What BGP says of that route. The path is one sequence of `path`; that of `route` is not heeded, nor are its
    /// communities.
    pub fn extended_gateway(
        &mut self,
        route: &ExtendedGateway<'_>,
        path: &[u32],
        communities: &[u32],
    ) {
        self.record(0, EXTENDED_GATEWAY, |out| gateway::write(out, route, path, communities));
    }

    /// Label stacks.
    pub fn extended_mpls(&mut self, mpls: &ExtendedMpls<'_>) {
        self.record(0, 1006, |out| mpls.write(out));
    }

    /// Addresses after translation.
    pub fn extended_nat(&mut self, nat: &ExtendedNat) {
        self.record(0, 1007, |out| nat.write(out));
    }

    /// What every interface counts.
    pub fn generic_interface(&mut self, counters: &GenericInterface) {
        self.record(0, GENERIC_INTERFACE, |out| counters.write(out));
    }

    /// What an Ethernet interface counts besides.
    pub fn ethernet(&mut self, counters: &Ethernet) {
        self.record(0, ETHERNET, |out| counters.write(out));
    }

    fn begin_sample(&mut self, format: u32) {
        put_u32(self.out, data_format(0, format));
        self.length_at = self.out.len();
        put_u32(self.out, 0);
    }

    fn begin_records(&mut self) {
        self.records_at = self.out.len();
        self.records = 0;
        put_u32(self.out, 0);
    }

    /// Says at `at` how many octets follow it.
    fn put_length(&mut self, at: usize) {
        let octets = self.out.len().saturating_sub(at + 4);
        let mut length = Vec::with_capacity(4);
        put_count(&mut length, octets);
        self.put(at, &length);
    }

    fn put_at(&mut self, at: usize, value: u32) {
        self.put(at, &value.to_be_bytes());
    }

    fn put(&mut self, at: usize, octets: &[u8]) {
        if let Some(place) = self.out.get_mut(at..at + octets.len()) {
            place.copy_from_slice(octets);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::xdr::mapped;
    use super::super::{
        CounterRecord, Datagram, FlowRecord, Interface, Record, Records, Sample, Source,
    };
    use super::*;

    /// One flow sample with the first octets of a packet and its VLANs.
    pub(in super::super) fn worked_example() -> Vec<u8> {
        let digits = "00000005 00000001 c000020a 00000000 00000007 0001e240 00000001 \
             00000001 00000088 \
             0000000c 00000003 00000200 0000f000 00000000 00000003 00000004 00000002 \
             00000001 00000048 00000001 0000004e 00000004 00000036 \
             000c29b1 c2d3001b 21aabbcc 08004500 003c1c46 40004006 b1e6ac10 0a63ac10 0a0c \
             d4310050 a1b2c3d4 00000000 5002faf0 00000000 0000 \
             000003e9 00000010 0000000a 00000000 00000014 00000000";
        let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn header() -> Header {
        let agent_address = mapped([192, 0, 2, 10]);
        Header { agent_address, sequence: 7, uptime_ms: 123_456, ..Header::default() }
    }

    fn head() -> FlowHead {
        FlowHead {
            sequence: 12,
            source: Source { class: 0, index: 3 },
            sampling_rate: 512,
            sample_pool: 61440,
            drops: 0,
            input: Interface::index(3),
            output: Interface::index(4),
        }
    }

    fn frame() -> Vec<u8> {
        worked_example()[92..146].to_vec()
    }

    #[test]
    fn the_worked_example_is_written_to_the_octet() {
        let mut out = vec![0xaa; 3];
        let mut writer = DatagramWriter::begin(&mut out, &header());
        writer.begin_flow_sample(&head(), Form::Compact);
        let frame = frame();
        writer.sampled_header(&SampledHeader {
            protocol: 1,
            frame_length: 78,
            stripped: 4,
            header: &frame,
        });
        let switch = ExtendedSwitch { src_vlan: 10, dst_vlan: 20, ..ExtendedSwitch::default() };
        writer.extended_switch(&switch);
        writer.end_sample();
        assert_eq!(writer.finish(), 172);
        assert_eq!(out[3..], worked_example());
    }

    #[test]
    fn the_worked_example_is_read_to_its_last_field() {
        let octets = worked_example();
        let mut samples = Datagram::read(&octets).unwrap().samples();
        let Some(Ok(Sample::Flow(sample))) = samples.next() else { panic!("a flow sample") };
        assert_eq!(sample.head, head());
        let records: Vec<FlowRecord<'_>> =
            sample.records.map(|record| FlowRecord::read(record.unwrap()).unwrap()).collect();
        let frame = frame();
        let header = SampledHeader { protocol: 1, frame_length: 78, stripped: 4, header: &frame };
        let switch = ExtendedSwitch { src_vlan: 10, dst_vlan: 20, ..ExtendedSwitch::default() };
        assert_eq!(
            records,
            [FlowRecord::SampledHeader(header), FlowRecord::ExtendedSwitch(switch)]
        );
        assert!(samples.next().is_none());
    }

    #[test]
    fn what_is_too_large_for_the_compact_form_is_written_expanded() {
        let large = Interface::index(0x4000_0000);
        for output in [large, Interface { format: Interface::DISCARDED, value: 258 }] {
            let head = FlowHead { output, ..head() };
            let mut out = Vec::new();
            let mut writer = DatagramWriter::begin(&mut out, &header());
            writer.begin_flow_sample(&head, Form::Compact);
            writer.end_sample();
            writer.begin_flow_sample(&head, Form::Expanded);
            writer.end_sample();
            writer.finish();
            assert_eq!(out[31], if output == large { 3 } else { 1 });
            for sample in Datagram::read(&out).unwrap().samples() {
                let Ok(Sample::Flow(sample)) = sample else { panic!("{sample:?}") };
                assert_eq!(sample.head, head);
            }
        }
    }

    #[test]
    fn counters_and_drops_come_back_and_other_records_as_their_octets() {
        let mut out = Vec::new();
        let mut writer = DatagramWriter::begin(&mut out, &header());
        let source = Source { class: 2, index: 1 };
        let counters = CounterHead { sequence: 5, source };
        let (generic, ethernet) =
            (GenericInterface { if_index: 9, ..Default::default() }, Ethernet::default());
        writer.begin_counter_sample(&counters, Form::Compact);
        writer.generic_interface(&generic);
        writer.ethernet(&ethernet);
        writer.record(5703, 1, |out| out.extend_from_slice(&[8; 48]));
        writer.end_sample();
        let dropped =
            DiscardedHead { sequence: 6, source, drops: 1, input: 2, output: 0, reason: 257 };
        writer.begin_discarded_packet(&dropped);
        writer.end_sample();
        writer.finish();

        let mut samples = Datagram::read(&out).unwrap().samples();
        let Some(Ok(Sample::Counters(sample))) = samples.next() else { panic!("counters") };
        assert_eq!(sample.head, counters);
        let read = |records: Records<'_>| -> Vec<String> {
            records.map(|one| format!("{:?}", CounterRecord::read(one.unwrap()).unwrap())).collect()
        };
        let nvml = Record { enterprise: 5703, format: 1, octets: &[8; 48] };
        let expected = [
            CounterRecord::GenericInterface(generic),
            CounterRecord::Ethernet(ethernet),
            CounterRecord::Unknown(nvml),
        ];
        assert_eq!(read(sample.records), expected.map(|record| format!("{record:?}")));
        let Some(Ok(Sample::Discarded(sample))) = samples.next() else { panic!("a drop") };
        assert_eq!((sample.head, sample.records.count()), (dropped, 0));
    }

    #[test]
    fn a_sample_that_does_not_fit_is_taken_back() {
        let mut out = Vec::new();
        let mut writer = DatagramWriter::begin(&mut out, &header());
        let before = writer.octets();
        writer.begin_flow_sample(&head(), Form::Compact);
        writer.take_back(before);
        assert_eq!((writer.finish(), out.len()), (28, 28));
        assert_eq!(Datagram::read(&out).unwrap().samples().count(), 0);
    }
}
