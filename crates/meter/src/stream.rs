// SPDX-License-Identifier: Apache-2.0
//! What the meter reads: a stream of packets, cut into chunks.
//!
//! The meter knows neither files nor rings. How the stream is cut must depend on the
//! packets alone (so many, or one second of packet time): results hang on it.

use penstock_wire::Frame;

/// Where packets come from.
pub trait Packets: Send {
    /// Some packets in a row.
    type Chunk: Chunk;
    /// Why there are no more.
    type Error: Send;

    /// Replaces `chunk` by the next packets. Answers whether there were any; after
    /// `false` or an error nothing more is read.
    fn read(&mut self, chunk: &mut Self::Chunk) -> Result<bool, Self::Error>;
}

/// Some packets in a row.
pub trait Chunk: Default + Send + Sync {
    /// How many.
    fn len(&self) -> usize;

    /// One of them, with its time in nanoseconds since 1970. `index` is below `len`.
    fn frame(&self, index: usize) -> (Frame<'_>, i64);

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
