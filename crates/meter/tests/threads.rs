// SPDX-License-Identifier: Apache-2.0
//! The same batches come out for any number of threads.

#![expect(clippy::cast_possible_truncation, reason = "numbers are drawn below small bounds")]

mod traffic;

use std::sync::Arc;

use arrow_array::RecordBatch;
use penstock_meter::Settings;
use traffic::{ACK, FIN, MS, Packet, SYN, batches, fragment, tcp, udp};

/// Packets of every sort, at times that now and then run backwards or jump.
fn mixed(packets: u32) -> Vec<Packet> {
    let mut random = 12_345_u64;
    let mut next = move |below: u64| {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let mut time_ns = 0;
    let mut all = Vec::new();
    for number in 0..packets {
        time_ns += next(5).cast_signed() * MS;
        match next(2_000) {
            0 => time_ns += 40_000 * MS,
            1 => time_ns -= 3_000 * MS,
            2..4 => {
                // A frame that is no packet moves the clock all the same: fragments age by it.
                all.push((time_ns + 31_000 * MS, vec![0; 14]));
            }
            _ => {}
        }
        let (a, b) = ((next(40) as u8, next(30) as u16), (next(40) as u8, 80));
        let octets = match next(10) {
            0 => fragment(a.0, b.0, 17, &[1; 24], next(500) as u16, 0x2000),
            1 => fragment(a.0, b.0, 17, &[1; 24], next(500) as u16, 3),
            2 => tcp(a, b, SYN),
            3 => tcp(b, a, FIN | ACK),
            4 => tcp(a, b, FIN | ACK),
            5..8 => tcp(a, b, ACK),
            _ => udp(a, b, number as usize % 100),
        };
        all.push((time_ns, octets));
    }
    all
}

#[test]
fn one_two_three_and_eight_threads_agree_to_the_row_and_the_batch() {
    let packets = Arc::new(mixed(60_000));
    for max_flows in [1_000_000, 300] {
        let plugins = ["pstats", "basicplus", "community_id"];
        let settings = |threads| Settings {
            threads,
            max_flows,
            rows_per_batch: 1_000,
            plugins: plugins.map(|name| (name.to_owned(), [].into())).to_vec(),
            ..Settings::default()
        };
        let alone = batches(&packets, &settings(1));
        assert!(alone.len() > 5);
        for threads in [2, 3, 8] {
            let together = batches(&packets, &settings(threads));
            assert_eq!(alone.len(), together.len(), "{threads} threads, {max_flows} flows");
            for (one, other) in alone.iter().zip(&together) {
                assert_eq!(one, other, "{threads} threads, {max_flows} flows");
            }
        }
    }
}

#[test]
fn a_count_stops_at_that_packet_whatever_the_threads() {
    let packets = Arc::new(mixed(5_000)[..1_234].to_vec());
    for threads in [1, 3] {
        let settings = Settings { threads, count: Some(1_234), ..Settings::default() };
        let whole = batches(&packets, &settings);
        assert!(!whole.is_empty());
    }
}

#[test]
fn a_meter_that_is_dropped_halfway_lets_its_threads_go() {
    let source = traffic::Replay::of(mixed(50_000));
    let settings = Settings { threads: 4, rows_per_batch: 10, ..Settings::default() };
    let mut meter =
        penstock_meter::Meter::new(source, None::<penstock_meter::SelectAll>, &settings).unwrap();
    assert!(meter.next_batch().unwrap().is_some());
}

#[test]
fn flows_that_come_and_go_over_long_times_are_each_counted_once() {
    let mut packets = Vec::new();
    for number in 0..60_000_i64 {
        let port = u16::try_from(number % 5_000).unwrap();
        let host = u8::try_from(number * 7 % 251).unwrap();
        packets.push((number * 20 * MS, udp((host, port), (1, 53), 1)));
    }
    let packets = Arc::new(packets);
    let rows = |threads| {
        let settings = Settings { threads, ..Settings::default() };
        batches(&packets, &settings).iter().map(RecordBatch::num_rows).sum::<usize>()
    };
    assert_eq!((rows(1), rows(3)), (60_000, 60_000));
}
