// SPDX-License-Identifier: Apache-2.0
//! Fragments find the ports of their first.
//!
//! The one stage before the table that remembers something, so it sees the packets in
//! their order. A later fragment whose first is known goes on with its ports. One whose
//! first is not known waits for it, bounded in number and packet time, and then goes on
//! without ports, which is counted. Nothing is reassembled here.
//!
//! If the first fragment held a tunnelled packet, that inner packet is what is metered,
//! and the later fragments of the outer datagram add nothing to it: they are counted.

use std::collections::{HashMap, VecDeque};
use std::mem;

use penstock_wire::{Datagram, Ends, Fragment, Has, Packet, Tunnel};

use crate::layout::KeyLayout;
use crate::ledger::FragmentCounts;
use crate::parse::{Described, Descriptions, Rare};
use crate::slab::NOWHERE;
use crate::stream::Chunk;

/// Most datagrams that are remembered.
const MAX_DATAGRAMS: usize = 8_192;
/// Most fragments that wait for their first, of all datagrams together.
const MAX_WAITING: usize = 4_096;

/// What is remembered of fragmented datagrams.
pub(crate) struct Fragments {
    layout: KeyLayout,
    timeout_ns: i64,
    datagrams: HashMap<Identity, Memory>,
    /// In the order in which they were first seen, with their serial numbers.
    by_age: VecDeque<(i64, u64, Identity)>,
    serial: u64,
    waiting: usize,
    /// What goes on, while it is gathered.
    out: Descriptions,
    pub counts: FragmentCounts,
}

/// A datagram, and the tunnel that it came in: the same numbers in two tunnels mean two.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
struct Identity {
    datagram: Datagram,
    tunnel: Option<Tunnel>,
}

struct Memory {
    serial: u64,
    since_ns: i64,
    first: First,
    waiting: Vec<(Described, Option<Box<Rare>>)>,
    /// Octets of payload seen, and in all once the last fragment has told.
    octets: u32,
    total: Option<u32>,
}

/// What is known of a datagram's first fragment.
#[derive(Clone, Copy)]
enum First {
    Unseen,
    /// It had this transport header, or none that could be read.
    Seen(Transport),
    /// It held a packet of its own.
    Tunnel,
}

#[derive(Clone, Copy)]
struct Transport {
    ends: Ends,
    protocol: u8,
    src_port: u16,
    dst_port: u16,
    icmp: (u8, u8, u16),
}

impl Fragments {
    pub fn new(layout: KeyLayout, timeout_ns: i64) -> Self {
        Self {
            layout,
            timeout_ns,
            datagrams: HashMap::new(),
            by_age: VecDeque::new(),
            serial: 0,
            waiting: 0,
            out: Descriptions::default(),
            counts: FragmentCounts::default(),
        }
    }

    /// Takes out fragments that have to wait, completes those that need not, and puts in
    /// those whose first has come. The packets are of the chunk's frames from `first` on;
    /// `clock_ns` is the greatest time before that frame.
    pub fn pass(
        &mut self,
        packets: &mut Descriptions,
        chunk: &impl Chunk,
        first: usize,
        mut clock_ns: i64,
    ) {
        if !packets.fragments {
            return;
        }
        self.out.clear();
        let mut seen = first;
        for described in packets.packets() {
            // Every frame moves the clock, also one that is no packet of a flow: how many frames
            // come here together must not matter.
            let through = described.frame as usize + 1;
            clock_ns = (seen..through).map(|frame| chunk.frame(frame).1).fold(clock_ns, i64::max);
            seen = seen.max(through);
            self.pass_one(*described, packets.rare(described), clock_ns);
        }
        mem::swap(packets, &mut self.out);
    }

    /// Lets go of what has waited too long: it replaces `out`, without ports.
    pub fn tick(&mut self, clock_ns: i64, out: &mut Descriptions) {
        self.out.clear();
        while let Some((since_ns, ..)) = self.by_age.front()
            && clock_ns.saturating_sub(*since_ns) >= self.timeout_ns
        {
            self.forget_oldest();
        }
        mem::swap(out, &mut self.out);
    }

    /// Lets go of everything, likewise.
    pub fn flush(&mut self, out: &mut Descriptions) {
        self.out.clear();
        while !self.by_age.is_empty() {
            self.forget_oldest();
        }
        mem::swap(out, &mut self.out);
    }

    fn pass_one(&mut self, described: Described, rare: Option<&Rare>, clock_ns: i64) {
        let packet = &described.packet;
        if packet.has.contains(Has::OUTER_FRAGMENT)
            && let Some(rare) = rare
        {
            let identity = Identity { datagram: rare.extra.outer_fragment, tunnel: None };
            self.learn(identity, First::Tunnel, clock_ns);
        }
        match packet.fragment {
            Fragment::Whole => self.out.push(described, rare),
            Fragment::First => {
                let identity = identity_of(packet, rare);
                let transport = Transport {
                    ends: packet.ends,
                    protocol: packet.protocol,
                    src_port: packet.src_port,
                    dst_port: packet.dst_port,
                    icmp: (packet.icmp_type, packet.icmp_code, packet.icmp_id),
                };
                self.out.push(described, rare);
                self.learn(identity, First::Seen(transport), clock_ns);
                self.note_octets(identity, packet);
            }
            Fragment::Later => self.later(described, rare, clock_ns),
        }
    }

