// SPDX-License-Identifier: Apache-2.0
//! Why octets were refused, in words that ledgers count by.

use std::fmt;

/// What is wrong with a message, a set or a record.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Malformed {
    /// Fewer octets than the header has.
    HeaderCut,
    /// Not a version that is read.
    Version,
    /// The message says that it is shorter than its header, or longer than what came.
    MessageLength,
    /// More records are announced than there are octets for.
    CountBeyondMessage,
    /// A set that says it is shorter than its own header.
    SetLength,
    /// A set that goes on behind the message's end.
    SetBeyondMessage,
    /// A template that goes on behind its set's end.
    TemplateCut,
    /// A template with a number below 256.
    TemplateId,
    /// A scope that is missing, or longer than the template.
    Scope,
    /// A template whose records would have no octets, or more than a message can hold.
    RecordLength,
    /// A value of variable length that goes on behind its set's end.
    ValueBeyondSet,
    /// A list that goes on behind its own end, or whose elements do not fit it.
    List,
    /// Lists in lists in lists, beyond the bound.
    ListDepth,
    /// An sFlow sample or record that goes on behind its end.
    SampleCut,
    /// A field of an sFlow sample that cannot be.
    SampleField,
}

impl Malformed {
    /// In the ledger's words.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::HeaderCut => "header cut",
            Self::Version => "unknown version",
            Self::MessageLength => "message length",
            Self::CountBeyondMessage => "count beyond message",
            Self::SetLength => "set length",
            Self::SetBeyondMessage => "set beyond message",
            Self::TemplateCut => "template cut",
            Self::TemplateId => "template id",
            Self::Scope => "scope",
            Self::RecordLength => "record length",
            Self::ValueBeyondSet => "value beyond set",
            Self::List => "list",
            Self::ListDepth => "list depth",
            Self::SampleCut => "sample cut",
            Self::SampleField => "sample field",
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Malformed {}
