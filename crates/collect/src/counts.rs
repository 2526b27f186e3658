// SPDX-License-Identifier: Apache-2.0
//! What a collector counted, as rows of the ledger.
//!
//! In datagrams: received = whole + partly used + parked + refused. In records: decoded = given
//! out + lost by reason. What never came is told from sequence numbers and stands apart, for it
//! came into no stage.

use std::collections::BTreeMap;

use penstock_record::{Fate, LedgerRow, Unit};

use crate::memory::parked::ParkedCounts;

/// Counts of all exporters together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub datagrams: u64,
    pub whole: u64,
    pub parked: u64,
    /// Used in part, by what was wrong with the rest.
    pub partly: BTreeMap<&'static str, u64>,
    pub refused: BTreeMap<&'static str, u64>,
    /// Octets of a capture that are no flow export.
    pub other_traffic: u64,
    pub flows: u64,
    pub flows_out: u64,
    pub lost_records: BTreeMap<&'static str, u64>,
    pub options: u64,
    pub counter_samples: u64,
    pub drop_samples: u64,
    pub unknown_samples: u64,
    pub templates: BTreeMap<&'static str, u64>,
    pub sets: BTreeMap<&'static str, u64>,
    /// What exporters that were forgotten had missing, by protocol.
    pub missing: BTreeMap<&'static str, u64>,
    pub missing_samples: u64,
    /// Samples of sources beyond the bound, whose numbers are not followed.
    pub samples_unfollowed: u64,
    pub exporters_forgotten: u64,
    /// Connections that could not go on, by reason.
    pub sessions_broken: BTreeMap<&'static str, u64>,
    /// Octets of files that belong to no message.
    pub octets_skipped: u64,
}

impl Counts {
    /// All rows, in the order of the way. `missing` is what is missing of the exporters that are
    /// remembered, by protocol.
    pub fn rows(
        &self,
        missing: &BTreeMap<&'static str, (Unit, u64)>,
        missing_samples: u64,
        parked: &ParkedCounts,
    ) -> Vec<LedgerRow> {
        let mut rows = Rows(Vec::new());
        let partly: u64 = self.partly.values().sum();
        let used = self.whole + self.parked + partly;
        rows.count("message", Fate::In, "", Unit::Datagrams, self.datagrams);
        rows.count("message", Fate::Out, "", Unit::Datagrams, used);
        rows.all("message", Fate::Lost, "refused: ", Unit::Datagrams, &self.refused);
        rows.all("message", Fate::Noted, "partly used: ", Unit::Datagrams, &self.partly);
        rows.some("message", Fate::Noted, "parked", Unit::Datagrams, self.parked);
        rows.some("message", Fate::Noted, "other traffic", Unit::Packets, self.other_traffic);
        rows.some("message", Fate::Noted, "between messages", Unit::Octets, self.octets_skipped);
        rows.all("message", Fate::Noted, "ended: ", Unit::Sessions, &self.sessions_broken);
        let forgotten = self.exporters_forgotten;
        rows.some("message", Fate::Noted, "forgotten for want of room", Unit::Exporters, forgotten);

        let lost: u64 = self.lost_records.values().sum();
        rows.count("decode", Fate::In, "", Unit::Records, self.flows + lost);
        rows.count("decode", Fate::Out, "", Unit::Flows, self.flows_out);
        rows.all("decode", Fate::Lost, "", Unit::Records, &self.lost_records);
        rows.some("decode", Fate::Noted, "options records", Unit::Records, self.options);
        rows.some("decode", Fate::Noted, "counter samples", Unit::Samples, self.counter_samples);
        rows.some("decode", Fate::Noted, "drop samples", Unit::Samples, self.drop_samples);
        rows.some("decode", Fate::Noted, "unknown samples", Unit::Samples, self.unknown_samples);
        let unfollowed = self.samples_unfollowed;
        rows.some("decode", Fate::Noted, "of sources beyond the bound", Unit::Samples, unfollowed);
        for (what, amount) in [
            ("parked", parked.parked),
            ("replayed", parked.replayed),
            ("given up: no template came", parked.expired),
            ("given up: exporter forgotten", parked.forgotten),
            ("given up: no room to wait", parked.over_bound),
        ] {
            rows.some("decode", Fate::Noted, what, Unit::Sets, amount.sets);
        }
        rows.all("decode", Fate::Noted, "", Unit::Sets, &self.sets);
        rows.all("decode", Fate::Noted, "templates ", Unit::Templates, &self.templates);

        for (protocol, (unit, count)) in missing {
            let count = count + self.missing.get(protocol).copied().unwrap_or(0);
            rows.some("network", Fate::Lost, protocol, *unit, count);
        }
        rows.some("network", Fate::Lost, "sflow", Unit::Samples, missing_samples);
        rows.0
    }
}

struct Rows(Vec<LedgerRow>);

impl Rows {
    fn count(&mut self, stage: &'static str, fate: Fate, reason: &str, unit: Unit, count: u64) {
        self.0.push(LedgerRow { stage, fate, reason: reason.to_owned(), unit, count });
    }

    fn some(&mut self, stage: &'static str, fate: Fate, reason: &str, unit: Unit, count: u64) {
        if count > 0 {
            self.count(stage, fate, reason, unit, count);
        }
    }

    fn all(
        &mut self,
        stage: &'static str,
        fate: Fate,
        prefix: &str,
        unit: Unit,
        counts: &BTreeMap<&'static str, u64>,
    ) {
        for (reason, count) in counts {
            self.some(stage, fate, &format!("{prefix}{reason}"), unit, *count);
        }
    }
}

/// One more of a reason.
pub(crate) fn count(counts: &mut BTreeMap<&'static str, u64>, reason: &'static str, more: u64) {
    if more > 0 {
        *counts.entry(reason).or_default() += more;
    }
}
