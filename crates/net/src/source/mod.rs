// SPDX-License-Identifier: Apache-2.0
//! Captures, from octets to packets.
//!
//! [`Capture`] reads one file after the other, recognises each by its first octets and cuts the
//! packets into chunks. `bytes` knows where octets come from, a module for each format what they
//! mean, `chunk` where a chunk ends. Packets are parsed where they were read and never copied but
//! for the incomplete one at the end of a chunk.
//!
//! To add a format: write `source/<name>.rs`, declare it here, give it a row in the table.

mod bytes;
mod chunk;
mod location;
mod pcap;
mod pcapng;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{SourceError, SourceErrorKind};
use bytes::{Bytes, OpenFailure, Raw};
use chunk::{Filling, Gate};
use location::Location;

pub use chunk::{Captured, Chunk, Limits};

/// Every capture format: its name, and what makes a reader if it knows the first four octets.
const FORMATS: &[(&str, Recognise)] = &[("pcap", pcap::recognise), ("pcapng", pcapng::recognise)];

type Recognise = fn(&[u8]) -> Option<Box<dyn Format>>;

/// What a format does: turn the octets of a chunk into packets as far as they go.
trait Format: Send {
    /// Walks on from `filling.next`, and says why it stopped.
    fn walk(&mut self, filling: &mut Filling<'_>) -> Step;
}

/// Why a walk stopped.
enum Step {
    /// The chunk ends before the next packet.
    Full,
    /// The record that begins `taken` octets before the place needs so many octets in all.
    Need { what: &'static str, octets: u64, taken: u64 },
    /// The record that begins `taken` octets before the place cannot be read.
    Broken { problem: String, taken: u64 },
}

impl Step {
    #[cold]
    const fn need(what: &'static str, octets: usize) -> Self {
        Self::Need { what, octets: octets as u64, taken: 0 }
    }

    #[cold]
    fn broken(problem: impl Into<String>) -> Self {
        Self::Broken { problem: problem.into(), taken: 0 }
    }

    #[cold]
    fn too_long(captured_octets: u32) -> Self {
        Self::broken(format!(
            "captured length {captured_octets} is more than {MOST_CAPTURED_OCTETS}"
        ))
    }
}

/// Several captures, one after the other, as one stream of packets.
pub struct Capture {
    waiting: VecDeque<Location>,
    current: Option<Current>,
    /// Highest packet time so far; `i64::MIN` before the first packet.
    clock_ns: i64,
    last_ns: i64,
    number: u64,
    /// Octets that the chunk before took, the best guess for the next one.
    chunk_octets: usize,
    /// What ended the stream before its end; every later call fails with it again.
    failure: Option<SourceError>,
    octets_done: u64,
    octets_total: Option<u64>,
    stop: Arc<AtomicBool>,
}

/// Ends a [`Capture`] from another thread.
#[derive(Clone, Debug)]
pub struct Stopper(Arc<AtomicBool>);

impl Stopper {
    /// Makes the capture end after the chunk under way. A pipe that waits notices within 0.1 s.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Capture {
    /// Opens the first of `locations` and looks at what the others are.
    ///
    /// A location is a path, `pcap:` and a path, or `-` for standard input. What a file is, and how
    /// it is packed, is told by its first octets and not by its name.
    ///
    /// Fails if there are none, if one is missing or a directory, and if the first is no capture.
    pub fn open(locations: &[String]) -> Result<Self, SourceError> {
        let waiting: VecDeque<_> = locations.iter().map(|name| Location::parse(name)).collect();
        let mut octets_total = Some(0);
        for location in &waiting {
            let octets = location.octets().map_err(|e| SourceError::open(location.name(), &e))?;
            octets_total = octets_total.zip(octets).map(|(total, octets)| total + octets);
        }
        Self::start(waiting, octets_total)
    }

    /// A capture that is in memory, called `name` in errors.
    ///
    /// Fails if it is no capture.
    pub fn from_octets(name: &str, octets: Vec<u8>) -> Result<Self, SourceError> {
        let total = octets.len() as u64;
        let location = Location::Memory { name: name.to_owned(), octets };
        Self::start(VecDeque::from([location]), Some(total))
    }

