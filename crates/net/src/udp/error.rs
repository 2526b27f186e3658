// SPDX-License-Identifier: Apache-2.0
//! What can be wrong with an address to listen on or to send to.

use std::net::{IpAddr, SocketAddr};
use std::{error, fmt, io};

/// An address that cannot be listened on. The operator has to act.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BindError {
    /// The address as it was asked for.
    pub address: SocketAddr,
    /// What is wrong with it.
    pub problem: BindProblem,
}

/// The ways in which an address cannot be listened on.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BindProblem {
    /// Something else listens there; the kernel does not say who.
    InUse,
    /// Ports below 1024 are not for everybody.
    Permission,
    /// No interface of this host has the address.
    NoSuchAddress,
    /// Whatever else the operating system says, in its words.
    System(String),
}

/// A destination that cannot be sent to. The operator has to act.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SendError {
    /// The destination.
    pub to: SocketAddr,
    /// What is wrong, in words that follow the address.
    pub problem: String,
}

impl BindError {
    pub(super) fn new(address: SocketAddr, error: &io::Error) -> Self {
        let problem = match error.kind() {
            io::ErrorKind::AddrInUse => BindProblem::InUse,
            io::ErrorKind::PermissionDenied => BindProblem::Permission,
            io::ErrorKind::AddrNotAvailable => BindProblem::NoSuchAddress,
            _ => BindProblem::System(error.to_string()),
        };
        Self { address, problem }
    }
}

impl SendError {
    pub(super) fn new(to: SocketAddr, source: Option<IpAddr>, error: &io::Error) -> Self {
        let problem = match (error.kind(), source) {
            (io::ErrorKind::AddrNotAvailable, Some(source)) => {
                format!("{source} is no address of this host")
            }
            (io::ErrorKind::NetworkUnreachable, _) => "no route to this network".to_owned(),
            (io::ErrorKind::PermissionDenied, _) => "sending there is not permitted".to_owned(),
            _ => error.to_string(),
        };
        Self { to, problem }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, problem } = self;
        write!(f, "udp://{address}: ")?;
        match problem {
            BindProblem::InUse => {
                f.write_str("in use by another program; stop that or name another port")
            }
            BindProblem::Permission => {
                f.write_str("permission denied; ports below 1024 need CAP_NET_BIND_SERVICE")
            }
            BindProblem::NoSuchAddress => f.write_str("no such address on this host"),
            BindProblem::System(words) => f.write_str(words),
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "udp://{}: {}", self.to, self.problem)
    }
}

impl error::Error for BindError {}
impl error::Error for SendError {}
