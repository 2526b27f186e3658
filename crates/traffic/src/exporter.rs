// SPDX-License-Identifier: Apache-2.0
//! One exporter: its clock, its sequence numbers, when it repeats templates, what it sends next.
//!
//! What becomes of a message on the way is not known here.

use std::net::Ipv4Addr;

use crate::families::Families;
use crate::layout::{Clock, Edition, Extra, Key, Now};
use crate::message::{self, Head, Part, Written};
use crate::options;
use crate::settings::{Protocol, SamplingSaid, Settings};
use crate::sflow::{self, Agent};
use crate::stock::{Kept, Stock};
use crate::truth::{Sums, Truth};

/// What a message has in it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Contents {
    /// Of its flow records.
    pub sums: Sums,
    pub templates: u64,
    pub options: u64,
    pub counter_samples: u64,
    /// The templates that it defines, or those that its records need.
    pub edition: Option<Edition>,
}

/// Where a message is made, of what, and when.
pub(crate) struct Making<'a> {
    pub out: &'a mut Vec<u8>,
    pub stock: &'a mut Stock,
    pub settings: &'a Settings,
    pub time_ms: i64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Exporter {
    pub truth: Truth,
    /// Of what has arrived: the templates that hold now.
    arrived: Option<Edition>,
    said: SamplingSaid,
    skew_ms: i64,
    boot_ms: i64,
    edition: Edition,
    /// Of both editions: those of IPv4 and of IPv6.
    layouts: [[usize; 2]; 2],
    templates_due: Due,
    messages: u64,
    messages_since_start: u32,
    counters_due_ms: i64,
    agent: Option<Box<Agent>>,
    /// Where in the pools of both families it is.
    at: [usize; 2],
    families: Families,
}

/// When templates go out next.
#[derive(Clone, Copy, Debug)]
enum Due {
    Never,
    Now,
    /// Before the data message of this number.
    AtMessage(u64),
}

impl Exporter {
    /// Draws where it begins, and has the layouts made that it needs.
    pub fn new(index: u32, settings: &Settings, stock: &mut Stock) -> Self {
        let of = |list: usize| index as usize % list;
        let protocol = settings.protocols[of(settings.protocols.len())];
        let sampling = settings.sampling[of(settings.sampling.len())];
        let said = settings.sampling_said[of(settings.sampling_said.len())];
        let said = options::way(protocol, said);
        let mut truth = Truth::new(index, protocol, domain(protocol, index), sampling);
        truth.sequence = first_sequence(protocol);
        // Some have been up for hours, some for weeks.
        let uptime_s = 3_600 + stock.random.below(30 * 86_400);
        let boot_ms = settings.start_time_ns / 1_000_000 - i64::from(uptime_s) * 1_000;
        let mut start = || stock.random.below(settings.flows) as usize;
        let at = [start(), start()];
        let layouts = [Edition::First, Edition::Second]
            .map(|edition| keys(protocol, sampling, said, edition).map(|key| stock.layout(key)));
        Self {
            truth,
            arrived: None,
            said,
            skew_ms: settings.clock_skew_s[of(settings.clock_skew_s.len())] * 1_000,
            boot_ms,
            edition: Edition::First,
            layouts,
            templates_due: match protocol {
                Protocol::NetFlow9 | Protocol::Ipfix => {
                    Due::AtMessage(settings.template_late.into())
                }
                _ => Due::Never,
            },
            messages: 0,
            messages_since_start: 0,
            counters_due_ms: 0,
            agent: (protocol == Protocol::SFlow).then(Box::default),
            at,
            families: Families::new(if protocol == Protocol::NetFlow5 {
                0.0
            } else {
                settings.ipv6
            }),
        }
    }

    /// The address that it says it has, where its protocol says so.
    pub fn address(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(FIRST_ADDRESS.to_bits() + self.truth.exporter)
    }

    /// Restarts and changes its templates, if it is time for that.
    pub fn prepare(&mut self, settings: &Settings, time_ms: i64) {
        let has_templates = !matches!(self.templates_due, Due::Never);
        let every = settings.restart_every;
        if every > 0 && self.messages_since_start >= every {
            self.boot_ms = time_ms;
            self.messages_since_start = 0;
            self.truth.restarts += 1;
            self.truth.sequence = first_sequence(self.truth.protocol);
            self.counters_due_ms = 0;
            if let Some(agent) = &mut self.agent {
                **agent = Agent::default();
            }
            if has_templates {
                self.templates_due = Due::Now;
            }
        }
        let every = u64::from(settings.template_change_every);
        let change = every > 0 && self.messages > 0 && self.messages.is_multiple_of(every);
        if change && has_templates {
            self.edition = self.edition.other();
            self.templates_due = Due::Now;
        }
    }

