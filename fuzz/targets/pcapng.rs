// SPDX-License-Identifier: Apache-2.0
//! A capture: how it is to be read (4), and its octets. Half of the inputs are made of blocks
//! whose lengths agree, so that more than the first is looked at.
#![no_main]

use libfuzzer_sys::fuzz_target;
use penstock_fuzz::Input;
use penstock_fuzz::captures::{Reading, check};

fuzz_target!(|octets: &[u8]| {
    let mut input = Input::new(octets);
    let (which, reading) = (input.u8(), Reading::of(&mut input));
    let forced = which & 1 == 0;
    let mut capture = input.rest().to_vec();
    if forced {
        let big_endian = which & 2 != 0;
        capture.splice(..0, section(big_endian));
        let ends = mend(&mut capture, big_endian);
        if which & 0b1100 == 0b1100 {
            let at = ends[usize::from(which >> 4) % ends.len()];
            capture.splice(at..at, unknown_block());
        }
    }
    check(&capture, reading, forced);
});

/// A section header, and an interface of Ethernet with a snap length of 96 octets.
fn section(big_endian: bool) -> Vec<u8> {
    let words = [0x0a0d_0d0a, 28, 0x1a2b_3c4d, 0, u32::MAX, u32::MAX, 28];
    let mut octets: Vec<u8> = words.iter().flat_map(|word| number(*word, big_endian)).collect();
    let major: u16 = 1;
    let major = if big_endian { major.to_be_bytes() } else { major.to_le_bytes() };
    octets[12..14].copy_from_slice(&major);
    let link: u16 = 1;
    let link = if big_endian { link.to_be_bytes() } else { link.to_le_bytes() };
    octets.extend([1, 20].iter().flat_map(|word| number(*word, big_endian)));
    octets.extend(link);
    octets.extend([0, 0]);
    octets.extend([96, 20].iter().flat_map(|word| number(*word, big_endian)));
    octets
}

/// A block that says nothing, longer than what is kept between packets; its length reads the
/// same in both byte orders.
fn unknown_block() -> Vec<u8> {
    let length: [u8; 4] = [0, 1, 1, 0];
    let mut block = vec![0; u32::from_be_bytes(length) as usize];
    let end = block.len() - 4;
    block[..4].copy_from_slice(&[0x0b, 0x0a, 0x0a, 0x0b]);
    block[4..8].copy_from_slice(&length);
    block[end..].copy_from_slice(&length);
    block
}

/// Makes every block's length one that it can have, and says it again at its end. Answers
/// where blocks end.
fn mend(capture: &mut [u8], mut big_endian: bool) -> Vec<usize> {
    let (mut at, mut ends) = (0, Vec::new());
    while at + 12 <= capture.len() {
        let head = &capture[at..at + 12];
        if head[..4] == [0x0a, 0x0d, 0x0d, 0x0a] {
            big_endian = head[8] == 0x1a;
        }
        let length = [head[4], head[5], head[6], head[7]];
        let length =
            if big_endian { u32::from_be_bytes(length) } else { u32::from_le_bytes(length) };
        let left = capture.len() - at;
        let octets = (length as usize).clamp(12, left.max(12)) & !3;
        if at + octets > capture.len() {
            break;
        }
        let length = number(u32::try_from(octets).unwrap_or(u32::MAX), big_endian);
        capture[at + 4..at + 8].copy_from_slice(&length);
        at += octets;
        capture[at - 4..at].copy_from_slice(&length);
        ends.push(at);
    }
    ends
}

fn number(word: u32, big_endian: bool) -> [u8; 4] {
    if big_endian { word.to_be_bytes() } else { word.to_le_bytes() }
}
