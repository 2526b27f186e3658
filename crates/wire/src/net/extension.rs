// SPDX-License-Identifier: Apache-2.0
//! IPv6 extension headers (RFC 8200, section 4), and AH, which IPv4 has too.
//!
//! ```text
//!  0             8             16                              octets in all
//! +-------------+-------------+------
//! | next header |   length    | ...     hop-by-hop, routing, destination, mobility,
//! +-------------+-------------+------     HIP, Shim6               8 (length + 1)
//!                                         AH (RFC 4302)            4 (length + 2)
//! +-------------+-------------+--------------+--+-+----------------+
//! | next header |      0      |    offset 13 | 0|M| identification |   Fragment     8
//! +-------------+-------------+--------------+--+-+----------------+
//! ```
//! Walked are the headers that have this form; the packet's protocol is what the last of
//! them names. What AH protects is metered as what it is: protocol 51 is left only where the AH
//! itself cannot be read. ESP hides what follows and ends the walk. Mobility, HIP and
//! Shim6 usually have nothing behind them (next header 59): then the protocol is their own.
//! The experimental numbers 253 and 254 have no agreed form and are not walked.

use crate::transport::{self, protocol};
use crate::walk::{Walk, be16, forbidden, part, too_deep};
use crate::{Extra, Fragment, Has, MAX_EXTENSIONS, Packet, WireError};

/// Whether the protocol of `packet` is a header that [`follow`] walks.
#[inline]
pub(super) fn announced(packet: &Packet) -> bool {
    match packet.protocol {
        protocol::AH => true,
        HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION | MOBILITY | HIP | SHIM6 => {
            packet.ip_version == 6
        }
        _ => false,
    }
}

/// Walks the headers that `packet.protocol` announces. Returns whether a transport header
/// may come next: not after trouble, and not in a later fragment.
#[inline(never)]
pub(super) fn follow(walk: &mut Walk<'_>, packet: &mut Packet, extra: &mut Extra) -> bool {
    for _ in 0..MAX_EXTENSIONS {
        let step = match packet.protocol {
            FRAGMENT => fragment(walk, packet),
            protocol::AH => authentication(walk, packet),
            _ => generic(walk, packet),
        };
        match step {
            Ok(Step::Next) if announced(packet) => {}
            Ok(Step::Next | Step::Last) => return true,
            Ok(Step::Later) => {
                super::later(walk.rest(), packet);
                return false;
            }
            Err(error) => {
                transport::unreadable(walk.rest(), packet, extra, error);
                return false;
            }
        }
    }
    transport::unreadable(walk.rest(), packet, extra, too_deep("IPv6 extension", MAX_EXTENSIONS));
    false
}

/// Payload octets by the jumbo payload option (RFC 2675, section 2) of the hop-by-hop
/// header that begins `ahead` octets after the next one.
pub(super) fn jumbo_payload_octets(walk: &Walk<'_>, ahead: usize) -> Option<usize> {
    let &[_, length] = walk.peek_at(ahead)?;
    let end = ahead + 8 * (usize::from(length) + 1);
    let mut at = ahead + 2;
    while at < end {
        let [kind] = *walk.peek_at::<1>(at)?;
        if kind == PAD1 {
            at += 1;
            continue;
        }
        let [octets] = *walk.peek_at::<1>(at + 1)?;
        if (kind, octets) == (JUMBO_PAYLOAD, 4) {
            let payload = u32::from_be_bytes(*walk.peek_at(at + 2)?);
            return (payload > u32::from(u16::MAX)).then_some(payload as usize);
        }
        at += 2 + usize::from(octets);
    }
    None
}

enum Step {
    /// What `packet.protocol` names comes next.
    Next,
    /// The walk ends here, before a header that stands for the protocol.
    Last,
    /// A later fragment: nothing that can be read comes next.
    Later,
}

fn generic(walk: &mut Walk<'_>, packet: &mut Packet) -> Result<Step, WireError> {
    let layer = match packet.protocol {
        HOP_BY_HOP => "IPv6 Hop-by-Hop Options",
        ROUTING => "IPv6 Routing",
        DESTINATION => "IPv6 Destination Options",
        MOBILITY => "IPv6 Mobility",
        HIP => "HIP",
        _ => "Shim6",
    };
    let Some(&[next, length]) = walk.peek() else { return Err(walk.truncated(layer, 0, 2)) };
    let octets = 8 * (usize::from(length) + 1);
    if octets > walk.left_on_wire() {
        return Err(forbidden(layer, 1, "Hdr Ext Len", length));
    }
    if next == NO_NEXT_HEADER && matches!(packet.protocol, MOBILITY | HIP | SHIM6) {
        return Ok(Step::Last);
    }
    walk.skip(octets);
    packet.protocol = next;
    Ok(Step::Next)
}

