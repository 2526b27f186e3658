// SPDX-License-Identifier: Apache-2.0
//! What traffic is to be made, and what cannot be.

use std::fmt;
use std::str::FromStr;

/// What exporters there are, what they send and what goes wrong on the way.
///
/// Shares are between 0 and 1; a count of 0 means never. Lists are gone through in turn: exporter
/// `i` has the entry `i % length`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The same settings make the same octets; another seed makes other flows and other accidents.
    pub seed: u64,
    /// How many exporters send, in turn.
    pub exporters: u32,
    /// What they speak.
    pub protocols: Vec<Protocol>,
    /// Data records (sFlow: flow samples) to make, those that are lost included; none: no end.
    pub records: Option<u64>,
    /// At most so many records a datagram; 0: as many as fit.
    pub records_per_datagram: u32,
    /// Octets of UDP payload that a datagram may have.
    pub message_octets: u16,
    /// Distinct flows to draw from, a family.
    pub flows: u32,
    /// Share of records that are IPv6; `NetFlow` version 5 sends none.
    pub ipv6: f64,
    /// Flow records a second of simulated time, over all exporters.
    pub flows_per_second: f64,
    /// Simulated time of the first datagram, in nanoseconds since 1970.
    pub start_time_ns: i64,
    /// One packet in so many was sampled, says the exporter; 0: it says nothing.
    pub sampling: Vec<u32>,
    /// How `NetFlow` version 9 and IPFIX say so. Version 5 and sFlow have one way only.
    pub sampling_said: Vec<SamplingSaid>,
    /// Templates and options are repeated after so many data messages.
    pub template_every: u32,
    /// So many data messages go before an exporter's first templates.
    pub template_late: u32,
    /// Share of template messages lost, beside `loss`.
    pub template_lost: f64,
    /// After so many data messages the templates change under the same numbers.
    pub template_change_every: u32,
    /// Templates of flows that each exporter defines beside its two and never uses.
    pub more_templates: u32,
    /// How far ahead the exporter's clock is, in seconds.
    pub clock_skew_s: Vec<i64>,
    /// Share of datagrams sent, but not received.
    pub loss: f64,
    /// Share of data messages that change places with the exporter's next one.
    pub reorder: f64,
    /// Share of datagrams that arrive twice.
    pub duplicate: f64,
    /// Share of data messages that a damaged copy follows.
    pub hostile: f64,
    /// An exporter restarts after so many data messages: uptime and sequence begin at 0.
    pub restart_every: u32,
    /// sFlow: seconds of simulated time between two readings of the interface counters.
    pub counters_every_s: u32,
    /// `NetFlow` and IPFIX: make so many message bodies of a kind and send these again and again
    /// with other sequence numbers and times; 0: make each anew. Right after a restart, such flows
    /// may have begun before it.
    pub prebuilt: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            exporters: 1,
            protocols: vec![Protocol::Ipfix],
            records: None,
            records_per_datagram: 0,
            message_octets: 1420,
            flows: 16_384,
            ipv6: 0.25,
            flows_per_second: 1_000.0,
            // 2026-01-01 00:00 UTC.
            start_time_ns: 1_767_225_600_000_000_000,
            sampling: vec![1],
            sampling_said: vec![SamplingSaid::Usual],
            template_every: 200,
            template_late: 0,
            template_lost: 0.0,
            template_change_every: 0,
            more_templates: 0,
            clock_skew_s: vec![0],
            loss: 0.0,
            reorder: 0.0,
            duplicate: 0.0,
            hostile: 0.0,
            restart_every: 0,
            counters_every_s: 30,
            prebuilt: 0,
        }
    }
}

impl Settings {
    /// The settings, if they can be followed.
    pub(crate) fn checked(self) -> Result<Self, SettingsError> {
        let shares = [
            ("ipv6", self.ipv6),
            ("template_lost", self.template_lost),
            ("loss", self.loss),
            ("reorder", self.reorder),
            ("duplicate", self.duplicate),
            ("hostile", self.hostile),
        ];
        let odd = shares.iter().find(|(_, share)| !(0.0..=1.0).contains(share));
        if let Some((name, _)) = odd {
            return Err(SettingsError { setting: name, allowed: "a share between 0 and 1" });
        }
        let octets = u32::from(self.message_octets.saturating_sub(MIN_OCTETS));
        let most_templates = octets / TEMPLATE_OCTETS;
        let long = self.clock_skew_s.iter().any(|skew_s| skew_s.abs() > MAX_SKEW_S);
        let refusals = [
            (!(1..=MAX_EXPORTERS).contains(&self.exporters), "exporters", "from 1 to 1000000"),
            (self.protocols.is_empty(), "protocols", "one at least"),
            (self.message_octets < MIN_OCTETS, "message_octets", "640 and more"),
            (self.message_octets > MAX_OCTETS, "message_octets", "65507 at most"),
            (
                self.more_templates > most_templates,
                "more_templates",
                "as many as fit a message: 8 for one of 1420 octets",
            ),
            (!(1..=MAX_FLOWS).contains(&self.flows), "flows", "from 1 to 1048576"),
            (self.sampling.is_empty(), "sampling", "one rate at least"),
            (self.sampling_said.is_empty(), "sampling_said", "one way at least"),
            (self.clock_skew_s.is_empty() || long, "clock_skew_s", "up to ten years either way"),
            (self.prebuilt > MAX_PREBUILT, "prebuilt", "65536 at most"),
            (self.start_time_ns < 0, "start_time_ns", "1970 or later"),
            (
                !(self.flows_per_second > 0.0 && self.flows_per_second <= MAX_RATE),
                "flows_per_second",
                "above 0, and 1e9 at most",
            ),
        ];
        match refusals.into_iter().find(|(refused, ..)| *refused) {
            Some((_, setting, allowed)) => Err(SettingsError { setting, allowed }),
            None => Ok(self),
        }
    }
}

