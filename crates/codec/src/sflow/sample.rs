// SPDX-License-Identifier: Apache-2.0
//! Samples: what each kind says before its records, in the compact and the expanded form.

use super::xdr::{Xdr, put_u32};
use crate::Malformed;

/// One sample of a datagram.
#[derive(Clone, Debug)]
pub enum Sample<'a> {
    /// A packet that was sampled (formats 1 and 3).
    Flow(FlowSample<'a>),
    /// Counters of a source (formats 2 and 4).
    Counters(CounterSample<'a>),
    /// A packet that was dropped (format 5).
    Discarded(DiscardedPacket<'a>),
    /// A kind that is not read.
    Unknown(Record<'a>),
}

/// What samples are taken of.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Source {
    /// 0 an interface by its ifIndex, 1 a VLAN, 2 a physical entity, 3 a logical entity.
    pub class: u32,
    /// Which of them.
    pub index: u32,
}

/// Where a packet came in or left.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Interface {
    /// What `value` is: see the constants.
    pub format: u32,
    /// An ifIndex, a reason or a number of interfaces.
    pub value: u32,
}

impl Interface {
    /// `value` is an ifIndex; 0 is not known, [`Self::INTERNAL`] the device itself.
    pub const IF_INDEX: u32 = 0;
    /// The packet was discarded; `value` is the reason.
    pub const DISCARDED: u32 = 1;
    /// `value` is a number of interfaces, 0 if only that there were several is known.
    pub const MULTIPLE: u32 = 2;
    /// ifIndex of the device itself.
    pub const INTERNAL: u32 = 0x3fff_ffff;

    /// By its ifIndex.
    pub const fn index(value: u32) -> Self {
        Self { format: Self::IF_INDEX, value }
    }

    const fn from_compact(word: u32) -> Self {
        Self { format: word >> 30, value: word & Self::INTERNAL }
    }
}

/// What a flow sample says before its records.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FlowHead {
    /// Counts flow samples of this source.
    pub sequence: u32,
    /// What was sampled.
    pub source: Source,
    /// One of how many packets is sampled; 0 is not known.
    pub sampling_rate: u32,
    /// Packets that could have been sampled so far.
    pub sample_pool: u32,
    /// Samples that the agent has lost so far.
    pub drops: u32,
    /// Where the packet came in.
    pub input: Interface,
    /// Where it left.
    pub output: Interface,
}

/// A sampled packet.
#[derive(Clone, Debug)]
pub struct FlowSample<'a> {
    /// What it says before its records.
    pub head: FlowHead,
    /// Its flow records.
    pub records: Records<'a>,
}

/// What a counter sample says before its records.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CounterHead {
    /// Counts counter samples of this source.
    pub sequence: u32,
    /// What the counters are of.
    pub source: Source,
}

/// Counters of one source.
#[derive(Clone, Debug)]
pub struct CounterSample<'a> {
    /// What it says before its records.
    pub head: CounterHead,
    /// Its counter records.
    pub records: Records<'a>,
}

/// What a report of a dropped packet says before its records.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DiscardedHead {
    /// Counts reports of this source.
    pub sequence: u32,
    /// Where it was dropped.
    pub source: Source,
    /// Reports that the agent has held back so far.
    pub drops: u32,
    /// ifIndex that it came in by; 0 is not known.
    pub input: u32,
    /// ifIndex that it would have left by; 0 is not known.
    pub output: u32,
    /// Why; see [`reason_name`](super::reason_name).
    pub reason: u32,
}

/// A dropped packet. It stands for itself alone: drops are not sampled.
#[derive(Clone, Debug)]
pub struct DiscardedPacket<'a> {
    /// What it says before its records.
    pub head: DiscardedHead,
    /// Its flow records.
    pub records: Records<'a>,
}

