// SPDX-License-Identifier: Apache-2.0
//! IP packets, and the label stacks that may come before them.
//!
//! An IP packet's length field ends all that is looked at inside it. A later fragment
//! has no transport header; what its first fragment had is the meter's to remember.

mod extension;
mod ipv4;
mod ipv6;
pub(crate) mod mpls;
mod pseudowire;

use crate::transport;
use crate::tunnel::Open;
use crate::walk::{Rest, Walk};
use crate::{Extra, Fragment, NotIp, Packet, WireError};

/// A version of IP.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Version {
    V4,
    V6,
}

/// What ends the way to an IP packet before there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    /// Something else is there.
    NotIp(NotIp),
    /// What is there cannot be read.
    Malformed(WireError),
}

impl From<WireError> for Stop {
    #[cold]
    fn from(error: WireError) -> Self {
        Self::Malformed(error)
    }
}

/// Reads an IP packet down to its payload. Returns how to open the tunnel that
/// its payload may be.
///
/// # Errors
/// The IP header cannot be read; `packet` is as it was.
#[expect(clippy::inline_always, reason = "as a call it would keep `walk` in memory")]
#[inline(always)]
pub(crate) fn read(
    version: Version,
    walk: &mut Walk<'_>,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<Option<Open>, WireError> {
    match version {
        Version::V4 => ipv4::read(walk, packet)?,
        Version::V6 => ipv6::read(walk, packet)?,
    }
    if packet.fragment == Fragment::Later {
        later(walk.rest(), packet);
        return Ok(None);
    }
    if extension::announced(packet) && !walk.aside(|walk| extension::follow(walk, packet, extra)) {
        return Ok(None);
    }
    Ok(transport::read(walk, packet, extra))
}

/// Says of a later fragment that its transport header is elsewhere.
#[cold]
fn later(rest: Rest, packet: &mut Packet) {
    transport::absent(rest, packet);
    if extension::announced(packet) {
        packet.ends = crate::Ends::Unread;
    }
}
