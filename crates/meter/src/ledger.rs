// SPDX-License-Identifier: Apache-2.0
//! What every stage counted: in, out, and lost by reason.
//!
//! The way of a packet is `source` → `select` → `link` → `wire` → `fragments` → `meter`,
//! and each stage's `out` is the next one's `in`. Nothing leaves the way uncounted, so
//! that packets read = metered + not IP + malformed + filtered + later fragments of
//! tunnels, and packets metered = the sum over the records.

use std::collections::BTreeMap;

use penstock_record::{Fate, LedgerRow, Unit};
use penstock_wire::{NotIp, WireError};

use crate::flow::EndReason;

/// A layer, and a word for what was wrong with it.
type Complaint = (&'static str, &'static str);

/// What the stages before the table count.
#[derive(Clone, Debug, Default)]
pub struct PacketCounts {
    pub(crate) read: u64,
    pub(crate) filtered: u64,
    pub(crate) backwards: u64,
    not_ip: BTreeMap<NotIp, u64>,
    malformed: BTreeMap<Complaint, u64>,
    trouble: BTreeMap<Complaint, u64>,
}

impl PacketCounts {
    #[cold]
    pub(crate) fn not_ip(&mut self, what: NotIp) {
        // An attacker chooses the numbers; after so many different ones they share a row.
        let known = self.not_ip.len() < MOST_KINDS || self.not_ip.contains_key(&what);
        let what = if known { what } else { OTHER };
        *self.not_ip.entry(what).or_default() += 1;
    }

    #[cold]
    pub(crate) fn malformed(&mut self, error: &WireError) {
        *self.malformed.entry((error.layer, error.reason.label())).or_default() += 1;
    }

    #[cold]
    pub(crate) fn trouble(&mut self, error: Option<&WireError>) {
        if let Some(error) = error {
            *self.trouble.entry((error.layer, error.reason.label())).or_default() += 1;
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.filtered += other.filtered;
        self.backwards += other.backwards;
        for (what, count) in &other.not_ip {
            *self.not_ip.entry(*what).or_default() += count;
        }
        for (own, others) in
            [(&mut self.malformed, &other.malformed), (&mut self.trouble, &other.trouble)]
        {
            for (what, count) in others {
                *own.entry(*what).or_default() += count;
            }
        }
    }
}

const MOST_KINDS: usize = 1024;
const OTHER: NotIp = NotIp::Link(u16::MAX);

/// What the fragment table counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct FragmentCounts {
    pub(crate) of_tunnels: u64,
    pub(crate) without_first: u64,
    pub(crate) no_room: u64,
}

/// What the flow table counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct FlowCounts {
    pub(crate) packets: u64,
    pub(crate) packets_out: u64,
    pub(crate) begun: u64,
    pub(crate) ended: u64,
    pub(crate) left: [u64; 6],
    pub(crate) clamped: u64,
}

impl FlowCounts {
    pub(crate) fn left(&mut self, reason: EndReason, packets: u64) {
        self.packets_out += packets;
        if let Some(count) = self.left.get_mut(reason as usize) {
            *count += 1;
        }
    }

    pub(crate) fn records(&self) -> u64 {
        self.left.iter().sum()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.packets += other.packets;
        self.packets_out += other.packets_out;
        self.begun += other.begun;
        self.ended += other.ended;
        self.clamped += other.clamped;
        for (own, other) in self.left.iter_mut().zip(other.left) {
            *own += other;
        }
    }
}

