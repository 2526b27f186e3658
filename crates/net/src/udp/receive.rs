// SPDX-License-Identifier: Apache-2.0
//! Datagrams from the sockets of one worker, and the counters of them.
//!
//! The ledger lives by the counters here: what arrived is what was received and what the kernel
//! dropped, once nothing waits any more.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{mem, thread};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use super::control;
use super::kernel::{self, BATCH, Slots};

/// The sockets of one worker.
pub struct Receiver {
    sockets: Vec<Socket>,
    ready: Vec<bool>,
    slots: Slots,
    received: u64,
    truncated: u64,
    /// Whether the sockets' buffers hold what may come in [`LINGER`].
    roomy: bool,
    /// Whether the last call found some datagrams, but no full batch of them.
    partial: bool,
    wake: Arc<Wake>,
}

/// One datagram, as long as its batch is handled.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// What it carries.
    pub octets: &'a [u8],
    /// Who sent it.
    pub from: SocketAddr,
    /// The port of ours that it came to.
    pub local_port: u16,
    /// When the kernel got it: nanoseconds since 1970.
    pub received_ns: i64,
}

/// What has happened to the datagrams of a worker so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SocketCounts {
    /// Datagrams handed over.
    pub received: u64,
    /// Those among them that were cut, because they are longer than UDP allows.
    pub truncated: u64,
    /// Datagrams that the kernel dropped, for want of room or because their checksum was wrong.
    pub dropped: u64,
}

/// Wakes the receivers of a listener, from any thread and from signal handlers.
#[derive(Clone, Debug)]
pub struct Stopper(Arc<Wake>);

/// A bound socket.
#[derive(Debug)]
pub(super) struct Socket {
    pub fd: OwnedFd,
    port: u16,
    drops: Drops,
}

/// What several receivers wait for beside their datagrams.
#[derive(Debug)]
pub(super) struct Wake {
    event: OwnedFd,
    stopped: AtomicBool,
}

/// The kernel's count of drops, which has 32 bits.
#[derive(Clone, Copy, Debug, Default)]
struct Drops {
    total: u64,
    last: u32,
}

impl Receiver {
    pub(super) fn new(sockets: Vec<Socket>, buffer_octets: usize, wake: Arc<Wake>) -> Self {
        Self {
            ready: vec![false; sockets.len()],
            sockets,
            slots: Slots::new(),
            received: 0,
            truncated: 0,
            roomy: buffer_octets >= ROOMY_OCTETS,
            partial: false,
            wake,
        }
    }

    /// Waits until datagrams come, hands a batch from each socket that has some to `take`, and says
    /// how many datagrams that were.
    ///
    /// Where the buffers have room for it, datagrams first gather for half a millisecond while this
    /// receiver keeps up with them; a timeout of zero never sleeps.
    ///
    /// 0 if none came before the timeout, a signal, or [`Stopper::stop`]. After that it waits no
    /// more, so calling it until it says 0 empties the sockets.
    ///
    /// Fails if the kernel does, which is nothing that the network could cause.
    pub fn receive(
        &mut self,
        timeout: Duration,
        take: &mut dyn FnMut(Datagram<'_>),
    ) -> io::Result<usize> {
        // Being woken for each datagram costs more than receiving it.
        if mem::take(&mut self.partial) && self.roomy && !timeout.is_zero() {
            thread::sleep(LINGER);
        }
        if !self.wait(timeout)? {
            return Ok(0);
        }
        let before = self.received;
        let mut full = false;
        for (socket, _) in self.sockets.iter_mut().zip(&self.ready).filter(|(_, ready)| **ready) {
            let messages = match self.slots.receive(socket.fd.as_fd()) {
                Ok(messages) => messages,
                Err(error) if is_passing(&error) => continue,
                Err(error) => return Err(error),
            };
            full |= messages == BATCH;
            let mut now_ns = None;
            for number in 0..messages {
                let message = self.slots.message(number);
                self.truncated += u64::from(message.truncated);
                let Some(from) = control::address(message.address) else { continue };
                let notes = Notes::read(message.control);
                if let Some(drops) = notes.drops {
                    socket.drops.learn(drops);
                }
                let received_ns =
                    notes.time_ns.unwrap_or_else(|| *now_ns.get_or_insert_with(clock_ns));
                let local_port = socket.port;
                for octets in parts(message.octets, notes.segment) {
                    self.received += 1;
                    take(Datagram { octets, from, local_port, received_ns });
                }
            }
        }
        self.partial = !full && self.received > before;
        #[allow(clippy::cast_possible_truncation, reason = "a few batches")]
        let received = (self.received - before) as usize;
        Ok(received)
    }

    /// What has happened so far. To be read at least once in 2^31 drops.
    pub fn counts(&self) -> SocketCounts {
        let dropped = self.sockets.iter().map(Socket::dropped).sum();
        SocketCounts { received: self.received, truncated: self.truncated, dropped }
    }

    /// What wakes this receiver, and with it all others of its listener.
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.wake))
    }

    /// Waits for datagrams, and marks the sockets that have some.
    fn wait(&mut self, timeout: Duration) -> io::Result<bool> {
        let watch = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut watched: Vec<_> =
            self.sockets.iter().map(|socket| watch(socket.fd.as_fd())).collect();
        watched.push(watch(self.wake.event.as_fd()));
        let timeout = Timespec::try_from(timeout).ok();
        match poll(&mut watched, timeout.as_ref()) {
            Ok(0) | Err(Errno::INTR) => return Ok(false),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        for (ready, watched) in self.ready.iter_mut().zip(&watched) {
            *ready = !watched.revents().is_empty();
        }
        Ok(true)
    }
}

