// SPDX-License-Identifier: Apache-2.0
//! Records of data sets to columns.
