// SPDX-License-Identifier: Apache-2.0
//! Reading untrusted bytes without a way to fall off the end.

use crate::{Reason, WireError};

/// A cursor over one layer. Each read takes octets or says why it could not.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    layer: &'static str,
    bytes: &'a [u8],
    /// Octets taken so far.
    at: usize,
}

impl<'a> Reader<'a> {
    /// A cursor at the start of `bytes`, which errors will call `layer`.
    pub const fn new(layer: &'static str, bytes: &'a [u8]) -> Self {
        Self { layer, bytes, at: 0 }
    }

    /// One octet.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, WireError> {
        self.array().map(u8::from_be_bytes)
    }

    /// Two octets, big-endian.
    #[inline]
    pub fn u16(&mut self) -> Result<u16, WireError> {
        self.array().map(u16::from_be_bytes)
    }

    /// Four octets, big-endian.
    #[inline]
    pub fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_be_bytes)
    }

    /// Eight octets, big-endian.
    #[inline]
    pub fn u64(&mut self) -> Result<u64, WireError> {
        self.array().map(u64::from_be_bytes)
    }

    /// The next `N` octets as they are.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        match self.bytes.get(self.at..).and_then(<[u8]>::first_chunk) {
            Some(head) => {
                self.at += N;
                Ok(*head)
            }
            None => Err(self.truncated(N)),
        }
    }

    /// The next `len` octets, not copied.
    #[inline]
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], WireError> {
        match self.rest().get(..len) {
            Some(head) => {
                self.at += len;
                Ok(head)
            }
            None => Err(self.truncated(len)),
        }
    }

    /// Passes over `len` octets.
    #[inline]
    pub fn skip(&mut self, len: usize) -> Result<(), WireError> {
        self.take(len).map(|_| ())
    }

    /// What has not been read yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or(&[])
    }

    /// Octets read so far.
    #[inline]
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Refuses a field that begins `offset` octets into the layer.
    #[cold]
    pub fn forbidden(
        &self,
        offset: usize,
        field: &'static str,
        value: impl Into<u64>,
    ) -> WireError {
        let reason = Reason::Forbidden { field, value: value.into() };
        WireError { layer: self.layer, offset, reason }
    }

    #[cold]
    fn truncated(&self, need: usize) -> WireError {
        let left = self.bytes.len().saturating_sub(self.at);
        WireError { layer: self.layer, offset: self.at, reason: Reason::Truncated { need, left } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_past_the_end_says_where_and_how_much() {
        let mut r = Reader::new("thing", &[1, 2, 3]);
        assert_eq!(r.u16(), Ok(0x0102));
        assert_eq!(r.u32().unwrap_err().to_string(), "thing: octet 2: 4 more needed, 1 left");
        assert_eq!(r.rest(), [3]);
    }
}
