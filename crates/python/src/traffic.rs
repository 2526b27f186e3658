// SPDX-License-Identifier: Apache-2.0
//! Exporters that are made up, and the sockets that they send by.

use std::fs::File;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use penstock_net::capture_file::{HEADER, append_datagram};
use penstock_net::udp::{ManySender, Sender, Sent};
use penstock_traffic::{
    Arrivals, Datagram, Protocol, SamplingSaid, Settings, Sums, Traffic as Core, Truth,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// Exporters that are made up.
#[pyclass(frozen, module = "penstock._core")]
pub(crate) struct Traffic(Mutex<State>);

struct State {
    core: Core,
    /// The capture that the last call wrote to.
    capture: Option<(PathBuf, File)>,
}

#[pymethods]
impl Traffic {
    #[new]
    #[pyo3(signature = (*, seed=1, exporters=1, protocols=vec!["ipfix".to_owned()], records=None,
        records_per_datagram=0, message_octets=1420, flows=16_384, ipv6=0.25,
        flows_per_second=1_000.0, start_time_ns=1_767_225_600_000_000_000, sampling=vec![1],
        sampling_said=vec!["usual".to_owned()], template_every=200, template_late=0,
        template_lost=0.0, template_change_every=0, more_templates=0, clock_skew_s=vec![0], loss=0.0, reorder=0.0,
        duplicate=0.0, hostile=0.0, restart_every=0, counters_every_s=30, prebuilt=0))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of a Python call")]
    fn new(
        seed: u64,
        exporters: u32,
        protocols: Vec<String>,
        records: Option<u64>,
        records_per_datagram: u32,
        message_octets: u16,
        flows: u32,
        ipv6: f64,
        flows_per_second: f64,
        start_time_ns: i64,
        sampling: Vec<u32>,
        sampling_said: Vec<String>,
        template_every: u32,
        template_late: u32,
        template_lost: f64,
        template_change_every: u32,
        more_templates: u32,
        clock_skew_s: Vec<i64>,
        loss: f64,
        reorder: f64,
        duplicate: f64,
        hostile: f64,
        restart_every: u32,
        counters_every_s: u32,
        prebuilt: u32,
    ) -> PyResult<Self> {
        let settings = Settings {
            seed,
            exporters,
            protocols: parsed::<Protocol>(&protocols)?,
            records,
            records_per_datagram,
            message_octets,
            flows,
            ipv6,
            flows_per_second,
            start_time_ns,
            sampling,
            sampling_said: parsed::<SamplingSaid>(&sampling_said)?,
            template_every,
            template_late,
            template_lost,
            template_change_every,
            more_templates,
            clock_skew_s,
            loss,
            reorder,
            duplicate,
            hostile,
            restart_every,
            counters_every_s,
            prebuilt,
        };
        let core = Core::new(settings).map_err(|error| refusal(&error.to_string()))?;
        Ok(Self(Mutex::new(State { core, capture: None })))
    }

    #[pyo3(signature = (sender, max_datagrams, *, records=None))]
    fn play(
        &self,
        py: Python<'_>,
        sender: &UdpFanout,
        max_datagrams: usize,
        records: Option<u64>,
    ) -> usize {
        py.detach(|| {
            let (mut state, mut fanout) = (lock(&self.0), lock(&sender.0));
            let until = records.unwrap_or(u64::MAX);
            for played in 0..max_datagrams {
                let more = state.core.is_pending() || state.core.records() < until;
                let Some(datagram) = more.then(|| state.core.next()).flatten() else {
                    fanout.send();
                    return played;
                };
                fanout.take(&datagram);
            }
            fanout.send();
            max_datagrams
        })
    }

    fn write_capture(
        &self,
        py: Python<'_>,
        path: PathBuf,
        max_datagrams: usize,
    ) -> PyResult<usize> {
        py.detach(|| {
            let State { core, capture } = &mut *lock(&self.0);
            let (written, mut file) = match capture.take() {
                Some((known, file)) if known == path => (Vec::new(), file),
                _ => (HEADER.to_vec(), File::create(&path)?),
            };
            let count = write_packets(core, written, &mut file, max_datagrams)?;
            *capture = Some((path, file));
            Ok(count)
        })
    }

    #[getter]
    fn records(&self) -> u64 {
        lock(&self.0).core.records()
    }

    #[getter]
    fn time_ns(&self) -> i64 {
        lock(&self.0).core.time_ns()
    }

    fn truth<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let truths = py.detach(|| {
            let core = &lock(&self.0).core;
            let truths = core.truth().into_iter();
            truths.map(|truth| (core.address(truth.exporter), truth)).collect::<Vec<_>>()
        });
        let entries = PyList::empty(py);
        for (address, truth) in truths {
            entries.append(entry(py, address, &truth)?)?;
        }
        Ok(entries)
    }
}

