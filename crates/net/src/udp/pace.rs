// SPDX-License-Identifier: Apache-2.0
//! A bound on datagrams a second, kept by sleeping.

use std::thread;
use std::time::{Duration, Instant};

/// A bucket that fills at a steady rate; a datagram takes one token out of it.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    per_second: f64,
    tokens: f64,
    filled: Instant,
}

impl Pace {
    /// None if the rate is not a positive number.
    pub fn new(per_second: f64) -> Option<Self> {
        let sound = per_second.is_finite() && per_second > 0.0;
        sound.then(|| Self { per_second, tokens: 1.0, filled: Instant::now() })
    }

    /// Sleeps until some of `wanted` datagrams may leave, and says how many.
    pub fn wait(&mut self, wanted: usize) -> usize {
        // Sleeping for each datagram would cost more than sending it.
        #[allow(clippy::cast_precision_loss, reason = "batches are small numbers")]
        let enough = (self.per_second * SLICE_S).min(wanted as f64).max(1.0);
        self.fill();
        while self.tokens < enough {
            let missing_s = (enough - self.tokens) / self.per_second;
            thread::sleep(Duration::from_secs_f64(missing_s.min(LONGEST_SLEEP_S)));
            self.fill();
        }
        #[allow(clippy::cast_possible_truncation, reason = "the bucket is bounded")]
        #[allow(clippy::cast_sign_loss, reason = "and at least 1 here")]
        let ready = self.tokens as usize;
        ready.min(wanted)
    }

    /// Takes out what has left.
    pub fn spend(&mut self, datagrams: u64) {
        #[allow(clippy::cast_precision_loss, reason = "batches are small numbers")]
        let spent = datagrams as f64;
        self.tokens -= spent;
    }

    fn fill(&mut self) {
        let now = Instant::now();
        let more = now.duration_since(self.filled).as_secs_f64() * self.per_second;
        let most = (self.per_second * CARRIED_S).max(1.0);
        (self.tokens, self.filled) = ((self.tokens + more).min(most), now);
    }
}

/// Datagrams of one millisecond leave together.
const SLICE_S: f64 = 0.001;
/// How much of a delay is made up for afterwards.
const CARRIED_S: f64 = 0.01;
const LONGEST_SLEEP_S: f64 = 3600.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept() {
        let mut pace = Pace::new(20_000.0).unwrap();
        let (start, mut sent) = (Instant::now(), 0);
        while sent < 2_000 {
            let ready = pace.wait(2_000 - sent);
            pace.spend(ready as u64);
            sent += ready;
        }
        let seconds = start.elapsed().as_secs_f64();
        assert!(seconds > 0.085, "2,000 datagrams at 20,000 a second left in {seconds} s");
    }

    #[test]
    fn a_rate_that_is_none_is_refused() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Pace::new(rate).is_none(), "{rate}");
        }
    }
}
