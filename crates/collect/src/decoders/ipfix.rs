// SPDX-License-Identifier: Apache-2.0
//! IPFIX. Its exporters are told by transport session and observation domain
//! (RFC 7011 section 8).

use penstock_codec::ipfix::{self, Message as Octets};
use penstock_record::Unit;

use super::templated::{self, Sets};
use super::{Arrival, Decoder, Verdict, seconds_ns, version};
use crate::collector::Collector;
use crate::exporters::Key;
use crate::memory::sequence::Stamp;
use crate::memory::templates::Transport;
use crate::rows::{Dialect, Message, SourceKind};

pub(super) const DECODER: Decoder = Decoder {
    kind: SourceKind::Ipfix,
    claims: |octets| version(octets) == Some(ipfix::VERSION),
    is_likely: |octets| {
        Octets::read(octets).is_ok_and(|message| {
            usize::from(message.header.length) == octets.len()
                && message.sets().next().is_none_or(|set| set.is_ok())
        })
    },
    take,
    sequence_unit: Unit::Records,
};

fn take(collector: &mut Collector, arrival: &Arrival, octets: &[u8]) -> Verdict {
    let message = match Octets::read(octets) {
        Ok(message) => message,
        Err(why) => return Verdict::refused(why),
    };
    let header = message.header;
    let by_port =
        arrival.transport == Transport::Stream || !collector.settings().ignore_source_port;
    let key = Key {
        kind: SourceKind::Ipfix,
        addr: arrival.addr,
        port: if by_port { arrival.port } else { 0 },
        stream: arrival.stream,
        domain: header.observation_domain,
    };
    let Some(exporter) = collector.heard(key, arrival) else { return Verdict::no_room() };
    let export_ns = seconds_ns(header.export_time_s);
    // A file was written when it was; what is in it was received when it was exported.
    let from_file = arrival.transport == Transport::File;
    let about = Message {
        exporter,
        sequence: header.sequence,
        received_ns: if from_file { export_ns } else { arrival.received_ns },
        export_ns,
        uptime_ms: None,
        stated_rate: None,
    };
    collector.observe_clock(exporter, export_ns, arrival);
    let sets = Sets {
        dialect: Dialect::Ipfix,
        templates: ipfix::TEMPLATE_SET,
        options_templates: ipfix::OPTIONS_TEMPLATE_SET,
    };
    let mut verdict = Verdict { exporter: Some(exporter), ..Verdict::default() };
    let units = templated::take(collector, &about, message.sets(), &sets, &mut verdict);
    let stamp = Stamp { uptime_ms: None, export_s: Some(header.export_time_s) };
    collector.observe_sequence(exporter, header.sequence, units, stamp);
    verdict
}
