// SPDX-License-Identifier: Apache-2.0
//! Flows as IPFIX messages (RFC 7011), with biflows (RFC 5103) and lists (RFC 6313).
//!
//! ```text
//! batch ─ flows: which rows are alike ─ layout: their fields ─ columns, variable: octets ─ pack: messages
//!              said: what the collector knows already; templates: numbers; options: reports
//! ```
//!
//! Rows that have the same columns set and addresses of the same family share a template, made
//! from the elements of the columns that are set. Nothing is rounded unless asked. How messages
//! are laid out in octets is `penstock-codec`'s business; where they go, and turning biflows into two
//! flows each, is the caller's.

mod classes;
mod columns;
mod compat;
mod encoder;
mod flows;
mod layout;
mod options;
mod pack;
mod rate;
mod said;
mod settings;
mod templates;
#[cfg(test)]
mod tests;
mod variable;

pub use encoder::IpfixEncoder;
pub use settings::{
    ColumnError, Compat, Counts, Interface, IpfixSettings, Messages, Refresh, Times,
};
