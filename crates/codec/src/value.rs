// SPDX-License-Identifier: Apache-2.0
//! Values as fields hold them (RFC 7011 section 6), whatever the field is.
//!
//! Numbers may have lost leading octets on the way (section 6.2), so each is read from as many as
//! there are.

use crate::Malformed;

/// A number of any width; of more than eight octets the last eight count, of none it is 0.
#[inline]
pub fn unsigned(octets: &[u8]) -> u64 {
    match *octets {
        [a] => a.into(),
        [a, b] => u16::from_be_bytes([a, b]).into(),
        [a, b, c, d] => u32::from_be_bytes([a, b, c, d]).into(),
        _ => octets.iter().fold(0, |value, &octet| value << 8 | u64::from(octet)),
    }
}

/// A number with a sign, in two's complement of any width; of more than eight octets the last
/// eight count, of none it is 0.
#[inline]
pub fn signed(octets: &[u8]) -> i64 {
    let missing_bits = 64 - 8 * octets.len().clamp(1, 8);
    (unsigned(octets) << missing_bits).cast_signed() >> missing_bits
}

/// A float64, sent whole or as a float32; none of another width.
#[inline]
pub fn float(octets: &[u8]) -> Option<f64> {
    match *octets {
        [a, b, c, d] => Some(f32::from_be_bytes([a, b, c, d]).into()),
        _ => Some(f64::from_be_bytes(octets.try_into().ok()?)),
    }
}

/// A boolean, whose octet is 1 or 2 (section 6.1.5); none if it is neither.
#[inline]
pub fn boolean(octets: &[u8]) -> Option<bool> {
    match octets {
        [1] => Some(true),
        [2] => Some(false),
        _ => None,
    }
}

/// Nanoseconds since 1970 of an NTP timestamp, as dateTimeNanoseconds is sent (section 6.1.10).
/// Its seconds come round every 136 years: of the times it may be, the one nearest to the export
/// time in seconds since 1970 is meant.
#[inline]
pub fn ntp_to_ns(ntp: u64, export_time_s: u32) -> i64 {
    let (seconds, fraction) = split(ntp, export_time_s);
    seconds * NS_PER_S + rounded(fraction, NS_PER_S)
}

/// As [`ntp_to_ns`], of dateTimeMicroseconds (section 6.1.9): the last 11 bits say nothing, and
/// what is left is taken as whole microseconds.
#[inline]
pub fn ntp_micro_to_ns(ntp: u64, export_time_s: u32) -> i64 {
    let (seconds, fraction) = split(ntp & MICRO_BITS, export_time_s);
    seconds * NS_PER_S + rounded(fraction, NS_PER_S / 1000) * 1000
}

/// The NTP timestamp of a time in nanoseconds since 1970, for dateTimeNanoseconds.
///
/// The fraction is rounded up, by less than a quarter of a nanosecond: so readers that round to the
/// nearest nanosecond and those that round down both find the time that was meant.
#[inline]
pub fn ns_to_ntp(time_ns: i64) -> u64 {
    let ns = time_ns.rem_euclid(NS_PER_S);
    ntp(time_ns, ((ns << 32) + NS_PER_S - 1) / NS_PER_S)
}

/// As [`ns_to_ntp`], for dateTimeMicroseconds: whole microseconds, and nothing in the last 11 bits.
#[inline]
pub fn ns_to_ntp_micro(time_ns: i64) -> u64 {
    let us = time_ns.rem_euclid(NS_PER_S) / 1000;
    let bits = ((us << MICRO_BIT_COUNT) + US_PER_S - 1) / US_PER_S;
    ntp(time_ns, bits << (32 - MICRO_BIT_COUNT))
}

fn ntp(time_ns: i64, fraction: i64) -> u64 {
    let seconds = time_ns.div_euclid(NS_PER_S) + UNIX_EPOCH_S;
    (seconds << 32 | fraction).cast_unsigned()
}

/// Octets of a value of variable length, and those of the prefix that says so (section 7). The
/// value itself may be cut. Values below 255 octets may have the long prefix, too.
#[inline]
pub fn read_variable_length(octets: &[u8]) -> Result<(usize, usize), Malformed> {
    match *octets {
        [LONG, high, low, ..] => Ok((usize::from(u16::from_be_bytes([high, low])), 3)),
        [length, ..] if length != LONG => Ok((usize::from(length), 1)),
        _ => Err(Malformed::ValueBeyondSet),
    }
}

/// A value of variable length, and what follows it.
#[inline]
pub fn read_variable(octets: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let (length, prefix) = read_variable_length(octets)?;
    let value = octets.get(prefix..).and_then(|rest| rest.split_at_checked(length));
    value.ok_or(Malformed::ValueBeyondSet)
}

/// The octet that says that two octets with the length follow.
pub(crate) const LONG: u8 = 255;
/// The bits of a fraction of which dateTimeMicroseconds makes use.
const MICRO_BITS: u64 = !0x7ff;
const MICRO_BIT_COUNT: u32 = 21;
const NS_PER_S: i64 = 1_000_000_000;
const US_PER_S: i64 = 1_000_000;
/// From 1900, where NTP begins, to 1970.
const UNIX_EPOCH_S: i64 = 2_208_988_800;

