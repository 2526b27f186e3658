// SPDX-License-Identifier: Apache-2.0
//! Batches are built from columns of every kind, and mistakes in building them are named.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{UInt8Type, UInt16Type, UInt64Type};
use arrow_array::{ListArray, StringArray, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::DataType;
use penstock_record::{BatchBuilder, Column, Kind, Validity, column};

#[test]
fn every_kind_is_built_and_reads_back() {
    let valid = Validity::from_iter([true, false]);
    let some = Some(&valid);
    let mut builder = BatchBuilder::new(2);
    builder.u8(column::PROTOCOL, None, [6, 17].into_iter());
    builder.u16(column::SRC_PORT, some, [443, 0].into_iter());
    builder.u32(column::IN_IF, None, [1, 2].into_iter());
    builder.u64(column::OCTETS, None, [u64::MAX, 0].into_iter());
    builder.f64(column::SAMPLING_RATE, some, [0.5, 0.0].into_iter());
    builder.bool(column::TIME_SUSPECT, some, [true, false].into_iter());
    builder.ip(column::SRC_ADDR, None, [[1; 16], [2; 16]].into_iter());
    builder.mac(column::SRC_MAC, some, [[3; 6], [0; 6]].into_iter());
    builder.timestamps(column::TIME_START, None, [-1, 1].into_iter());
    builder.timestamps_s(column::TIME_STORED, None, [5, 6].into_iter());
    builder.dictionary(column::TUNNEL_TYPE, some, &["gre", "vxlan"], [1, 0].into_iter());
    builder.constant_text(column::SOURCE_KIND, "probe");
    builder.text(column::APPLICATION_NAME, some, ["dns", ""].into_iter());
    builder.binary(column::APPLICATION_ID, some, [&[3_u8, 0][..], &[]].into_iter());
    builder.list_u8(column::MPLS_TTLS, some, [2, 0].into_iter(), vec![1, 2]);
    builder.list_i8(column::PSTATS_DIRECTIONS, some, [1, 0].into_iter(), vec![-1]);
    builder.list_u16(column::VLAN_IDS, None, [1, 2].into_iter(), vec![1, 2, 3]);
    builder.list_u32(column::MPLS_LABELS, some, [0, 0].into_iter(), vec![]);
    builder.list_timestamps(column::PSTATS_TIMES, some, [1, 0].into_iter(), vec![9]);
    let batch = builder.finish();

    let get = |column: Column| batch.column_by_name(column.name()).unwrap();
    assert_eq!(get(column::PROTOCOL).as_primitive::<UInt8Type>().values().to_vec(), [6, 17]);
    let ports = get(column::SRC_PORT).as_primitive::<UInt16Type>();
    assert_eq!(ports.iter().collect::<Vec<_>>(), [Some(443), None]);
    assert_eq!(get(column::OCTETS).as_primitive::<UInt64Type>().value(0), u64::MAX);
    assert!(get(column::TIME_SUSPECT).as_boolean().value(0));
    assert_eq!(get(column::SRC_ADDR).as_fixed_size_binary().value(1), [2; 16]);
    let tunnels = get(column::TUNNEL_TYPE).as_dictionary::<UInt8Type>();
    let words = tunnels.downcast_dict::<StringArray>().unwrap();
    assert_eq!(words.into_iter().collect::<Vec<_>>(), [Some("vxlan"), None]);
    let names = get(column::APPLICATION_NAME).as_string::<i32>();
    assert_eq!(names.iter().collect::<Vec<_>>(), [Some("dns"), None]);
    let vlans = get(column::VLAN_IDS).as_list::<i32>().value(1);
    assert_eq!(vlans.as_primitive::<UInt16Type>().values().to_vec(), [2, 3]);
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        assert_eq!(field.data_type(), array.data_type(), "{}", field.name());
    }
    assert!(batch.schema().fields().iter().is_sorted_by_key(|field| Column::by_name(field.name())));
}

#[test]
fn lists_of_structs_come_as_arrays() {
    let mut builder = BatchBuilder::new(1);
    let Kind::List(item) = column::EXTRA.kind() else { panic!("extra is a list") };
    let DataType::Struct(fields) = item.arrow_type() else { panic!("of structs") };
    let structs = Arc::new(StructArray::new_null(fields, 0));
    let offsets = OffsetBuffer::from_lengths([0]);
    builder
        .array(column::EXTRA, Arc::new(ListArray::new(item.item_field(), offsets, structs, None)));
    assert_eq!(builder.finish().num_rows(), 1);
}

#[test]
fn a_batch_without_columns_keeps_its_rows() {
    assert_eq!(BatchBuilder::new(7).finish().num_rows(), 7);
}

#[test]
#[should_panic(expected = "column protocol (u8): u16 is what was expected")]
fn values_of_another_type_are_refused() {
    BatchBuilder::new(1).u16(column::PROTOCOL, None, [1].into_iter());
}

#[test]
#[should_panic(expected = "column protocol (u8): as many values as rows")]
fn values_of_another_number_are_refused() {
    BatchBuilder::new(2).u8(column::PROTOCOL, None, [1].into_iter());
}

#[test]
#[should_panic(expected = "column protocol (u8): given once")]
fn a_column_is_given_once() {
    let mut builder = BatchBuilder::new(1);
    builder.u8(column::PROTOCOL, None, [1].into_iter());
    builder.u8(column::PROTOCOL, None, [1].into_iter());
    builder.finish();
}

#[test]
#[should_panic(expected = "lengths that add up to the values")]
fn lists_that_do_not_add_up_are_refused() {
    BatchBuilder::new(1).list_u8(column::MPLS_TTLS, None, [1].into_iter(), vec![1, 2]);
}
