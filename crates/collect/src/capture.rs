// SPDX-License-Identifier: Apache-2.0
//! Exporters' traffic from a capture: the datagrams in its frames.
//!
//! A capture may hold any other traffic too. So a datagram of a sender who was not heard before is
//! only taken for a flow export if all that its first octets say is right, whatever its port. Streams
//! and fragments are not put together.

use penstock_wire::{Dissected, Extra, Fragment, Frame, Packet, Tunnels, dissect, protocol};

use crate::Reception;
use crate::collector::Collector;
use crate::decoders::decoder_of;

/// A datagram that was taken out of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Captured<'a> {
    /// Address of the sender, IPv4 mapped.
    pub addr: [u8; 16],
    /// Its port.
    pub port: u16,
    /// What it carries.
    pub octets: &'a [u8],
    /// What became of it.
    pub reception: Reception,
}

impl Collector {
    /// Takes what a captured frame holds; none if that is no flow export.
    pub fn frame<'a>(&mut self, frame: Frame<'a>, time_ns: i64) -> Option<Captured<'a>> {
        let (mut packet, mut extra) = (Packet::default(), Extra::default());
        let dissected = dissect(frame, Tunnels::Outer, &mut packet, &mut extra);
        let payload = match dissected {
            Ok(Dissected::Ip) => udp_payload(&frame, &packet),
            _ => None,
        };
        let (addr, port) = (packet.src, packet.src_port);
        let Some(octets) = payload.filter(|octets| self.is_export((addr, port), octets)) else {
            self.intake.counts.other_traffic += 1;
            return None;
        };
        let reception = self.datagram(addr, port, time_ns, octets);
        Some(Captured { addr, port, octets, reception })
    }

    fn is_export(&mut self, sender: ([u8; 16], u16), octets: &[u8]) -> bool {
        let Some(decoder) = decoder_of(octets) else { return false };
        if self.senders.contains(&sender) {
            return true;
        }
        let likely = (decoder.is_likely)(octets);
        if likely && self.senders.len() < self.intake.settings().max_exporters {
            self.senders.insert(sender);
        }
        likely
    }
}

fn udp_payload<'a>(frame: &Frame<'a>, packet: &Packet) -> Option<&'a [u8]> {
    if packet.protocol != protocol::UDP || packet.fragment != Fragment::Whole {
        return None;
    }
    let start = packet.payload_at as usize;
    let end = start.checked_add(packet.payload_octets as usize)?.min(frame.bytes.len());
    frame.bytes.get(start..end).filter(|octets| !octets.is_empty())
}
