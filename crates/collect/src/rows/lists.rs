// SPDX-License-Identifier: Apache-2.0
//! Lists (RFC 6313) and repeated fields to list columns; whatever has no column to `extra`.
//!
//! A basicList tells only in the record which element it is of, so that records of one template may
//! fill different columns: [`assign`] says which. What the records of a subTemplateList or
//! subTemplateMultiList hold follows the list itself, element by element.

use std::sync::{Arc, OnceLock};

use penstock_codec::list::{BasicList, SubTemplateList, SubTemplateMultiList, SubTemplateRecords};
use penstock_codec::value::{ntp_micro_to_ns, ntp_to_ns, unsigned};
use penstock_codec::{Malformed, Template, VARIABLE, records};
use penstock_elements::DataType;
use penstock_record::{Column, Conversion, Kind};

use super::buffer::{Buffer, Extras, fill_ends};
use super::compile_parts::time_unit_of;
use super::plan::{Extra, Holds, ListField, ListFrom, Place, Plan, TimeUnit};
use super::read::Cells;
use super::shape::{Shape, Slot, Slots};
use crate::settings::PENSTOCK_PEN;

/// Finds a template of the same session by its number.
pub(super) type Templates<'t> = &'t dyn Fn(u16) -> Option<Arc<Template>>;

/// The column that a list of a record fills.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Assigned {
    pub slot: Slot,
    /// Bit of the column's group.
    pub group: u128,
    unit: Option<TimeUnit>,
}

impl Assigned {
    const fn bit(&self) -> u128 {
        slot_bit(self.slot)
    }
}

/// A bit for each column that may be a list.
pub(super) const fn slot_bit(slot: Slot) -> u128 {
    if slot < 128 { 1 << slot } else { 0 }
}

/// Says for each list field of a plan which column it fills in this record, if any. A list that
/// does not fit itself fills none, and is said by the flag.
pub(super) fn assign<'a>(
    plan: &Plan,
    cells: impl Cells<'a>,
    record: usize,
    enterprise: Option<u32>,
    out: &mut Vec<Option<Assigned>>,
) -> Result<(), Malformed> {
    let mut sound = Ok(());
    let mut seen = 0_u128;
    out.clear();
    for ListField { place } in &plan.lists {
        let assigned = match list_column(cells.cell(record, *place), enterprise) {
            Ok(assigned) => assigned,
            Err(malformed) => {
                sound = Err(malformed);
                None
            }
        };
        let assigned = assigned.filter(|it| (plan.filled_lists | seen) & it.bit() == 0);
        seen |= assigned.map_or(0, |assigned| assigned.bit());
        out.push(assigned);
    }
    sound
}

/// Reads the lists that were assigned a column.
pub(super) fn read_assigned<'a>(
    shape: &mut Shape,
    cells: impl Cells<'a>,
    lists: &[ListField],
    assigned: &[Option<Assigned>],
    export_s: u32,
) {
    for (ListField { place }, assigned) in lists.iter().zip(assigned) {
        let Some(Assigned { slot, unit, .. }) = assigned else { continue };
        let Some(buffer) = shape.buffers.get_mut(*slot) else { continue };
        buffer.fill_up(shape.rows);
        for octets in cells.slices(*place) {
            // It was found to be sound when it was assigned.
            push_basic(buffer, octets, *unit, export_s).ok();
            end_row(buffer);
        }
    }
}

/// Reads a list column whose fields the template names.
pub(super) fn read<'a>(
    shape: &mut Shape,
    cells: impl Cells<'a>,
    slot: Slot,
    from: &ListFrom,
    export_s: u32,
) -> Result<(), Malformed> {
    let mut sound = Ok(());
    let Some(buffer) = shape.buffers.get_mut(slot) else { return sound };
    buffer.fill_up(shape.rows);
    for record in 0..cells.records() {
        match from {
            ListFrom::Values(places) => {
                for place in places {
                    push(buffer, unsigned(cells.cell(record, *place)));
                }
            }
            ListFrom::MplsLabels(places) => {
                stack(cells, record, places, |entry| push(buffer, entry >> 4));
            }
            ListFrom::MplsClasses(places) => {
                stack(cells, record, places, |entry| push(buffer, entry >> 1 & 0b111));
            }
            ListFrom::Basic(place) => {
                sound = sound.and(push_basic(buffer, cells.cell(record, *place), None, export_s));
            }
        }
        end_row(buffer);
    }
    sound
}