    fn later(&mut self, mut described: Described, rare: Option<&Rare>, clock_ns: i64) {
        let identity = identity_of(&described.packet, rare);
        let first = self.memory(identity, clock_ns).first;
        match first {
            First::Tunnel => self.counts.of_tunnels += 1,
            First::Seen(transport) => {
                adopt(&self.layout, &mut described, rare, transport, &mut self.out);
            }
            First::Unseen if self.waiting < MAX_WAITING => {
                self.waiting += 1;
                described.frame = NOWHERE;
                let rare = rare.map(|rare| Box::new(*rare));
                self.memory(identity, clock_ns).waiting.push((described, rare));
            }
            First::Unseen => {
                self.counts.no_room += 1;
                self.counts.without_first += 1;
                self.out.push(described, rare);
            }
        }
        self.note_octets(identity, &described.packet);
    }

    /// Takes note of a first fragment, and lets go on what waited for it.
    fn learn(&mut self, identity: Identity, first: First, clock_ns: i64) {
        let memory = self.memory(identity, clock_ns);
        memory.first = first;
        let waiting = mem::take(&mut memory.waiting);
        self.waiting -= waiting.len();
        for (mut described, rare) in waiting {
            match first {
                First::Seen(transport) => {
                    let rare = rare.as_deref();
                    adopt(&self.layout, &mut described, rare, transport, &mut self.out);
                }
                First::Tunnel | First::Unseen => self.counts.of_tunnels += 1,
            }
        }
    }

    /// Forgets a datagram once all its octets have been seen, so that its number may be
    /// used again.
    fn note_octets(&mut self, identity: Identity, packet: &Packet) {
        let Some(memory) = self.datagrams.get_mut(&identity) else { return };
        // Short of the truth where more headers lie between, and then it is time that forgets.
        let header = packet.payload_at.saturating_sub(packet.transport_at);
        let length = packet.payload_octets.saturating_add(header);
        memory.octets = memory.octets.saturating_add(length);
        if packet.ip_flags & MORE_FRAGMENTS == 0 {
            memory.total = Some(u32::from(packet.fragment_offset) * 8 + length);
        }
        let complete = memory.total.is_some_and(|total| memory.octets >= total);
        if complete && memory.waiting.is_empty() && !matches!(memory.first, First::Unseen) {
            self.datagrams.remove(&identity);
        }
    }

    fn memory(&mut self, identity: Identity, clock_ns: i64) -> &mut Memory {
        let old = self
            .datagrams
            .get(&identity)
            .is_some_and(|memory| clock_ns.saturating_sub(memory.since_ns) >= self.timeout_ns);
        if old {
            self.forget(identity);
        }
        if !self.datagrams.contains_key(&identity) {
            while self.by_age.len() >= MAX_DATAGRAMS {
                self.forget_oldest();
            }
            self.serial += 1;
            self.by_age.push_back((clock_ns, self.serial, identity));
        }
        let serial = self.serial;
        self.datagrams.entry(identity).or_insert_with(|| Memory {
            serial,
            since_ns: clock_ns,
            first: First::Unseen,
            waiting: Vec::new(),
            octets: 0,
            total: None,
        })
    }

    fn forget_oldest(&mut self) {
        let Some((_, serial, identity)) = self.by_age.pop_front() else { return };
        if self.datagrams.get(&identity).is_none_or(|memory| memory.serial != serial) {
            return;
        }
        self.forget(identity);
    }

    fn forget(&mut self, identity: Identity) {
        let Some(memory) = self.datagrams.remove(&identity) else { return };
        self.waiting -= memory.waiting.len();
        for (described, rare) in memory.waiting {
            self.counts.without_first += 1;
            self.out.push(described, rare.as_deref());
        }
    }
}

const MORE_FRAGMENTS: u8 = 0x20;

fn identity_of(packet: &Packet, rare: Option<&Rare>) -> Identity {
    let tunnel = rare.filter(|_| packet.has.contains(Has::TUNNEL)).map(|rare| rare.extra.tunnel);
    Identity { datagram: packet.datagram(), tunnel }
}

/// Gives a later fragment what its first had, and lets it go on.
fn adopt(
    layout: &KeyLayout,
    described: &mut Described,
    rare: Option<&Rare>,
    first: Transport,
    out: &mut Descriptions,
) {
    let packet = &mut described.packet;
    packet.ends = first.ends;
    packet.protocol = first.protocol;
    (packet.src_port, packet.dst_port) = (first.src_port, first.dst_port);
    (packet.icmp_type, packet.icmp_code, packet.icmp_id) = first.icmp;
    layout.locate(packet, &mut described.place);
    match rare {
        Some(rare) if layout.needs_rest(packet) => {
            let rest = layout.rest(packet, &rare.extra, &mut described.place);
            out.push(*described, Some(&Rare { extra: rare.extra, rest }));
        }
        _ => out.push(*described, rare),
    }
}
