// SPDX-License-Identifier: Apache-2.0
//! The normalised flow: its columns, batches of it, and what is done to whole batches.
//!
//! `registry/schema.toml` says what a column is; the build makes the constants in
//! [`column`] and the table behind [`Column::spec`] from it. A probe, the kernel meter and a
//! collector all fill a [`BatchBuilder`], and nothing here knows which of them did.
//! Encodings are not here, but for addresses as text.
#![forbid(unsafe_code)]

mod address;
mod biflow;
mod builder;
mod kind;
mod ledger;
mod schema;
mod validity;

pub use address::{text_addresses, write_ip, write_mac};
pub use biflow::split_biflows;
pub use builder::BatchBuilder;
pub use kind::{EXTENSION_NAME, Kind};
pub use ledger::{Fate, LedgerRow, Unit};
pub use schema::{
    BatchKind, Column, ColumnSpec, Conversion, ElementUse, Group, Turned, column, groups, schema_of,
};
pub use validity::Validity;
