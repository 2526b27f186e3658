// SPDX-License-Identifier: Apache-2.0
//! Times of records, in nanoseconds since 1970, from all the ways in which exporters tell them.
//!
//! Zero, as it is sent, is a time that was not told ([`UNTOLD`]). Whether what was told can be believed is settled when
//! the batch is made, but for times relative to an uptime: those can be put right only here.

use std::collections::HashMap;

use penstock_codec::value::{ntp_micro_to_ns, ntp_to_ns, unsigned};

use super::Message;
use super::buffer::Buffer;
use super::plan::{TimeSource, TimeUnit, Times};
use super::read::Cells;
use super::shape::{Shape, Slot};

/// Stands for a time that the record does not tell, until another one is found for it.
pub(super) const UNTOLD: i64 = i64::MIN;
pub(super) const DAY_NS: i64 = 86_400 * NS_PER_S;

/// What the message says about its own time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub received_ns: i64,
    /// Export time, zero if the message has none.
    pub export_ns: i64,
    /// The exporter's uptime at the export.
    pub uptime_ms: Option<u32>,
}

impl Clock {
    pub(super) const fn of(message: &Message) -> Self {
        let Message { received_ns, export_ns, uptime_ms, .. } = *message;
        Self { received_ns, export_ns, uptime_ms }
    }

    /// Where a time stands that was not told: the export, unless that is not to be believed either.
    fn stand_in_ns(&self) -> i64 {
        let believed = self.export_ns.abs_diff(self.received_ns) <= DAY_NS.unsigned_abs();
        if believed { self.export_ns } else { self.received_ns }
    }

    /// The export in seconds, which times of two meanings are nearest to.
    pub(super) fn export_s(&self) -> u32 {
        u32::try_from(self.export_ns / NS_PER_S).unwrap_or(0)
    }

    /// A time of the exporter's uptime, which begins again after 2^32 ms (49.7 days): of all times
    /// that it may mean, the one nearest to the export.
    #[inline]
    fn uptime_ns(&self, uptime_ms: u32, time_ms: u32) -> i64 {
        let before_ms = uptime_ms.wrapping_sub(time_ms).cast_signed();
        self.export_ns.wrapping_sub(i64::from(before_ms) * NS_PER_MS)
    }

    /// The same, where the record says when the uptime was zero.
    fn since_start_ns(&self, start_ms: u64, time_ms: u32) -> i64 {
        let told_ns = milliseconds(start_ms).saturating_add(i64::from(time_ms) * NS_PER_MS);
        let ahead_ns = i128::from(self.export_ns) - i128::from(told_ns);
        let rounds = (ahead_ns + i128::from(ROUND_NS / 2)).div_euclid(ROUND_NS.into());
        // An uptime that goes round has done so a few times at most; more is another mistake.
        let rounds = i64::try_from(rounds).unwrap_or(0).clamp(0, MOST_ROUNDS);
        told_ns.saturating_add(rounds * ROUND_NS)
    }
}

/// When exporters began to count, as far as their records tell: some tell times of an uptime, but
/// never the uptime itself (`MikroTik`'s IPFIX). The latest end that was seen is placed at the export.
#[derive(Debug, Default)]
pub(super) struct Boots {
    by_exporter: HashMap<u32, i64>,
    /// What exporters have told in options records.
    told_ms: HashMap<u32, i64>,
}

impl Boots {
    /// The exporter says when it began, in milliseconds since 1970.
    pub(super) fn learn(&mut self, exporter: u32, boot_ms: i64) {
        self.told_ms.insert(exporter, boot_ms);
    }

    pub(super) fn forget(&mut self, exporter: u32) {
        self.told_ms.remove(&exporter);
        self.by_exporter.remove(&exporter);
    }

