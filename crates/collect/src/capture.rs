// SPDX-License-Identifier: Apache-2.0
//! Exporters' traffic from a capture: the datagrams in its frames.
//!
//! A capture may hold any other traffic too. So a datagram is only taken for a flow export if all
//! that its first octets say is right, whatever its port. Streams and fragments are not put together.

use penstock_wire::{Dissected, Extra, Fragment, Frame, Packet, Tunnels, dissect, protocol};

use crate::Reception;
use crate::collector::Collector;
use crate::decoders::decoder_of;

impl Collector {
    /// Takes what a captured frame holds; none if that is no flow export.
    pub fn frame(&mut self, frame: Frame<'_>, time_ns: i64) -> Option<Reception> {
        let (mut packet, mut extra) = (Packet::default(), Extra::default());
        let dissected = dissect(frame, Tunnels::Outer, &mut packet, &mut extra);
        let payload = match dissected {
            Ok(Dissected::Ip) => udp_payload(&frame, &packet),
            _ => None,
        };
        let likely =
            |octets: &&[u8]| decoder_of(octets).is_some_and(|decoder| (decoder.is_likely)(octets));
        let Some(octets) = payload.filter(likely) else {
            self.counts.other_traffic += 1;
            return None;
        };
        Some(self.datagram(packet.src, packet.src_port, time_ns, octets))
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