/// All rows, in the order of the way.
pub(crate) fn rows(
    packets: &PacketCounts,
    fragments: &FragmentCounts,
    flows: &FlowCounts,
) -> Vec<LedgerRow> {
    let mut ledger = Rows(Vec::new());
    let sum = |map: &BTreeMap<Complaint, u64>| map.values().sum::<u64>();
    let mut left = packets.read;
    ledger.packets("source", Fate::In, "", left);
    ledger.packets("source", Fate::Out, "", left);
    ledger.noted("source", "time running backwards", packets.backwards);

    ledger.packets("select", Fate::In, "", left);
    ledger.lost("select", "filtered", packets.filtered);
    left -= packets.filtered;
    ledger.packets("select", Fate::Out, "", left);

    ledger.packets("link", Fate::In, "", left);
    for (what, count) in &packets.not_ip {
        ledger.lost("link", &not_ip_name(*what), *count);
        left -= count;
    }
    ledger.packets("link", Fate::Out, "", left);

    ledger.packets("wire", Fate::In, "", left);
    for ((layer, reason), count) in &packets.malformed {
        ledger.lost("wire", &format!("{layer}: {reason}"), *count);
    }
    left -= sum(&packets.malformed);
    ledger.packets("wire", Fate::Out, "", left);
    for ((layer, reason), count) in &packets.trouble {
        ledger.noted("wire", &format!("metered without {layer}: {reason}"), *count);
    }

    ledger.packets("fragments", Fate::In, "", left);
    ledger.lost("fragments", "later fragment of a tunnel's outer packet", fragments.of_tunnels);
    left -= fragments.of_tunnels;
    ledger.packets("fragments", Fate::Out, "", left);
    ledger.noted("fragments", "later fragment without its first", fragments.without_first);
    ledger.noted("fragments", "no room to wait for the first fragment", fragments.no_room);

    ledger.packets("meter", Fate::In, "", flows.packets);
    ledger.packets("meter", Fate::Out, "", flows.packets_out);
    ledger.noted("meter", "time clamped to the packet clock", flows.clamped);
    ledger.flows(Fate::In, "", flows.begun);
    ledger.flows(Fate::Out, "", flows.records());
    for reason in EndReason::ALL {
        let count = flows.left.get(reason as usize).copied().unwrap_or(0);
        ledger.flows(Fate::Noted, reason.name(), count);
    }
    ledger.0
}

struct Rows(Vec<LedgerRow>);

impl Rows {
    fn packets(&mut self, stage: &'static str, fate: Fate, reason: &str, count: u64) {
        let reason = reason.to_owned();
        self.0.push(LedgerRow { stage, fate, reason, unit: Unit::Packets, count });
    }

    fn lost(&mut self, stage: &'static str, reason: &str, count: u64) {
        if count > 0 {
            self.packets(stage, Fate::Lost, reason, count);
        }
    }

    fn noted(&mut self, stage: &'static str, reason: &str, count: u64) {
        if count > 0 {
            self.packets(stage, Fate::Noted, reason, count);
        }
    }

    fn flows(&mut self, fate: Fate, reason: &str, count: u64) {
        let (stage, reason) = ("meter", reason.to_owned());
        self.0.push(LedgerRow { stage, fate, reason, unit: Unit::Flows, count });
    }
}

fn not_ip_name(what: NotIp) -> String {
    match what {
        OTHER => "others".to_owned(),
        NotIp::Ethertype(number) => format!("ethertype 0x{number:04x}"),
        NotIp::Llc(sap) => format!("LLC 0x{sap:02x}"),
        NotIp::Ppp(protocol) => format!("PPP protocol 0x{protocol:04x}"),
        NotIp::Family(family) => format!("address family {family}"),
        NotIp::Nibble(nibble) => format!("IP version {nibble}"),
        NotIp::Link(link) => format!("link type {link}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_gives_on_what_it_did_not_lose() {
        let mut packets = PacketCounts { read: 10, filtered: 2, ..PacketCounts::default() };
        packets.not_ip(NotIp::Ethertype(0x0806));
        let rows = rows(&packets, &FragmentCounts::default(), &FlowCounts::default());
        let find = |stage, fate| {
            let row = rows.iter().find(|row| row.stage == stage && row.fate == fate);
            row.map(|row| (row.reason.as_str(), row.count))
        };
        assert_eq!(find("link", Fate::In), Some(("", 8)));
        assert_eq!(find("link", Fate::Lost), Some(("ethertype 0x0806", 1)));
        assert_eq!(find("wire", Fate::Out), Some(("", 7)));
    }
}