/// Sockets to send by, one a target.
#[pyclass(frozen, module = "penstock._core")]
pub(crate) struct UdpFanout(Mutex<Fanout>);

struct Fanout {
    lanes: Vec<Lane>,
    /// Datagrams that wait in the lanes.
    waiting: usize,
    sent: Sent,
}

/// The way to one target, and what waits to go there.
struct Lane {
    socket: Socket,
    octets: Vec<u8>,
    ends: Vec<usize>,
    exporters: Vec<u32>,
}

enum Socket {
    One(Sender),
    Many(ManySender),
}

#[pymethods]
impl UdpFanout {
    #[new]
    fn new(py: Python<'_>, targets: Vec<(String, u16)>, sources: bool) -> PyResult<Self> {
        let open = |(host, port): &(String, u16)| {
            let found = (host.as_str(), *port).to_socket_addrs();
            let to = found.ok().and_then(|mut addresses| addresses.next());
            let to = to.ok_or_else(|| format!("{host}: no such host"))?;
            Lane::open(to, sources)
        };
        let lanes = py.detach(|| targets.iter().map(open).collect::<Result<Vec<_>, String>>());
        let lanes = lanes.map_err(|problem| refusal(&problem))?;
        if lanes.is_empty() {
            return Err(refusal("no target is named"));
        }
        Ok(Self(Mutex::new(Fanout { lanes, waiting: 0, sent: Sent::default() })))
    }

    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (counts, last_error) = py.detach(|| {
            let mut fanout = lock(&self.0);
            fanout.hear();
            let sent = &fanout.sent;
            let counts = [
                ("datagrams", sent.datagrams),
                ("octets", sent.octets),
                ("refused", sent.refused),
                ("too_big", sent.too_big),
                ("failed", sent.failed),
            ];
            (counts, sent.last_error.as_ref().map(ToString::to_string))
        });
        let counts = numbers(py, &counts)?;
        counts.set_item("last_error", last_error)?;
        Ok(counts)
    }
}

impl Fanout {
    fn take(&mut self, datagram: &Datagram<'_>) {
        let lane = datagram.exporter as usize % self.lanes.len();
        let lane = &mut self.lanes[lane];
        lane.octets.extend_from_slice(datagram.octets);
        lane.ends.push(lane.octets.len());
        lane.exporters.push(datagram.exporter);
        self.waiting += 1;
        if self.waiting == BATCH {
            self.send();
        }
    }

    fn send(&mut self) {
        self.waiting = 0;
        for lane in &mut self.lanes {
            // Which ones they were is nobody's question here.
            self.sent.add(Sent { unsent: Vec::new(), ..lane.send() });
        }
    }

    fn hear(&mut self) {
        for lane in &mut self.lanes {
            self.sent.add(match &mut lane.socket {
                Socket::One(sender) => sender.answers(),
                Socket::Many(sender) => sender.answers(),
            });
        }
    }
}

impl Lane {
    fn open(to: SocketAddr, sources: bool) -> Result<Self, String> {
        let many = sources && to.is_ipv4() && to.ip().is_loopback();
        let socket = if many {
            ManySender::open(to, 0).map(Socket::Many)
        } else {
            Sender::connect(to, None).map(Socket::One)
        };
        let socket = socket.map_err(|error| error.to_string())?;
        Ok(Self { socket, octets: Vec::new(), ends: Vec::new(), exporters: Vec::new() })
    }

    fn send(&mut self) -> Sent {
        let Self { socket, octets, ends, exporters } = self;
        let sent = match socket {
            Socket::One(sender) => sender.send(octets, ends),
            Socket::Many(sender) => {
                let begins = [0].into_iter().chain(ends.iter().copied());
                let slices = begins.zip(ends.iter()).map(|(begin, &end)| &octets[begin..end]);
                let mut datagrams: Vec<(IpAddr, &[u8])> =
                    exporters.iter().map(|&exporter| source(exporter)).zip(slices).collect();
                // Neighbours of one source leave at the least cost; each source keeps its order.
                datagrams.sort_by_key(|(source, _)| *source);
                sender.send(&datagrams)
            }
        };
        octets.clear();
        ends.clear();
        exporters.clear();
        sent
    }
}

