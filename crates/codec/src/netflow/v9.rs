// SPDX-License-Identifier: Apache-2.0
//! `NetFlow` version 9.
