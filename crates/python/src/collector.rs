// SPDX-License-Identifier: Apache-2.0
//! The collector over sockets, captures and files.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use penstock_collect::{Captured, Collector as Core, ExporterState, Settings, TemplateState};
use penstock_net::udp::SocketCounts;
use penstock_record::{BatchKind, Column, Fate, LedgerRow, Unit, schema_of};
use penstock_wire::Tunnels;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::batch::Batch;
use crate::errors::CoreError;
use crate::exports::Exports;
use crate::ledger::listed;
use crate::memory;
use crate::quarantine::Quarantine;
use crate::udp::UdpListener;

/// Flow exports to flows.
#[pyclass(frozen, module = "penstock._core")]
pub(crate) struct Collector {
    core: Mutex<Core>,
    /// Rows that make a batch.
    rows: usize,
    sockets: Mutex<HashMap<usize, SocketCounts>>,
    files: Mutex<HashMap<String, Exports>>,
    quarantine: Option<Mutex<Quarantine>>,
}

#[pymethods]
impl Collector {
    #[new]
    #[pyo3(signature = (*, template_lifetime_s=1_800, max_exporters=65_536, max_templates=4_096,
        max_fields=1_024, parked_octets=16_777_216, parked_s=600, rows=65_536,
        default_sampling=None, sampling=Vec::new(), ignore_source_port=false, tunnel="inner",
        enterprise=32_473, keep_bad=None, keep_bad_octets=67_108_864))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of a Python call")]
    fn new(
        template_lifetime_s: i64,
        max_exporters: usize,
        max_templates: usize,
        max_fields: usize,
        parked_octets: usize,
        parked_s: i64,
        rows: usize,
        default_sampling: Option<f64>,
        sampling: Vec<(String, f64)>,
        ignore_source_port: bool,
        tunnel: &str,
        enterprise: u32,
        keep_bad: Option<&str>,
        keep_bad_octets: u64,
    ) -> PyResult<Self> {
        let tunnels = match tunnel {
            "inner" => Tunnels::Inner,
            "outer" => Tunnels::Outer,
            _ => return Err(PyValueError::new_err("tunnel is 'inner' or 'outer'")),
        };
        let sampling = sampling.iter().map(|(addr, rate)| Ok((octets_of(address(addr)?), *rate)));
        let settings = Settings {
            template_lifetime_ns: template_lifetime_s.saturating_mul(NS_PER_S),
            max_exporters,
            max_templates,
            max_fields,
            parked_octets,
            parked_ns: parked_s.saturating_mul(NS_PER_S),
            default_sampling,
            sampling: sampling.collect::<Result<_, CoreError>>()?,
            ignore_source_port,
            tunnels,
            enterprise,
        };
        let quarantine = keep_bad.map(|path| Quarantine::create(path, keep_bad_octets));
        let quarantine = quarantine.transpose().map_err(CoreError::from)?.map(Mutex::new);
        memory::keep_freed();
        let core = Mutex::new(Core::new(settings));
        let (sockets, files) = (Mutex::default(), Mutex::default());
        Ok(Self { core, rows: rows.max(1), sockets, files, quarantine })
    }

    fn listen(
        &self,
        py: Python<'_>,
        listener: &Bound<'_, UdpListener>,
        worker: usize,
        timeout_ms: u64,
    ) -> PyResult<bool> {
        let listener = listener.get();
        let receiver = listener
            .receiver(worker)
            .ok_or_else(|| PyValueError::new_err("there is no such worker"))?;
        let until = Instant::now() + Duration::from_millis(timeout_ms);
        py.detach(|| {
            let mut receiver = lock(receiver);
            let mut any = false;
            loop {
                let left = until.saturating_duration_since(Instant::now());
                let datagrams = receiver.receive(left, &mut |datagram| {
                    let (from, to_port) = (datagram.from, datagram.local_port);
                    self.take_in(from, to_port, datagram.received_ns, datagram.octets);
                })?;
                any |= datagrams > 0;
                if datagrams == 0 || left.is_zero() || lock(&self.core).is_full(self.rows) {
                    break;
                }
            }
            lock(&self.sockets).insert(worker, receiver.counts());
            Ok(any)
        })
    }

    fn read(&self, py: Python<'_>, source: &str) -> PyResult<bool> {
        let on = py.detach(|| -> Result<bool, CoreError> {
            let mut files = lock(&self.files);
            let mut file = match files.remove(source) {
                Some(file) => file,
                None => Exports::open(source, &mut lock(&self.core))?,
            };
            let bad = |captured: &Captured<'_>, time_ns| {
                let from = Ipv6Addr::from(captured.addr).to_canonical();
                let from = SocketAddr::new(from, captured.port);
                self.keep_bad(from, UNKNOWN_PORT, time_ns, captured.octets);
            };
            while file.read(&mut lock(&self.core), bad)? {
                if lock(&self.core).is_full(self.rows) {
                    files.insert(source.to_owned(), file);
                    return Ok(true);
                }
            }
            Ok(false)
        });
        Ok(on?)
    }

    fn datagram(&self, octets: &[u8], addr: &str, port: u16, time_ns: i64) -> PyResult<()> {
        let from = SocketAddr::new(address(addr)?, port);
        self.take_in(from, UNKNOWN_PORT, time_ns, octets);
        Ok(())
    }

    fn open_stream(&self, addr: &str, port: u16, time_ns: i64) -> PyResult<u32> {
        let addr = octets_of(address(addr)?);
        let mut core = lock(&self.core);
        core.tick(time_ns);
        Ok(core.open_stream(addr, port))
    }

    fn stream(&self, py: Python<'_>, session: u32, octets: &[u8], time_ns: i64) -> PyResult<()> {
        let taken = py.detach(|| lock(&self.core).stream(session, octets, time_ns));
        Ok(taken.map_err(CoreError::from)?)
    }

    fn close_stream(&self, session: u32, time_ns: i64) -> PyResult<()> {
        Ok(lock(&self.core).close_stream(session, time_ns).map_err(CoreError::from)?)
    }

    fn tick(&self, now_ns: i64) {
        lock(&self.core).tick(now_ns);
    }

    #[getter]
    fn waiting(&self) -> usize {
        lock(&self.core).waiting()
    }

    #[getter]
    fn is_full(&self) -> bool {
        lock(&self.core).is_full(self.rows)
    }

    #[getter]
    fn clock_ns(&self) -> i64 {
        lock(&self.core).clock_ns().max(0)
    }

    fn take(&self, py: Python<'_>) -> Vec<(&'static str, Batch)> {
        let batches = py.detach(|| lock(&self.core).take());
        batches.into_iter().map(|(kind, batch)| (kind.name(), Batch(batch))).collect()
    }

    fn saved_templates<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let kept = py.detach(|| lock(&self.core).kept_templates());
        kept.map(|octets| PyBytes::new(py, &octets))
    }

    fn saved_sequences<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let kept = py.detach(|| lock(&self.core).kept_sequences());
        PyBytes::new(py, &kept)
    }

    fn restore(
        &self,
        templates: Option<&[u8]>,
        sequences: Option<&[u8]>,
        now_ns: i64,
    ) -> PyResult<()> {
        let mut core = lock(&self.core);
        if let Some(octets) = templates {
            core.restore_templates(octets, now_ns).map_err(CoreError::from)?;
        }
        if let Some(octets) = sequences {
            core.restore_sequences(octets, now_ns).map_err(CoreError::from)?;
        }
        Ok(())
    }

    fn ledger<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let mut rows = self.socket_rows();
        rows.extend(py.detach(|| lock(&self.core).ledger()));
        listed(py, rows)
    }

    fn exporters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let states = py.detach(|| lock(&self.core).exporters());
        let rows = states.into_iter().map(|state| exporter_row(py, state));
        PyList::new(py, rows.collect::<PyResult<Vec<_>>>()?)
    }

    fn templates<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let states = py.detach(|| lock(&self.core).templates());
        let rows = states.into_iter().map(|state| template_row(py, state));
        PyList::new(py, rows.collect::<PyResult<Vec<_>>>()?)
    }

    #[staticmethod]
    fn empty_batch(kind: &str) -> PyResult<Batch> {
        let kind = BatchKind::by_name(kind)
            .ok_or_else(|| PyValueError::new_err("there is no such kind of batch"))?;
        let columns: Vec<Column> = kind.columns().collect();
        Ok(Batch(RecordBatch::new_empty(schema_of(&columns))))
    }
}