    /// Appends a message of templates and options, if one is due.
    pub fn templates(&mut self, making: &mut Making<'_>) -> Option<Contents> {
        match self.templates_due {
            Due::Now => {}
            Due::AtMessage(number) if self.messages >= number => {}
            _ => return None,
        }
        let every = u64::from(making.settings.template_every);
        let next = if every == 0 { u64::MAX } else { self.messages + every };
        self.templates_due = Due::AtMessage(next);
        let layouts = self.layouts().map(|layout| &making.stock.layouts[layout]);
        let (head, more) = (self.head(making.time_ms), making.settings.more_templates);
        let said = options::append(making.out, &head, layouts, self.said, more);
        self.count(u64::from(said.options));
        Some(Contents {
            templates: said.templates.into(),
            options: said.options.into(),
            edition: Some(self.edition),
            ..Contents::default()
        })
    }

    /// Appends a datagram of interface counters, if one is due.
    pub fn counters(&mut self, making: &mut Making<'_>) -> Option<Contents> {
        let (now, address, time_ms) = (self.now(making.time_ms), self.address(), making.time_ms);
        let (every_s, most) = (making.settings.counters_every_s, making.settings.message_octets);
        let agent = self.agent.as_mut()?;
        if every_s == 0 || time_ms < self.counters_due_ms {
            return None;
        }
        self.counters_due_ms = time_ms + i64::from(every_s) * 1_000;
        let sequence = self.truth.sequence;
        let samples =
            sflow::append_counters(making.out, address, sequence, now, agent, most.into());
        self.count(0);
        Some(Contents { counter_samples: samples.into(), ..Contents::default() })
    }

    /// Appends a message of flow records, `most` at most, which is not 0.
    pub fn data(&mut self, making: &mut Making<'_>, most: u64) -> Contents {
        self.messages += 1;
        self.messages_since_start += 1;
        let cap = match making.settings.records_per_datagram {
            0 => u64::MAX,
            cap => cap.into(),
        };
        let most = usize::try_from(most.min(cap)).unwrap_or(usize::MAX);
        let sums = match self.truth.protocol {
            Protocol::SFlow => self.samples(making, most),
            _ => self.records(making, most),
        };
        self.count(sums.records);
        let edition = match self.truth.protocol {
            Protocol::NetFlow9 | Protocol::Ipfix => Some(self.edition),
            _ => None,
        };
        Contents { sums, edition, ..Contents::default() }
    }

    /// Counts what a message has in it, which arrives now.
    pub fn arrive(&mut self, contents: &Contents) {
        let truth = &mut self.truth;
        truth.sent += contents.sums;
        truth.templates.sent += contents.templates;
        truth.options.sent += contents.options;
        truth.counter_samples.sent += contents.counter_samples;
        if contents.templates > 0 {
            self.arrived = contents.edition;
        } else if contents.edition.is_some() && self.arrived.is_none() {
            truth.before_template += contents.sums;
        } else if contents.edition.is_some() && self.arrived != contents.edition {
            truth.under_other_template += contents.sums;
        }
    }

    fn records(&mut self, making: &mut Making<'_>, most: usize) -> Sums {
        let (head, layouts) = (self.head(making.time_ms), self.layouts());
        let Stock { layouts: stock, sizes, random, replays, .. } = &mut *making.stock;
        let octets = layouts.map(|layout| stock[layout].record_octets);
        let room = usize::from(making.settings.message_octets)
            - message::header_octets(head.protocol)
            - 2 * message::set_octets(head.protocol);
        let fit = self.families.fit(octets, room).min(message::most_records(head.protocol));
        let begin = making.out.len();
        let prebuilt = making.settings.prebuilt as usize;
        let mut replay = (prebuilt > 0 && fit <= most).then(|| replays.entry(layouts).or_default());
        if let Some(kept) = replay.as_mut().and_then(|replay| replay.next(prebuilt)) {
            making.out.extend_from_slice(&kept.octets);
            let message = &mut making.out[begin..];
            let Written { sums, records } = &kept.written;
            message::replace_header(message, &head, sums.records);
            for (&layout, records) in layouts.iter().zip(records) {
                stock[layout].shift_times(&mut message[records.clone()], kept.now, head.now);
            }
            return *sums;
        }
        let counts = self.families.share(fit.min(most), octets, room);
        let part = |family: usize| Part {
            layout: &stock[layouts[family]],
            from: self.at[family],
            count: counts[family],
        };
        let written = message::append_data(making.out, &head, [part(0), part(1)], sizes, random);
        for (at, count) in self.at.iter_mut().zip(counts) {
            *at = (*at + count) % making.settings.flows as usize;
        }
        let sums = written.sums;
        if let Some(replay) = replay {
            let octets = making.out[begin..].to_vec();
            replay.keep(Kept { octets, written, now: head.now });
        }
        sums
    }

