// SPDX-License-Identifier: Apache-2.0
//! Octets that come in at one end and are taken out at the other.

use std::ops::Range;

/// A queue of octets that lie side by side.
#[derive(Debug, Default)]
pub(super) struct Octets {
    buffer: Vec<u8>,
    /// How many of them have been taken.
    taken: usize,
}

impl Octets {
    /// Puts octets behind those that are there.
    pub fn push(&mut self, octets: &[u8]) {
        self.close_up();
        self.buffer.extend_from_slice(octets);
    }

    /// Puts so many zeros behind those that are there, and gives them to be written to.
    pub fn push_room(&mut self, length: usize) -> &mut [u8] {
        self.close_up();
        let end = self.buffer.len();
        self.buffer.resize(end + length, 0);
        self.buffer.get_mut(end..).unwrap_or_default()
    }

    /// Takes so many octets, and gives where they are until others are pushed.
    pub fn take(&mut self, length: usize) -> Range<usize> {
        let start = self.taken;
        self.taken = self.buffer.len().min(start + length);
        start..self.taken
    }

    /// The octets at a place that [`Octets::take`] gave.
    pub fn get(&self, place: Range<usize>) -> &[u8] {
        self.buffer.get(place).unwrap_or_default()
    }

    /// What has not been taken.
    pub fn rest(&self) -> &[u8] {
        self.buffer.get(self.taken..).unwrap_or_default()
    }

    /// How much has not been taken.
    pub const fn len(&self) -> usize {
        self.buffer.len() - self.taken
    }

    /// Whether all has been taken.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn close_up(&mut self) {
        if self.is_empty() {
            self.buffer.clear();
            self.taken = 0;
        } else if self.taken > self.len() {
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
    }
}
