// SPDX-License-Identifier: Apache-2.0
//! Sets, which `NetFlow` version 9 calls `FlowSets`: the parts of a message.
//!
//! ```text
//!   0        2        4 ..
//! +--------+--------+-- ... ----------+---------+
//! | Set id | Length | Records         | Padding |
//! +--------+--------+-- ... ----------+---------+
//! ```
//!
//! The length counts the four octets before the records and the padding behind them. RFC 7011
//! section 3.3, RFC 3954 section 5.

use std::iter::FusedIterator;
use std::mem;

use crate::{Malformed, Unwritable};

/// One set of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Set<'a> {
    /// What it holds: templates, options templates, or records of the template of this number.
    pub id: u16,
    /// What follows its header, padding included.
    pub octets: &'a [u8],
}

/// The sets of a message. An error is the last item: where a set does not end, none begins.
#[derive(Clone, Debug)]
pub struct Sets<'a> {
    rest: &'a [u8],
    tail: Tail,
}

/// What may stand behind the last set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tail {
    /// Too little for a header, or zeroes up to the datagram's end, as some exporters of version 9
    /// fill theirs up.
    Filled,
    /// At most three zeroes.
    Whole,
    /// More sets, which did not come.
    Missing,
}

impl<'a> Sets<'a> {
    pub(crate) const fn new(octets: &'a [u8], tail: Tail) -> Self {
        Self { rest: octets, tail }
    }

    #[inline]
    fn read(&mut self) -> Option<Result<Set<'a>, Malformed>> {
        // Taken away, so that only a whole set puts back what is to be read after it.
        let rest = mem::take(&mut self.rest);
        let Some((&[id_high, id_low, high, low], body)) = rest.split_first_chunk() else {
            return match self.tail {
                Tail::Missing => Some(Err(Malformed::MessageLength)),
                Tail::Whole if !is_zero(rest) => Some(Err(Malformed::SetBeyondMessage)),
                Tail::Whole | Tail::Filled => None,
            };
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some(octets) = length.checked_sub(HEADER_OCTETS) else {
            let filled = self.tail == Tail::Filled && is_zero(rest);
            return if filled { None } else { Some(Err(Malformed::SetLength)) };
        };
        let Some((octets, rest)) = body.split_at_checked(octets) else {
            return Some(Err(Malformed::SetBeyondMessage));
        };
        self.rest = rest;
        Some(Ok(Set { id: u16::from_be_bytes([id_high, id_low]), octets }))
    }
}

impl<'a> Iterator for Sets<'a> {
    type Item = Result<Set<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let set = self.read();
        if matches!(set, Some(Err(_))) {
            // What is missing is said once.
            self.tail = Tail::Filled;
        }
        set
    }
}

impl FusedIterator for Sets<'_> {}

/// Writes the sets of one message behind what a vector holds already, and their lengths.
#[derive(Debug)]
pub(crate) struct SetsWriter<'a> {
    pub(crate) out: &'a mut Vec<u8>,
    /// Where the message begins.
    start: usize,
    /// Where the set that is open begins.
    set: Option<usize>,
    too_long: bool,
}

impl<'a> SetsWriter<'a> {
    pub(crate) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { start: out.len(), out, set: None, too_long: false }
    }

    pub(crate) const fn octets(&self) -> usize {
        self.out.len().saturating_sub(self.start)
    }

    /// Ends a set that is still open.
    pub(crate) fn begin(&mut self, id: u16) {
        self.end();
        self.set = Some(self.out.len());
        self.out.extend_from_slice(&id.to_be_bytes());
        self.out.extend_from_slice(&[0; 2]);
    }

    pub(crate) fn end(&mut self) {
        if let Some(set) = self.set.take() {
            let length = self.out.len().saturating_sub(set);
            self.put_u16(set.saturating_add(2), length);
        }
    }

    /// Ends the set at a multiple of four octets, if a receiver would not take the padding for a
    /// record (RFC 7011 section 3.3.1).
    pub(crate) fn end_padded(&mut self, least_record_octets: usize) {
        if let Some(set) = self.set {
            let length = self.out.len().saturating_sub(set);
            let padding = length.next_multiple_of(4) - length;
            if padding < least_record_octets {
                self.out.resize(self.out.len() + padding, 0);
            }
        }
        self.end();
    }

    /// Overwrites two octets of the message, counted from the vector's beginning.
    pub(crate) fn put_u16(&mut self, at: usize, value: usize) {
        let octets = u16::try_from(value).map(u16::to_be_bytes);
        match (octets, self.out.get_mut(at..).and_then(<[u8]>::first_chunk_mut)) {
            (Ok(octets), Some(place)) => *place = octets,
            _ => self.too_long = true,
        }
    }

    /// As [`Self::put_u16`], counted from the message's beginning.
    pub(crate) fn put_u16_of_message(&mut self, at: usize, value: usize) {
        self.put_u16(self.start.saturating_add(at), value);
    }

    /// The message's octets; what cannot be sent is taken away again.
    pub(crate) fn finish(mut self) -> Result<usize, Unwritable> {
        self.end();
        if self.too_long || self.octets() > usize::from(u16::MAX) {
            self.out.truncate(self.start);
            return Err(Unwritable::TooLong);
        }
        Ok(self.octets())
    }
}

