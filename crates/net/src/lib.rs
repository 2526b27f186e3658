// SPDX-License-Identifier: Apache-2.0
//! Where packets and datagrams come from, which of them are wanted, and how datagrams leave.
//!
//! A [`Capture`] turns files and pipes into numbered [`Chunk`]s of packets; [`filter`] compiles
//! pcap-filter(7) expressions and runs them; [`udp`] receives and sends datagrams. What a packet
//! or datagram says is not known here: this crate uses nothing else of Penstock.

pub mod capture_file;
pub mod filter;
#[cfg(target_os = "linux")]
pub mod udp;

mod error;
mod source;

pub use error::{SourceError, SourceErrorKind};
pub use source::{Capture, Captured, Chunk, Limits, Stopper};
