// SPDX-License-Identifier: Apache-2.0
//! A stream of packets: settings (4), where reading ends (1), and a script of packets.
#![no_main]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use libfuzzer_sys::fuzz_target;
use penstock_fuzz::Input;
use penstock_fuzz::accounts::Accounts;
use penstock_fuzz::script::{self, Failed, Replay, Sent};
use penstock_meter::{LedgerRow, Meter, Select, Settings, Tunnels};
use penstock_wire::Frame;

fuzz_target!(|octets: &[u8]| {
    let mut input = Input::new(octets);
    let case = Case::of(&mut input);
    let packets = Arc::new(script::packets(input));

    let alone = case.run(&packets, 1);
    let together = case.run(&packets, case.threads);
    assert_eq!(alone.failed, together.failed);
    assert_eq!(alone.batches.len(), together.batches.len());
    for (one, other) in alone.batches.iter().zip(&together.batches) {
        assert_eq!(one, other, "{} threads", case.threads);
    }
    if let (Some(one), Some(other)) = (&alone.ledger, &together.ledger) {
        assert_eq!(one, other);
        let read = case.settings.count.map_or(packets.len(), |count| {
            packets.len().min(usize::try_from(count).unwrap_or(usize::MAX))
        });
        let accounts = Accounts::of(&packets[..read], &case.settings, case.selects);
        accounts.agree_with(&alone.batches, one);
    }
});

/// How the packets are metered.
struct Case {
    settings: Settings,
    threads: usize,
    selects: Option<fn(&Frame<'_>) -> bool>,
    most_in_chunk: usize,
    fails: bool,
    /// The meter is dropped after so many batches.
    leaves_after: Option<usize>,
}

/// What came out.
struct Outcome {
    batches: Vec<RecordBatch>,
    /// `None` where the meter was dropped before its end.
    ledger: Option<Vec<LedgerRow>>,
    failed: bool,
}

impl Case {
    fn of(input: &mut Input<'_>) -> Self {
        let (rules, key, plugins, cut) = (input.u8(), input.u8(), input.u8(), input.u8());
        let end = input.u8();
        let is_set = |octet: u8, bit: u8| octet & 1 << bit != 0;
        let uniflow = is_set(rules, 0);
        let settings = Settings {
            key: key_of(key & 7, uniflow),
            uniflow,
            tunnels: if is_set(rules, 1) { Tunnels::Outer } else { Tunnels::Inner },
            active_timeout_ns: [300 * SECOND, SECOND, 1, 5 * SECOND][usize::from(rules >> 2 & 3)],
            idle_timeout_ns: [30 * SECOND, SECOND, 3 * SECOND, 1][usize::from(rules >> 4 & 3)],
            max_flows: [1_000_000, 1, 300, 2000][usize::from(rules >> 6)],
            fragment_timeout_ns: [30 * SECOND, 0, SECOND, 1][usize::from(key >> 3 & 3)],
            plugins: plugins_of(plugins),
            count: is_set(key, 5).then_some(u64::from(end)),
            rows_per_batch: [16_384, 1, 7, 100][usize::from(key >> 6)],
            ..Settings::default()
        };
        Self {
            settings,
            threads: 2 + usize::from(cut & 3),
            selects: is_set(cut, 2).then_some(|frame| frame.bytes.len() % 4 != 3),
            most_in_chunk: [512, 1, 3, 64][usize::from(cut >> 3 & 3)],
            fails: is_set(cut, 5),
            leaves_after: is_set(cut, 6).then(|| usize::from(end >> 4)),
        }
    }

    fn run(&self, packets: &Arc<Vec<Sent>>, threads: usize) -> Outcome {
        let settings = Settings { threads, ..self.settings.clone() };
        let source = Replay::new(Arc::clone(packets), self.most_in_chunk, self.fails);
        let select = self.selects.map(Selects);
        let mut meter = Meter::new(source, select, &settings).expect("settings that can be");
        let columns = meter.empty_batch().schema();
        let mut batches: Vec<RecordBatch> = Vec::new();
        let mut failed = false;
        while self.leaves_after != Some(batches.len()) {
            match meter.next_batch() {
                Ok(Some(batch)) => {
                    assert_eq!(batch.schema(), columns);
                    assert!((1..=settings.rows_per_batch).contains(&batch.num_rows()));
                    batches.push(batch);
                }
                Ok(None) => {
                    assert!(matches!(meter.next_batch(), Ok(None)), "the end came twice");
                    let full = batches.len().saturating_sub(1);
                    let is_full = |batch: &RecordBatch| batch.num_rows() == settings.rows_per_batch;
                    assert!(batches[..full].iter().all(is_full));
                    return Outcome { batches, ledger: Some(meter.ledger()), failed };
                }
                Err(Failed) => {
                    assert!(!failed, "told twice");
                    failed = true;
                }
            }
        }
        Outcome { batches, ledger: None, failed }
    }
}

struct Selects(fn(&Frame<'_>) -> bool);

impl Select for Selects {
    fn passes(&self, frame: &Frame<'_>) -> bool {
        self.0(frame)
    }
}

fn key_of(which: u8, uniflow: bool) -> Option<Vec<String>> {
    let names: &[&str] = match which {
        1 => &["src_addr", "dst_addr", "protocol"],
        2 => &["src_mac", "dst_mac", "vlan_id", "inner_vlan_id", "ethertype"],
        3 => &["src_port", "dst_port", "tos", "ip_flags", "tcp_flags", "fragment_id"],
        4 => &["tunnel", "tunnel_id", "mpls_labels", "ipv6_flow_label", "ip_version"],
        5 if uniflow => &["dst_addr"],
        6 if uniflow => &["src_port", "src_mac", "protocol"],
        7 => &[],
        _ => return None,
    };
    Some(names.iter().copied().map(String::from).collect())
}

/// Each plugin at its bit, its options at theirs.
fn plugins_of(which: u8) -> Vec<(String, BTreeMap<String, String>)> {
    let is_set = |bit: u8| which & 1 << bit != 0;
    let option =
        |bit, name: &str, value: &str| is_set(bit).then(|| (name.to_owned(), value.to_owned()));
    let pstats = [
        option(3, "include_zeroes", "true"),
        option(4, "skip_duplicates", "true"),
        option(5, "packets", "3"),
    ];
    let mut plugins = Vec::new();
    if is_set(0) {
        plugins.push(("basicplus".to_owned(), BTreeMap::new()));
    }
    if is_set(1) {
        plugins.push(("pstats".to_owned(), pstats.into_iter().flatten().collect()));
    }
    if is_set(2) {
        let seed = option(6, "seed", "1");
        plugins.push(("community_id".to_owned(), seed.into_iter().collect()));
    }
    if is_set(7) {
        plugins.reverse();
    }
    plugins
}

const SECOND: i64 = 1_000_000_000;
