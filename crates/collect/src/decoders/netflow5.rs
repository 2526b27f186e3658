// SPDX-License-Identifier: Apache-2.0
//! `NetFlow` version 5: records of one layout, decoded as if a template had said so.

use std::sync::{Arc, LazyLock};

use penstock_codec::Malformed;
use penstock_codec::netflow::v5::{self, Header, Packet};
use penstock_record::Unit;

use super::{Decoder, TOO_MANY_EXPORTERS, Verdict, seconds_ns, version};
use crate::exporters::Key;
use crate::intake::{Arrival, Intake};
use crate::memory::sequence::{Stamp, Units};
use crate::rows::{Dialect, Message, Plan, SourceKind};

pub(super) const DECODER: Decoder = Decoder {
    kind: SourceKind::NetFlow5,
    claims: |octets| version(octets) == Some(v5::VERSION),
    is_likely,
    take,
    sequence_unit: Unit::Records,
};

fn is_likely(octets: &[u8]) -> bool {
    Packet::read(octets).is_ok_and(|packet| {
        packet.missing == 0 && (1..=v5::MOST_RECORDS).contains(&packet.header.count)
    })
}

/// Some exporters put several packets into a datagram.
fn take(intake: &mut Intake, arrival: &Arrival, octets: &[u8]) -> Verdict {
    let mut packet = match Packet::read(octets) {
        Ok(packet) => packet,
        Err(why) => return Verdict::refused(why),
    };
    let mut verdict = Verdict::default();
    loop {
        take_one(intake, arrival, &packet, &mut verdict);
        match Packet::read(packet.rest) {
            Ok(next) if next.header.count > 0 => packet = next,
            _ => return verdict,
        }
    }
}

fn take_one(intake: &mut Intake, arrival: &Arrival, packet: &Packet<'_>, verdict: &mut Verdict) {
    let header = &packet.header;
    let key = Key {
        kind: SourceKind::NetFlow5,
        addr: arrival.addr,
        port: arrival.port,
        stream: arrival.stream,
        domain: u32::from(header.engine_type) << 8 | u32::from(header.engine_id),
    };
    let Some(exporter) = intake.heard(key, arrival) else {
        verdict.trouble(TOO_MANY_EXPORTERS);
        return;
    };
    verdict.exporter = Some(exporter);
    let message = Message {
        exporter,
        sequence: header.sequence,
        received_ns: arrival.received_ns,
        export_ns: export_ns(header),
        uptime_ms: Some(header.uptime_ms),
        stated_rate: Some(f64::from(header.sampling_interval())),
    };
    intake.observe_clock(exporter, message.export_ns, arrival);
    let announced = Units::Known(u32::from(header.count));
    let stamp = Stamp { uptime_ms: Some(header.uptime_ms), export_s: Some(header.unix_s) };
    intake.observe_sequence(exporter, header.sequence, announced, stamp);
    let decoded = intake.decode_flows(&PLAN, packet.records, &message);
    verdict.used |= decoded > 0;
    if packet.missing > 0 || header.count == 0 {
        verdict.trouble(Malformed::CountBeyondMessage.reason());
    }
}

fn export_ns(header: &Header) -> i64 {
    // Some exporters have something else there.
    let below_a_second = Some(header.unix_ns).filter(|&ns| ns < 1_000_000_000);
    seconds_ns(header.unix_s) + below_a_second.map_or(0, i64::from)
}

static PLAN: LazyLock<Arc<Plan>> =
    LazyLock::new(|| Arc::new(Plan::compile(v5::template(), Dialect::NetFlow5)));