/// Writes the elements that have no column, record by record.
pub(super) fn read_extras<'a>(
    shape: &mut Shape,
    cells: impl Cells<'a>,
    extras: &[Extra],
    assigned: &[Option<Assigned>],
    templates: Templates<'_>,
) -> Result<(), Malformed> {
    let mut sound = Ok(());
    fill_ends(&mut shape.extra.ends, shape.rows);
    for record in 0..cells.records() {
        for extra in extras {
            let has_column = |list: usize| assigned.get(list).is_some_and(Option::is_some);
            if matches!(extra.holds, Holds::BasicList(list) if has_column(list)) {
                continue;
            }
            let octets = cells.cell(record, extra.place);
            shape.extra.push(extra.pen, extra.id, octets);
            let flattened = flatten(&mut shape.extra, extra.holds, octets, templates, DEEPEST);
            sound = sound.and(flattened);
        }
        shape.extra.end_row();
    }
    sound
}

/// What the registry says a field of this element holds.
pub(super) fn holds(pen: u32, id: u16) -> Holds {
    match penstock_elements::by_number(pen, id).map(|known| known.data_type) {
        Some(DataType::SubTemplateList) => Holds::SubTemplateList,
        Some(DataType::SubTemplateMultiList) => Holds::SubTemplateMultiList,
        _ => Holds::Value,
    }
}

fn flatten(
    out: &mut Extras,
    holds: Holds,
    octets: &[u8],
    templates: Templates<'_>,
    depth: usize,
) -> Result<(), Malformed> {
    match holds {
        Holds::Value | Holds::BasicList(_) => Ok(()),
        _ if depth == 0 => Err(Malformed::ListDepth),
        Holds::SubTemplateList => {
            flatten_records(out, SubTemplateList::read(octets)?.records, templates, depth)
        }
        Holds::SubTemplateMultiList => {
            let mut parts = SubTemplateMultiList::read(octets)?.parts();
            parts.try_for_each(|part| flatten_records(out, part?, templates, depth))
        }
    }
}

/// A list of an unknown template stays the octets that it is.
fn flatten_records(
    out: &mut Extras,
    list: SubTemplateRecords<'_>,
    templates: Templates<'_>,
    depth: usize,
) -> Result<(), Malformed> {
    let Some(template) = templates(list.template_id) else { return Ok(()) };
    for record in records(&template, list.octets) {
        for (field, octets) in record?.values() {
            // Fields without octets would make much of little.
            if field.length == 0 || (field.pen, field.id) == (0, PADDING) {
                continue;
            }
            out.push(field.pen, field.id, octets);
            flatten(out, holds(field.pen, field.id), octets, templates, depth - 1)?;
        }
    }
    Ok(())
}

/// The column for what a basicList lists.
fn list_column(octets: &[u8], enterprise: Option<u32>) -> Result<Option<Assigned>, Malformed> {
    static COLUMNS: OnceLock<Vec<((u32, u16), Assigned)>> = OnceLock::new();
    let columns = COLUMNS.get_or_init(|| {
        let uses = Column::all()
            .flat_map(|column| column.spec().elements.iter().map(move |used| (column, used)));
        let lists = uses.filter(|(column, used)| {
            used.conversion == Conversion::List && matches!(column.kind(), Kind::List(_))
        });
        let assigned = lists.map(|(column, used)| {
            let slots = Slots::get();
            let unit = time_unit_of(used.element().data_type);
            let assigned = Assigned { slot: slots.of(column), group: slots.bit(column), unit };
            ((used.pen, used.id), assigned)
        });
        assigned.collect()
    });
    let list = BasicList::read(octets)?;
    let pen = match list.field.pen {
        pen if Some(pen) == enterprise => PENSTOCK_PEN,
        pen => pen,
    };
    let element = (pen, list.field.id);
    let assigned = columns.iter().find(|(known, _)| *known == element);
    let Some((_, assigned)) = assigned else { return Ok(None) };
    let ntp = matches!(assigned.unit, Some(TimeUnit::Microseconds | TimeUnit::Nanoseconds));
    if ntp && list.field.length != 8 {
        return Err(Malformed::List);
    }
    if list.field.length == 0 || list.field.length == VARIABLE {
        list.values().try_for_each(|value| value.map(drop))?;
    } else if list.octets().len() % usize::from(list.field.length) != 0 {
        return Err(Malformed::List);
    }
    Ok(Some(*assigned))
}

