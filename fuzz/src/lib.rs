// SPDX-License-Identifier: Apache-2.0
//! What the fuzz targets share: how the octets that the fuzzer chooses become packets, captures
//! and settings, and what must hold of the answers whatever they are.
//!
//! A target's input begins with a few octets that choose settings; what they mean is said where
//! they are read. Input that ends too early goes on with zeroes, so that every input is a case.
//! `seed.py` writes inputs of these forms: who changes one changes both.

pub mod accounts;
pub mod captures;
pub mod collected;
pub mod dissected;
pub mod exports;
pub mod messages;
pub mod rows;
pub mod script;

use penstock_wire::LinkType;

/// Octets of an input, taken from its beginning.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    /// The whole input.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets }
    }

    /// Whether nothing is left.
    pub const fn is_over(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is left.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// One octet.
    pub fn u8(&mut self) -> u8 {
        let [octet] = self.array();
        octet
    }

    /// Two octets, the less significant first.
    pub fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    /// Four octets, the least significant first.
    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    /// So many octets, or as many as are left.
    pub fn take(&mut self, octets: usize) -> &'a [u8] {
        let (head, rest) = self.rest.split_at(octets.min(self.rest.len()));
        self.rest = rest;
        head
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let head = self.take(N);
        let mut array = [0; N];
        array[..head.len()].copy_from_slice(head);
        array
    }
}

/// The link types that are read, in the order of the octets that stand for them, and one
/// that is not.
pub const LINKS: [LinkType; 16] = [
    LinkType::ETHERNET,
    LinkType::RAW,
    LinkType::LINUX_SLL,
    LinkType::LINUX_SLL2,
    LinkType::NULL,
    LinkType::LOOP,
    LinkType::PPP,
    LinkType::PPP_HDLC,
    LinkType::PPP_ETHER,
    LinkType::PPP_WITH_DIR,
    LinkType::C_HDLC,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::DLT_RAW,
    LinkType::DLT_RAW_OPENBSD,
    LinkType(147),
];

/// The link type that an octet stands for.
pub fn link(octet: u8) -> LinkType {
    LINKS[usize::from(octet) % LINKS.len()]
}

/// How long a frame of which `captured` octets are there was on the wire: as long for an `octet`
/// of 0, longer for most others, and for a few what only a damaged capture can say.
pub fn original_octets(octet: u8, captured: usize) -> u32 {
    let captured = u32::try_from(captured).unwrap_or(u32::MAX);
    match octet {
        255 => u32::MAX,
        254 => 0,
        253 => captured / 2,
        more @ 240..253 => captured.saturating_add(4096 * (u32::from(more) - 239)),
        more => captured.saturating_add(u32::from(more)),
    }
}
