// SPDX-License-Identifier: Apache-2.0
//! What must hold of a collector whatever it was sent: batches are of the registry's columns, the
//! ledger adds up, bounds hold.

use std::collections::HashMap;

use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use penstock_collect::{Collector, Settings};
use penstock_record::{BatchKind, Column, Fate, Kind, LedgerRow, Unit};

/// Takes what waits, and checks it.
pub fn take(collector: &mut Collector) -> Vec<(BatchKind, RecordBatch)> {
    let waiting = collector.waiting();
    let before = count(&collector.ledger(), "decode", Fate::Out, Unit::Flows);
    let batches = collector.take();
    let rows = |wanted: Option<BatchKind>| -> usize {
        let wanted = batches.iter().filter(|(kind, _)| wanted.is_none_or(|wanted| wanted == *kind));
        wanted.map(|(_, batch)| batch.num_rows()).sum()
    };
    assert_eq!(rows(None), waiting);
    assert_eq!(collector.waiting(), 0);
    assert!(!collector.is_full(1));
    for (kind, batch) in &batches {
        check(*kind, batch);
    }
    let ledger = collector.ledger();
    let flows = count(&ledger, "decode", Fate::Out, Unit::Flows);
    assert_eq!(flows - before, rows(Some(BatchKind::Flows)) as u64);
    let decoded = count(&ledger, "decode", Fate::In, Unit::Records);
    assert_eq!(decoded, flows + count(&ledger, "decode", Fate::Lost, Unit::Records));
    batches
}

/// What the ledger counts, whatever the reason.
pub fn count(ledger: &[LedgerRow], stage: &str, fate: Fate, unit: Unit) -> u64 {
    let rows = ledger.iter().filter(|row| (row.stage, row.fate, row.unit) == (stage, fate, unit));
    rows.map(|row| row.count).sum()
}

/// Messages that a collector has taken.
pub fn messages(collector: &Collector) -> u64 {
    count(&collector.ledger(), "message", Fate::In, Unit::Datagrams)
}

/// What the ledger notes under a word.
pub fn noted(ledger: &[LedgerRow], word: &str) -> u64 {
    ledger.iter().filter(|row| row.reason == word).map(|row| row.count).sum()
}

/// Asserts that the ledger adds up after so many messages and that no bound is passed.
pub fn check_ledger(collector: &Collector, settings: &Settings, messages: u64) {
    let ledger = collector.ledger();
    let datagrams = |fate| count(&ledger, "message", fate, Unit::Datagrams);
    assert_eq!(datagrams(Fate::In), messages);
    assert_eq!(datagrams(Fate::In), datagrams(Fate::Out) + datagrams(Fate::Lost));

    let exporters = collector.exporters();
    assert!(exporters.len() <= settings.max_exporters.max(1));
    let waiting: u64 = exporters.iter().map(|exporter| exporter.parked).sum();
    assert!(waiting <= settings.parked_octets as u64);
    let gone = ["replayed", "given up: no template came", "given up: exporter forgotten"];
    let gone: u64 = gone.iter().map(|word| noted(&ledger, word)).sum();
    assert_eq!(noted(&ledger, "parked") - datagrams_parked(&ledger), gone + waiting);
    for exporter in &exporters {
        assert!(exporter.templates <= settings.max_templates);
        assert!(exporter.sampling_rate >= 0.0 && exporter.sampling_rate.is_finite());
    }
    let templates = collector.templates();
    assert!(templates.iter().all(|template| template.fields.len() <= settings.max_fields));
    if noted(&ledger, "forgotten for want of room") == 0 {
        let decoded = count(&ledger, "decode", Fate::In, Unit::Records);
        let lost = count(&ledger, "decode", Fate::Lost, Unit::Records);
        let told: u64 = exporters.iter().map(|exporter| exporter.records).sum();
        assert_eq!(decoded - lost, told);
    }
}

/// Messages and sets are both parked.
fn datagrams_parked(ledger: &[LedgerRow]) -> u64 {
    let parked = ledger.iter().filter(|row| row.stage == "message" && row.reason == "parked");
    parked.map(|row| row.count).sum()
}

/// Asserts that a batch is one of its kind: columns of the registry in its order, sound arrays,
/// groups that are null together.
pub fn check(kind: BatchKind, batch: &RecordBatch) {
    assert!(batch.num_rows() > 0);
    let mut last = None;
    let mut nulls = HashMap::new();
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        let column = Column::by_name_in(kind, field.name()).expect("a column of the kind");
        assert!(last.is_none_or(|last| last < column), "{column:?} out of order");
        last = Some(column);
        assert_eq!(field, column.field());
        array.to_data().validate_full().expect("a sound array");
        assert_eq!(array.len(), batch.num_rows());
        if let (Kind::Dictionary, DataType::Dictionary(_, words)) =
            (column.kind(), array.data_type())
        {
            assert_eq!(**words, DataType::Utf8);
        }
        // Counters are null one by one, see the registry.
        if kind != BatchKind::InterfaceCounters {
            let of_group =
                nulls.entry(column.spec().group).or_insert_with(|| array.logical_nulls());
            let own = array.logical_nulls();
            let is_null = |row| own.as_ref().is_some_and(|nulls| nulls.is_null(row));
            let group_is = |row| of_group.as_ref().is_some_and(|nulls| nulls.is_null(row));
            assert!((0..batch.num_rows()).all(|row| is_null(row) == group_is(row)), "{column:?}");
        }
    }
}
