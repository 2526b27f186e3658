// SPDX-License-Identifier: Apache-2.0
//! How fast datagrams in memory become batches: the whole collector, without sockets.
//!
//! Each measurement prints one line of JSON. `bench/decode.py` runs them; by hand:
//! `cargo test --release -p penstock-collect --test rate_decode -- --ignored --nocapture
//! --test-threads 1`. How fast records become rows, the rest left out, is measured beside `rows`.

use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use penstock_collect::{Collector, Reception, Settings};
use penstock_record::BatchKind;
use penstock_traffic::{Protocol, Settings as TrafficSettings, Traffic};

type Outcome = Result<(), Box<dyn Error>>;

#[test]
#[ignore = "a measurement, of a release build"]
fn netflow5() -> Outcome {
    measure("netflow5", Protocol::NetFlow5)
}

#[test]
#[ignore = "a measurement, of a release build"]
fn netflow9() -> Outcome {
    measure("netflow9", Protocol::NetFlow9)
}

#[test]
#[ignore = "a measurement, of a release build"]
fn ipfix() -> Outcome {
    measure("ipfix", Protocol::Ipfix)
}

#[test]
#[ignore = "a measurement, of a release build"]
fn sflow() -> Outcome {
    measure("sflow", Protocol::SFlow)
}

fn measure(name: &str, protocol: Protocol) -> Outcome {
    let stock = Stock::new(protocol)?;
    let mut collector = Collector::new(Settings::default());
    // Buffers grow and templates are compiled before the clock runs.
    let mut turn = 0;
    let mut rows = stock.feed(&mut collector, turn)?;
    let (begun, begun_cpu) = (Instant::now(), cpu_s());
    while begun.elapsed() < LEAST {
        turn += 1;
        rows += stock.feed(&mut collector, turn)?;
    }
    let took_s = begun.elapsed().as_secs_f64();
    let took_cpu_s = begun_cpu.zip(cpu_s()).map_or(took_s, |(begun, now)| now - begun);
    let turns = u64::from(turn);
    assert_eq!(rows, stock.records * (turns + 1), "every record is a row");
    println!(
        "\n{{\"case\": \"{name}\", \"records\": {}, \"datagrams\": {}, \"octets\": {}, \
         \"seconds\": {took_s:.6}, \"cpu_s\": {took_cpu_s:.6}}}",
        stock.records * turns,
        stock.ends.len() as u64 * turns,
        stock.octets.len() as u64 * turns,
    );
    Ok(())
}

/// Datagrams of a few exporters, far more than the processor's caches hold.
#[derive(Default)]
struct Stock {
    octets: Vec<u8>,
    ends: Vec<usize>,
    exporters: Vec<u32>,
    times_ns: Vec<i64>,
    records: u64,
}

impl Stock {
    fn new(protocol: Protocol) -> Result<Self, Box<dyn Error>> {
        let mut traffic = Traffic::new(TrafficSettings {
            protocols: vec![protocol],
            exporters: EXPORTERS,
            flows_per_second: 1e6,
            ..TrafficSettings::default()
        })?;
        let mut stock = Self::default();
        let Self { octets, ends, exporters, times_ns, records } = &mut stock;
        while octets.len() < STOCK_OCTETS {
            traffic.fill(64, octets, ends, exporters, times_ns);
        }
        // The last exporter's turn may have left some that are counted and not yet given out.
        while traffic.is_pending() {
            traffic.fill(1, octets, ends, exporters, times_ns);
        }
        *records = traffic.records();
        Ok(stock)
    }

    /// Gives all of them to the collector, each turn as from other exporters, so that no sequence
    /// number comes twice; how many rows of flows came of it.
    fn feed(&self, collector: &mut Collector, turn: u32) -> Result<u64, Box<dyn Error>> {
        let (mut begin, mut rows) = (0, 0);
        let whose = self.exporters.iter().zip(&self.times_ns);
        for (&end, (&exporter, &time_ns)) in self.ends.iter().zip(whose) {
            let octets = self.octets.get(begin..end).ok_or("datagrams are in order")?;
            begin = end;
            let addr = address(turn * EXPORTERS + exporter);
            let reception = collector.datagram(addr, 2055, time_ns, octets);
            if reception != Reception::Whole {
                return Err(format!("{reception:?}").into());
            }
            if collector.is_full(BATCH_ROWS) {
                rows += flows(collector);
            }
        }
        Ok(rows + flows(collector))
    }
}

/// What waits is made into batches, and let go.
fn flows(collector: &mut Collector) -> u64 {
    let batches = collector.take();
    let flows = batches.iter().filter(|(kind, _)| *kind == BatchKind::Flows);
    flows.map(|(_, batch)| batch.num_rows() as u64).sum()
}

fn address(number: u32) -> [u8; 16] {
    let [a, b, c, d] = number.to_be_bytes();
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10 + a, b, c, d]
}

/// Seconds that this thread has run, where the system tells.
fn cpu_s() -> Option<f64> {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let ns: f64 = told.split_whitespace().next()?.parse().ok()?;
    Some(ns / 1e9)
}

const EXPORTERS: u32 = 8;
const STOCK_OCTETS: usize = 64 << 20;
/// As `penstock collect` has them.
const BATCH_ROWS: usize = 65_536;
/// How long each is measured at least.
const LEAST: Duration = Duration::from_secs(2);
