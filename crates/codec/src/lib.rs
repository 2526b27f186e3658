// SPDX-License-Identifier: Apache-2.0
//! Flow export protocols, octets to values and back, a file a protocol.
//!
//! A message is read as views of the octets given: [`ipfix::Message`] and [`netflow::v9::Packet`]
//! have [`Sets`], a set has the [`Definition`]s of templates or the [`Records`] of one.
//! What a protocol writes stands below what it reads, in the same file.
//!
//! Nothing here keeps state or reads a clock: which template a set belongs to, which record was
//! lost and what a field becomes in a flow is asked elsewhere. So are bounds on how much of what
//! is well formed is put up with. Reading takes time in proportion to the octets given, and memory
//! for templates only, in proportion too. Records take as many steps as their template has fields,
//! even if these are without octets.

pub mod ipfix;
pub mod list;
pub mod netflow;
pub mod sflow;
pub mod value;

mod malformed;
mod record;
#[cfg(test)]
mod samples;
mod set;
mod template;
mod unwritable;

pub use malformed::Malformed;
pub use record::{Record, Records, Values, records};
pub use set::{Set, Sets};
pub use template::{Definition, Field, NETFLOW9_SCOPE_PEN, Template, VARIABLE};
pub use unwritable::Unwritable;
