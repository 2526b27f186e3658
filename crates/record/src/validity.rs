// SPDX-License-Identifier: Apache-2.0
//! Which rows have a group's columns.

use arrow_buffer::{BooleanBuffer, NullBuffer};

/// Which rows of a batch are set, computed once a group and shared by its columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Validity {
    rows: usize,
    /// Absent where every row is set, so that no column carries a mask for nothing.
    nulls: Option<NullBuffer>,
}

impl Validity {
    /// Which rows are set, one after another.
    pub fn new(set: impl ExactSizeIterator<Item = bool>) -> Self {
        Self::of(packed(set))
    }

    /// How many rows it is about.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// How many of them are set.
    pub fn set_rows(&self) -> usize {
        self.rows - self.nulls.as_ref().map_or(0, NullBuffer::null_count)
    }

    /// Whether the row is set.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn is_set(&self, row: usize) -> bool {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))
    }

    /// The mask for Arrow; none where every row is set.
    pub(crate) fn nulls(&self) -> Option<NullBuffer> {
        self.nulls.clone()
    }

    fn of(set: BooleanBuffer) -> Self {
        let rows = set.len();
        let nulls = Some(NullBuffer::new(set)).filter(|nulls| nulls.null_count() > 0);
        Self { rows, nulls }
    }
}

impl FromIterator<bool> for Validity {
    fn from_iter<I: IntoIterator<Item = bool>>(set: I) -> Self {
        Self::of(set.into_iter().collect())
    }
}

/// Bits, 64 at a time: several times as fast as one by one.
pub(crate) fn packed(mut bits: impl ExactSizeIterator<Item = bool>) -> BooleanBuffer {
    BooleanBuffer::collect_bool(bits.len(), |_| bits.next().unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mask_is_kept_where_every_row_is_set() {
        let all = Validity::from_iter([true, true]);
        assert_eq!((all.rows(), all.set_rows()), (2, 2));
        assert!(all.nulls().is_none());
        assert_eq!(all, Validity::new([true, true].into_iter()));
    }

    #[test]
    fn both_ways_of_packing_agree() {
        let set: Vec<bool> = (0..200_u32).map(|row| row % 3 == 0 || row % 7 == 1).collect();
        let packed = Validity::new(set.iter().copied());
        assert_eq!(packed, set.iter().copied().collect());
        assert!(set.iter().enumerate().all(|(row, set)| packed.is_set(row) == *set));
    }

    #[test]
    fn rows_are_told_apart() {
        let some = Validity::from_iter([true, false, true]);
        assert_eq!((some.rows(), some.set_rows()), (3, 2));
        assert_eq!([0, 1, 2].map(|row| some.is_set(row)), [true, false, true]);
    }
}