impl<'a> Sample<'a> {
    #[inline]
    pub(super) fn read(sample: Record<'a>) -> Result<Self, Malformed> {
        let mut xdr = Xdr::new(sample.octets);
        Ok(match (sample.enterprise, sample.format) {
            (0, FLOW | EXPANDED_FLOW) => Self::Flow(FlowSample {
                head: FlowHead::read(&mut xdr, sample.format == EXPANDED_FLOW)?,
                records: Records::read(xdr)?,
            }),
            (0, COUNTERS | EXPANDED_COUNTERS) => Self::Counters(CounterSample {
                head: CounterHead::read(&mut xdr, sample.format == EXPANDED_COUNTERS)?,
                records: Records::read(xdr)?,
            }),
            (0, DISCARDED) => Self::Discarded(DiscardedPacket {
                head: DiscardedHead::read(&mut xdr)?,
                records: Records::read(xdr)?,
            }),
            _ => Self::Unknown(sample),
        })
    }
}

impl Source {
    #[inline]
    fn read(xdr: &mut Xdr<'_>, expanded: bool) -> Result<Self, Malformed> {
        let first = xdr.u32()?;
        Ok(if expanded {
            Self { class: first, index: xdr.u32()? }
        } else {
            Self { class: first >> 24, index: first & MAX_COMPACT_INDEX }
        })
    }

    /// Whether the compact form has room for it.
    pub(super) const fn is_compact(self) -> bool {
        self.class <= u8::MAX as u32 && self.index <= MAX_COMPACT_INDEX
    }

    pub(super) fn write(self, out: &mut Vec<u8>, expanded: bool) {
        if expanded {
            put_u32(out, self.class);
            put_u32(out, self.index);
        } else {
            put_u32(out, self.class << 24 | self.index & MAX_COMPACT_INDEX);
        }
    }
}

impl Interface {
    #[inline]
    fn read(xdr: &mut Xdr<'_>, expanded: bool) -> Result<Self, Malformed> {
        let first = xdr.u32()?;
        Ok(if expanded {
            Self { format: first, value: xdr.u32()? }
        } else {
            Self::from_compact(first)
        })
    }

    /// Whether the compact form has room for it.
    pub(super) const fn is_compact(self) -> bool {
        self.format <= 3 && self.value <= Self::INTERNAL
    }

    pub(super) fn write(self, out: &mut Vec<u8>, expanded: bool) {
        if expanded {
            put_u32(out, self.format);
            put_u32(out, self.value);
        } else {
            put_u32(out, self.format << 30 | self.value & Self::INTERNAL);
        }
    }
}

impl FlowHead {
    #[inline]
    fn read(xdr: &mut Xdr<'_>, expanded: bool) -> Result<Self, Malformed> {
        Ok(Self {
            sequence: xdr.u32()?,
            source: Source::read(xdr, expanded)?,
            sampling_rate: xdr.u32()?,
            sample_pool: xdr.u32()?,
            drops: xdr.u32()?,
            input: Interface::read(xdr, expanded)?,
            output: Interface::read(xdr, expanded)?,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>, expanded: bool) {
        put_u32(out, self.sequence);
        self.source.write(out, expanded);
        put_u32(out, self.sampling_rate);
        put_u32(out, self.sample_pool);
        put_u32(out, self.drops);
        self.input.write(out, expanded);
        self.output.write(out, expanded);
    }
}

impl CounterHead {
    fn read(xdr: &mut Xdr<'_>, expanded: bool) -> Result<Self, Malformed> {
        Ok(Self { sequence: xdr.u32()?, source: Source::read(xdr, expanded)? })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>, expanded: bool) {
        put_u32(out, self.sequence);
        self.source.write(out, expanded);
    }
}

impl DiscardedHead {
    fn read(xdr: &mut Xdr<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            sequence: xdr.u32()?,
            source: Source::read(xdr, true)?,
            drops: xdr.u32()?,
            input: xdr.u32()?,
            output: xdr.u32()?,
            reason: xdr.u32()?,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_u32(out, self.sequence);
        self.source.write(out, true);
        put_u32(out, self.drops);
        put_u32(out, self.input);
        put_u32(out, self.output);
        put_u32(out, self.reason);
    }
}

/// A sample or record as it is framed: what it is, and its octets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Record<'a> {
    /// Who defined the format: a private enterprise number of 20 bits, 0 is sFlow itself.
    pub enterprise: u32,
    /// The format: 12 bits.
    pub format: u32,
    /// What it holds.
    pub octets: &'a [u8],
}

/// Records of a sample, one after another. A record that is cut is the last; records that were announced and never
/// came are one error.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    announced: u32,
    xdr: Xdr<'a>,
}

