// SPDX-License-Identifier: Apache-2.0
//! Where packets come from, and which of them are wanted.
//!
//! A [`Capture`] turns files and pipes into numbered [`Chunk`]s of packets; [`filter`] compiles
//! pcap-filter(7) expressions and runs them. What a packet says and which flow it belongs to is
//! not known here: this crate uses nothing else of Penstock.

pub mod filter;

mod error;
mod source;

pub use error::{SourceError, SourceErrorKind};
pub use source::{Capture, Captured, Chunk, Limits, Stopper};