fn push_basic(
    buffer: &mut Buffer,
    octets: &[u8],
    unit: Option<TimeUnit>,
    export_s: u32,
) -> Result<(), Malformed> {
    let list = BasicList::read(octets)?;
    match buffer {
        Buffer::ListU8(lists) => extend(&mut lists.values, &list, low_8),
        Buffer::ListI8(lists) => extend(&mut lists.values, &list, |it| low_8(it).cast_signed()),
        Buffer::ListU16(lists) => extend(&mut lists.values, &list, low_16),
        Buffer::ListU32(lists) => extend(&mut lists.values, &list, low_32),
        Buffer::ListTime(lists) => {
            extend(&mut lists.values, &list, |told| time_ns(told, unit, export_s))
        }
        _ => Ok(()),
    }
}

/// All values of a list, in a loop of its own for each usual width.
fn extend<T>(
    out: &mut Vec<T>,
    list: &BasicList<'_>,
    of: impl Fn(u64) -> T,
) -> Result<(), Malformed> {
    let octets = list.octets();
    match list.field.length {
        1 => out.extend(octets.iter().map(|octet| of(u64::from(*octet)))),
        2 => out.extend(octets.as_chunks().0.iter().map(|it| of(u16::from_be_bytes(*it).into()))),
        4 => out.extend(octets.as_chunks().0.iter().map(|it| of(u32::from_be_bytes(*it).into()))),
        8 => out.extend(octets.as_chunks().0.iter().map(|it| of(u64::from_be_bytes(*it)))),
        _ => {
            for value in list.values() {
                out.push(of(unsigned(value?)));
            }
        }
    }
    Ok(())
}

fn time_ns(told: u64, unit: Option<TimeUnit>, export_s: u32) -> i64 {
    let whole = i64::try_from(told).unwrap_or(i64::MAX);
    match unit {
        Some(TimeUnit::Nanoseconds) => ntp_to_ns(told, export_s),
        Some(TimeUnit::Microseconds) => ntp_micro_to_ns(told, export_s),
        Some(TimeUnit::Milliseconds) => whole.saturating_mul(1_000_000),
        _ => whole.saturating_mul(1_000_000_000),
    }
}

fn push(buffer: &mut Buffer, value: u64) {
    match buffer {
        Buffer::ListU8(lists) => lists.values.push(low_8(value)),
        Buffer::ListI8(lists) => lists.values.push(low_8(value).cast_signed()),
        Buffer::ListU16(lists) => lists.values.push(low_16(value)),
        Buffer::ListU32(lists) => lists.values.push(low_32(value)),
        _ => {}
    }
}

// A number too wide for the column keeps its lowest octets, as columns of numbers do.

#[expect(clippy::cast_possible_truncation, reason = "meant")]
const fn low_8(value: u64) -> u8 {
    value as u8
}

#[expect(clippy::cast_possible_truncation, reason = "meant")]
const fn low_16(value: u64) -> u16 {
    value as u16
}

#[expect(clippy::cast_possible_truncation, reason = "meant")]
const fn low_32(value: u64) -> u32 {
    value as u32
}

fn end_row(buffer: &mut Buffer) {
    match buffer {
        Buffer::ListU8(lists) => lists.ends.push(lists.values.len()),
        Buffer::ListI8(lists) => lists.ends.push(lists.values.len()),
        Buffer::ListU16(lists) => lists.ends.push(lists.values.len()),
        Buffer::ListU32(lists) => lists.ends.push(lists.values.len()),
        Buffer::ListTime(lists) => lists.ends.push(lists.values.len()),
        _ => {}
    }
}

/// The entries of a record's label stack: down to its bottom where that is marked, else without the
/// empty ones behind the last (RFC 3032 section 2.1).
fn stack<'a>(cells: impl Cells<'a>, record: usize, places: &[Place], mut take: impl FnMut(u64)) {
    let entry = |place: &Place| unsigned(cells.cell(record, *place));
    let bottom = places.iter().position(|place| entry(place) & 1 == 1);
    let last = bottom.or_else(|| places.iter().rposition(|place| entry(place) != 0));
    let depth = last.map_or(0, |last| last + 1);
    places.iter().take(depth).for_each(|place| take(entry(place)));
}

/// How deep lists may be in lists.
const DEEPEST: usize = 4;
const PADDING: u16 = 210;