    /// The uptime at the export, by the latest end among these records and what was seen before.
    fn uptime_ms<'a>(
        &mut self,
        exporter: u32,
        cells: impl Cells<'a>,
        times: &Times,
        export_ns: i64,
    ) -> Option<u32> {
        if let Some(boot_ms) = self.told_ms.get(&exporter) {
            return Some(low_32((export_ns / NS_PER_MS - boot_ms).cast_unsigned()));
        }
        let source = times.end.iter().chain(&times.start).find(|it| it.unit == TimeUnit::Uptime)?;
        let mut values = cells.slices(source.place).map(|octets| low_32(unsigned(octets)));
        let first = values.next()?;
        let ahead = |value: u32| value.wrapping_sub(first).cast_signed();
        let latest = values.fold(
            first,
            |latest, value| {
                if ahead(value) > ahead(latest) { value } else { latest }
            },
        );
        let export_ms = export_ns / NS_PER_MS;
        let told_ms = export_ms - i64::from(latest);
        let boot_ms = self.by_exporter.entry(exporter).or_insert(told_ms);
        // Records come late, never early. A start much later than thought is a start anew.
        if told_ms < *boot_ms || told_ms > *boot_ms + LATEST_RECORD_MS {
            *boot_ms = told_ms;
        }
        Some(low_32((export_ms - *boot_ms).cast_unsigned()))
    }
}

/// Writes start and end of every record.
pub(super) fn read<'a>(
    shape: &mut Shape,
    cells: impl Cells<'a>,
    times: &Times,
    clock: Clock,
    boots: (&mut Boots, u32),
) {
    let (boots, exporter) = boots;
    let mut clock = clock;
    let from_uptime = times.start.iter().chain(&times.end).any(|it| it.unit == TimeUnit::Uptime);
    if from_uptime && clock.uptime_ms.is_none() {
        clock.uptime_ms = boots.uptime_ms(exporter, cells, times, clock.export_ns);
    }
    let rows = shape.rows;
    read_column(&mut shape.start_ns, rows, cells, &times.start, clock);
    read_column(&mut shape.end_ns, rows, cells, &times.end, clock);
    let mut window = Window { rows, shape, clock };
    if window.misses_any() {
        complete(&mut window, cells, times);
    }
    if times.end.first().is_some_and(|it| it.unit == TimeUnit::Uptime) {
        let of_uptimes = times.start.first().is_some_and(|it| it.unit == TimeUnit::Uptime);
        window.put_right(of_uptimes);
    }
}

/// Writes the times of a column other than start and end.
pub(super) fn read_slot<'a>(
    shape: &mut Shape,
    cells: impl Cells<'a>,
    slot: Slot,
    sources: &[TimeSource],
    clock: Clock,
) {
    if let Some(Buffer::Time(out)) = shape.buffers.get_mut(slot) {
        read_column(out, shape.rows, cells, sources, clock);
    }
}

/// Writes a column of times; untold where no source tells it.
fn read_column<'a>(
    out: &mut Vec<i64>,
    rows: usize,
    cells: impl Cells<'a>,
    sources: &[TimeSource],
    clock: Clock,
) {
    out.resize(rows, 0);
    let Some((first, others)) = sources.split_first() else {
        out.resize(rows + cells.records(), UNTOLD);
        return;
    };
    read_source(out, cells, *first, clock, !others.is_empty());
    for source in others {
        let new = out.get_mut(rows..).unwrap_or_default();
        if !new.contains(&UNTOLD) {
            return;
        }
        let mut told = Vec::with_capacity(new.len());
        read_source(&mut told, cells, *source, clock, true);
        for (time, told) in new.iter_mut().zip(told).filter(|(time, _)| **time == UNTOLD) {
            *time = told;
        }
    }
}

