// SPDX-License-Identifier: Apache-2.0
//! Sets of records into the rows that wait.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use arrow_array::RecordBatch;
use penstock_codec::value::{float, unsigned};
use penstock_codec::{Malformed, Template};
use penstock_record::column;

use super::lists::{self, Assigned, Templates};
use super::plan::{FamilyOf, Layout, Op, Place, Plan, Rate};
use super::read::{self, Cells, Fixed, Varied};
use super::shape::{Run, Shape, Slots};
use super::time::{self, Boots, Clock};
use super::{Decoded, Exporters, Message, drain};
use crate::memory::sampling::NOT_KNOWN;

/// Rows that wait to become batches, by the columns that they have.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    shapes: Vec<Shape>,
    by_groups: HashMap<u128, usize>,
    /// The shape that the last rows went to: most sets are like the one before.
    last: usize,
    waiting: usize,
    octets: usize,
    boots: Boots,
    /// The number under which exporters send Penstock's own elements, if not under the registry's.
    enterprise: Option<u32>,
    positions: Vec<u32>,
    prefer_ipv6: Vec<bool>,
}

impl Rows {
    /// None yet. Penstock's own elements come under this enterprise number.
    pub(crate) fn new(enterprise: u32) -> Self {
        Self { enterprise: Some(enterprise), ..Self::default() }
    }

    /// An exporter's number is somebody else's from now on.
    pub(crate) fn forget(&mut self, exporter: u32) {
        self.boots.forget(exporter);
    }

    /// Adds the records of a set, without its header. Those in front of damage are kept.
    pub(crate) fn decode(
        &mut self,
        plan: &Plan,
        set: &[u8],
        message: &Message,
        templates: &dyn Fn(u16) -> Option<Arc<Template>>,
    ) -> Decoded {
        self.octets += set.len();
        match &plan.layout {
            Layout::Fixed(octets) => self.split(plan, Fixed::new(set, *octets), message, templates),
            Layout::Varied { gaps, least_octets } => {
                let mut positions = mem::take(&mut self.positions);
                let (cells, sound) = Varied::find(set, gaps, *least_octets, &mut positions);
                let mut decoded = self.split(plan, cells, message, templates);
                if !sound {
                    decoded.malformed = Some(Malformed::ValueBeyondSet);
                }
                self.positions = positions;
                decoded
            }
        }
    }

    /// When an exporter began, in milliseconds since 1970, which its options have told.
    pub(crate) fn learn_boot(&mut self, exporter: u32, boot_ms: i64) {
        self.boots.learn(exporter, boot_ms);
    }

    /// How many rows wait, over all shapes.
    pub(crate) const fn len(&self) -> usize {
        self.waiting
    }

    /// Whether it is time to drain: so many rows wait, or they hold so much, or are of so many shapes,
    /// that more would cost too much memory.
    pub(crate) fn is_full(&self, rows: usize) -> bool {
        self.waiting >= rows || self.octets >= MOST_OCTETS || self.shapes.len() >= MOST_SHAPES
    }

    /// Everything that waits, a batch a shape, in the order in which shapes were first used.
    pub(crate) fn drain(&mut self, exporters: &dyn Exporters) -> Vec<RecordBatch> {
        let many = self.shapes.len() >= MOST_SHAPES;
        // A shape that nobody used since the last time was a passing thing.
        self.shapes.retain(|shape| shape.rows > 0);
        let batches = self.shapes.iter_mut().map(|shape| drain::batch(shape, exporters)).collect();
        if many {
            self.shapes.clear();
        }
        self.by_groups =
            self.shapes.iter().enumerate().map(|(index, shape)| (shape.groups, index)).collect();
        (self.last, self.waiting, self.octets) = (0, 0, 0);
        batches
    }

