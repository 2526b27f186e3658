// SPDX-License-Identifier: Apache-2.0
//! What of an exporter's stream has not come, by the numbers on its messages.
//!
//! Every protocol numbers its messages by how many units came before them, each by its own unit:
//! records in `NetFlow` version 5 and IPFIX, messages in version 9 (one unit each), datagrams and
//! samples in sFlow. A number that is too high leaves a gap, which counts as lost until a late
//! message fills it. A number that is too low is late, or there for the second time, or the exporter
//! has begun again; the times in the header help to tell. Which stream a message belongs to is
//! not known here, nor what becomes of duplicates.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

/// How many units a message holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Units {
    /// As many as this.
    Known(u32),
    /// As many as have been read so far, and how many more cannot be told, as a template is missing or a
    /// part is damaged: the next message is taken as it comes.
    AtLeast(u32),
}

/// The times in a message's header, as far as its protocol has them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Stamp {
    /// Milliseconds since the exporter began; comes round every 49.7 days.
    pub uptime_ms: Option<u32>,
    /// Seconds since 1970 when it sent the message.
    pub export_s: Option<u32>,
}

/// What a message's number tells.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Seen {
    /// Units that now count as lost and did not before.
    pub lost: u64,
    /// Units that counted as lost and have come with this message.
    pub recovered: u64,
    /// All of it came before.
    pub duplicate: bool,
    /// It comes after a message that was sent later.
    pub reordered: bool,
    /// The exporter has begun again, and this is the first message since.
    pub restarted: bool,
}

/// Sums over all messages of a stream.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Totals {
    /// Units that have not come, or that came in messages whose units could not be told and were never
    /// accounted for; late ones are taken off again.
    pub lost: u64,
    /// Messages that came twice.
    pub duplicates: u64,
    /// Messages that came late.
    pub reordered: u64,
    /// Times that the exporter began again.
    pub restarts: u64,
}

/// What is kept of a stream while nobody listens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct SavedSequence {
    /// Number that the next message should have.
    pub next: u32,
    /// Whether the last message's units were unknown, so that the next one is taken as it comes.
    pub open: bool,
    /// Times of the newest message.
    pub newest: Stamp,
}

/// One numbered stream of messages.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    /// Position behind the newest message, none before the first.
    next: Option<u64>,
    /// How many units the newest message had is unknown.
    open: bool,
    newest: Stamp,
    /// What has not come, oldest first, apart from each other and all before `next`.
    gaps: VecDeque<Gap>,
    /// Position behind the last of several messages on end that had all come before, and how many.
    repeated: (u64, u32),
    /// Units between the numbers of messages whose own could not be told and the next ones', less what
    /// was accounted for; below 0 while the next has not come.
    untold: i64,
    totals: Totals,
}

#[derive(Clone, Copy, Debug)]
struct Gap {
    start: u64,
    end: u64,
    /// Not so for what may have been under way before the first message.
    counts: bool,
}

/// What a late message did to the gaps, in units.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Filled {
    /// Counted as lost until now.
    recovered: u64,
    /// Came before the first message, where nothing was missed.
    early: u64,
    /// Missed from now on.
    now_lost: u64,
}

/// How far behind the newest message a late one may be, in units.
const WINDOW: u16 = u16::MAX;
/// How far before the first message another may be taken for one that it overtook.
const EARLY: u64 = 1 << 12;
/// Gaps that can still be filled; older ones are final.
const GAPS: usize = 128;
/// A message does not stay longer than this on the way.
const LATE_MS: i32 = 5_000;
/// As many messages on end that have come before are not duplicates: the exporter began again.
const REPEATED: u32 = 4;
/// Room below the first position for what came before it.
const FIRST_POSITION: u64 = 1 << 33;

impl Sequence {
    /// Goes on where another left off, so that what was sent in between counts as lost.
    pub(crate) fn resume(saved: &SavedSequence) -> Self {
        Self {
            next: Some(FIRST_POSITION + u64::from(saved.next)),
            open: saved.open,
            newest: saved.newest,
            ..Self::default()
        }
    }

