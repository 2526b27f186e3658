// SPDX-License-Identifier: Apache-2.0
//! Copies of messages that no exporter would send.
//!
//! Only data messages are copied, and nothing here can turn a copy into a template or into another
//! exporter's message by more than chance: so what else the exporter sent still means what it did.

use crate::random::Random;

/// Appends a damaged copy of a message that has a header at least.
#[expect(clippy::cast_possible_truncation, reason = "datagrams are shorter than 65,536 octets")]
pub(crate) fn append_damaged(out: &mut Vec<u8>, message: &[u8], random: &mut Random) {
    let begin = out.len();
    let octets = message.len() as u32;
    match random.below(6) {
        0 => out.extend_from_slice(&message[..random.below(octets) as usize]),
        1 => append_noise(out, message, octets, random),
        2 => append_lengthened(out, message, random),
        kind => {
            out.extend_from_slice(message);
            let copy = &mut out[begin..];
            match kind {
                // The length, or how many records there are.
                3 => overwrite(copy, 2, random.bits() as u16),
                4 => overwrite(copy, 0, random.below(u32::from(u16::MAX)) as u16),
                _ => {
                    // Somewhere behind the longest header: a set's length, or a value.
                    let room = octets.saturating_sub(HEADER_OCTETS).max(1);
                    let at = (octets - room + random.below(room)) as usize & !1;
                    overwrite(copy, at, u16::MAX);
                }
            }
        }
    }
}

/// Random octets behind the true version, so that a reader is found for them.
fn append_noise(out: &mut Vec<u8>, message: &[u8], octets: u32, random: &mut Random) {
    let version = message.first_chunk::<4>().copied().unwrap_or_default();
    // sFlow's version takes four octets, the others' two.
    let kept = if version[0] == 0 && version[1] == 0 { 4 } else { 2 };
    out.extend_from_slice(&version[..kept]);
    let more = random.below(octets) as usize;
    out.extend((0..more).map(|_| random.bits().to_be_bytes()[0]));
}

/// The whole message, and octets behind its end.
fn append_lengthened(out: &mut Vec<u8>, message: &[u8], random: &mut Random) {
    out.extend_from_slice(message);
    let more = 1 + random.below(32);
    out.extend((0..more).map(|_| random.bits().to_be_bytes()[0]));
}

fn overwrite(octets: &mut [u8], at: usize, value: u16) {
    if let Some(place) = octets.get_mut(at..at + 2) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}

/// No shorter than any protocol's header without its sets.
const HEADER_OCTETS: u32 = 28;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_copy_is_not_the_message() {
        let message: Vec<u8> = (0..200).collect();
        let mut random = Random::new(1, 0);
        let mut same = 0;
        for _ in 0..1_000 {
            let mut out = vec![7];
            append_damaged(&mut out, &message, &mut random);
            assert_eq!(out[0], 7);
            same += usize::from(out[1..] == message[..]);
        }
        assert!(same < 5, "{same}");
    }

    #[test]
    fn a_short_message_is_damaged_too() {
        let mut random = Random::new(2, 0);
        for _ in 0..1_000 {
            append_damaged(&mut Vec::new(), &[0, 9, 0, 1], &mut random);
        }
    }
}