fn read_source<'a>(
    out: &mut Vec<i64>,
    cells: impl Cells<'a>,
    source: TimeSource,
    clock: Clock,
    zero_is_untold: bool,
) {
    let TimeSource { place, unit } = source;
    let numbers = cells.slices(place).map(unsigned);
    let export_s = clock.export_s();
    match (unit, place.width) {
        (TimeUnit::Seconds, _) => out.extend(numbers.map(|time| told(time, seconds))),
        (TimeUnit::Milliseconds, 8) => {
            let times = cells.arrays(place).map(u64::from_be_bytes);
            out.extend(times.map(|time| told(time, milliseconds)));
        }
        (TimeUnit::Milliseconds, _) => {
            out.extend(numbers.map(|time| told(time, milliseconds)));
        }
        (TimeUnit::Microseconds, _) => {
            let times = cells.arrays(place).map(u64::from_be_bytes);
            out.extend(times.map(|ntp| told(ntp, |ntp| ntp_micro_to_ns(ntp, export_s))));
        }
        (TimeUnit::Nanoseconds, _) => {
            let times = cells.arrays(place).map(u64::from_be_bytes);
            out.extend(times.map(|ntp| told(ntp, |ntp| ntp_to_ns(ntp, export_s))));
        }
        (TimeUnit::Uptime, width) => {
            let Some(uptime_ms) = clock.uptime_ms else {
                out.extend(numbers.map(|_| UNTOLD));
                return;
            };
            let time = |told_ms: u32| {
                let untold = zero_is_untold && told_ms == 0;
                if untold { UNTOLD } else { clock.uptime_ns(uptime_ms, told_ms) }
            };
            if width == 4 {
                out.extend(cells.arrays(place).map(u32::from_be_bytes).map(time));
            } else {
                out.extend(numbers.map(|told_ms| time(low_32(told_ms))));
            }
        }
        (TimeUnit::UptimeSince(start), _) => {
            let starts = cells.slices(start).map(unsigned);
            out.extend(numbers.zip(starts).map(|(told_ms, start_ms)| {
                let told_ms = low_32(told_ms);
                match (start_ms, clock.uptime_ms) {
                    _ if zero_is_untold && told_ms == 0 => UNTOLD,
                    (0, Some(uptime_ms)) => clock.uptime_ns(uptime_ms, told_ms),
                    (0, None) => UNTOLD,
                    _ => clock.since_start_ns(start_ms, told_ms),
                }
            }));
        }
        (TimeUnit::BeforeExport, _) => out.extend(numbers.map(|before_us| {
            let before_ns = i64::try_from(before_us).unwrap_or(i64::MAX).saturating_mul(NS_PER_US);
            clock.export_ns.saturating_sub(before_ns)
        })),
    }
}

/// The records of this set among all that wait.
struct Window<'s> {
    rows: usize,
    shape: &'s mut Shape,
    clock: Clock,
}

impl Window<'_> {
    fn ends(&mut self) -> impl Iterator<Item = (usize, (&mut i64, &mut i64))> {
        let rows = self.rows;
        let starts = self.shape.start_ns.iter_mut().skip(rows);
        let ends = self.shape.end_ns.iter_mut().skip(rows);
        starts.zip(ends).enumerate().map(move |(row, times)| (rows + row, times))
    }

    fn misses_any(&self) -> bool {
        let new = |times: &[i64]| times.get(self.rows..).is_some_and(|new| new.contains(&UNTOLD));
        new(&self.shape.start_ns) || new(&self.shape.end_ns)
    }

    /// Some exporters count the times of flows from elsewhere than the uptime of the header (`FortiOS`,
    /// Barracuda), so that their ends lie days from the export. The end is placed at the
    /// export then, and the duration kept. Half a round from the export, start and end of uptimes may
    /// have been placed in different rounds.
    fn put_right(&mut self, of_uptimes: bool) {
        let export_ns = self.clock.export_ns;
        let far = |end_ns: i64| end_ns.abs_diff(export_ns) > DAY_NS.unsigned_abs();
        let new = self.shape.end_ns.get(self.rows..).unwrap_or_default();
        if !new.iter().fold(false, |any, end_ns| any | far(*end_ns)) {
            return;
        }
        let mut suspects = Vec::new();
        for (row, (start_ns, end_ns)) in self.ends().filter(|(_, (_, end_ns))| far(**end_ns)) {
            let apart_ns = end_ns.saturating_sub(*start_ns);
            let duration_ns = if of_uptimes { nearest_round(apart_ns) } else { apart_ns };
            *end_ns = export_ns;
            *start_ns = export_ns.saturating_sub(duration_ns.max(0));
            suspects.push(row);
        }
        self.shape.suspects.append(&mut suspects);
    }
}

