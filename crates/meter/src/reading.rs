// SPDX-License-Identifier: Apache-2.0
//! The source as the engines see it: stopped on request, after so many packets, or at its
//! end; with the packet clock; and what can be told about it from outside meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

use crate::stream::{Chunk, Packets};

/// How far a meter is, to be read from any thread.
#[derive(Debug, Default)]
pub struct Progress {
    packets: AtomicU64,
    flows: AtomicU64,
    clock_ns: AtomicI64,
    stop: AtomicBool,
}

impl Progress {
    /// Packets read.
    pub fn packets(&self) -> u64 {
        self.packets.load(Relaxed)
    }

    /// Flows in the table.
    pub fn flows(&self) -> u64 {
        self.flows.load(Relaxed)
    }

    /// The packet clock, in nanoseconds since 1970; 0 before the first packet.
    pub fn clock_ns(&self) -> i64 {
        self.clock_ns.load(Relaxed)
    }

    /// Asks for nothing more to be read. What the table holds still comes out.
    pub fn stop(&self) {
        self.stop.store(true, Relaxed);
    }

    pub(crate) fn set_flows(&self, flows: u64) {
        self.flows.store(flows, Relaxed);
    }
}

/// A source being read, chunk by chunk.
pub(crate) struct Reading<S: Packets> {
    source: Option<S>,
    left: Option<u64>,
    clock_ns: i64,
    progress: Arc<Progress>,
    error: Option<S::Error>,
}

/// A chunk that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// How many of its packets count.
    pub packets: usize,
    /// The packet clock before and after it.
    pub clock_before_ns: i64,
    pub clock_ns: i64,
}

impl<S: Packets> Reading<S> {
    pub fn new(source: S, count: Option<u64>, progress: Arc<Progress>) -> Self {
        Self { source: Some(source), left: count, clock_ns: i64::MIN, progress, error: None }
    }

    /// Reads the next chunk; `None` at the end, whatever made it.
    pub fn read(&mut self, chunk: &mut S::Chunk) -> Option<Extent> {
        let source = self.source.as_mut()?;
        let over = self.progress.stop.load(Relaxed) || self.left == Some(0);
        let read = if over { Ok(false) } else { source.read(chunk) };
        match read {
            Ok(true) => {}
            Ok(false) => self.source = None,
            Err(error) => {
                self.source = None;
                self.error = Some(error);
            }
        }
        self.source.as_ref()?;
        let mut packets = chunk.len();
        if let Some(left) = &mut self.left {
            packets = packets.min(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= packets as u64;
        }
        let clock_before_ns = self.clock_ns;
        let latest = (0..packets).map(|index| chunk.frame(index).1).max();
        self.clock_ns = self.clock_ns.max(latest.unwrap_or(i64::MIN));
        self.progress.packets.fetch_add(packets as u64, Relaxed);
        self.progress.clock_ns.store(self.clock_ns, Relaxed);
        Some(Extent { packets, clock_before_ns, clock_ns: self.clock_ns })
    }

    /// Why the reading ended, if not as it should; told once.
    pub fn take_error(&mut self) -> Option<S::Error> {
        self.error.take()
    }
}
