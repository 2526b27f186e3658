// SPDX-License-Identifier: Apache-2.0
//! How exporters tell their sampling, and what is then known of a record.

use super::*;
use penstock_codec::NETFLOW9_SCOPE_PEN;

/// Scope types of `NetFlow` 9.
const S: u32 = NETFLOW9_SCOPE_PEN;

/// An options record in hexadecimal: how many values are scopes, the domain whose message it is
/// in, the values.
type Options = (usize, u32, &'static [(u32, u16, &'static str)]);

/// What an exporter does, and what should be known of a record in domain 1 that states this rate
/// and names this sampler.
struct Behaviour {
    name: &'static str,
    options: &'static [Options],
    stated: Option<f64>,
    sampler: Option<u64>,
    expected: (f64, SamplingOrigin),
}

use SamplingOrigin::{Options as Announced, Record, Unknown};

const fn behaviour(
    name: &'static str,
    options: &'static [Options],
    (stated, sampler): (Option<f64>, Option<u64>),
    expected: (f64, SamplingOrigin),
) -> Behaviour {
    Behaviour { name, options, stated, sampler, expected }
}

const BEHAVIOURS: &[Behaviour] = &[
    behaviour(
        "IOS: one sampler by number, system scope",
        &[(1, 1, &[(S, 1, "0a000001"), (0, 48, "01"), (0, 49, "02"), (0, 50, "00000064")])],
        (None, Some(1)),
        (100.0, Announced),
    ),
    behaviour(
        "IOS: its records do not name the one sampler there is",
        &[(1, 1, &[(S, 1, "0a000001"), (0, 48, "01"), (0, 49, "02"), (0, 50, "00000064")])],
        (None, None),
        (100.0, Announced),
    ),
    behaviour(
        "ASR9000: sampler number of two octets, a name beside it",
        &[
            (
                1,
                1,
                &[
                    (S, 1, "c0000201"),
                    (0, 48, "0001"),
                    (0, 50, "000003e8"),
                    (0, 49, "02"),
                    (0, 84, "666d"),
                ],
            ),
            (
                1,
                1,
                &[
                    (S, 1, "c0000201"),
                    (0, 48, "0002"),
                    (0, 50, "00000fa0"),
                    (0, 49, "02"),
                    (0, 84, "6671"),
                ],
            ),
        ],
        (None, Some(2)),
        (4000.0, Announced),
    ),
    behaviour(
        "ASR9000: a record that does not say which of two samplers is its own",
        &[
            (1, 1, &[(S, 1, "c0000201"), (0, 48, "0001"), (0, 50, "000003e8"), (0, 49, "02")]),
            (1, 1, &[(S, 1, "c0000201"), (0, 48, "0002"), (0, 50, "00000fa0"), (0, 49, "02")]),
        ],
        (None, None),
        (0.0, Unknown),
    ),
    behaviour(
        "ASR9000: a record of a sampler that was not announced yet",
        &[(1, 1, &[(S, 1, "c0000201"), (0, 48, "0001"), (0, 50, "000003e8"), (0, 49, "02")])],
        (None, Some(7)),
        (0.0, Unknown),
    ),
    behaviour(
        "ASR1000: the interval has two octets",
        &[(1, 1, &[(S, 1, "0a0f0173"), (0, 48, "01"), (0, 49, "02"), (0, 50, "0200")])],
        (None, Some(1)),
        (512.0, Announced),
    ),
    behaviour(
        "Juniper SRX: one rate for all, scope without a value",
        &[(1, 1, &[(S, 1, ""), (0, 35, "01"), (0, 34, "00000014")])],
        (None, None),
        (20.0, Announced),
    ),
    behaviour(
        "Juniper MX over IPFIX: the rate among statistics, exporter process scope",
        &[(
            1,
            1,
            &[
                (0, 144, "00000001"),
                (0, 41, "00000000000000ff"),
                (0, 130, "c0000201"),
                (0, 34, "000003e8"),
                (0, 36, "003c"),
            ],
        )],
        (None, None),
        (1000.0, Announced),
    ),
    behaviour(
        "FortiOS: scope of two octets, statistics and timeouts before the rate",
        &[(
            1,
            1,
            &[
                (S, 1, "0001"),
                (0, 40, "00"),
                (0, 41, "00"),
                (0, 42, "00"),
                (0, 36, "0708"),
                (0, 37, "000f"),
                (0, 34, "000001f4"),
                (0, 35, "01"),
            ],
        )],
        (None, None),
        (500.0, Announced),
    ),
    behaviour(
        "FortiOS: sampling off says 0",
        &[(1, 1, &[(S, 1, "0001"), (0, 34, "00000000"), (0, 35, "00")])],
        (None, None),
        (1.0, Announced),
    ),
    behaviour(
        "IOS-XE: selector by count, one octet of interval",
        &[(
            1,
            1,
            &[(0, 302, "00000001"), (0, 304, "0001"), (0, 305, "00000001"), (0, 306, "00000063")],
        )],
        (None, Some(1)),
        (100.0, Announced),
    ),
    behaviour(
        "IOS-XE: a random sampler under the older number, selector scope in NetFlow 9",
        &[(
            1,
            1,
            &[(S, 302, "00000003"), (0, 304, "0002"), (0, 305, "00000001"), (0, 306, "000000ff")],
        )],
        (None, Some(3)),
        (256.0, Announced),
    ),
    behaviour(
        "Nokia 7750: selector of eight octets, one taken and 999 skipped",
        &[(
            1,
            1,
            &[
                (0, 302, "0000000000000001"),
                (0, 304, "0001"),
                (0, 305, "00000001"),
                (0, 306, "000003e7"),
            ],
        )],
        (None, None),
        (1000.0, Announced),
    ),
    behaviour(
        "softflowd and pflow: interface scope",
        &[(1, 1, &[(S, 2, "00000000"), (0, 34, "00000064"), (0, 35, "01")])],
        (None, None),
        (100.0, Announced),
    ),
    behaviour(
        "A switch whose interfaces differ, and records that do not help",
        &[
            (1, 1, &[(0, 10, "00000001"), (0, 34, "00000064")]),
            (1, 1, &[(0, 10, "00000002"), (0, 34, "00000032")]),
        ],
        (None, None),
        (0.0, Unknown),
    ),
    behaviour("MikroTik ROS 6: the rate in the record", &[], (Some(64.0), None), (64.0, Record)),
    behaviour(
        "MikroTik ROS 6: 0 in the record, nothing is sampled",
        &[],
        (Some(0.0), None),
        (1.0, Record),
    ),
    behaviour(
        "MikroTik before 7.10: octets the wrong way round",
        &[],
        (Some(16_777_216.0), None),
        (1.0, Record),
    ),
    behaviour(
        "MikroTik before 7.10: the same with a rate of two octets",
        &[],
        (Some(3_892_510_720.0), None),
        (1000.0, Record),
    ),
    behaviour(
        "Huawei: the rate is announced under another source id",
        &[(1, 9, &[(S, 1, "0a000001"), (0, 34, "00000400"), (0, 35, "01")])],
        (None, None),
        (1024.0, Announced),
    ),
    behaviour(
        "Huawei: in the record, beside an older announcement",
        &[(1, 1, &[(S, 1, "0a000001"), (0, 34, "00000400"), (0, 35, "01")])],
        (Some(2048.0), None),
        (2048.0, Record),
    ),
    behaviour(
        "A line card that announces nothing beside two that differ",
        &[(1, 2, &[(S, 1, ""), (0, 34, "00000064")]), (1, 3, &[(S, 1, ""), (0, 34, "000000c8")])],
        (None, None),
        (0.0, Unknown),
    ),
    behaviour("NetFlow 5 header: 1 in 512", &[], (Some(512.0), None), (512.0, Record)),
    behaviour(
        "NetFlow 5 header left at 0, the rate announced by NetFlow 9 from the same box",
        &[(1, 5, &[(S, 1, "0a000001"), (0, 34, "00000080")])],
        (Some(0.0), None),
        (128.0, Announced),
    ),
    behaviour(
        "ipt-netflow, random: n out of N",
        &[(
            1,
            1,
            &[(0, 144, "0001"), (0, 302, "01"), (0, 304, "03"), (0, 309, "0001"), (0, 310, "00c8")],
        )],
        (None, Some(1)),
        (200.0, Announced),
    ),
    behaviour(
        "PSAMP, systematic count with reduced sizes (RFC 5476 section 6.5.2.1)",
        &[(1, 1, &[(0, 302, "0000000f"), (0, 304, "01"), (0, 305, "01"), (0, 306, "09")])],
        (None, Some(15)),
        (10.0, Announced),
    ),
    behaviour(
        "PSAMP, systematic time",
        &[(1, 1, &[(0, 302, "00000010"), (0, 304, "02"), (0, 307, "64"), (0, 308, "0384")])],
        (None, Some(16)),
        (10.0, Announced),
    ),
    behaviour(
        "PSAMP, uniform probability of four octets",
        &[(1, 1, &[(0, 302, "00000014"), (0, 304, "0004"), (0, 311, "3e000000")])],
        (None, Some(20)),
        (8.0, Announced),
    ),
    behaviour(
        "PSAMP, a filter leaves nothing out of what it defines",
        &[(
            1,
            1,
            &[(0, 302, "00000015"), (0, 304, "0005"), (0, 8, "c0000201"), (0, 15, "c0000202")],
        )],
        (None, Some(21)),
        (1.0, Announced),
    ),
    behaviour(
        "PSAMP, a quarter of the output range of a hash in two ranges",
        &[(
            1,
            1,
            &[
                (0, 302, "07"),
                (0, 304, "0006"),
                (0, 329, "00"),
                (0, 330, "ffff"),
                (0, 331, "00"),
                (0, 332, "1fff"),
                (0, 331, "8000"),
                (0, 332, "9fff"),
            ],
        )],
        (None, Some(7)),
        (4.0, Announced),
    ),
    behaviour(
        "PSAMP, an algorithm that nobody knows is no reason to believe in 1",
        &[(1, 1, &[(0, 302, "09"), (0, 304, "0063"), (0, 305, "01"), (0, 306, "09")])],
        (None, Some(9)),
        (0.0, Unknown),
    ),
    behaviour(
        "PSAMP, two samplers in one sequence multiply",
        &[
            (1, 1, &[(0, 302, "01"), (0, 304, "01"), (0, 305, "01"), (0, 306, "09")]),
            (1, 1, &[(0, 302, "02"), (0, 304, "03"), (0, 309, "01"), (0, 310, "04")]),
            (1, 1, &[(0, 301, "07"), (0, 138, "0001"), (0, 302, "01"), (0, 302, "02")]),
        ],
        (None, None),
        (40.0, Announced),
    ),
    behaviour(
        "IPFIX: told in domain 0 of domain 1, others otherwise",
        &[
            (1, 0, &[(0, 149, "00000001"), (0, 305, "00000001"), (0, 306, "00000007")]),
            (1, 0, &[(0, 149, "00000002"), (0, 305, "00000001"), (0, 306, "00000001")]),
        ],
        (None, None),
        (8.0, Announced),
    ),
    behaviour(
        "Penstock: 1 in 1 said out loud",
        &[(1, 1, &[(0, 302, "00"), (0, 304, "0001"), (0, 305, "00000001"), (0, 306, "00000000")])],
        (None, None),
        (1.0, Announced),
    ),
    behaviour(
        "A rate that changes: the newest holds",
        &[
            (1, 1, &[(S, 1, "0a000001"), (0, 34, "00000064")]),
            (1, 1, &[(S, 1, "0a000001"), (0, 34, "000000c8")]),
        ],
        (None, None),
        (200.0, Announced),
    ),
    behaviour(
        "OpenBSD pflow over IPFIX and ASA: no word of sampling",
        &[(1, 1, &[(0, 10, "00000001"), (0, 82, "65746830"), (0, 83, "")])],
        (None, None),
        (0.0, Unknown),
    ),
];

