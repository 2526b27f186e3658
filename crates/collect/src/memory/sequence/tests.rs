// SPDX-License-Identifier: Apache-2.0

use super::*;

const NO_TIMES: Stamp = Stamp { uptime_ms: None, export_s: None };

fn at(uptime_ms: u32, export_s: u32) -> Stamp {
    Stamp { uptime_ms: Some(uptime_ms), export_s: Some(export_s) }
}

fn exported(export_s: u32) -> Stamp {
    Stamp { uptime_ms: None, export_s: Some(export_s) }
}

/// Numbers that follow each other without pattern, the same at each run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[test]
fn a_gap_counts_until_the_late_message_fills_it() {
    let mut sequence = Sequence::default();
    assert_eq!(sequence.observe(100, Units::Known(30), NO_TIMES), Seen::default());
    assert_eq!(sequence.observe(130, Units::Known(30), NO_TIMES), Seen::default());
    let seen = sequence.observe(190, Units::Known(10), NO_TIMES);
    assert_eq!(seen, Seen { lost: 30, ..Seen::default() });
    let seen = sequence.observe(160, Units::Known(30), NO_TIMES);
    assert_eq!(seen, Seen { recovered: 30, reordered: true, ..Seen::default() });
    let seen = sequence.observe(160, Units::Known(30), NO_TIMES);
    assert_eq!(seen, Seen { duplicate: true, ..Seen::default() });
    assert_eq!(sequence.observe(200, Units::Known(1), NO_TIMES), Seen::default());
    assert_eq!(sequence.totals(), Totals { lost: 0, duplicates: 1, reordered: 1, restarts: 0 });
}

#[test]
fn numbers_come_round_after_two_to_the_32() {
    let mut sequence = Sequence::default();
    sequence.observe(u32::MAX - 9, Units::Known(10), NO_TIMES);
    assert_eq!(sequence.observe(0, Units::Known(5), NO_TIMES), Seen::default());
    sequence.observe(u32::MAX - 4, Units::Known(5), NO_TIMES);
    assert_eq!(sequence.observe(7, Units::Known(1), NO_TIMES).lost, 2);
    assert_eq!(sequence.totals().duplicates, 1);
}

#[test]
fn any_order_within_the_window_ends_with_exactly_what_is_lost() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let mut position = u32::MAX - 2_000;
        let (mut sent, mut lost) = (Vec::new(), 0);
        for number in 0..500_u32 {
            let units = u32::try_from(random.below(31)).unwrap();
            let is_edge = number == 0 || number == 499;
            // Of the first and last nobody could know that they were lost.
            if random.below(10) == 0 && !is_edge {
                lost += u64::from(units);
            } else {
                sent.push((position, units, number / 50));
                if random.below(20) == 0 {
                    sent.push((position, units, number / 50));
                }
            }
            position = position.wrapping_add(units);
        }
        let last = sent.len() - 1;
        for place in 0..last {
            let other = place + usize::try_from(random.below(24)).unwrap();
            sent.swap(place, other.min(last));
        }
        for times in [false, true] {
            let mut sequence = Sequence::default();
            for (position, units, second) in &sent {
                let stamp =
                    if times { at(second * 1000 + 77, 1_700_000_000 + second) } else { NO_TIMES };
                sequence.observe(*position, Units::Known(*units), stamp);
            }
            let totals = sequence.totals();
            assert_eq!((totals.lost, totals.restarts), (lost, 0), "seed {seed}, times {times}");
        }
    }
}

#[test]
fn messages_that_the_first_one_overtook_show_what_lies_between() {
    let mut sequence = Sequence::default();
    sequence.observe(2, Units::Known(1), NO_TIMES);
    let seen = sequence.observe(0, Units::Known(1), NO_TIMES);
    assert_eq!(seen, Seen { lost: 1, reordered: true, ..Seen::default() });
    let seen = sequence.observe(1, Units::Known(1), NO_TIMES);
    assert_eq!(seen, Seen { recovered: 1, reordered: true, ..Seen::default() });
    assert!(sequence.observe(1, Units::Known(1), NO_TIMES).duplicate);
    assert_eq!(sequence.observe(4, Units::Known(1), NO_TIMES).lost, 1);
}

