// SPDX-License-Identifier: Apache-2.0
//! Messages in a stream of octets.
