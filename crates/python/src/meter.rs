// SPDX-License-Identifier: Apache-2.0
//! The meter over files.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use penstock_meter::{Meter as Core, Progress, Settings, Tunnels};
use penstock_net::{Capture, Limits, Stopper};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::batch::Batch;
use crate::errors::CoreError;
use crate::ledger::listed;
use crate::source::{Files, Filter, SharedFilter};

/// Packets to flows.
#[pyclass(frozen, module = "penstock._core")]
pub(crate) struct Meter {
    core: Mutex<Core<Files, SharedFilter>>,
    progress: Arc<Progress>,
    stopper: Stopper,
    filter: Option<Arc<Filter>>,
    octets_read: Arc<AtomicU64>,
    octets_total: Option<u64>,
    clock: Mutex<Clock>,
}

/// Wall time from the first octet read to the last batch handed over.
#[derive(Default)]
struct Clock {
    started: Option<Instant>,
    seconds: f64,
    over: bool,
}

impl Clock {
    fn seconds(&self) -> f64 {
        match self.started {
            Some(started) if !self.over => started.elapsed().as_secs_f64(),
            _ => self.seconds,
        }
    }
}

#[pymethods]
impl Meter {
    #[new]
    #[pyo3(signature = (sources, *, filter=None, tunnel="inner", key=None, uniflow=false,
        active_timeout_ns=300_000_000_000, idle_timeout_ns=30_000_000_000, max_flows=1_000_000,
        fragment_timeout_ns=30_000_000_000, plugins=Vec::new(), threads=1, count=None,
        rows_per_batch=8_192))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of a Python call")]
    fn new(
        sources: Vec<String>,
        filter: Option<&str>,
        tunnel: &str,
        key: Option<Vec<String>>,
        uniflow: bool,
        active_timeout_ns: i64,
        idle_timeout_ns: i64,
        max_flows: usize,
        fragment_timeout_ns: i64,
        plugins: Vec<(String, BTreeMap<String, String>)>,
        threads: usize,
        count: Option<u64>,
        rows_per_batch: usize,
    ) -> PyResult<Self> {
        let tunnels = match tunnel {
            "inner" => Tunnels::Inner,
            "outer" => Tunnels::Outer,
            _ => return Err(PyValueError::new_err("tunnel is 'inner' or 'outer'")),
        };
        let settings = Settings {
            key,
            uniflow,
            tunnels,
            active_timeout_ns,
            idle_timeout_ns,
            max_flows,
            fragment_timeout_ns,
            plugins,
            threads,
            count,
            rows_per_batch,
        };
        let filter = filter.map(Filter::new).transpose().map_err(CoreError::from)?.map(Arc::new);
        let capture = Capture::open(&sources).map_err(CoreError::from)?;
        let (stopper, octets_total) = (capture.stopper(), capture.octets_total());
        let octets_read = Arc::<AtomicU64>::default();
        let files =
            Files { capture, limits: Limits::default(), octets_read: Arc::clone(&octets_read) };
        let select = filter.as_ref().map(|filter| SharedFilter(Arc::clone(filter)));
        let core = Core::new(files, select, &settings).map_err(CoreError::from)?;
        let progress = core.progress();
        let (core, clock) = (Mutex::new(core), Mutex::default());
        Ok(Self { core, progress, stopper, filter, octets_read, octets_total, clock })
    }

    fn next_batch(&self, py: Python<'_>) -> PyResult<Option<Batch>> {
        let batch = py.detach(|| {
            lock(&self.clock).started.get_or_insert_with(Instant::now);
            let batch = lock(&self.core).next_batch();
            let mut clock = lock(&self.clock);
            if !clock.over {
                clock.seconds = clock.seconds();
                clock.over = !matches!(batch, Ok(Some(_)));
            }
            batch
        });
        if let Some(error) = self.filter.as_ref().and_then(|filter| filter.failure()) {
            return Err(CoreError::from(error.clone()).into());
        }
        Ok(batch.map_err(CoreError::from)?.map(Batch))
    }

    fn stop(&self) {
        self.progress.stop();
        self.stopper.stop();
    }

    fn progress<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let seconds = lock(&self.clock).seconds();
        let now = PyDict::new(py);
        now.set_item("packets", self.progress.packets())?;
        now.set_item("flows", self.progress.flows())?;
        now.set_item("octets_read", self.octets_read.load(Relaxed))?;
        now.set_item("octets_total", self.octets_total)?;
        now.set_item("packet_time_ns", self.progress.clock_ns())?;
        now.set_item("seconds", seconds)?;
        Ok(now)
    }

    fn ledger<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        listed(py, py.detach(|| lock(&self.core).ledger()))
    }

    fn empty_batch(&self, py: Python<'_>) -> Batch {
        py.detach(|| Batch(lock(&self.core).empty_batch()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