#[test]
fn messages_without_units_are_neither_lost_nor_duplicates() {
    let mut sequence = Sequence::default();
    sequence.observe(0, Units::Known(0), NO_TIMES);
    sequence.observe(0, Units::Known(0), NO_TIMES);
    sequence.observe(0, Units::Known(8), NO_TIMES);
    assert!(!sequence.observe(8, Units::Known(0), NO_TIMES).duplicate);
    assert_eq!(sequence.observe(9, Units::Known(0), NO_TIMES).lost, 1);
    assert_eq!(sequence.totals().duplicates, 0);
}

#[test]
fn what_follows_a_message_of_unknown_length_is_lost_unless_accounted_for() {
    let mut sequence = Sequence::default();
    sequence.observe(0, Units::Known(10), NO_TIMES);
    assert_eq!(sequence.observe(15, Units::AtLeast(0), NO_TIMES).lost, 5);
    assert_eq!(sequence.observe(40, Units::Known(10), NO_TIMES), Seen::default());
    assert_eq!(sequence.observe(60, Units::Known(10), NO_TIMES).lost, 10);
    assert_eq!(sequence.totals().lost, 5 + 10 + 25);
    // Of the 25 units, 20 are known to have come in the end.
    sequence.accounted(20);
    assert_eq!(sequence.totals().lost, 5 + 10 + 5);
    // It begins in the gap; how far it goes nobody knows until it has been read.
    assert_eq!(sequence.observe(52, Units::AtLeast(0), NO_TIMES).recovered, 8);
    assert_eq!(sequence.totals().lost, 5 + 10 + 5);
    sequence.accounted(8);
    assert_eq!(sequence.totals().lost, 5 + 2 + 5);
}

#[test]
fn what_was_read_before_the_damage_is_not_lost_however_often_it_comes() {
    let mut sequence = Sequence::default();
    sequence.observe(0, Units::Known(10), NO_TIMES);
    sequence.observe(10, Units::AtLeast(7), NO_TIMES);
    sequence.observe(20, Units::Known(10), NO_TIMES);
    assert_eq!(sequence.totals().lost, 3);
    assert!(sequence.observe(0, Units::AtLeast(10), NO_TIMES).duplicate);
    assert_eq!(sequence.totals().lost, 3);
}

#[test]
fn a_restart_is_told_by_uptime_whatever_the_numbers() {
    for first in [0, 5_000, 900_000] {
        let mut sequence = Sequence::default();
        sequence.observe(700_000, Units::Known(1), at(86_400_000, 1_700_000_000));
        let seen = sequence.observe(first, Units::Known(1), at(12, 1_700_000_060));
        assert_eq!(seen, Seen { restarted: true, ..Seen::default() }, "first {first}");
        let seen = sequence.observe(first + 1, Units::Known(1), at(900, 1_700_000_061));
        assert_eq!(seen, Seen::default());
    }
}

#[test]
fn an_uptime_that_comes_round_is_no_restart() {
    let mut sequence = Sequence::default();
    sequence.observe(7, Units::Known(1), at(u32::MAX - 20, 1_700_000_000));
    assert_eq!(sequence.observe(8, Units::Known(1), at(980, 1_700_000_001)), Seen::default());
}

#[test]
fn a_low_number_with_a_later_export_time_is_a_restart() {
    let mut sequence = Sequence::default();
    sequence.observe(50, Units::Known(10), exported(1_700_000_000));
    assert!(sequence.observe(0, Units::Known(3), exported(1_700_000_030)).restarted);
    assert_eq!(sequence.observe(3, Units::Known(3), exported(1_700_000_030)), Seen::default());
}