    /// What is to be kept; none before the first message.
    pub(crate) fn saved(&self) -> Option<SavedSequence> {
        let next = low_bits(self.next?);
        Some(SavedSequence { next, open: self.open, newest: self.newest })
    }

    /// Sums over all messages.
    pub(crate) fn totals(&self) -> Totals {
        let untold = u64::try_from(self.untold).unwrap_or(0);
        Totals { lost: self.totals.lost + untold, ..self.totals }
    }

    /// So many units of messages whose units could not be told have come to be known: those before the
    /// damage, or those that a late template made readable.
    pub(crate) fn accounted(&mut self, units: u32) {
        self.untold = self.untold.saturating_sub(units.into());
    }

    /// The exporter is known to have begun again: the next message is taken as the first.
    pub(crate) fn begin_again(&mut self) {
        *self = Self { totals: self.totals, ..Self::default() };
    }

    /// Takes in the number of the next message to come.
    pub(crate) fn observe(&mut self, sequence: u32, units: Units, stamp: Stamp) -> Seen {
        let seen = self.place(sequence, units, stamp);
        if let Units::AtLeast(units) = units
            && !seen.duplicate
        {
            self.accounted(units);
        }
        self.add(seen);
        seen
    }

    fn place(&mut self, sequence: u32, units: Units, stamp: Stamp) -> Seen {
        let Some(next) = self.next else {
            self.begin(FIRST_POSITION + u64::from(sequence), units, stamp);
            return Seen::default();
        };
        let ahead = sequence.wrapping_sub(low_bits(next)).cast_signed();
        let position = next.wrapping_add_signed(ahead.into());
        let age = Age::of(stamp, self.newest);
        if age.says_restart(ahead) {
            self.restart(sequence, units, stamp)
        } else if ahead >= 0 {
            self.go_on(next, position, units, stamp)
        } else {
            self.look_back(next, position, units, stamp, age)
        }
    }

    fn begin(&mut self, position: u64, units: Units, stamp: Stamp) {
        self.gaps.clear();
        self.gaps.push_back(Gap { start: position - EARLY, end: position, counts: false });
        self.repeated = (0, 0);
        self.put_behind(position, units, stamp);
    }

    fn restart(&mut self, sequence: u32, units: Units, stamp: Stamp) -> Seen {
        self.begin(FIRST_POSITION + u64::from(sequence), units, stamp);
        Seen { restarted: true, ..Seen::default() }
    }

    fn put_behind(&mut self, position: u64, units: Units, stamp: Stamp) {
        let (units, open) = match units {
            Units::Known(units) => (units, false),
            Units::AtLeast(_) => (0, true),
        };
        self.next = Some(position + u64::from(units));
        self.open = open;
        self.newest = stamp;
    }

    fn go_on(&mut self, next: u64, position: u64, units: Units, stamp: Stamp) -> Seen {
        let missing = position - next;
        if self.open {
            self.untold = self.untold.saturating_add(missing.cast_signed());
        }
        let lost = if self.open { 0 } else { missing };
        if lost > 0 {
            if self.gaps.len() >= GAPS {
                self.gaps.pop_front();
            }
            self.gaps.push_back(Gap { start: next, end: position, counts: true });
        }
        self.repeated = (0, 0);
        self.put_behind(position, units, stamp);
        while self.gaps.front().is_some_and(|gap| gap.is_final(position)) {
            self.gaps.pop_front();
        }
        Seen { lost, ..Seen::default() }
    }

    fn look_back(
        &mut self,
        next: u64,
        position: u64,
        units: Units,
        stamp: Stamp,
        age: Age,
    ) -> Seen {
        let end = match units {
            Units::Known(units) => position + u64::from(units),
            Units::AtLeast(units) => self.end_of_gap_at(position).max(position + u64::from(units)),
        };
        let filled = self.fill(position, end);
        if end > next {
            // Cut otherwise than before; what is new of it has come.
            self.put_behind(end, Units::Known(0), stamp);
        } else if filled == Filled::default() && end > position {
            return self.repeat(position, end, units, stamp, age);
        }
        let Filled { recovered, now_lost: lost, .. } = filled;
        if let Units::AtLeast(_) = units {
            self.untold = self.untold.saturating_add_unsigned(recovered);
        }
        Seen { lost, recovered, reordered: true, ..Seen::default() }
    }

