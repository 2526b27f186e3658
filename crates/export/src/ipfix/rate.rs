// SPDX-License-Identifier: Apache-2.0
//! A sampling rate as the elements that say it without rounding (RFC 5477 section 8.2).
//!
//! A rate is what our columns hold: one of how many packets was seen. Where it goes is said in
//! `layout` (a record's own) and in `options` (everyone's).

/// Which elements say a rate.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Form {
    /// A whole number of packets: samplingPacketInterval 1 and samplingPacketSpace.
    Interval,
    /// A ratio of whole numbers: samplingSize of samplingPopulation.
    Ratio,
    /// Anything else: samplingProbability.
    Probability,
    /// Not known: an interval and a space of 0.
    Unknown,
}

impl Form {
    /// The first that says the rate exactly.
    pub fn of(rate: f64) -> Self {
        if !is_known(rate) {
            Self::Unknown
        } else if space(rate).is_some() {
            Self::Interval
        } else if ratio(rate).is_some() {
            Self::Ratio
        } else {
            Self::Probability
        }
    }
}

/// Whether it can be a rate at all.
pub(super) fn is_known(rate: f64) -> bool {
    rate.is_finite() && rate > 0.0
}

/// Whether two rates are one: nothing was rounded on the way.
pub(super) const fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
}

/// Packets left out after each that was taken, if that is a whole number.
pub(super) fn space(rate: f64) -> Option<u32> {
    let whole = rate.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&rate);
    #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
    #[expect(clippy::cast_sign_loss, reason = "in range")]
    whole.then(|| rate as u32 - 1)
}

/// The smallest whole numbers, population first, whose quotient is the rate: its continued fraction
/// as far as it takes.
pub(super) fn ratio(rate: f64) -> Option<(u32, u32)> {
    let (mut before, mut now) = ((0_u64, 1_u64), (1_u64, 0_u64));
    let mut rest = rate;
    for _ in 0..MOST_TERMS {
        if !(0.0..=f64::from(u32::MAX)).contains(&rest) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "in range")]
        #[expect(clippy::cast_sign_loss, reason = "in range")]
        let whole = rest as u64;
        let next = (whole * now.0 + before.0, whole * now.1 + before.1);
        let population = u32::try_from(next.0).ok()?;
        let size = u32::try_from(next.1).ok()?;
        if population > 0 && same(f64::from(population) / f64::from(size), rate) {
            return Some((population, size));
        }
        (before, now) = (now, next);
        rest = 1.0 / rest.fract();
    }
    None
}

/// Terms grow at least like Fibonacci numbers, of which so many fit 32 bits.
const MOST_TERMS: u32 = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_rates_are_an_interval_of_one_packet() {
        for (rate, left_out) in [(1.0, 0), (2.0, 1), (1000.0, 999), (4_294_967_295.0, u32::MAX - 1)]
        {
            assert_eq!((Form::of(rate), space(rate)), (Form::Interval, Some(left_out)));
        }
    }

    #[test]
    fn quotients_come_back_as_they_were() {
        for (population, size) in [(3, 2), (10, 3), (1000, 7), (4_294_967_295_u32, 2_u32), (1, 3)] {
            let rate = f64::from(population) / f64::from(size);
            assert_eq!(Form::of(rate), Form::Ratio, "{rate}");
            let (population, size) = ratio(rate).unwrap();
            assert!(same(f64::from(population) / f64::from(size), rate));
        }
    }

    #[test]
    fn what_is_no_rate_is_said_to_be_unknown() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Form::of(rate), Form::Unknown);
        }
        assert_eq!(Form::of(1e12), Form::Probability);
        assert_eq!(Form::of(1e-12), Form::Probability);
    }
}
