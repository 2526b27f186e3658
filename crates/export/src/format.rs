// SPDX-License-Identifier: Apache-2.0
//! Single values as text: numbers, addresses and octet strings. Times are in their own file.
//!
//! Everything here appends to a buffer, adds no quotes and cannot fail. How a format quotes or
//! aligns is in that format's own file.

use std::io::Write as _;

/// A whole number in decimal.
pub(crate) fn integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// The shortest decimal that reads back as the same number; with an exponent where plain digits
/// would be long. The value must be finite.
pub(crate) fn float(value: f64, out: &mut Vec<u8>) {
    let size = value.abs();
    if size == 0.0 || (1e-5..1e16).contains(&size) {
        append(out, format_args!("{value}"));
    } else {
        append(out, format_args!("{value:e}"));
    }
}

/// [`float`] for the narrower type, whose shortest form has fewer digits.
pub(crate) fn float32(value: f32, out: &mut Vec<u8>) {
    let size = value.abs();
    if size == 0.0 || (1e-5..1e16).contains(&size) {
        append(out, format_args!("{value}"));
    } else {
        append(out, format_args!("{value:e}"));
    }
}

/// An address as RFC 5952 writes it; one that is IPv4-mapped (RFC 4291, 2.5.5.2) as plain IPv4.
pub(crate) fn address(octets: &[u8; 16], out: &mut Vec<u8>) {
    if let [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d] = *octets {
        let mut text = [0; 16];
        let mut length = 0;
        for octet in [a, b, c, d] {
            let (digits, count) = OCTETS[usize::from(octet)];
            text[length..length + 4].copy_from_slice(&digits);
            length += usize::from(count) + 1;
        }
        out.extend_from_slice(&text[..length - 1]);
    } else {
        address_v6(octets, out);
    }
}

/// A MAC address: lower-case hexadecimal with colons.
pub(crate) fn mac(octets: [u8; 6], out: &mut Vec<u8>) {
    let mut text = *b"00:00:00:00:00:00";
    for (index, octet) in octets.iter().enumerate() {
        text[3 * index] = HEX[usize::from(octet >> 4)];
        text[3 * index + 1] = HEX[usize::from(octet & 15)];
    }
    out.extend_from_slice(&text);
}

/// Octets in lower-case hexadecimal, nothing between them.
pub(crate) fn hex(octets: &[u8], out: &mut Vec<u8>) {
    out.reserve(2 * octets.len());
    for octet in octets {
        out.extend_from_slice(&[HEX[usize::from(octet >> 4)], HEX[usize::from(octet & 15)]]);
    }
}

/// The longest run of zero groups, the first of equals, and none of a single group, is `::`
/// (RFC 5952, 4.2).
fn address_v6(octets: &[u8; 16], out: &mut Vec<u8>) {
    let mut groups = [0; 8];
    for (group, pair) in groups.iter_mut().zip(octets.as_chunks().0) {
        *group = u16::from_be_bytes(*pair);
    }
    let gap = longest_zeros(&groups);
    let mut text = [0; 39];
    let mut length = 0;
    let mut put = |octet: u8| {
        text[length] = octet;
        length += 1;
    };
    for (index, group) in groups.iter().enumerate() {
        if gap.contains(&index) {
            if index == gap.start {
                put(b':');
                put(b':');
            }
            continue;
        }
        if index > 0 && index != gap.end {
            put(b':');
        }
        group_v6(*group, &mut put);
    }
    out.extend_from_slice(&text[..length]);
}

fn group_v6(group: u16, put: &mut impl FnMut(u8)) {
    let digits = (u16::BITS - (group | 1).leading_zeros()).div_ceil(4);
    for digit in (0..digits).rev() {
        put(HEX[usize::from(group >> (4 * digit) & 15)]);
    }
}

fn longest_zeros(groups: &[u16; 8]) -> std::ops::Range<usize> {
    let mut best = 0..0;
    let mut start = 0;
    for (index, group) in groups.iter().enumerate() {
        if *group != 0 {
            start = index + 1;
        } else if index + 1 - start > best.len() {
            best = start..index + 1;
        }
    }
    if best.len() < 2 { 0..0 } else { best }
}

/// Whatever the standard library formats.
pub(crate) fn append(out: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    // Writing to a vector has no way to fail.
    let _ = out.write_fmt(arguments);
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// `0.` to `255.` and how many digits come before the dot.
static OCTETS: [([u8; 4], u8); 256] = {
    let mut octets = [([b'.'; 4], 0); 256];
    let mut value = 0;
    while value < 256 {
        let (ones, tens, hundreds) =
            (DIGITS[value % 10], DIGITS[value / 10 % 10], DIGITS[value / 100]);
        octets[value] = match value {
            0..=9 => ([ones, b'.', b'.', b'.'], 1),
            10..=99 => ([tens, ones, b'.', b'.'], 2),
            _ => ([hundreds, tens, ones, b'.'], 3),
        };
        value += 1;
    }
    octets
};

const DIGITS: &[u8; 10] = b"0123456789";

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn address_text(octets: [u8; 16]) -> String {
        written(|out| address(&octets, out))
    }

    #[test]
    fn every_octet_of_an_ipv4_address_is_written_as_the_standard_library_does() {
        for octet in 0..=255 {
            for ipv4 in [[octet, 0, 2, 255], [10, octet, octet, octet]].map(Ipv4Addr::from) {
                let mapped = ipv4.to_ipv6_mapped().octets();
                assert_eq!(address_text(mapped), ipv4.to_string());
            }
        }
    }

    #[test]
    fn every_pattern_of_zero_groups_is_written_as_the_standard_library_does() {
        for value in [1_u16, 0x10, 0xabc, 0x0fff, 0xffff] {
            for pattern in 0..=255_u8 {
                let groups: [u16; 8] =
                    std::array::from_fn(|bit| if pattern >> bit & 1 == 1 { value } else { 0 });
                let ipv6 = Ipv6Addr::from(groups);
                if ipv6.to_ipv4_mapped().is_none() {
                    assert_eq!(address_text(ipv6.octets()), ipv6.to_string());
                }
            }
        }
    }

    #[test]
    fn the_examples_of_rfc_5952_are_written_as_it_says() {
        for (long, short) in [
            ("2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:0DB8::0001", "2001:db8::1"),
            ("0:0:0:0:0:0:0:0", "::"),
        ] {
            let ipv6: Ipv6Addr = long.parse().unwrap();
            assert_eq!(address_text(ipv6.octets()), short);
        }
    }

    #[test]
    fn macs_and_octets_are_lower_case_hexadecimal() {
        let octets = [0x02, 0x00, 0x5e, 0x10, 0x00, 0xff];
        assert_eq!(written(|out| mac(octets, out)), "02:00:5e:10:00:ff");
        assert_eq!(written(|out| hex(&octets, out)), "02005e1000ff");
        assert_eq!(written(|out| hex(&[], out)), "");
    }

    #[test]
    fn floats_are_short_and_read_back_as_the_same_number() {
        let cases = [
            (512.0, "512"),
            (0.1, "0.1"),
            (-0.0, "-0"),
            (1e-5, "0.00001"),
            (1e-7, "1e-7"),
            (1e300, "1e300"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
        ];
        for (value, expected) in cases {
            let text = written(|out| float(value, out));
            assert_eq!(text, expected);
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
        assert_eq!(written(|out| float32(0.1, out)), "0.1");
        assert_eq!(written(|out| float32(1e30, out)), "1e30");
    }
}
