// SPDX-License-Identifier: Apache-2.0
//! `NetFlow` version 9. Its exporters are told by address and source id, not by port
//! (RFC 3954 section 5.1).

use penstock_codec::netflow::v9::{self, Packet};
use penstock_record::Unit;

use super::templated::{self, Sets};
use super::{Decoder, Verdict, seconds_ns, version};
use crate::exporters::Key;
use crate::intake::{Arrival, Intake};
use crate::memory::sequence::{Stamp, Units};
use crate::rows::{Dialect, Message, SourceKind};

pub(super) const DECODER: Decoder = Decoder {
    kind: SourceKind::NetFlow9,
    claims: |octets| version(octets) == Some(v9::VERSION),
    is_likely: |octets| {
        Packet::read(octets).is_ok_and(
            |packet| matches!(packet.sets().next(), Some(Ok(set)) if set.id < 2 || set.id >= 256),
        )
    },
    take,
    sequence_unit: Unit::Datagrams,
};

fn take(intake: &mut Intake, arrival: &Arrival, octets: &[u8]) -> Verdict {
    let packet = match Packet::read(octets) {
        Ok(packet) => packet,
        Err(why) => return Verdict::refused(why),
    };
    let header = packet.header;
    let key = Key {
        kind: SourceKind::NetFlow9,
        addr: arrival.addr,
        port: 0,
        stream: arrival.stream,
        domain: header.source_id,
    };
    let Some(exporter) = intake.heard(key, arrival) else { return Verdict::no_room() };
    let message = Message {
        exporter,
        sequence: header.sequence,
        received_ns: arrival.received_ns,
        export_ns: seconds_ns(header.unix_s),
        uptime_ms: Some(header.uptime_ms),
        stated_rate: None,
    };
    intake.observe_clock(exporter, message.export_ns, arrival);
    let stamp = Stamp { uptime_ms: Some(header.uptime_ms), export_s: Some(header.unix_s) };
    let restarted = intake.observe_sequence(exporter, header.sequence, Units::Known(1), stamp);
    if restarted {
        intake.drop_templates(exporter);
    }
    let sets = Sets {
        dialect: Dialect::NetFlow9,
        templates: v9::TEMPLATE_SET,
        options_templates: v9::OPTIONS_TEMPLATE_SET,
    };
    let mut verdict = Verdict { exporter: Some(exporter), ..Verdict::default() };
    templated::take(intake, &message, packet.sets(), &sets, &mut verdict);
    verdict
}
