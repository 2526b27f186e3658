// SPDX-License-Identifier: Apache-2.0
//! A frame: link type, original length, where to cut it (2), and its octets.
#![no_main]

use libfuzzer_sys::fuzz_target;
use penstock_fuzz::dissected::{Said, said};
use penstock_fuzz::{Input, link, original_octets};
use penstock_wire::{Frame, Has, Packet, Tunnels};

fuzz_target!(|octets: &[u8]| {
    let mut input = Input::new(octets);
    let (link, more, cut) = (link(input.u8()), input.u8(), usize::from(input.u16()));
    let bytes = input.rest();
    let original_octets = original_octets(more, bytes.len());
    let frame = Frame { link, bytes, original_octets };

    let inner = said(frame, Tunnels::Inner);
    let outer = said(frame, Tunnels::Outer);
    tunnels_are_all_that_differs(&inner, &outer);
    if original_octets as usize >= bytes.len() {
        let bytes = &bytes[..cut % (bytes.len() + 1)];
        said(Frame { bytes, ..frame }, Tunnels::Inner);
        let part = said(Frame { bytes, ..frame }, Tunnels::Outer);
        less_tells_no_other(&outer, &part, bytes.len());
    }
});

/// A tunnel is only looked for in a packet, and where none is found nothing is different.
fn tunnels_are_all_that_differs(inner: &Said, outer: &Said) {
    assert_eq!(inner.answer, outer.answer);
    if inner.is_ip() && !inner.packet.has.contains(Has::TUNNEL) {
        let mut packet = inner.packet;
        if !outer.packet.has.contains(Has::TROUBLE) {
            packet.has = packet.has.without(Has::TROUBLE);
        }
        assert_eq!(packet, outer.packet);
    }
}

/// A frame of which `captured` octets were captured is taken for what the whole is, once its IP
/// header is there. (What follows a label stack is a guess, and may be another if less is there.)
fn less_tells_no_other(whole: &Said, part: &Said, captured: usize) {
    if part.packet.has.contains(Has::MPLS) || whole.packet.has.contains(Has::MPLS) {
        return;
    }
    if part.is_ip() {
        assert!(whole.is_ip(), "{:?}", whole.answer);
    } else if whole.is_ip() {
        assert!(captured < whole.packet.transport_at as usize, "{:?}", part.answer);
    }
    if whole.is_ip() && part.is_ip() {
        let (whole, part) = (&whole.packet, &part.packet);
        assert_eq!((whole.src, whole.dst), (part.src, part.dst));
        let header = |p: &Packet| (p.tos, p.ttl, p.next_header);
        assert_eq!(header(whole), header(part));
        // A jumbogram's length is in an option, which may be cut off: then it is taken to be empty, or to
        // go on to the frame's end.
        let may_be_jumbo = part.ip_version == 6 && part.next_header == HOP_BY_HOP;
        let jumbo = may_be_jumbo && (part.octets == 40 || whole.octets > LONGEST_WITHOUT_OPTION);
        assert!(jumbo || whole.octets == part.octets, "{whole:?} {part:?}");
        let unread = (part.src_port, part.dst_port, part.tcp_flags) == (0, 0, 0);
        let ports = (whole.src_port, whole.dst_port) == (part.src_port, part.dst_port);
        assert!(unread || ports, "{whole:?} {part:?}");
    }
}

const HOP_BY_HOP: u8 = 0;
/// Octets of an IPv6 header and the longest payload that its own field can tell.
const LONGEST_WITHOUT_OPTION: u32 = 40 + 65_535;
