// SPDX-License-Identifier: Apache-2.0
//! Why a batch cannot be written.

use std::fmt;

use arrow_schema::DataType;

/// A column whose type has no form as text. The rows themselves cannot fail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EncodeError {
    /// The column; a field inside it follows after a dot.
    pub column: String,
    /// The Arrow type that cannot be written.
    pub data_type: DataType,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, data_type } = self;
        write!(f, "column {column}: type {data_type} has no form as text")
    }
}

impl std::error::Error for EncodeError {}
