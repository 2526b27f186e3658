// SPDX-License-Identifier: Apache-2.0
//! What one options record says of sampling, in whichever of the elements that exporters use for it.
//!
//! | Elements | Rate |
//! |---|---|
//! | 34 samplingInterval, 50 samplerRandomInterval | as they are; 0 means that nothing is sampled |
//! | 305 and 306, systematic by count | (interval + space) / interval |
//! | 307 and 308, systematic by time | (interval + space) / interval, in time |
//! | 309 and 310, n out of N | N / n |
//! | 311, uniform probability | 1 / p |
//! | 329 to 332, by hash | size of the output range / sizes of the selected ranges |
//!
//! 304 selectorAlgorithm decides which of them count. 35 and 49, the older algorithms, do not change
//! the rate; 84, 335 and other names say nothing of it.

use penstock_codec::{NETFLOW9_SCOPE_PEN, value};
use penstock_elements::IANA_PEN;

use super::{SELECTORS_IN_SEQUENCE, Scope, with_octets_in_order};

/// What an options record says of sampling.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Report {
    /// The rate of something; none where the algorithm has none that is known.
    Rate {
        /// The observation domain that it speaks of, if it names one.
        domain: Option<u32>,
        /// What the rate holds for.
        scope: Scope,
        /// Packets for each that is looked at.
        rate: Option<f64>,
    },
    /// Which selectors packets pass, one after the other (RFC 5476 section 6.5.1).
    Sequence {
        /// The observation domain that it speaks of, if it names one.
        domain: Option<u32>,
        /// Its selectionSequenceId.
        id: u64,
        /// Their selectorIds, one more than are multiplied at most.
        selectors: Vec<u64>,
    },
}

/// Reads the values of an options record, the `scopes` scope values first. None if they have nothing
/// to do with sampling.
pub(super) fn read<'a>(
    values: impl IntoIterator<Item = (u32, u16, &'a [u8])>,
    scopes: usize,
) -> Option<Report> {
    let mut fields = Fields::default();
    for (place, (pen, id, octets)) in values.into_iter().enumerate() {
        fields.take(pen, id, octets, place < scopes);
    }
    fields.report()
}

/// The values that matter, each the first of its element unless it may be repeated.
#[derive(Default)]
struct Fields {
    domain: Option<u32>,
    sampler: Option<u64>,
    scope: Option<Scope>,
    sequence: Option<u64>,
    selectors: Vec<u64>,
    interval: Option<f64>,
    algorithm: Option<u64>,
    count: Portion,
    time: Portion,
    size: Option<f64>,
    population: Option<f64>,
    probability: Option<f64>,
    hash: HashRanges,
}

/// What is taken, and what is then left out.
#[derive(Default)]
struct Portion {
    taken: Option<f64>,
    skipped: Option<f64>,
}

#[derive(Default)]
struct HashRanges {
    output_min: Option<f64>,
    output_max: Option<f64>,
    selected_min: Option<f64>,
    selected: f64,
}

impl Fields {
    fn take(&mut self, pen: u32, id: u16, octets: &[u8], is_scope: bool) {
        match (pen, id) {
            // Beyond the five scope types of its own, NetFlow 9 has elements for scopes.
            (NETFLOW9_SCOPE_PEN, 0..=5) => self.take_scope_type(id, octets),
            (IANA_PEN | NETFLOW9_SCOPE_PEN, _) if is_scope => self.take_scope(id, octets),
            (IANA_PEN, _) => self.take_value(id, octets),
            _ => {}
        }
    }

    fn take_scope_type(&mut self, scope_type: u16, octets: &[u8]) {
        let value = value::unsigned(octets);
        match scope_type {
            2 => self.scope = Some(Scope::Interface(value)),
            3 => self.scope = Some(Scope::LineCard(value)),
            5 => self.scope = Some(Scope::Template(value)),
            _ => {}
        }
    }

    fn take_scope(&mut self, id: u16, octets: &[u8]) {
        let value = value::unsigned(octets);
        match id {
            10 | 14 | 252 | 253 => self.scope = Some(Scope::Interface(value)),
            141 => self.scope = Some(Scope::LineCard(value)),
            145 => self.scope = Some(Scope::Template(value)),
            // 0 stands for no domain in particular.
            149 => self.domain = u32::try_from(value).ok().filter(|domain| *domain != 0),
            301 => self.sequence = Some(value),
            _ => self.take_value(id, octets),
        }
    }

