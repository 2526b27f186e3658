// SPDX-License-Identifier: Apache-2.0
//! Rows that waited become a batch, and their shape is empty again.
//!
//! What is the same for all rows of a message is remembered as runs and written out only here;
//! sampling rates are asked for here, too, so that options which came late hold for them.

use std::mem;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, ListArray, RecordBatch, StructArray, UInt16Array, UInt32Array,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::DataType;
use penstock_record::{BatchBuilder, Column, Validity, column};

use super::buffer::{Buffer, Extras, Lists, fill_ends, lengths};
use super::settle::{self, Validities};
use super::shape::{Shape, Slots};
use super::{Exporters, Identity, SourceKind};
use crate::memory::sampling::SamplingOrigin;

/// Takes the rows out of a shape.
pub(super) fn batch(shape: &mut Shape, exporters: &dyn Exporters) -> RecordBatch {
    fill_up(shape);
    settle::derive(shape);
    let validities = Validities::of(shape);
    let mut batch = BatchBuilder::new(shape.rows);
    session(shape, exporters, &mut batch);
    sampling(shape, exporters, &mut batch);
    batch.bool(column::TIME_SUSPECT, None, settle::suspects(shape).into_iter());
    batch.timestamps(column::TIME_START, None, mem::take(&mut shape.start_ns).into_iter());
    batch.timestamps(column::TIME_END, None, mem::take(&mut shape.end_ns).into_iter());
    let slots = Slots::get();
    for ((column, group), buffer) in slots.columns().iter().zip(&mut shape.buffers) {
        if shape.groups & group != 0 {
            let empty = buffer.renewed();
            values(*column, validities.get(*group), mem::replace(buffer, empty), &mut batch);
        }
    }
    if shape.has(slots.bit(column::EXTRA)) {
        batch.array(column::EXTRA, extra(mem::take(&mut shape.extra)));
    }
    shape.expected_rows = shape.rows;
    shape.rows = 0;
    shape.runs.clear();
    shape.suspects.clear();
    shape.stated.clear();
    shape.exporter.clear();
    batch.finish()
}

fn fill_up(shape: &mut Shape) {
    let rows = shape.rows;
    shape.start_ns.resize(rows, 0);
    shape.end_ns.resize(rows, 0);
    for ((_, group), buffer) in Slots::get().columns().iter().zip(&mut shape.buffers) {
        if shape.groups & group != 0 {
            buffer.fill_up(rows);
        }
    }
    fill_ends(&mut shape.extra.ends, rows);
    if !shape.stated.is_empty() {
        shape.stated.resize(rows, f64::NAN);
    }
    if !shape.exporter.is_empty() {
        shape.exporter.resize(rows, [0; 16]);
    }
}

/// Columns of the transport session and the message.
fn session(shape: &Shape, exporters: &dyn Exporters, batch: &mut BatchBuilder) {
    let rows = shape.rows;
    let mut addr = Vec::with_capacity(rows);
    let mut port = Vec::with_capacity(rows);
    let mut domain = Vec::with_capacity(rows);
    let mut kind = Vec::with_capacity(rows);
    let mut sequence = Vec::with_capacity(rows);
    let mut received_ns = Vec::with_capacity(rows);
    let mut semantics = Vec::with_capacity(rows);
    let mut known: Option<(u32, Identity)> = None;
    for run in &shape.runs {
        let identity = match known {
            Some((exporter, identity)) if exporter == run.exporter => identity,
            _ => exporters.identity(run.exporter),
        };
        known = Some((run.exporter, identity));
        let end = sequence.len() + run.rows;
        addr.resize(end, identity.addr);
        port.resize(end, identity.port);
        domain.resize(end, identity.domain);
        kind.resize(end, identity.kind as u8);
        sequence.resize(end, run.sequence);
        received_ns.resize(end, run.received_ns);
        semantics.resize(end, u8::from(run.traits.total));
    }
    for (addr, stated) in addr.iter_mut().zip(&shape.exporter) {
        if *stated != [0; 16] {
            *addr = *stated;
        }
    }
    batch.ip(column::EXPORTER_ADDR, None, addr.into_iter());
    batch.u16(column::EXPORTER_PORT, None, port.into_iter());
    batch.u32(column::OBSERVATION_DOMAIN, None, domain.into_iter());
    let kinds = SourceKind::ALL.map(SourceKind::name);
    batch.dictionary(column::SOURCE_KIND, None, &kinds, kind.into_iter());
    batch.u32(column::SEQUENCE, None, sequence.into_iter());
    batch.timestamps(column::TIME_RECEIVED, None, received_ns.into_iter());
    batch.dictionary(column::COUNTER_SEMANTICS, None, &["delta", "total"], semantics.into_iter());
}

