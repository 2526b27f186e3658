// SPDX-License-Identifier: Apache-2.0
//! Records without a column, as the lists that the column `extra` has of them.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, ListArray, StructArray, UInt16Array, UInt32Array};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::DataType;
use penstock_codec::sflow::Record;
use penstock_record::{Column, Kind};

/// Enterprise number of sFlow.org. Formats that sFlow defines itself are under 0 on the wire, which is IANA's among
/// elements; a list that goes on by IPFIX must not take one for the other.
pub(crate) const SFLOW_PEN: u32 = 14706;

/// Octets of such records beyond which no more are kept until the next batch.
const MAX_OCTETS: usize = 256 << 20;

/// Records of the rows that wait, in the order of the rows.
#[derive(Debug, Default)]
pub(super) struct Extras {
    pens: Vec<u32>,
    ids: Vec<u16>,
    ends: Vec<i32>,
    octets: Vec<u8>,
}

impl Extras {
    /// Keeps a record; `false` if there is no room.
    pub(super) fn push(&mut self, record: Record<'_>) -> bool {
        let octets = self.octets.len() + record.octets.len();
        let Some(end) = i32::try_from(octets).ok().filter(|_| octets <= MAX_OCTETS) else {
            return false;
        };
        self.pens.push(if record.enterprise == 0 { SFLOW_PEN } else { record.enterprise });
        // A format has twelve bits.
        self.ids.push(u16::try_from(record.format).unwrap_or(u16::MAX));
        self.octets.extend_from_slice(record.octets);
        self.ends.push(end);
        true
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.pens.len()
    }

    /// Their octets.
    pub(super) fn octets(&self) -> usize {
        self.octets.len()
    }

    /// The column: for each row so many of them; rows that have none are null. Forgets all.
    pub(super) fn take(&mut self, column: Column, lengths: &[usize]) -> Option<ArrayRef> {
        let Self { pens, ids, ends, octets } = std::mem::take(self);
        let Kind::List(item) = column.kind() else { return None };
        let DataType::Struct(fields) = item.arrow_type() else { return None };
        let mut offsets = Vec::with_capacity(ends.len() + 1);
        offsets.push(0);
        offsets.extend(ends);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        let values = BinaryArray::try_new(offsets, Buffer::from_vec(octets), None).ok()?;
        let members: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(pens)),
            Arc::new(UInt16Array::from(ids)),
            Arc::new(values),
        ];
        let records = StructArray::try_new(fields, members, None).ok()?;
        let rows = OffsetBuffer::from_lengths(lengths.iter().copied());
        let set = lengths.iter().map(|length| *length > 0).collect();
        let lists = ListArray::try_new(item.item_field(), rows, Arc::new(records), Some(set));
        lists.ok().map(|lists| Arc::new(lists) as ArrayRef)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Array as _;
    use arrow_array::cast::AsArray as _;
    use arrow_array::types::{UInt16Type, UInt32Type};
    use penstock_record::column;

    use super::*;

    #[test]
    fn records_are_listed_by_row_and_those_of_sflow_itself_are_under_its_number() {
        let mut extras = Extras::default();
        for (enterprise, format, octets) in [(0, 1004, b"ab"), (9, 1, b"cd"), (4095, 4095, b"ef")] {
            assert!(extras.push(Record { enterprise, format, octets }));
        }
        let array = extras.take(column::EXTRA, &[0, 2, 1]).unwrap();
        let lists = array.as_list::<i32>();
        assert_eq!([0, 1, 2].map(|row| lists.is_valid(row)), [false, true, true]);
        let records = lists.values().as_struct();
        let pens = records.column(0).as_primitive::<UInt32Type>();
        assert_eq!(pens.values().to_vec(), [SFLOW_PEN, 9, 4095]);
        assert_eq!(records.column(1).as_primitive::<UInt16Type>().value(0), 1004);
        assert_eq!(records.column(2).as_binary::<i32>().value(2), b"ef");
        assert_eq!((extras.len(), extras.octets()), (0, 0));
    }
}
