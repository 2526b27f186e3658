// SPDX-License-Identifier: Apache-2.0
//! Packet headers, read without trust, allocation or `unsafe`.
//!
//! [`dissect()`] goes through a frame from its link layer to the transport header of
//! the packet it carries, tunnels included, and writes down what identifies and
//! measures that packet. [`Reader`] and the views [`tcp`] are for whoever reads on.
//!
//! Not here: flows, time, reassembly of fragments, and checksums. A header is
//! believed if its own fields agree with each other and with its length.
#![forbid(unsafe_code)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod dissect;
mod error;
mod link;
mod net;
mod packet;
mod reader;
#[cfg(test)]
mod sample;
mod transport;
mod tunnel;
mod walk;

pub use dissect::dissect;
pub use error::{Reason, WireError};
pub use link::LinkType;
pub use packet::*;
pub use reader::Reader;
pub use transport::protocol;
pub use transport::tcp;
