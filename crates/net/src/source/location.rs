// SPDX-License-Identifier: Apache-2.0
//! The names that captures have for people. What is in them is not known here.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::bytes::Raw;

/// Where a capture is.
pub(super) enum Location {
    Path(String),
    StandardInput,
    Memory {
        name: String,
        octets: Vec<u8>,
    },
    #[cfg(test)]
    Pipe(File),
}

impl Location {
    /// Takes a path, `pcap:` and a path, or `-`.
    pub fn parse(name: &str) -> Self {
        match name.strip_prefix("pcap:").unwrap_or(name) {
            "-" => Self::StandardInput,
            path => Self::Path(path.to_owned()),
        }
    }

    /// What errors call it.
    pub fn name(&self) -> &str {
        match self {
            Self::Path(path) => path,
            Self::StandardInput => "standard input",
            Self::Memory { name, .. } => name,
            #[cfg(test)]
            Self::Pipe(_) => "pipe",
        }
    }

    /// How much there is to read, if that can be said before reading it.
    pub fn octets(&self) -> io::Result<Option<u64>> {
        let metadata = match self {
            Self::Path(path) => fs::metadata(path)?,
            Self::StandardInput => standard_input()?.metadata()?,
            Self::Memory { octets, .. } => return Ok(Some(octets.len() as u64)),
            #[cfg(test)]
            Self::Pipe(_) => return Ok(None),
        };
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(metadata.is_file().then_some(metadata.len()))
    }

    /// Opens it.
    pub fn raw(self, stop: Arc<AtomicBool>) -> io::Result<Raw> {
        match self {
            Self::Path(path) => Raw::file(File::open(path)?, stop),
            Self::StandardInput => Raw::file(standard_input()?, stop),
            Self::Memory { octets, .. } => Ok(Raw::memory(octets, stop)),
            #[cfg(test)]
            Self::Pipe(pipe) => Raw::file(pipe, stop),
        }
    }
}

/// The process's standard input without the buffer that the standard library puts before it.
fn standard_input() -> io::Result<File> {
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}
