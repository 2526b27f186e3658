// SPDX-License-Identifier: Apache-2.0
//! Datagrams of sFlow: sampled packets and interface counters.
//!
//! The samples of the pool's flows are written once; of a copy the numbers are written over that
//! differ from sample to sample.

use std::net::{IpAddr, Ipv4Addr};

use penstock_codec::sflow::{
    CounterHead, DatagramWriter, Ethernet, ExtendedGateway, ExtendedRouter, ExtendedSwitch,
    FlowHead, Form, GenericInterface, Header, Interface, SampledHeader, Source, header_protocol,
};

use crate::frame::{self, CHECK_SEQUENCE_OCTETS};
use crate::layout::Now;
use crate::pool::{Flow, INTERFACES};
use crate::truth::Sums;

/// The pool's flows as samples.
#[derive(Debug)]
pub(crate) struct Samples {
    images: Box<[u8]>,
    index: Box<[Image]>,
}

#[derive(Clone, Copy, Debug)]
struct Image {
    end: u32,
    /// Where the packet came in, which is what samples it.
    interface: u32,
    /// Of the IP packet.
    octets: u32,
}

/// What an agent has counted since it started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agent {
    sources: [Counts; INTERFACES as usize],
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    samples: u32,
    pool: u32,
    readings: u32,
}

/// A datagram that is being filled with samples.
pub(crate) struct Datagram<'a> {
    out: &'a mut Vec<u8>,
    begin: usize,
    samples: u32,
    most_octets: usize,
    sums: Sums,
}

impl Samples {
    pub fn new(flows: &[Flow]) -> Self {
        let mut images = Vec::new();
        let index = flows
            .iter()
            .map(|flow| {
                images.extend_from_slice(&sample(flow));
                let end = u32::try_from(images.len()).expect("a pool of samples is below 4 GiB");
                Image { end, interface: flow.src.interface, octets: flow.packet_octets }
            })
            .collect();
        Self { images: images.into(), index }
    }

    fn get(&self, at: usize) -> (&[u8], Image) {
        let at = at % self.index.len();
        let begin = if at == 0 { 0 } else { self.index[at - 1].end };
        let image = self.index[at];
        (&self.images[begin as usize..image.end as usize], image)
    }
}

impl<'a> Datagram<'a> {
    pub fn begin(
        out: &'a mut Vec<u8>,
        agent: Ipv4Addr,
        sequence: u32,
        now: Now,
        most_octets: usize,
    ) -> Self {
        let begin = out.len();
        DatagramWriter::begin(out, &header(agent, sequence, now)).finish();
        Self { out, begin, samples: 0, most_octets, sums: Sums::default() }
    }

    /// Adds the sample of that flow, if there is room.
    pub fn add(&mut self, samples: &Samples, at: usize, agent: &mut Agent, rate: u32) -> bool {
        let (octets, image) = samples.get(at);
        let sample_at = self.out.len();
        if sample_at - self.begin + octets.len() > self.most_octets {
            return false;
        }
        let counts = &mut agent.sources[image.interface as usize - 1];
        counts.samples = counts.samples.wrapping_add(1);
        counts.pool = counts.pool.wrapping_add(rate.max(1));
        self.out.extend_from_slice(octets);
        self.put(sample_at + SEQUENCE_AT, counts.samples);
        self.put(sample_at + RATE_AT, rate);
        self.put(sample_at + POOL_AT, counts.pool);
        self.samples += 1;
        self.sums += Sums { records: 1, octets: image.octets.into(), packets: 1 };
        true
    }

    pub fn finish(mut self) -> Sums {
        self.put(self.begin + SAMPLES_AT, self.samples);
        self.sums
    }

