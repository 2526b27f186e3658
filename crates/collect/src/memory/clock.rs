// SPDX-License-Identifier: Apache-2.0
//! How far an exporter's clock is from ours, as far as its messages can tell.
//!
//! A message is received when it was sent, by the exporter's clock, and some time on the way later. So
//! the least difference of many is the best guess at how far the clocks are apart. Whether a time
//! is put right is decided elsewhere.

/// What an exporter's clock is good for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ClockState {
    /// It agrees with ours, as far as anybody needs.
    Sound,
    /// It is off by more than messages take.
    Off,
    /// It is off by so much that nobody set it.
    Unset,
}

/// The difference between time of receipt and export time, over messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Skew {
    heard: bool,
    /// Least of the span under way and of the one before, so that a clock that drifts or is set
    /// does not stay what it was.
    least_ns: [i64; 2],
    span_began_ns: i64,
}

/// Off by more than this is said.
pub(crate) const OFF_NS: i64 = 60 * NS_PER_S;
/// Off by more than this is not believed.
pub(crate) const UNSET_NS: i64 = 86_400 * NS_PER_S;

const NS_PER_S: i64 = 1_000_000_000;
const SPAN_NS: i64 = 300 * NS_PER_S;

impl Skew {
    /// Takes in a message's times, and says how they go together.
    pub(crate) fn observe(&mut self, export_ns: i64, received_ns: i64) -> ClockState {
        let skew_ns = received_ns.saturating_sub(export_ns);
        if !self.heard {
            self.heard = true;
            self.least_ns = [skew_ns; 2];
            self.span_began_ns = received_ns;
        }
        let [current, before] = &mut self.least_ns;
        if received_ns.saturating_sub(self.span_began_ns) >= SPAN_NS {
            *before = *current;
            *current = skew_ns;
            self.span_began_ns = received_ns;
        }
        *current = (*current).min(skew_ns);
        state_of(skew_ns)
    }

    /// Nanoseconds from export time to receipt, the least of the last five to ten minutes; less than nothing
    /// if the exporter's clock is ahead. None before the first message.
    pub(crate) fn least_ns(&self) -> Option<i64> {
        self.least_ns.into_iter().min().filter(|_| self.heard)
    }

    /// What the clock is good for, by the least difference. None before the first message.
    pub(crate) fn state(&self) -> Option<ClockState> {
        self.least_ns().map(state_of)
    }
}

impl ClockState {
    /// In the words of the exporters' table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Off => "off",
            Self::Unset => "unset",
        }
    }
}

const fn state_of(skew_ns: i64) -> ClockState {
    let apart_ns = skew_ns.saturating_abs();
    if apart_ns <= OFF_NS {
        ClockState::Sound
    } else if apart_ns <= UNSET_NS {
        ClockState::Off
    } else {
        ClockState::Unset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_NS: i64 = 1_700_000_000 * NS_PER_S;

    #[test]
    fn the_least_difference_is_what_the_clocks_are_apart() {
        let mut skew = Skew::default();
        assert_eq!((skew.least_ns(), skew.state()), (None, None));
        for delay_ns in [30, 10, 20] {
            assert_eq!(skew.observe(NOW_NS, NOW_NS + delay_ns), ClockState::Sound);
        }
        assert_eq!(skew.least_ns(), Some(10));
    }

    #[test]
    fn what_a_clock_was_is_forgotten_when_it_has_been_set() {
        let mut skew = Skew::default();
        let ahead_ns = 3_600 * NS_PER_S;
        assert_eq!(skew.observe(NOW_NS + ahead_ns, NOW_NS), ClockState::Off);
        assert_eq!(skew.least_ns(), Some(-ahead_ns));
        for span in 1..=3 {
            let now_ns = NOW_NS + span * SPAN_NS;
            skew.observe(now_ns, now_ns + 5);
        }
        assert_eq!((skew.least_ns(), skew.state()), (Some(5), Some(ClockState::Sound)));
    }

    #[test]
    fn a_clock_that_nobody_set_is_not_believed() {
        let mut skew = Skew::default();
        assert_eq!(skew.observe(0, NOW_NS), ClockState::Unset);
        assert_eq!(skew.observe(i64::MAX, i64::MIN), ClockState::Unset);
        assert_eq!(skew.observe(i64::MIN, i64::MAX), ClockState::Unset);
        assert_eq!(skew.state(), Some(ClockState::Unset));
    }
}
