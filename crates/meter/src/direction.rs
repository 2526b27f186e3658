// SPDX-License-Identifier: Apache-2.0
//! Which end of a biflow is its source.
//!
//! The sender of the first packet, unless that packet is visibly an answer: a SYN-ACK, or
//! the reply to an ICMP or `ICMPv6` echo or an ICMP timestamp.

use penstock_wire::{Ends, Has, Packet};

use crate::tcp;

/// The side, by the key's order of ends, that is the source's of a flow which begins with
/// this packet from `side`.
#[inline]
pub(crate) fn source_side(packet: &Packet, side: usize, uniflow: bool) -> usize {
    if !uniflow && is_answer(packet) { 1 - side } else { side }
}

fn is_answer(packet: &Packet) -> bool {
    match packet.ends {
        Ends::Ports => packet.has.contains(Has::TCP) && tcp::is_syn_ack(packet.tcp_flags),
        Ends::IcmpEcho => {
            packet.icmp_type == ICMP_ECHO_REPLY && packet.protocol == ICMP
                || packet.icmp_type == ICMPV6_ECHO_REPLY && packet.protocol == ICMPV6
        }
        Ends::IcmpTimestamp => packet.icmp_type == ICMP_TIMESTAMP_REPLY,
        _ => false,
    }
}

const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
/// RFC 792.
const ICMP_ECHO_REPLY: u8 = 0;
const ICMP_TIMESTAMP_REPLY: u8 = 14;
/// RFC 4443, section 4.2.
const ICMPV6_ECHO_REPLY: u8 = 129;
