// SPDX-License-Identifier: Apache-2.0
//! What all senders share: datagrams in as few system calls as there can be, and what came of them.
//!
//! Neighbouring datagrams of equal length, the last of which may be shorter, leave as one message
//! that the kernel cuts (`UDP_SEGMENT`); many messages leave in one call. Where the kernel refuses
//! a message, this is tried again with one datagram a message, so that the right one is blamed.

use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::control::{self, Control};
use super::kernel::{self, BATCH, ERROR_OCTETS, Outbound};
use super::pace::Pace;
use super::send::Sent;

/// Datagrams to send.
pub(super) trait Load<'a> {
    /// How many there are.
    fn datagrams(&self) -> usize;

    /// One of them.
    fn octets(&self, number: usize) -> &'a [u8];

    /// The address that it shall come from, if not the socket's.
    fn source(&self, number: usize) -> Option<IpAddr>;

    /// Several that follow each other in memory, if they do.
    fn joined(&self, numbers: Range<usize>) -> Option<&'a [u8]>;
}

/// A socket to send by.
#[derive(Debug)]
pub(super) struct Outlet {
    pub fd: OwnedFd,
    pub pace: Option<Pace>,
    /// The destination as a `sockaddr`; empty if the socket is connected to it.
    to: Vec<u8>,
    /// Whether the kernel and the interface can cut messages.
    segments: bool,
}

/// Datagrams that leave as one message.
struct Group {
    numbers: Range<usize>,
    pieces: Range<usize>,
    octets: usize,
    control: Control,
}

/// The messages of one system call.
struct Batch<'a> {
    pieces: Vec<IoSlice<'a>>,
    groups: Vec<Group>,
}

/// How often and since when the next message has been held up.
#[derive(Default)]
struct Setback {
    tries: u32,
    since: Option<Instant>,
}

/// What to do about a message that was not sent.
enum Verdict {
    /// The same once more.
    Again,
    /// Its datagrams one by one.
    Alone,
    /// Leave it, as it has been counted.
    GiveUp,
}

impl Outlet {
    pub fn new(fd: OwnedFd, to: Vec<u8>) -> Self {
        Self { fd, pace: None, to, segments: true }
    }

