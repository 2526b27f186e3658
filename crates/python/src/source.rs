// SPDX-License-Identifier: Apache-2.0
//! Captures and filters of `net`, as the meter wants its sources and selectors.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use penstock_meter::{Chunk, Packets, Select};
use penstock_net::filter::{self, FilterError, Program};
use penstock_net::{Capture, Limits, SourceError};
use penstock_wire::{Frame, LinkType};

/// Files, one after another.
pub(crate) struct Files {
    pub capture: Capture,
    pub limits: Limits,
    pub octets_read: Arc<AtomicU64>,
}

impl Packets for Files {
    type Chunk = FileChunk;
    type Error = SourceError;

    fn read(&mut self, chunk: &mut FileChunk) -> Result<bool, SourceError> {
        let read = self.capture.read_chunk(&self.limits, &mut chunk.0);
        self.octets_read.store(self.capture.octets_read(), Relaxed);
        read
    }
}

/// Packets of a file.
#[derive(Default)]
pub(crate) struct FileChunk(penstock_net::Chunk);

impl Chunk for FileChunk {
    #[inline]
    fn len(&self) -> usize {
        self.0.packets.len()
    }

    #[inline]
    fn frame(&self, index: usize) -> (Frame<'_>, i64) {
        let captured = &self.0.packets[index];
        let link = LinkType(captured.link);
        let bytes = self.0.frame(captured);
        let frame = Frame { link, bytes, original_octets: captured.original_octets };
        (frame, captured.time_ns)
    }
}

/// A filter expression, compiled for each link type when its first packet comes.
pub(crate) struct Filter {
    expression: String,
    programs: Box<[OnceLock<Option<Program>>]>,
    failed: OnceLock<FilterError>,
}

/// Link types for which an expression can be compiled: all that are in use lie below.
const LINK_TYPES: usize = 512;
const ETHERNET: u16 = 1;
/// Null, PPP, raw IP and both of Linux's "cooked" ones.
const USUAL: [u16; 5] = [0, 9, 101, 113, 276];

impl Filter {
    /// Says at once if the expression is none.
    pub fn new(expression: &str) -> Result<Self, FilterError> {
        let programs = (0..LINK_TYPES).map(|_| OnceLock::new()).collect();
        let filter = Self { expression: expression.to_owned(), programs, failed: OnceLock::new() };
        // An expression may make sense for some link types alone: whether it does for those
        // that come is seen when they come.
        let compile = |link: &u16| filter::compile(expression, *link, 0);
        match compile(&ETHERNET) {
            Err(error) if USUAL.iter().all(|link| compile(link).is_err()) => Err(error),
            _ => Ok(filter),
        }
    }

    /// Why the expression could not be compiled for some link type that came.
    pub fn failure(&self) -> Option<&FilterError> {
        self.failed.get()
    }

    fn compile(&self, link: u16) -> Option<Program> {
        filter::compile(&self.expression, link, 0).map_err(|error| self.failed.set(error)).ok()
    }
}

/// A filter that is shared with whoever wants to know of its failure.
pub(crate) struct SharedFilter(pub Arc<Filter>);

impl Select for SharedFilter {
    #[inline]
    fn passes(&self, frame: &Frame<'_>) -> bool {
        let link = frame.link.0;
        let program = self.0.programs.get(usize::from(link));
        program.is_some_and(|program| {
            let program = program.get_or_init(|| self.0.compile(link));
            program.as_ref().is_some_and(|p| p.matches(frame.bytes, frame.original_octets))
        })
    }
}
