// SPDX-License-Identifier: Apache-2.0
//! Values in the External Data Representation (RFC 4506), as far as sFlow uses it.

use crate::Malformed;

/// A cursor over one sample or record. What is not there any more is a cut sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Xdr<'a>(&'a [u8]);

impl<'a> Xdr<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    #[inline]
    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self.0.split_first_chunk().ok_or(Malformed::SampleCut)?;
        self.0 = rest;
        Ok(*head)
    }

    /// So many octets, without padding.
    #[inline]
    pub(super) fn take(&mut self, octets: u32) -> Result<&'a [u8], Malformed> {
        let octets = usize::try_from(octets).map_err(|_| Malformed::SampleCut)?;
        let (head, rest) = self.0.split_at_checked(octets).ok_or(Malformed::SampleCut)?;
        self.0 = rest;
        Ok(head)
    }

    /// Six octets of address, two of padding.
    #[inline]
    pub(super) fn mac(&mut self) -> Result<[u8; 6], Malformed> {
        let [mac @ .., _, _] = self.array::<8>()?;
        Ok(mac)
    }

    /// A length, so many octets, and their padding, which may be missing at the very end.
    #[inline]
    pub(super) fn opaque(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.u32()?;
        let octets = self.take(length)?;
        let padding = octets.len().wrapping_neg() % 4;
        self.0 = self.0.get(padding..).unwrap_or_default();
        Ok(octets)
    }

    /// An address, IPv4 mapped; none if its type says that it is not known.
    #[inline]
    pub(super) fn address(&mut self) -> Result<Option<[u8; 16]>, Malformed> {
        match self.u32()? {
            ADDRESS_UNKNOWN => Ok(None),
            ADDRESS_IPV4 => self.array().map(|octets| Some(mapped(octets))),
            ADDRESS_IPV6 => self.array().map(Some),
            _ => Err(Malformed::SampleField),
        }
    }

    /// A count and so many numbers, which may be `most`.
    #[inline]
    pub(super) fn numbers(&mut self, most: usize) -> Result<Numbers<'a>, Malformed> {
        let count = self.u32()?;
        if usize::try_from(count).map_or(true, |count| count > most) {
            return Err(Malformed::SampleField);
        }
        self.take(count * 4).map(Numbers)
    }

    #[inline]
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.0
    }
}

/// Numbers of four octets, one after another, as they were sent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Numbers<'a>(&'a [u8]);

impl<'a> Numbers<'a> {
    /// How many there are.
    pub const fn len(self) -> usize {
        self.0.len() / 4
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Each of them, in order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator + use<'a> {
        self.0.as_chunks().0.iter().map(|octets| u32::from_be_bytes(*octets))
    }
}

pub(super) fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub(super) fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub(super) fn put_mac(out: &mut Vec<u8>, mac: [u8; 6]) {
    out.extend_from_slice(&mac);
    out.extend_from_slice(&[0; 2]);
}

pub(super) fn put_opaque(out: &mut Vec<u8>, octets: &[u8]) {
    put_count(out, octets.len());
    out.extend_from_slice(octets);
    out.extend(std::iter::repeat_n(0, octets.len().wrapping_neg() % 4));
}

/// An address in its short form if it is a mapped IPv4 address.
pub(super) fn put_address(out: &mut Vec<u8>, address: Option<[u8; 16]>) {
    match address {
        None => put_u32(out, ADDRESS_UNKNOWN),
        Some([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ipv4 @ ..]) => {
            put_u32(out, ADDRESS_IPV4);
            out.extend_from_slice(&ipv4);
        }
        Some(ipv6) => {
            put_u32(out, ADDRESS_IPV6);
            out.extend_from_slice(&ipv6);
        }
    }
}

pub(super) fn put_numbers(out: &mut Vec<u8>, numbers: impl ExactSizeIterator<Item = u32>) {
    put_count(out, numbers.len());
    numbers.for_each(|number| put_u32(out, number));
}

pub(super) fn put_count(out: &mut Vec<u8>, count: usize) {
    put_u32(out, u32::try_from(count).unwrap_or(u32::MAX));
}

/// An IPv4 address in 16 octets.
pub(super) const fn mapped([a, b, c, d]: [u8; 4]) -> [u8; 16] {
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
}

const ADDRESS_UNKNOWN: u32 = 0;
const ADDRESS_IPV4: u32 = 1;
const ADDRESS_IPV6: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_padded_to_four_and_the_last_padding_may_be_missing() {
        let mut out = Vec::new();
        put_opaque(&mut out, b"abcde");
        put_u32(&mut out, 7);
        assert_eq!(out.len(), 4 + 8 + 4);
        let mut xdr = Xdr::new(&out);
        assert_eq!((xdr.opaque(), xdr.u32()), (Ok(&b"abcde"[..]), Ok(7)));
        assert_eq!(Xdr::new(&out[..9]).opaque(), Ok(&b"abcde"[..]));
        assert_eq!(Xdr::new(&out[..8]).opaque(), Err(Malformed::SampleCut));
    }

    #[test]
    fn addresses_of_every_type_come_back() {
        for address in [None, Some(mapped([192, 0, 2, 1])), Some([0x20; 16])] {
            let mut out = Vec::new();
            put_address(&mut out, address);
            assert_eq!(Xdr::new(&out).address(), Ok(address));
        }
        assert_eq!(Xdr::new(&[0, 0, 0, 3, 0, 0]).address(), Err(Malformed::SampleField));
    }

    #[test]
    fn more_numbers_than_may_be_are_refused_before_they_are_looked_for() {
        let mut out = Vec::new();
        put_numbers(&mut out, [5, 6, 7].into_iter());
        assert!(Xdr::new(&out).numbers(3).unwrap().iter().eq([5, 6, 7]));
        assert_eq!(Xdr::new(&out).numbers(2), Err(Malformed::SampleField));
        assert_eq!(Xdr::new(&[0xff; 8]).numbers(1000), Err(Malformed::SampleField));
        assert_eq!(Xdr::new(&out[..12]).numbers(3), Err(Malformed::SampleCut));
    }
}
