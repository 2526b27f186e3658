// SPDX-License-Identifier: Apache-2.0
//! Flow exporters that are made up: what routers would send, for demos, tests and benchmarks, and
//! the exact truth about it to hold a collector against.
//!
//! [`Traffic`] makes the datagrams of [`Settings`] and counts them in [`Truth`]. `pool` draws the
//! flows, `field`, `layout` and `sflow` write them, `message` and `options` put messages around
//! records,
//! `exporter` knows what is due, `traffic` what gets lost on the way. Nothing here sends, waits or reads
//! a clock.
#![forbid(unsafe_code)]

mod damage;
mod exporter;
mod families;
mod field;
mod frame;
mod layout;
mod message;
mod options;
mod pool;
mod random;
mod settings;
mod sflow;
mod stock;
mod traffic;
mod truth;

#[cfg(test)]
mod tests;

pub use settings::{Protocol, SamplingSaid, Settings, SettingsError};
pub use traffic::{Datagram, Traffic};
pub use truth::{Arrivals, Datagrams, Sums, Truth};
