// SPDX-License-Identifier: Apache-2.0
//! A biflow as two directions: the one rule, for every sink that wants uniflows.
//!
//! The row of the reverse direction follows the row it comes from. What each column has
//! there is said in the registry (`split`), not here.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{UInt8Type, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow_data::transform::MutableArrayData;
use arrow_schema::{FieldRef, Schema};

use crate::{Column, Turned, column};

/// Makes two rows of each biflow: the ends change places in the second, and its counters,
/// flags and times are those of the `_rev` columns, which end here. A reverse side that sent
/// nothing gets no row. What is not known of the reverse direction alone, such as most of what
/// plugins found and columns that the registry does not know, is null in the second row.
///
/// # Panics
///
/// If text, lists or octets of one column exceed what 32-bit offsets can hold.
pub fn split_biflows(batch: &RecordBatch) -> RecordBatch {
    let spoke = reverse_spoke(batch);
    let rows = batch.num_rows() + spoke.iter().filter(|spoke| **spoke).count();
    let schema = batch.schema();
    let (fields, arrays): (Vec<FieldRef>, Vec<ArrayRef>) = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .filter_map(|(field, array)| {
            let known = Column::by_name(field.name());
            let turned = known.map_or(Turned::First, |column| column.spec().turned);
            let second = match turned {
                Turned::Gone => return None,
                Turned::First => Second::Null,
                Turned::Same => Second::Same,
                Turned::Other(other) => {
                    batch.column_by_name(other.name()).map_or(Second::Null, Second::other)
                }
                Turned::IcmpAnswer => Second::mapped(array, icmp_answer),
                Turned::Initiator => Second::mapped(array, other_initiator),
            };
            Some((Arc::clone(field), interleave(array, &second, &spoke, rows)))
        })
        .unzip();
    let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options)
        .expect("every array has the type it had and as many rows as the others")
}

/// What a column has in the rows of the reverse direction.
enum Second {
    Null,
    Same,
    Other(ArrayRef),
}

impl Second {
    fn other(array: &ArrayRef) -> Self {
        Self::Other(Arc::clone(array))
    }

    fn mapped(array: &ArrayRef, map: fn(u8) -> u8) -> Self {
        array
            .as_primitive_opt::<UInt8Type>()
            .map_or(Self::Null, |values| Self::Other(Arc::new(values.unary::<_, UInt8Type>(map))))
    }
}

/// For each row, whether its reverse direction is a row of its own.
fn reverse_spoke(batch: &RecordBatch) -> Vec<bool> {
    let packets = batch
        .column_by_name(column::PACKETS_REV.name())
        .and_then(|array| array.as_primitive_opt::<UInt64Type>());
    packets.map_or_else(
        || vec![false; batch.num_rows()],
        |packets| {
            packets.iter().map(|packets| packets.is_some_and(|packets| packets > 0)).collect()
        },
    )
}

fn interleave(first: &ArrayRef, second: &Second, spoke: &[bool], rows: usize) -> ArrayRef {
    let first = first.to_data();
    let other = match second {
        Second::Other(other) => Some(other.to_data()),
        Second::Null | Second::Same => None,
    };
    let sources: Vec<_> = std::iter::once(&first).chain(&other).collect();
    let source = sources.len() - 1;
    let with_nulls = matches!(second, Second::Null);
    let mut out = MutableArrayData::new(sources, with_nulls, rows);
    let mut done = 0;
    for (row, _) in spoke.iter().enumerate().filter(|(_, spoke)| **spoke) {
        out.try_extend(0, done, row + 1).expect(FITS);
        done = row + 1;
        if with_nulls {
            out.try_extend_nulls(1).expect(FITS);
        } else {
            out.try_extend(source, row, row + 1).expect(FITS);
        }
    }
    out.try_extend(0, done, spoke.len()).expect(FITS);
    make_array(out.freeze())
}

const FITS: &str = "a column's offsets are of 32 bits";

/// The type that answers an `ICMP` (RFC 792, RFC 950) or `ICMPv6` (RFC 4443) request, and the other way
/// round. The two families use no number for different things here.
const fn icmp_answer(kind: u8) -> u8 {
    match kind {
        0 => 8,
        8 => 0,
        13 => 14,
        14 => 13,
        15 => 16,
        16 => 15,
        17 => 18,
        18 => 17,
        128 => 129,
        129 => 128,
        other => other,
    }
}

