// SPDX-License-Identifier: Apache-2.0
//! TCP (RFC 9293, section 3.1).
//!
//! ```text
//!  0         4              16                              32
//! +------------------------+-------------------------------+
//! |      source port       |       destination port        |
//! |                  sequence number                       |
//! |               acknowledgment number                    |
//! +---------+--------------+-------------------------------+
//! | offset  |   flags 12   |           window              |
//! +---------+--------------+-------------------------------+
//! |        checksum        |       urgent pointer          |
//! |              options, offset - 5 words                 |
//! +--------------------------------------------------------+
//! ```
//! [`crate::dissect()`] keeps ports and flags; [`read`] and [`options`] give the rest to whoever
//! wants it.

use super::{locate, unreadable};
use crate::walk::{Walk, be16, be32, forbidden};
use crate::{Ends, Extra, Has, Packet, Reason, WireError};

/// The fields of a TCP header that [`crate::Packet`] does not keep, and those that it does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header<'a> {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number; means something where the flag ACK is set.
    pub ack: u32,
    /// The low twelve bits of octets 12 and 13.
    pub flags: u16,
    /// Receive window, not scaled.
    pub window: u16,
    /// Where urgent data end; means something where the flag URG is set.
    pub urgent: u16,
    /// The options, as many of their octets as there are; see [`options`].
    pub options: &'a [u8],
}

/// Reads the header that `bytes` begin with. Options may be cut off, the rest may not.
///
/// # Errors
/// Fewer than 20 octets, or a data offset below 5.
pub fn read(bytes: &[u8]) -> Result<Header<'_>, WireError> {
    let Some((head, rest)) = bytes.split_first_chunk::<SHORTEST>() else {
        let reason = Reason::Truncated { need: SHORTEST, left: bytes.len() };
        return Err(WireError { layer: LAYER, offset: 0, reason });
    };
    let Some(options) = header_octets(head).checked_sub(SHORTEST) else {
        return Err(bad_offset(head));
    };
    Ok(Header {
        src_port: be16(head, 0),
        dst_port: be16(head, 2),
        seq: be32(head, 4),
        ack: be32(head, 8),
        flags: be16(head, 12) & FLAGS,
        window: be16(head, 14),
        urgent: be16(head, 18),
        options: rest.get(..options).unwrap_or(rest),
    })
}

/// Goes through options as kind and data. Ends after the end-of-options kind, at an option
/// that is not whole, and at the end of `bytes`.
pub const fn options(bytes: &[u8]) -> Options<'_> {
    Options { rest: bytes }
}

/// The options of one header; see [`options`].
#[derive(Clone, Debug)]
pub struct Options<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Options<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        match *self.rest {
            [END_OF_OPTIONS, ..] => {
                self.rest = &[];
                Some((END_OF_OPTIONS, &[]))
            }
            [NO_OPERATION, ref rest @ ..] => {
                self.rest = rest;
                Some((NO_OPERATION, &[]))
            }
            [kind, octets, ..] if octets >= 2 => {
                let (option, rest) = self.rest.split_at_checked(usize::from(octets))?;
                self.rest = rest;
                option.get(2..).map(|data| (kind, data))
            }
            _ => None,
        }
    }
}

/// Puts ports and flags into `packet`.
#[inline]
pub(super) fn dissect(walk: &mut Walk<'_>, packet: &mut Packet, extra: &mut Extra) {
    let Some(head) = walk.peek::<SHORTEST>() else {
        let error = walk.truncated(LAYER, 0, SHORTEST);
        return unreadable(walk.rest(), packet, extra, error);
    };
    let octets = header_octets(head);
    if octets < SHORTEST || octets > walk.left_on_wire() {
        return unreadable(walk.rest(), packet, extra, bad_offset(head));
    }
    locate(walk.rest(), octets, packet);
    packet.src_port = be16(head, 0);
    packet.dst_port = be16(head, 2);
    packet.tcp_flags = be16(head, 12) & FLAGS;
    packet.ends = Ends::Ports;
    packet.has = packet.has.with(Has::TCP);
}

