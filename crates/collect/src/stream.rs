// SPDX-License-Identifier: Apache-2.0
//! IPFIX messages in octets that come in pieces of any size: from a connection, or from a file.
//!
//! A message says how long it is (RFC 7011 section 3.1), which is all there is to find the next one. A
//! connection whose lengths make no sense is over; a file is searched for the next message (RFC
//! 5655 section 9.1), and what is passed over is counted. A connection may also carry the compressed
//! stream that ipfixprobe sends. What is in a message is not looked at, but to tell one from
//! other octets.

mod error;
mod lz4;
mod octets;
mod search;

pub use error::StreamError;
pub use lz4::{BlockTooLong, Lz4Writer};

use std::ops::Range;

use lz4::Unpacker;
use octets::Octets;
use search::{Found, Search};

/// Where the octets come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StreamKind {
    /// A connection, plain or compressed.
    Connection,
    /// A file of messages (RFC 5655).
    File,
}

/// Octets of a file that belong to no message.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Skipped {
    /// How many.
    pub octets: u64,
    /// In how many places.
    pub places: u64,
}

/// Finds the messages in octets as they come.
#[derive(Debug)]
pub struct Stream {
    carrier: Carrier,
    arrived: Octets,
    /// No more octets will come.
    is_finished: bool,
    /// Nothing is looked for any more.
    is_over: bool,
}

#[derive(Debug)]
enum Carrier {
    /// A connection that has not shown yet what it is.
    Undecided,
    /// A connection that carries messages as they are.
    Plain,
    /// A connection that carries them compressed.
    Lz4(Box<Unpacker>),
    /// A file.
    File(Search),
}

impl Stream {
    /// Nothing has come yet.
    pub fn new(kind: StreamKind) -> Self {
        let carrier = match kind {
            StreamKind::Connection => Carrier::Undecided,
            StreamKind::File => Carrier::File(Search::default()),
        };
        Self { carrier, arrived: Octets::default(), is_finished: false, is_over: false }
    }

    /// Takes in the octets that come next, and gives how many there was room for. There is room for
    /// more when all messages have been taken out.
    #[must_use = "octets that were not taken have to be offered again"]
    pub fn push(&mut self, octets: &[u8]) -> usize {
        if self.is_over {
            return octets.len();
        }
        let room = ROOM_OCTETS.saturating_sub(self.arrived.len());
        let taken = octets.get(..room).unwrap_or(octets);
        self.arrived.push(taken);
        taken.len()
    }

    /// No more octets will come: what is left is looked at as it is.
    pub fn finish(&mut self) {
        self.is_finished = true;
    }

    /// The next message, whole. None if more octets are needed for it, or if there is none. A
    /// connection is over after an error.
    pub fn next_message(&mut self) -> Option<Result<&[u8], StreamError>> {
        if self.is_over {
            return None;
        }
        match self.find() {
            Ok(Some(place)) => {
                let octets = match &self.carrier {
                    Carrier::Lz4(unpacker) => unpacker.unpacked(),
                    _ => &self.arrived,
                };
                Some(Ok(octets.get(place)))
            }
            Ok(None) if self.is_finished => {
                self.is_over = true;
                let is_cut = !self.arrived.is_empty() || self.is_message_under_way();
                (is_cut && !matches!(self.carrier, Carrier::File(_)))
                    .then_some(Err(StreamError::Cut))
            }
            Ok(None) => None,
            Err(error) => {
                self.is_over = true;
                Some(Err(error))
            }
        }
    }

    /// What was passed over in a file, so far.
    pub fn skipped(&self) -> Skipped {
        match &self.carrier {
            Carrier::File(search) => search.skipped(),
            _ => Skipped::default(),
        }
    }

    fn find(&mut self) -> Result<Option<Range<usize>>, StreamError> {
        loop {
            return match &mut self.carrier {
                Carrier::Undecided => match carrier_of(self.arrived.rest())? {
                    Some(carrier) => {
                        self.carrier = carrier;
                        continue;
                    }
                    None => Ok(None),
                },
                Carrier::Plain => next_in(&mut self.arrived),
                Carrier::Lz4(unpacker) => unpacker.next_message(&mut self.arrived),
                Carrier::File(search) => Ok(match search.next(&self.arrived, self.is_finished) {
                    Found::Message(length) => Some(self.arrived.take(length)),
                    Found::Other(length) => {
                        self.arrived.take(length);
                        continue;
                    }
                    Found::Unknown => None,
                }),
            };
        }
    }

    fn is_message_under_way(&self) -> bool {
        matches!(&self.carrier, Carrier::Lz4(unpacker) if !unpacker.unpacked().is_empty())
    }
}

/// What a connection that begins so carries, if it can be told.
fn carrier_of(octets: &[u8]) -> Result<Option<Carrier>, StreamError> {
    let Some((first, _)) = octets.split_first_chunk() else { return Ok(None) };
    let version = u16::from_be_bytes(*first);
    if version == VERSION {
        return Ok(Some(Carrier::Plain));
    }
    let known = octets.len().min(lz4::MAGIC.len());
    match octets.get(..known) == lz4::MAGIC.get(..known) {
        false => Err(StreamError::Foreign { first: version }),
        true if known < lz4::MAGIC.len() => Ok(None),
        true => Ok(Some(Carrier::Lz4(Box::default()))),
    }
}

/// Takes the next message out, if it is all there.
fn next_in(octets: &mut Octets) -> Result<Option<Range<usize>>, StreamError> {
    let rest = octets.rest();
    let Some((version, rest)) = rest.split_first_chunk() else { return Ok(None) };
    let version = u16::from_be_bytes(*version);
    if version != VERSION {
        return Err(StreamError::Version { version });
    }
    let Some((length, _)) = rest.split_first_chunk() else { return Ok(None) };
    let length = u16::from_be_bytes(*length);
    if length < HEADER_OCTETS {
        return Err(StreamError::Length { length });
    }
    let length = usize::from(length);
    Ok((octets.len() >= length).then(|| octets.take(length)))
}

const VERSION: u16 = 10;
const HEADER_OCTETS: u16 = 16;

/// The longest message and what is looked at behind it, several times over.
const ROOM_OCTETS: usize = 256 << 10;

#[cfg(test)]
mod tests;
