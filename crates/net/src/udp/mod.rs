// SPDX-License-Identifier: Apache-2.0
//! UDP in batches: datagrams in, with the kernel's times and losses, and datagrams out.
//!
//! [`Listener`] binds addresses and gives a [`Receiver`] for each worker; [`Sender`] speaks to one
//! collector, [`ManySender`] to one collector under many addresses. `listen`, `receive` and `send`
//! hold them, `outlet` what the senders share, `steer` the program that picks a worker, `control`
//! the side information of datagrams, `kernel` all that is unsafe. What the octets of a datagram
//! mean is not known here, and no thread is started.

mod control;
mod error;
mod kernel;
mod listen;
mod outlet;
mod pace;
mod receive;
mod send;
mod steer;

#[cfg(test)]
mod tests;

pub use error::{BindError, BindProblem, SendError};
pub use listen::{Buffers, Listener, Options};
pub use receive::{Datagram, Receiver, SocketCounts, Stopper};
pub use send::{ManySender, Sender, Sent};
