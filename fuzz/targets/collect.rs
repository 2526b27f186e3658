// SPDX-License-Identifier: Apache-2.0
//! A collector and what is sent to it: datagrams of all protocols from a few addresses, streams, at
//! times that may leap, with batches taken and memory kept in between.
//!
//! ```text
//! 0, who, length (2), octets       a datagram
//! 1, who, message                  a datagram that is made, see src/messages.rs
//! 2, step                          time goes on, see src/script.rs, and the collector is told
//! 3, back, who                     an earlier datagram again, from whomever
//! 4, back, count                   the same from so many that nobody knows
//! 5                                batches are taken
//! 6                                another collector goes on with what this one keeps
//! 7, session, message              a message of IPFIX by a connection or a file
//! 8, session                       which ends
//! ```
#![no_main]

use libfuzzer_sys::fuzz_target;
use penstock_collect::{Collector, SessionError, Settings};
use penstock_fuzz::messages::{Numbers, message};
use penstock_fuzz::script::later;
use penstock_fuzz::{Input, collected};
use penstock_wire::Tunnels;

fuzz_target!(|octets: &[u8]| {
    let mut input = Input::new(octets);
    let mut case = Case::new(settings(&mut input));
    while !input.is_over() && case.steps < MOST_STEPS {
        case.step(&mut input);
    }
    collected::take(&mut case.collector);
    collected::check_ledger(&case.collector, &case.settings, case.messages);
});

struct Case {
    settings: Settings,
    collector: Collector,
    numbers: Numbers,
    now_ns: i64,
    sent: Vec<Vec<u8>>,
    steps: usize,
    messages: u64,
    /// Numbers of connections and files that are open.
    sessions: [Option<u32>; 4],
}

impl Case {
    fn new(settings: Settings) -> Self {
        Self {
            collector: Collector::new(settings.clone()),
            settings,
            numbers: Numbers::default(),
            now_ns: 1_700_000_000_000_000_000,
            sent: Vec::new(),
            steps: 0,
            messages: 0,
            sessions: [None; 4],
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        self.steps += 1;
        match input.u8() % 9 {
            0 => {
                let (who, length) = (input.u8(), input.u16());
                let octets = input.take(length.into()).to_vec();
                self.datagram(who.into(), &octets);
                self.sent.push(octets);
            }
            1 => {
                let who = input.u8();
                let octets = message(input, &mut self.numbers, false);
                self.datagram(who.into(), &octets);
                self.sent.push(octets);
            }
            2 => {
                self.now_ns = later(self.now_ns, input.u8());
                self.collector.tick(self.now_ns);
            }
            3 => {
                let (back, who) = (input.u8(), input.u8());
                self.again(back, who.into()..u32::from(who) + 1);
            }
            4 => {
                let (back, count) = (input.u8(), u32::from(input.u8()));
                self.again(back, 1_000..1_000 + count);
            }
            5 => {
                collected::take(&mut self.collector);
            }
            6 => self.go_on(),
            7 => self.stream(input),
            _ => {
                if let Some(number) = self.sessions[usize::from(input.u8() & 3)].take() {
                    // That it ended within a message is no trouble of ours.
                    let _ = self.collector.close_stream(number, self.now_ns);
                    self.messages = collected::messages(&self.collector);
                }
            }
        }
        collected::check_ledger(&self.collector, &self.settings, self.messages);
    }

    /// Sends a datagram, and takes batches as often as a pipeline would.
    fn datagram(&mut self, who: u32, octets: &[u8]) {
        let mut addr = [0; 16];
        addr[10..12].fill(0xff);
        addr[12..].copy_from_slice(&(who >> 2).to_be_bytes());
        let port = 2_000 + u16::try_from(who & 3).unwrap_or(0);
        let waiting = self.collector.waiting();
        let reception = self.collector.datagram(addr, port, self.now_ns, octets);
        self.messages += 1;
        assert!(self.collector.waiting() >= waiting, "{reception:?}");
        if self.collector.is_full(MOST_ROWS) {
            collected::take(&mut self.collector);
        }
    }

    fn again(&mut self, back: u8, whom: std::ops::Range<u32>) {
        let back = usize::from(back) % self.sent.len().max(1);
        let Some(octets) = self.sent.iter().rev().nth(back).cloned() else { return };
        for who in whom {
            self.datagram(who, &octets);
        }
    }

    fn go_on(&mut self) {
        collected::take(&mut self.collector);
        let mut next = Collector::new(self.settings.clone());
        let known = self.collector.exporters();
        if let Some(templates) = self.collector.kept_templates() {
            next.restore_templates(&templates, self.now_ns).expect("it was kept");
        }
        let sequences = self.collector.kept_sequences();
        next.restore_sequences(&sequences, self.now_ns).expect("it was kept");
        for exporter in next.exporters() {
            let same = |other: &&penstock_collect::ExporterState| {
                (other.addr, other.protocol, other.domain)
                    == (exporter.addr, exporter.protocol, exporter.domain)
            };
            assert!(known.iter().any(|other| same(&other)), "{exporter:?}");
        }
        self.collector = next;
        self.messages = 0;
        self.sessions = [None; 4];
    }

    fn stream(&mut self, input: &mut Input<'_>) {
        let which = usize::from(input.u8() & 3);
        let number = *self.sessions[which].get_or_insert_with(|| match which {
            0 => self.collector.open_file(),
            _ => self.collector.open_stream([1; 16], 4739),
        });
        let octets = message(input, &mut self.numbers, true);
        let taken = self.collector.stream(number, &octets, self.now_ns);
        match taken {
            Ok(()) => {}
            Err(SessionError::Redefined | SessionError::Stream(_)) => {
                let again = self.collector.stream(number, &octets, self.now_ns);
                assert_eq!(again, Err(SessionError::Unknown));
                self.sessions[which] = None;
            }
            Err(SessionError::Unknown) => panic!("it was open"),
        }
        // A file may hold back a message until the next one has come, and damage makes many of one.
        self.messages = collected::messages(&self.collector);
        if self.collector.is_full(MOST_ROWS) {
            collected::take(&mut self.collector);
        }
    }
}

fn settings(input: &mut Input<'_>) -> Settings {
    let (bounds, more) = (input.u8(), input.u8());
    let which = |octet: u8, shift: u8| usize::from(octet >> shift & 3);
    let mut rated = [0; 16];
    rated[10..12].fill(0xff);
    Settings {
        template_lifetime_ns: [1_800 * SECOND, SECOND, 0, i64::MAX][which(more, 0)],
        max_exporters: [65_536, 1, 3, 20][which(bounds, 0)],
        max_templates: [4_096, 1, 3, 0][which(bounds, 2)],
        max_fields: [1_024, 8, 1, 20][which(bounds, 4)],
        parked_octets: [16 << 20, 0, 400, 4_000][which(bounds, 6)],
        parked_ns: [600 * SECOND, 0, SECOND, i64::MAX][which(more, 2)],
        default_sampling: [None, Some(10.0), None, None][which(more, 4)],
        sampling: if more & 64 == 0 { Vec::new() } else { vec![(rated, 7.0)] },
        ignore_source_port: more & 128 != 0,
        tunnels: if more & 0xc0 == 0xc0 { Tunnels::Outer } else { Tunnels::Inner },
        enterprise: if which(more, 4) == 2 { 999 } else { 32_473 },
    }
}

const SECOND: i64 = 1_000_000_000;
const MOST_STEPS: usize = 200;
const MOST_ROWS: usize = 20_000;
