// SPDX-License-Identifier: Apache-2.0
//! How fast records are made: `cargo test --release -p penstock-export -- --ignored --nocapture rate`.

use std::time::Instant;

use super::*;

#[test]
#[ignore = "a measurement, of a release build"]
fn rate_of_records() {
    let batches = [
        ("probe", flows(65_536)),
        ("small batches", flows(4_096)),
        ("ten packets' lists", with_lists(&flows(65_536), 10)),
    ];
    for (name, batch) in batches {
        let times = 2_000_000 / u32::try_from(batch.num_rows()).unwrap();
        let rows = f64::from(u32::try_from(batch.num_rows()).unwrap());
        let mut encoder = IpfixEncoder::new(IpfixSettings::default());
        let mut messages = Messages::default();
        let mut best = f64::INFINITY;
        for _ in 0..5 {
            let start = Instant::now();
            for _ in 0..times {
                messages.clear();
                encoder.encode(&batch, NOW_NS, &mut messages).unwrap();
            }
            best = best.min(start.elapsed().as_secs_f64() / f64::from(times) / rows);
        }
        let columns = batch.num_columns();
        println!("{name}: {:.2} M records/s of {columns} columns", 1e-6 / best);
        assert_eq!(encoder.counts().records % batch.num_rows() as u64, 0);
    }
}

/// The batch with what pstats finds, of so many packets a flow.
fn with_lists(batch: &RecordBatch, packets: usize) -> RecordBatch {
    let rows = batch.num_rows();
    let mut lists = BatchBuilder::new(rows);
    let lengths = || std::iter::repeat_n(packets, rows);
    lists.list_u16(column::PSTATS_LENGTHS, None, lengths(), vec![1_200; rows * packets]);
    lists.list_timestamps(column::PSTATS_TIMES, None, lengths(), vec![NOW_NS; rows * packets]);
    lists.list_u8(column::PSTATS_FLAGS, None, lengths(), vec![0x18; rows * packets]);
    lists.list_i8(column::PSTATS_DIRECTIONS, None, lengths(), vec![-1; rows * packets]);
    let lists = lists.finish();
    let both = [batch, &lists];
    let fields = both.iter().flat_map(|part| part.schema().fields().to_vec());
    let schema = arrow_schema::Schema::new(fields.collect::<Vec<_>>());
    let columns = both.iter().flat_map(|part| part.columns().to_vec()).collect();
    RecordBatch::try_new(schema.into(), columns).unwrap()
}
