// SPDX-License-Identifier: Apache-2.0
//! sFlow samples to rows.