impl Stopper {
    /// Makes all receivers of the listener return, now and whenever they would wait.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Release);
        // It can only fail when the counter is full, and so stopped already.
        let _ = rustix::io::write(&self.0.event, &1_u64.to_ne_bytes());
    }

    /// Whether [`Self::stop`] has been called.
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Acquire)
    }
}

impl Wake {
    pub fn new() -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { event, stopped: AtomicBool::new(false) })
    }
}

impl Socket {
    pub fn new(fd: OwnedFd, port: u16) -> Self {
        Self { fd, port, drops: Drops::default() }
    }

    /// Counts from here on.
    pub fn forget_drops(&mut self) -> io::Result<()> {
        self.drops = Drops { total: 0, last: kernel::drops(self.fd.as_fd())? };
        Ok(())
    }

    fn dropped(&self) -> u64 {
        let mut drops = self.drops;
        // Kernels before 4.12 do not tell; then there is what came with the datagrams.
        if let Ok(now) = kernel::drops(self.fd.as_fd()) {
            drops.learn(now);
        }
        drops.total
    }
}

impl Drops {
    /// Takes note of a count, unless it is older than the last one.
    fn learn(&mut self, count: u32) {
        let more = count.wrapping_sub(self.last);
        if more < 1 << 31 {
            self.total += u64::from(more);
            self.last = count;
        }
    }
}

/// What the kernel says beside the octets.
#[derive(Default)]
struct Notes {
    time_ns: Option<i64>,
    drops: Option<u32>,
    segment: Option<usize>,
}

impl Notes {
    fn read(control: &[u8]) -> Self {
        let mut notes = Self::default();
        for (level, kind, data) in control::messages(control) {
            match (level, kind) {
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => notes.time_ns = control::time_ns(data),
                (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => {
                    notes.drops = data.first_chunk().map(|count| u32::from_ne_bytes(*count));
                }
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    let octets = data.first_chunk().map(|octets| i32::from_ne_bytes(*octets));
                    notes.segment = octets.and_then(|octets| usize::try_from(octets).ok());
                }
                _ => {}
            }
        }
        notes
    }
}

/// The datagrams of a message, each `segment` octets long but the last.
fn parts(octets: &[u8], segment: Option<usize>) -> impl Iterator<Item = &[u8]> {
    let segment = segment.filter(|segment| *segment > 0).unwrap_or(octets.len());
    // An empty datagram is one, too.
    let empty = octets.is_empty().then_some(octets);
    empty.into_iter().chain(octets.chunks(segment.max(1)))
}

/// Whether an error is over when the next call is made.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn clock_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// How long a receiver that keeps up lets datagrams gather.
const LINGER: Duration = Duration::from_micros(500);
/// As much as comes in that time at more than 10 Gbit/s, with room to spare.
const ROOMY_OCTETS: usize = 2 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_drops_goes_on_where_the_kernels_wraps() {
        let mut drops = Drops { total: 10, last: u32::MAX - 1 };
        drops.learn(3);
        assert_eq!((drops.total, drops.last), (15, 3));
    }

    #[test]
    fn an_old_count_of_drops_changes_nothing() {
        let mut drops = Drops { total: 10, last: 10 };
        drops.learn(4);
        assert_eq!((drops.total, drops.last), (10, 10));
    }

    #[test]
    fn a_message_is_parted_at_the_segments_length() {
        let lengths = |octets: usize, segment| {
            parts(&vec![0; octets], segment).map(<[u8]>::len).collect::<Vec<_>>()
        };
        assert_eq!(lengths(2_500, Some(1_000)), [1_000, 1_000, 500]);
        assert_eq!(lengths(2_500, None), [2_500]);
        assert_eq!(lengths(2_500, Some(0)), [2_500]);
        assert_eq!(lengths(0, None), [0]);
    }
}