#[test]
fn each_exporters_way_of_telling_is_understood() {
    for behaviour in BEHAVIOURS {
        let table = told(ConfiguredSampling::default(), behaviour.options);
        let known = table.lookup(1, behaviour.stated, behaviour.sampler);
        assert_eq!((known.rate, known.origin), behaviour.expected, "{}", behaviour.name);
    }
}

#[test]
fn what_the_operator_says_comes_first_or_last() {
    let options: &[Options] = &[(1, 1, &[(S, 1, "00000001"), (0, 34, "00000064")])];
    let known = |configured, options: &[Options], stated| {
        let Sampling { rate, origin } = told(configured, options).lookup(1, stated, None);
        (rate, origin)
    };
    let configured = ConfiguredSampling {
        override_rate: None,
        default_rate: Some(30.0),
        assumed_rate: Some(1.0),
    };
    let overriding = ConfiguredSampling { override_rate: Some(7.0), ..configured };
    let assuming = ConfiguredSampling { default_rate: None, ..configured };
    assert_eq!(known(overriding, options, Some(5.0)), (7.0, SamplingOrigin::Configured));
    assert_eq!(known(configured, options, Some(5.0)), (5.0, Record));
    assert_eq!(known(configured, options, None), (100.0, Announced));
    assert_eq!(known(configured, &[], None), (30.0, SamplingOrigin::Configured));
    assert_eq!(known(configured, &[], Some(0.0)), (30.0, SamplingOrigin::Configured));
    assert_eq!(known(assuming, &[], None), (1.0, SamplingOrigin::Assumed));
    assert_eq!(known(assuming, &[], Some(f64::NAN)), (1.0, SamplingOrigin::Assumed));
}