#[test]
fn a_late_message_is_behind_in_number_and_in_time() {
    let mut sequence = Sequence::default();
    sequence.observe(0, Units::Known(10), at(1_000_000, 1_700_000_000));
    sequence.observe(20, Units::Known(10), at(1_004_000, 1_700_000_004));
    let seen = sequence.observe(10, Units::Known(10), at(1_001_000, 1_700_000_001));
    assert_eq!(seen, Seen { recovered: 10, reordered: true, ..Seen::default() });
}

#[test]
fn a_restart_within_a_second_shows_after_a_few_messages() {
    let mut sequence = Sequence::default();
    sequence.observe(0, Units::Known(10), exported(1_700_000_000));
    for number in 1..90 {
        sequence.observe(number * 10, Units::Known(10), exported(1_700_000_000));
    }
    let again =
        (0..5).map(|number| sequence.observe(number * 7, Units::Known(7), exported(1_700_000_000)));
    let restarted: Vec<_> = again.map(|seen| seen.restarted).collect();
    assert_eq!(restarted, [false, false, false, true, false]);
    assert_eq!(sequence.totals().lost, 0);
}

#[test]
fn a_number_far_behind_is_a_restart_unless_it_was_sent_before() {
    let mut sequence = Sequence::default();
    sequence.observe(1_000_000, Units::Known(1), NO_TIMES);
    assert!(sequence.observe(3, Units::Known(1), NO_TIMES).restarted);

    let mut sequence = Sequence::default();
    sequence.observe(1_000_000, Units::Known(1), exported(1_700_000_000));
    let seen = sequence.observe(3, Units::Known(1), exported(1_699_999_000));
    assert_eq!(seen, Seen { duplicate: true, ..Seen::default() });
}

#[test]
fn what_was_sent_while_nobody_listened_is_lost() {
    let mut before = Sequence::default();
    before.observe(u32::MAX - 4, Units::Known(2), at(5_000, 1_700_000_000));
    let saved = before.saved().unwrap();
    let mut after = Sequence::resume(&saved);
    let seen = after.observe(10, Units::Known(1), at(65_000, 1_700_000_060));
    assert_eq!(seen.lost, 13);
    let mut restarted = Sequence::resume(&saved);
    assert!(restarted.observe(10, Units::Known(1), at(100, 1_700_000_060)).restarted);
    assert_eq!(Sequence::default().saved(), None);
}

#[test]
fn gaps_beyond_the_bound_stay_lost() {
    let mut sequence = Sequence::default();
    for number in 0..1_000 {
        sequence.observe(number * 2, Units::Known(1), NO_TIMES);
    }
    assert_eq!(sequence.totals().lost, 999);
    assert!(sequence.gaps.len() <= GAPS);
    assert_eq!(sequence.observe(1_997, Units::Known(1), NO_TIMES).recovered, 1);
    assert!(sequence.observe(3, Units::Known(1), NO_TIMES).duplicate);
}

#[test]
fn numbers_without_sense_never_panic() {
    let mut random = Random(1);
    let mut sequence = Sequence::default();
    for _ in 0..100_000 {
        let number = match random.below(3) {
            0 => u32::try_from(random.below(1 << 31)).unwrap() * 2,
            1 => u32::MAX - u32::try_from(random.below(100)).unwrap(),
            _ => u32::try_from(random.below(100)).unwrap(),
        };
        let units = match random.below(4) {
            0 => Units::AtLeast(0),
            1 => Units::Known(u32::MAX),
            _ => Units::Known(u32::try_from(random.below(70_000)).unwrap()),
        };
        let time = u32::try_from(random.below(1 << 31)).unwrap();
        let stamp = [NO_TIMES, exported(time), at(time * 2, time)]
            [usize::try_from(random.below(3)).unwrap()];
        sequence.observe(number, units, stamp);
    }
    assert!(sequence.gaps.len() <= GAPS + 1);
}