pub(crate) fn is_zero(octets: &[u8]) -> bool {
    octets.iter().all(|&octet| octet == 0)
}

const HEADER_OCTETS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    type Read = Vec<Result<(u16, usize), Malformed>>;

    fn read(octets: &[u8], tail: Tail) -> Read {
        let sets = Sets::new(octets, tail);
        sets.map(|set| set.map(|set| (set.id, set.octets.len()))).collect()
    }

    #[test]
    fn sets_follow_each_other_to_the_end() {
        let octets = [1, 0, 0, 6, 9, 9, 0, 2, 0, 4];
        for tail in [Tail::Filled, Tail::Whole] {
            assert_eq!(read(&octets, tail), [Ok((256, 2)), Ok((2, 0))]);
        }
    }

    #[test]
    fn what_stands_before_the_damage_is_given_and_nothing_behind_it() {
        let whole = [1, 0, 0, 5, 9];
        for (behind, why) in [
            (&[1, 1, 0, 3, 0, 2, 0, 4][..], Malformed::SetLength),
            (&[1, 1, 0, 5], Malformed::SetBeyondMessage),
            (&[1, 1, 255, 255, 0, 2, 0, 4], Malformed::SetBeyondMessage),
        ] {
            for tail in [Tail::Filled, Tail::Whole, Tail::Missing] {
                let octets = [&whole, behind].concat();
                assert_eq!(read(&octets, tail), [Ok((256, 1)), Err(why)], "{behind:?}");
            }
        }
    }

    #[test]
    fn zeroes_up_to_the_end_are_no_set_where_exporters_fill_up() {
        for zeroes in 0..9 {
            let octets = [&[1, 0, 0, 4][..], &vec![0; zeroes]].concat();
            assert_eq!(read(&octets, Tail::Filled), [Ok((256, 0))]);
            let strict = read(&octets, Tail::Whole);
            assert_eq!(strict.len(), if zeroes < 4 { 1 } else { 2 });
        }
        assert_eq!(read(&[0, 0, 0, 0, 1], Tail::Filled), [Err(Malformed::SetLength)]);
        assert_eq!(read(&[0, 0, 1], Tail::Filled), []);
        assert_eq!(read(&[0, 0, 1], Tail::Whole), [Err(Malformed::SetBeyondMessage)]);
    }

    #[test]
    fn a_message_cut_between_two_sets_is_known_to_be_cut() {
        let mut sets = Sets::new(&[1, 0, 0, 4], Tail::Missing);
        assert_eq!(sets.next(), Some(Ok(Set { id: 256, octets: &[] })));
        assert_eq!(sets.next(), Some(Err(Malformed::MessageLength)));
        assert_eq!(sets.next(), None);
    }

    #[test]
    fn padding_is_left_out_where_it_could_be_a_record() {
        for (least, octets) in [(1, 5), (3, 5), (4, 8), (40, 8)] {
            let mut out = vec![];
            let mut writer = SetsWriter::new(&mut out);
            writer.begin(300);
            writer.out.push(7);
            writer.end_padded(least);
            assert_eq!(writer.finish(), Ok(octets));
            assert_eq!(usize::from(out[3]), octets, "a least record of {least} octets");
        }
    }

    #[test]
    fn what_is_too_long_is_not_there_in_the_end() {
        let mut out = vec![1, 2, 3];
        let mut writer = SetsWriter::new(&mut out);
        writer.begin(300);
        writer.out.resize(70_000, 0);
        assert_eq!(writer.finish(), Err(Unwritable::TooLong));
        assert_eq!(out, [1, 2, 3]);
    }
}