    /// Hands over runs of records whose lists are of the same elements.
    fn split<'a>(
        &mut self,
        plan: &Plan,
        cells: impl Cells<'a>,
        message: &Message,
        templates: Templates<'_>,
    ) -> Decoded {
        let records = cells.records();
        let mut decoded = Decoded { records: count(records), ..Decoded::default() };
        if plan.traits.undirected {
            return Decoded { no_direction: count(records), ..Decoded::default() };
        }
        if plan.lists.is_empty() {
            decoded.malformed = self.fill(plan, cells, message, (&[], templates)).err();
            return decoded;
        }
        let mut sound = Ok(());
        let (mut begun, mut of_run, mut of_record) = (0, Vec::new(), Vec::new());
        for record in 0..records {
            sound = sound.and(lists::assign(plan, cells, record, self.enterprise, &mut of_record));
            if record == 0 {
                mem::swap(&mut of_run, &mut of_record);
            } else if of_run != of_record {
                let part = cells.part(begun, record);
                sound = sound.and(self.fill(plan, part, message, (&of_run, templates)));
                begun = record;
                mem::swap(&mut of_run, &mut of_record);
            }
        }
        let part = cells.part(begun, records);
        decoded.malformed = sound.and(self.fill(plan, part, message, (&of_run, templates))).err();
        decoded
    }

    /// Reads columns, one after another.
    fn fill<'a>(
        &mut self,
        plan: &Plan,
        cells: impl Cells<'a>,
        message: &Message,
        (assigned, templates): (&[Option<Assigned>], Templates<'_>),
    ) -> Result<(), Malformed> {
        let rows = cells.records();
        if rows == 0 {
            return Ok(());
        }
        let mut prefer_ipv6 = mem::take(&mut self.prefer_ipv6);
        let mut boots = mem::take(&mut self.boots);
        if let Some(FamilyOf { version, ipv6 }) = &plan.family {
            read::families(cells, *version, ipv6, &mut prefer_ipv6);
        }
        let mut sound = Ok(());
        if let Some(shape) = self.shape(groups(plan, assigned)) {
            sound = read_columns(shape, cells, plan, message, (&mut boots, &prefer_ipv6));
            let export_s = Clock::of(message).export_s();
            lists::read_assigned(shape, cells, &plan.lists, assigned, export_s);
            if !plan.extras.is_empty() {
                let extras = lists::read_extras(shape, cells, &plan.extras, assigned, templates);
                sound = sound.and(extras);
            }
            shape.add(run(plan, message, rows));
        }
        self.waiting += rows;
        self.boots = boots;
        self.prefer_ipv6 = prefer_ipv6;
        sound
    }

    fn shape(&mut self, groups: u128) -> Option<&mut Shape> {
        if self.shapes.get(self.last).is_none_or(|shape| shape.groups != groups) {
            self.last = *self.by_groups.entry(groups).or_insert_with(|| {
                self.shapes.push(Shape::new(groups));
                self.shapes.len() - 1
            });
        }
        self.shapes.get_mut(self.last)
    }
}

/// Every column that the template decides.
fn read_columns<'a>(
    shape: &mut Shape,
    cells: impl Cells<'a>,
    plan: &Plan,
    message: &Message,
    (boots, prefer_ipv6): (&mut Boots, &[bool]),
) -> Result<(), Malformed> {
    shape.begin();
    let mut sound = Ok(());
    let clock = Clock::of(message);
    time::read(shape, cells, &plan.times, clock, (boots, message.exporter));
    for op in &plan.ops {
        match op {
            Op::Times { slot, sources } => time::read_slot(shape, cells, *slot, sources, clock),
            Op::List { slot, from } => {
                sound = sound.and(lists::read(shape, cells, *slot, from, clock.export_s()));
            }
            op => read::read(shape, cells, op, prefer_ipv6),
        }
    }
    read_stated(shape, cells, plan);
    sound
}

fn run(plan: &Plan, message: &Message, rows: usize) -> Run {
    Run {
        rows,
        exporter: message.exporter,
        sequence: message.sequence,
        received_ns: message.received_ns,
        stated: message.stated_rate,
        traits: plan.traits,
    }
}

/// Groups of columns that records with these lists fill.
fn groups(plan: &Plan, assigned: &[Option<Assigned>]) -> u128 {
    let of_lists = assigned.iter().flatten().fold(plan.groups, |groups, it| groups | it.group);
    let whole_lists = assigned.iter().any(Option::is_none);
    if whole_lists { of_lists | Slots::get().bit(column::EXTRA) } else { of_lists }
}

/// Sampling rates and exporters that records state themselves.
fn read_stated<'a>(shape: &mut Shape, cells: impl Cells<'a>, plan: &Plan) {
    if let Some(rate) = plan.rate {
        shape.stated.resize(shape.rows, f64::NAN);
        let number = |place: Place| cells.slices(place).map(|octets| real(unsigned(octets)));
        let out = &mut shape.stated;
        match rate {
            Rate::Plain(place) => out.extend(number(place)),
            Rate::Inverse(place) => {
                let told = cells.slices(place).map(|octets| float(octets).unwrap_or(f64::NAN));
                out.extend(told.map(|probability| ratio(1.0, probability)));
            }
            Rate::IntervalAndSpace(interval, space) => {
                let pairs = number(interval).zip(number(space));
                out.extend(pairs.map(|(interval, space)| match (interval, space) {
                    (0.0, 0.0) => NOT_KNOWN,
                    _ => ratio(interval + space, interval),
                }));
            }
            Rate::SizeAndPopulation(size, population) => {
                let pairs = number(size).zip(number(population));
                out.extend(pairs.map(|(size, population)| ratio(population, size)));
            }
        }
    }
    if let Some(place) = plan.exporter {
        shape.exporter.resize(shape.rows, [0; 16]);
        if place.width == 4 {
            let unless_zero =
                |octets| if octets == [0; 4] { [0; 16] } else { read::mapped(octets) };
            shape.exporter.extend(cells.arrays(place).map(unless_zero));
        } else {
            shape.exporter.extend(cells.arrays::<16>(place));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "rates are far below 2^53")]
const fn real(number: u64) -> f64 {
    number as f64
}

/// A rate that makes no sense was not stated.
fn ratio(of: f64, to: f64) -> f64 {
    let rate = of / to;
    if rate.is_finite() && rate >= 1.0 { rate } else { f64::NAN }
}

fn count(records: usize) -> u32 {
    u32::try_from(records).unwrap_or(u32::MAX)
}

const MOST_OCTETS: usize = 256 << 20;
const MOST_SHAPES: usize = 1024;
