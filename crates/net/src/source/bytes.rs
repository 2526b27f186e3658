// SPDX-License-Identifier: Apache-2.0
//! Octets from files, pipes and memory, unpacked on the way where they are packed.
//!
//! What the octets mean is not known here, nor when enough has been read.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flate2::bufread::MultiGzDecoder;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How files may be packed: first octets, name, and how to unpack it if we can.
const PACKINGS: &[Packing] = &[
    Packing { magic: &[0x1f, 0x8b], name: "gzip", unpack: Some(gzip) },
    Packing { magic: &[0x28, 0xb5, 0x2f, 0xfd], name: "zstd", unpack: Some(zstandard) },
    Packing { magic: &[0xfd, b'7', b'z', b'X', b'Z', 0], name: "xz", unpack: None },
    Packing { magic: &[0x04, 0x22, 0x4d, 0x18], name: "lz4", unpack: None },
    Packing { magic: &[0x02, 0x21, 0x4c, 0x18], name: "lz4", unpack: None },
    Packing { magic: b"BZh", name: "bzip2", unpack: None },
    Packing { magic: b"PK\x03\x04", name: "zip", unpack: None },
];

struct Packing {
    magic: &'static [u8],
    name: &'static str,
    unpack: Option<fn(Raw) -> io::Result<Unpacking>>,
}

/// Unpacked octets of one file, some of which may be handed back.
pub(super) struct Bytes {
    unpacking: Unpacking,
    /// How the file is packed, if it is.
    pub packing: Option<&'static str>,
    /// Octets that were handed back, from `carried` on.
    carry: Vec<u8>,
    carried: usize,
}

enum Unpacking {
    Plain(Raw),
    Gzip(Box<MultiGzDecoder<BufReader<Raw>>>),
    Zstd(Box<zstd::Decoder<'static, BufReader<Raw>>>),
}

/// Octets as they are stored.
pub(super) struct Raw {
    origin: Origin,
    /// First octets, read to see what they are, from `headed` on.
    head: Vec<u8>,
    headed: usize,
    /// Octets read so far.
    octets: u64,
    /// Set while the caller has packets that should not wait long for more.
    in_hand: bool,
    stop: Arc<AtomicBool>,
}

enum Origin {
    Regular(File),
    /// Anything that may keep its reader waiting.
    Pipe(File),
    Memory(Cursor<Vec<u8>>),
}

/// Why a file's octets cannot be had.
#[derive(Debug)]
pub(super) enum OpenFailure {
    /// The operating system says no.
    System(io::Error),
    /// Packed in a way that we do not undo.
    Packed(&'static str),
}

impl Raw {
    pub fn file(file: File, stop: Arc<AtomicBool>) -> io::Result<Self> {
        let kind = file.metadata()?.file_type();
        if kind.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let origin = if kind.is_file() { Origin::Regular(file) } else { Origin::Pipe(file) };
        Ok(Self::new(origin, stop))
    }

    pub fn memory(octets: Vec<u8>, stop: Arc<AtomicBool>) -> Self {
        Self::new(Origin::Memory(Cursor::new(octets)), stop)
    }

    fn new(origin: Origin, stop: Arc<AtomicBool>) -> Self {
        Self { origin, head: Vec::new(), headed: 0, octets: 0, in_hand: false, stop }
    }

    /// The first octets, fewer than `octets` only at the end; reading begins with them again.
    fn peek(&mut self, octets: usize) -> io::Result<&[u8]> {
        let mut head = Vec::with_capacity(octets);
        self.by_ref().take(octets as u64).read_to_end(&mut head)?;
        (self.head, self.headed) = (head, 0);
        Ok(&self.head)
    }
}

impl Read for Raw {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.headed < self.head.len() {
            let octets = (&self.head[self.headed..]).read(into)?;
            self.headed += octets;
            return Ok(octets);
        }
        let octets = match &mut self.origin {
            Origin::Memory(cursor) => cursor.read(into)?,
            Origin::Regular(file) => retry(|| file.read(into))?,
            Origin::Pipe(file) => {
                wait(file, self.in_hand, &self.stop)?;
                retry(|| file.read(into))?
            }
        };
        self.octets += octets as u64;
        Ok(octets)
    }
}

impl Bytes {
    /// Looks at the first octets to see how they are packed.
    pub fn open(mut raw: Raw) -> Result<Self, OpenFailure> {
        let longest = PACKINGS.iter().map(|row| row.magic.len()).max().unwrap_or(0);
        let head = raw.peek(longest).map_err(OpenFailure::System)?;
        let row = PACKINGS.iter().find(|row| head.starts_with(row.magic));
        let unpacking = match row {
            None => Unpacking::Plain(raw),
            Some(Packing { unpack: Some(unpack), .. }) => {
                unpack(raw).map_err(OpenFailure::System)?
            }
            Some(Packing { name, .. }) => return Err(OpenFailure::Packed(name)),
        };
        let packing = row.map(|row| row.name);
        Ok(Self { unpacking, packing, carry: Vec::new(), carried: 0 })
    }

