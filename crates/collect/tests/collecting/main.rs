// SPDX-License-Identifier: Apache-2.0
//! The collector as its users see it, with traffic whose truth is known.
//!
//! `run` sends traffic and reads what came of it; the tests are in files of what they are about.
//! Where a count cannot be exact, the test says why.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that fails may end so"
)]

mod accidents;
mod bounds;
mod going_on;
mod run;
mod sampling;
mod streams;
