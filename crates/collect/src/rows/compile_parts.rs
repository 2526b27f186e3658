// SPDX-License-Identifier: Apache-2.0
//! Columns that take several fields: times, sampling rates, lists.

use penstock_elements::DataType;
use penstock_record::{Column, Conversion, ElementUse, Kind, column};

use super::compile::Compiler;
use super::plan::{ListFrom, Op, Place, Rate, TimeSource, TimeUnit, Times};

impl Compiler {
    /// Start and end, and the times of the reverse direction.
    pub(super) fn times(&mut self) -> Times {
        for column in [column::TIME_START_REV, column::TIME_END_REV] {
            let sources = self.time_sources(column);
            if !sources.is_empty() {
                let slot = self.fills(column);
                self.ops.push(Op::Times { slot, sources });
            }
        }
        let start = self.time_sources(column::TIME_START);
        let end = self.time_sources(column::TIME_END);
        let mut after = column::TIME_END.spec().elements.iter();
        let duration = after.find_map(|used| {
            let unit_ns = match (used.conversion, used.id) {
                (Conversion::AfterStart, DURATION_MILLISECONDS) => 1_000_000,
                (Conversion::AfterStart, _) => 1_000,
                _ => return None,
            };
            self.take(used.pen, used.id).map(|place| (place, unit_ns))
        });
        // Records of events, such as ASA's, have the time of the event and no end.
        let event = EVENTS.into_iter().filter(|_| end.is_empty()).find_map(|(id, unit)| {
            let place = self.find(0, id).filter(|place| holds(unit, *place))?;
            self.take(0, id);
            Some(TimeSource { place, unit })
        });
        Times { start, end, duration, event }
    }

    fn time_sources(&mut self, column: Column) -> Box<[TimeSource]> {
        let uses = column.spec().elements.iter();
        uses.filter_map(|used| {
            let unit = self.time_unit(used)?;
            let place = self.find(used.pen, used.id).filter(|place| holds(unit, *place))?;
            self.take(used.pen, used.id);
            if let TimeUnit::UptimeSince(_) = unit {
                self.take(0, SYSTEM_INIT_TIME);
            }
            Some(TimeSource { place, unit })
        })
        .collect()
    }

    fn time_unit(&self, used: &ElementUse) -> Option<TimeUnit> {
        Some(match used.conversion {
            Conversion::Uptime => {
                self.find(0, SYSTEM_INIT_TIME).map_or(TimeUnit::Uptime, TimeUnit::UptimeSince)
            }
            Conversion::BeforeExport => TimeUnit::BeforeExport,
            Conversion::Value => time_unit_of(used.element().data_type)?,
            _ => return None,
        })
    }

    /// The rate that the record itself states.
    pub(super) fn rate(&mut self) -> Option<Rate> {
        let rate = column::SAMPLING_RATE.spec().elements.iter().find_map(|used| {
            let place = self.find(used.pen, used.id)?;
            let partner = |conversion: Conversion, skip: usize| {
                let uses = column::SAMPLING_RATE.spec().elements.iter();
                let of_pair = uses.filter(|used| used.conversion == conversion).nth(skip)?;
                self.find(of_pair.pen, of_pair.id)
            };
            match used.conversion {
                Conversion::Value => Some(Rate::Plain(place)),
                Conversion::Inverse => Some(Rate::Inverse(place)),
                pair @ Conversion::IntervalAndSpace => {
                    Some(Rate::IntervalAndSpace(partner(pair, 0)?, partner(pair, 1)?))
                }
                pair @ Conversion::SizeAndPopulation => {
                    Some(Rate::SizeAndPopulation(partner(pair, 0)?, partner(pair, 1)?))
                }
                _ => None,
            }
        })?;
        let of = match rate {
            Rate::Plain(place) | Rate::Inverse(place) => vec![place],
            Rate::IntervalAndSpace(one, other) | Rate::SizeAndPopulation(one, other) => {
                vec![one, other]
            }
        };
        for used in column::SAMPLING_RATE.spec().elements {
            if self.find(used.pen, used.id).is_some_and(|place| of.contains(&place)) {
                self.take(used.pen, used.id);
            }
        }
        Some(rate)
    }

    /// A list column whose fields the template names. A list that says only in the record which element
    /// it is of (291) is found there.
    pub(super) fn list(&mut self, column: Column) {
        if !is_list_of_values(column.kind()) {
            return;
        }
        let uses = column.spec().elements;
        let from = uses.iter().find_map(|used| match used.conversion {
            Conversion::Value if used.element().data_type == DataType::BasicList => {
                self.take(used.pen, used.id).map(ListFrom::Basic)
            }
            Conversion::Append | Conversion::MplsTop => {
                let places = self.take_all(used.pen, used.id);
                (!places.is_empty()).then(|| ListFrom::Values(places.into()))
            }
            conversion @ (Conversion::MplsLabel | Conversion::MplsExp) => {
                let places = self.stack(uses, conversion);
                let places = Some(places).filter(|places| !places.is_empty())?;
                Some(match conversion {
                    Conversion::MplsLabel => ListFrom::MplsLabels(places),
                    _ => ListFrom::MplsClasses(places),
                })
            }
            _ => None,
        });
        if let Some(from) = from {
            let slot = self.fills(column);
            self.ops.push(Op::List { slot, from });
        }
    }

    /// Entries of a label stack, top first.
    fn stack(&mut self, uses: &[ElementUse], conversion: Conversion) -> Box<[Place]> {
        let entries = uses.iter().filter(|used| used.conversion == conversion);
        let wide = |place: &Place| place.width == LABEL_OCTETS;
        let places = entries.filter_map(|used| {
            self.find(used.pen, used.id).filter(wide)?;
            self.take(used.pen, used.id)
        });
        places.collect()
    }
}

pub(super) fn time_unit_of(data_type: DataType) -> Option<TimeUnit> {
    Some(match data_type {
        DataType::DateTimeSeconds => TimeUnit::Seconds,
        DataType::DateTimeMilliseconds => TimeUnit::Milliseconds,
        DataType::DateTimeMicroseconds => TimeUnit::Microseconds,
        DataType::DateTimeNanoseconds => TimeUnit::Nanoseconds,
        _ => return None,
    })
}

/// Whether a time of this unit can be as wide as the field.
fn holds(unit: TimeUnit, place: Place) -> bool {
    !matches!(unit, TimeUnit::Microseconds | TimeUnit::Nanoseconds) || place.width == 8
}

fn is_list_of_values(kind: Kind) -> bool {
    matches!(kind, Kind::List(item) if !matches!(item, Kind::Struct(_) | Kind::List(_)))
}

const SYSTEM_INIT_TIME: u16 = 160;
const DURATION_MILLISECONDS: u16 = 161;
/// Times of observation, as the elements 322 to 325 tell them.
const EVENTS: [(u16, TimeUnit); 4] = [
    (325, TimeUnit::Nanoseconds),
    (324, TimeUnit::Microseconds),
    (323, TimeUnit::Milliseconds),
    (322, TimeUnit::Seconds),
];
/// Label, class and bottom of stack, without the TTL.
const LABEL_OCTETS: u16 = 3;
