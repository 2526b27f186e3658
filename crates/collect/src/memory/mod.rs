// SPDX-License-Identifier: Apache-2.0
//! What is remembered of exporters between one message and the next.
//!
//! State machines that take times as arguments, in nanoseconds since 1970: no socket, file or clock
//! is known here, nor who keeps which of them for whom.

pub(crate) mod clock;
pub(crate) mod parked;
pub(crate) mod sampling;
pub(crate) mod saved;
pub(crate) mod sequence;
pub(crate) mod templates;
