// SPDX-License-Identifier: Apache-2.0
//! The rate at which an exporter's packets were sampled, and how it is known.
//!
//! One table serves all domains behind one address, because some exporters announce the rate in
//! another domain than their flows. What an options record says is read in `report`; which
//! record states a rate of its own is known to whoever reads records.
//!
//! A rate that cannot be told is unknown, never 1: where several are announced and a record does not
//! say which is its own, it has none unless they agree.

mod report;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use report::{Report, read};

/// How a sampling rate is known.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum SamplingOrigin {
    /// Stated by the record, or by the header of its message.
    Record,
    /// Announced in options records.
    Options,
    /// Set by the operator for this exporter.
    Configured,
    /// Set by the operator for exporters that say nothing.
    Assumed,
    /// Not at all.
    Unknown,
}

impl SamplingOrigin {
    /// In the words of the column `sampling_origin`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Options => "options",
            Self::Configured => "configured",
            Self::Assumed => "assumed",
            Self::Unknown => "unknown",
        }
    }
}

/// One packet in so many was looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sampling {
    /// Packets for each that was looked at; 0 when unknown.
    pub rate: f64,
    /// How that is known.
    pub origin: SamplingOrigin,
}

impl Sampling {
    /// Nothing is known.
    pub(crate) const UNKNOWN: Self = Self { rate: 0.0, origin: SamplingOrigin::Unknown };

    const fn new(rate: f64, origin: SamplingOrigin) -> Self {
        Self { rate, origin }
    }
}

/// What a record states that says that its rate is not known: another's does not hold for it then.
pub(crate) const NOT_KNOWN: f64 = -1.0;

/// What the operator says of an exporter's sampling.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[expect(clippy::struct_field_names, reason = "all are rates, and the words before are none alone")]
pub(crate) struct ConfiguredSampling {
    /// Holds whatever the exporter says.
    pub override_rate: Option<f64>,
    /// Holds where this exporter says nothing.
    pub default_rate: Option<f64>,
    /// Holds where any exporter says nothing.
    pub assumed_rate: Option<f64>,
}

/// What an options record did to the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Learned {
    /// It has nothing to do with sampling.
    Nothing,
    /// It says what was known.
    Same,
    /// It says something new, or something else than before.
    Changed,
    /// There are too many samplers to remember another.
    TooMany,
}

/// A rate as it is kept on disk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SavedRate {
    /// What it holds for, within its domain.
    pub scope: Scope,
    /// The rate, or none where the sampler's algorithm has none that is known.
    pub rate: Option<f64>,
    /// When it was last announced.
    pub heard_ns: i64,
}

/// What an announced rate holds for. In the order in which a record that names none is answered.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Scope {
    /// The whole domain.
    System,
    /// One sampler (samplerId) or selector (selectorId).
    Sampler(u64),
    /// One interface.
    Interface(u64),
    /// One line card.
    LineCard(u64),
    /// Records of one template.
    Template(u64),
}

/// Samplers, interfaces and the like that an exporter may announce rates for.
pub(crate) const SAMPLERS: usize = 1024;

/// Selectors in one sequence that are multiplied.
const SELECTORS_IN_SEQUENCE: usize = 16;

/// The rates that one exporter has announced, in any of its domains.
#[derive(Debug, Default)]
pub(crate) struct SamplingTable {
    configured: ConfiguredSampling,
    rates: BTreeMap<(u32, Scope), Announced>,
    /// Selectors that packets pass one after the other, by domain and selectionSequenceId.
    sequences: BTreeMap<(u32, u64), Vec<u64>>,
    over_bound: u64,
}

#[derive(Clone, Copy, Debug)]
struct Announced {
    rate: Option<f64>,
    heard_ns: i64,
}

impl SamplingTable {
    /// An empty table under the operator's settings.
    pub(crate) fn new(configured: ConfiguredSampling) -> Self {
        Self { configured, ..Self::default() }
    }