/// Seconds since 1970 and the fraction. The difference to the export time is taken as a signed
/// number of 32 bits, which makes it the least there is.
#[inline]
fn split(ntp: u64, export_time_s: u32) -> (i64, i64) {
    let export_s = i64::from(export_time_s);
    let [a, b, c, d, fraction @ ..] = ntp.to_be_bytes();
    let seconds = i64::from(u32::from_be_bytes([a, b, c, d]));
    let ahead = (seconds - UNIX_EPOCH_S - export_s) << 32 >> 32;
    (export_s + ahead, u32::from_be_bytes(fraction).into())
}

#[inline]
const fn rounded(fraction: i64, units_per_s: i64) -> i64 {
    (fraction * units_per_s + (1 << 31)) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPORT_S: u32 = 1_700_000_000;

    #[test]
    fn numbers_of_any_width_keep_their_value() {
        assert_eq!(unsigned(&[]), 0);
        assert_eq!(unsigned(&[0, 0, 0x12, 0x34, 0x56]), 0x12_3456);
        assert_eq!(unsigned(&[1; 20]), 0x0101_0101_0101_0101);
        for width in 1..=8 {
            assert_eq!(
                unsigned(&300_u64.to_be_bytes()[8 - width..]),
                300 % (1 << (8 * width.min(7)))
            );
            assert_eq!(signed(&(-3_i64).to_be_bytes()[8 - width..]), -3);
            assert_eq!(signed(&100_i64.to_be_bytes()[8 - width..]), 100);
        }
        assert_eq!(signed(&[]), 0);
        assert_eq!(signed(&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]), -2);
    }

    #[test]
    fn floats_may_be_half_as_wide() {
        assert_eq!(float(&0.5_f32.to_be_bytes()), Some(0.5));
        assert_eq!(float(&0.1_f64.to_be_bytes()), Some(0.1));
        assert_eq!(float(&[0; 3]), None);
        assert_eq!([1, 2, 0].map(|octet| boolean(&[octet])), [Some(true), Some(false), None]);
    }

    #[test]
    fn times_are_those_of_the_specification() {
        let half = 1_700_000_000_500_000_000;
        assert_eq!(ns_to_ntp(half), 0xe8fe_6f80_8000_0000);
        assert_eq!(ntp_to_ns(0xe8fe_6f80_8000_0000, EXPORT_S), half);
        let some = 1_700_000_000_123_456_000;
        assert_eq!(ns_to_ntp(some), 0xe8fe_6f80_1f9a_cffb);
        assert_eq!(ns_to_ntp_micro(some), 0xe8fe_6f80_1f9a_d000);
        assert_eq!(ntp_to_ns(0xe8fe_6f80_1f9a_cffa, EXPORT_S), some);
        assert_eq!(ntp_micro_to_ns(0xe8fe_6f80_1f9a_c800, EXPORT_S), some);
        assert_eq!(ntp_micro_to_ns(0xe8fe_6f80_1f9a_cfff, EXPORT_S), some);
    }

    #[test]
    fn every_nanosecond_and_every_microsecond_comes_back() {
        let whole = i64::from(EXPORT_S) * NS_PER_S;
        for ns in (0..NS_PER_S).step_by(99_991).chain([1, 999_999_999]) {
            assert_eq!(ntp_to_ns(ns_to_ntp(whole + ns), EXPORT_S), whole + ns);
            let micro = whole + ns / 1000 * 1000;
            assert_eq!(ntp_micro_to_ns(ns_to_ntp_micro(micro), EXPORT_S), micro);
        }
    }

    #[test]
    fn the_round_of_seconds_is_the_one_nearest_to_the_export() {
        let turn_s = 2_085_978_496;
        assert_eq!(ns_to_ntp(turn_s * NS_PER_S), 0);
        for export_s in [1_700_000_000, 2_085_978_495, 2_085_978_497, 3_000_000_000] {
            for time_s in [turn_s - 1, turn_s, turn_s + 1] {
                let time_ns = time_s * NS_PER_S;
                assert_eq!(ntp_to_ns(ns_to_ntp(time_ns), export_s), time_ns);
            }
        }
        for export_s in [0, u32::MAX] {
            for ntp in [0, u64::MAX, 1 << 63] {
                let away = ntp_to_ns(ntp, export_s) / NS_PER_S - i64::from(export_s);
                assert!(away.abs() <= 1 << 31);
                ntp_micro_to_ns(ntp, export_s);
            }
        }
        for time_ns in [i64::MIN, -1, i64::MAX] {
            ns_to_ntp(time_ns);
        }
    }

    #[test]
    fn lengths_are_short_or_long() {
        assert_eq!(read_variable(&[2, 7, 8, 9]), Ok((&[7, 8][..], &[9][..])));
        assert_eq!(read_variable(&[255, 0, 2, 7, 8, 9]), Ok((&[7, 8][..], &[9][..])));
        assert_eq!(read_variable(&[0]), Ok((&[][..], &[][..])));
        for cut in [&[][..], &[255], &[255, 0], &[255, 0, 1], &[1], &[254, 0]] {
            assert_eq!(read_variable(cut), Err(Malformed::ValueBeyondSet), "{cut:?}");
        }
    }
}
