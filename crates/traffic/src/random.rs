// SPDX-License-Identifier: Apache-2.0
//! Numbers that look random and are the same for the same seed, on every machine and in every
//! release. Not for secrets.

/// A stream of numbers: xoshiro256++, its state filled by `SplitMix64`.
#[derive(Clone, Debug)]
pub(crate) struct Random([u64; 4]);

impl Random {
    /// A stream of its own for each seed and purpose.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut state = seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        }))
    }

    /// The next 64 bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.0;
        let answer = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        answer
    }

    /// A number below `bound`, which is not 0.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the product's upper half is below bound")]
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.bits() as u32) * u64::from(bound)) >> 32) as u32
    }

    /// One of a list that is not empty.
    #[expect(clippy::cast_possible_truncation, reason = "lists of choices are short")]
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u32) as usize]
    }

    /// Whether something of this share happens now; what never happens draws no number.
    #[inline]
    pub fn happens(&mut self, share: Share) -> bool {
        share.0 != 0 && self.bits() < share.0
    }
}

/// A probability, ready to be compared with 64 random bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share(u64);

impl Share {
    /// From a number between 0 and 1; more is always, less is never.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float that is too large becomes the largest number, which is meant"
    )]
    pub fn new(share: f64) -> Self {
        Self((share.max(0.0) * TWO_POW_64) as u64)
    }
}

const TWO_POW_64: f64 = 18_446_744_073_709_551_616.0;

/// Ranks of which the first is drawn often and the last seldom: the k-th with weight 1/k.
#[derive(Clone, Debug)]
pub(crate) struct Zipf(Box<[u64]>);

impl Zipf {
    /// Over this many ranks, one at least.
    pub fn new(ranks: u32) -> Self {
        // In whole numbers, so that no machine rounds otherwise than another.
        let mut sum = 0;
        Self(
            (1..=u64::from(ranks.max(1)))
                .map(|rank| {
                    sum += (1 << 40) / rank;
                    sum
                })
                .collect(),
        )
    }

    /// A rank, counted from 0.
    pub fn draw(&self, random: &mut Random) -> usize {
        let total = self.0.last().copied().unwrap_or(1);
        let drawn = (u128::from(random.bits()) * u128::from(total)) >> 64;
        self.0.partition_point(|&sum| u128::from(sum) <= drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_purpose_others() {
        let mut one = Random::new(1, 0);
        let mut again = Random::new(1, 0);
        let mut other = Random::new(1, 1);
        let numbers: Vec<u64> = (0..4).map(|_| one.bits()).collect();
        assert_eq!(numbers, (0..4).map(|_| again.bits()).collect::<Vec<_>>());
        assert_ne!(numbers, (0..4).map(|_| other.bits()).collect::<Vec<_>>());
    }

    #[test]
    fn a_share_happens_about_that_often() {
        let mut random = Random::new(7, 0);
        let mut count = |share| {
            let share = Share::new(share);
            (0..10_000).filter(|_| random.happens(share)).count()
        };
        assert_eq!(count(0.0), 0);
        assert_eq!(count(1.0), 10_000);
        assert!((2_300..2_700).contains(&count(0.25)));
    }

    #[test]
    fn low_ranks_are_drawn_most() {
        let (zipf, mut random) = (Zipf::new(100), Random::new(3, 0));
        let mut drawn = [0; 100];
        (0..10_000).for_each(|_| drawn[zipf.draw(&mut random)] += 1);
        assert!(drawn[0] > drawn[9] && drawn[9] > drawn[99]);
        assert!(drawn[0] > 1_500 && drawn[99] > 0);
    }
}