/// RFC 5103 section 6.3: 1 is the initiator, 2 the reverse initiator.
const fn other_initiator(direction: u8) -> u8 {
    match direction {
        1 => 2,
        2 => 1,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::types::{TimestampNanosecondType, UInt16Type};

    use super::*;
    use crate::{BatchBuilder, Validity};

    /// Three flows: a biflow, one whose reverse side was silent, and a uniflow.
    fn flows() -> RecordBatch {
        let mut builder = BatchBuilder::new(3);
        let biflow = Validity::from_iter([true, true, false]);
        let spoke = Validity::from_iter([true, false, false]);
        builder.timestamps(column::TIME_START, None, [10, 20, 30].into_iter());
        builder.timestamps(column::TIME_START_REV, Some(&spoke), [11, 0, 0].into_iter());
        builder.ip(column::SRC_ADDR, None, [[1; 16], [3; 16], [5; 16]].into_iter());
        builder.ip(column::DST_ADDR, None, [[2; 16], [4; 16], [6; 16]].into_iter());
        builder.u64(column::PACKETS, None, [7, 8, 9].into_iter());
        builder.u64(column::PACKETS_REV, Some(&biflow), [3, 0, 0].into_iter());
        builder.u8(column::ICMP_TYPE, None, [8, 3, 3].into_iter());
        builder.u8(column::PROTOCOL, None, [1, 6, 17].into_iter());
        builder.u32(column::IPV6_FLOW_LABEL, Some(&spoke), [5, 0, 0].into_iter());
        builder.u16(column::TCP_WINDOW, Some(&biflow), [100, 200, 0].into_iter());
        builder.u16(column::TCP_WINDOW_REV, Some(&spoke), [101, 0, 0].into_iter());
        builder.list_u16(
            column::PSTATS_LENGTHS,
            Some(&biflow),
            [2, 1, 0].into_iter(),
            vec![1, 2, 3],
        );
        builder.constant_text(column::SOURCE_KIND, "probe");
        builder.finish()
    }

    #[test]
    fn only_a_reverse_side_that_spoke_gets_a_row_of_its_own() {
        let split = split_biflows(&flows());
        assert_eq!(split.num_rows(), 4);
        assert_eq!(u64s(&split, "packets"), [7, 3, 8, 9].map(Some));
        assert!(split.schema().fields().iter().all(|field| !field.name().ends_with("_rev")));
    }

    #[test]
    fn ends_change_places_and_times_are_the_reverse_sides_own() {
        let split = split_biflows(&flows());
        let ends = |name: &str| -> Vec<u8> {
            let array = split.column_by_name(name).unwrap().as_fixed_size_binary();
            array.iter().map(|address| address.unwrap()[0]).collect()
        };
        assert_eq!(ends("src_addr"), [1, 2, 3, 5]);
        assert_eq!(ends("dst_addr"), [2, 1, 4, 6]);
        let starts = split.column_by_name("time_start").unwrap();
        let starts = starts.as_primitive::<TimestampNanosecondType>();
        assert_eq!(starts.values().to_vec(), [10, 11, 20, 30]);
    }

    #[test]
    fn an_echo_request_is_answered_by_a_reply() {
        let split = split_biflows(&flows());
        let kinds = split.column_by_name("icmp_type").unwrap().as_primitive::<UInt8Type>();
        assert_eq!(kinds.values().to_vec(), [8, 0, 3, 3]);
    }

    #[test]
    fn plugin_columns_stay_on_the_first_row_but_for_twins() {
        let split = split_biflows(&flows());
        let windows = split.column_by_name("tcp_window").unwrap().as_primitive::<UInt16Type>();
        assert_eq!(windows.iter().collect::<Vec<_>>(), [Some(100), Some(101), Some(200), None]);
        let lengths = split.column_by_name("pstats_lengths").unwrap();
        assert_eq!([0, 1, 2, 3].map(|row| lengths.is_valid(row)), [true, false, true, false]);
        assert_eq!(
            lengths.as_list::<i32>().value(2).as_primitive::<UInt16Type>().values().to_vec(),
            [3]
        );
        let labels = split.column_by_name("ipv6_flow_label").unwrap();
        assert_eq!([0, 1].map(|row| labels.is_valid(row)), [true, false]);
    }

    #[test]
    fn splitting_twice_is_splitting_once() {
        let once = split_biflows(&flows());
        assert_eq!(split_biflows(&once), once);
    }

    #[test]
    fn a_slice_of_a_batch_is_split_like_the_batch() {
        let batch = flows();
        let whole = split_biflows(&batch);
        assert_eq!(split_biflows(&batch.slice(0, 1)), whole.slice(0, 2));
        assert_eq!(split_biflows(&batch.slice(1, 2)), whole.slice(2, 2));
        assert_eq!(split_biflows(&batch.slice(0, 0)).num_rows(), 0);
    }

    fn u64s(batch: &RecordBatch, name: &str) -> Vec<Option<u64>> {
        batch.column_by_name(name).unwrap().as_primitive::<UInt64Type>().iter().collect()
    }
}
