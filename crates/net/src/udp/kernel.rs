// SPDX-License-Identifier: Apache-2.0
//! System calls that nothing safe covers: batches in and out, and a few socket options. All of the
//! unsafe code for UDP is here, and nothing else.
//!
//! Every pointer that is handed to the kernel is made from a live slice in the same function, and
//! none is kept: the kernel is done with them when the call returns.
#![allow(unsafe_code, reason = "these system calls take pointers")]

use std::io::{self, IoSlice};
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use libc::{c_int, c_uint, c_void, iovec, mmsghdr, msghdr, sock_filter, sock_fprog, socklen_t};

use super::control::ADDRESS_OCTETS;

/// Most messages of one system call.
pub(super) const BATCH: usize = 64;

/// Room for the messages of one `recvmmsg`.
pub(super) struct Slots {
    octets: Vec<u8>,
    addresses: Vec<[u8; ADDRESS_OCTETS]>,
    controls: Vec<[u8; CONTROL_OCTETS]>,
    filled: [Filled; BATCH],
}

/// How much of a slot was used.
#[derive(Clone, Copy, Default)]
struct Filled {
    octets: usize,
    address: usize,
    control: usize,
    truncated: bool,
}

/// One message as it was received: a datagram, or several of equal length after one another.
pub(super) struct Inbound<'a> {
    pub octets: &'a [u8],
    /// A `sockaddr`.
    pub address: &'a [u8],
    pub control: &'a [u8],
    /// Whether there was more than the slot holds.
    pub truncated: bool,
}

/// One message to send: its octets in pieces, and its control messages.
#[derive(Clone, Copy)]
pub(super) struct Outbound<'a> {
    pub pieces: &'a [IoSlice<'a>],
    pub control: &'a [u8],
}

impl Slots {
    pub fn new() -> Self {
        Self {
            // The pages that no datagram touches are never allotted.
            octets: vec![0; BATCH * SLOT_OCTETS],
            addresses: vec![[0; ADDRESS_OCTETS]; BATCH],
            controls: vec![[0; CONTROL_OCTETS]; BATCH],
            filled: [Filled::default(); BATCH],
        }
    }

    /// Receives what waits, without waiting for more, and says how many messages that is.
    pub fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        let nothing = iovec { iov_base: ptr::null_mut(), iov_len: 0 };
        let mut vectors = [nothing; BATCH];
        let mut headers = empty_headers();
        let rooms = self.octets.chunks_exact_mut(SLOT_OCTETS);
        let rooms = rooms.zip(&mut self.addresses).zip(&mut self.controls);
        let entries = headers.iter_mut().zip(&mut vectors);
        for ((header, vector), ((octets, address), control)) in entries.zip(rooms) {
            *vector = iovec { iov_base: octets.as_mut_ptr().cast(), iov_len: LONGEST_OCTETS };
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_name = address.as_mut_ptr().cast();
            header.msg_hdr.msg_namelen = short(address.len());
            header.msg_hdr.msg_control = control.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = control.len() as _;
        }
        // SAFETY: there are BATCH headers, and each points to buffers of `self` with their true
        // lengths, which nobody else uses during the call.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                batch(BATCH),
                libc::MSG_DONTWAIT as _,
                ptr::null_mut(),
            )
        };
        let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
        for (filled, header) in self.filled.iter_mut().zip(&headers[..received]) {
            *filled = Filled::read(header);
        }
        Ok(received)
    }

    /// A message of the last call to [`Self::receive`].
    pub fn message(&self, number: usize) -> Inbound<'_> {
        let filled = self.filled[number];
        let start = number * SLOT_OCTETS;
        Inbound {
            octets: &self.octets[start..start + filled.octets],
            address: &self.addresses[number][..filled.address],
            control: &self.controls[number][..filled.control],
            truncated: filled.truncated,
        }
    }
}

impl Filled {
    fn read(header: &mmsghdr) -> Self {
        Self {
            octets: (header.msg_len as usize).min(LONGEST_OCTETS),
            address: (header.msg_hdr.msg_namelen as usize).min(ADDRESS_OCTETS),
            #[allow(clippy::unnecessary_cast, reason = "a shorter type in some C libraries")]
            control: (header.msg_hdr.msg_controllen as usize).min(CONTROL_OCTETS),
            truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
        }
    }
}

