// SPDX-License-Identifier: Apache-2.0
//! Records into messages: as many as fit, in sets of their template.
//!
//! What is to be sent waits in runs, each of one set; records of flows are only made when a message
//! has room for them. No message is longer than it may be, and none is empty.

use std::collections::VecDeque;

use penstock_codec::ipfix::{HEADER_OCTETS, MessageWriter};

use super::layout::Layout;

/// Records, or templates, that go into sets of one number.
pub(super) struct Run<'a> {
    set: u16,
    content: Content,
    least_octets: usize,
    octets: Vec<u8>,
    ends: Vec<usize>,
    /// How many of them are sent.
    taken: usize,
    flows: Option<RowsToCome<'a>>,
}

/// What a run is of, for those who count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Content {
    Templates,
    Options,
    Flows,
}

/// Rows whose records are not made yet.
struct RowsToCome<'a> {
    layout: Layout<'a>,
    rows: &'a [u32],
    scratch: Vec<u8>,
    /// Rows whose record no message has room for.
    refused: Vec<u32>,
}

/// How messages are to be.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub limit_octets: usize,
    pub pad: bool,
}

/// What went into a message.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Packed {
    pub octets: usize,
    pub templates: u32,
    pub options: u32,
    pub flows: u32,
}

impl Shape {
    /// Within what any message may be, and what the least one takes.
    pub fn new(limit_octets: usize, pad: bool) -> Self {
        let limit = limit_octets.clamp(LEAST_MESSAGE, u16::MAX.into());
        Self { limit_octets: if pad { limit / 4 * 4 } else { limit }, pad }
    }

    /// Octets of the longest record, or template.
    pub const fn record_octets(self) -> usize {
        self.limit_octets - HEADER_OCTETS - SET_HEADER
    }
}

impl<'a> Run<'a> {
    /// Of these records, or templates.
    pub fn new(
        set: u16,
        content: Content,
        least_octets: usize,
        records: impl IntoIterator<Item = Vec<u8>>,
    ) -> Self {
        let (mut octets, mut ends) = (Vec::new(), Vec::new());
        for record in records {
            octets.extend_from_slice(&record);
            ends.push(octets.len());
        }
        Self { set, content, least_octets, octets, ends, taken: 0, flows: None }
    }

    /// Of records of these rows.
    pub fn of_rows(set: u16, least_octets: usize, layout: Layout<'a>, rows: &'a [u32]) -> Self {
        let flows = Some(RowsToCome { layout, rows, scratch: Vec::new(), refused: Vec::new() });
        Self { flows, ..Self::new(set, Content::Flows, least_octets, []) }
    }

    /// Whether there is a record to send; makes records if there is none but rows are left.
    pub fn is_ready(&mut self, shape: Shape) -> bool {
        while self.taken == self.ends.len() {
            let Some(flows) = self.flows.as_mut().filter(|flows| !flows.rows.is_empty()) else {
                return false;
            };
            self.octets.clear();
            self.ends.clear();
            self.taken = 0;
            let (rows, rest) = flows.rows.split_at(flows.rows.len().min(ROWS_AT_ONCE));
            flows.rows = rest;
            flows.layout.write(rows, &mut self.octets, &mut self.ends, &mut flows.scratch);
            self.refuse_long(rows, shape.record_octets());
        }
        true
    }

    /// Rows that were left out.
    pub fn refused(&self) -> &[u32] {
        self.flows.as_ref().map_or(&[], |flows| &flows.refused)
    }

    fn refuse_long(&mut self, rows: &[u32], most_octets: usize) {
        let start_of =
            |ends: &[usize], record: usize| if record == 0 { 0 } else { ends[record - 1] };
        let is_long =
            |ends: &[usize], record: usize| ends[record] - start_of(ends, record) > most_octets;
        if !(0..self.ends.len()).any(|record| is_long(&self.ends, record)) {
            return;
        }
        let (mut octets, mut ends) = (Vec::new(), Vec::new());
        for (record, row) in rows.iter().enumerate() {
            if is_long(&self.ends, record) {
                if let Some(flows) = &mut self.flows {
                    flows.refused.push(*row);
                }
                continue;
            }
            octets.extend_from_slice(&self.octets[start_of(&self.ends, record)..self.ends[record]]);
            ends.push(octets.len());
        }
        (self.octets, self.ends) = (octets, ends);
    }

    /// As many records as there is room for, and how many these are.
    fn take(&mut self, room: usize) -> (&[u8], u32) {
        let start = if self.taken == 0 { 0 } else { self.ends[self.taken - 1] };
        let left = &self.ends[self.taken..];
        let records = left.partition_point(|end| end - start <= room);
        let end = if records == 0 { start } else { left[records - 1] };
        self.taken += records;
        (&self.octets[start..end], u32::try_from(records).unwrap_or(u32::MAX))
    }
}

/// Writes one message of what waits in front, whose first run is ready.
pub(super) fn write_message(
    runs: &mut VecDeque<Run<'_>>,
    shape: Shape,
    mut writer: MessageWriter<'_>,
    mut done: impl FnMut(&Run<'_>),
) -> Packed {
    let mut packed = Packed::default();
    let mut open: Option<(u16, usize)> = None;
    while let Some(run) = runs.front_mut() {
        if !run.is_ready(shape) {
            done(run);
            runs.pop_front();
            continue;
        }
        let Run { set, least_octets, content, .. } = *run;
        let begins = open.is_none_or(|(open, _)| open != set);
        let room = writer.room(shape.limit_octets);
        let cost = match open {
            Some(_) if begins && shape.pad => {
                SET_HEADER + writer.len().next_multiple_of(4) - writer.len()
            }
            _ if begins => SET_HEADER,
            _ => 0,
        };
        let (octets, records) = run.take(room.saturating_sub(cost));
        if records == 0 {
            break;
        }
        if begins {
            end_set(&mut writer, open, shape);
            writer.begin_set(set);
            open = Some((set, least_octets));
        }
        writer.octets().extend_from_slice(octets);
        match content {
            Content::Templates => packed.templates += records,
            Content::Options => packed.options += records,
            Content::Flows => packed.flows += records,
        }
    }
    end_set(&mut writer, open, shape);
    // Longer than a message can be is longer than the limit, which none was.
    packed.octets = writer.finish().unwrap_or(0);
    packed
}

fn end_set(writer: &mut MessageWriter<'_>, open: Option<(u16, usize)>, shape: Shape) {
    match open {
        Some((_, least_octets)) if shape.pad => writer.end_set_padded(least_octets),
        _ => writer.end_set(),
    }
}

const SET_HEADER: usize = 4;
/// What the smallest path of IPv4 has room for, less its headers.
const LEAST_MESSAGE: usize = 64;
/// Small enough that records are still at hand when they are copied.
const ROWS_AT_ONCE: usize = 256;
