// SPDX-License-Identifier: Apache-2.0
//! sFlow version 5 datagrams.
