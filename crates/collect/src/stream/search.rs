// SPDX-License-Identifier: Apache-2.0
//! The next message in a file, whatever lies before it.
//!
//! As long as messages follow each other, a header is taken at its word, even if its sets are damaged:
//! whoever reads them keeps the sound ones. Where none follows, or a message seems to hold the
//! next one, its own length may be what is damaged. Octets within damage are a message only if
//! all their sets fit.

use super::octets::Octets;
use super::{HEADER_OCTETS, Skipped, VERSION};

/// What a file goes on with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Found {
    /// A message of so many octets.
    Message(usize),
    /// So many octets that belong to none.
    Other(usize),
    /// What cannot be told before more octets have come.
    Unknown,
}

/// Looks for messages in a file.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// The last octets belonged to no message.
    is_lost: bool,
    skipped: Skipped,
}

impl Search {
    /// What has been passed over.
    pub const fn skipped(&self) -> Skipped {
        self.skipped
    }

    /// What comes next. `is_all` if no more octets will come.
    pub fn next(&mut self, octets: &Octets, is_all: bool) -> Found {
        let rest = octets.rest();
        let found = match self.judge(rest, is_all) {
            Found::Other(_) => Found::Other(to_next_version(rest)),
            found => found,
        };
        match found {
            Found::Message(_) => self.is_lost = false,
            Found::Other(length) => {
                self.skipped.octets += length as u64;
                self.skipped.places += u64::from(!self.is_lost);
                self.is_lost = true;
            }
            Found::Unknown => {}
        }
        found
    }

    fn judge(&self, rest: &[u8], is_all: bool) -> Found {
        let is_cut = is_all && !rest.is_empty();
        let undecided = if is_cut { Found::Other(1) } else { Found::Unknown };
        let length = match head_of(rest) {
            Head::TooShort => return undecided,
            Head::Foreign => return Found::Other(1),
            Head::Message(length) => length,
        };
        let Some((message, behind)) = rest.split_at_checked(length) else { return undecided };
        let sets = sets_of(message);
        if self.is_lost {
            return if sets == Sets::Fit { Found::Message(length) } else { Found::Other(1) };
        }
        match head_of(behind) {
            Head::TooShort if !is_all => Found::Unknown,
            // It holds what should come behind it: its length is wrong.
            _ if sets == Sets::HoldMessage => Found::Other(1),
            Head::Foreign if sets != Sets::Fit => Found::Other(1),
            _ => Found::Message(length),
        }
    }
}

/// How a message's sets go together with its length.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sets {
    /// There are some, each of a sort and length that can be, and nothing else.
    Fit,
    /// Where the next should begin, a message begins.
    HoldMessage,
    /// Otherwise.
    Damaged,
}

/// How octets begin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Head {
    /// With too few to tell.
    TooShort,
    /// Not as a message does.
    Foreign,
    /// As a message of so many octets does.
    Message(usize),
}

fn head_of(octets: &[u8]) -> Head {
    match words(octets) {
        None => Head::TooShort,
        Some((VERSION, length @ HEADER_OCTETS..)) => Head::Message(length.into()),
        Some(_) => Head::Foreign,
    }
}

fn sets_of(message: &[u8]) -> Sets {
    let mut rest = message.get(HEADER_OCTETS.into()..).unwrap_or_default();
    while let Some((id, length)) = words(rest) {
        let behind = rest.get(length.into()..).filter(|_| length >= SET_HEADER_OCTETS);
        match (id, behind) {
            (2 | 3 | 256.., Some([])) => return Sets::Fit,
            (2 | 3 | 256.., Some(behind)) => rest = behind,
            (VERSION, _) if length >= HEADER_OCTETS => return Sets::HoldMessage,
            _ => return Sets::Damaged,
        }
    }
    Sets::Damaged
}

fn words(octets: &[u8]) -> Option<(u16, u16)> {
    let [a, b, c, d] = *octets.first_chunk()?;
    Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}

/// How many octets, one at least, until a message could begin.
fn to_next_version(octets: &[u8]) -> usize {
    let [high, low] = VERSION.to_be_bytes();
    let pairs = octets.iter().zip(octets.iter().skip(1));
    let place = pairs.skip(1).position(|pair| pair == (&high, &low));
    let is_half_there = octets.len() > 1 && octets.last() == Some(&high);
    place.map_or(octets.len() - usize::from(is_half_there), |place| place + 1)
}

const SET_HEADER_OCTETS: u16 = 4;
