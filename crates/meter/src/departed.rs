// SPDX-License-Identifier: Apache-2.0
//! Records that have left the table and wait to become rows.

use std::sync::Arc;

use penstock_record::BatchBuilder;

use crate::flow::Record;
use crate::plugin::{Instance, Left};

/// Records that have left, in the order in which they did.
pub(crate) struct Departed {
    records: Vec<Record>,
    /// The partition of each.
    partitions: Vec<u8>,
    /// Their plugins' states, a row a record.
    pub left: Vec<Box<dyn Left>>,
}

impl Departed {
    pub fn new(instances: &[Arc<dyn Instance>]) -> Self {
        let left = instances.iter().map(|instance| instance.left()).collect();
        Self { records: Vec::new(), partitions: Vec::new(), left }
    }

    /// Moves the rows behind those of `all`: by partition, and within a partition as they left.
    pub fn move_in_order(&mut self, all: &mut Self) {
        if self.records.is_empty() {
            return;
        }
        let mut order: Vec<u32> = (0..self.records.len() as u32).collect();
        // What was put in order before has forgotten its partitions, and stays so.
        let in_order = self.partitions.is_sorted();
        if !in_order {
            order.sort_by_key(|row| self.partitions.get(*row as usize).copied());
        }
        for (left, all) in self.left.iter_mut().zip(&mut all.left) {
            all.append(left.as_mut(), &order);
        }
        if in_order {
            all.records.append(&mut self.records);
        } else {
            let records = &mut self.records;
            for row in order {
                all.records.extend(records.get_mut(row as usize).map(Record::take));
            }
        }
        self.records.clear();
        self.partitions.clear();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// The first of them.
    pub fn first(&self, rows: usize) -> &[Record] {
        self.records.get(..rows).unwrap_or(&[])
    }

    /// Fills the plugins' columns of the first rows, which are gone then.
    pub fn write_plugins(&mut self, rows: usize, batch: &mut BatchBuilder) {
        for left in &mut self.left {
            left.write(rows, batch);
        }
        self.records.drain(..rows);
    }

    /// Adds a record, and a row for its plugins' states, which `states` has to push.
    pub fn push(&mut self, partition: usize, record: Record) {
        self.records.push(record);
        self.partitions.push(partition as u8);
    }
}
