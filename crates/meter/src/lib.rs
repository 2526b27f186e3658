// SPDX-License-Identifier: Apache-2.0
//! Packets to flows.
//!
//! A [`Meter`] pulls chunks of packets from a [`Packets`] source and gives batches of flow
//! records. The way of a packet: selected (`select`), described (`parse`), completed if it
//! is a fragment (`fragments`), found its flow (`table`) and counted (`owner`); the
//! way of a record: it leaves (`owner`), waits for its batch (`meter`), becomes a row
//! (`rows`).
//!
//! Packet time is the only clock, and no socket, file or format is known here. The result
//! does not depend on the number of threads: see `parallel`.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "hashes, flags and places are cut on purpose; lengths are bounded by what holds them"
)]

mod alone;
mod departed;
mod direction;
mod flow;
mod flows;
mod fragments;
mod key;
mod layout;
mod ledger;
mod meter;
mod owner;
mod parallel;
mod parse;
mod plugin;
mod plugins;
mod prefetch;
mod reading;
mod rows;
mod rules;
mod select;
mod slab;
mod stream;
mod table;
mod tcp;
mod timers;

pub use flow::EndReason;
pub use layout::{KeyError, KeyLayout};
pub use meter::{Meter, Settings, SettingsError};
pub use penstock_record::{Fate, LedgerRow, Unit};
pub use penstock_wire::Tunnels;
pub use plugin::{OptionError, OptionKind, OptionSpec, Options, Plugin, Seen, Spec, Step};
pub use plugins::SPECS as PLUGINS;
pub use reading::Progress;
pub use select::{Select, SelectAll};
pub use stream::{Chunk, Packets};
