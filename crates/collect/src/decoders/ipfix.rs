// SPDX-License-Identifier: Apache-2.0
//! IPFIX. Its exporters are told by transport session and observation domain
//! (RFC 7011 section 8).

use penstock_codec::Malformed;
use penstock_codec::ipfix::{self, Message as Octets};
use penstock_record::Unit;

use super::templated::{self, Sets};
use super::{Decoder, TOO_MANY_EXPORTERS, Verdict, seconds_ns, version};
use crate::exporters::Key;
use crate::intake::{Arrival, Intake};
use crate::memory::sequence::Stamp;
use crate::memory::templates::Transport;
use crate::rows::{Dialect, Message, SourceKind};

pub(super) const DECODER: Decoder = Decoder {
    kind: SourceKind::Ipfix,
    claims: |octets| version(octets) == Some(ipfix::VERSION),
    is_likely: |octets| {
        Octets::read(octets).is_ok_and(|message| {
            message.missing() == 0 && message.sets().next().is_none_or(|set| set.is_ok())
        })
    },
    take,
    sequence_unit: Unit::Records,
};

/// Some exporters put several messages into a datagram.
fn take(intake: &mut Intake, arrival: &Arrival, octets: &[u8]) -> Verdict {
    let mut message = match Octets::read(octets) {
        Ok(message) => message,
        Err(why) => return Verdict::refused(why),
    };
    let mut verdict = Verdict::default();
    let mut rest = octets;
    loop {
        take_one(intake, arrival, &message, &mut verdict);
        rest = rest.get(message.octets().len()..).unwrap_or(&[]);
        if rest.iter().all(|&octet| octet == 0) {
            return verdict;
        }
        let Ok(next) = Octets::read(rest) else {
            verdict.trouble(Malformed::MessageLength.reason());
            return verdict;
        };
        message = next;
    }
}

fn take_one(intake: &mut Intake, arrival: &Arrival, message: &Octets<'_>, verdict: &mut Verdict) {
    let header = message.header;
    let export_ns = seconds_ns(header.export_time_s);
    // A file was written when it was; what is in it was received when it was exported.
    let mut arrival = *arrival;
    if arrival.transport == Transport::File {
        arrival.received_ns = export_ns;
        intake.advance(export_ns);
    }
    let by_port = arrival.transport == Transport::Stream || !intake.settings().ignore_source_port;
    let key = Key {
        kind: SourceKind::Ipfix,
        addr: arrival.addr,
        port: if by_port { arrival.port } else { 0 },
        stream: arrival.stream,
        domain: header.observation_domain,
    };
    let Some(exporter) = intake.heard(key, &arrival) else {
        verdict.trouble(TOO_MANY_EXPORTERS);
        return;
    };
    verdict.exporter = Some(exporter);
    let about = Message {
        exporter,
        sequence: header.sequence,
        received_ns: arrival.received_ns,
        export_ns,
        uptime_ms: None,
        stated_rate: None,
    };
    intake.observe_clock(exporter, export_ns, &arrival);
    let sets = Sets {
        dialect: Dialect::Ipfix,
        templates: ipfix::TEMPLATE_SET,
        options_templates: ipfix::OPTIONS_TEMPLATE_SET,
    };
    let units = templated::take(intake, &about, message.sets(), &sets, verdict);
    let stamp = Stamp { uptime_ms: None, export_s: Some(header.export_time_s) };
    intake.observe_sequence(exporter, header.sequence, units, stamp);
}