    fn take_value(&mut self, id: u16, octets: &[u8]) {
        let value = || value::unsigned(octets);
        match id {
            34 => drop(self.interval.get_or_insert_with(|| as_interval(octets))),
            // Of the two, the one that belongs to a sampler is the more exact.
            50 => self.interval = Some(as_interval(octets)),
            48 => self.sampler = Some(value()),
            302 => {
                self.sampler.get_or_insert_with(value);
                if self.selectors.len() <= SELECTORS_IN_SEQUENCE {
                    self.selectors.push(value());
                }
            }
            304 => self.algorithm = Some(value()),
            305 => self.count.taken = Some(as_number(octets)),
            306 => self.count.skipped = Some(as_number(octets)),
            307 => self.time.taken = Some(as_number(octets)),
            308 => self.time.skipped = Some(as_number(octets)),
            309 => self.size = Some(as_number(octets)),
            310 => self.population = Some(as_number(octets)),
            311 => self.probability = value::float(octets),
            329 => self.hash.output_min = Some(as_number(octets)),
            330 => self.hash.output_max = Some(as_number(octets)),
            331 => self.hash.selected_min = Some(as_number(octets)),
            332 => self.hash.take_selected_max(as_number(octets)),
            _ => {}
        }
    }

    fn report(self) -> Option<Report> {
        let domain = self.domain;
        if let Some(id) = self.sequence {
            let selectors = self.selectors;
            return (!selectors.is_empty()).then_some(Report::Sequence { domain, id, selectors });
        }
        if !self.speaks_of_rate() {
            return None;
        }
        let rate = self.rate().filter(|rate| rate.is_finite() && *rate >= 1.0);
        let scope = self.sampler.map(Scope::Sampler).or(self.scope).unwrap_or(Scope::System);
        Some(Report::Rate { domain, scope, rate })
    }

    fn speaks_of_rate(&self) -> bool {
        self.interval.is_some() || self.algorithm.is_some() || self.parameters().is_some()
    }

    fn rate(&self) -> Option<f64> {
        let own = match self.algorithm {
            None => None,
            Some(1) => self.count.rate(),
            Some(2) => self.time.rate(),
            Some(3) => self.population_rate(),
            Some(4) => self.probability_rate(),
            // A filter defines what is looked at; nothing of that is left out.
            Some(5) => Some(1.0),
            Some(6..=8) => self.hash.rate(),
            Some(_) => return self.interval,
        };
        // Some number their algorithms as 35 and 49 do, where 2 is random.
        own.or(self.interval).or_else(|| self.parameters())
    }

    fn parameters(&self) -> Option<f64> {
        self.count
            .rate()
            .or_else(|| self.population_rate())
            .or_else(|| self.probability_rate())
            .or_else(|| self.time.rate())
            .or_else(|| self.hash.rate())
    }

    fn population_rate(&self) -> Option<f64> {
        Some(self.population? / self.size.filter(|size| *size > 0.0)?)
    }

    fn probability_rate(&self) -> Option<f64> {
        self.probability.filter(|share| *share > 0.0).map(f64::recip)
    }
}

impl Portion {
    fn rate(&self) -> Option<f64> {
        let taken = self.taken.filter(|taken| *taken > 0.0)?;
        Some((taken + self.skipped?) / taken)
    }
}

impl HashRanges {
    fn take_selected_max(&mut self, max: f64) {
        if let Some(min) = self.selected_min.take() {
            self.selected += (max - min + 1.0).max(0.0);
        }
    }

    fn rate(&self) -> Option<f64> {
        let output = self.output_max? - self.output_min? + 1.0;
        (self.selected > 0.0).then(|| output / self.selected)
    }
}

/// One packet in so many; one in none is all of them.
fn as_interval(octets: &[u8]) -> f64 {
    with_octets_in_order(as_number(octets)).max(1.0)
}

fn as_number(octets: &[u8]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact beyond 2^53")]
    let number = value::unsigned(octets) as f64;
    number
}