fn write_packets(
    core: &mut Core,
    mut out: Vec<u8>,
    file: &mut File,
    max_datagrams: usize,
) -> io::Result<usize> {
    let mut count = 0;
    while count < max_datagrams {
        let Some(Datagram { exporter, time_ns, octets }) = core.next() else { break };
        let octets = octets.to_vec();
        let port = FIRST_PORT + (exporter % PORTS) as u16;
        let from = SocketAddr::new(core.address(exporter).into(), port);
        let to = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), core.protocol(exporter).port());
        append_datagram(&mut out, time_ns, from, to, &octets);
        count += 1;
        if out.len() >= WRITE_OCTETS {
            file.write_all(&out)?;
            out.clear();
        }
    }
    file.write_all(&out)?;
    Ok(count)
}

fn entry<'py>(py: Python<'py>, address: Ipv4Addr, truth: &Truth) -> PyResult<Bound<'py, PyDict>> {
    let entry = PyDict::new(py);
    entry.set_item("exporter", truth.exporter)?;
    entry.set_item("protocol", truth.protocol.name())?;
    entry.set_item("address", address.to_string())?;
    entry.set_item("source", source(truth.exporter).to_string())?;
    entry.set_item("domain", truth.domain)?;
    entry.set_item("sampling", truth.sampling)?;
    entry.set_item("sequence", truth.sequence)?;
    entry.set_item("restarts", truth.restarts)?;
    let datagrams = &truth.datagrams;
    let counts = [
        ("made", datagrams.made),
        ("lost", datagrams.lost),
        ("duplicated", datagrams.duplicated),
        ("hostile", datagrams.hostile),
        ("sent", datagrams.sent),
        ("reordered", datagrams.reordered),
        ("octets", datagrams.octets),
    ];
    entry.set_item("datagrams", numbers(py, &counts)?)?;
    for (name, Sums { records, octets, packets }) in [
        ("made", truth.made),
        ("lost", truth.lost),
        ("sent", truth.sent),
        ("duplicated", truth.duplicated),
        ("before_template", truth.before_template),
        ("under_other_template", truth.under_other_template),
    ] {
        let sums = [("records", records), ("octets", octets), ("packets", packets)];
        entry.set_item(name, numbers(py, &sums)?)?;
    }
    for (name, Arrivals { made, sent }) in [
        ("templates", truth.templates),
        ("options", truth.options),
        ("counter_samples", truth.counter_samples),
    ] {
        entry.set_item(name, numbers(py, &[("made", made), ("sent", sent)])?)?;
    }
    Ok(entry)
}

fn numbers<'py>(py: Python<'py>, counts: &[(&str, u64)]) -> PyResult<Bound<'py, PyDict>> {
    let numbers = PyDict::new(py);
    for (name, count) in counts {
        numbers.set_item(name, count)?;
    }
    Ok(numbers)
}

/// Where an exporter's datagrams come from if each has an address of its own.
fn source(exporter: u32) -> IpAddr {
    Ipv4Addr::from_bits(FIRST_SOURCE.to_bits() + exporter).into()
}

fn parsed<T>(names: &[String]) -> PyResult<Vec<T>>
where
    T: std::str::FromStr<Err: ToString>,
{
    let parsed = names.iter().map(|name| name.parse());
    parsed.collect::<Result<_, _>>().map_err(|error: T::Err| refusal(&error.to_string()))
}

/// What the operator asked for cannot be done.
fn refusal(problem: &str) -> PyErr {
    Python::attach(|py| {
        let made = || py.import("penstock.errors")?.getattr("ConfigError")?.call1((problem,));
        made().map_or_else(|error| error, PyErr::from_value)
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Of the addresses of loopback; the last of a million exporters has 127.31.66.64.
const FIRST_SOURCE: Ipv4Addr = Ipv4Addr::new(127, 16, 0, 1);

/// Source ports in captures: those that are nobody's.
const FIRST_PORT: u16 = 49_152;
const PORTS: u32 = 1 << 14;

/// Datagrams that go to the kernel together.
const BATCH: usize = 512;
const WRITE_OCTETS: usize = 1 << 20;
