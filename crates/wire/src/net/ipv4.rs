// SPDX-License-Identifier: Apache-2.0
//! IPv4 (RFC 791, section 3.1).
//!
//! ```text
//!  0   4   8               16  19                          32
//! +---+---+---------------+-------------------------------+
//! | 4 |IHL|type of service|         total length          |
//! +---+---+---------------+---+---------------------------+
//! |    identification     |flg|     fragment offset       |
//! +---------------+-------+---+---------------------------+
//! | time to live  | protocol  |         checksum          |
//! +---------------+-----------+---------------------------+
//! |                    source address                     |
//! |                  destination address                  |
//! |                  options, IHL - 5 words               |
//! +-------------------------------------------------------+
//! ```
//! A total length of zero is what a capture on the sending machine shows of a packet that
//! the network card has yet to cut (TCP segmentation offload): it goes to the end of what
//! encloses it. Options are passed over.

use crate::walk::{Walk, be16, be32, forbidden};
use crate::{Fragment, Packet, WireError, transport};

/// Reads the header into `packet` and goes behind it.
#[inline]
pub(super) fn read(walk: &mut Walk<'_>, packet: &mut Packet) -> Result<(), WireError> {
    let Some(head) = walk.peek::<SHORTEST>() else {
        return Err(walk.truncated(LAYER, 0, SHORTEST));
    };
    let header_octets = usize::from(head[0] & 0x0f) * 4;
    let mut octets = usize::from(be16(head, 2));
    if octets == 0 {
        octets = walk.left_on_wire();
    }
    if head[0] >> 4 != 4 || header_octets < SHORTEST || octets < header_octets {
        return Err(refused(head, octets));
    }
    walk.narrow(octets);
    walk.at += header_octets;

    packet.ip_version = 4;
    packet.tos = head[1];
    packet.octets = u32::try_from(octets).unwrap_or(u32::MAX);
    packet.identification = u32::from(be16(head, 4));
    packet.flow_label = 0;
    packet.ttl = head[8];
    packet.protocol = head[9];
    packet.next_header = head[9];
    packet.src = mapped(be32(head, 12));
    packet.dst = mapped(be32(head, 16));
    packet.ip_flags = head[6] & (DONT_FRAGMENT | MORE_FRAGMENTS);
    packet.fragment_offset = be16(head, 6) & 0x1fff;
    packet.fragment = match (packet.fragment_offset, head[6] & MORE_FRAGMENTS) {
        (0, 0) => Fragment::Whole,
        (0, _) => Fragment::First,
        _ => Fragment::Later,
    };
    transport::forget(packet);
    Ok(())
}

/// The IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2).
#[inline]
fn mapped(address: u32) -> [u8; 16] {
    (0xffff_0000_0000_u128 | u128::from(address)).to_be_bytes()
}

#[cold]
fn refused(head: &[u8; SHORTEST], octets: usize) -> WireError {
    let (version, words) = (head[0] >> 4, head[0] & 0x0f);
    if version != 4 {
        forbidden(LAYER, 0, "Version", version)
    } else if words < 5 {
        forbidden(LAYER, 0, "IHL", words)
    } else {
        forbidden(LAYER, 2, "Total Length", octets as u64)
    }
}

/// Octets of a header without options.
const SHORTEST: usize = 20;
const DONT_FRAGMENT: u8 = 0x40;
const MORE_FRAGMENTS: u8 = 0x20;

const LAYER: &str = "IPv4";

#[cfg(test)]
mod tests {
    use crate::sample::{self, Outcome};
    use crate::{Datagram, Ends, Fragment, Has, LinkType};

    fn raw(bytes: &[u8]) -> sample::Seen {
        sample::ip(LinkType::RAW, bytes)
    }

