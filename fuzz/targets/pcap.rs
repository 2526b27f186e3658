// SPDX-License-Identifier: Apache-2.0
//! A capture: how it is to be read (4), and its octets. Half of the inputs are made to begin as
//! a pcap file does, the others may be any format, packed or not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use penstock_fuzz::Input;
use penstock_fuzz::captures::{Reading, check};

fuzz_target!(|octets: &[u8]| {
    let mut input = Input::new(octets);
    let (which, reading) = (input.u8(), Reading::of(&mut input));
    let mut capture = input.rest().to_vec();
    let forced = which & 1 == 0 && capture.len() >= 24;
    if forced {
        let (magic, big_endian) = MAGICS[usize::from(which >> 1) % MAGICS.len()];
        capture[..4].copy_from_slice(&magic);
        let major: u16 = 2;
        let major = if big_endian { major.to_be_bytes() } else { major.to_le_bytes() };
        capture[4..6].copy_from_slice(&major);
    }
    check(&capture, reading, forced);
});

/// How pcap files begin, and whether their numbers are big-endian.
const MAGICS: [([u8; 4], bool); 6] = [
    ([0xd4, 0xc3, 0xb2, 0xa1], false),
    ([0xa1, 0xb2, 0xc3, 0xd4], true),
    ([0x4d, 0x3c, 0xb2, 0xa1], false),
    ([0xa1, 0xb2, 0x3c, 0x4d], true),
    ([0x34, 0xcd, 0xb2, 0xa1], false),
    ([0xa1, 0xb2, 0xcd, 0x34], true),
];
