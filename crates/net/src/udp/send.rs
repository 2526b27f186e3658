// SPDX-License-Identifier: Apache-2.0
//! Sockets that datagrams leave by.
//!
//! Nothing is kept here after a call: what could not be sent is counted and gone.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{
    AddressFamily, SocketFlags, SocketType, bind, connect, getsockname, socket_with, sockopt,
};

use super::control;
use super::error::SendError;
use super::kernel;
use super::outlet::{Load, Outlet};
use super::pace::Pace;

/// Speaks to one destination.
#[derive(Debug)]
pub struct Sender {
    outlet: Outlet,
    to: SocketAddr,
}

/// Speaks to one destination in the name of many: each datagram has its own source address.
#[derive(Debug)]
pub struct ManySender {
    outlet: Outlet,
    to: SocketAddr,
}

/// What came of a call. Every datagram handed over is in one of `datagrams`, `too_big`, `failed`.
#[derive(Debug, Default)]
pub struct Sent {
    /// Datagrams that the kernel took.
    pub datagrams: u64,
    /// Octets that they carry.
    pub octets: u64,
    /// Answers of the network that a datagram, of this call or an earlier one, did not arrive:
    /// nobody listens on the port, no way leads to the host, or it is too long for the path. At
    /// least so many were lost; routers and hosts do not answer every time.
    pub refused: u64,
    /// Datagrams that are longer than the path is known to allow, and were not sent.
    pub too_big: u64,
    /// Datagrams that were not sent for other reasons.
    pub failed: u64,
    /// Which were not sent, for either reason, by their places in the call.
    pub unsent: Vec<usize>,
    /// The last error among all that.
    pub last_error: Option<io::Error>,
}

impl Sender {
    /// Makes a socket for `to`, from the address `source` if that is given, and from any port.
    ///
    /// Nothing that is sent by it will be fragmented. Fails if there is no way there, or if
    /// `source` is no address of this host.
    pub fn connect(to: SocketAddr, source: Option<IpAddr>) -> Result<Self, SendError> {
        let fail = |error: io::Error| SendError::new(to, source, &error);
        let made = || -> io::Result<OwnedFd> {
            let fd = open(to)?;
            if to.is_ipv4() {
                sockopt::set_ip_mtu_discover(&fd, sockopt::Ipv4PathMtuDiscovery::DO)?;
            } else {
                sockopt::set_ipv6_mtu_discover(&fd, sockopt::Ipv6PathMtuDiscovery::DO)?;
            }
            if let Some(source) = source {
                bind(&fd, &SocketAddr::new(source, 0))?;
            }
            connect(&fd, &to)?;
            Ok(fd)
        };
        let different = source.is_some_and(|source| source.is_ipv4() != to.is_ipv4());
        if different {
            let problem = "IPv4 and IPv6 cannot be source and destination of each other".to_owned();
            return Err(SendError { to, problem });
        }
        Ok(Self { outlet: Outlet::new(made().map_err(fail)?, Vec::new()), to })
    }

    /// The destination.
    pub fn to(&self) -> SocketAddr {
        self.to
    }

    /// Octets of the longest IP packet that the path takes, as far as is known by now; 65,535 if
    /// it is more.
    pub fn path_mtu(&self) -> Option<u16> {
        let fd = &self.outlet.fd;
        let known = if self.to.is_ipv4() { sockopt::ip_mtu(fd) } else { sockopt::ipv6_mtu(fd) };
        known.ok().map(|octets| u16::try_from(octets).unwrap_or(u16::MAX))
    }

    /// Octets of the longest datagram that fits in [`Self::path_mtu`], without its headers.
    pub fn room(&self) -> Option<u16> {
        let headers = if self.to.is_ipv4() { 20 + 8 } else { 40 + 8 };
        self.path_mtu().map(|octets| octets.saturating_sub(headers))
    }

    /// Keeps to so many datagrams a second from now on, in bursts of a millisecond, or to no rate
    /// if it is none or not a positive number. What has to wait makes [`Self::send`] wait.
    pub fn pace(&mut self, datagrams_per_second: Option<f64>) {
        self.outlet.pace = datagrams_per_second.and_then(Pace::new);
    }