/// Sends the first [`BATCH`] of `messages` to the peer, or to the `sockaddr` given, and says how
/// many of them the kernel took. The error is that of the first message.
pub(super) fn send(
    socket: BorrowedFd<'_>,
    to: &[u8],
    messages: &[Outbound<'_>],
) -> io::Result<usize> {
    let mut headers = empty_headers();
    for (header, message) in headers.iter_mut().zip(messages) {
        // An IoSlice has the layout of an iovec; std promises it.
        header.msg_hdr.msg_iov = message.pieces.as_ptr().cast::<iovec>().cast_mut();
        header.msg_hdr.msg_iovlen = message.pieces.len() as _;
        if !to.is_empty() {
            header.msg_hdr.msg_name = to.as_ptr().cast::<c_void>().cast_mut();
            header.msg_hdr.msg_namelen = short(to.len());
        }
        if !message.control.is_empty() {
            header.msg_hdr.msg_control = message.control.as_ptr().cast::<c_void>().cast_mut();
            header.msg_hdr.msg_controllen = message.control.len() as _;
        }
    }
    let count = batch(messages.len());
    // SAFETY: there are `count` headers, each pointing to live slices with their true lengths. The
    // kernel only reads what they point to, though the C types do not say so.
    let sent =
        unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count, FLAGS as _) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Takes one entry from the socket's queue of errors: its control messages, in `control`.
pub(super) fn next_error<'a>(
    socket: BorrowedFd<'_>,
    control: &'a mut [u8; ERROR_OCTETS],
) -> io::Result<&'a [u8]> {
    // SAFETY: a msghdr of zeros has null pointers, zero lengths and no flags.
    let mut header: msghdr = unsafe { mem::zeroed() };
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = control.len() as _;
    let flags = libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT;
    // SAFETY: the header points to `control` with its true length and to nothing else.
    let status = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags) };
    if status < 0 {
        return Err(io::Error::last_os_error());
    }
    #[allow(clippy::unnecessary_cast, reason = "a shorter type in some C libraries")]
    let length = (header.msg_controllen as usize).min(ERROR_OCTETS);
    Ok(&control[..length])
}

/// Sets an option that is a number.
pub(super) fn set_number(
    socket: BorrowedFd<'_>,
    level: c_int,
    option: c_int,
    value: c_int,
) -> io::Result<()> {
    // SAFETY: the value is an int on our stack, of the length said.
    let status = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            short(size_of::<c_int>()),
        )
    };
    done(status)
}

/// Has the network's answers, and drops at our own interface, told to the sender (`IP_RECVERR`).
pub(super) fn report_errors(socket: BorrowedFd<'_>, ipv6: bool) -> io::Result<()> {
    if ipv6 {
        set_number(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVERR, 1)
    } else {
        set_number(socket, libc::IPPROTO_IP, libc::IP_RECVERR, 1)
    }
}

/// Hands the kernel a program, for a filter (`SO_ATTACH_FILTER`) or for the choice of a socket.
pub(super) fn attach(
    socket: BorrowedFd<'_>,
    option: c_int,
    program: &[sock_filter],
) -> io::Result<()> {
    let len = u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = sock_fprog { len, filter: program.as_ptr().cast_mut() };
    // SAFETY: the program has `len` instructions, which the kernel copies.
    let status = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw const program).cast(),
            short(size_of::<sock_fprog>()),
        )
    };
    done(status)
}

/// How many messages the kernel has dropped on this socket, modulo 2^32 (`SO_MEMINFO`).
pub(super) fn drops(socket: BorrowedFd<'_>) -> io::Result<u32> {
    let mut numbers = [0_u32; libc::SK_MEMINFO_DROPS as usize + 1];
    let mut length = short(size_of_val(&numbers));
    // SAFETY: the kernel writes at most `length` octets to the array, which has as many.
    let status = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            numbers.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    done(status).map(|()| numbers[libc::SK_MEMINFO_DROPS as usize])
}

fn empty_headers() -> [mmsghdr; BATCH] {
    // SAFETY: an mmsghdr of zeros has null pointers, zero lengths and no flags.
    unsafe { mem::zeroed() }
}

fn done(status: c_int) -> io::Result<()> {
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[allow(clippy::cast_possible_truncation, reason = "at most BATCH")]
fn batch(messages: usize) -> c_uint {
    messages.min(BATCH) as c_uint
}

#[allow(clippy::cast_possible_truncation, reason = "lengths of addresses and options are small")]
const fn short(length: usize) -> socklen_t {
    length as socklen_t
}

/// No UDP datagram is longer, nor are several that the kernel has joined.
const LONGEST_OCTETS: usize = 65_535;
/// An odd number of cache lines from slot to slot: at 64 KiB the first lines of all of them would
/// compete for one set of the cache.
const SLOT_OCTETS: usize = 65_536 + 23 * 64;
/// A time, a count of drops and a segment's length take 80.
const CONTROL_OCTETS: usize = 128;
/// An error and the address of who reported it take 64.
pub(super) const ERROR_OCTETS: usize = 128;
const FLAGS: c_int = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
