// SPDX-License-Identifier: Apache-2.0
//! Why a connection is over before its end.

use std::fmt;

/// What is wrong with the octets of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StreamError {
    /// It does not begin with a message.
    Foreign {
        /// Its first two octets.
        first: u16,
    },
    /// Where a message should begin stands another version than 10.
    Version {
        /// The version.
        version: u16,
    },
    /// A message that is shorter than its own header.
    Length {
        /// Octets that it says it has.
        length: u16,
    },
    /// It ends within a message.
    Cut,
    /// A compressed block that cannot be unpacked.
    Block,
    /// A compressed stream whose first block cannot be unpacked: probably that of an unreleased
    /// ipfixprobe, which does not say how long blocks are.
    Variant,
}

impl StreamError {
    /// In the ledger's words.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Foreign { .. } => "not IPFIX",
            Self::Version { .. } => "unknown version",
            Self::Length { .. } => "message length",
            Self::Cut => "stream cut",
            Self::Block => "compressed block",
            Self::Variant => "unknown compression",
        }
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign { first } => {
                write!(f, "this is not IPFIX: it begins with {first:#06x}, not with version 10")
            }
            Self::Version { version } => {
                write!(f, "where a message should begin stands version {version}, not 10")
            }
            Self::Length { length } => {
                write!(f, "a message of {length} octets is shorter than its header")
            }
            Self::Cut => f.write_str("the stream ends within a message"),
            Self::Block => f.write_str("a compressed block cannot be unpacked"),
            Self::Variant => f.write_str(
                "the stream says that it is compressed by LZ4, but has no block sizes, as only \
                 unreleased versions of ipfixprobe send it",
            ),
        }
    }
}

impl std::error::Error for StreamError {}