    /// Takes in the values of one options record, given as enterprise number, element and octets
    /// with the `scopes` scope values first. `domain` is that of the message; a record whose scope
    /// names another observation domain speaks of that one.
    pub(crate) fn learn<'a>(
        &mut self,
        domain: u32,
        values: impl IntoIterator<Item = (u32, u16, &'a [u8])>,
        scopes: usize,
        now_ns: i64,
    ) -> Learned {
        match read(values, scopes) {
            None => Learned::Nothing,
            Some(Report::Rate { domain: about, scope, rate }) => {
                let announced = Announced { rate, heard_ns: now_ns };
                self.put((about.unwrap_or(domain), scope), announced)
            }
            Some(Report::Sequence { domain: about, id, selectors }) => {
                self.put_sequence((about.unwrap_or(domain), id), selectors)
            }
        }
    }

    /// The rate that holds for a record of `domain` which states this rate itself (or whose
    /// message's header does), or names this sampler.
    ///
    /// In this order: what the operator overrides, the record's own, that of its sampler, that of
    /// its domain, that of other domains if they agree, what the operator sets for want of
    /// anything better. A stated 0 says that nothing is sampled, but so do
    /// exporters that announce a rate elsewhere: it counts only where nothing else does.
    pub(crate) fn lookup(
        &self,
        domain: u32,
        stated: Option<f64>,
        sampler: Option<u64>,
    ) -> Sampling {
        if let Some(rate) = self.configured.override_rate {
            return Sampling::new(rate, SamplingOrigin::Configured);
        }
        let stated = stated.map(with_octets_in_order);
        if let Some(rate) = stated.filter(|rate| *rate >= 1.0) {
            return Sampling::new(rate, SamplingOrigin::Record);
        }
        let announced = self.announced(domain, sampler);
        if let Some(rate) = announced.filter(|_| stated != Some(NOT_KNOWN)) {
            return Sampling::new(rate, SamplingOrigin::Options);
        }
        if let Some(rate) = self.configured.default_rate {
            return Sampling::new(rate, SamplingOrigin::Configured);
        }
        if stated == Some(0.0) {
            return Sampling::new(1.0, SamplingOrigin::Record);
        }
        match self.configured.assumed_rate {
            Some(rate) => Sampling::new(rate, SamplingOrigin::Assumed),
            None => Sampling::UNKNOWN,
        }
    }

    /// Announcements that were not taken in for want of room.
    pub(crate) const fn over_bound(&self) -> u64 {
        self.over_bound
    }

    /// What a domain has announced, for keeping.
    pub(crate) fn saved(&self, domain: u32) -> Vec<SavedRate> {
        self.of_domain(domain)
            .map(|(scope, announced)| SavedRate {
                scope,
                rate: announced.rate,
                heard_ns: announced.heard_ns,
            })
            .collect()
    }

    /// Takes in what was kept; what has been announced since holds.
    pub(crate) fn restore(&mut self, domain: u32, saved: &[SavedRate]) {
        for kept in saved {
            let key = (domain, kept.scope);
            if !self.rates.contains_key(&key) {
                self.put(key, Announced { rate: kept.rate, heard_ns: kept.heard_ns });
            }
        }
    }

    fn put(&mut self, key: (u32, Scope), announced: Announced) -> Learned {
        if let Some(known) = self.rates.get_mut(&key) {
            let same = known.rate == announced.rate;
            *known = announced;
            return if same { Learned::Same } else { Learned::Changed };
        }
        if self.rates.len() >= SAMPLERS {
            self.over_bound += 1;
            return Learned::TooMany;
        }
        self.rates.insert(key, announced);
        Learned::Changed
    }

    fn put_sequence(&mut self, key: (u32, u64), mut selectors: Vec<u64>) -> Learned {
        selectors.truncate(SELECTORS_IN_SEQUENCE + 1);
        if self.sequences.get(&key) == Some(&selectors) {
            return Learned::Same;
        }
        if self.sequences.len() >= SAMPLERS && !self.sequences.contains_key(&key) {
            self.over_bound += 1;
            return Learned::TooMany;
        }
        self.sequences.insert(key, selectors);
        Learned::Changed
    }

