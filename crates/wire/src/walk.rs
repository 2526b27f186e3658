// SPDX-License-Identifier: Apache-2.0
//! The place in a frame that has been reached.
//!
//! Each header is taken as one array of its fixed size, so that there is one
//! bounds check a header and none a field. `Reader` is for layers that are not read
//! for every packet and have fields of changing size.

use crate::{Frame, Reason, WireError};

/// Where a frame is being read, and how far what is being read goes.
///
/// What most packets need is inlined and keeps this in registers, which holds only as long
/// as no call gets at its address, be it by value: [`Walk::aside`] and [`Walk::rest`] are for that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk<'a> {
    /// The frame from its first octet to the last that may be looked at: the end of the
    /// innermost IP packet so far, or the last that was captured.
    pub bytes: &'a [u8],
    /// Octets from the start of the frame to the next header.
    pub at: usize,
    /// Octets from the start of the frame to the end of what encloses the next
    /// header, on the wire: it may lie behind the end of `bytes`.
    pub end: usize,
    /// Pseudowires gone through, which may hold each other.
    pub pseudowires: usize,
}

impl<'a> Walk<'a> {
    /// At the first octet of `frame`.
    #[inline]
    pub fn new(frame: &Frame<'a>) -> Self {
        let bytes = frame.bytes;
        let end = bytes.len().max(frame.original_octets as usize);
        Self { bytes, at: 0, end, pseudowires: 0 }
    }

    /// Lets `read`, which is a call, go on from here.
    #[inline]
    pub fn aside<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let mut copy = *self;
        let result = read(&mut copy);
        *self = copy;
        result
    }

    /// The next `N` octets, if they are there.
    #[inline]
    pub fn peek<const N: usize>(&self) -> Option<&'a [u8; N]> {
        self.bytes.get(self.at..).and_then(<[u8]>::first_chunk)
    }

    /// The `N` octets that begin `ahead` octets after the next one, if they are there.
    pub fn peek_at<const N: usize>(&self, ahead: usize) -> Option<&'a [u8; N]> {
        self.bytes.get(self.at.checked_add(ahead)?..).and_then(<[u8]>::first_chunk)
    }

    /// The next `N` octets, and goes behind them. `layer` begins `offset` octets before.
    #[inline]
    pub fn take<const N: usize>(
        &mut self,
        layer: &'static str,
        offset: usize,
    ) -> Result<&'a [u8; N], WireError> {
        match self.peek() {
            Some(head) => {
                self.at += N;
                Ok(head)
            }
            None => Err(self.truncated(layer, offset, N)),
        }
    }

    /// Goes behind the next `octets`, whether they were captured or not.
    pub fn skip(&mut self, octets: usize) {
        self.at = self.at.saturating_add(octets);
    }

    /// Octets to the end of what encloses the next header, captured or not.
    #[inline]
    pub fn left_on_wire(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    /// Makes the next `octets` octets all that may be looked at.
    #[inline]
    pub fn narrow(&mut self, octets: usize) {
        self.end = self.at.saturating_add(octets);
        if let Some(bytes) = self.bytes.get(..self.end) {
            self.bytes = bytes;
        }
    }

    /// What comes next and how much of it there is on the wire.
    #[inline]
    pub fn rest(&self) -> Rest {
        Rest { at: self.at, octets: self.left_on_wire() }
    }

    /// That `need` octets are not there, `offset` octets into `layer`.
    #[inline]
    pub fn truncated(&self, layer: &'static str, offset: usize, need: usize) -> WireError {
        truncated(layer, offset, need, self.bytes.len().saturating_sub(self.at))
    }
}

/// A part of a frame on the wire, whether it was captured or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    /// Octets from the start of the frame to its first.
    pub at: usize,
    /// How many it has.
    pub octets: usize,
}

#[cold]
fn truncated(layer: &'static str, offset: usize, need: usize, left: usize) -> WireError {
    WireError { layer, offset, reason: Reason::Truncated { need, left } }
}

/// That `field`, `offset` octets into `layer`, cannot be `value`.
#[cold]
pub(crate) fn forbidden(
    layer: &'static str,
    offset: usize,
    field: &'static str,
    value: impl Into<u64>,
) -> WireError {
    WireError { layer, offset, reason: Reason::Forbidden { field, value: value.into() } }
}

/// That there are more than `limit` of `layer`.
#[cold]
pub(crate) fn too_deep(layer: &'static str, limit: usize) -> WireError {
    WireError { layer, offset: 0, reason: Reason::TooDeep { limit } }
}

/// `N` octets of a header, from its octet `at`: constants both, within the header,
/// which leaves nothing of this function but a load.
#[inline]
pub(crate) fn part<const N: usize, const H: usize>(head: &[u8; H], at: usize) -> [u8; N] {
    debug_assert!(at + N <= H, "a field beyond its header");
    head.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
}

/// The two octets of a header from its octet `at`, big-endian.
#[inline]
pub(crate) fn be16<const H: usize>(head: &[u8; H], at: usize) -> u16 {
    u16::from_be_bytes(part(head, at))
}

/// The four octets of a header from its octet `at`, big-endian.
#[inline]
pub(crate) fn be32<const H: usize>(head: &[u8; H], at: usize) -> u32 {
    u32::from_be_bytes(part(head, at))
}

/// A place in a frame as `Packet` keeps it. No frame has 4 GiB.
#[inline]
pub(crate) fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LinkType;

    fn walk(bytes: &[u8]) -> Walk<'_> {
        Walk::new(&Frame { link: LinkType::ETHERNET, bytes, original_octets: 100 })
    }

    #[test]
    fn narrowing_forgets_what_lies_behind_but_never_adds() {
        let mut inside = walk(&[1, 2, 3, 4]);
        inside.at = 1;
        inside.narrow(2);
        assert_eq!((inside.bytes, inside.end), ([1, 2, 3].as_slice(), 3));
        inside.narrow(50);
        assert_eq!((inside.bytes, inside.end), ([1, 2, 3].as_slice(), 51));
    }

    #[test]
    fn what_is_not_there_is_an_error_that_says_how_much_is() {
        let mut w = walk(&[1, 2, 3]);
        assert_eq!(w.take::<2>("thing", 0), Ok(&[1, 2]));
        let error = w.take::<4>("thing", 2).unwrap_err();
        assert_eq!(error.to_string(), "thing: octet 2: 4 more needed, 1 left");
        assert_eq!(w.peek_at::<1>(usize::MAX), None);
    }
}
