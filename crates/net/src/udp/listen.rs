// SPDX-License-Identifier: Apache-2.0
//! Sockets that datagrams come in by, a set of them for each worker, bound and prepared.

use std::io;
use std::net::{SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::net::{
    AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with, sockopt,
};

use super::error::BindError;
use super::kernel;
use super::receive::{Receiver, Socket, Wake};
use super::steer;

/// Addresses that are listened on.
#[derive(Debug)]
pub struct Listener {
    /// For each worker its sockets, in the order of the addresses.
    workers: Vec<Vec<Socket>>,
    addresses: Vec<SocketAddr>,
    buffers: Buffers,
    wake: Arc<Wake>,
}

/// How addresses are listened on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Options {
    /// How many receivers share the work, at least 1.
    pub workers: usize,
    /// Octets that the kernel may keep for each socket, its own bookkeeping included.
    pub buffer_octets: usize,
    /// Whether the kernel may hand over equal datagrams of one exporter joined, and we part them.
    /// That is cheaper, but what is dropped is then counted joined as well, and so too low.
    pub join: bool,
}

/// What was asked for a socket's buffer, and what the system gave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Buffers {
    /// Octets asked for.
    pub asked: usize,
    /// Octets granted to the socket that got least; less where `net.core.rmem_max` limits them.
    pub granted: usize,
}

impl Listener {
    /// Listens on every address, with one socket a worker.
    ///
    /// An address of IPv6 takes IPv6 alone, so that `[::]` and `0.0.0.0` can share a port. With
    /// several workers a datagram goes to the one that its source address picks, whatever its
    /// ports, and nothing is let in before all sockets are there. `buffer_octets` is for each
    /// socket.
    ///
    /// Fails at the first address that cannot be had; the others are let go.
    pub fn bind(
        addresses: &[SocketAddr],
        workers: usize,
        buffer_octets: usize,
    ) -> Result<Self, BindError> {
        Self::bind_with(addresses, &Options { workers, buffer_octets, join: false })
    }

    /// Listens on every address, as [`Self::bind`] does, with all options.
    pub fn bind_with(addresses: &[SocketAddr], options: &Options) -> Result<Self, BindError> {
        let options = Options { workers: options.workers.max(1), ..*options };
        let unspecified = SocketAddr::from(([0; 4], 0));
        let first = addresses.first().copied().unwrap_or(unspecified);
        let wake = Wake::new().map_err(|error| BindError::new(first, &error))?;
        let mut listener = Self {
            workers: (0..options.workers).map(|_| Vec::new()).collect(),
            addresses: Vec::new(),
            buffers: Buffers { asked: options.buffer_octets, granted: options.buffer_octets },
            wake: Arc::new(wake),
        };
        for address in addresses {
            listener.add(*address, &options).map_err(|error| BindError::new(*address, &error))?;
        }
        if options.workers > 1 {
            listener.let_in().map_err(|error| BindError::new(first, &error))?;
        }
        Ok(listener)
    }

    /// The addresses that are listened on, in the order asked for, with the ports that the system
    /// chose where port 0 was asked for.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.addresses.clone()
    }

    /// What the sockets' buffers are.
    pub fn buffers(&self) -> Buffers {
        self.buffers
    }

    /// A receiver for each worker.
    pub fn into_receivers(self) -> Vec<Receiver> {
        let Self { workers, wake, buffers, .. } = self;
        let receiver = |sockets| Receiver::new(sockets, buffers.granted, Arc::clone(&wake));
        workers.into_iter().map(receiver).collect()
    }

    fn add(&mut self, address: SocketAddr, options: &Options) -> io::Result<()> {
        let shared = options.workers > 1;
        if shared {
            // A port that another program shares would be shared with us without a word.
            bind(open(address)?, &address)?;
        }
        let mut bound = address;
        for (number, worker) in self.workers.iter_mut().enumerate() {
            let fd = open(address)?;
            let granted = grow(&fd, options.buffer_octets)?;
            self.buffers.granted = self.buffers.granted.min(granted);
            if shared {
                share(&fd)?;
            }
            if shared && number == 0 {
                lead(&fd, address, options.workers)?;
            }
            prepare(&fd, options.join)?;
            bind(&fd, &bound)?;
            bound = local_address(&fd)?;
            worker.push(Socket::new(fd, bound.port()));
        }
        self.addresses.push(bound);
        Ok(())
    }

    /// Opens the sockets that [`share`] has closed, and forgets what they have turned away.
    fn let_in(&mut self) -> io::Result<()> {
        for socket in self.workers.iter_mut().flatten() {
            kernel::set_number(socket.fd.as_fd(), libc::SOL_SOCKET, libc::SO_DETACH_FILTER, 0)?;
            socket.forget_drops()?;
        }
        Ok(())
    }
}

impl Buffers {
    /// Whether the system gave less than was asked for.
    pub fn are_short(&self) -> bool {
        self.granted < self.asked
    }
}

fn open(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let fd = socket_with(family, SocketType::DGRAM, flags, None)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&fd, true)?;
    }
    Ok(fd)
}

/// Raises a socket's buffer as far as the system allows, and says how far that is.
fn grow(fd: &OwnedFd, octets: usize) -> io::Result<usize> {
    // The kernel keeps twice the number, in an int.
    let asked = octets.min(i32::MAX as usize / 2);
    if sockopt::set_socket_recv_buffer_size_force(fd, asked).is_err() {
        sockopt::set_socket_recv_buffer_size(fd, asked)?;
    }
    Ok(sockopt::socket_recv_buffer_size(fd)? / 2)
}

/// Lets several sockets have one address, and keeps this one closed until all are there.
fn share(fd: &OwnedFd) -> io::Result<()> {
    sockopt::set_socket_reuseport(fd, true)?;
    kernel::attach(fd.as_fd(), libc::SO_ATTACH_FILTER, &steer::closed())
}

/// Begins a group of sockets that the source address picks from; the others join it when bound.
fn lead(fd: &OwnedFd, address: SocketAddr, workers: usize) -> io::Result<()> {
    let workers = u32::try_from(workers).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = steer::program(address.is_ipv6(), workers);
    kernel::attach(fd.as_fd(), libc::SO_ATTACH_REUSEPORT_CBPF, &program)
}

/// Asks for what is to come with each datagram; what an old kernel does not know is done without.
fn prepare(fd: &OwnedFd, join: bool) -> io::Result<()> {
    let fd = fd.as_fd();
    kernel::set_number(fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?;
    kernel::set_number(fd, libc::SOL_SOCKET, libc::SO_RXQ_OVFL, 1)?;
    if join {
        let _ = kernel::set_number(fd, libc::SOL_UDP, libc::UDP_GRO, 1);
    }
    Ok(())
}

fn local_address(fd: &OwnedFd) -> io::Result<SocketAddr> {
    let address = SocketAddr::try_from(getsockname(fd)?)?;
    Ok(match address {
        // The flow label is no part of an address to listen on.
        SocketAddr::V6(v6) => SocketAddrV6::new(*v6.ip(), v6.port(), 0, v6.scope_id()).into(),
        SocketAddr::V4(_) => address,
    })
}
