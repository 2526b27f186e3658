// SPDX-License-Identifier: Apache-2.0
//! Single values as text: numbers and octet strings. Times are in their own file, addresses in
//! `record`, which writes them into whole columns too.
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

/// Octets in lower-case hexadecimal, nothing between them.
pub(crate) fn hex(octets: &[u8], out: &mut Vec<u8>) {
    out.reserve(2 * octets.len());
    for octet in octets {
        out.extend_from_slice(&[HEX[usize::from(octet >> 4)], HEX[usize::from(octet & 15)]]);
    }
}

/// Whatever the standard library formats.
pub(crate) fn append(out: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    // Writing to a vector has no way to fail.
    let _ = out.write_fmt(arguments);
}

const HEX: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn octets_are_lower_case_hexadecimal() {
        let octets = [0x02, 0x00, 0x5e, 0x10, 0x00, 0xff];
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
