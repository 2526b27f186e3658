// SPDX-License-Identifier: Apache-2.0
//! When a flow is over, and when only its record is.

use penstock_wire::Has;

use crate::flow::{EndReason, Hot, State};
use crate::layout::KeyLayout;
use crate::parse::Described;
use crate::tcp;

/// The packet clock goes no further, so that every deadline lies ahead of it: 2^63 ns are the
/// year 2262, and a timeout is at most a year.
pub(crate) const LATEST_NS: i64 = i64::MAX - 800 * 86_400 * 1_000_000_000;

/// How flows are metered, the same for every thread.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub layout: KeyLayout,
    pub active_ns: i64,
    pub idle_ns: i64,
    /// Most flows of one partition.
    pub partition_limit: usize,
}

/// What is to be done with a flow that a packet has found.
pub(crate) enum Standing {
    /// Go on.
    Goes,
    /// Its record ends here, the flow goes on.
    Cut,
    /// It ended before this packet.
    Over(EndReason),
}

impl Rules {
    /// Whether the flow is over for this packet.
    #[inline]
    pub fn standing(&self, hot: &Hot, described: &Described, now_ns: i64) -> Standing {
        let packet = &described.packet;
        let side = usize::from(described.place.from_high);
        if packet.has.contains(Has::TCP)
            && self.layout.tells_connections_apart()
            && tcp::begins_anew(hot, packet.tcp_flags, side)
        {
            return Standing::Over(EndReason::EndOfFlow);
        }
        match self.reason(hot, now_ns) {
            None if hot.is_full() => Standing::Cut,
            None => Standing::Goes,
            Some(EndReason::Active) => Standing::Cut,
            Some(reason) => Standing::Over(reason),
        }
    }

    /// Why the flow is due, if it is. Idle is tested before active.
    #[inline]
    pub fn reason(&self, hot: &Hot, now_ns: i64) -> Option<EndReason> {
        if hot.state.has(State::ENDED) {
            let over = now_ns.saturating_sub(hot.start_ns) >= tcp::LINGER_NS;
            return over.then_some(EndReason::EndOfFlow);
        }
        if now_ns.saturating_sub(hot.last_ns()) >= self.idle_ns {
            return Some(EndReason::Idle);
        }
        let long = now_ns.saturating_sub(hot.start_ns) >= self.active_ns;
        (long && !hot.state.has(State::EMPTY)).then_some(EndReason::Active)
    }

    /// When the flow is due if no packet comes.
    #[inline]
    pub fn deadline(&self, hot: &Hot) -> i64 {
        if hot.state.has(State::ENDED) {
            return hot.start_ns.saturating_add(tcp::LINGER_NS);
        }
        let idle = hot.last_ns().saturating_add(self.idle_ns);
        if hot.state.has(State::EMPTY) {
            return idle;
        }
        idle.min(hot.start_ns.saturating_add(self.active_ns))
    }
}
