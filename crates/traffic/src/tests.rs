// SPDX-License-Identifier: Apache-2.0
//! Traffic as a collector would see it, against its own truth.

use std::collections::{BTreeMap, BTreeSet};

use penstock_codec::netflow::{v5, v9};
use penstock_codec::sflow::{FlowRecord, Sample};
use penstock_codec::{Definition, Malformed, Set, Template, ipfix, records, sflow, value};

use crate::*;

/// What was read of the datagrams of one exporter, by the simplest means.
#[derive(Debug, Default)]
struct Read {
    sums: Sums,
    options: u64,
    counter_samples: u64,
    headers: Vec<Head>,
    templates: BTreeMap<u16, Template>,
    unknown_sets: u64,
    /// Whose numbers cannot be: read by another template than they were written by.
    odd_records: u64,
    sampling: BTreeSet<Said>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Head {
    sequence: u32,
    /// By how much the protocol's rule has the next sequence number grow.
    step: u32,
    uptime_ms: u32,
    unix_s: u32,
}

impl Read {
    fn datagram(&mut self, protocol: Protocol, octets: &[u8]) {
        match protocol {
            Protocol::NetFlow5 => self.v5(octets),
            Protocol::NetFlow9 => self.v9(octets),
            Protocol::Ipfix => self.ipfix(octets),
            Protocol::SFlow => self.sflow(octets),
        }
    }

    fn v5(&mut self, octets: &[u8]) {
        let packet = v5::Packet::read(octets).unwrap();
        assert_eq!((packet.missing, packet.rest), (0, &[][..]));
        let v5::Header { sequence, count, uptime_ms, unix_s, .. } = packet.header;
        self.headers.push(Head { sequence, step: count.into(), uptime_ms, unix_s });
        self.records(v5::template(), packet.records);
        let rate = u64::from(packet.header.sampling_interval());
        self.sampling.insert(vec![(0, rate)]);
    }

    fn v9(&mut self, octets: &[u8]) {
        let packet = v9::Packet::read(octets).unwrap();
        let v9::Header { sequence, uptime_ms, unix_s, count, .. } = packet.header;
        self.headers.push(Head { sequence, step: 1, uptime_ms, unix_s });
        let mut found = 0;
        for set in packet.sets() {
            let set = set.unwrap();
            found += self.set(&set, v9::templates(&set).collect());
        }
        assert!(found == u64::from(count) || self.unknown_sets > 0);
    }

    fn ipfix(&mut self, octets: &[u8]) {
        let message = ipfix::Message::read(octets).unwrap();
        assert_eq!(message.octets().len(), octets.len());
        let before = self.sums.records + self.options;
        for set in message.sets() {
            let set = set.unwrap();
            self.set(&set, ipfix::templates(&set).collect());
        }
        let step = u32::try_from(self.sums.records + self.options - before).unwrap();
        let ipfix::Header { sequence, export_time_s: unix_s, .. } = message.header;
        self.headers.push(Head { sequence, step, uptime_ms: 0, unix_s });
    }

    fn set(&mut self, set: &Set<'_>, templates: Vec<Result<Definition, Malformed>>) -> u64 {
        if set.id < 256 {
            let count = templates.len() as u64;
            for definition in templates {
                let Definition::Define(template) = definition.unwrap() else { panic!() };
                self.templates.insert(template.id, template);
            }
            return count;
        }
        let Some(template) = self.templates.get(&set.id).cloned() else {
            self.unknown_sets += 1;
            return 0;
        };
        self.records(&template, set.octets)
    }

    fn records(&mut self, template: &Template, octets: &[u8]) -> u64 {
        let mut count = 0;
        for record in records(template, octets) {
            let record = record.unwrap();
            let numbers =
                record.values().map(|(field, octets)| (field.id, value::unsigned(octets)));
            count += 1;
            if template.is_options() {
                self.options += 1;
                self.sampling.extend((template.id == 258).then(|| numbers.collect()));
                continue;
            }
            let numbers: BTreeMap<u16, u64> = numbers.collect();
            let (octets, packets) = (numbers[&1], numbers[&2]);
            let start = numbers.get(&22).or(numbers.get(&152)).unwrap();
            let end = numbers.get(&21).or(numbers.get(&153)).unwrap();
            let sound = start <= end && end - start < 60_000 && octets >= packets * 28;
            if !sound || packets == 0 {
                self.odd_records += 1;
                self.sums.records += 1;
                continue;
            }
            self.sums += Sums { records: 1, octets, packets };
        }
        count
    }

