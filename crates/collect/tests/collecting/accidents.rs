// SPDX-License-Identifier: Apache-2.0
//! What is lost, late, twice, damaged or changed on the way, against the truth.

use penstock_collect::{Collector, Settings as Bounds};
use penstock_record::{Fate, Unit};
use penstock_traffic::{Protocol, Settings};

use crate::run::{Run, and, check_ledger, count, each, reason};

fn collected(settings: Settings) -> (Run, Collector) {
    let mut collector = Collector::new(Bounds::default());
    let run = Run::to_the_end(settings, &mut collector);
    check_ledger(&collector, run.datagrams);
    (run, collector)
}

#[test]
fn without_accidents_every_record_of_every_protocol_comes_out_and_nothing_else() {
    let (run, collector) = collected(each());
    let (mut options, mut counters) = (0, 0);
    for truth in run.traffic.truth() {
        let state = run.state(&collector, truth.exporter);
        assert_eq!(run.given.of(state.addr), truth.made, "{truth:?}");
        assert_eq!((state.records, state.datagrams), (truth.made.records, truth.datagrams.made));
        assert_eq!(state.octets, truth.datagrams.octets);
        assert_eq!((state.missing, state.missing_samples), (0, 0));
        assert_eq!((state.duplicates, state.reordered, state.restarts), (0, 0, 0));
        assert!(state.refused.is_empty());
        options += truth.options.made;
        counters += truth.counter_samples.made;
    }
    assert_eq!((run.given.options as u64, run.given.counters as u64), (options, counters));
    assert!(counters > 0);
    assert_eq!(count(&collector, "message", Fate::Lost, Unit::Datagrams), 0);
}

#[test]
fn each_protocol_alone_and_of_any_size_of_datagram_comes_out_whole() {
    for protocol in Protocol::ALL {
        for (records_per_datagram, message_octets) in [(1, 1_420), (0, 640), (0, 65_507)] {
            let (run, _) = collected(Settings {
                exporters: 2,
                protocols: vec![protocol],
                records: Some(1_500),
                records_per_datagram,
                message_octets,
                ..each()
            });
            for truth in run.traffic.truth() {
                assert_eq!(run.given.of(run.addr(truth.exporter)), truth.made, "{protocol:?}");
            }
        }
    }
}

#[test]
fn what_is_lost_is_missing_in_each_protocols_own_unit() {
    let (run, collector) = collected(Settings { loss: 0.1, ..each() });
    let truths = run.traffic.truth();
    assert!(truths.iter().map(|truth| truth.lost.records).sum::<u64>() > 300);
    for truth in truths {
        let state = run.state(&collector, truth.exporter);
        assert_eq!(run.given.of(state.addr), truth.sent, "{truth:?}");
        assert_eq!(state.missing, run.missing(&truth), "{truth:?}");
        // Every source of samples has numbers of its own, and the first and last of each may be
        // lost without a trace.
        let samples = truth.lost.records + truth.counter_samples.made - truth.counter_samples.sent;
        assert!(
            state.missing_samples <= if truth.protocol == Protocol::SFlow { samples } else { 0 }
        );
    }
}

#[test]
fn what_comes_late_or_twice_is_given_out_and_not_missing() {
    let (run, collector) =
        collected(Settings { loss: 0.05, reorder: 0.1, duplicate: 0.1, ..each() });
    for truth in run.traffic.truth() {
        let state = run.state(&collector, truth.exporter);
        assert_eq!(run.given.of(state.addr), and(truth.sent, truth.duplicated), "{truth:?}");
        assert_eq!(state.missing, run.missing(&truth), "{truth:?}");
        assert_eq!(state.duplicates, truth.datagrams.duplicated, "{truth:?}");
        assert_eq!(state.reordered, truth.datagrams.reordered, "{truth:?}");
        assert_eq!(state.restarts, 0);
        assert!(state.duplicates > 0 && state.reordered > 0);
    }
}

#[test]
fn data_before_its_templates_waits_and_nothing_is_lost() {
    for late in [1, 3, 10] {
        let (run, collector) = collected(Settings { template_late: late, ..each() });
        let mut waited = 0;
        for truth in run.traffic.truth() {
            let state = run.state(&collector, truth.exporter);
            assert_eq!(run.given.of(state.addr), truth.made, "{truth:?}");
            assert_eq!((state.missing, state.parked), (0, 0), "{truth:?}");
            waited += truth.before_template.records;
        }
        assert!(waited > 0);
        assert!(reason(&collector, "replayed") > 0);
    }
}