    fn put(&mut self, at: usize, value: u32) {
        self.out[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
}

/// Appends a datagram with the counters of as many interfaces as fit and says how many samples
/// that is: an interface's counters are of its traffic so far, as if it never changed.
pub(crate) fn append_counters(
    out: &mut Vec<u8>,
    agent_address: Ipv4Addr,
    sequence: u32,
    now: Now,
    agent: &mut Agent,
    most_octets: usize,
) -> u32 {
    let mut datagram = DatagramWriter::begin(out, &header(agent_address, sequence, now));
    let seconds = now.ms.saturating_sub(now.boot_ms).unsigned_abs() / 1_000;
    for (index, counts) in (1..).zip(&mut agent.sources) {
        if datagram.octets() + READING_OCTETS > most_octets {
            break;
        }
        counts.readings = counts.readings.wrapping_add(1);
        let head = CounterHead { sequence: counts.readings, source: Source { class: 0, index } };
        datagram.begin_counter_sample(&head, Form::Compact);
        datagram.generic_interface(&generic(index, seconds));
        // The first is a link without collisions or errors; the others say nothing of them.
        if index == 1 {
            datagram.ethernet(&Ethernet::default());
        }
        datagram.end_sample();
    }
    let samples = datagram.samples();
    datagram.finish();
    samples
}

#[expect(clippy::cast_possible_truncation, reason = "counters of 32 bits wrap")]
fn generic(if_index: u32, seconds: u64) -> GenericInterface {
    let packets = seconds * 1_000 * u64::from(if_index);
    GenericInterface {
        if_index,
        // Ethernet, at 10 Gbit/s in both directions, up.
        if_type: 6,
        if_speed: 10_000_000_000,
        if_direction: 1,
        if_status: 3,
        if_in_octets: packets * 800,
        if_in_ucast_pkts: packets as u32,
        if_in_multicast_pkts: (packets / 100) as u32,
        if_in_broadcast_pkts: (packets / 500) as u32,
        if_out_octets: packets * 600,
        if_out_ucast_pkts: (packets / 10 * 9) as u32,
        if_promiscuous_mode: 2,
        ..GenericInterface::default()
    }
}

fn header(agent: Ipv4Addr, sequence: u32, now: Now) -> Header {
    let agent_address = agent.to_ipv6_mapped().octets();
    let uptime_ms = now.uptime_ms();
    Header { agent_address, sub_agent_id: 0, sequence, uptime_ms, num_samples: 0 }
}

/// One flow sample without the datagram around it.
fn sample(flow: &Flow) -> Vec<u8> {
    let mut out = Vec::new();
    let mut datagram = DatagramWriter::begin(&mut out, &Header::default());
    let head_octets = datagram.octets();
    let interface = |index| Interface::index(index);
    let head = FlowHead {
        source: Source { class: 0, index: flow.src.interface },
        input: interface(flow.src.interface),
        output: interface(flow.dst.interface),
        ..FlowHead::default()
    };
    datagram.begin_flow_sample(&head, Form::Compact);
    datagram.sampled_header(&SampledHeader {
        protocol: header_protocol::ETHERNET,
        frame_length: frame::octets(flow),
        stripped: CHECK_SEQUENCE_OCTETS,
        header: &frame::first_octets(flow, SAMPLED_OCTETS),
    });
    let vlan = u32::from(flow.vlan);
    datagram.extended_switch(&ExtendedSwitch {
        src_vlan: vlan,
        dst_vlan: vlan,
        ..ExtendedSwitch::default()
    });
    let nexthop = Some(match flow.next_hop {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    });
    datagram.extended_router(&ExtendedRouter {
        nexthop,
        src_mask: flow.src.prefix_length.into(),
        dst_mask: flow.dst.prefix_length.into(),
    });
    let route = ExtendedGateway {
        nexthop,
        own_as: OWN_AS,
        src_as: flow.src.asn,
        src_peer_as: PEER_AS,
        localpref: 100,
        ..ExtendedGateway::default()
    };
    datagram.extended_gateway(&route, &[PEER_AS, flow.dst.asn], &[OWN_AS << 16 | 1]);
    datagram.end_sample();
    datagram.finish();
    out.split_off(head_octets)
}

/// Octets of a packet that are sampled, as most devices do by default.
const SAMPLED_OCTETS: usize = 128;

/// A counter sample with both records.
const READING_OCTETS: usize = 8 + 12 + 8 + 88 + 8 + 52;

/// Where numbers stand in a flow sample in its compact form, behind its format and length.
const SEQUENCE_AT: usize = 8;
const RATE_AT: usize = 16;
const POOL_AT: usize = 20;
/// Where their number stands in a datagram of an IPv4 agent.
const SAMPLES_AT: usize = 24;

/// For documentation (RFC 5398).
const OWN_AS: u32 = 64_511;
const PEER_AS: u32 = 64_510;
