// SPDX-License-Identifier: Apache-2.0
//! IPFIX messages (RFC 7011).
