// SPDX-License-Identifier: Apache-2.0
//! Templates and octets that nobody meant.

use std::sync::Arc;

use arrow_array::RecordBatch;
use penstock_codec::{Field, Template, VARIABLE};

use super::{Dialect, Message, One, Plan, Rows, message};

/// A generator that needs no seed from outside, so that a failure comes again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    /// Elements of all namespaces, in widths that they may have and in others.
    fn template(&mut self) -> Template {
        let all = penstock_elements::all();
        let fields = (0..=self.below(30)).map(|_| {
            let element = match self.below(4) {
                0 => &all[self.below(all.len())],
                1 => penstock_elements::by_number(0, 291 + self.below(3) as u16).unwrap(),
                _ => penstock_elements::by_number(0, 1 + self.below(100) as u16).unwrap_or(&all[0]),
            };
            let length = match self.below(4) {
                0 => VARIABLE,
                1 => self.below(20) as u16,
                _ => element.data_type.octets().unwrap_or(VARIABLE),
            };
            Field { pen: element.pen, id: element.id, length }
        });
        Template { id: 256, scopes: 0, fields: fields.collect() }
    }

    /// Octets that often look like lengths, list headers and template numbers.
    fn octets(&mut self) -> Vec<u8> {
        let many = self.below(600);
        let mut octets = Vec::with_capacity(many);
        while octets.len() < many {
            match self.below(6) {
                0 => octets.extend([0xff, 1, 0x2c]),
                1 => octets.extend([9, 3, 0x83, 0xf5, 0, 2, 0, 0, 0x1f, 0x79]),
                2 => octets.push(self.below(256) as u8),
                3 => octets.extend([0; 4]),
                _ => octets.push(self.below(12) as u8),
            }
        }
        octets
    }
}

#[test]
fn whatever_is_sent_ends_in_batches_of_as_many_rows_as_were_counted() {
    let mut dice = Dice(7);
    let (mut rows, mut counted, mut seen) = (Rows::default(), 0, 0);
    for turn in 0..6_000 {
        let (template, inner) = (dice.template(), Arc::new(dice.template()));
        let octets = dice.octets();
        if !(1..=octets.len()).contains(&template.least_octets()) || inner.least_octets() == 0 {
            continue;
        }
        let dialect = [Dialect::NetFlow9, Dialect::Ipfix][turn % 2];
        let message = Message {
            uptime_ms: (turn % 3 > 0).then_some(turn as u32),
            export_ns: [super::NOW_NS, 0, i64::MAX][turn % 3],
            ..message()
        };
        let plan = Plan::compile(&template, dialect);
        let decoded = rows.decode(&plan, &octets, &message, &|_| Some(Arc::clone(&inner)));
        counted += decoded.records as usize;
        if turn % 40 == 0 {
            seen += rows.drain(&One).iter().map(RecordBatch::num_rows).sum::<usize>();
        }
    }
    seen += rows.drain(&One).iter().map(RecordBatch::num_rows).sum::<usize>();
    assert_eq!(seen, counted);
    assert!(seen > 10_000, "{seen}");
}

#[test]
fn fields_without_octets_cost_nothing() {
    let mut fields = vec![Field { pen: 9, id: 1, length: 0 }; 1_000];
    fields.push(Field { pen: 0, id: 1, length: 1 });
    let inner = Arc::new(Template { id: 300, scopes: 0, fields: fields.into() });
    let plan = Plan::compile(&super::iana(&[(292, VARIABLE)]), Dialect::Ipfix);
    let mut set = vec![255, 0x75, 0x33, 4, 1, 0x2c];
    set.resize(30_006, 7);
    let mut rows = Rows::default();
    let decoded = rows.decode(&plan, &set, &message(), &|_| Some(Arc::clone(&inner)));
    assert_eq!((decoded.records, decoded.malformed), (1, None));
    let batch = rows.drain(&One).remove(0);
    assert!(batch.get_array_memory_size() < 2_000_000);
}