    /// Sends datagrams that follow each other in `octets`, each up to one of `ends`.
    ///
    /// Waits for room in the kernel, a second at most for one message. Runs of equal length leave
    /// the most cheaply.
    ///
    /// # Panics
    ///
    /// If `ends` does not ascend or goes beyond `octets`.
    pub fn send(&mut self, octets: &[u8], ends: &[usize]) -> Sent {
        self.outlet.send(&Consecutive { octets, ends })
    }

    /// What the network has answered since the last call; the rest of the counts are 0.
    pub fn answers(&mut self) -> Sent {
        answers(&self.outlet)
    }
}

impl ManySender {
    /// Makes a socket for `to` that sends from the port `source_port`, or from any if that is 0.
    ///
    /// Exporters on other ports need senders of their own. Long datagrams are fragmented where the
    /// path asks for that. Fails if the port is taken.
    pub fn open(to: SocketAddr, source_port: u16) -> Result<Self, SendError> {
        let any: IpAddr =
            if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let made = || -> io::Result<OwnedFd> {
            let fd = open(to)?;
            bind(&fd, &SocketAddr::new(any, source_port))?;
            Ok(fd)
        };
        let fd = made().map_err(|error| SendError::new(to, None, &error))?;
        Ok(Self { outlet: Outlet::new(fd, control::address_octets(to)), to })
    }

    /// The destination.
    pub fn to(&self) -> SocketAddr {
        self.to
    }

    /// The port that all datagrams come from; 0 if the system does not tell.
    pub fn source_port(&self) -> u16 {
        let address = getsockname(&self.outlet.fd).ok();
        address.and_then(|address| SocketAddr::try_from(address).ok()).map_or(0, |a| a.port())
    }

    /// As [`Sender::pace`].
    pub fn pace(&mut self, datagrams_per_second: Option<f64>) {
        self.outlet.pace = datagrams_per_second.and_then(Pace::new);
    }

    /// Sends datagrams in this order, each from the address beside it, which has to be one of this
    /// host, as all of 127.0.0.0/8 are. Neighbours of one source and length leave the most cheaply.
    ///
    /// A datagram with a foreign source counts as failed.
    pub fn send(&mut self, datagrams: &[(IpAddr, &[u8])]) -> Sent {
        self.outlet.send(&Sourced(datagrams))
    }

    /// As [`Sender::answers`].
    pub fn answers(&mut self) -> Sent {
        answers(&self.outlet)
    }
}

impl Sent {
    /// Adds what came of another call, but for the places, which are the call's own.
    pub fn add(&mut self, other: Self) {
        self.datagrams += other.datagrams;
        self.octets += other.octets;
        self.refused += other.refused;
        self.too_big += other.too_big;
        self.failed += other.failed;
        self.last_error = other.last_error.or(self.last_error.take());
    }
}

/// Datagrams after one another in one slice.
struct Consecutive<'a> {
    octets: &'a [u8],
    ends: &'a [usize],
}

impl<'a> Load<'a> for Consecutive<'a> {
    fn datagrams(&self) -> usize {
        self.ends.len()
    }

    fn octets(&self, number: usize) -> &'a [u8] {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.octets[start..self.ends[number]]
    }

    fn source(&self, _number: usize) -> Option<IpAddr> {
        None
    }

    fn joined(&self, numbers: Range<usize>) -> Option<&'a [u8]> {
        let start = numbers.start.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.octets[start..self.ends[numbers.end - 1]])
    }
}

/// Datagrams wherever they are, with their sources.
struct Sourced<'a>(&'a [(IpAddr, &'a [u8])]);

impl<'a> Load<'a> for Sourced<'a> {
    fn datagrams(&self) -> usize {
        self.0.len()
    }

    fn octets(&self, number: usize) -> &'a [u8] {
        self.0[number].1
    }

    fn source(&self, number: usize) -> Option<IpAddr> {
        Some(self.0[number].0)
    }

    fn joined(&self, _numbers: Range<usize>) -> Option<&'a [u8]> {
        None
    }
}

/// A socket of the destination's family that will be told what the network answers.
///
/// Its buffer stays as small as it is by default: what an interface cannot take at once then waits
/// here, where it is known, and not in a queue that drops.
fn open(to: SocketAddr) -> io::Result<OwnedFd> {
    let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let fd =
        socket_with(family, SocketType::DGRAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
    kernel::report_errors(fd.as_fd(), to.is_ipv6())?;
    Ok(fd)
}

fn answers(outlet: &Outlet) -> Sent {
    let mut sent = Sent::default();
    outlet.read_answers(&mut sent);
    sent
}
