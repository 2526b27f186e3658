// SPDX-License-Identifier: Apache-2.0
//! basicplus: what TCP says of itself in each direction's first packet.
//!
//! Window and maximum segment size are those of a direction's first packet. The options
//! are a set over all its packets, bit n for option kind n (element 209 counts likewise). The
//! size of the SYN is the IP length of the flow's first packet, if its only flag is SYN.
//! TTL and IP flags, which other probes give under this name, are columns of every flow.

use penstock_record::{BatchBuilder, Validity, column};
use penstock_wire::{Has, tcp};

use crate::plugin::{OptionError, Options, Plugin, Seen, Spec, Step};

/// The plugin.
pub(crate) struct Basicplus;

impl Plugin for Basicplus {
    const SPEC: Spec = Spec {
        name: "basicplus",
        summary: "TCP window, options, maximum segment size and SYN size",
        reference: "RFC 9293, section 3.1; ipfixprobe's basicplus",
        example: "basicplus",
        columns: &[
            column::TCP_WINDOW,
            column::TCP_WINDOW_REV,
            column::TCP_OPTIONS,
            column::TCP_OPTIONS_REV,
            column::TCP_MSS,
            column::TCP_MSS_REV,
            column::TCP_SYN_SIZE,
        ],
        options: &[],
    };
    type State = State;

    fn new(_: &Options) -> Result<Self, OptionError> {
        Ok(Self)
    }

    fn start(&self, seen: &Seen<'_>) -> Option<State> {
        seen.packet.has.contains(Has::TCP).then(State::default)
    }

    fn observe(&self, state: &mut State, seen: &Seen<'_>) -> Step {
        let packet = seen.packet;
        let Ok(header) = tcp::read(seen.transport()) else { return Step::More };
        if !packet.has.contains(Has::TCP) {
            return Step::More;
        }
        if state.is_new() && packet.tcp_flags == SYN {
            state.syn_size = u16::try_from(packet.octets).unwrap_or(u16::MAX);
        }
        let side = if seen.from_source { &mut state.forward } else { &mut state.reverse };
        let first = !side.seen;
        if first {
            side.seen = true;
            side.window = header.window;
        }
        for (kind, data) in tcp::options(header.options) {
            side.options |= 1_u64.checked_shl(kind.into()).unwrap_or(0);
            if first
                && kind == MAXIMUM_SEGMENT_SIZE
                && let [high, low] = data
            {
                side.mss = u16::from_be_bytes([*high, *low]);
            }
        }
        Step::More
    }

    fn write(&self, states: &[Option<State>], batch: &mut BatchBuilder) {
        let side = |part: fn(&State) -> &Side| {
            move |state: &Option<State>| state.as_ref().map_or(Side::NONE, |state| *part(state))
        };
        let forward = side(|state| &state.forward);
        let taken = Validity::new(states.iter().map(Option::is_some));
        let valid = Some(&taken);
        batch.u16(column::TCP_WINDOW, valid, states.iter().map(|s| forward(s).window));
        batch.u64(column::TCP_OPTIONS, valid, states.iter().map(|s| forward(s).options));
        batch.u32(column::TCP_MSS, valid, states.iter().map(|s| forward(s).mss.into()));
        let size = |state: &Option<State>| state.as_ref().map_or(0, |state| state.syn_size);
        batch.u16(column::TCP_SYN_SIZE, valid, states.iter().map(size));

        let reverse = side(|state| &state.reverse);
        let spoke = Validity::new(states.iter().map(|state| reverse(state).seen));
        let valid = Some(&spoke);
        batch.u16(column::TCP_WINDOW_REV, valid, states.iter().map(|s| reverse(s).window));
        batch.u64(column::TCP_OPTIONS_REV, valid, states.iter().map(|s| reverse(s).options));
        batch.u32(column::TCP_MSS_REV, valid, states.iter().map(|s| reverse(s).mss.into()));
    }
}

/// What is kept of one flow.
#[derive(Debug, Default)]
pub(crate) struct State {
    forward: Side,
    reverse: Side,
    syn_size: u16,
}

#[derive(Clone, Copy, Debug, Default)]
struct Side {
    options: u64,
    window: u16,
    mss: u16,
    seen: bool,
}

impl Side {
    const NONE: Self = Self { options: 0, window: 0, mss: 0, seen: false };
}

impl State {
    const fn is_new(&self) -> bool {
        !self.forward.seen && !self.reverse.seen
    }
}

/// RFC 9293, section 3.2.
const MAXIMUM_SEGMENT_SIZE: u8 = 2;
const SYN: u16 = 0x02;

#[cfg(test)]
mod tests {
    use penstock_wire::Packet;

    use super::*;

    #[test]
    fn a_syn_tells_its_size_window_and_options() {
        let mut syn = vec![0, 80, 1, 187, 0, 0, 0, 1, 0, 0, 0, 0, 0x70, 0x02, 0x20, 0, 0, 0, 0, 0];
        syn.extend([2, 4, 5, 180, 1, 3, 3, 7]);
        let packet = Packet { octets: 48, tcp_flags: SYN, has: Has::TCP, ..Packet::default() };
        let seen =
            Seen { packet: &packet, time_ns: 0, from_source: true, uniflow: false, frame: &syn };
        let mut state = Basicplus.start(&seen).unwrap();
        assert_eq!(Basicplus.observe(&mut state, &seen), Step::More);
        assert_eq!((state.syn_size, state.forward.window, state.forward.mss), (48, 0x2000, 1460));
        assert_eq!(state.forward.options, 1 << 1 | 1 << 2 | 1 << 3);
        assert!(!state.reverse.seen);
    }
}
