// SPDX-License-Identifier: Apache-2.0
//! The rate of every record, however its exporter says it.

use std::collections::BTreeSet;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt8Type};
use arrow_array::{Array, StringArray};
use penstock_collect::{Collector, Settings as Bounds};
use penstock_record::{BatchKind, column};
use penstock_traffic::{Protocol, SamplingSaid, Settings};

use crate::run::{Run, each};

/// Rate and origin of all records, each once. Only whole rates are said here.
fn rates(settings: Settings, bounds: Bounds) -> BTreeSet<(u64, String)> {
    let mut collector = Collector::new(bounds);
    let run = Run::to_the_end(Settings { records: Some(2_000), ..settings }, &mut collector);
    let mut found = BTreeSet::new();
    for (_, batch) in run.given.batches.iter().filter(|(kind, _)| *kind == BatchKind::Flows) {
        let rates = batch.column_by_name(column::SAMPLING_RATE.name()).unwrap();
        let rates = rates.as_primitive::<Float64Type>();
        let origins = batch.column_by_name(column::SAMPLING_ORIGIN.name()).unwrap();
        let origins = origins.as_dictionary::<UInt8Type>();
        let words = origins.values().as_any().downcast_ref::<StringArray>().unwrap();
        for row in 0..batch.num_rows() {
            let origin = words.value(origins.key(row).unwrap()).to_owned();
            found.insert((whole(rates.value(row)), origin));
        }
    }
    found
}

fn whole(rate: f64) -> u64 {
    format!("{rate}").parse().expect("a whole rate")
}

#[test]
fn every_way_to_say_a_rate_is_understood() {
    for said in SamplingSaid::ALL {
        let settings = Settings { sampling: vec![100], sampling_said: vec![said], ..each() };
        let found = rates(settings, Bounds::default());
        assert!(found.iter().all(|(rate, _)| *rate == 100), "{said:?}: {found:?}");
        let origins: Vec<&str> = found.iter().map(|(_, origin)| origin.as_str()).collect();
        assert!(origins.contains(&"record"), "{said:?}: {found:?}");
        assert_eq!(origins.contains(&"options"), said != SamplingSaid::Record, "{said:?}");
    }
}

#[test]
fn options_that_come_behind_their_records_hold_for_those_that_wait() {
    let settings = Settings { sampling: vec![100], template_late: 3, ..each() };
    let found = rates(settings, Bounds::default());
    assert!(found.iter().all(|(rate, _)| *rate == 100), "{found:?}");
}

#[test]
fn what_is_configured_goes_before_what_is_said_and_what_is_assumed_behind() {
    let assumed = Bounds { default_sampling: Some(7.0), ..Bounds::default() };
    let silent = Settings {
        sampling: vec![0],
        protocols: vec![Protocol::NetFlow9, Protocol::Ipfix],
        ..each()
    };
    assert_eq!(rates(silent.clone(), assumed), [(7, "assumed".to_owned())].into());
    let addrs = {
        let run = Run::new(silent.clone());
        (0..8).map(|exporter| (run.addr(exporter), 9.0)).collect()
    };
    let configured = Bounds { sampling: addrs, ..Bounds::default() };
    let loud = Settings { sampling: vec![100], ..silent };
    assert_eq!(rates(loud, configured), [(9, "configured".to_owned())].into());
}