impl Collector {
    fn take_in(&self, from: SocketAddr, to_port: u16, time_ns: i64, octets: &[u8]) {
        let reception =
            lock(&self.core).datagram(octets_of(from.ip()), from.port(), time_ns, octets);
        if reception.is_bad() {
            self.keep_bad(from, to_port, time_ns, octets);
        }
    }

    fn keep_bad(&self, from: SocketAddr, to_port: u16, time_ns: i64, octets: &[u8]) {
        if let Some(quarantine) = &self.quarantine {
            let to = SocketAddr::new(unspecified(from.ip()), to_port);
            lock(quarantine).keep(time_ns, from, to, octets);
        }
    }

    /// The way of datagrams before they are handed over: what the kernel dropped.
    fn socket_rows(&self) -> Vec<LedgerRow> {
        let sockets = lock(&self.sockets);
        if sockets.is_empty() {
            return Vec::new();
        }
        let received: u64 = sockets.values().map(|counts| counts.received).sum();
        let dropped: u64 = sockets.values().map(|counts| counts.dropped).sum();
        let row = |fate, reason: &str, count| LedgerRow {
            stage: "socket",
            fate,
            reason: reason.to_owned(),
            unit: Unit::Datagrams,
            count,
        };
        vec![
            row(Fate::In, "", received + dropped),
            row(Fate::Out, "", received),
            row(Fate::Lost, "dropped by the kernel", dropped),
        ]
    }
}

