// SPDX-License-Identifier: Apache-2.0
//! Lists that rows have: the values of all rows in one piece, and how many of them are each row's.

/// All lists of the rows that wait, but those of records without a column.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub as_path: List<u32>,
    pub communities: List<u32>,
    pub vlans: List<u16>,
    /// Entries of label stacks as RFC 3032 section 2.1 has them.
    pub labels: List<u32>,
}

impl Lists {
    /// Octets of all.
    pub(super) fn octets(&self) -> usize {
        4 * (self.as_path.len() + self.communities.len() + self.labels.len()) + 2 * self.vlans.len()
    }

    /// Whether no more is kept until the next batch.
    pub(super) fn are_full(&self) -> bool {
        self.octets() > MAX_OCTETS
    }
}

/// Lists of one kind.
#[derive(Debug, Default)]
pub(super) struct List<T> {
    values: Vec<T>,
    /// How many values each row has, up to the last that has any.
    lengths: Vec<u32>,
}

impl<T> List<T> {
    /// Puts values into the row's list. No row behind it has any yet.
    #[inline]
    pub(super) fn add(&mut self, row: usize, values: impl Iterator<Item = T>) {
        let before = self.values.len();
        self.values.extend(values);
        let more = u32::try_from(self.values.len() - before).unwrap_or(0);
        if self.lengths.len() < row {
            self.lengths.resize(row, 0);
        }
        match self.lengths.get_mut(row) {
            Some(length) => *length += more,
            None => self.lengths.push(more),
        }
    }

    /// How many values each of so many rows has.
    pub(super) fn lengths(&self, rows: usize) -> impl Iterator<Item = usize> {
        padded(self.lengths.iter().copied(), rows)
    }

    /// The values of all rows.
    pub(super) fn values(&self) -> &[T] {
        &self.values
    }

    /// How many values each of so many rows has, and the values of all.
    pub(super) fn into_parts(self, rows: usize) -> (impl Iterator<Item = usize>, Vec<T>) {
        (padded(self.lengths.into_iter(), rows), self.values)
    }

    fn len(&self) -> usize {
        self.values.len()
    }
}

fn padded(lengths: impl ExactSizeIterator<Item = u32>, rows: usize) -> impl Iterator<Item = usize> {
    let without = rows.saturating_sub(lengths.len());
    lengths.map(|length| length as usize).chain(std::iter::repeat_n(0, without))
}

/// Octets of lists beyond which no more are kept until the next batch.
const MAX_OCTETS: usize = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_a_list_between_and_behind_others_have_none() {
        let mut list = List::default();
        list.add(1, [7, 8].into_iter());
        list.add(3, [9].into_iter());
        list.add(3, [10].into_iter());
        list.add(4, std::iter::empty());
        assert!(list.lengths(6).eq([0, 2, 0, 2, 0, 0]));
        assert_eq!(list.into_parts(6).1, [7, 8, 9, 10]);
    }
}
