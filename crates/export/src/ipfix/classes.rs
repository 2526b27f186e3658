// SPDX-License-Identifier: Apache-2.0
//! Which rows of a batch are alike, so that one template describes them.
//!
//! Rows begin as one class; each property splits the classes by its value. What a property means is
//! the caller's business. The order of classes follows from the values alone, never from which
//! row came first, unless a property numbers its values that way.

use std::collections::HashMap;

use arrow_buffer::NullBuffer;

/// Values that [`Classes::split`] tells apart.
pub(super) const KINDS: u8 = 16;

/// A partition of rows.
pub(super) struct Classes {
    of_row: Vec<u32>,
    /// For each class, its value of every property so far.
    values: Vec<Vec<u32>>,
}

/// The rows again, class by class, each in the order it had within its class.
pub(super) struct Sorted {
    rows: Vec<u32>,
    ends: Vec<usize>,
}

impl Classes {
    /// All rows alike.
    pub fn new(rows: usize) -> Self {
        Self { of_row: vec![0; rows], values: vec![Vec::new()] }
    }

    /// Splits by a property with fewer than [`KINDS`] values.
    pub fn split(&mut self, kind: impl Fn(usize) -> u8) {
        let mut next = vec![[UNSEEN; KINDS as usize]; self.values.len()];
        let mut values = Vec::with_capacity(self.values.len());
        for (row, class) in self.of_row.iter_mut().enumerate() {
            let kind = kind(row) % KINDS;
            let slot = &mut next[*class as usize][usize::from(kind)];
            if *slot == UNSEEN {
                *slot = number(values.len());
                values.push(extended(&self.values[*class as usize], kind.into()));
            }
            *class = *slot;
        }
        self.values = values;
    }

    /// Splits by a property of any number of values.
    pub fn split_widely(&mut self, mut kind: impl FnMut(usize) -> u32) {
        let mut next: HashMap<(u32, u32), u32> = HashMap::new();
        let mut values = Vec::with_capacity(self.values.len());
        for (row, class) in self.of_row.iter_mut().enumerate() {
            let kind = kind(row);
            *class = *next.entry((*class, kind)).or_insert_with(|| {
                values.push(extended(&self.values[*class as usize], kind));
                number(values.len() - 1)
            });
        }
        self.values = values;
    }

    /// Splits by whether a row is set.
    pub fn split_by_nulls(&mut self, nulls: Option<&NullBuffer>) {
        if let Some(nulls) = nulls.filter(|nulls| (1..nulls.len()).contains(&nulls.null_count())) {
            self.split(|row| u8::from(nulls.is_valid(row)));
        }
    }

    /// The classes in the order of their values.
    pub fn sorted(self) -> Sorted {
        let Self { of_row, values } = self;
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_unstable_by(|a, b| values[*a].cmp(&values[*b]));
        let mut place = vec![0; values.len()];
        for (at, class) in order.into_iter().enumerate() {
            place[class] = at;
        }
        let mut ends = vec![0_usize; place.len()];
        for class in &of_row {
            ends[place[*class as usize]] += 1;
        }
        let mut next = Vec::with_capacity(ends.len());
        let mut total = 0;
        for end in &mut ends {
            next.push(total);
            total += *end;
            *end = total;
        }
        let mut rows = vec![0; of_row.len()];
        for (row, class) in of_row.iter().enumerate() {
            let at = &mut next[place[*class as usize]];
            rows[*at] = number(row);
            *at += 1;
        }
        Sorted { rows, ends }
    }
}

impl Sorted {
    /// The rows of each class; no class is empty.
    pub fn classes(&self) -> impl Iterator<Item = &[u32]> {
        let mut start = 0;
        self.ends.iter().filter_map(move |end| {
            let rows = &self.rows[start..*end];
            start = *end;
            (!rows.is_empty()).then_some(rows)
        })
    }
}

const UNSEEN: u32 = u32::MAX;

fn extended(values: &[u32], value: u32) -> Vec<u32> {
    let mut values = values.to_vec();
    values.push(value);
    values
}

/// A batch has fewer rows, and so fewer classes, than this can hold: its offsets have 31 bits.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(UNSEEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(classes: Classes) -> Vec<Vec<u32>> {
        classes.sorted().classes().map(<[u32]>::to_vec).collect()
    }

    #[test]
    fn rows_of_a_class_keep_their_order_and_classes_go_by_value() {
        let mut classes = Classes::new(6);
        classes.split(|row| [1, 0, 1, 1, 0, 0][row]);
        classes.split_widely(|row| [7, 9, 7, 3, 9, 9][row]);
        assert_eq!(rows(classes), [vec![1, 4, 5], vec![3], vec![0, 2]]);
    }

    #[test]
    fn the_order_of_classes_is_that_of_their_values_whichever_row_is_first() {
        let of = |kinds: [u8; 4]| {
            let mut classes = Classes::new(4);
            classes.split(move |row| kinds[row]);
            rows(classes)
        };
        assert_eq!(of([2, 1, 2, 1]), [[1, 3], [0, 2]]);
        assert_eq!(of([1, 2, 1, 2]), [[0, 2], [1, 3]]);
    }

    #[test]
    fn a_mask_that_tells_no_rows_apart_splits_nothing() {
        let mut classes = Classes::new(2);
        classes.split_by_nulls(None);
        classes.split_by_nulls(Some(&NullBuffer::new_null(2)));
        classes.split_by_nulls(Some(&NullBuffer::new_valid(2)));
        assert_eq!(rows(classes), [[0, 1]]);
        let mut classes = Classes::new(2);
        classes.split_by_nulls(Some(&NullBuffer::from(vec![true, false])));
        assert_eq!(rows(classes), [[1], [0]]);
    }

    #[test]
    fn no_rows_have_no_class() {
        assert!(rows(Classes::new(0)).is_empty());
    }
}
