// SPDX-License-Identifier: Apache-2.0
//! Layouts of records, and each flow of the pool written in one.
//!
//! A record is copied from its flow's image; what differs from record to record is written over it:
//! counters and times. Messages around records are made elsewhere.

use penstock_codec::{Field, Template};

use crate::field::{What, items, put_item};
use crate::pool::{Flow, Sizes};
use crate::random::Random;
use crate::truth::Sums;

/// Which layout a record has.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Key {
    pub clock: Clock,
    pub ipv6: bool,
    /// Which of the two definitions that take turns.
    pub edition: Edition,
    pub extra: Extra,
}

impl Key {
    pub fn is_absolute(self) -> bool {
        self.clock == Clock::Absolute
    }
}

/// How a record tells its times.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Clock {
    /// `NetFlow` version 5's only layout: milliseconds of uptime.
    Fixed,
    /// Elements 22 and 21, milliseconds of uptime.
    Uptime,
    /// Elements 152 and 153, milliseconds since 1970.
    Absolute,
}

/// Both have records of the same length, so that reading one for the other changes no count.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Edition {
    #[default]
    First,
    Second,
}

impl Edition {
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// What a record says of sampling beside its 20 usual fields.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Extra {
    Nothing,
    SamplerId,
    SelectorId,
    Interval(u32),
}

/// The pool's flows in one layout.
#[derive(Debug)]
pub(crate) struct Layout {
    pub template: Template,
    pub record_octets: usize,
    images: Box<[u8]>,
    packet_octets: Box<[u32]>,
    octets: Place,
    packets: Place,
    start: Place,
    end: Place,
    clock: Clock,
}

/// Where a number stands in a record; it is of 4 or 8 octets.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    at: usize,
    wide: bool,
}

/// Now, by the exporter's own clock, and when it began to count uptime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub ms: i64,
    pub boot_ms: i64,
}

impl Now {
    /// Milliseconds since the exporter began; they wrap.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "uptime wraps after 49.7 days"
    )]
    pub const fn uptime_ms(self) -> u32 {
        self.ms.wrapping_sub(self.boot_ms) as u32
    }

    /// Seconds since 1970.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "export times wrap in 2106"
    )]
    pub const fn unix_s(self) -> u32 {
        self.ms.div_euclid(1_000) as u32
    }

    /// What [`Self::unix_s`] leaves over.
    #[expect(clippy::cast_possible_truncation, reason = "less than a second")]
    pub const fn unix_ns(self) -> u32 {
        self.ms.rem_euclid(1_000) as u32 * 1_000_000
    }
}

impl Layout {
    /// The flows are of the key's family.
    pub fn new(key: Key, flows: &[Flow]) -> Self {
        let items = items(key);
        let mut images = Vec::new();
        for flow in flows {
            for &item in &items {
                put_item(&mut images, item, flow, key);
            }
        }
        let place = |wanted: What| {
            let before = items.iter().take_while(|(what, _)| *what != wanted);
            let at = before.map(|&(_, width)| usize::from(width)).sum();
            Place { at, wide: items.contains(&(wanted, 8)) }
        };
        Self {
            template: Template {
                id: if key.ipv6 { IPV6_TEMPLATE } else { IPV4_TEMPLATE },
                scopes: 0,
                fields: items
                    .iter()
                    .map(|&(what, length)| Field { pen: 0, id: what.number(key), length })
                    .collect(),
            },
            record_octets: items.iter().map(|&(_, width)| usize::from(width)).sum(),
            images: images.into(),
            packet_octets: flows.iter().map(|flow| flow.packet_octets).collect(),
            octets: place(What::Octets),
            packets: place(What::Packets),
            start: place(What::Start),
            end: place(What::End),
            clock: key.clock,
        }
    }

    /// Appends this many records, of the pool's flows from `from` on and round again.
    pub fn append(
        &self,
        out: &mut Vec<u8>,
        from: usize,
        count: usize,
        now: Now,
        sizes: &Sizes,
        random: &mut Random,
    ) -> Sums {
        let (mut sums, mut from, mut left) =
            (Sums::default(), from % self.packet_octets.len(), count);
        while left > 0 {
            let run = left.min(self.packet_octets.len() - from);
            let begin = out.len();
            let images = from * self.record_octets..(from + run) * self.record_octets;
            out.extend_from_slice(&self.images[images]);
            let records = out[begin..].chunks_exact_mut(self.record_octets);
            for (record, &packet_octets) in records.zip(&self.packet_octets[from..]) {
                let size = sizes.draw(random);
                let packets = u64::from(size.packets);
                let octets = packets * u64::from(packet_octets);
                let end_ms = (now.ms - i64::from(size.waited_ms)).max(now.boot_ms);
                let start_ms = (end_ms - i64::from(size.duration_ms)).max(now.boot_ms);
                self.octets.put(record, octets);
                self.packets.put(record, packets);
                self.start.put(record, self.time(start_ms, now));
                self.end.put(record, self.time(end_ms, now));
                sums += Sums { records: 1, octets, packets };
            }
            left -= run;
            from = 0;
        }
        sums
    }

