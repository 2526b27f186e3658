// SPDX-License-Identifier: Apache-2.0
//! NAME: what it is, in a line, and which specification says so.
//!
//! What is kept, and a picture of the octets that matter. As it stands it counts the
//! packets with payload of every flow; make it read its protocol.

use penstock_record::{BatchBuilder, Validity, column};

use crate::plugin::{OptionError, Options, Plugin, Seen, Spec, Step};

/// The plugin.
pub(crate) struct Type;

impl Plugin for Type {
    const SPEC: Spec = Spec {
        name: "NAME",
        summary: "Packets with payload",
        reference: "RFC 0000, section 0",
        example: "NAME",
        columns: &[column::UPPER_PACKETS],
        options: &[],
    };
    type State = u64;

    fn new(_: &Options) -> Result<Self, OptionError> {
        Ok(Self)
    }

    fn start(&self, _: &Seen<'_>) -> Option<u64> {
        Some(0)
    }

    fn observe(&self, state: &mut u64, seen: &Seen<'_>) -> Step {
        *state += u64::from(seen.packet.payload_octets > 0);
        Step::More
    }

    fn write(&self, states: &[Option<u64>], batch: &mut BatchBuilder) {
        let valid = Validity::new(states.iter().map(Option::is_some));
        let counts = states.iter().map(|count| count.unwrap_or(0));
        batch.u64(column::UPPER_PACKETS, Some(&valid), counts);
    }
}

#[cfg(test)]
mod tests {
    use penstock_wire::Packet;

    use super::*;

    #[test]
    fn a_packet_without_payload_is_not_counted() {
        let mut state = 0;
        for payload_octets in [0, 10] {
            let packet = Packet { payload_octets, ..Packet::default() };
            let seen =
                Seen { packet: &packet, time_ns: 0, from_source: true, uniflow: false, frame: &[] };
            assert_eq!(Type.observe(&mut state, &seen), Step::More);
        }
        assert_eq!(state, 1);
    }
}