/// Finds what start or end can be told from, where a record does not say it: its duration, the time
/// of the event, the other end, and last the export.
fn complete<'a>(window: &mut Window<'_>, cells: impl Cells<'a>, times: &Times) {
    let clock = window.clock;
    let durations_ns: Vec<i64> = times.duration.map_or_else(Vec::new, |(place, unit_ns)| {
        let told = cells.slices(place).map(unsigned);
        told.map(|told| i64::try_from(told).unwrap_or(0).saturating_mul(unit_ns.into())).collect()
    });
    let mut events_ns = Vec::new();
    if let Some(event) = times.event {
        read_source(&mut events_ns, cells, event, clock, false);
    }
    let mut durations_ns = durations_ns.into_iter();
    let mut events_ns = events_ns.into_iter();
    let mut made_up = Vec::new();
    for (row, (start_ns, end_ns)) in window.ends() {
        let duration_ns = durations_ns.next();
        let event_ns = events_ns.next().unwrap_or(UNTOLD);
        if *start_ns != UNTOLD && *end_ns != UNTOLD {
            continue;
        }
        if *start_ns == UNTOLD && *end_ns == UNTOLD {
            *end_ns = event_ns;
        }
        if *start_ns == UNTOLD && *end_ns == UNTOLD {
            *end_ns = clock.stand_in_ns();
            made_up.push(row);
        }
        if *end_ns == UNTOLD {
            *end_ns = duration_ns.map_or(event_ns, |duration| start_ns.saturating_add(duration));
        }
        if *end_ns == UNTOLD {
            *end_ns = *start_ns;
        }
        if *start_ns == UNTOLD {
            *start_ns = end_ns.saturating_sub(duration_ns.unwrap_or(0));
        }
    }
    window.shape.suspects.append(&mut made_up);
}

/// How far two uptimes are from each other, whichever rounds they were placed in.
const fn nearest_round(apart_ns: i64) -> i64 {
    apart_ns.saturating_add(ROUND_NS / 2).rem_euclid(ROUND_NS) - ROUND_NS / 2
}

/// Uptimes are of 32 bits, however wide the field is.
#[expect(clippy::cast_possible_truncation, reason = "an uptime goes round")]
const fn low_32(value: u64) -> u32 {
    value as u32
}

#[inline]
fn told(time: u64, to_ns: impl Fn(u64) -> i64) -> i64 {
    if time == 0 { UNTOLD } else { to_ns(time) }
}

fn seconds(told: u64) -> i64 {
    i64::try_from(told).unwrap_or(i64::MAX).saturating_mul(NS_PER_S)
}

#[inline]
fn milliseconds(told: u64) -> i64 {
    i64::try_from(told).unwrap_or(i64::MAX).saturating_mul(NS_PER_MS)
}

const NS_PER_S: i64 = 1_000_000_000;
const NS_PER_MS: i64 = 1_000_000;
const NS_PER_US: i64 = 1_000;
/// After which an uptime of 32 bits begins again.
const ROUND_NS: i64 = (1 << 32) * NS_PER_MS;
const MOST_ROUNDS: i64 = 400;
/// Flows are reported half an hour after their last packet at the latest, if timers are as usual.
const LATEST_RECORD_MS: i64 = 3_600_000;
