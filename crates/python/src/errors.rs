// SPDX-License-Identifier: Apache-2.0
//! Rust errors as the exceptions of `penstock.errors`.

use std::io;

use penstock_collect::{KeptError, SessionError};
use penstock_export::EncodeError;
use penstock_export::ipfix::ColumnError;
use penstock_meter::SettingsError;
use penstock_net::filter::FilterError;
use penstock_net::udp::{BindError, SendError};
use penstock_net::{SourceError, SourceErrorKind};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Anything that can go wrong below Python.
pub(crate) enum CoreError {
    Settings(SettingsError),
    Filter(FilterError),
    Source(SourceError),
    Encode(EncodeError),
    Bind(BindError),
    Send(SendError),
    /// An address that is none, in a sentence.
    Address(String),
    /// A file that cannot be opened.
    File(String, io::Error),
    Session(SessionError),
    Kept(KeptError),
    Column(ColumnError),
    /// The system failed where only it can.
    System(io::Error),
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

impl From<BindError> for CoreError {
    fn from(error: BindError) -> Self {
        Self::Bind(error)
    }
}

impl From<SendError> for CoreError {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl From<SessionError> for CoreError {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl From<KeptError> for CoreError {
    fn from(error: KeptError) -> Self {
        Self::Kept(error)
    }
}

impl From<ColumnError> for CoreError {
    fn from(error: ColumnError) -> Self {
        Self::Column(error)
    }
}

impl From<io::Error> for CoreError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl From<(String, io::Error)> for CoreError {
    fn from((path, error): (String, io::Error)) -> Self {
        Self::File(path, error)
    }
}

impl From<CoreError> for PyErr {
    fn from(error: CoreError) -> Self {
        let (class, message) = match &error {
            CoreError::Settings(error) => ("ConfigError", error.to_string()),
            CoreError::Filter(error) => ("ConfigError", error.to_string()),
            CoreError::Encode(error) => ("InternalError", error.to_string()),
            CoreError::Column(error) => ("InternalError", error.to_string()),
            CoreError::System(error) => ("InternalError", error.to_string()),
            CoreError::Bind(error) => ("ConfigError", error.to_string()),
            CoreError::Send(error) => ("ConfigError", error.to_string()),
            CoreError::Address(problem) => ("ConfigError", problem.clone()),
            CoreError::File(path, error) => {
                ("ConfigError", SourceError::open(path, error).to_string())
            }
            CoreError::Session(error) => ("DecodeError", error.to_string()),
            CoreError::Kept(error) => ("DecodeError", error.to_string()),
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
