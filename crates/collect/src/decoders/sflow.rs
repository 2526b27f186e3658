// SPDX-License-Identifier: Apache-2.0
//! sFlow version 5. Its exporters are told by agent address and sub-agent, wherever their
//! datagrams come from.

use penstock_codec::Malformed;
use penstock_codec::sflow::Datagram;
use penstock_record::Unit;

use super::{Decoder, Verdict};
use crate::exporters::Key;
use crate::intake::{Arrival, Intake};
use crate::memory::sequence::{Stamp, Units};
use crate::rows::SourceKind;

pub(super) const DECODER: Decoder = Decoder {
    kind: SourceKind::SFlow,
    // Versions 2 and 4 are known by their first octets too, and refused by their number.
    claims: |octets| matches!(octets, [0, 0, 0, 2 | 4 | 5, ..]),
    is_likely: |octets| Datagram::read(octets).is_ok(),
    take,
    sequence_unit: Unit::Datagrams,
};

fn take(intake: &mut Intake, arrival: &Arrival, octets: &[u8]) -> Verdict {
    let datagram = match Datagram::read(octets) {
        Ok(datagram) => datagram,
        Err(why) => return Verdict::refused(why),
    };
    let header = datagram.header;
    let key = Key {
        kind: SourceKind::SFlow,
        addr: if header.agent_address == [0; 16] { arrival.addr } else { header.agent_address },
        port: 0,
        stream: arrival.stream,
        domain: header.sub_agent_id,
    };
    let Some(exporter) = intake.heard(key, arrival) else { return Verdict::no_room() };
    let stamp = Stamp { uptime_ms: Some(header.uptime_ms), export_s: None };
    intake.observe_sequence(exporter, header.sequence, Units::Known(1), stamp);
    let taken = intake.decode_samples(exporter, &datagram, stamp, arrival.received_ns);
    let rows = taken.flow_samples + taken.counter_samples + taken.drop_samples;
    Verdict {
        exporter: Some(exporter),
        trouble: taken.malformed.map(Malformed::reason),
        used: taken.malformed.is_none() || rows > 0,
        ..Verdict::default()
    }
}