    fn mapped(last: u8) -> [u8; 16] {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, last]
    }

    #[test]
    fn every_field_is_where_the_rfc_has_it() {
        let mut ip = sample::ipv4(17, &sample::udp(53, 1053, b"abc"));
        (ip[1], ip[4], ip[5], ip[6], ip[8]) = (0xb9, 0x12, 0x34, 0x40, 61);
        let packet = raw(&ip).packet;
        assert_eq!((packet.ip_version, packet.tos, packet.ttl, packet.protocol), (4, 0xb9, 61, 17));
        assert_eq!((packet.octets, packet.identification, packet.ip_flags), (31, 0x1234, 0x40));
        assert_eq!((packet.src, packet.dst), (mapped(1), mapped(2)));
        assert_eq!((packet.transport_at, packet.payload_at, packet.payload_octets), (20, 28, 3));
        assert_eq!(packet.fragment, Fragment::Whole);
    }

    #[test]
    fn options_are_passed_over() {
        let ip = sample::ipv4_with_options(17, &[0x94, 4, 0, 0], &sample::udp(53, 1053, b"abc"));
        let packet = raw(&ip).packet;
        assert_eq!((packet.transport_at, packet.src_port, packet.octets), (24, 53, 35));
    }

    #[test]
    fn a_total_length_of_zero_goes_to_the_end_of_the_frame_as_it_was() {
        let mut ip = sample::ipv4(6, &sample::tcp(1, 2, &[0; 100]));
        (ip[2], ip[3]) = (0, 0);
        let packet = sample::cut(LinkType::RAW, &ip, 60).packet;
        assert_eq!((packet.octets, packet.payload_octets), (140, 100));
    }

    #[test]
    fn a_length_beyond_the_frame_is_believed() {
        let mut ip = sample::ipv4(17, &sample::udp(53, 1053, b"abc"));
        (ip[2], ip[3]) = (0x40, 0);
        assert_eq!(raw(&ip).packet.octets, 0x4000);
    }

    #[test]
    fn a_header_that_contradicts_itself_is_malformed() {
        for (at, value, field) in [(0, 0x55, "Version"), (0, 0x44, "IHL"), (3, 19, "Total Length")]
        {
            let mut ip =
                sample::ethernet(0x0800, &sample::ipv4(17, &sample::udp(53, 1053, b"abc")));
            ip[14 + at] = value;
            let Outcome::Malformed(error) = sample::read(LinkType::ETHERNET, &ip) else {
                panic!("{field} was read");
            };
            assert!(error.to_string().contains(field), "{error}");
        }
    }

    #[test]
    fn options_that_were_cut_off_leave_the_addresses() {
        let ip = sample::ipv4_with_options(17, &[1; 8], &sample::udp(53, 1053, b"abc"));
        let packet = sample::cut(LinkType::RAW, &ip, 22).packet;
        assert_eq!((packet.dst, packet.ends, packet.dst_port), (mapped(2), Ends::Unread, 0));
        assert!(packet.has.contains(Has::TROUBLE));
    }

    #[test]
    fn a_first_fragment_has_ports_and_a_later_one_has_none() {
        let mut ip = sample::ipv4(17, &sample::udp(53, 1053, &[0; 16]));
        (ip[4], ip[5], ip[6]) = (7, 7, 0x20);
        let first = raw(&ip).packet;
        assert_eq!(
            (first.fragment, first.ends, first.src_port),
            (Fragment::First, Ends::Ports, 53)
        );
        (ip[6], ip[7]) = (0x20, 3);
        let later = raw(&ip).packet;
        assert_eq!((later.fragment, later.fragment_offset), (Fragment::Later, 3));
        assert_eq!((later.ends, later.src_port, later.payload_octets), (Ends::Unread, 0, 24));
        assert_eq!(later.has, Has::NONE);
        assert_eq!(first.datagram(), later.datagram());
        let expected = Datagram {
            src: mapped(1),
            dst: mapped(2),
            identification: 0x0707,
            vlan_id: None,
            protocol: 17,
        };
        assert_eq!(later.datagram(), expected);
    }

    #[test]
    fn fragments_of_what_ah_protects_belong_together() {
        let udp = sample::udp(53, 1053, b"abc");
        let mut ip = sample::ipv4(51, &sample::authentication(17, &udp));
        ip[6] = 0x20;
        let first = raw(&ip).packet;
        assert_eq!((first.protocol, first.src_port), (17, 53));
        ip[7] = 3;
        let later = raw(&ip).packet;
        assert_eq!((later.protocol, later.ends), (51, Ends::Unread));
        assert_eq!(first.datagram(), later.datagram());
    }
}
