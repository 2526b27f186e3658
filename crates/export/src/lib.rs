// SPDX-License-Identifier: Apache-2.0
//! Rows as octets that leave: IPFIX messages, JSON lines, CSV and a table for people.
//!
//! Every encoder takes an Arrow batch, whatever columns it has, and appends to a buffer of the
//! caller's. Text tells columns apart by their Arrow type and by the extension names `penstock.ip`
//! and `penstock.mac`; only the table knows some by name, for their widths and words. [`ipfix`]
//! sends the columns of a flow, by name. Which columns are wanted, which names exist and where the
//! octets go is the caller's business, and so is splitting biflows: a row that comes here is a line,
//! or a record, that leaves.
//!
//! An encoder looks at all columns before it writes: when it fails, `out` is as it was.
#![forbid(unsafe_code)]

mod column;
mod csv;
mod error;
mod format;
pub mod ipfix;
mod json;
mod text;
mod time;
mod words;

#[cfg(test)]
mod sample;

pub use csv::csv;
pub use error::EncodeError;
pub use json::json_lines;
pub use text::text;
