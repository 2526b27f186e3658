// SPDX-License-Identifier: Apache-2.0
//! DCCP's generic header (RFC 4340, section 5.1).
//!
//! ```text
//!  0                        16                              32
//! +------------------------+-------------------------------+
//! |      source port       |       destination port        |
//! | data offset | CCVal,Cs |           checksum            |
//! | type, X     |  sequence number, 24 bits or 48          |
//! +--------------------------------------------------------+
//! ```
//! The data offset counts words from the header's first octet to the payload.

use super::locate;
use crate::walk::{Walk, be16, forbidden};
use crate::{Ends, Packet, WireError};

/// Puts ports into `packet`.
pub(super) fn read(walk: &mut Walk<'_>, packet: &mut Packet) -> Result<(), WireError> {
    let Some(head) = walk.peek::<SHORTEST>() else {
        return Err(walk.truncated(LAYER, 0, SHORTEST));
    };
    let octets = usize::from(head[4]) * 4;
    if octets < SHORTEST || octets > walk.left_on_wire() {
        return Err(forbidden(LAYER, 4, "Data Offset", head[4]));
    }
    locate(walk.rest(), octets, packet);
    packet.src_port = be16(head, 0);
    packet.dst_port = be16(head, 2);
    packet.ends = Ends::Ports;
    Ok(())
}

const SHORTEST: usize = 12;

const LAYER: &str = "DCCP";

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::{Ends, Has, LinkType};

    #[test]
    fn ports_and_payload_are_found() {
        let packet = sample::ip(LinkType::RAW, &sample::ipv4(33, &sample::dccp(5001, 5002))).packet;
        assert_eq!((packet.src_port, packet.dst_port, packet.ends), (5001, 5002, Ends::Ports));
        assert_eq!((packet.payload_at, packet.payload_octets), (36, 4));
    }

    #[test]
    fn a_data_offset_that_cannot_be_is_trouble() {
        for offset in [2, 6] {
            let mut dccp = sample::dccp(5001, 5002);
            dccp[4] = offset;
            let packet = sample::ip(LinkType::RAW, &sample::ipv4(33, &dccp)).packet;
            assert_eq!((packet.ends, packet.has), (Ends::Unread, Has::TROUBLE));
        }
    }
}
