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
use crate::walk::Walk;
use crate::{Extra, Fragment, NotIp, Packet, WireError};

/// What a link layer announces.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    /// An IP header comes next.
    Ip(Version),
    /// No IP packet comes.
    NotIp(NotIp),
}

/// A version of IP.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Version {
    V4,
    V6,
}

/// Reads an IP packet down to its payload. Returns how to open the tunnel that
/// its payload may be.
///
/// # Errors
/// The IP header cannot be read; `packet` is as it was.
#[inline]
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
        later(*walk, packet);
        return Ok(None);
    }
    if extension::announced(packet) && !walk.aside(|walk| extension::follow(walk, packet, extra)) {
        return Ok(None);
    }
    Ok(transport::read(walk, packet, extra))
}

/// Says of a later fragment that its transport header is elsewhere.
#[cold]
fn later(walk: Walk<'_>, packet: &mut Packet) {
    transport::absent(walk, packet);
    if extension::announced(packet) {
        packet.ends = crate::Ends::Unread;
    }
}
