// SPDX-License-Identifier: Apache-2.0
//! The compressed stream of ipfixprobe, versions 4 and 5: messages as blocks of LZ4 that go on from
//! each other.
//!
//! ```text
//!  octets  4        4               2          2            n
//!         +--------+---------------+----------+------------+-----------+---
//!         | "LZ4c" | ring's octets | unpacked | compressed | LZ4 block | ..
//!         +--------+---------------+----------+------------+-----------+---
//! ```
//!
//! Numbers are big-endian. The sender keeps its last messages in a ring of the size that it announces, and
//! begins again at the ring's start with a block that does not fit behind the last one. A block
//! refers to what was sent before it by how long ago that was, so that whoever reads needs no
//! ring: the last 64 KiB in the order in which they came are enough, as LZ4 reaches no further.

use std::fmt;
use std::ops::Range;

use lz4_flex::block::{
    compress_into_with_dict, decompress_into_with_dict, get_maximum_output_size,
};

use super::octets::Octets;
use super::{StreamError, VERSION, next_in};

/// How a compressed connection begins.
pub(super) const MAGIC: &[u8; 4] = b"LZ4c";

/// Unpacks a connection block by block.
#[derive(Debug, Default)]
pub(super) struct Unpacker {
    ring_octets: Option<u32>,
    unpacked: Octets,
    history: Vec<u8>,
}

impl Unpacker {
    /// What has been unpacked and is not all taken.
    pub const fn unpacked(&self) -> &Octets {
        &self.unpacked
    }

    /// Takes the next message out of what has been unpacked, and unpacks more for it if need be.
    pub fn next_message(
        &mut self,
        arrived: &mut Octets,
    ) -> Result<Option<Range<usize>>, StreamError> {
        loop {
            let message = next_in(&mut self.unpacked)?;
            if message.is_some() || !self.unpack(arrived)? {
                return Ok(message);
            }
        }
    }

    /// Unpacks the next block, if it is all there.
    fn unpack(&mut self, arrived: &mut Octets) -> Result<bool, StreamError> {
        let Some(ring_octets) = self.ring_octets else { return self.begin(arrived) };
        let Some([a, b, c, d]) = arrived.rest().first_chunk().copied() else { return Ok(false) };
        let unpacked = usize::from(u16::from_be_bytes([a, b]));
        let compressed = usize::from(u16::from_be_bytes([c, d]));
        let is_first = self.history.is_empty();
        let error = if is_first { StreamError::Variant } else { StreamError::Block };
        if unpacked == 0 || compressed == 0 || unpacked > ring_octets as usize {
            return Err(error);
        }
        if arrived.len() < BLOCK_HEADER_OCTETS + compressed {
            return Ok(false);
        }
        arrived.take(BLOCK_HEADER_OCTETS);
        let block = arrived.take(compressed);
        let room = self.unpacked.push_room(unpacked);
        let written = decompress_into_with_dict(arrived.get(block), room, &self.history);
        let is_message = !is_first || room.starts_with(&VERSION.to_be_bytes());
        if written.ok() != Some(unpacked) || !is_message {
            return Err(error);
        }
        remember(&mut self.history, room);
        Ok(true)
    }

    fn begin(&mut self, arrived: &mut Octets) -> Result<bool, StreamError> {
        let Some((_, rest)) = arrived.rest().split_first_chunk::<{ MAGIC.len() }>() else {
            return Ok(false);
        };
        let Some(ring_octets) = rest.first_chunk().copied().map(u32::from_be_bytes) else {
            return Ok(false);
        };
        if !(1..=MOST_RING_OCTETS).contains(&ring_octets) {
            return Err(StreamError::Variant);
        }
        self.ring_octets = Some(ring_octets);
        arrived.take(MAGIC.len() + size_of_val(&ring_octets));
        Ok(true)
    }
}

/// Keeps what blocks may refer to, and lets the rest go now and then.
fn remember(history: &mut Vec<u8>, block: &[u8]) {
    history.extend_from_slice(block);
    if history.len() >= 2 * REACH_OCTETS {
        history.drain(..history.len() - REACH_OCTETS);
    }
}

/// Packs messages into a compressed connection, as ipfixprobe does.
#[derive(Debug)]
pub struct Lz4Writer {
    ring: Vec<u8>,
    /// Where the next block goes.
    at: usize,
    has_begun: bool,
}

/// A message that does not fit the ring, or a block that cannot say how long it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BlockTooLong {
    /// Octets of the message.
    pub octets: usize,
}

impl Lz4Writer {
    /// A connection not yet begun, with a ring of this many octets: three times the longest message
    /// is usual, more compresses better.
    pub fn new(ring_octets: u32) -> Self {
        Self { ring: vec![0; ring_octets.min(MOST_RING_OCTETS) as usize], at: 0, has_begun: false }
    }

    /// Appends a message to `out`, and before the first one what a connection begins with.
    pub fn write(&mut self, message: &[u8], out: &mut Vec<u8>) -> Result<(), BlockTooLong> {
        let too_long = BlockTooLong { octets: message.len() };
        let unpacked = u16::try_from(message.len()).map_err(|_| too_long)?;
        if message.len() > self.ring.len() {
            return Err(too_long);
        }
        let fits_behind = message.len() <= self.ring.len() - self.at;
        // At the ring's start the message overwrites the oldest, which it may then not refer to.
        let (start, seen) = if fits_behind {
            (self.at, 0..self.at)
        } else {
            (0, message.len().min(self.at)..self.at)
        };
        let seen = self.ring.get(seen).unwrap_or_default();
        let mut block = vec![0; get_maximum_output_size(message.len())];
        let written = compress_into_with_dict(message, &mut block, seen).map_err(|_| too_long)?;
        let compressed = u16::try_from(written).map_err(|_| too_long)?;
        self.begin(out);
        out.extend_from_slice(&unpacked.to_be_bytes());
        out.extend_from_slice(&compressed.to_be_bytes());
        out.extend(block.iter().take(written));
        self.at = start + message.len();
        if let Some(place) = self.ring.get_mut(start..self.at) {
            place.copy_from_slice(message);
        }
        Ok(())
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !self.has_begun {
            self.has_begun = true;
            out.extend_from_slice(MAGIC);
            let ring_octets = u32::try_from(self.ring.len()).unwrap_or(MOST_RING_OCTETS);
            out.extend_from_slice(&ring_octets.to_be_bytes());
        }
    }
}

impl fmt::Display for BlockTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a message of {} octets is too long to be compressed", self.octets)
    }
}

impl std::error::Error for BlockTooLong {}

const BLOCK_HEADER_OCTETS: usize = 4;
/// As far back as LZ4 can refer.
const REACH_OCTETS: usize = 64 << 10;
/// Nobody needs a longer one; ipfixprobe's is of 4 KiB.
const MOST_RING_OCTETS: u32 = 64 << 20;