fn authentication(walk: &mut Walk<'_>, packet: &mut Packet) -> Result<Step, WireError> {
    let Some(&[next, length]) = walk.peek() else { return Err(walk.truncated("AH", 0, 2)) };
    let octets = 4 * (usize::from(length) + 2);
    if octets < SHORTEST_AH || octets > walk.left_on_wire() {
        return Err(forbidden("AH", 1, "Payload Len", length));
    }
    walk.skip(octets);
    packet.protocol = next;
    Ok(Step::Next)
}

fn fragment(walk: &mut Walk<'_>, packet: &mut Packet) -> Result<Step, WireError> {
    let head = walk.take::<8>("IPv6 Fragment", 0)?;
    let position = be16(head, 2);
    packet.protocol = head[0];
    packet.identification = u32::from_be_bytes(part(head, 4));
    packet.fragment_offset = position >> 3;
    packet.has = packet.has.with(Has::FRAGMENT_HEADER);
    let more = position & 1 != 0;
    packet.ip_flags = if more { MORE_FRAGMENTS } else { 0 };
    packet.fragment = match (packet.fragment_offset, more) {
        // An atomic fragment (RFC 6946) is a whole datagram.
        (0, false) => Fragment::Whole,
        (0, true) => Fragment::First,
        _ => Fragment::Later,
    };
    Ok(if packet.fragment == Fragment::Later { Step::Later } else { Step::Next })
}

