// SPDX-License-Identifier: Apache-2.0
//! Flow exports to flows: octets and their times in, batches out.
//!
//! No socket, file or clock is known here. `memory` is what is remembered of exporters, `rows` makes
//! columns of records, `sflow` makes them of samples, `stream` finds messages in a stream of octets.
#![forbid(unsafe_code)]

mod memory;
mod rows;
mod sflow;
mod stream;
