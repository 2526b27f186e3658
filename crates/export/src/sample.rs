// SPDX-License-Identifier: Apache-2.0
//! A batch for tests: every Arrow type the schema knows, in columns named as the schema names
//! them. The first row has a value everywhere, the second empty values, the third only nulls.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, FixedSizeBinaryBuilder, ListBuilder, StructBuilder, UInt16Builder, UInt32Builder,
};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, DictionaryArray, DurationNanosecondArray, Float64Array,
    ListArray, RecordBatch, StringArray, TimestampNanosecondArray, TimestampSecondArray,
    UInt8Array, UInt16Array, UInt32Array, UInt64Array, types,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, Fields, Schema};

/// Three flows.
pub(crate) fn flows() -> RecordBatch {
    let columns = columns();
    let fields = columns.iter().map(|(name, array)| {
        let field = Field::new(*name, array.data_type().clone(), true);
        let extension = match array.data_type() {
            DataType::FixedSizeBinary(16) => "penstock.ip",
            DataType::FixedSizeBinary(6) => "penstock.mac",
            _ => return field,
        };
        field.with_metadata(HashMap::from([("ARROW:extension:name".into(), extension.into())]))
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    RecordBatch::try_new(schema, columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

/// 2026-01-02T03:04:05.000000001Z.
const START: i64 = 1_767_323_045_000_000_001;
const SNI: &str = "a\"b\\c\n\u{1b}\0é";
const IPV4: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1];
const IPV4_ANY: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0];
const IPV6: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

fn columns() -> Vec<(&'static str, ArrayRef)> {
    let source = DictionaryArray::new(
        UInt8Array::from(vec![Some(0), None, None]),
        Arc::new(StringArray::from(vec!["probe"])),
    );
    vec![
        ("time_start", moments(vec![Some(START), Some(0), None])),
        (
            "time_stored",
            Arc::new(
                TimestampSecondArray::from(vec![Some(1_767_323_046), None, None])
                    .with_timezone("UTC"),
            ),
        ),
        ("src_addr", octets(16, &[Some(&IPV4), Some(&IPV4_ANY), None])),
        ("dst_addr", octets(16, &[Some(&IPV6), Some(&[0; 16]), None])),
        ("src_mac", octets(6, &[Some(&[2, 0, 0x5e, 0, 0x53, 1]), None, None])),
        ("protocol", Arc::new(UInt8Array::from(vec![Some(6), Some(17), None]))),
        ("dst_port", Arc::new(UInt16Array::from(vec![Some(443), None, None]))),
        ("ipv6_flow_label", Arc::new(UInt32Array::from(vec![Some(0xf_ffff), None, None]))),
        ("octets", Arc::new(UInt64Array::from(vec![Some(u64::MAX), Some(0), None]))),
        ("tcp_flags", Arc::new(UInt16Array::from(vec![Some(0x1b), None, None]))),
        ("end_reason", Arc::new(UInt8Array::from(vec![Some(3), None, None]))),
        ("time_suspect", Arc::new(BooleanArray::from(vec![Some(true), None, None]))),
        ("sampling_rate", Arc::new(Float64Array::from(vec![Some(512.5), None, None]))),
        ("source_kind", Arc::new(source)),
        ("tls_sni", Arc::new(StringArray::from(vec![Some(SNI), Some(""), None]))),
        ("tcp_rtt", Arc::new(DurationNanosecondArray::from(vec![Some(1_500_000_000), None, None]))),
        (
            "application_id",
            Arc::new(BinaryArray::from(vec![Some([0x0d, 0xff].as_slice()), Some(&[]), None])),
        ),
        ("pstats_lengths", list::<types::UInt16Type>(&[Some(&[60, 1500]), Some(&[]), None])),
        ("pstats_times", times()),
        ("pstats_directions", list::<types::Int8Type>(&[Some(&[1, -1]), None, None])),
        ("extra", extra()),
    ]
}

fn moments(values: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from(values).with_timezone("UTC"))
}

fn octets(width: i32, rows: &[Option<&[u8]>]) -> ArrayRef {
    let mut builder = FixedSizeBinaryBuilder::new(width);
    for row in rows {
        match row {
            Some(octets) => builder.append_value(octets).unwrap(),
            None => builder.append_null(),
        }
    }
    Arc::new(builder.finish())
}

fn list<T: types::ArrowPrimitiveType>(rows: &[Option<&[T::Native]>]) -> ArrayRef {
    let rows = rows.iter().map(|row| row.map(|items| items.iter().copied().map(Some)));
    Arc::new(ListArray::from_iter_primitive::<T, _, _>(rows))
}

fn times() -> ArrayRef {
    let items = moments(vec![Some(START)]);
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([1, 0, 0]);
    Arc::new(ListArray::new(field, offsets, items, Some(vec![true, false, false].into())))
}

fn extra() -> ArrayRef {
    let fields = Fields::from(vec![
        Field::new("pen", DataType::UInt32, false),
        Field::new("id", DataType::UInt16, false),
        Field::new("value", DataType::Binary, true),
    ]);
    let mut rows = ListBuilder::new(StructBuilder::from_fields(fields, 2));
    for (pen, id, value) in [(8057, 1013, Some([0x00, 0xff])), (0, 1, None)] {
        let element = rows.values();
        element.field_builder::<UInt32Builder>(0).unwrap().append_value(pen);
        element.field_builder::<UInt16Builder>(1).unwrap().append_value(id);
        element.field_builder::<BinaryBuilder>(2).unwrap().append_option(value);
        element.append(true);
    }
    rows.append(true);
    rows.append(true);
    rows.append(false);
    Arc::new(rows.finish())
}