    fn start(waiting: VecDeque<Location>, octets_total: Option<u64>) -> Result<Self, SourceError> {
        let mut capture = Self {
            waiting,
            current: None,
            clock_ns: i64::MIN,
            last_ns: 0,
            number: 0,
            chunk_octets: FIRST_READ_OCTETS,
            failure: None,
            octets_done: 0,
            octets_total,
            stop: Arc::default(),
        };
        if capture.waiting.is_empty() {
            let problem = "none was named".to_owned();
            let kind = SourceErrorKind::Open;
            return Err(SourceError { file: "capture".to_owned(), offset: None, problem, kind });
        }
        capture.open_next()?;
        Ok(capture)
    }

    /// Clears `chunk` and fills it with the next packets, keeping its buffers; `false` at the end,
    /// with the chunk empty.
    ///
    /// Where the input cannot be read further, the packets up to there come first, and the call
    /// after that fails, as do all later ones. A chunk of a pipe ends early when nothing more
    /// came for a second.
    pub fn read_chunk(&mut self, limits: &Limits, chunk: &mut Chunk) -> Result<bool, SourceError> {
        chunk.packets.clear();
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        chunk.packets.reserve(limits.packets.min(Limits::default().packets));
        let mut filling = Filling {
            bytes: &mut chunk.bytes,
            packets: &mut chunk.packets,
            next: 0,
            have: 0,
            gate: Gate::new(limits, self.clock_ns, self.last_ns),
        };
        self.fill(&mut filling);
        let (next, gate) = (filling.next, filling.gate);

        (self.clock_ns, self.last_ns) = (gate.clock_ns, gate.last_ns);
        chunk.number = self.number;
        let before_first = self.number == 0 && chunk.packets.is_empty();
        chunk.clock_ns = if before_first { 0 } else { self.clock_ns };
        chunk.backwards = gate.backwards;
        if chunk.packets.is_empty() {
            return self.failure.clone().map_or(Ok(false), Err);
        }
        self.number += 1;
        self.chunk_octets = next;
        Ok(true)
    }

    /// Octets read so far, as files store them: packed ones count packed.
    pub fn octets_read(&self) -> u64 {
        self.octets_done + self.current.as_ref().map_or(0, |current| current.bytes.octets_read())
    }

    /// Octets of all files together, as files store them; none if one of them is a pipe.
    pub fn octets_total(&self) -> Option<u64> {
        self.octets_total
    }

    /// What ends this capture from another thread.
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.stop))
    }

    fn fill(&mut self, filling: &mut Filling<'_>) {
        while !self.stop.load(Ordering::Relaxed) {
            let Some(current) = &mut self.current else { return };
            match current.read(filling, self.chunk_octets) {
                // A pipe said that it has something and then had nothing.
                Ok(Pause::Chunk) if filling.packets.is_empty() => {}
                Ok(Pause::Chunk) => return,
                Ok(Pause::End) => {
                    self.octets_done += current.bytes.octets_read();
                    self.current = None;
                    if let Err(error) = self.open_next() {
                        self.failure = Some(error);
                        return;
                    }
                }
                Err(error) => {
                    self.failure = Some(error);
                    return;
                }
            }
        }
    }

    /// Opens the next file, if there is one.
    fn open_next(&mut self) -> Result<(), SourceError> {
        if let Some(location) = self.waiting.pop_front() {
            self.current = Some(Current::open(location, Arc::clone(&self.stop))?);
        }
        Ok(())
    }
}

/// The file that is being read.
struct Current {
    name: String,
    bytes: Bytes,
    format: Box<dyn Format>,
    /// Octets of the file, unpacked, before the record that is next.
    offset: u64,
}

/// Why reading a file stopped.
enum Pause {
    /// The chunk is complete, or should not wait for more, or all is to stop.
    Chunk,
    /// The file has ended.
    End,
}

impl Current {
    fn open(location: Location, stop: Arc<AtomicBool>) -> Result<Self, SourceError> {
        let name = location.name().to_owned();
        let raw = location.raw(stop).map_err(|error| SourceError::open(&name, &error))?;
        Self::over(name, raw)
    }

