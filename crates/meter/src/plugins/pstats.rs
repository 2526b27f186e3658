// SPDX-License-Identifier: Apache-2.0
//! pstats: length, time, TCP flags and direction of a flow's first packets.
//!
//! Packets without payload do not count unless `include_zeroes`. With `skip_duplicates` a
//! TCP packet does not count if, against the last one of its direction, neither sequence
//! nor acknowledgement number is newer (modulo 2^32) and payload length and flags are the
//! same. A flow of one packet that is a SYN has nothing to tell.

use penstock_record::{BatchBuilder, Validity, column};
use penstock_wire::{Has, tcp};

use crate::plugin::{OptionError, OptionKind, OptionSpec, Options, Plugin, Seen, Spec, Step};

/// The plugin.
pub(crate) struct Pstats {
    include_zeroes: bool,
    skip_duplicates: bool,
    packets: usize,
}

impl Plugin for Pstats {
    const SPEC: Spec = Spec {
        name: "pstats",
        summary: "Payload length, time, TCP flags and direction of the first packets",
        reference: "ipfixprobe's pstats",
        example: "pstats?skip_duplicates=true",
        columns: &[
            column::PSTATS_LENGTHS,
            column::PSTATS_TIMES,
            column::PSTATS_FLAGS,
            column::PSTATS_DIRECTIONS,
        ],
        options: &[
            OptionSpec {
                name: "include_zeroes",
                alias: Some("includezeroes"),
                kind: OptionKind::Bool,
                default: "false",
                summary: "Packets without payload count too",
            },
            OptionSpec {
                name: "skip_duplicates",
                alias: Some("skipdup"),
                kind: OptionKind::Bool,
                default: "false",
                summary: "Retransmitted TCP packets do not count",
            },
            OptionSpec {
                name: "packets",
                alias: None,
                kind: OptionKind::Integer { min: 1, max: 1000 },
                default: "30",
                summary: "How many packets are kept",
            },
        ],
    };
    type State = State;

    fn new(options: &Options) -> Result<Self, OptionError> {
        Ok(Self {
            include_zeroes: options.bool("include_zeroes"),
            skip_duplicates: options.bool("skip_duplicates"),
            packets: options.integer("packets") as usize,
        })
    }

    fn start(&self, _: &Seen<'_>) -> Option<State> {
        Some(State::default())
    }

    fn observe(&self, state: &mut State, seen: &Seen<'_>) -> Step {
        let packet = seen.packet;
        state.seen = state.seen.saturating_add(1);
        state.syn |= packet.has.contains(Has::TCP) && packet.tcp_flags & SYN != 0;
        let counts = self.include_zeroes || packet.payload_octets > 0;
        if state.packets.len() == self.packets {
            return Step::Done;
        }
        if !counts || (self.skip_duplicates && state.is_duplicate(seen)) {
            return Step::More;
        }
        state.packets.push(Entry {
            time_ns: seen.time_ns,
            octets: u16::try_from(packet.payload_octets).unwrap_or(u16::MAX),
            flags: packet.tcp_flags as u8,
            direction: if seen.from_source { 1 } else { -1 },
        });
        // Whether a SYN stays alone is known with the second packet.
        if state.packets.len() < self.packets || state.seen < 2 { Step::More } else { Step::Done }
    }

    fn write(&self, states: &[Option<State>], batch: &mut BatchBuilder) {
        let told = |state: &Option<State>| state.as_ref().is_some_and(State::has_something_to_tell);
        let valid = Validity::new(states.iter().map(told));
        let valid = Some(&valid);
        let lengths = || states.iter().map(|state| entries(state.as_ref()).len());
        let all = || states.iter().flat_map(|state| entries(state.as_ref()));
        batch.list_u16(column::PSTATS_LENGTHS, valid, lengths(), all().map(|e| e.octets).collect());
        let times = all().map(|e| e.time_ns).collect();
        batch.list_timestamps(column::PSTATS_TIMES, valid, lengths(), times);
        batch.list_u8(column::PSTATS_FLAGS, valid, lengths(), all().map(|e| e.flags).collect());
        let directions = all().map(|e| e.direction).collect();
        batch.list_i8(column::PSTATS_DIRECTIONS, valid, lengths(), directions);
    }
}

/// What is kept of one flow.
#[derive(Debug, Default)]
pub(crate) struct State {
    packets: Vec<Entry>,
    /// The last packet of each direction that was looked at for duplicates: the source's first.
    last: Option<Box<[Option<Segment>; 2]>>,
    seen: u32,
    syn: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    time_ns: i64,
    octets: u16,
    flags: u8,
    direction: i8,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    sequence: u32,
    acknowledgement: u32,
    octets: u32,
    flags: u16,
}

/// What there is to tell of a row.
fn entries(state: Option<&State>) -> &[Entry] {
    let told = state.filter(|state| state.has_something_to_tell());
    told.map_or(&[], |state| &state.packets)
}

impl State {
    fn has_something_to_tell(&self) -> bool {
        !(self.seen <= 1 && self.syn)
    }

    fn is_duplicate(&mut self, seen: &Seen<'_>) -> bool {
        if !seen.packet.has.contains(Has::TCP) {
            return false;
        }
        let Ok(header) = tcp::read(seen.transport()) else { return false };
        let now = Segment {
            sequence: header.seq,
            acknowledgement: header.ack,
            octets: seen.packet.payload_octets,
            flags: seen.packet.tcp_flags,
        };
        let [forward, reverse] = &mut **self.last.get_or_insert_default();
        let last = if seen.from_source { forward } else { reverse };
        let duplicate = last.is_some_and(|last| {
            !newer(now.sequence, last.sequence)
                && !newer(now.acknowledgement, last.acknowledgement)
                && now.octets == last.octets
                && now.flags == last.flags
        });
        if !duplicate {
            *last = Some(now);
        }
        duplicate
    }
}

/// Whether `a` comes after `b` modulo 2^32 (RFC 9293, section 3.4).
const fn newer(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}

const SYN: u16 = 0x02;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use penstock_wire::Packet;

    use super::*;

    fn plugin(options: &[(&str, &str)]) -> Pstats {
        let asked: BTreeMap<String, String> =
            options.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Pstats::new(&Options::check(&Pstats::SPEC, &asked).unwrap()).unwrap()
    }

    fn show(plugin: &Pstats, payloads: &[u32]) -> Vec<u16> {
        let mut state = State::default();
        for octets in payloads {
            let packet = Packet { payload_octets: *octets, ..Packet::default() };
            let seen =
                Seen { packet: &packet, time_ns: 0, from_source: true, uniflow: false, frame: &[] };
            if plugin.observe(&mut state, &seen) == Step::Done {
                break;
            }
        }
        state.packets.iter().map(|entry| entry.octets).collect()
    }

    #[test]
    fn packets_without_payload_count_only_if_asked() {
        assert_eq!(show(&plugin(&[]), &[0, 5, 0, 7]), [5, 7]);
        assert_eq!(show(&plugin(&[("includezeroes", "")]), &[0, 5, 0, 7]), [0, 5, 0, 7]);
    }

    #[test]
    fn thirty_packets_are_kept_unless_told_otherwise() {
        assert_eq!(show(&plugin(&[]), &[1; 50]).len(), 30);
        assert_eq!(show(&plugin(&[("packets", "3")]), &[1; 50]).len(), 3);
    }

    #[test]
    fn sequence_numbers_wrap() {
        assert!(newer(2, u32::MAX));
        assert!(!newer(u32::MAX, 2));
        assert!(!newer(7, 7));
    }
}