#[inline]
fn header_octets(head: &[u8; SHORTEST]) -> usize {
    usize::from(head[12] >> 4) * 4
}

#[cold]
fn bad_offset(head: &[u8; SHORTEST]) -> WireError {
    forbidden(LAYER, 12, "Data Offset", head[12] >> 4)
}

const SHORTEST: usize = 20;
const FLAGS: u16 = 0x0fff;
const END_OF_OPTIONS: u8 = 0;
const NO_OPERATION: u8 = 1;

const LAYER: &str = "TCP";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LinkType, sample};

    /// SYN with maximum segment size, window scale and SACK permitted.
    const SYN: [u8; 32] = [
        0x9c, 0x40, 0x01, 0xbb, 1, 2, 3, 4, 5, 6, 7, 8, 0x81, 0xc2, 0xfa, 0xf0, 0, 0, 0,
        9, // header
        2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 0, 0, // options
    ];

    #[test]
    fn every_field_is_where_the_rfc_has_it() {
        let header = read(&SYN).unwrap();
        assert_eq!((header.src_port, header.dst_port), (40000, 443));
        assert_eq!((header.seq, header.ack), (0x0102_0304, 0x0506_0708));
        assert_eq!((header.flags, header.window, header.urgent), (0x1c2, 0xfaf0, 9));
        assert_eq!(header.options.len(), 12);
        let packet = sample::ip(LinkType::RAW, &sample::ipv4(6, &SYN)).packet;
        assert_eq!((packet.src_port, packet.dst_port, packet.tcp_flags), (40000, 443, 0x1c2));
        assert_eq!((packet.ends, packet.has), (Ends::Ports, Has::TCP));
        assert_eq!((packet.transport_at, packet.payload_at, packet.payload_octets), (20, 52, 0));
    }

    #[test]
    fn options_are_kind_and_data() {
        let seen: Vec<_> = options(read(&SYN).unwrap().options).collect();
        let none: &[u8] = &[];
        assert_eq!(seen, [(2, &[5, 0xb4][..]), (1, none), (3, &[7]), (4, none), (0, none)]);
    }

    #[test]
    fn options_that_lie_about_their_length_end_the_list() {
        assert_eq!(options(&[2, 4, 5, 0xb4, 3, 9, 7]).count(), 1);
        assert_eq!(options(&[2, 1, 5, 0xb4]).count(), 0);
        assert_eq!(options(&[8]).count(), 0);
    }

    #[test]
    fn every_cut_of_a_header_is_an_error_or_has_fewer_options() {
        for cut in 0..SYN.len() {
            match read(&SYN[..cut]) {
                Err(_) => assert!(cut < 20),
                Ok(header) => assert_eq!(header.options, &SYN[20..cut]),
            }
        }
    }

    #[test]
    fn a_data_offset_below_five_or_beyond_the_packet_is_trouble() {
        for offset in [0x40, 0x90] {
            let mut tcp = SYN;
            tcp[12] = offset;
            let seen = sample::ip(LinkType::RAW, &sample::ipv4(6, &tcp));
            assert_eq!((seen.packet.ends, seen.packet.has), (Ends::Unread, Has::TROUBLE));
            assert_eq!((seen.packet.src_port, seen.packet.tcp_flags), (0, 0));
            assert!(seen.extra.trouble.unwrap().to_string().contains("Data Offset"));
        }
    }

    #[test]
    fn options_cut_off_by_the_snap_length_are_no_trouble() {
        let packet = sample::cut(LinkType::RAW, &sample::ipv4(6, &SYN), 44).packet;
        assert_eq!((packet.src_port, packet.payload_at, packet.has), (40000, 52, Has::TCP));
    }
}
