// SPDX-License-Identifier: Apache-2.0
//! A collector that ends and another that goes on with what it kept.

use penstock_collect::{Collector, Settings as Bounds};
use penstock_record::{Fate, Unit};
use penstock_traffic::{Protocol, Settings, Sums, Truth};

use crate::run::{Given, Run, check_ledger, count, each};

/// Sends datagrams until so many records are made and no message is half given out.
fn send_until(run: &mut Run, collector: &mut Collector, records: u64) {
    while run.traffic.records() < records || run.traffic.is_pending() {
        assert!(run.send(collector));
    }
}

/// What was known when one collector ended and another began.
struct Ends {
    /// When rows were given out last, and memory kept.
    kept: Vec<Truth>,
    /// When it ended.
    ended: Vec<Truth>,
    /// Rows given out, by exporter.
    safe: Vec<Sums>,
}

/// A collector that is ended without warning, so many records after it gave out rows last: of those,
/// nothing is left. The next one goes on with what was kept then.
fn end_and_go_on(settings: Settings, unkept: u64) -> (Run, Collector, Ends) {
    let mut first = Collector::new(Bounds::default());
    let mut run = Run::new(settings);
    send_until(&mut run, &mut first, 2_000);
    run.given.take(&mut first);
    let (templates, sequences) = (first.kept_templates().unwrap(), first.kept_sequences());
    assert_eq!(first.kept_templates(), None, "nothing has changed since");
    let kept = run.traffic.truth();
    let safe: Vec<Sums> = kept.iter().map(|truth| run.given.of(run.addr(truth.exporter))).collect();
    send_until(&mut run, &mut first, 2_000 + unkept);
    drop(first);
    run.given = Given::default();
    let ended = run.traffic.truth();

    let mut second = Collector::new(Bounds::default());
    let now_ns = run.traffic.time_ns();
    second.restore_templates(&templates, now_ns).unwrap();
    second.restore_sequences(&sequences, now_ns).unwrap();
    let before = run.datagrams;
    while run.send(&mut second) {}
    run.given.take(&mut second);
    check_ledger(&second, run.datagrams - before);
    (run, second, Ends { kept, ended, safe })
}

#[test]
fn stored_and_missing_add_up_to_what_was_made_whoever_was_ended_in_between() {
    // No template comes again behind the end, so that those that were kept are needed.
    let settings = Settings { template_every: 0, ..each() };
    let (run, collector, ends) = end_and_go_on(settings, 1_500);
    for (place, truth) in run.traffic.truth().iter().enumerate() {
        let (kept, ended, safe) = (&ends.kept[place], &ends.ended[place], ends.safe[place]);
        let state = run.state(&collector, truth.exporter);
        let stored = safe.records + run.given.of(state.addr).records;
        let between = u64::from(ended.sequence - kept.sequence);
        assert_eq!(state.missing, between, "{truth:?}");
        assert!(between > 0 && state.restarts == 0);
        let lost = ended.made.records - kept.made.records;
        assert_eq!(stored + lost, truth.made.records, "{truth:?}");
        if truth.protocol == Protocol::NetFlow5 {
            assert_eq!(stored + state.missing, truth.made.records);
        }
    }
}

#[test]
fn an_end_with_nothing_underway_loses_nothing() {
    let (run, collector, ends) = end_and_go_on(each(), 0);
    for (truth, safe) in run.traffic.truth().iter().zip(&ends.safe) {
        let state = run.state(&collector, truth.exporter);
        assert_eq!((state.missing, state.duplicates, state.restarts), (0, 0, 0), "{truth:?}");
        assert_eq!(safe.records + run.given.of(state.addr).records, truth.made.records);
    }
    assert_eq!(count(&collector, "network", Fate::Lost, Unit::Records), 0);
}

/// Version 9 and IPFIX cannot be read until their templates come again, but wait for them.
#[test]
fn who_kept_nothing_waits_for_templates_and_does_not_know_what_is_missing() {
    let mut first = Collector::new(Bounds::default());
    let mut run = Run::new(each());
    send_until(&mut run, &mut first, 2_000);
    run.given = Given::default();
    let mut second = Collector::new(Bounds::default());
    let before = run.traffic.truth();
    while run.send(&mut second) {}
    run.given.take(&mut second);
    for (truth, before) in run.traffic.truth().iter().zip(&before) {
        let state = run.state(&second, truth.exporter);
        assert_eq!((state.missing, state.parked), (0, 0), "{truth:?}");
        let since = truth.made.records - before.made.records;
        assert_eq!(run.given.of(state.addr).records, since, "{truth:?}");
    }
}

#[test]
fn rates_are_kept_with_the_templates() {
    let settings = Settings { sampling: vec![100], template_every: 0, ..each() };
    let (run, collector, _) = end_and_go_on(settings, 0);
    for exporter in 0..8 {
        let state = run.state(&collector, exporter);
        assert_eq!(state.sampling_rate.to_bits(), 100_f64.to_bits(), "{state:?}");
    }
}
