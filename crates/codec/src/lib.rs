// SPDX-License-Identifier: Apache-2.0
//! Flow export protocols, octets to values and back, a file a protocol.
//!
//! Nothing here keeps state or reads a clock: which template a set belongs to, which record was
//! lost and what a field becomes in a flow is asked elsewhere.

pub mod ipfix;
pub mod netflow;
pub mod sflow;

mod malformed;
mod template;

pub use malformed::Malformed;
pub use template::{Field, NETFLOW9_SCOPE_PEN, Template, VARIABLE};