    /// Makes the times of records later that [`Self::append`] wrote at another time.
    #[expect(clippy::cast_sign_loss, reason = "adding what wraps subtracts")]
    pub fn shift_times(&self, records: &mut [u8], was: Now, now: Now) {
        let by_ms = match self.clock {
            Clock::Absolute => (now.ms - was.ms) as u64,
            Clock::Fixed | Clock::Uptime => {
                u64::from(now.uptime_ms().wrapping_sub(was.uptime_ms()))
            }
        };
        for record in records.chunks_exact_mut(self.record_octets) {
            for place in [self.start, self.end] {
                place.put(record, place.get(record).wrapping_add(by_ms));
            }
        }
    }

    #[expect(clippy::cast_sign_loss, reason = "no exporter lives before 1970")]
    const fn time(&self, ms: i64, now: Now) -> u64 {
        match self.clock {
            Clock::Absolute => ms as u64,
            Clock::Fixed | Clock::Uptime => ms.wrapping_sub(now.boot_ms) as u64,
        }
    }
}

impl Place {
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "narrow fields wrap, as exporters' do")]
    fn put(self, record: &mut [u8], value: u64) {
        if self.wide {
            record[self.at..self.at + 8].copy_from_slice(&value.to_be_bytes());
        } else {
            record[self.at..self.at + 4].copy_from_slice(&(value as u32).to_be_bytes());
        }
    }

    #[inline]
    fn get(self, record: &[u8]) -> u64 {
        let octets = &record[self.at..self.at + if self.wide { 8 } else { 4 }];
        octets.iter().fold(0, |value, &octet| value << 8 | u64::from(octet))
    }
}

/// Numbers of the templates.
pub(crate) const IPV4_TEMPLATE: u16 = 256;
pub(crate) const IPV6_TEMPLATE: u16 = 257;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool;

    const KEY: Key =
        Key { clock: Clock::Uptime, ipv6: false, edition: Edition::First, extra: Extra::Nothing };
    const NOW: Now = Now { ms: 1_700_000_000_000, boot_ms: 1_700_000_000_000 - 5_000_000_000 };

    fn layout(key: Key) -> Layout {
        Layout::new(key, &pool::draw(100, key.ipv6, 1))
    }

    #[test]
    fn both_editions_have_the_usual_20_fields_and_one_length() {
        for clock in [Clock::Uptime, Clock::Absolute] {
            for ipv6 in [false, true] {
                let first = layout(Key { clock, ipv6, ..KEY });
                let second = layout(Key { clock, ipv6, edition: Edition::Second, ..KEY });
                let numbers = |layout: &Layout| {
                    let mut ids: Vec<u16> = layout.template.fields.iter().map(|f| f.id).collect();
                    ids.sort_unstable();
                    ids
                };
                assert_eq!(numbers(&first), numbers(&second));
                assert_eq!(first.template.fields.len(), 20);
                assert_ne!(first.template, second.template);
                assert_eq!(first.record_octets, second.record_octets);
                assert_eq!(first.template.fixed_octets(), Some(first.record_octets));
            }
        }
        assert_eq!(layout(Key { clock: Clock::Fixed, ..KEY }).record_octets, 48);
    }

    #[test]
    fn a_pool_smaller_than_a_message_is_gone_through_again() {
        let layout = layout(KEY);
        let (mut out, mut random) = (Vec::new(), Random::new(1, 0));
        let sums = layout.append(&mut out, 70, 250, NOW, &Sizes::new(), &mut random);
        assert_eq!((sums.records, out.len()), (250, 250 * layout.record_octets));
        let src = |record: usize| &out[record * layout.record_octets..][..4];
        assert_eq!(src(0), src(100));
        assert_eq!(src(49), src(149));
    }

    #[test]
    fn shifted_times_are_those_of_a_record_made_later() {
        let later = Now { ms: NOW.ms + 90_000, boot_ms: NOW.boot_ms + 1_000 };
        for (clock, by_ms) in
            [(Clock::Fixed, 89_000), (Clock::Uptime, 89_000), (Clock::Absolute, 90_000)]
        {
            let layout = layout(Key { clock, ..KEY });
            let mut out = Vec::new();
            layout.append(&mut out, 0, 3, NOW, &Sizes::new(), &mut Random::new(1, 0));
            let before = out.clone();
            layout.shift_times(&mut out, NOW, later);
            for (old, new) in
                before.chunks(layout.record_octets).zip(out.chunks(layout.record_octets))
            {
                for place in [layout.start, layout.end] {
                    let sum = place.get(old) + by_ms;
                    let wrapped = if place.wide { sum } else { sum & 0xffff_ffff };
                    assert_eq!(place.get(new), wrapped);
                }
            }
        }
    }

    #[test]
    fn no_flow_is_older_than_its_exporter() {
        let young = Now { boot_ms: NOW.ms - 10, ..NOW };
        let layout = layout(KEY);
        let mut out = Vec::new();
        layout.append(&mut out, 0, 100, young, &Sizes::new(), &mut Random::new(1, 0));
        for record in out.chunks(layout.record_octets) {
            assert!(layout.start.get(record) <= layout.end.get(record));
            assert!(layout.end.get(record) <= 10);
        }
    }
}