    /// The first octets, fewer than `octets` only at the end; reading begins with them again.
    pub fn peek(&mut self, octets: usize) -> io::Result<&[u8]> {
        let mut head = vec![0; octets];
        let mut have = 0;
        while have < octets {
            match self.read(&mut head[have..], false)? {
                0 => break,
                more => have += more,
            }
        }
        self.hand_back(&head[..have]);
        Ok(&self.carry[self.carried..])
    }

    /// Reads some octets, 0 only at the end.
    ///
    /// Fails with `WouldBlock` when told to stop, and when `in_hand` says that the caller should
    /// not wait for more than a second and nothing came; it may be called again then.
    pub fn read(&mut self, into: &mut [u8], in_hand: bool) -> io::Result<usize> {
        if self.carried < self.carry.len() {
            let octets = (&self.carry[self.carried..]).read(into)?;
            self.carried += octets;
            return Ok(octets);
        }
        self.raw_mut().in_hand = in_hand;
        match &mut self.unpacking {
            Unpacking::Plain(raw) => raw.read(into),
            Unpacking::Gzip(gzip) => retry(|| gzip.read(into)),
            Unpacking::Zstd(zstd) => retry(|| zstd.read(into)),
        }
    }

    /// Takes back the last octets that [`Self::read`] gave, to give them again.
    pub fn hand_back(&mut self, octets: &[u8]) {
        if self.carried < self.carry.len() {
            // They came from here: whatever was read later is not read while anything is carried.
            self.carried -= octets.len();
        } else {
            self.carry.clear();
            self.carry.extend_from_slice(octets);
            self.carried = 0;
        }
    }

    /// Octets read so far as they are stored.
    pub fn octets_read(&self) -> u64 {
        match &self.unpacking {
            Unpacking::Plain(raw) => raw.octets,
            Unpacking::Gzip(gzip) => gzip.get_ref().get_ref().octets,
            Unpacking::Zstd(zstd) => zstd.get_ref().get_ref().octets,
        }
    }

    fn raw_mut(&mut self) -> &mut Raw {
        match &mut self.unpacking {
            Unpacking::Plain(raw) => raw,
            Unpacking::Gzip(gzip) => gzip.get_mut().get_mut(),
            Unpacking::Zstd(zstd) => zstd.get_mut().get_mut(),
        }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "all rows of the table have one type")]
fn gzip(raw: Raw) -> io::Result<Unpacking> {
    let packed = BufReader::with_capacity(PACKED_OCTETS, raw);
    Ok(Unpacking::Gzip(Box::new(MultiGzDecoder::new(packed))))
}

fn zstandard(raw: Raw) -> io::Result<Unpacking> {
    let packed = BufReader::with_capacity(PACKED_OCTETS, raw);
    Ok(Unpacking::Zstd(Box::new(zstd::Decoder::with_buffer(packed)?)))
}

/// Waits until `file` has something to read.
fn wait(file: &File, in_hand: bool, stop: &AtomicBool) -> io::Result<()> {
    let since = Instant::now();
    loop {
        if stop.load(Ordering::Relaxed) || in_hand && since.elapsed() >= PATIENCE {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let slice = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        let mut fds = [PollFd::from_borrowed_fd(file.as_fd(), PollFlags::IN)];
        match poll(&mut fds, Some(&slice)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn retry(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// How long packets in hand wait for more from a pipe.
const PATIENCE: Duration = Duration::from_secs(1);
/// Packed octets read at a time.
const PACKED_OCTETS: usize = 128 << 10;
