// SPDX-License-Identifier: Apache-2.0
//! Why something was not written: the mistakes of whoever writes, none of the network's.

use std::fmt;

/// What a protocol has no octets for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Unwritable {
    /// A message or one of its sets is longer than 65,535 octets.
    TooLong,
    /// A template with a number below 256, without fields, or with more than 65,535 of them.
    Template,
    /// More fields are the scope than there are.
    Scope,
    /// An element that the protocol cannot name: one of an enterprise in `NetFlow` version 9; a
    /// number above 32,767, or a scope type of version 9, in IPFIX.
    Element,
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "longer than 65,535 octets",
            Self::Template => "no number or no fields that a template can have",
            Self::Scope => "more scope fields than fields",
            Self::Element => "an element that the protocol cannot name",
        })
    }
}

impl std::error::Error for Unwritable {}
