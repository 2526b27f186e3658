// SPDX-License-Identifier: Apache-2.0
//! Side information of datagrams, and their addresses, as octets: cmsg(3) and sockaddr(3type).
//!
//! Octets alone are handled here, in the byte order of this machine; no system call is made.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// A control message: level, type, data.
pub(super) type Message<'a> = (i32, i32, &'a [u8]);

/// The control messages in `octets`, up to the first that is not whole.
pub(super) fn messages(mut octets: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let (length, rest) = octets.split_first_chunk()?;
        let (level, rest) = rest.split_first_chunk()?;
        let (kind, _) = rest.split_first_chunk()?;
        let length = usize::from_ne_bytes(*length);
        let data = octets.get(HEADER_OCTETS..length)?;
        octets = octets.get(length.next_multiple_of(ALIGNMENT)..).unwrap_or_default();
        Some((i32::from_ne_bytes(*level), i32::from_ne_bytes(*kind), data))
    })
}

/// Control messages to go with a datagram.
#[derive(Clone, Copy)]
pub(super) struct Control {
    octets: [u8; CONTROL_OCTETS],
    length: usize,
}

impl Control {
    pub const EMPTY: Self = Self { octets: [0; CONTROL_OCTETS], length: 0 };

    /// Adds a message. Those of one datagram, `UDP_SEGMENT` and an address, always have room.
    pub fn push(&mut self, level: i32, kind: i32, data: &[u8]) {
        let length = HEADER_OCTETS + data.len();
        let fields: [&[u8]; 4] =
            [&length.to_ne_bytes(), &level.to_ne_bytes(), &kind.to_ne_bytes(), data];
        let mut at = self.length;
        for field in fields {
            self.octets[at..at + field.len()].copy_from_slice(field);
            at += field.len();
        }
        self.length += length.next_multiple_of(ALIGNMENT);
    }

    /// Says which address of this host the datagram comes from.
    pub fn push_source(&mut self, source: IpAddr) {
        match source {
            IpAddr::V4(source) => {
                // struct in_pktinfo: interface (any), source, destination (not for sending).
                let mut info = [0; 12];
                info[4..8].copy_from_slice(&source.octets());
                self.push(libc::IPPROTO_IP, libc::IP_PKTINFO, &info);
            }
            IpAddr::V6(source) => {
                // struct in6_pktinfo: source, interface (any).
                let mut info = [0; 20];
                info[..16].copy_from_slice(&source.octets());
                self.push(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &info);
            }
        }
    }

    pub fn as_octets(&self) -> &[u8] {
        &self.octets[..self.length]
    }
}

/// A `timespec` as nanoseconds since 1970.
pub(super) fn time_ns(data: &[u8]) -> Option<i64> {
    let (seconds, rest) = data.split_at_checked(data.len() / 2)?;
    let number = |field: &[u8]| match field.len() {
        8 => field.first_chunk().map(|field| i64::from_ne_bytes(*field)),
        4 => field.first_chunk().map(|field| i32::from_ne_bytes(*field).into()),
        _ => None,
    };
    number(seconds)?.checked_mul(1_000_000_000)?.checked_add(number(rest)?)
}

/// The address in a `sockaddr` of IPv4 or IPv6.
pub(super) fn address(octets: &[u8]) -> Option<SocketAddr> {
    let (family, rest) = octets.split_first_chunk()?;
    let (port, rest) = rest.split_first_chunk()?;
    let port = u16::from_be_bytes(*port);
    match i32::from(u16::from_ne_bytes(*family)) {
        libc::AF_INET => {
            let address = Ipv4Addr::from(*rest.first_chunk::<4>()?);
            Some(SocketAddrV4::new(address, port).into())
        }
        libc::AF_INET6 => {
            let (flow, rest) = rest.split_first_chunk()?;
            let (address, rest) = rest.split_first_chunk::<16>()?;
            let scope = u32::from_ne_bytes(*rest.first_chunk()?);
            let address = Ipv6Addr::from(*address);
            Some(SocketAddrV6::new(address, port, u32::from_be_bytes(*flow), scope).into())
        }
        _ => None,
    }
}

/// The `sockaddr` of an address, the inverse of [`address`].
pub(super) fn address_octets(address: SocketAddr) -> Vec<u8> {
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    #[allow(clippy::cast_possible_truncation, reason = "address families are small numbers")]
    #[allow(clippy::cast_sign_loss, reason = "and positive")]
    let mut octets = (family as u16).to_ne_bytes().to_vec();
    octets.extend(address.port().to_be_bytes());
    match address {
        SocketAddr::V4(address) => {
            octets.extend(address.ip().octets());
            octets.extend([0; 8]);
        }
        SocketAddr::V6(address) => {
            octets.extend(address.flowinfo().to_be_bytes());
            octets.extend(address.ip().octets());
            octets.extend(address.scope_id().to_ne_bytes());
        }
    }
    octets
}

/// Longest `sockaddr` of the two families.
pub(super) const ADDRESS_OCTETS: usize = 28;
/// A `cmsghdr`: length, level, type.
const HEADER_OCTETS: usize = size_of::<usize>() + 8;
const ALIGNMENT: usize = size_of::<usize>();
/// `UDP_SEGMENT` takes 24, the longer of the two addresses 40.
const CONTROL_OCTETS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_read_back() {
        let mut control = Control::EMPTY;
        control.push(1, 2, &[7, 8]);
        control.push_source(Ipv6Addr::LOCALHOST.into());
        let read: Vec<_> = messages(control.as_octets()).collect();
        assert_eq!(read[0], (1, 2, &[7, 8][..]));
        assert_eq!((read[1].0, read[1].1), (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO));
        assert_eq!((read[1].2.len(), read[1].2[15], read.len()), (20, 1, 2));
    }

    #[test]
    fn a_cut_control_message_ends_the_walk() {
        let mut control = Control::EMPTY;
        control.push(1, 2, &[7; 12]);
        for length in 0..HEADER_OCTETS + 12 {
            assert_eq!(messages(&control.as_octets()[..length]).count(), 0, "cut at {length}");
        }
        let short = [0_u8; HEADER_OCTETS];
        assert_eq!(messages(&short).count(), 0, "a length below the header's");
    }

    #[test]
    fn addresses_survive_the_way_to_the_kernel_and_back() {
        let scoped = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 4739, 5, 6);
        for expected in ["192.0.2.1:2055".parse().unwrap(), scoped.into()] {
            let octets = address_octets(expected);
            assert_eq!(address(&octets), Some(expected));
            assert_eq!(address(&octets[..7]), None);
        }
    }

    #[test]
    fn times_of_both_word_sizes_are_read() {
        let mut wide = 2_i64.to_ne_bytes().to_vec();
        wide.extend(3_i64.to_ne_bytes());
        let mut narrow = 2_i32.to_ne_bytes().to_vec();
        narrow.extend(3_i32.to_ne_bytes());
        assert_eq!((time_ns(&wide), time_ns(&narrow)), (Some(2_000_000_003), Some(2_000_000_003)));
        assert_eq!(time_ns(&wide[..7]), None);
    }
}
