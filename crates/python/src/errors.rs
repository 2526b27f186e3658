// SPDX-License-Identifier: Apache-2.0
//! Rust errors as the exceptions of `penstock.errors`.

use penstock_export::EncodeError;
use penstock_meter::SettingsError;
use penstock_net::filter::FilterError;
use penstock_net::{SourceError, SourceErrorKind};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Anything that can go wrong below Python.
pub(crate) enum CoreError {
    Settings(SettingsError),
    Filter(FilterError),
    Source(SourceError),
    Encode(EncodeError),
}

impl From<SettingsError> for CoreError {
    fn from(error: SettingsError) -> Self {
        Self::Settings(error)
    }
}

impl From<FilterError> for CoreError {
    fn from(error: FilterError) -> Self {
        Self::Filter(error)
    }
}

impl From<SourceError> for CoreError {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<EncodeError> for CoreError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<CoreError> for PyErr {
    fn from(error: CoreError) -> Self {
        let (class, message) = match &error {
            CoreError::Settings(error) => ("ConfigError", error.to_string()),
            CoreError::Filter(error) => ("ConfigError", error.to_string()),
            CoreError::Encode(error) => ("InternalError", error.to_string()),
            CoreError::Source(error) => match error.kind {
                SourceErrorKind::Open => ("ConfigError", error.to_string()),
                SourceErrorKind::Malformed => ("DecodeError", error.to_string()),
            },
        };
        let place = match &error {
            CoreError::Source(error) if error.kind == SourceErrorKind::Malformed => Some(error),
            _ => None,
        };
        raise(class, &message, place)
    }
}

fn raise(class: &str, message: &str, place: Option<&SourceError>) -> PyErr {
    Python::attach(|py| {
        let made = || -> PyResult<Bound<'_, PyAny>> {
            let arguments = PyDict::new(py);
            if let Some(place) = place {
                arguments.set_item("file", &place.file)?;
                arguments.set_item("offset", place.offset)?;
            }
            let class = py.import("penstock.errors")?.getattr(class)?;
            class.call((message,), Some(&arguments))
        };
        made().map_or_else(|error| error, PyErr::from_value)
    })
}
