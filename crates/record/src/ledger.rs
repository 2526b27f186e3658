// SPDX-License-Identifier: Apache-2.0
//! The rows of the loss ledger, whichever stage counts.

/// One line of the ledger.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LedgerRow {
    /// Where it was counted.
    pub stage: &'static str,
    /// What became of it.
    pub fate: Fate,
    /// Why; empty for in and out.
    pub reason: String,
    /// What is counted.
    pub unit: Unit,
    /// How many.
    pub count: u64,
}

/// What became of what a ledger row counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// Came in.
    In,
    /// Went on to the next stage.
    Out,
    /// Went no further.
    Lost,
    /// Went on, and is worth a word.
    Noted,
}

impl Fate {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Lost => "lost",
            Self::Noted => "noted",
        }
    }
}

/// What a ledger row counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    /// Packets.
    Packets,
    /// Flow records.
    Flows,
    /// Datagrams, or messages of a stream.
    Datagrams,
    /// Records of any kind.
    Records,
    /// Sampled packets.
    Samples,
    /// Sets of records.
    Sets,
    /// Templates.
    Templates,
    /// Octets.
    Octets,
    /// Connections.
    Sessions,
    /// Exporters.
    Exporters,
}

impl Unit {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Packets => "packets",
            Self::Flows => "flows",
            Self::Datagrams => "datagrams",
            Self::Records => "records",
            Self::Samples => "samples",
            Self::Sets => "sets",
            Self::Templates => "templates",
            Self::Octets => "octets",
            Self::Sessions => "sessions",
            Self::Exporters => "exporters",
        }
    }
}
