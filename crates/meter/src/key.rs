// SPDX-License-Identifier: Apache-2.0
//! What makes two packets belong to one flow.
//!
//! A [`Key`] is canonical: of the two ends the lesser comes first, whoever sent, so that
//! both directions of a biflow give the same key and the same hash. Who sent is told
//! beside it. Keys are always compared whole; the hash only finds the place to look.
//!
//! Which fields count is said in `layout`. What only some layouts or few packets have (a
//! tunnel, further fields) is in [`KeyRest`], which is hashed and compared too.

use penstock_wire::{Ends, TunnelType};

/// The fixed part of a flow's key, canonical: whole words, written and compared as such.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(C)]
pub struct Key {
    /// The lesser end's address, then the greater's.
    pub(crate) addresses: [[u64; 2]; 2],
    /// From the lowest bit: both ports in the same order (or one identifier, or type and
    /// code, twice), VLAN identifier or [`NO_VLAN`], protocol, [`Kind`].
    pub(crate) tail: u64,
}

impl Key {
    /// The lesser end's address, then the greater's.
    pub fn addresses(&self) -> [[u8; 16]; 2] {
        self.addresses
            .map(|[first, second]| (u128::from(first) | u128::from(second) << 64).to_le_bytes())
    }

    /// The ends' ports in the same order; or one identifier, or type and code, twice.
    pub const fn ports(&self) -> [u16; 2] {
        [self.tail as u16, (self.tail >> HIGH_PORT) as u16]
    }

    /// Outermost VLAN identifier, or [`NO_VLAN`].
    pub const fn vlan(&self) -> u16 {
        (self.tail >> VLAN) as u16
    }

    /// IANA protocol number.
    pub const fn protocol(&self) -> u8 {
        (self.tail >> PROTOCOL_AT) as u8
    }

    /// What the ports mean, and which further parts the key has.
    pub const fn kind(&self) -> Kind {
        Kind((self.tail >> KIND) as u8)
    }

    /// The key of the other direction's uniflow. Its hash is the same.
    #[must_use]
    pub const fn of_other_direction(mut self) -> Self {
        self.tail ^= (Kind::FROM_HIGH as u64) << KIND;
        self
    }
}

/// Where the parts of a key's tail begin, in bits.
pub(crate) const HIGH_PORT: u32 = 16;
pub(crate) const VLAN: u32 = 32;
pub(crate) const PROTOCOL_AT: u32 = 48;
pub(crate) const KIND: u32 = 56;

/// In place of a VLAN identifier where the frame had no tag.
pub const NO_VLAN: u16 = u16::MAX;

/// What a key's ports mean, and which further parts the key has.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Kind(pub(crate) u8);

impl Kind {
    pub(crate) const ENDS: u8 = 0b111;
    pub(crate) const IPV6: u8 = 1 << 3;
    pub(crate) const REST: u8 = 1 << 4;
    pub(crate) const FROM_HIGH: u8 = 1 << 5;

    /// What the ports mean.
    pub const fn ends(self) -> Ends {
        match self.0 & Self::ENDS {
            1 => Ends::Ports,
            2 => Ends::IcmpEcho,
            3 => Ends::IcmpTimestamp,
            4 => Ends::IcmpOther,
            5 => Ends::Unread,
            _ => Ends::None,
        }
    }

    /// Whether the addresses are IPv6 ones.
    pub const fn is_ipv6(self) -> bool {
        self.0 & Self::IPV6 != 0
    }

    /// Whether a [`KeyRest`] belongs to the key.
    pub const fn has_rest(self) -> bool {
        self.0 & Self::REST != 0
    }
}

/// The rest of a key, where [`Kind::has_rest`].
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct KeyRest {
    /// Kind, unordered outer addresses and network of the outermost tunnel.
    pub(crate) tunnel: Option<TunnelKey>,
    /// Values of the further fields that a layout names, in a fixed order; 0 where not named.
    pub(crate) fields: [u64; 6],
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct TunnelKey {
    pub kind: TunnelType,
    pub ends: [[u8; 16]; 2],
    pub network: Option<u64>,
}

/// A packet's place among the flows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    /// The key.
    pub key: Key,
    /// Its hash. The top octet is the partition.
    pub hash: u64,
    /// Whether the second of the key's ends sent the packet.
    pub from_high: bool,
}

impl Place {
    /// The partition that the flow lives in.
    pub const fn partition(&self) -> u8 {
        (self.hash >> 56) as u8
    }
}

impl Key {
    /// Well scattered over all its bits. Both directions' uniflows share it.
    #[inline]
    pub(crate) fn hash(&self, seed: &[u64; 4]) -> u64 {
        let [s0, s1, s2, s3] = *seed;
        let [[a0, a1], [b0, b1]] = self.addresses;
        let tail = self.tail & !(u64::from(Kind::FROM_HIGH) << KIND);
        let ends = fold(a0 ^ s0, a1 ^ s1) ^ fold(b0 ^ s2, b1 ^ s3).rotate_left(23);
        fold(ends ^ tail, s1 ^ tail.rotate_left(32)).wrapping_mul(ODD) ^ ends
    }
}

impl KeyRest {
    /// What is added to the hash of the fixed part.
    pub(crate) fn hash(&self, seed: &[u64; 4]) -> u64 {
        let [s0, s1, ..] = *seed;
        let mut hash = self.fields.iter().fold(s0, |hash, word| fold(hash ^ word, s1));
        if let Some(tunnel) = &self.tunnel {
            let id = tunnel.network.map_or(0, |id| id.wrapping_add(1)) << 8;
            let [[a0, a1], [b0, b1]] = tunnel.ends.map(|end| halves(u128::from_le_bytes(end)));
            for word in [a0, a1, b0, b1, id | tunnel.kind as u64] {
                hash = fold(hash ^ word, s1).wrapping_add(ODD);
            }
        }
        hash
    }
}

/// An odd number without structure (the fraction of the golden ratio).
const ODD: u64 = 0x9E37_79B9_7F4A_7C15;

/// A seed for results that are to be the same every time. (The first digits of pi.)
pub const FIXED_SEED: [u64; 4] =
    [0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7344, 0xA409_3822_299F_31D0, 0x082E_FA98_EC4E_6C89];

#[inline]
pub(crate) const fn halves(address: u128) -> [u64; 2] {
    [address as u64, (address >> 64) as u64]
}

/// Both halves of a 128-bit product, folded into one.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}
