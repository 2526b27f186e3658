// SPDX-License-Identifier: Apache-2.0
//! What was really made, sent and lost: the numbers that a collector's ledger is held against.

use std::ops::AddAssign;

use crate::settings::Protocol;

/// What there is to know of one exporter, up to the last datagram given out.
///
/// It adds up: of datagrams `made + duplicated + hostile = sent + lost`, and of data records
/// `made = sent + lost`. Octets and packets are as records say them, not multiplied by a sampling
/// rate; a flow sample of sFlow counts as one packet, its octets are the IP packet's length.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Truth {
    /// Which one, from 0.
    pub exporter: u32,
    /// What it speaks.
    pub protocol: Protocol,
    /// `NetFlow` version 5: engine type and engine id as one number; version 9: source id; IPFIX:
    /// observation domain. sFlow: the sub-agent, always 0.
    pub domain: u32,
    /// One packet in so many, as it says; 0 if it says nothing.
    pub sampling: u32,
    /// Sequence number that the next message would have.
    pub sequence: u32,
    /// Times that it restarted.
    pub restarts: u64,
    /// Datagrams.
    pub datagrams: Datagrams,
    /// Data records in messages made. Options are not among them.
    pub made: Sums,
    /// Data records in messages that were lost.
    pub lost: Sums,
    /// Data records in messages that arrived, each counted once.
    pub sent: Sums,
    /// Data records that arrived a second time, in duplicates.
    pub duplicated: Sums,
    /// Of `sent`: what arrived when no template had.
    pub before_template: Sums,
    /// Of `sent`: what arrived when the template that had arrived last was not the record's own.
    pub under_other_template: Sums,
    /// Template records, options templates included, in messages made and in those that arrived
    /// (duplicates once).
    pub templates: Arrivals,
    /// Data records of options, likewise.
    pub options: Arrivals,
    /// Counter samples of sFlow, likewise.
    pub counter_samples: Arrivals,
}

/// Of one exporter.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Datagrams {
    /// Messages made, each once: what sequence numbers know of.
    pub made: u64,
    /// Of these, those that did not arrive.
    pub lost: u64,
    /// Second copies.
    pub duplicated: u64,
    /// Damaged copies.
    pub hostile: u64,
    /// Datagrams given out: all that arrives.
    pub sent: u64,
    /// Of these, those that arrived behind the message that was made after them.
    pub reordered: u64,
    /// Octets of UDP payload given out.
    pub octets: u64,
}

/// Records and what they say.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sums {
    /// How many.
    pub records: u64,
    /// Sum of their octets.
    pub octets: u64,
    /// Sum of their packets.
    pub packets: u64,
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.octets += other.octets;
        self.packets += other.packets;
    }
}

/// How many were made, and how many came through.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Arrivals {
    /// In messages made.
    pub made: u64,
    /// In messages that arrived.
    pub sent: u64,
}

impl Truth {
    pub(crate) fn new(exporter: u32, protocol: Protocol, domain: u32, sampling: u32) -> Self {
        Self {
            exporter,
            protocol,
            domain,
            sampling,
            sequence: 0,
            restarts: 0,
            datagrams: Datagrams::default(),
            made: Sums::default(),
            lost: Sums::default(),
            sent: Sums::default(),
            duplicated: Sums::default(),
            before_template: Sums::default(),
            under_other_template: Sums::default(),
            templates: Arrivals::default(),
            options: Arrivals::default(),
            counter_samples: Arrivals::default(),
        }
    }
}
