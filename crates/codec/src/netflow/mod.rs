// SPDX-License-Identifier: Apache-2.0
//! `NetFlow`, a file a version.

pub mod v5;
pub mod v9;
