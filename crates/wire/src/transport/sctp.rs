// SPDX-License-Identifier: Apache-2.0
//! SCTP's common header (RFC 9260, section 3.1). Chunks are payload.
//!
//! ```text
//!  0                        16                              32
//! +------------------------+-------------------------------+
//! |      source port       |       destination port        |
//! |                  verification tag                      |
//! |                      checksum                          |
//! +--------------------------------------------------------+
//! ```

use super::locate;
use crate::walk::{Walk, be16};
use crate::{Ends, Packet, WireError};

/// Puts ports into `packet`.
pub(super) fn read(walk: &mut Walk<'_>, packet: &mut Packet) -> Result<(), WireError> {
    let Some(head) = walk.peek::<HEADER>() else {
        return Err(walk.truncated("SCTP", 0, HEADER));
    };
    locate(walk.rest(), HEADER, packet);
    packet.src_port = be16(head, 0);
    packet.dst_port = be16(head, 2);
    packet.ends = Ends::Ports;
    Ok(())
}

const HEADER: usize = 12;

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::{Ends, LinkType};

    #[test]
    fn ports_and_chunks_are_found() {
        let packet =
            sample::ip(LinkType::RAW, &sample::ipv6(132, &sample::sctp(36412, 36413))).packet;
        assert_eq!((packet.src_port, packet.dst_port, packet.ends), (36412, 36413, Ends::Ports));
        assert_eq!((packet.payload_at, packet.payload_octets), (52, 4));
    }
}
