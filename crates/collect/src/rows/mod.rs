// SPDX-License-Identifier: Apache-2.0
//! Records of data sets to columns.
//!
//! A template is compiled once into a [`Plan`]; its records then go column by column into the
//! buffers of the shape that they share with every other template of the same columns, and leave
//! as batches. Which template a set belongs to, sequence numbers and sampling tables are not
//! known here: what a batch needs of them is asked of [`Exporters`] when it is made.

mod buffer;
mod compile;
mod compile_parts;
mod decode;
mod drain;
mod lists;
mod options;
mod plan;
mod read;
mod settle;
mod shape;
#[cfg(test)]
mod tests;
mod time;

pub(crate) use decode::Rows;
pub(crate) use options::{OptionsRecord, OptionsRows, options};
pub(crate) use plan::Plan;

use penstock_codec::Malformed;

use crate::memory::sampling::Sampling;

/// How an exporter means what the octets leave open.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Dialect {
    /// `NetFlow` version 5.
    NetFlow5,
    /// `NetFlow` version 9.
    NetFlow9,
    /// IPFIX.
    Ipfix,
}

/// The message that a set came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    /// The collector's index of session and domain, for [`Exporters`].
    pub exporter: u32,
    /// Sequence number in its header.
    pub sequence: u32,
    /// When it was received, in nanoseconds since 1970.
    pub received_ns: i64,
    /// When it was exported, in nanoseconds since 1970.
    pub export_ns: i64,
    /// The exporter's uptime at the export, where the header says it.
    pub uptime_ms: Option<u32>,
    /// The sampling rate in the header of version 5.
    pub stated_rate: Option<f64>,
}

/// What became of a set.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Decoded {
    /// Records that became rows.
    pub records: u32,
    /// Records that describe a reverse direction, but no direction (RFC 5103 section 4): not rows.
    pub no_direction: u32,
    /// The first thing that was wrong. The records counted above are good all the same.
    pub malformed: Option<Malformed>,
}

/// What made a record, in the words of the column `source_kind`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum SourceKind {
    /// `NetFlow` version 5.
    NetFlow5,
    /// `NetFlow` version 9.
    NetFlow9,
    /// IPFIX.
    Ipfix,
    /// sFlow version 5.
    SFlow,
}

impl SourceKind {
    /// Every kind, in the order of their numbers.
    pub(crate) const ALL: [Self; 4] = [Self::NetFlow5, Self::NetFlow9, Self::Ipfix, Self::SFlow];

    /// The column's word.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NetFlow5 => "netflow5",
            Self::NetFlow9 => "netflow9",
            Self::Ipfix => "ipfix",
            Self::SFlow => "sflow",
        }
    }
}

/// Whose records they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Identity {
    /// Address of the transport session, IPv4 mapped.
    pub addr: [u8; 16],
    /// Port of the transport session.
    pub port: u16,
    /// Observation domain, source id, or engine.
    pub domain: u32,
    /// Protocol.
    pub kind: SourceKind,
}

/// What the collector knows of exporters, by its own index of session and domain.
pub(crate) trait Exporters {
    /// Whose records they are.
    fn identity(&self, exporter: u32) -> Identity;

    /// The rate that holds for a record that states this rate, or this sampler.
    fn sampling(&self, exporter: u32, stated: Option<f64>, sampler: Option<u64>) -> Sampling;
}