#[test]
fn a_domain_whose_rate_cannot_be_told_does_not_take_its_neighbours() {
    let table = told(
        ConfiguredSampling::default(),
        &[
            (1, 1, &[(S, 1, ""), (0, 304, "0009"), (0, 302, "01")]),
            (1, 2, &[(S, 1, ""), (0, 34, "00000064")]),
        ],
    );
    assert_eq!(table.lookup(1, None, Some(1)), Sampling::UNKNOWN);
    assert_eq!(table.lookup(3, None, None), Sampling::UNKNOWN);
    assert_eq!(table.lookup(2, None, None).rate.to_bits(), 100_f64.to_bits());
}

#[test]
fn samplers_are_bounded_and_those_over_the_bound_counted() {
    let mut table = SamplingTable::default();
    let announce = |table: &mut SamplingTable, sampler: u32, rate: u32| {
        let (sampler, rate) = (sampler.to_be_bytes(), rate.to_be_bytes());
        table.learn(1, [(0, 302, sampler.as_slice()), (0, 34, &rate)], 1, 0)
    };
    for sampler in 0..1024 {
        assert_eq!(announce(&mut table, sampler, 10), Learned::Changed);
    }
    assert_eq!(announce(&mut table, 1024, 10), Learned::TooMany);
    assert_eq!(announce(&mut table, 5, 10), Learned::Same);
    assert_eq!(announce(&mut table, 5, 11), Learned::Changed);
    assert_eq!((table.rates.len(), table.over_bound()), (1024, 1));
}

