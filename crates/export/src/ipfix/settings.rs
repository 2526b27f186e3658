// SPDX-License-Identifier: Apache-2.0
//! What an exporter of IPFIX can be told, and what it hands out.

use std::fmt;

use arrow_schema::DataType;

/// How messages are made.
#[derive(Clone, Debug, PartialEq)]
pub struct IpfixSettings {
    /// Observation domain that all messages name.
    pub observation_domain: u32,
    /// Octets of the longest message: over UDP what the path allows, without its IP and UDP headers.
    /// At most 65,535, and 64 if less is asked for.
    pub message_octets: usize,
    /// Element that the times of a flow are sent as.
    pub times: Times,
    /// Private enterprise number for elements that no registry has; 32473 is the one kept for
    /// documentation (RFC 5612).
    pub enterprise: u32,
    /// Whether sets end at a multiple of four octets.
    pub pad: bool,
    /// Whose records to imitate, if not our own are sent.
    pub compat: Option<Compat>,
    /// When templates are sent again; never over TCP and to files.
    pub refresh: Option<Refresh>,
    /// Seconds between two reports of what was metered and sent; none but the last if absent.
    pub statistics_s: Option<u32>,
    /// Number of the first template: 256 or above.
    pub first_template: u16,
}

impl Default for IpfixSettings {
    /// For UDP over IPv4 on a path of 1,420 octets.
    fn default() -> Self {
        Self {
            observation_domain: 1,
            message_octets: 1_392,
            times: Times::Nanoseconds,
            enterprise: 32_473,
            pad: false,
            compat: None,
            refresh: Some(Refresh { seconds: 60, messages: 4_096 }),
            statistics_s: Some(60),
            first_template: 256,
        }
    }
}

impl IpfixSettings {
    /// What ipfixprobe sends over UDP unless told otherwise.
    pub fn ipfixprobe() -> Self {
        Self {
            message_octets: 1_458,
            times: Times::Microseconds,
            compat: Some(Compat::Ipfixprobe { dir: 0 }),
            refresh: Some(Refresh { seconds: 600, messages: u32::MAX }),
            statistics_s: None,
            first_template: 258,
            ..Self::default()
        }
    }
}

/// Elements for times (RFC 7011 section 6.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Times {
    /// Nothing is rounded.
    Nanoseconds,
    /// Microseconds, which is what captures mostly have.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
}

/// Exporters whose collectors know only their records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Compat {
    /// ipfixprobe of CESNET, version 4 and 5: its elements, their order and widths, and no options.
    Ipfixprobe {
        /// What ingressInterface says.
        dir: u32,
    },
}

/// When templates are sent again, whichever comes first (RFC 7011 section 8.4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refresh {
    /// Seconds after the last time.
    pub seconds: u32,
    /// Messages with flows after the last time.
    pub messages: u32,
}

/// An interface of the exporter, for people who read its number in flows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interface {
    /// As ingressInterface and egressInterface give it.
    pub index: u32,
    /// Such as `eth0`.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
}

/// Messages ready to be sent, one behind the other.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Messages {
    /// Their octets.
    pub octets: Vec<u8>,
    /// Where each ends.
    pub ends: Vec<usize>,
    /// Flow records in each.
    pub records: Vec<u32>,
}

impl Messages {
    /// Forgets them, but keeps the memory.
    pub fn clear(&mut self) {
        self.octets.clear();
        self.ends.clear();
        self.records.clear();
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Flow records in all of them.
    pub fn flow_records(&self) -> u64 {
        self.records.iter().map(|records| u64::from(*records)).sum()
    }

    /// Flow records in the messages that are not whole within the first so many octets.
    pub fn records_behind(&self, octets: usize) -> u64 {
        let behind = self.ends.iter().zip(&self.records).filter(|(end, _)| **end > octets);
        behind.map(|(_, records)| u64::from(*records)).sum()
    }

    /// The octets of each.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let octets = &self.octets[start..*end];
            start = *end;
            octets
        })
    }
}

/// What was made since the exporter began; a new session goes on counting.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Messages.
    pub messages: u64,
    /// Octets of the messages.
    pub octets: u64,
    /// Flow records.
    pub records: u64,
    /// Records of options.
    pub options_records: u64,
    /// Templates, each time one is sent.
    pub templates: u64,
    /// Flow records that no message has room for.
    pub lost_too_long: u64,
    /// Flow records that would have taken one template more than a session may have.
    pub lost_too_many_templates: u64,
    /// Values in `extra` that IPFIX has no number for; their records were sent without them.
    pub lost_values: u64,
}

/// A column that is not of the type it has in every flow.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ColumnError {
    /// Its name.
    pub column: &'static str,
    /// The type it came with.
    pub data_type: DataType,
}

impl fmt::Display for ColumnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, data_type } = self;
        write!(f, "column {column}: type {data_type} is not the one that it has in a flow")
    }
}

impl std::error::Error for ColumnError {}