    fn over(name: String, raw: Raw) -> Result<Self, SourceError> {
        let mut bytes = match Bytes::open(raw) {
            Ok(bytes) => bytes,
            Err(OpenFailure::System(error)) => return Err(SourceError::open(&name, &error)),
            Err(OpenFailure::Packed(packing)) => {
                let problem = format!(
                    "is packed with {packing}, which is not read here; \
                     unpack it first, or use gzip or zstd"
                );
                return Err(SourceError::malformed(&name, 0, problem));
            }
        };
        let packing = bytes.packing;
        let head = bytes.peek(4).map_err(|error| unreadable(&name, packing, 0, &error))?;
        if head.is_empty() {
            return Err(SourceError::malformed(&name, 0, "the file is empty"));
        }
        let Some(format) = FORMATS.iter().find_map(|(_, recognise)| recognise(head)) else {
            let names: Vec<_> = FORMATS.iter().map(|(name, _)| *name).collect();
            let problem = format!("not a {} file", names.join(" or "));
            return Err(SourceError::malformed(&name, 0, problem));
        };
        Ok(Self { name, bytes, format, offset: 0 })
    }

    /// Reads and walks until the chunk or the file ends.
    fn read(
        &mut self,
        filling: &mut Filling<'_>,
        chunk_octets: usize,
    ) -> Result<Pause, SourceError> {
        loop {
            let before = filling.next;
            let step = self.format.walk(filling);
            self.offset += (filling.next - before) as u64;
            let (what, octets, taken) = match step {
                Step::Full => return Ok(self.pause(filling)),
                Step::Broken { problem, taken } => {
                    return Err(SourceError::malformed(&self.name, self.offset - taken, problem));
                }
                Step::Need { what, octets, taken } => (what, octets, taken),
            };
            filling.squeeze();
            let left = (filling.have - filling.next) as u64 + taken;
            let missing = usize::try_from(octets.saturating_sub(left)).unwrap_or(usize::MAX);
            let want = read_octets(filling, chunk_octets, missing);
            let buffer = room(filling.bytes, filling.have, want);
            match self.bytes.read(buffer, !filling.packets.is_empty()) {
                Ok(0) if left == 0 => return Ok(Pause::End),
                Ok(0) => {
                    let problem = format!("{what} needs {octets} octets, {left} left");
                    return Err(SourceError::malformed(&self.name, self.offset - taken, problem));
                }
                Ok(more) => filling.have += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(self.pause(filling));
                }
                Err(error) => {
                    let offset = self.offset - taken;
                    return Err(unreadable(&self.name, self.bytes.packing, offset, &error));
                }
            }
        }
    }

    /// Keeps what was read too much for the next chunk.
    fn pause(&mut self, filling: &mut Filling<'_>) -> Pause {
        self.bytes.hand_back(&filling.bytes[filling.next..filling.have]);
        filling.have = filling.next;
        Pause::Chunk
    }
}

/// How much to read so that the chunk becomes full and little is read too much, at least `missing`
/// unless that is a lot.
///
/// A chunk takes about what the one before took. Beyond that, steps are small beside what there is,
/// since what is read too much is copied twice.
fn read_octets(filling: &Filling<'_>, chunk_octets: usize, missing: usize) -> usize {
    let guess = if filling.have < chunk_octets {
        chunk_octets - filling.have
    } else {
        let packets = filling.packets.len();
        let each = filling.next.div_ceil(packets.max(1));
        let by_packets = filling.gate.most_packets().saturating_sub(packets).saturating_mul(each);
        by_packets.min(filling.gate.octets_left() + each).min(filling.have / 4)
    };
    guess.max(missing).clamp(LEAST_READ_OCTETS, MOST_READ_OCTETS)
}

/// The `octets` of `bytes` from `at` on, which has to grow only if it never was that long.
fn room(bytes: &mut Vec<u8>, at: usize, octets: usize) -> &mut [u8] {
    let end = at + octets;
    if bytes.len() < end {
        bytes.resize(end.next_multiple_of(64 << 10), 0);
    }
    &mut bytes[at..end]
}

fn unreadable(file: &str, packing: Option<&str>, offset: u64, error: &io::Error) -> SourceError {
    let Some(packing) = packing.filter(|_| error.raw_os_error().is_none()) else {
        return SourceError { offset: Some(offset), ..SourceError::open(file, error) };
    };
    let problem = if error.kind() == io::ErrorKind::UnexpectedEof {
        format!("{packing} data is cut here")
    } else {
        format!("{packing} data is damaged: {error}")
    };
    SourceError::malformed(file, offset, problem)
}

/// More than any link carries; a longer packet means that the file is damaged.
const MOST_CAPTURED_OCTETS: u32 = 256 << 10;
const FIRST_READ_OCTETS: usize = 64 << 10;
const LEAST_READ_OCTETS: usize = 4 << 10;
const MOST_READ_OCTETS: usize = 1 << 20;

#[cfg(test)]
mod tests;
