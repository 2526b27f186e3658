// SPDX-License-Identifier: Apache-2.0
//! Times and durations as text. All times are UTC and from the epoch of 1970, without leap seconds.

use crate::format;

/// A time in RFC 3339, UTC, always with nine fraction digits, from `ticks` since 1970 of which
/// `per_second` (a power of ten, at most 10⁹) make a second.
///
/// RFC 3339 ends with the year 9999 and begins with 0; a year outside has its sign and as many
/// digits as it needs, as in ISO 8601's expanded form.
pub(crate) fn rfc3339(ticks: i64, per_second: i64, out: &mut Vec<u8>) {
    let time = Civil::new(ticks, per_second);
    match time.stamp(b'T') {
        Some(stamp) => out.extend_from_slice(&stamp),
        None => time.expanded(out),
    }
}

/// A time for people: UTC, a space before the hour, milliseconds. Digits beyond are cut, not
/// rounded, so that a time never seems later than it was.
pub(crate) fn readable(ticks: i64, per_second: i64, out: &mut Vec<u8>) {
    let time = Civil::new(ticks, per_second);
    match time.stamp(b' ') {
        Some(stamp) => out.extend_from_slice(&stamp[..23]),
        None => time.expanded(out),
    }
}

/// A duration for people: seconds with as many fraction digits as it has, and an `s`.
pub(crate) fn readable_duration(nanoseconds: i128, out: &mut Vec<u8>) {
    if nanoseconds < 0 {
        out.push(b'-');
    }
    let size = nanoseconds.unsigned_abs();
    format::integer(size / 1_000_000_000, out);
    let fraction = size % 1_000_000_000;
    if fraction != 0 {
        format::append(out, format_args!(".{fraction:09}"));
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
    out.push(b's');
}

/// A moment, taken apart by the proleptic Gregorian calendar.
struct Civil {
    year: i64,
    month: u8,
    day: u8,
    second_of_day: u32,
    nanosecond: u32,
}

impl Civil {
    fn new(ticks: i64, per_second: i64) -> Self {
        let seconds = ticks.div_euclid(per_second);
        let fraction = ticks.rem_euclid(per_second);
        let days = seconds.div_euclid(SECONDS_A_DAY);
        let (year, month, day) = date(days);
        Self {
            year,
            month,
            day,
            second_of_day: small(seconds.rem_euclid(SECONDS_A_DAY)),
            nanosecond: small(fraction * (1_000_000_000 / per_second)),
        }
    }

    /// The 30 characters of RFC 3339, or nothing where its four digits do not hold the year.
    fn stamp(&self, separator: u8) -> Option<[u8; 30]> {
        let year = u32::try_from(self.year).ok().filter(|year| *year <= 9999)?;
        let mut stamp = *b"0000-00-00T00:00:00.000000000Z";
        stamp[10] = separator;
        let mut put = |at: usize, value: u32| {
            stamp[at..at + 2].copy_from_slice(&PAIRS[value as usize]);
        };
        put(0, year / 100);
        put(2, year % 100);
        put(5, self.month.into());
        put(8, self.day.into());
        put(11, self.second_of_day / 3600);
        put(14, self.second_of_day / 60 % 60);
        put(17, self.second_of_day % 60);
        put(20, self.nanosecond / 10_000_000);
        put(22, self.nanosecond / 100_000 % 100);
        put(24, self.nanosecond / 1_000 % 100);
        put(26, self.nanosecond / 10 % 100);
        stamp[28] = PAIRS[(self.nanosecond % 10) as usize][1];
        Some(stamp)
    }

    #[cold]
    fn expanded(&self, out: &mut Vec<u8>) {
        let Self { year, month, day, second_of_day, nanosecond } = self;
        let (hour, minute, second) =
            (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
        let clock = format_args!("{hour:02}:{minute:02}:{second:02}.{nanosecond:09}");
        format::append(out, format_args!("{year:+05}-{month:02}-{day:02}T{clock}Z"));
    }
}

/// Year, month and day of the day that many days after 1970-01-01.
///
/// Counted from 1 March of year 0, so that the leap day is the last of its year and the lengths
/// of the months repeat every five: 153 days.
fn date(days: i64) -> (i64, u8, u8) {
    let days = days + DAYS_BEFORE_1970;
    let era = days.div_euclid(DAYS_IN_400_YEARS);
    let day_of_era = days.rem_euclid(DAYS_IN_400_YEARS);
    let leap_days_passed =
        day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / (DAYS_IN_400_YEARS - 1);
    let year_of_era = (day_of_era - leap_days_passed) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let (month, next_year) = match months_since_march {
        months @ 0..=9 => (months + 3, 0),
        months => (months - 9, 1),
    };
    (400 * era + year_of_era + next_year, small(month), small(day))
}

/// For values that the calendar has already bounded.
fn small<T: TryFrom<i64> + Default>(value: i64) -> T {
    T::try_from(value).unwrap_or_default()
}

const SECONDS_A_DAY: i64 = 86_400;
const DAYS_IN_400_YEARS: i64 = 146_097;
/// From 1 March of year 0 to 1 January 1970.
const DAYS_BEFORE_1970: i64 = 719_468;

/// `00` to `99`.
static PAIRS: [[u8; 2]; 100] = {
    let digits = b"0123456789";
    let mut pairs = [[b'0'; 2]; 100];
    let mut tens = 0;
    while tens < 10 {
        let mut ones = 0;
        while ones < 10 {
            pairs[10 * tens + ones] = [digits[tens], digits[ones]];
            ones += 1;
        }
        tens += 1;
    }
    pairs
};

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_have_nine_fraction_digits_whatever_their_unit() {
        let cases = [
            (1_767_323_045_000_000_001, 1_000_000_000, "2026-01-02T03:04:05.000000001Z"),
            (1_767_323_045_123_456, 1_000_000, "2026-01-02T03:04:05.123456000Z"),
            (1_767_323_045_987, 1_000, "2026-01-02T03:04:05.987000000Z"),
            (1_767_323_045, 1, "2026-01-02T03:04:05.000000000Z"),
            (0, 1, "1970-01-01T00:00:00.000000000Z"),
            (-1, 1_000_000_000, "1969-12-31T23:59:59.999999999Z"),
            (i64::MAX, 1_000_000_000, "2262-04-11T23:47:16.854775807Z"),
            (i64::MIN, 1_000_000_000, "1677-09-21T00:12:43.145224192Z"),
            (253_402_300_799, 1, "9999-12-31T23:59:59.000000000Z"),
            (253_402_300_800, 1, "+10000-01-01T00:00:00.000000000Z"),
            (-62_167_219_201, 1, "-0001-12-31T23:59:59.000000000Z"),
        ];
        for (ticks, per_second, expected) in cases {
            assert_eq!(written(|out| rfc3339(ticks, per_second, out)), expected);
        }
    }

    #[test]
    fn the_days_of_eight_centuries_follow_each_other() {
        let (mut year, mut month, mut day) = (1600, 1, 1);
        for days in -135_140..157_054 {
            assert_eq!(date(days), (year, month, day));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 => 28 + u8::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            (year, month, day) = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                (_, last) if last == length => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
        assert_eq!((year, month, day), (2400, 1, 1));
    }

    #[test]
    fn readable_times_are_cut_to_milliseconds() {
        let text = written(|out| readable(1_767_323_045_123_999_999, 1_000_000_000, out));
        assert_eq!(text, "2026-01-02 03:04:05.123");
    }

    #[test]
    fn readable_durations_have_no_idle_zeroes() {
        for (nanoseconds, expected) in
            [(0, "0s"), (1_500_000_000, "1.5s"), (-1, "-0.000000001s"), (60_000_000_000, "60s")]
        {
            assert_eq!(written(|out| readable_duration(nanoseconds, out)), expected);
        }
    }
}
