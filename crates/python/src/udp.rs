// SPDX-License-Identifier: Apache-2.0
//! UDP sockets of `net`.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Mutex, PoisonError};

use penstock_net::udp::{Listener, Receiver, Sender, Stopper};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::CoreError;
use crate::ipfix::Messages;

/// Sockets that are bound.
#[pyclass(frozen, module = "penstock._core")]
pub(crate) struct UdpListener {
    addresses: Vec<SocketAddr>,
    granted_octets: usize,
    receivers: Vec<Mutex<Receiver>>,
    stopper: Option<Stopper>,
}

#[pymethods]
impl UdpListener {
    #[new]
    #[pyo3(signature = (addresses, *, workers=1, buffer_octets=33_554_432))]
    fn new(addresses: Vec<(String, u16)>, workers: usize, buffer_octets: usize) -> PyResult<Self> {
        let addresses = addresses
            .iter()
            .map(|(host, port)| resolved(host, *port))
            .collect::<Result<Vec<_>, _>>()?;
        let listener =
            Listener::bind(&addresses, workers, buffer_octets).map_err(CoreError::from)?;
        let (addresses, buffers) = (listener.local_addresses(), listener.buffers());
        let receivers = listener.into_receivers();
        let stopper = receivers.first().map(Receiver::stopper);
        let receivers = receivers.into_iter().map(Mutex::new).collect();
        Ok(Self { addresses, granted_octets: buffers.granted, receivers, stopper })
    }

    #[getter]
    fn addresses(&self) -> Vec<(String, u16)> {
        let text = |address: &SocketAddr| (address.ip().to_string(), address.port());
        self.addresses.iter().map(text).collect()
    }

    #[getter]
    fn granted_octets(&self) -> usize {
        self.granted_octets
    }

    fn stop(&self) {
        if let Some(stopper) = &self.stopper {
            stopper.stop();
        }
    }
}

impl UdpListener {
    /// The sockets of a worker.
    pub(crate) fn receiver(&self, worker: usize) -> Option<&Mutex<Receiver>> {
        self.receivers.get(worker)
    }
}

/// A socket to one destination.
#[pyclass(frozen, module = "penstock._core")]
pub(crate) struct UdpSender(Mutex<Sender>);

#[pymethods]
impl UdpSender {
    #[new]
    #[pyo3(signature = (host, port, *, source=None))]
    fn new(host: &str, port: u16, source: Option<&str>) -> PyResult<Self> {
        let to = resolved(host, port)?;
        let source = source.map(|source| resolved(source, 0)).transpose()?;
        let sender = Sender::connect(to, source.map(|address| address.ip()));
        Ok(Self(Mutex::new(sender.map_err(CoreError::from)?)))
    }

    #[getter]
    fn path_mtu(&self) -> Option<u16> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).path_mtu()
    }

    fn send<'py>(
        &self,
        py: Python<'py>,
        messages: &Bound<'py, Messages>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let messages = &messages.get().0;
        let sent = py.detach(|| {
            let mut sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            sender.send(&messages.octets, &messages.ends)
        });
        let lost_records: u64 = sent
            .unsent
            .iter()
            .filter_map(|&at| messages.records.get(at))
            .map(|&records| u64::from(records))
            .sum();
        let counts = PyDict::new(py);
        counts.set_item("datagrams", sent.datagrams)?;
        counts.set_item("octets", sent.octets)?;
        counts.set_item("refused", sent.refused)?;
        counts.set_item("lost", sent.too_big + sent.failed)?;
        counts.set_item("lost_records", lost_records)?;
        let error = sent.last_error.map_or_else(String::new, |error| error.to_string());
        counts.set_item("error", error)?;
        Ok(counts)
    }
}

/// The first address that a name or number stands for.
pub(crate) fn resolved(host: &str, port: u16) -> Result<SocketAddr, CoreError> {
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, port));
    }
    let unknown = || CoreError::Address(format!("{host}: no such host"));
    (host, port).to_socket_addrs().map_err(|_| unknown())?.next().ok_or_else(unknown)
}
