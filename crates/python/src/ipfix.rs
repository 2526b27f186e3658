// SPDX-License-Identifier: Apache-2.0
//! Batches to IPFIX messages.

use std::sync::{Mutex, MutexGuard, PoisonError};

use penstock_export::ipfix::{self, Compat, Interface, IpfixSettings, Refresh, Times};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::batch::Batch;
use crate::errors::CoreError;

/// Encoded messages.
#[pyclass(frozen, module = "penstock._core")]
pub(crate) struct Messages(pub ipfix::Messages);

#[pymethods]
impl Messages {
    #[getter]
    fn count(&self) -> usize {
        self.0.len()
    }

    #[getter]
    fn octets(&self) -> usize {
        self.0.octets.len()
    }

    #[getter]
    fn records(&self) -> u64 {
        self.0.flow_records()
    }

    fn records_behind(&self, octets: usize) -> u64 {
        self.0.records_behind(octets)
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.octets)
    }
}

/// An exporter's half of a session.
#[pyclass(frozen, module = "penstock._core")]
pub(crate) struct IpfixEncoder(Mutex<ipfix::IpfixEncoder>);

#[pymethods]
impl IpfixEncoder {
    #[new]
    #[pyo3(signature = (*, observation_domain=1, message_octets=1_392, times="ns",
        enterprise=32_473, pad=false, compat=None, refresh_s=Some(60),
        refresh_messages=Some(4_096), direction=0, interfaces=Vec::new()))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of a Python call")]
    fn new(
        observation_domain: u32,
        message_octets: usize,
        times: &str,
        enterprise: u32,
        pad: bool,
        compat: Option<&str>,
        refresh_s: Option<u32>,
        refresh_messages: Option<u32>,
        direction: u32,
        interfaces: Vec<(u32, String, String)>,
    ) -> PyResult<Self> {
        let refresh = (refresh_s.is_some() || refresh_messages.is_some()).then(|| Refresh {
            seconds: refresh_s.unwrap_or(u32::MAX),
            messages: refresh_messages.unwrap_or(u32::MAX),
        });
        let preset = match compat {
            None => IpfixSettings { times: times_of(times)?, ..IpfixSettings::default() },
            Some("ipfixprobe") => IpfixSettings {
                compat: Some(Compat::Ipfixprobe { dir: direction }),
                ..IpfixSettings::ipfixprobe()
            },
            Some(_) => return Err(PyValueError::new_err("compat is None or 'ipfixprobe'")),
        };
        let settings = IpfixSettings {
            observation_domain,
            message_octets,
            enterprise,
            pad,
            refresh,
            ..preset
        };
        let mut encoder = ipfix::IpfixEncoder::new(settings);
        let interfaces: Vec<Interface> = interfaces
            .into_iter()
            .map(|(index, name, description)| Interface { index, name, description })
            .collect();
        encoder.set_interfaces(&interfaces);
        Ok(Self(Mutex::new(encoder)))
    }

    fn encode(&self, py: Python<'_>, batch: &Bound<'_, Batch>, now_ns: i64) -> PyResult<Messages> {
        let batch = &batch.get().0;
        let mut out = ipfix::Messages::default();
        py.detach(|| self.lock().encode(batch, now_ns, &mut out)).map_err(CoreError::from)?;
        Ok(Messages(out))
    }

    fn tick(&self, now_ns: i64) -> Messages {
        let mut out = ipfix::Messages::default();
        self.lock().tick(now_ns, &mut out);
        Messages(out)
    }

    fn finish(&self, now_ns: i64) -> Messages {
        let mut out = ipfix::Messages::default();
        self.lock().finish(now_ns, &mut out);
        Messages(out)
    }

    fn set_message_octets(&self, octets: usize) {
        self.lock().set_message_octets(octets);
    }

    fn restart(&self) {
        self.lock().restart();
    }

    fn lost(&self, records: u64, now_ns: i64) {
        self.lock().not_sent(records, now_ns);
    }

    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = self.lock().counts();
        let made = PyDict::new(py);
        made.set_item("messages", counts.messages)?;
        made.set_item("octets", counts.octets)?;
        made.set_item("records", counts.records)?;
        made.set_item("options_records", counts.options_records)?;
        made.set_item("templates", counts.templates)?;
        made.set_item("too_long", counts.lost_too_long)?;
        made.set_item("too_many_templates", counts.lost_too_many_templates)?;
        Ok(made)
    }
}

impl IpfixEncoder {
    fn lock(&self) -> MutexGuard<'_, ipfix::IpfixEncoder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn times_of(word: &str) -> PyResult<Times> {
    Ok(match word {
        "ns" => Times::Nanoseconds,
        "us" => Times::Microseconds,
        "ms" => Times::Milliseconds,
        _ => return Err(PyValueError::new_err("times is 'ns', 'us' or 'ms'")),
    })
}