    fn sflow(&mut self, octets: &[u8]) {
        let datagram = sflow::Datagram::read(octets).unwrap();
        let sflow::Header { sequence, uptime_ms, .. } = datagram.header;
        self.headers.push(Head { sequence, step: 1, uptime_ms, unix_s: 0 });
        for sample in datagram.samples() {
            match sample.unwrap() {
                Sample::Flow(sample) => {
                    self.sampling.insert(vec![(0, sample.head.sampling_rate.into())]);
                    let octets = sample.records.filter_map(|record| {
                        match FlowRecord::read(record.unwrap()).unwrap() {
                            FlowRecord::SampledHeader(header) => {
                                Some(u64::from(header.frame_length - header.stripped - 14))
                            }
                            FlowRecord::Unknown(_) => panic!("{octets:?}"),
                            _ => None,
                        }
                    });
                    self.sums += Sums { records: 1, octets: octets.sum(), packets: 1 };
                }
                Sample::Counters(_) => self.counter_samples += 1,
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Exporter, time and octets.
type Given = (u32, i64, Vec<u8>);

/// The numbers and values of an options record.
type Said = Vec<(u16, u64)>;

/// Everything that a traffic gives out, and what a collector reads of it.
fn run(settings: Settings) -> (Traffic, Vec<Given>, Vec<Read>) {
    let sound = settings.hostile == 0.0;
    let most = usize::from(settings.message_octets);
    let mut traffic = Traffic::new(settings).unwrap();
    let mut all = Vec::new();
    while let Some(Datagram { exporter, time_ns, octets }) = traffic.next() {
        assert!(octets.len() <= most || !sound);
        all.push((exporter, time_ns, octets.to_vec()));
    }
    let mut read: Vec<Read> = traffic.truth().iter().map(|_| Read::default()).collect();
    if sound {
        for (exporter, _, octets) in &all {
            read[*exporter as usize].datagram(traffic.protocol(*exporter), octets);
        }
    }
    assert!(all.is_sorted_by_key(|(_, time_ns, _)| *time_ns));
    (traffic, all, read)
}

fn each() -> Settings {
    Settings {
        exporters: 8,
        protocols: Protocol::ALL.to_vec(),
        records: Some(20_000),
        flows: 1_000,
        ..Settings::default()
    }
}

/// Every accident that leaves messages whole.
fn unlucky() -> Settings {
    Settings {
        loss: 0.05,
        reorder: 0.05,
        duplicate: 0.05,
        template_lost: 0.3,
        template_late: 3,
        template_every: 20,
        template_change_every: 25,
        restart_every: 40,
        clock_skew_s: vec![0, 0, -90],
        ..each()
    }
}

#[test]
fn the_same_settings_make_the_same_octets() {
    for settings in [each(), Settings { hostile: 0.1, ..unlucky() }] {
        let (_, one, _) = run(settings.clone());
        let (_, again, _) = run(settings.clone());
        let (_, other, _) = run(Settings { seed: 2, ..settings });
        assert!(one == again);
        assert!(one != other);
    }
}

#[test]
fn accidents_change_no_flow() {
    let (_, all, _) = run(each());
    let (traffic, some, _) = run(Settings { loss: 0.2, ..each() });
    let lost: u64 = traffic.truth().iter().map(|truth| truth.datagrams.lost).sum();
    assert!(lost > 100);
    assert_eq!(some.len() as u64 + lost, all.len() as u64);
    let all: BTreeSet<_> = all.into_iter().collect();
    assert!(some.iter().all(|datagram| all.contains(datagram)));
}

#[test]
fn what_is_read_is_what_the_truth_says() {
    for prebuilt in [0, 5] {
        let (traffic, all, read) = run(Settings { prebuilt, ..each() });
        assert_eq!(traffic.records(), 20_000);
        let mut records = 0;
        for (truth, read) in traffic.truth().iter().zip(&read) {
            assert_eq!(read.sums, truth.sent, "{truth:?}");
            assert_eq!(truth.made, truth.sent);
            assert_eq!((read.options, read.unknown_sets), (truth.options.made, 0));
            assert_eq!(read.odd_records, 0);
            assert_eq!(read.counter_samples, truth.counter_samples.made);
            assert_eq!(read.headers.len() as u64, truth.datagrams.sent);
            records += truth.made.records;
        }
        assert_eq!(records, 20_000);
        let octets: u64 = traffic.truth().iter().map(|truth| truth.datagrams.octets).sum();
        assert_eq!(octets, all.iter().map(|(.., octets)| octets.len() as u64).sum());
        let read_ipfix = &read[2];
        assert_eq!(read_ipfix.templates.len(), 4);
    }
}

#[test]
fn each_protocol_counts_by_its_own_rule() {
    for prebuilt in [0, 5] {
        let (traffic, _, read) = run(Settings { prebuilt, template_every: 10, ..each() });
        for (truth, read) in traffic.truth().iter().zip(&read) {
            let first = u32::from(truth.protocol == Protocol::SFlow);
            assert_eq!(read.headers[0].sequence, first);
            for pair in read.headers.windows(2) {
                assert_eq!(pair[1].sequence, pair[0].sequence + pair[0].step, "{truth:?}");
                assert!(pair[1].uptime_ms >= pair[0].uptime_ms);
                assert!(pair[1].unix_s >= pair[0].unix_s);
            }
            let last = read.headers.last().unwrap();
            assert_eq!(truth.sequence, last.sequence + last.step);
        }
    }
}

#[test]
fn the_truth_adds_up_whatever_happens() {
    for hostile in [0.0, 0.1] {
        let (traffic, all, _) = run(Settings { hostile, ..unlucky() });
        let mut records = 0;
        for truth in traffic.truth() {
            let Datagrams { made, lost, duplicated, hostile, sent, reordered, .. } =
                truth.datagrams;
            assert_eq!(made + duplicated + hostile, sent + lost, "{truth:?}");
            assert!(lost > 0 && duplicated > 0 && reordered > 0 && truth.restarts > 0);
            let mut both = truth.sent;
            both += truth.lost;
            assert_eq!(both, truth.made);
            let of = all.iter().filter(|(exporter, ..)| *exporter == truth.exporter).count();
            assert_eq!(sent, of as u64);
            records += truth.made.records;
        }
        assert_eq!(records, 20_000);
    }
}

#[test]
fn what_no_template_had_arrived_for_is_counted() {
    let (traffic, _, read) = run(unlucky());
    let mut other = 0;
    for (truth, read) in traffic.truth().iter().zip(&read) {
        let mut expected = truth.sent;
        expected += truth.duplicated;
        let templates = matches!(truth.protocol, Protocol::NetFlow9 | Protocol::Ipfix);
        assert_eq!(templates, truth.before_template.records > 0);
        assert!(expected.records - read.sums.records >= truth.before_template.records);
        assert!(truth.templates.sent <= truth.templates.made);
        other += truth.under_other_template.records;
        assert!(truth.under_other_template.records > 0 || read.odd_records == 0);
        if !templates {
            assert_eq!(read.sums, expected);
        }
    }
    assert!(other > 0);
}

#[test]
fn sampling_is_said_in_each_way() {
    let expected: [(SamplingSaid, [Said; 2]); 5] = [
        (
            SamplingSaid::Usual,
            [vec![(1, 0), (34, 100), (35, 1)], vec![(302, 1), (304, 1), (305, 1), (306, 99)]],
        ),
        (
            SamplingSaid::Interval,
            [vec![(1, 0), (34, 100), (35, 1)], vec![(149, 3), (34, 100), (35, 1)]],
        ),
        (
            SamplingSaid::Sampler,
            [
                vec![(1, 0), (48, 1), (49, 2), (50, 100)],
                vec![(149, 3), (48, 1), (49, 2), (50, 100)],
            ],
        ),
        (
            SamplingSaid::Selector,
            [
                vec![(1, 0), (302, 1), (304, 1), (305, 1), (306, 99)],
                vec![(302, 1), (304, 1), (305, 1), (306, 99)],
            ],
        ),
        (SamplingSaid::Record, [vec![], vec![]]),
    ];
    for (said, [v9, ipfix]) in expected {
        let (_, _, read) = run(Settings {
            sampling: vec![100],
            sampling_said: vec![said],
            records: Some(2_000),
            ..each()
        });
        for (read, numbers) in [(&read[1], v9), (&read[2], ipfix)] {
            let wanted = BTreeSet::from_iter((!numbers.is_empty()).then_some(numbers));
            assert_eq!(read.sampling, wanted, "{said:?}");
            let extra = read.templates[&256].fields.last().unwrap().id;
            let expected = match said {
                SamplingSaid::Record => 34,
                SamplingSaid::Sampler => 48,
                SamplingSaid::Selector => 302,
                SamplingSaid::Usual if read.sampling.iter().any(|one| one[0].0 == 302) => 302,
                _ => 136,
            };
            assert_eq!(extra, expected, "{said:?}");
        }
        for read in [&read[0], &read[3]] {
            assert_eq!(read.sampling, BTreeSet::from([vec![(0, 100)]]));
        }
    }
}

#[test]
fn templates_that_nothing_uses_are_said_too() {
    for said in [SamplingSaid::Record, SamplingSaid::Selector] {
        let (traffic, _, read) =
            run(Settings { more_templates: 8, sampling_said: vec![said], ..each() });
        let options = if said == SamplingSaid::Record { 1 } else { 2 };
        for (truth, read) in traffic.truth().iter().zip(&read).filter(|(t, _)| t.templates.made > 0)
        {
            assert_eq!((read.templates.len(), read.sums), (2 + options + 8, truth.sent));
        }
    }
    let settings = Settings { more_templates: 9, ..each() };
    assert_eq!(Traffic::new(settings).unwrap_err().setting, "more_templates");
}

#[test]
fn who_says_nothing_of_sampling_says_nothing() {
    let (_, _, read) = run(Settings { sampling: vec![0], ..each() });
    assert!(read[1].sampling.is_empty() && read[2].sampling.is_empty());
    assert_eq!(read[1].templates.len(), 3);
}

#[test]
fn single_records_and_short_messages_are_made_too() {
    for (records_per_datagram, message_octets) in [(1, 1_420), (0, 640), (7, 65_507), (0, 65_507)] {
        let settings = Settings { records_per_datagram, message_octets, ..each() };
        let (traffic, _, read) = run(settings);
        for (truth, read) in traffic.truth().iter().zip(&read) {
            assert_eq!(read.sums, truth.sent);
        }
    }
}

#[test]
fn clocks_differ_as_they_are_told_to() {
    let settings =
        Settings { clock_skew_s: vec![0, 3_600], protocols: vec![Protocol::Ipfix], ..each() };
    let (_, _, read) = run(settings);
    let (right, ahead) = (read[0].headers[0].unix_s, read[1].headers[0].unix_s);
    assert_eq!(ahead - right, 3_600);
}

#[test]
fn simulated_time_goes_on_with_the_records() {
    let settings = Settings { flows_per_second: 2_000.0, ..each() };
    let start_ns = settings.start_time_ns;
    let (traffic, all, _) = run(settings);
    assert_eq!(traffic.time_ns() - start_ns, 10_000_000_000);
    assert_eq!(all[0].1, start_ns);
}

#[test]
fn filling_gives_what_next_gives() {
    let (_, all, _) = run(each());
    let mut traffic = Traffic::new(each()).unwrap();
    let mut at = 0;
    loop {
        let (mut out, mut ends, mut exporters, mut times) = (vec![], vec![], vec![], vec![]);
        let filled = traffic.fill(100, &mut out, &mut ends, &mut exporters, &mut times);
        if filled == 0 {
            break;
        }
        let mut begin = 0;
        for index in 0..filled {
            let octets = out[begin..ends[index]].to_vec();
            assert_eq!((exporters[index], times[index], octets), all[at]);
            (begin, at) = (ends[index], at + 1);
        }
    }
    assert_eq!(at, all.len());
}

/// Run by hand, in a release build: `cargo test -p penstock-traffic --release rate -- --ignored --nocapture`.
#[test]
#[ignore = "prints how fast records are made"]
fn rate() {
    for (prebuilt, protocol) in [0, 64].into_iter().flat_map(|n| Protocol::ALL.map(|p| (n, p))) {
        let settings = Settings {
            protocols: vec![protocol],
            exporters: 4,
            records: Some(20_000_000),
            prebuilt,
            ..Settings::default()
        };
        let mut traffic = Traffic::new(settings).unwrap();
        let begun = std::time::Instant::now();
        let mut octets = 0;
        while let Some(datagram) = traffic.next() {
            octets += datagram.octets.len();
        }
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{:<6} prebuilt {prebuilt:>2}: {:>6.1} M records/s, {octets} octets",
            protocol.name(),
            20.0 / seconds
        );
    }
}