    fn samples(&mut self, making: &mut Making<'_>, most: usize) -> Sums {
        let (now, address, rate) = (self.now(making.time_ms), self.address(), self.truth.sampling);
        let (sequence, room) = (self.truth.sequence, making.settings.message_octets);
        let flows = making.settings.flows as usize;
        let mut datagram = sflow::Datagram::begin(making.out, address, sequence, now, room.into());
        let agent = self.agent.get_or_insert_default();
        for _ in 0..most {
            let family = usize::from(self.families.next_is_ipv6());
            if !datagram.add(&making.stock.samples[family], self.at[family], agent, rate) {
                break;
            }
            self.families.took(family == 1);
            self.at[family] = (self.at[family] + 1) % flows;
        }
        datagram.finish()
    }

    const fn layouts(&self) -> [usize; 2] {
        match self.edition {
            Edition::First => self.layouts[0],
            Edition::Second => self.layouts[1],
        }
    }

    /// After a message with so many data records, options included.
    #[expect(clippy::cast_possible_truncation, reason = "a datagram has fewer records")]
    const fn count(&mut self, records: u64) {
        let by = match self.truth.protocol {
            Protocol::NetFlow5 | Protocol::Ipfix => records as u32,
            Protocol::NetFlow9 | Protocol::SFlow => 1,
        };
        self.truth.sequence = self.truth.sequence.wrapping_add(by);
    }

    const fn head(&self, time_ms: i64) -> Head {
        Head {
            protocol: self.truth.protocol,
            now: self.now(time_ms),
            sequence: self.truth.sequence,
            domain: self.truth.domain,
            sampling: self.truth.sampling,
        }
    }

    /// Its clock is wrong from the beginning, so its uptime is right.
    const fn now(&self, time_ms: i64) -> Now {
        Now { ms: time_ms + self.skew_ms, boot_ms: self.boot_ms + self.skew_ms }
    }
}

/// Tells exporters apart that come from one address, as far as the protocol can.
const fn domain(protocol: Protocol, exporter: u32) -> u32 {
    match protocol {
        Protocol::NetFlow5 => (exporter + 1) & 0xffff,
        Protocol::NetFlow9 | Protocol::Ipfix => exporter + 1,
        Protocol::SFlow => 0,
    }
}

/// sFlow counts from 1, as its agents do.
const fn first_sequence(protocol: Protocol) -> u32 {
    if matches!(protocol, Protocol::SFlow) { 1 } else { 0 }
}

/// The layouts of records: IPv4 and IPv6.
fn keys(protocol: Protocol, sampling: u32, said: SamplingSaid, edition: Edition) -> [Key; 2] {
    let clock = match protocol {
        Protocol::NetFlow5 | Protocol::SFlow => {
            let key = Key {
                clock: Clock::Fixed,
                ipv6: false,
                edition: Edition::First,
                extra: Extra::Nothing,
            };
            return [key; 2];
        }
        Protocol::NetFlow9 => Clock::Uptime,
        Protocol::Ipfix => Clock::Absolute,
    };
    let extra = match (sampling, said) {
        (0, _) => Extra::Nothing,
        (_, SamplingSaid::Sampler) => Extra::SamplerId,
        (_, SamplingSaid::Selector) => Extra::SelectorId,
        (rate, SamplingSaid::Record) => Extra::Interval(rate),
        _ => Extra::Nothing,
    };
    [false, true].map(|ipv6| Key { clock, ipv6, edition, extra })
}

/// Of the agents' addresses.
const FIRST_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 16, 0, 1);
