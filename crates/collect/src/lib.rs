// SPDX-License-Identifier: Apache-2.0
//! Flow exports to flows: octets and their times in, batches out.
//!
//! A [`Collector`] takes messages, by whatever way they came, and hands out batches. No socket, file
//! or clock is known here. `decoders` is the table of protocols, `intake` what they have in common,
//! `exporters` who sends, `memory` what is remembered of them, `rows` makes columns of records and `sflow` of samples, `stream` finds messages
//! in a stream of octets.
#![forbid(unsafe_code)]

mod capture;
mod collector;
mod counts;
mod decoders;
mod exporters;
mod intake;
mod kept;
mod memory;
mod plans;
mod report;
mod rows;
mod sessions;
mod settings;
mod sflow;
mod stream;

pub use capture::Captured;
pub use collector::{Collector, Reception};
pub use kept::KeptError;
pub use report::{ExporterState, TemplateState};
pub use sessions::SessionError;
pub use settings::Settings;
pub use stream::{BlockTooLong, Lz4Writer, Skipped, Stream, StreamError, StreamKind};