fn sampling(shape: &Shape, exporters: &dyn Exporters, batch: &mut BatchBuilder) {
    let mut rates = Vec::with_capacity(shape.rows);
    let mut origins: Vec<u8> = Vec::with_capacity(shape.rows);
    let has_sampler = shape.has(Slots::get().bit(column::SAMPLER_ID));
    let samplers = if has_sampler { shape.u64s(column::SAMPLER_ID) } else { &[] };
    let mut of_rows = (shape.stated.iter(), samplers.iter());
    let each = !shape.stated.is_empty() || !samplers.is_empty();
    for run in &shape.runs {
        let end = rates.len() + run.rows;
        if !each {
            let found = exporters.sampling(run.exporter, run.stated, None);
            rates.resize(end, found.rate);
            origins.resize(end, origin_key(found.origin));
            continue;
        }
        // Neighbours mostly have the same sampler, and finding its rate takes a while.
        let mut last = None;
        for _ in 0..run.rows {
            let stated = of_rows.0.next().copied().filter(|rate| !rate.is_nan()).or(run.stated);
            let asked = (stated.map(f64::to_bits), of_rows.1.next().copied());
            let found = match last {
                Some((same, found)) if same == asked => found,
                _ => exporters.sampling(run.exporter, stated, asked.1),
            };
            last = Some((asked, found));
            rates.push(found.rate);
            origins.push(origin_key(found.origin));
        }
    }
    batch.f64(column::SAMPLING_RATE, None, rates.into_iter());
    let words = ORIGINS.map(SamplingOrigin::name);
    batch.dictionary(column::SAMPLING_ORIGIN, None, &words, origins.into_iter());
}

const ORIGINS: [SamplingOrigin; 5] = [
    SamplingOrigin::Record,
    SamplingOrigin::Options,
    SamplingOrigin::Configured,
    SamplingOrigin::Assumed,
    SamplingOrigin::Unknown,
];

const fn origin_key(origin: SamplingOrigin) -> u8 {
    match origin {
        SamplingOrigin::Record => 0,
        SamplingOrigin::Options => 1,
        SamplingOrigin::Configured => 2,
        SamplingOrigin::Assumed => 3,
        SamplingOrigin::Unknown => 4,
    }
}

fn values(column: Column, valid: Option<&Validity>, buffer: Buffer, batch: &mut BatchBuilder) {
    match buffer {
        Buffer::Made => {}
        Buffer::U8(values) => batch.u8(column, valid, values.into_iter()),
        Buffer::U16(values) => batch.u16(column, valid, values.into_iter()),
        Buffer::U32(values) => batch.u32(column, valid, values.into_iter()),
        Buffer::U64(values) => batch.u64(column, valid, values.into_iter()),
        Buffer::Ip(values) => batch.ip(column, valid, values.into_iter()),
        Buffer::Mac(values) => batch.mac(column, valid, values.into_iter()),
        Buffer::Time(values) => batch.timestamps(column, valid, values.into_iter()),
        Buffer::Text(texts) => {
            batch.text(column, valid, parts(&texts.ends, |from, to| texts.text.get(from..to)));
        }
        Buffer::Binary(binaries) => {
            let values = parts(&binaries.ends, |from, to| binaries.octets.get(from..to));
            batch.binary(column, valid, values);
        }
        Buffer::Words(words) => {
            let known: Vec<&str> = words.words.iter().map(|word| &**word).collect();
            batch.dictionary(column, valid, &known, words.keys.into_iter());
        }
        Buffer::ListU8(Lists { values, ends }) => {
            batch.list_u8(column, valid, lengths(&ends), values);
        }
        Buffer::ListI8(Lists { values, ends }) => {
            batch.list_i8(column, valid, lengths(&ends), values);
        }
        Buffer::ListU16(Lists { values, ends }) => {
            batch.list_u16(column, valid, lengths(&ends), values);
        }
        Buffer::ListU32(Lists { values, ends }) => {
            batch.list_u32(column, valid, lengths(&ends), values);
        }
        Buffer::ListTime(Lists { values, ends }) => {
            batch.list_timestamps(column, valid, lengths(&ends), values);
        }
    }
}

/// Values that lie one behind the other.
fn parts<'v, T: ?Sized + 'v>(
    ends: &'v [usize],
    part: impl Fn(usize, usize) -> Option<&'v T> + 'v,
) -> impl Iterator<Item = &'v T> + 'v
where
    &'v T: Default,
{
    let mut start = 0;
    ends.iter().map(move |end| {
        let value = part(start, *end).unwrap_or_default();
        start = *end;
        value
    })
}

/// Elements as lists of structs, in the registry's type.
fn extra(extras: Extras) -> ArrayRef {
    let elements = elements(extras.pens, extras.ids, &extras.values.octets, &extras.values.ends);
    elements_of_rows(column::EXTRA, elements, &extras.ends)
}

/// Elements, row behind row, as the lists of a column.
pub(super) fn elements_of_rows(column: Column, elements: ArrayRef, ends: &[usize]) -> ArrayRef {
    let offsets = OffsetBuffer::from_lengths(lengths(ends));
    let item = match column.kind().arrow_type() {
        DataType::List(item) => item,
        other => Arc::new(arrow_schema::Field::new("item", other, true)),
    };
    Arc::new(ListArray::new(item, offsets, elements, None))
}

/// Elements as structs of number, enterprise and octets.
pub(super) fn elements(pens: Vec<u32>, ids: Vec<u16>, octets: &[u8], ends: &[usize]) -> ArrayRef {
    let offsets = OffsetBuffer::from_lengths(lengths(ends));
    let values = BinaryArray::new(offsets, octets.to_vec().into(), None);
    let arrays: Vec<ArrayRef> =
        vec![Arc::new(UInt32Array::from(pens)), Arc::new(UInt16Array::from(ids)), Arc::new(values)];
    let fields = match column::EXTRA.kind().arrow_type() {
        DataType::List(item) => match item.data_type() {
            DataType::Struct(fields) => fields.clone(),
            _ => arrow_schema::Fields::empty(),
        },
        _ => arrow_schema::Fields::empty(),
    };
    Arc::new(StructArray::new(fields, arrays, None))
}