#[test]
fn what_is_kept_comes_back_but_not_over_what_is_newer() {
    let table = told(
        ConfiguredSampling::default(),
        &[
            (1, 1, &[(0, 302, "01"), (0, 34, "64")]),
            (1, 1, &[(0, 302, "02"), (0, 304, "0063")]),
            (1, 2, &[(S, 1, ""), (0, 34, "0a")]),
        ],
    );
    let kept = table.saved(1);
    assert_eq!(kept.len(), 2);
    let mut later =
        told(ConfiguredSampling::default(), &[(1, 1, &[(0, 302, "01"), (0, 34, "c8")])]);
    later.restore(1, &kept);
    assert_eq!(later.lookup(1, None, Some(1)).rate.to_bits(), 200_f64.to_bits());
    assert_eq!(later.lookup(1, None, Some(2)), Sampling::UNKNOWN);
    assert_eq!(later.rates.len(), 2);
}

fn told(configured: ConfiguredSampling, options: &[Options]) -> SamplingTable {
    let mut table = SamplingTable::new(configured);
    for (now_ns, (scopes, domain, values)) in (0..).zip(options) {
        let values: Vec<_> =
            values.iter().map(|(pen, id, text)| (*pen, *id, octets(text))).collect();
        let values = values.iter().map(|(pen, id, octets)| (*pen, *id, octets.as_slice()));
        table.learn(*domain, values, *scopes, now_ns);
    }
    table
}

fn octets(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}