/// What an exporter speaks.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(missing_docs, reason = "the names are the protocols' own")]
pub enum Protocol {
    NetFlow5,
    NetFlow9,
    Ipfix,
    SFlow,
}

impl Protocol {
    /// Every one, in the order of their age.
    pub const ALL: [Self; 4] = [Self::NetFlow5, Self::NetFlow9, Self::Ipfix, Self::SFlow];

    /// What settings call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NetFlow5 => "v5",
            Self::NetFlow9 => "v9",
            Self::Ipfix => "ipfix",
            Self::SFlow => "sflow",
        }
    }

    /// The UDP port on which collectors usually listen for it.
    pub const fn port(self) -> u16 {
        match self {
            Self::NetFlow5 | Self::NetFlow9 => 2055,
            Self::Ipfix => 4739,
            Self::SFlow => 6343,
        }
    }
}

impl FromStr for Protocol {
    type Err = SettingsError;

    fn from_str(name: &str) -> Result<Self, SettingsError> {
        let allowed = "v5, v9, ipfix, sflow";
        let found = Self::ALL.into_iter().find(|protocol| protocol.name() == name);
        found.ok_or(SettingsError { setting: "protocols", allowed })
    }
}

/// How an exporter of templates says that it samples.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SamplingSaid {
    /// `NetFlow` version 9: as `Interval`; IPFIX: as `Selector`.
    Usual,
    /// Options of the whole domain: samplingInterval 34 and samplingAlgorithm 35.
    Interval,
    /// Options of a sampler, 48, 49 and 50, to which each record refers by its 48.
    Sampler,
    /// Options of a selector, 302 with 304, 305 and 306, to which each record refers by its 302.
    Selector,
    /// No options: samplingInterval 34 in each record.
    Record,
}

impl SamplingSaid {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Usual, Self::Interval, Self::Sampler, Self::Selector, Self::Record];

    /// What settings call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::Interval => "interval",
            Self::Sampler => "sampler",
            Self::Selector => "selector",
            Self::Record => "record",
        }
    }
}

impl FromStr for SamplingSaid {
    type Err = SettingsError;

    fn from_str(name: &str) -> Result<Self, SettingsError> {
        let allowed = "usual, interval, sampler, selector, record";
        let found = Self::ALL.into_iter().find(|way| way.name() == name);
        found.ok_or(SettingsError { setting: "sampling_said", allowed })
    }
}

/// A setting that cannot be followed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SettingsError {
    /// Its name.
    pub setting: &'static str,
    /// What would be possible.
    pub allowed: &'static str,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not possible; allowed: {}", self.setting, self.allowed)
    }
}

impl std::error::Error for SettingsError {}

const MAX_EXPORTERS: u32 = 1_000_000;
/// Room for the message of templates and options, which is not cut into several.
const MIN_OCTETS: u16 = 640;
/// A template of 21 fields.
const TEMPLATE_OCTETS: u32 = 4 + 21 * 4;
/// What an IPv4 datagram leaves for UDP's payload.
const MAX_OCTETS: u16 = 65_507;
const MAX_FLOWS: u32 = 1 << 20;
const MAX_PREBUILT: u32 = 1 << 16;
const MAX_SKEW_S: i64 = 10 * 366 * 86_400;
const MAX_RATE: f64 = 1e9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.name().parse(), Ok(protocol));
        }
        for way in SamplingSaid::ALL {
            assert_eq!(way.name().parse(), Ok(way));
        }
        assert!("netflow".parse::<Protocol>().is_err());
    }

    #[test]
    fn what_cannot_be_is_named() {
        let settings = Settings { loss: 1.5, ..Settings::default() };
        let error = settings.checked().unwrap_err();
        assert_eq!(error.to_string(), "loss is not possible; allowed: a share between 0 and 1");
        let settings = Settings { protocols: Vec::new(), ..Settings::default() };
        assert_eq!(settings.checked().unwrap_err().setting, "protocols");
        let settings = Settings { flows_per_second: f64::NAN, ..Settings::default() };
        assert_eq!(settings.checked().unwrap_err().setting, "flows_per_second");
        assert!(Settings::default().checked().is_ok());
    }
}
