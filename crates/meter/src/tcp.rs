// SPDX-License-Identifier: Apache-2.0
//! When TCP ends a flow.
//!
//! A connection has ended once both sides have sent FIN, or either RST (RFC 9293). What
//! then still comes, the last ACK and retransmissions, is absorbed for [`LINGER_NS`]; a
//! SYN begins a new flow at once.

use crate::flow::{Hot, State};

/// How long after its end a flow takes up what belongs to it, in nanoseconds of packet time.
pub(crate) const LINGER_NS: i64 = 2_000_000_000;

const FIN: u16 = 0x01;
const SYN: u16 = 0x02;
const RST: u16 = 0x04;
const ACK: u16 = 0x10;

/// What a TCP packet does to its flow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// The connection has ended.
    Ends,
    /// The connection has ended, and so has the other direction's uniflow.
    EndsBoth,
}

/// Whether the flags answer a SYN.
#[inline]
pub(crate) const fn is_syn_ack(flags: u16) -> bool {
    flags & (SYN | ACK | RST | FIN) == SYN | ACK
}

/// Whether a packet with these flags from `side` opens a new connection where this flow
/// was: a SYN after the end, or from a side that had said FIN.
#[inline]
pub(crate) const fn begins_anew(hot: &Hot, flags: u16, side: usize) -> bool {
    flags & (SYN | ACK | RST | FIN) == SYN
        && (hot.state.has(State::ENDED) || hot.state.has(State::fin_of(side)))
}

/// Whether the flags can end anything.
#[inline]
pub(crate) const fn may_end(flags: u16) -> bool {
    flags & (FIN | RST) != 0
}

/// Takes note of the flags of a packet from `side`.
#[inline]
pub(crate) fn observe(hot: &mut Hot, flags: u16, side: usize, uniflow: bool) -> Effect {
    if !may_end(flags) || hot.state.has(State::ENDED) {
        return Effect::None;
    }
    if flags & RST != 0 {
        return if uniflow { Effect::EndsBoth } else { Effect::Ends };
    }
    hot.state.set(State::fin_of(side));
    if uniflow || hot.state.both_fins() { Effect::Ends } else { Effect::None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_biflow_ends_with_the_second_fin() {
        let mut hot = Hot::default();
        assert_eq!(observe(&mut hot, FIN | ACK, 0, false), Effect::None);
        assert_eq!(observe(&mut hot, FIN | ACK, 0, false), Effect::None);
        assert_eq!(observe(&mut hot, FIN | ACK, 1, false), Effect::Ends);
    }

    #[test]
    fn a_uniflow_ends_with_its_own_fin_and_rst_ends_both() {
        assert_eq!(observe(&mut Hot::default(), FIN | ACK, 1, true), Effect::Ends);
        assert_eq!(observe(&mut Hot::default(), RST, 1, true), Effect::EndsBoth);
    }

    #[test]
    fn a_syn_begins_anew_only_after_an_end() {
        let mut hot = Hot::default();
        assert!(!begins_anew(&hot, SYN, 0));
        hot.state.set(State::fin_of(0));
        assert!(begins_anew(&hot, SYN, 0));
        assert!(!begins_anew(&hot, SYN, 1));
        hot.state.set(State::ENDED);
        assert!(begins_anew(&hot, SYN, 1));
        assert!(!begins_anew(&hot, SYN | ACK, 1));
    }
}
