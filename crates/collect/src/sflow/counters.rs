// SPDX-License-Identifier: Apache-2.0
//! Counter samples to rows of interface counters.

use penstock_codec::Malformed;
use penstock_codec::sflow::{CounterRecord, CounterSample, Ethernet, GenericInterface, Source};
use penstock_record::column::interface_counters as column;
use penstock_record::{BatchBuilder, Column, Validity};

use crate::rows::Exporters;

use super::SflowMessage;
use super::extras::Extras;
use super::origins::Session;

/// One counter sample while it waits.
#[derive(Clone, Copy, Debug)]
struct CounterRow {
    exporter: u32,
    received_ns: i64,
    /// The datagram's.
    sequence: u32,
    sample_sequence: u32,
    source: Source,
    generic: Option<GenericInterface>,
    ethernet: Option<Ethernet>,
    extras: u32,
}

/// Counter samples that wait.
#[derive(Debug, Default)]
pub(super) struct Counters {
    rows: Vec<CounterRow>,
    pub extras: Extras,
}

impl Counters {
    /// Keeps a sample. Of one that is not whole, what could be read is kept.
    pub(super) fn take(
        &mut self,
        sample: CounterSample<'_>,
        message: &SflowMessage,
        sequence: u32,
        unkept: &mut u32,
    ) -> Result<(), Malformed> {
        let mut row = CounterRow {
            exporter: message.exporter,
            received_ns: message.received_ns,
            sequence,
            sample_sequence: sample.head.sequence,
            source: sample.head.source,
            generic: None,
            ethernet: None,
            extras: 0,
        };
        let mut outcome = Ok(());
        for record in sample.records {
            let read = record.and_then(|record| Ok((record, CounterRecord::read(record)?)));
            match read {
                Ok((_, CounterRecord::GenericInterface(generic))) if row.generic.is_none() => {
                    row.generic = Some(generic);
                }
                Ok((_, CounterRecord::Ethernet(ethernet))) if row.ethernet.is_none() => {
                    row.ethernet = Some(ethernet);
                }
                Ok((record, _)) if self.extras.push(record) => row.extras += 1,
                Ok(_) => *unkept += 1,
                Err(wrong) => outcome = outcome.and(Err(wrong)),
            }
        }
        self.rows.push(row);
        outcome
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Fills a batch with all that wait, and forgets them.
    pub(super) fn drain(&mut self, exporters: &dyn Exporters, batch: &mut BatchBuilder) {
        let rows = std::mem::take(&mut self.rows);
        let session = Session::new(exporters);
        let of = |row: &CounterRow| session.of(row.exporter);
        batch.timestamps(column::TIME_RECEIVED, None, rows.iter().map(|row| row.received_ns));
        batch.ip(column::EXPORTER_ADDR, None, rows.iter().map(|row| of(row).addr));
        batch.u16(column::EXPORTER_PORT, None, rows.iter().map(|row| of(row).port));
        batch.u32(column::OBSERVATION_DOMAIN, None, rows.iter().map(|row| of(row).domain));
        batch.u32(column::SEQUENCE, None, rows.iter().map(|row| row.sequence));
        batch.u32(column::SAMPLE_SEQUENCE, None, rows.iter().map(|row| row.sample_sequence));
        batch.u32(column::SOURCE_CLASS, None, rows.iter().map(|row| row.source.class));
        batch.u32(column::SOURCE_INDEX, None, rows.iter().map(|row| row.source.index));
        if rows.iter().any(|row| row.generic.is_some()) {
            fill_generic(&rows, batch);
        }
        if rows.iter().any(|row| row.ethernet.is_some()) {
            for (column, value) in ETHERNET {
                fill_u32(&rows, *column, |row| row.ethernet.as_ref().map(value), batch);
            }
        }
        if self.extras.len() > 0 {
            let lengths: Vec<usize> = rows.iter().map(|row| row.extras as usize).collect();
            if let Some(array) = self.extras.take(column::EXTRA, &lengths) {
                batch.array(column::EXTRA, array);
            }
        }
    }
}

fn fill_generic(rows: &[CounterRow], batch: &mut BatchBuilder) {
    for (column, value) in GENERIC {
        fill_u32(rows, *column, |row| row.generic.as_ref().map(value), batch);
    }
    for (column, value) in GENERIC_LONG {
        // All bits set: the device does not keep it.
        let counter = |row: &CounterRow| {
            row.generic.as_ref().map(value).filter(|counter| *counter != u64::MAX)
        };
        let valid = Validity::new(rows.iter().map(|row| counter(row).is_some()));
        batch.u64(*column, Some(&valid), rows.iter().map(|row| counter(row).unwrap_or(0)));
    }
}

fn fill_u32(
    rows: &[CounterRow],
    column: Column,
    value: impl Fn(&CounterRow) -> Option<u32>,
    batch: &mut BatchBuilder,
) {
    let counter = |row: &CounterRow| value(row).filter(|counter| *counter != u32::MAX);
    let valid = Validity::new(rows.iter().map(|row| counter(row).is_some()));
    batch.u32(column, Some(&valid), rows.iter().map(|row| counter(row).unwrap_or(0)));
}

type Counter<T, N> = (Column, fn(&T) -> N);

const GENERIC_LONG: &[Counter<GenericInterface, u64>] = &[
    (column::IF_SPEED_BPS, |one| one.if_speed),
    (column::IN_OCTETS, |one| one.if_in_octets),
    (column::OUT_OCTETS, |one| one.if_out_octets),
];

const GENERIC: &[Counter<GenericInterface, u32>] = &[
    (column::IF_INDEX, |one| one.if_index),
    (column::IF_TYPE, |one| one.if_type),
    (column::IF_DIRECTION, |one| one.if_direction),
    (column::IF_STATUS, |one| one.if_status),
    (column::IN_UNICAST_PACKETS, |one| one.if_in_ucast_pkts),
    (column::IN_MULTICAST_PACKETS, |one| one.if_in_multicast_pkts),
    (column::IN_BROADCAST_PACKETS, |one| one.if_in_broadcast_pkts),
    (column::IN_DISCARDS, |one| one.if_in_discards),
    (column::IN_ERRORS, |one| one.if_in_errors),
    (column::IN_UNKNOWN_PROTOCOLS, |one| one.if_in_unknown_protos),
    (column::OUT_UNICAST_PACKETS, |one| one.if_out_ucast_pkts),
    (column::OUT_MULTICAST_PACKETS, |one| one.if_out_multicast_pkts),
    (column::OUT_BROADCAST_PACKETS, |one| one.if_out_broadcast_pkts),
    (column::OUT_DISCARDS, |one| one.if_out_discards),
    (column::OUT_ERRORS, |one| one.if_out_errors),
    (column::PROMISCUOUS, |one| one.if_promiscuous_mode),
];

const ETHERNET: &[Counter<Ethernet, u32>] = &[
    (column::ETHERNET_ALIGNMENT_ERRORS, |one| one.alignment_errors),
    (column::ETHERNET_FCS_ERRORS, |one| one.fcs_errors),
    (column::ETHERNET_SINGLE_COLLISIONS, |one| one.single_collision_frames),
    (column::ETHERNET_MULTIPLE_COLLISIONS, |one| one.multiple_collision_frames),
    (column::ETHERNET_SQE_TEST_ERRORS, |one| one.sqe_test_errors),
    (column::ETHERNET_DEFERRED_TRANSMISSIONS, |one| one.deferred_transmissions),
    (column::ETHERNET_LATE_COLLISIONS, |one| one.late_collisions),
    (column::ETHERNET_EXCESSIVE_COLLISIONS, |one| one.excessive_collisions),
    (column::ETHERNET_INTERNAL_TRANSMIT_ERRORS, |one| one.internal_mac_transmit_errors),
    (column::ETHERNET_CARRIER_SENSE_ERRORS, |one| one.carrier_sense_errors),
    (column::ETHERNET_FRAMES_TOO_LONG, |one| one.frame_too_longs),
    (column::ETHERNET_INTERNAL_RECEIVE_ERRORS, |one| one.internal_mac_receive_errors),
    (column::ETHERNET_SYMBOL_ERRORS, |one| one.symbol_errors),
];