fn exporter_row(py: Python<'_>, state: ExporterState) -> PyResult<Bound<'_, PyDict>> {
    let row = PyDict::new(py);
    row.set_item("addr", text(state.addr))?;
    row.set_item("port", state.port)?;
    row.set_item("transport", state.transport)?;
    row.set_item("protocol", state.protocol)?;
    row.set_item("domain", state.domain)?;
    row.set_item("first_ns", state.first_ns)?;
    row.set_item("last_ns", state.last_ns)?;
    row.set_item("datagrams", state.datagrams)?;
    row.set_item("octets", state.octets)?;
    row.set_item("records", state.records)?;
    row.set_item("other_records", state.other_records)?;
    row.set_item("templates", state.templates)?;
    row.set_item("missing", state.missing)?;
    row.set_item("missing_unit", state.missing_unit.name())?;
    row.set_item("missing_samples", state.missing_samples)?;
    row.set_item("duplicates", state.duplicates)?;
    row.set_item("reordered", state.reordered)?;
    row.set_item("restarts", state.restarts)?;
    row.set_item("parked", state.parked)?;
    row.set_item("refused", state.refused)?;
    row.set_item("sampling_rate", state.sampling_rate)?;
    row.set_item("sampling_origin", state.sampling_origin)?;
    row.set_item("clock_skew_ms", state.skew_ns.map_or(0, |skew| skew / NS_PER_MS))?;
    row.set_item("clock", state.clock)?;
    row.set_item("exported_records", state.exported_records)?;
    Ok(row)
}

fn template_row(py: Python<'_>, state: TemplateState) -> PyResult<Bound<'_, PyDict>> {
    let row = PyDict::new(py);
    row.set_item("addr", text(state.addr))?;
    row.set_item("port", state.port)?;
    row.set_item("protocol", state.protocol)?;
    row.set_item("domain", state.domain)?;
    row.set_item("id", state.id)?;
    row.set_item("options", state.options)?;
    row.set_item("fields", state.fields)?;
    row.set_item("seen_ns", state.seen_ns)?;
    Ok(row)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn address(text: &str) -> Result<IpAddr, CoreError> {
    text.parse().map_err(|_| CoreError::Address(format!("{text:?} is no IP address")))
}

/// An address as the collector has them: 16 octets, IPv4 mapped.
fn octets_of(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(four) => four.to_ipv6_mapped().octets(),
        IpAddr::V6(six) => six.octets(),
    }
}

fn text(octets: [u8; 16]) -> String {
    Ipv6Addr::from(octets).to_canonical().to_string()
}

fn unspecified(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

const NS_PER_S: i64 = 1_000_000_000;
const NS_PER_MS: i64 = 1_000_000;
const UNKNOWN_PORT: u16 = 0;