    fn repeat(&mut self, position: u64, end: u64, units: Units, stamp: Stamp, age: Age) -> Seen {
        let (behind_last, on_end) = self.repeated;
        self.repeated = match age {
            Age { export_ahead_s: Some(..0), uptime_back_ms: None | Some(..=LATE_MS) } => (0, 0),
            _ => (end, if position == behind_last { on_end + 1 } else { 1 }),
        };
        if self.repeated.1 >= REPEATED {
            return self.restart(low_bits(position), units, stamp);
        }
        Seen { duplicate: true, ..Seen::default() }
    }

    /// Takes what lies between out of the gaps.
    fn fill(&mut self, start: u64, end: u64) -> Filled {
        let mut filled = Filled::default();
        let mut place = 0;
        while let Some(gap) = self.gaps.get(place).copied() {
            let (from, to) = (start.max(gap.start), end.min(gap.end));
            if from >= to {
                place += 1;
                continue;
            }
            if gap.counts {
                filled.recovered += to - from;
            } else {
                // The stream began before the first message, so that what lies between was sent.
                filled.early += to - from;
                filled.now_lost += gap.end - to;
            }
            self.gaps.remove(place);
            for rest in [Gap { end: from, ..gap }, Gap { start: to, counts: true, ..gap }] {
                if rest.start < rest.end {
                    self.gaps.insert(place, rest);
                    place += 1;
                }
            }
        }
        filled
    }

    fn end_of_gap_at(&self, position: u64) -> u64 {
        let holds = |gap: &&Gap| gap.start <= position && position < gap.end;
        self.gaps.iter().find(holds).map_or(position, |gap| gap.end)
    }

    fn add(&mut self, seen: Seen) {
        self.totals.lost = (self.totals.lost + seen.lost).saturating_sub(seen.recovered);
        self.totals.duplicates += u64::from(seen.duplicate);
        self.totals.reordered += u64::from(seen.reordered);
        self.totals.restarts += u64::from(seen.restarted);
    }
}

impl Gap {
    fn is_final(self, position: u64) -> bool {
        self.end + (if self.counts { WINDOW.into() } else { EARLY }) < position
    }
}

/// A message's times beside those of the newest one.
#[derive(Clone, Copy, Debug)]
struct Age {
    /// How much less its uptime is.
    uptime_back_ms: Option<i32>,
    /// How much later it was sent by the exporter's clock.
    export_ahead_s: Option<i32>,
}

impl Age {
    fn of(stamp: Stamp, newest: Stamp) -> Self {
        let less = |one: u32, other: u32| other.wrapping_sub(one).cast_signed();
        Self {
            uptime_back_ms: stamp.uptime_ms.zip(newest.uptime_ms).map(|(now, was)| less(now, was)),
            export_ahead_s: stamp.export_s.zip(newest.export_s).map(|(now, was)| less(was, now)),
        }
    }

    /// Whether a message so far ahead of the newest, or behind it, is the first of a new run.
    /// Messages go out with rising numbers, uptimes and times of day; a late one is behind in all
    /// three.
    fn says_restart(self, ahead: i32) -> bool {
        let uptime_back_ms = self.uptime_back_ms.unwrap_or(0);
        let was_sent_later = |least_s| self.export_ahead_s.is_some_and(|ahead| ahead >= least_s);
        let may_be_newest = self.export_ahead_s.is_none_or(|ahead| ahead >= 0);
        let is_behind = ahead < 0;
        let is_far_behind = ahead < -i32::from(WINDOW);
        (uptime_back_ms > LATE_MS && may_be_newest)
            || (uptime_back_ms > 0 && was_sent_later(2))
            || (uptime_back_ms > 0 && is_behind && was_sent_later(1))
            // Clocks of several processors of one exporter may differ by a second.
            || (is_behind && was_sent_later(2))
            || (is_far_behind && may_be_newest)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the number in a message is the low half")]
const fn low_bits(position: u64) -> u32 {
    position as u32
}
