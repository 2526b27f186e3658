// SPDX-License-Identifier: Apache-2.0
//! THE TABLE of decoders: how a protocol is told by its first octets, and what takes it.
//!
//! Any port takes any protocol. What a decoder is given has been claimed by nobody before it.
//! To add one: a file here, its row in [`DECODERS`], its codec in `penstock-codec`.

mod ipfix;
mod netflow5;
mod netflow9;
mod sflow;
mod templated;

use penstock_codec::Malformed;

use crate::intake::{Arrival, Intake};
use crate::rows::SourceKind;

/// One protocol.
pub(crate) struct Decoder {
    /// What its records say made them.
    pub kind: SourceKind,
    /// Whether octets begin like a message of it.
    pub claims: fn(&[u8]) -> bool,
    /// Whether octets that may be anything's are one: all that can be checked at a glance is right.
    pub is_likely: fn(&[u8]) -> bool,
    /// Decodes a message.
    pub take: fn(&mut Intake, &Arrival, &[u8]) -> Verdict,
    /// The unit in which its sequence numbers tell losses.
    pub sequence_unit: penstock_record::Unit,
}

/// In the order in which they are asked.
pub(crate) const DECODERS: [Decoder; 4] =
    [netflow9::DECODER, ipfix::DECODER, netflow5::DECODER, sflow::DECODER];

/// The decoder that claims a message.
pub(crate) fn decoder_of(octets: &[u8]) -> Option<&'static Decoder> {
    DECODERS.iter().find(|decoder| (decoder.claims)(octets))
}

/// The row of a protocol.
pub(crate) fn decoder_for(kind: SourceKind) -> &'static Decoder {
    let [first, ..] = &DECODERS;
    DECODERS.iter().find(|decoder| decoder.kind == kind).unwrap_or(first)
}

/// What became of a message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Verdict {
    pub exporter: Option<u32>,
    /// What was wrong with it, or with the first of its parts that was not sound.
    pub trouble: Option<&'static str>,
    /// Whether any part of it was of use.
    pub used: bool,
    /// Data sets that wait for their templates.
    pub parked: u32,
    /// A session of this kind cannot go on after it.
    pub fatal: bool,
}

impl Verdict {
    pub fn refused(why: Malformed) -> Self {
        Self { trouble: Some(why.reason()), ..Self::default() }
    }

    /// The exporters that may be remembered are all busy.
    pub fn no_room() -> Self {
        Self { trouble: Some(TOO_MANY_EXPORTERS), ..Self::default() }
    }

    pub fn trouble(&mut self, why: &'static str) {
        self.trouble.get_or_insert(why);
    }
}

const TOO_MANY_EXPORTERS: &str = "too many exporters";

/// The version in the first two octets.
fn version(octets: &[u8]) -> Option<u16> {
    octets.first_chunk().map(|&version| u16::from_be_bytes(version))
}

/// Seconds since 1970 in nanoseconds.
fn seconds_ns(seconds: u32) -> i64 {
    i64::from(seconds) * 1_000_000_000
}

#[cfg(test)]
mod tests {
    use penstock_codec::netflow::{v5, v9};
    use penstock_codec::{ipfix, sflow};

    use super::*;
    use crate::{Collector, Reception, Settings};

    /// The shortest sound message of each row of the table.
    fn message_of(kind: SourceKind) -> Vec<u8> {
        let mut out = Vec::new();
        match kind {
            SourceKind::NetFlow5 => {
                v5::write_header(&mut out, &v5::Header { count: 1, ..v5::Header::default() });
                v5::write_record(&mut out, &v5::Record::default());
            }
            SourceKind::NetFlow9 => {
                let mut packet = v9::PacketWriter::begin(&mut out, &v9::Header::default());
                packet.begin_set(v9::TEMPLATE_SET);
                packet.end_set();
                packet.finish(0).unwrap();
            }
            SourceKind::Ipfix => {
                ipfix::MessageWriter::begin(&mut out, 0, 0, 0).finish().unwrap();
            }
            SourceKind::SFlow => {
                sflow::DatagramWriter::begin(&mut out, &sflow::Header::default()).finish();
            }
        }
        out
    }

    #[test]
    fn every_protocol_has_a_row_and_every_row_knows_its_own_messages_alone() {
        assert_eq!(DECODERS.len(), SourceKind::ALL.len());
        for kind in SourceKind::ALL {
            let octets = message_of(kind);
            let claimed = DECODERS.iter().filter(|decoder| (decoder.claims)(&octets));
            assert_eq!(claimed.map(|decoder| decoder.kind).collect::<Vec<_>>(), [kind]);
            assert_eq!(decoder_for(kind).kind, kind);
            assert!((decoder_for(kind).is_likely)(&octets), "{}", kind.name());
        }
    }

    #[test]
    fn every_row_takes_its_own_message_whole_and_says_what_is_wrong_with_any_part_of_it() {
        for kind in SourceKind::ALL {
            let octets = message_of(kind);
            for end in 0..octets.len() {
                let mut collector = Collector::new(Settings::default());
                let part = octets.get(..end).unwrap();
                let reception = collector.datagram([0; 16], 1, 0, part);
                let refused = matches!(reception, Reception::Refused(_) | Reception::Partly(_));
                // A version 9 packet may end behind any set, also before the first.
                let sound = kind == SourceKind::NetFlow9 && end >= v9::HEADER_OCTETS;
                assert!(refused || sound, "{}: {end} octets: {reception:?}", kind.name());
            }
            let mut collector = Collector::new(Settings::default());
            let reception = collector.datagram([0; 16], 1, 0, &octets);
            assert_eq!(reception, Reception::Whole, "{}", kind.name());
        }
    }
}