/// The protocol number of the hop-by-hop options header.
pub(super) const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const NO_NEXT_HEADER: u8 = 59;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HIP: u8 = 139;
const SHIM6: u8 = 140;
const PAD1: u8 = 0;
const JUMBO_PAYLOAD: u8 = 0xc2;
const SHORTEST_AH: usize = 12;
/// As element fragmentFlags has it.
const MORE_FRAGMENTS: u8 = 0x20;

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::{Ends, Fragment, Has, LinkType, Packet, Reason};

    fn raw(next_header: u8, payload: &[u8]) -> sample::Seen {
        sample::ip(LinkType::RAW, &sample::ipv6(next_header, payload))
    }

    fn udp() -> Vec<u8> {
        sample::udp(53, 1053, b"abc")
    }

    fn header(next: u8, rest: &[u8]) -> Vec<u8> {
        [&[next, 0, 1, 4, 0, 0, 0, 0], rest].concat()
    }

    fn fragment(next: u8, offset_and_more: u16, rest: &[u8]) -> Vec<u8> {
        let [high, low] = offset_and_more.to_be_bytes();
        [&[next, 0, high, low, 0xde, 0xad, 0xbe, 0xef], rest].concat()
    }

    fn identity(packet: &Packet) -> (u8, Ends, u16, u16) {
        (packet.protocol, packet.ends, packet.src_port, packet.dst_port)
    }

    #[test]
    fn the_whole_chain_is_walked() {
        let chain = [(0, 60), (60, 43), (43, 135), (135, 139), (139, 140), (140, 60), (60, 17)];
        let mut rest = sample::authentication(17, &udp());
        rest = header(51, &rest);
        for (_, next) in chain.iter().rev().skip(1) {
            rest = header(*next, &rest);
        }
        let seen = raw(0, &rest);
        assert_eq!(identity(&seen.packet), (17, Ends::Ports, 53, 1053));
        assert_eq!(seen.packet.next_header, 0);
        assert_eq!(seen.packet.payload_octets, 3);
    }

    #[test]
    fn ah_is_walked_in_ipv4_as_well_and_esp_in_neither() {
        let ip = sample::ipv4(51, &sample::authentication(17, &udp()));
        assert_eq!(identity(&sample::ip(LinkType::RAW, &ip).packet), (17, Ends::Ports, 53, 1053));
        let esp = sample::ipv4(50, &[7; 40]);
        assert_eq!(identity(&sample::ip(LinkType::RAW, &esp).packet), (50, Ends::None, 0, 0));
        assert_eq!(identity(&raw(50, &[7; 40]).packet), (50, Ends::None, 0, 0));
    }

    #[test]
    fn ah_that_cannot_be_read_stays_ah() {
        let mut ah = sample::authentication(17, &udp());
        ah[1] = 0;
        let seen = sample::ip(LinkType::RAW, &sample::ipv4(51, &ah));
        assert_eq!(identity(&seen.packet), (51, Ends::None, 0, 0));
        assert!(seen.packet.has.contains(Has::TROUBLE));
    }

    #[test]
    fn ipv4_does_not_take_other_numbers_for_extension_headers() {
        let seen = sample::ip(LinkType::RAW, &sample::ipv4(60, &header(17, &udp())));
        assert_eq!(identity(&seen.packet), (60, Ends::None, 0, 0));
    }

    #[test]
    fn a_first_fragment_has_ports_and_a_later_one_has_none() {
        let first = raw(44, &fragment(17, 1, &udp())).packet;
        assert_eq!((first.fragment, first.ip_flags), (Fragment::First, 0x20));
        assert_eq!(identity(&first), (17, Ends::Ports, 53, 1053));
        let later = raw(44, &fragment(17, 2 << 3, &[9; 8])).packet;
        assert_eq!((later.fragment, later.fragment_offset), (Fragment::Later, 2));
        assert_eq!(identity(&later), (17, Ends::Unread, 0, 0));
        assert_eq!((later.identification, later.has), (0xdead_beef, Has::FRAGMENT_HEADER));
        assert_eq!(first.datagram(), later.datagram());
        assert_eq!(later.datagram().protocol, 0);
    }

    #[test]
    fn an_atomic_fragment_is_whole() {
        let packet = raw(44, &fragment(17, 0, &udp())).packet;
        assert_eq!((packet.fragment, packet.src_port), (Fragment::Whole, 53));
        assert!(packet.has.contains(Has::FRAGMENT_HEADER));
    }

    #[test]
    fn a_later_fragment_does_not_know_the_protocol_behind_extension_headers() {
        let packet = raw(44, &fragment(60, 2 << 3, &[9; 8])).packet;
        assert_eq!(identity(&packet), (60, Ends::Unread, 0, 0));
    }

    #[test]
    fn a_jumbogram_says_its_length_in_an_option() {
        let tcp = sample::tcp(1, 2, &vec![0; 70_000]);
        let payload = u32::try_from(tcp.len() + 8).unwrap();
        let mut option = vec![6, 0, 0xc2, 4];
        option.extend(payload.to_be_bytes());
        let mut ip = sample::ipv6(0, &[option.as_slice(), &tcp].concat());
        (ip[4], ip[5]) = (0, 0);
        let packet = sample::ip(LinkType::RAW, &ip).packet;
        assert_eq!((packet.octets, packet.payload_octets), (70_068, 70_000));
        assert_eq!(identity(&packet), (6, Ends::Ports, 1, 2));
    }

    #[test]
    fn a_jumbo_option_that_lies_is_trouble() {
        let mut ip = sample::ipv6(0, &[17, 0, 0xc2, 4, 0, 0, 0, 16, 1, 2, 3, 4, 5, 6, 7, 8]);
        (ip[4], ip[5]) = (0, 0);
        let packet = sample::ip(LinkType::RAW, &ip).packet;
        assert_eq!((packet.octets, packet.ends), (40, Ends::None));
        assert!(packet.has.contains(Has::TROUBLE));
    }

    #[test]
    fn a_header_longer_than_the_packet_is_trouble_and_names_itself() {
        let mut bytes = header(17, &udp());
        bytes[1] = 9;
        let seen = raw(60, &bytes);
        assert_eq!(identity(&seen.packet), (60, Ends::None, 0, 0));
        let error = seen.extra.trouble.unwrap().to_string();
        assert_eq!(error, "IPv6 Destination Options: octet 1: Hdr Ext Len cannot be 9");
    }

    #[test]
    fn a_chain_without_end_is_too_deep() {
        let mut rest = udp();
        for _ in 0..17 {
            rest = header(60, &rest);
        }
        let seen = raw(60, &rest);
        assert_eq!(seen.extra.trouble.unwrap().reason, Reason::TooDeep { limit: 16 });
    }

    #[test]
    fn mobility_with_nothing_behind_it_is_its_own_protocol() {
        assert_eq!(identity(&raw(135, &header(59, &[])).packet), (135, Ends::None, 0, 0));
        assert_eq!(identity(&raw(60, &header(59, &[])).packet), (59, Ends::None, 0, 0));
    }
}