    /// Sends all of `load`, waiting where the kernel has no room.
    pub fn send<'a>(&mut self, load: &impl Load<'a>) -> Sent {
        let mut sent = Sent::default();
        let mut setback = Setback::default();
        let (mut next, mut alone_until) = (0, 0);
        while next < load.datagrams() {
            let waiting = load.datagrams() - next;
            let ready = self.pace.as_mut().map_or(waiting, |pace| pace.wait(waiting));
            let batch = self.batch(load, next..next + ready, alone_until);
            match self.hand_over(&batch) {
                Ok(messages) => {
                    next = self.count(&batch, messages, &mut sent);
                    setback = Setback::default();
                }
                Err(error) => {
                    let group = &batch.groups[0];
                    match self.judge(&error, group.numbers.len() as u64, &mut setback, &mut sent) {
                        Verdict::Again => {}
                        Verdict::Alone => alone_until = group.numbers.end,
                        Verdict::GiveUp => {
                            sent.unsent.extend(group.numbers.clone());
                            next = group.numbers.end;
                            sent.last_error = Some(error);
                            setback = Setback::default();
                        }
                    }
                }
            }
        }
        sent
    }

    /// Takes in what the network has answered to earlier datagrams, and says whether that was any.
    pub fn read_answers(&self, sent: &mut Sent) -> bool {
        let mut room = [0; ERROR_OCTETS];
        let mut any = false;
        while let Ok(control) = kernel::next_error(self.fd.as_fd(), &mut room) {
            let Some(errno) = answer(control) else { continue };
            any = true;
            sent.refused += 1;
            sent.last_error = Some(io::Error::from_raw_os_error(errno));
        }
        any
    }

    fn batch<'a>(&self, load: &impl Load<'a>, all: Range<usize>, alone_until: usize) -> Batch<'a> {
        let mut batch = Batch { pieces: Vec::new(), groups: Vec::new() };
        let mut next = all.start;
        while next < all.end && batch.groups.len() < BATCH && batch.pieces.len() < MOST_PIECES {
            let join = self.segments && next >= alone_until;
            let numbers = if join { run(load, next..all.end) } else { next..next + 1 };
            next = numbers.end;
            batch.add(load, numbers);
        }
        batch
    }

    fn hand_over(&self, batch: &Batch<'_>) -> io::Result<usize> {
        let mut messages = [Outbound { pieces: &[], control: &[] }; BATCH];
        for (message, group) in messages.iter_mut().zip(&batch.groups) {
            let control = group.control.as_octets();
            *message = Outbound { pieces: &batch.pieces[group.pieces.clone()], control };
        }
        kernel::send(self.fd.as_fd(), &self.to, &messages[..batch.groups.len()])
    }

    /// Counts the messages that the kernel took, and says which datagram is the next.
    fn count(&mut self, batch: &Batch<'_>, messages: usize, sent: &mut Sent) -> usize {
        let mut next = batch.groups[0].numbers.start;
        let before = sent.datagrams;
        for group in &batch.groups[..messages] {
            sent.datagrams += group.numbers.len() as u64;
            sent.octets += group.octets as u64;
            next = group.numbers.end;
        }
        if let Some(pace) = &mut self.pace {
            pace.spend(sent.datagrams - before);
        }
        if messages < batch.groups.len() {
            // The error that ended the batch is not told; if it was an answer, it is gone by now.
            self.read_answers(sent);
        }
        next
    }

    /// Counts what went wrong with a message of so many datagrams, unless it may yet be sent.
    fn judge(
        &mut self,
        error: &io::Error,
        datagrams: u64,
        setback: &mut Setback,
        sent: &mut Sent,
    ) -> Verdict {
        let errno = error.raw_os_error().unwrap_or_default();
        if errno == libc::EINTR {
            return Verdict::Again;
        }
        // An answer to an earlier datagram is told in place of sending this one.
        let answered = self.read_answers(sent);
        let joined = datagrams > 1;
        setback.tries += 1;
        match errno {
            libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM if setback.has_patience() => {
                self.wait_for_room(errno);
                return Verdict::Again;
            }
            libc::EIO if joined => {
                self.segments = false;
                return Verdict::Again;
            }
            _ if answered && setback.tries <= MOST_TRIES => return Verdict::Again,
            libc::ECONNREFUSED if setback.tries <= MOST_TRIES => {
                sent.refused += 1;
                return Verdict::Again;
            }
            libc::EMSGSIZE | libc::EINVAL if joined => return Verdict::Alone,
            libc::EMSGSIZE => sent.too_big += datagrams,
            _ => sent.failed += datagrams,
        }
        Verdict::GiveUp
    }

    fn wait_for_room(&self, errno: i32) {
        if errno == libc::EAGAIN {
            let mut watched = [PollFd::from_borrowed_fd(self.fd.as_fd(), PollFlags::OUT)];
            let timeout = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
            // Whatever ended it, sending tells what is the matter.
            let _ = poll(&mut watched, Some(&timeout));
        } else {
            // The interface has no room, of which poll(2) knows nothing.
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Setback {
    fn has_patience(&mut self) -> bool {
        self.since.get_or_insert_with(Instant::now).elapsed() < PATIENCE
    }
}

impl<'a> Batch<'a> {
    fn add(&mut self, load: &impl Load<'a>, numbers: Range<usize>) {
        let first_piece = self.pieces.len();
        if let Some(octets) = load.joined(numbers.clone()) {
            self.pieces.push(IoSlice::new(octets));
        } else {
            self.pieces.extend(numbers.clone().map(|number| IoSlice::new(load.octets(number))));
        }
        let pieces = first_piece..self.pieces.len();
        let octets = self.pieces[pieces.clone()].iter().map(|piece| piece.len()).sum();
        let mut control = Control::EMPTY;
        if let Some(source) = load.source(numbers.start) {
            control.push_source(source);
        }
        if numbers.len() > 1 {
            #[allow(clippy::cast_possible_truncation, reason = "run() has bounded it")]
            let segment = load.octets(numbers.start).len() as u16;
            control.push(libc::SOL_UDP, libc::UDP_SEGMENT, &segment.to_ne_bytes());
        }
        self.groups.push(Group { numbers, pieces, octets, control });
    }
}

/// The longest run from the first of `numbers` on that the kernel can cut out of one message: one
/// source, one length, but for a shorter last one.
fn run<'a>(load: &impl Load<'a>, numbers: Range<usize>) -> Range<usize> {
    let first = numbers.start;
    let segment = load.octets(first).len();
    let source = load.source(first);
    let most = MOST_OCTETS.checked_div(segment).unwrap_or(1).clamp(1, MOST_SEGMENTS);
    let mut end = first + 1;
    while end < numbers.end.min(first + most) && load.source(end) == source {
        let octets = load.octets(end).len();
        if octets == 0 || octets > segment {
            break;
        }
        end += 1;
        if octets < segment {
            break;
        }
    }
    first..end
}

/// The error number in an entry of the queue of errors, if it came from the network.
fn answer(control: &[u8]) -> Option<i32> {
    control::messages(control).find_map(|(level, kind, data)| {
        let ours = matches!(
            (level, kind),
            (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
        );
        // struct sock_extended_err: error number, then origin.
        let (errno, rest) = data.split_first_chunk().filter(|_| ours)?;
        let origin = *rest.first()?;
        let foreign = origin == libc::SO_EE_ORIGIN_ICMP || origin == libc::SO_EE_ORIGIN_ICMP6;
        foreign.then(|| i32::from_ne_bytes(*errno))
    })
}

/// What kernels before 6.9 cut a message into at most.
const MOST_SEGMENTS: usize = 64;
/// Longest message of either family, headers apart.
const MOST_OCTETS: usize = 65_535 - 48;
const MOST_PIECES: usize = 512;
/// How often a message is tried while answers to others come in its place.
const MOST_TRIES: u32 = 8;
/// How long a message waits for room.
const PATIENCE: Duration = Duration::from_secs(1);