    fn announced(&self, domain: u32, sampler: Option<u64>) -> Option<f64> {
        if self.rates.is_empty() {
            return None;
        }
        let own = match sampler {
            Some(id) => self.of_sampler(domain, id),
            None => self.of_any_sampler(domain),
        };
        // A domain that announces a rate of its own, but one that cannot be told, is not overruled
        // by its neighbours.
        match own {
            Agreed::Nothing => self.of_other_domains(domain, sampler).rate(),
            Agreed::On(_) | Agreed::Not => own.rate(),
        }
    }

    fn of_sampler(&self, domain: u32, id: u64) -> Agreed {
        self.first_of(domain, [Scope::Sampler(id), Scope::Sampler(0), Scope::System])
    }

    fn of_any_sampler(&self, domain: u32) -> Agreed {
        let mut agreed = self.first_of(domain, [Scope::System, Scope::Sampler(0)]);
        if !matches!(agreed, Agreed::Nothing) {
            return agreed;
        }
        for (_, selectors) in self.sequences.range((domain, 0)..=(domain, u64::MAX)) {
            agreed.hear(self.of_sequence(domain, selectors));
        }
        if matches!(agreed, Agreed::Nothing) {
            for (_, announced) in self.of_domain(domain) {
                agreed.hear(announced.rate);
            }
        }
        agreed
    }

    fn first_of<const N: usize>(&self, domain: u32, scopes: [Scope; N]) -> Agreed {
        let mut agreed = Agreed::Nothing;
        if let Some(known) = scopes.iter().find_map(|scope| self.rates.get(&(domain, *scope))) {
            agreed.hear(known.rate);
        }
        agreed
    }

    /// Attained rates multiply along a sequence (RFC 5475): each selector sees what the one before it took.
    fn of_sequence(&self, domain: u32, selectors: &[u64]) -> Option<f64> {
        if selectors.len() > SELECTORS_IN_SEQUENCE {
            return None;
        }
        let rates = selectors.iter().map(|id| self.rates.get(&(domain, Scope::Sampler(*id)))?.rate);
        rates.product()
    }

    fn of_other_domains(&self, domain: u32, sampler: Option<u64>) -> Agreed {
        let mut agreed = Agreed::Nothing;
        for ((_, scope), announced) in self.rates.iter().filter(|((other, _), _)| *other != domain)
        {
            let may_hold = match (sampler, scope) {
                (Some(id), Scope::Sampler(other)) => *other == id,
                (Some(_), scope) => *scope == Scope::System,
                (None, _) => true,
            };
            if may_hold {
                agreed.hear(announced.rate);
            }
        }
        agreed
    }

    fn of_domain(&self, domain: u32) -> impl Iterator<Item = (Scope, Announced)> {
        let all = (domain, Scope::System)..=(domain, Scope::Template(u64::MAX));
        self.rates.range(all).map(|((_, scope), announced)| (*scope, *announced))
    }
}

/// The rate that several announcements have in common.
#[derive(Clone, Copy, Debug)]
enum Agreed {
    /// There are none.
    Nothing,
    /// They say this.
    On(f64),
    /// They differ, or one has no rate that is known.
    Not,
}

impl Agreed {
    fn hear(&mut self, rate: Option<f64>) {
        *self = match (*self, rate) {
            (Self::Nothing, Some(rate)) => Self::On(rate),
            (Self::On(known), Some(rate)) if same(known, rate) => Self::On(known),
            _ => Self::Not,
        };
    }

    const fn rate(self) -> Option<f64> {
        match self {
            Self::On(rate) => Some(rate),
            Self::Nothing | Self::Not => None,
        }
    }
}

/// Equal but for the rounding of a quotient.
fn same(one: f64, other: f64) -> bool {
    (one - other).abs() <= one * 1e-9
}

/// A rate whose octets were sent in the order of the sender's processor, put right: nobody takes one
/// packet in 16 million, and the two low octets of a number that large would not be zero.
fn with_octets_in_order(rate: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "only numbers of 32 bits without fraction come here"
    )]
    if (SWAPPED_FROM..=f64::from(u32::MAX)).contains(&rate) && rate % 65_536.0 == 0.0 {
        return f64::from((rate as u32).swap_bytes());
    }
    rate
}

/// 1, sent with its octets the wrong way round.
const SWAPPED_FROM: f64 = 16_777_216.0;