impl<'a> Records<'a> {
    pub(super) const fn new(announced: u32, octets: &'a [u8]) -> Self {
        Self { announced, xdr: Xdr::new(octets) }
    }

    #[inline]
    fn read(mut xdr: Xdr<'a>) -> Result<Self, Malformed> {
        Ok(Self { announced: xdr.u32()?, xdr })
    }

    /// The next one; none behind the last, whether it is whole or not. For those who look at every record: a record
    /// alone goes through registers, a result of one through memory.
    #[inline]
    pub fn whole(&mut self) -> Option<Record<'a>> {
        let announced = self.announced.checked_sub(1)?;
        let mut xdr = self.xdr;
        let kind = xdr.u32().ok()?;
        let length = xdr.u32().ok()?;
        let octets = xdr.take(length).ok()?;
        *self = Self { announced, xdr };
        Some(Record { enterprise: kind >> 12, format: kind & MAX_FORMAT, octets })
    }

    /// Whether all that were announced were there, once [`Self::whole`] gives no more.
    ///
    /// # Errors
    ///
    /// [`Malformed::CountBeyondMessage`] if some never came, [`Malformed::SampleCut`] if one is cut.
    #[inline]
    pub fn end(&self) -> Result<(), Malformed> {
        match (self.announced, self.xdr.rest()) {
            (0, _) => Ok(()),
            (_, []) => Err(Malformed::CountBeyondMessage),
            _ => Err(Malformed::SampleCut),
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(record) = self.whole() {
            return Some(Ok(record));
        }
        let wrong = self.end().err();
        self.announced = 0;
        wrong.map(Err)
    }
}

/// Enterprise and format in the one number that goes before a sample or record.
pub(super) const fn data_format(enterprise: u32, format: u32) -> u32 {
    enterprise << 12 | format & MAX_FORMAT
}

pub(super) const FLOW: u32 = 1;
pub(super) const COUNTERS: u32 = 2;
pub(super) const EXPANDED_FLOW: u32 = 3;
pub(super) const EXPANDED_COUNTERS: u32 = 4;
pub(super) const DISCARDED: u32 = 5;

const MAX_FORMAT: u32 = 0xfff;
const MAX_COMPACT_INDEX: u32 = 0xff_ffff;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compact_form_of_an_interface_has_two_bits_of_format() {
        assert_eq!(Interface::from_compact(3), Interface::index(3));
        let discarded = Interface { format: Interface::DISCARDED, value: 258 };
        assert_eq!(Interface::from_compact(0x4000_0102), discarded);
        let several = Interface { format: Interface::MULTIPLE, value: 0 };
        assert_eq!(Interface::from_compact(0x8000_0000), several);
        assert_eq!(Interface::from_compact(0x3fff_ffff).value, Interface::INTERNAL);
    }

    #[test]
    fn a_sample_of_another_enterprise_is_handed_on_whole() {
        let octets = [0_u8; 12];
        let record = Record { enterprise: 4300, format: 1, octets: &octets };
        let Ok(Sample::Unknown(same)) = Sample::read(record) else { panic!("not ours") };
        assert_eq!(same, record);
    }

    #[test]
    fn a_head_that_is_cut_is_an_error() {
        for (format, whole) in [(1, 32), (2, 12), (3, 44), (4, 16), (5, 32)] {
            for cut in 0..whole {
                let octets = vec![0; cut];
                let record = Record { enterprise: 0, format, octets: &octets };
                assert_eq!(Sample::read(record).unwrap_err(), Malformed::SampleCut, "{format}");
            }
            let octets = vec![0; whole];
            assert!(Sample::read(Record { enterprise: 0, format, octets: &octets }).is_ok());
        }
    }
}
