// SPDX-License-Identifier: Apache-2.0
//! What can be wrong with bytes from the network.

use std::fmt;

/// Bytes that are not what their layer promises, and where.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WireError {
    /// Layer being read, as the protocol's own specification names it.
    pub layer: &'static str,
    /// Octets from the start of the layer to the field.
    pub offset: usize,
    /// What was wrong there.
    pub reason: Reason,
}

/// The ways in which a layer can be unreadable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The next field needs more octets than are left.
    Truncated {
        /// Octets the field takes.
        need: usize,
        /// Octets there are.
        left: usize,
    },
    /// A field holds a value that the specification rules out.
    Forbidden {
        /// The field, by its name in the specification.
        field: &'static str,
        /// What it held.
        value: u64,
    },
    /// More of something than is looked at: headers, tags, tunnels in tunnels.
    TooDeep {
        /// How many are looked at.
        limit: usize,
    },
}

impl Reason {
    /// A word from a small fixed set, fit to be a metric label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Truncated { .. } => "truncated",
            Self::Forbidden { .. } => "forbidden",
            Self::TooDeep { .. } => "too deep",
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { layer, offset, reason } = self;
        match reason {
            Reason::Truncated { need, left } => {
                write!(f, "{layer}: octet {offset}: {need} more needed, {left} left")
            }
            Reason::Forbidden { field, value } => {
                write!(f, "{layer}: octet {offset}: {field} cannot be {value}")
            }
            Reason::TooDeep { limit } => {
                write!(f, "{layer}: octet {offset}: more than {limit} nested")
            }
        }
    }
}

impl std::error::Error for WireError {}