#[test]
fn templates_that_are_lost_delay_records_but_lose_none() {
    let (run, collector) = collected(Settings { template_lost: 0.5, template_every: 5, ..each() });
    for truth in run.traffic.truth() {
        let state = run.state(&collector, truth.exporter);
        assert_eq!(run.given.of(state.addr), truth.sent, "{truth:?}");
        assert_eq!(state.missing, run.missing(&truth), "{truth:?}");
    }
}

#[test]
fn templates_that_change_hold_from_their_message_on() {
    let (run, collector) = collected(Settings { template_change_every: 7, ..each() });
    for truth in run.traffic.truth() {
        let state = run.state(&collector, truth.exporter);
        assert_eq!(run.given.of(state.addr), truth.made, "{truth:?}");
        assert_eq!((state.missing, state.refused.len()), (0, 0));
    }
    assert!(reason(&collector, "templates replaced") > 0);
}

/// If the message of the change is lost, records are read by the template before it, and what waited
/// for a template by the next one that comes: neither RFC 3954 nor RFC 7011 gives any means to
/// tell. So only what came under its own template is sure.
#[test]
fn records_under_another_template_than_their_own_are_not_lost_from_the_ledger() {
    let (run, collector) = collected(Settings {
        template_change_every: 7,
        template_lost: 0.3,
        template_every: 7,
        ..each()
    });
    let truths = run.traffic.truth();
    for truth in &truths {
        let state = run.state(&collector, truth.exporter);
        let doubtful = truth.under_other_template.records + truth.before_template.records;
        assert_eq!(run.given.of(state.addr).records, truth.sent.records, "{truth:?}");
        if doubtful == 0 {
            assert_eq!(run.given.of(state.addr), truth.sent, "{truth:?}");
        }
    }
    assert!(truths.iter().any(|truth| truth.under_other_template.records > 0));
}

#[test]
fn exporters_that_begin_again_are_known_again() {
    let (run, collector) = collected(Settings { restart_every: 15, ..each() });
    for truth in run.traffic.truth() {
        let state = run.state(&collector, truth.exporter);
        assert_eq!(run.given.of(state.addr), truth.made, "{truth:?}");
        assert_eq!(state.restarts, truth.restarts, "{truth:?}");
        assert_eq!((state.missing, state.missing_samples), (0, 0), "{truth:?}");
        assert!(state.restarts > 0);
    }
}

#[test]
fn clocks_that_are_wrong_are_told_and_change_no_count() {
    let skews_s = [0, -90, 4_000_000, -4_000_000];
    let four_each = skews_s.iter().flat_map(|skew_s| [*skew_s; 4]);
    let (run, collector) =
        collected(Settings { exporters: 16, clock_skew_s: four_each.collect(), ..each() });
    for truth in run.traffic.truth() {
        let state = run.state(&collector, truth.exporter);
        assert_eq!(run.given.of(state.addr), truth.made, "{truth:?}");
        if truth.protocol != Protocol::SFlow {
            let behind_ns = state.skew_ns.unwrap();
            let ahead_ns = skews_s[truth.exporter as usize / 4] * 1_000_000_000;
            assert!((behind_ns + ahead_ns).abs() < 2_000_000_000, "{behind_ns} {ahead_ns}");
        }
    }
}

/// A damaged copy may still hold sound records, which are given out; that it is a copy shows by its
/// sequence number alone, if that is sound. So what was sent is a lower bound, and numbers say
/// little.
#[test]
fn damaged_datagrams_are_counted_and_cost_no_sound_record() {
    let (run, collector) = collected(Settings { hostile: 0.2, ..each() });
    let mut hostile = 0;
    for truth in run.traffic.truth() {
        // Noise may look like somebody else's message.
        let given = run.given.of(run.addr(truth.exporter));
        assert!(given.records >= truth.sent.records, "{truth:?}");
        hostile += truth.datagrams.hostile;
    }
    let bad = count(&collector, "message", Fate::Lost, Unit::Datagrams)
        + collector
            .ledger()
            .iter()
            .filter(|row| row.reason.starts_with("partly used"))
            .map(|row| row.count)
            .sum::<u64>();
    assert!(bad > hostile / 3 && bad <= hostile, "{bad} of {hostile}");
}

#[test]
fn all_accidents_at_once_leave_a_ledger_that_adds_up() {
    for seed in 1..=3 {
        let (run, collector) = collected(Settings {
            seed,
            loss: 0.05,
            reorder: 0.05,
            duplicate: 0.05,
            hostile: 0.05,
            template_late: 2,
            template_lost: 0.2,
            template_change_every: 25,
            restart_every: 40,
            ..each()
        });
        let out: u64 = run.given.flows.values().map(|sums| sums.records).sum();
        assert_eq!(out, count(&collector, "decode", Fate::Out, Unit::Flows));
    }
}
