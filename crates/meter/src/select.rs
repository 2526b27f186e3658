// SPDX-License-Identifier: Apache-2.0
//! Which packets are metered at all.
//!
//! Only what a selector is stands here. What filters are written in, and how they are
//! compiled, is the business of whoever reads packets.

use penstock_wire::Frame;

/// Lets packets pass, or not.
pub trait Select: Send + Sync {
    /// Whether the frame is to be metered.
    fn passes(&self, frame: &Frame<'_>) -> bool;
}

/// Lets everything pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct SelectAll;

impl Select for SelectAll {
    #[inline]
    fn passes(&self, _: &Frame<'_>) -> bool {
        true
    }
}
