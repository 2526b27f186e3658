// SPDX-License-Identifier: Apache-2.0
//! What a meter's records and ledger must come to, reckoned from the packets alone.

use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampNanosecondType, UInt8Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use penstock_meter::{Fate, LedgerRow, Settings, Unit};
use penstock_wire::{Dissected, Frame};

use crate::dissected;
use crate::script::Sent;

/// Sums over packets, before anybody made flows of them.
#[derive(Debug, Default)]
pub struct Accounts {
    read: u64,
    filtered: u64,
    not_ip: u64,
    malformed: u64,
    ip: u64,
    octets: u64,
    frame_octets: u64,
    /// Least and greatest time of the IP packets.
    times: Option<(i64, i64)>,
}

impl Accounts {
    /// The sums over these packets, of which a meter takes those that `selects` does.
    pub fn of(
        packets: &[Sent],
        settings: &Settings,
        selects: Option<fn(&Frame<'_>) -> bool>,
    ) -> Self {
        let mut sums = Self { read: packets.len() as u64, ..Self::default() };
        for sent in packets {
            let frame = sent.frame();
            if selects.is_some_and(|selects| !selects(&frame)) {
                sums.filtered += 1;
                continue;
            }
            let said = dissected::said(frame, settings.tunnels);
            match said.answer {
                Ok(Dissected::Ip) => {}
                Ok(Dissected::NotIp(_)) => {
                    sums.not_ip += 1;
                    continue;
                }
                Err(_) => {
                    sums.malformed += 1;
                    continue;
                }
            }
            sums.ip += 1;
            sums.octets += u64::from(said.packet.octets);
            sums.frame_octets += u64::from(said.packet.frame_octets);
            let (least, greatest) = sums.times.unwrap_or((sent.time_ns, sent.time_ns));
            sums.times = Some((least.min(sent.time_ns), greatest.max(sent.time_ns)));
        }
        sums
    }

    /// Asserts that ledger and records are those of these packets.
    pub fn agree_with(&self, batches: &[RecordBatch], ledger: &[LedgerRow]) {
        let packets = |stage, fate| sum(ledger, stage, fate, Unit::Packets);
        assert_eq!(packets("source", Fate::In), self.read);
        assert_eq!(packets("select", Fate::Lost), self.filtered);
        assert_eq!(packets("link", Fate::Lost), self.not_ip);
        assert_eq!(packets("wire", Fate::Lost), self.malformed);
        let mut left = self.read;
        for stage in ["source", "select", "link", "wire", "fragments", "meter"] {
            assert_eq!(packets(stage, Fate::In), left, "{stage}: {ledger:?}");
            left -= packets(stage, Fate::Lost);
            assert_eq!(packets(stage, Fate::Out), left, "{stage}: {ledger:?}");
        }
        let of_tunnels = packets("fragments", Fate::Lost);
        assert_eq!(left + of_tunnels, self.ip);

        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let flows = |fate| sum(ledger, "meter", fate, Unit::Flows);
        assert_eq!(flows(Fate::Out), rows as u64);
        assert_eq!(flows(Fate::Noted), rows as u64, "each for a reason");
        assert!(flows(Fate::In) <= flows(Fate::Out));

        let sums = Sums::of(batches);
        assert_eq!(sums.packets, left);
        if of_tunnels == 0 {
            assert_eq!((sums.octets, sums.frame_octets), (self.octets, self.frame_octets));
            assert_eq!(sums.times, self.times);
        } else {
            assert!(sums.octets <= self.octets && sums.frame_octets <= self.frame_octets);
        }
    }
}

/// Sums over records, of both directions.
#[derive(Default)]
struct Sums {
    packets: u64,
    octets: u64,
    frame_octets: u64,
    times: Option<(i64, i64)>,
}

impl Sums {
    fn of(batches: &[RecordBatch]) -> Self {
        let mut sums = Self::default();
        for batch in batches {
            for row in 0..batch.num_rows() {
                let both = |name: &str| {
                    u64_of(batch, name, row) + u64_of(batch, &format!("{name}_rev"), row)
                };
                let packets = both("packets");
                assert!(packets > 0, "a record without packets");
                sums.packets += packets;
                sums.octets += both("octets");
                sums.frame_octets += both("l2_octets");
                sums.times(batch, row);
                let reason = batch.column_by_name("end_reason").expect("the column");
                let reason = reason.as_primitive::<UInt8Type>().value(row);
                assert!((1..=5).contains(&reason), "end reason {reason}");
            }
        }
        sums
    }

    fn times(&mut self, batch: &RecordBatch, row: usize) {
        for (start, end) in [("time_start", "time_end"), ("time_start_rev", "time_end_rev")] {
            let (Some(start), Some(end)) = (time_of(batch, start, row), time_of(batch, end, row))
            else {
                continue;
            };
            assert!(start <= end, "a record ends before it starts");
            let (least, greatest) = self.times.unwrap_or((start, end));
            self.times = Some((least.min(start), greatest.max(end)));
        }
    }
}

fn sum(ledger: &[LedgerRow], stage: &str, fate: Fate, unit: Unit) -> u64 {
    let rows = ledger.iter().filter(|row| (row.stage, row.fate, row.unit) == (stage, fate, unit));
    rows.map(|row| row.count).sum()
}

/// 0 where the batch has no such column.
fn u64_of(batch: &RecordBatch, name: &str, row: usize) -> u64 {
    batch.column_by_name(name).map_or(0, |column| column.as_primitive::<UInt64Type>().value(row))
}

fn time_of(batch: &RecordBatch, name: &str, row: usize) -> Option<i64> {
    let column = batch.column_by_name(name)?.as_primitive::<TimestampNanosecondType>();
    column.is_valid(row).then(|| column.value(row))
}
