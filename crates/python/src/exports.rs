// SPDX-License-Identifier: Apache-2.0
//! Files that hold flow exports: captures of exporters' traffic, and IPFIX files.

use std::fs::File;
use std::io::{self, Read};

use penstock_collect::{Captured, Collector};
use penstock_net::{Capture, Chunk, Limits, SourceError};
use penstock_wire::{Frame, LinkType};

use crate::errors::CoreError;

/// A file that is being read.
pub(crate) struct Exports {
    name: String,
    kind: Kind,
}

enum Kind {
    Capture { capture: Box<Capture>, chunk: Chunk },
    Messages { file: File, session: u32, octets: Vec<u8>, read: u64 },
}

impl Exports {
    /// Opens `pcap:FILE`, `ipfix:FILE`, or a file that is what its first octets say.
    pub fn open(source: &str, collector: &mut Collector) -> Result<Self, CoreError> {
        let (name, messages) = match source.split_once(':') {
            Some(("pcap", name)) => (name, false),
            Some(("ipfix", name)) => (name, true),
            _ => (source, begins_as_ipfix(source)),
        };
        let kind = if messages {
            let file = File::open(name).map_err(|error| (name.to_owned(), error))?;
            let session = collector.open_file();
            Kind::Messages { file, session, octets: vec![0; READ_OCTETS], read: 0 }
        } else {
            let capture = Box::new(Capture::open(&[name.to_owned()])?);
            Kind::Capture { capture, chunk: Chunk::default() }
        };
        Ok(Self { name: name.to_owned(), kind })
    }

    /// Hands some more of it to the collector; false at the end. Datagrams that something was wrong
    /// with go to `bad` as well, with their times.
    pub fn read(
        &mut self,
        collector: &mut Collector,
        mut bad: impl FnMut(&Captured<'_>, i64),
    ) -> Result<bool, CoreError> {
        match &mut self.kind {
            Kind::Capture { capture, chunk } => {
                if !capture.read_chunk(&Limits::default(), chunk)? {
                    return Ok(false);
                }
                for packet in &chunk.packets {
                    let frame = Frame {
                        link: LinkType(packet.link),
                        bytes: chunk.frame(packet),
                        original_octets: packet.original_octets,
                    };
                    if let Some(captured) = collector.frame(frame, packet.time_ns)
                        && captured.reception.is_bad()
                    {
                        bad(&captured, packet.time_ns);
                    }
                }
                Ok(true)
            }
            Kind::Messages { file, session, octets, read } => {
                let broken = |at: u64, problem: String| {
                    CoreError::from(SourceError::malformed(&self.name, at, problem))
                };
                let got = file.read(octets).map_err(|error| broken(*read, error.to_string()))?;
                if got == 0 {
                    let closed = collector.close_stream(*session, collector.clock_ns());
                    return closed.map(|()| false).map_err(|e| broken(*read, e.to_string()));
                }
                *read += got as u64;
                let taken = collector.stream(*session, &octets[..got], collector.clock_ns());
                taken.map(|()| true).map_err(|error| broken(*read, error.to_string()))
            }
        }
    }
}

/// Whether a file's first two octets are those of an IPFIX message. What cannot be read is left to
/// whoever opens it to say.
fn begins_as_ipfix(path: &str) -> bool {
    let mut version = [0; 2];
    let read = |mut file: File| -> io::Result<()> { file.read_exact(&mut version) };
    File::open(path).and_then(read).is_ok() && version == [0, 10]
}

const READ_OCTETS: usize = 1 << 18;
