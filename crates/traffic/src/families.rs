// SPDX-License-Identifier: Apache-2.0
//! How many records of a message are IPv4 and how many IPv6.
//!
//! The share is kept over many messages, not in each: messages that follow each other have the same
//! numbers of both, and so the same length, which is what senders can send at the least cost.

/// Shares out records between the families.
#[derive(Clone, Debug)]
pub(crate) struct Families {
    /// Of 65,536 records, those that are IPv6.
    share: i64,
    /// IPv6 records that the share wanted so far and did not get, in 65,536ths.
    debt: i64,
    counts: [usize; 2],
    messages_left: u32,
    wanted: usize,
}

impl Families {
    /// With this share of IPv6, from 0 to 1.
    #[expect(clippy::cast_possible_truncation, reason = "a share is 1 at most")]
    pub fn new(share: f64) -> Self {
        let share = (share * f64::from(1 << ONE_BITS)) as i64;
        Self { share, debt: 0, counts: [0, 0], messages_left: 0, wanted: 0 }
    }

    /// About how many records of these lengths fit.
    pub fn fit(&self, octets: [usize; 2], room: usize) -> usize {
        let [ipv4, ipv6] = octets.map(as_i64);
        let mean = ipv4 * (ONE - self.share) + ipv6 * self.share;
        usize::try_from(as_i64(room) * ONE / mean.max(1)).unwrap_or_default().max(1)
    }

    /// So many records or a little fewer: of IPv4, of IPv6. They fit.
    pub fn share(&mut self, wanted: usize, octets: [usize; 2], room: usize) -> [usize; 2] {
        if self.messages_left == 0 || self.wanted != wanted {
            let ipv6 = as_i64(wanted) * self.share + self.debt / i64::from(BLOCK);
            let ipv6 = usize::try_from((ipv6 + ONE / 2) / ONE).unwrap_or_default().min(wanted);
            self.counts = [wanted - ipv6, ipv6];
            while self.counts[0] * octets[0] + self.counts[1] * octets[1] > room {
                let family = usize::from(self.counts[0] == 0);
                self.counts[family] -= 1;
            }
            self.messages_left = BLOCK;
            self.wanted = wanted;
        }
        self.messages_left -= 1;
        let [ipv4, ipv6] = self.counts.map(as_i64);
        self.debt += (ipv4 + ipv6) * self.share - ipv6 * ONE;
        self.counts
    }

    /// One record: whether it is to be IPv6.
    pub const fn next_is_ipv6(&self) -> bool {
        self.debt + self.share >= ONE
    }

    /// One record was of this family.
    pub const fn took(&mut self, ipv6: bool) {
        self.debt += self.share - if ipv6 { ONE } else { 0 };
    }
}

fn as_i64(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

const ONE: i64 = 1 << ONE_BITS;
const ONE_BITS: u32 = 16;

/// Messages in which nothing changes.
const BLOCK: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_kept_in_the_long_run() {
        for (share, wanted) in [(0.0, 20), (0.25, 1), (0.25, 18), (0.1, 3), (0.77, 11), (1.0, 20)] {
            let mut families = Families::new(share);
            let mut sums = [0, 0];
            for _ in 0..6_400 {
                let counts = families.share(wanted, [68, 104], 100_000);
                assert_eq!(counts[0] + counts[1], wanted);
                sums = [sums[0] + counts[0], sums[1] + counts[1]];
            }
            let [ipv4, ipv6] = sums.map(|sum| f64::from(u32::try_from(sum).unwrap()));
            let got = ipv6 / (ipv4 + ipv6);
            assert!((got - share).abs() < 0.01, "{share} of {wanted}: {got}");
        }
    }

    #[test]
    fn what_is_shared_fits() {
        for share in [0.0, 0.3, 0.5, 1.0] {
            let mut families = Families::new(share);
            let (octets, room) = ([68, 104], 1_390);
            let wanted = families.fit(octets, room);
            for _ in 0..100 {
                let [ipv4, ipv6] = families.share(wanted, octets, room);
                let used = ipv4 * 68 + ipv6 * 104;
                assert!(used <= room && used > room - 2 * 104, "{share}: {used}");
            }
        }
    }

    #[test]
    fn single_records_keep_the_share_too() {
        let mut families = Families::new(0.25);
        let mut ipv6 = 0;
        for _ in 0..1_000 {
            let next = families.next_is_ipv6();
            families.took(next);
            ipv6 += usize::from(next);
        }
        assert_eq!(ipv6, 250);
    }
}
