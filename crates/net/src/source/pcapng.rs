// SPDX-License-Identifier: Apache-2.0
//! pcapng, blocks of several kinds in a row (draft-ietf-opsawg-pcapng).
//!
//! ```text
//!   0      4              8            total - 4      total
//! +------+--------------+---- ... ----+--------------+
//! | type | total length | body        | total length |
//! +------+--------------+---- ... ----+--------------+
//! ```
//!
//! A section header says the byte order of the blocks up to the next one and forgets the interfaces
//! described before; a packet names its interface, which has the link type and the unit of
//! time. The length of a section is not looked at, and neither are blocks and options that say
//! nothing about packets: names, statistics, keys, comments. A frame check sequence stays on
//! its frame, as in pcap files.

use super::chunk::{Captured, Filling, index};
use super::{Format, MOST_CAPTURED_OCTETS, Step};

/// A pcapng file that is being read.
#[derive(Default)]
struct PcapNg {
    big_endian: bool,
    interfaces: Vec<Interface>,
    passing: Option<Passing>,
}

/// A block that is passed over, however long it is, without ever being in memory as a whole.
#[derive(Clone, Copy)]
struct Passing {
    total: u32,
    taken: u32,
}

/// What packets of an interface have in common (section 4.2).
#[derive(Debug, Eq, PartialEq)]
struct Interface {
    link: u16,
    /// Most octets captured of a packet, 0 for no limit.
    snaplen: u32,
    tick: Tick,
    offset_ns: i64,
}

/// How long a unit of an interface's time stamps is.
#[derive(Debug, Eq, PartialEq)]
enum Tick {
    /// So many nanoseconds.
    Nanoseconds(u64),
    /// So many to a nanosecond.
    PerNanosecond(u128),
    /// 2 to the power of so many to a second.
    Binary(u8),
}

/// A reader, if these are the first octets of a pcapng file.
pub(super) fn recognise(head: &[u8]) -> Option<Box<dyn Format>> {
    // The type of a section header reads the same in both byte orders.
    let is_section = head.first_chunk() == Some(&SECTION_HEADER.to_be_bytes());
    is_section.then(|| Box::new(PcapNg::default()) as Box<dyn Format>)
}

impl Format for PcapNg {
    fn walk(&mut self, filling: &mut Filling<'_>) -> Step {
        loop {
            if filling.is_full() {
                return Step::Full;
            }
            let walked = match self.passing {
                Some(passing) => self.pass_over(passing, filling),
                None => self.block(filling),
            };
            if let Err(step) = walked {
                return step;
            }
        }
    }
}

impl PcapNg {
    /// Reads the block that is next.
    fn block(&mut self, filling: &mut Filling<'_>) -> Result<(), Step> {
        let window = filling.window();
        let Some(head) = window.first_chunk::<HEAD_OCTETS>() else {
            return Err(Step::need("block", HEAD_OCTETS));
        };
        let is_section = head.first_chunk() == Some(&SECTION_HEADER.to_be_bytes());
        if is_section {
            let Some(order) = window.get(8..12) else { return Err(Step::need("block", 12)) };
            self.big_endian = match order {
                [0x1a, 0x2b, 0x3c, 0x4d] => true,
                [0x4d, 0x3c, 0x2b, 0x1a] => false,
                _ => return Err(Step::broken("section header without a byte-order magic")),
            };
        }
        let (kind, total) = (self.u32(head, 0), self.u32(head, 4));
        if total < LEAST_BLOCK_OCTETS || !total.is_multiple_of(4) {
            return Err(Step::broken(format!("a block cannot be {total} octets long")));
        }
        let least = match kind {
            SECTION_HEADER => 28,
            INTERFACE_DESCRIPTION => 20,
            ENHANCED_PACKET | PACKET => 32,
            SIMPLE_PACKET => 16,
            _ => {
                self.passing = Some(Passing { total, taken: 0 });
                return Ok(());
            }
        };
        if !(least..=MOST_BLOCK_OCTETS).contains(&total) {
            let problem = format!("a block of type {kind} cannot be {total} octets long");
            return Err(Step::broken(problem));
        }
        let octets = total as usize;
        let Some(block) = window.get(..octets) else { return Err(Step::need("block", octets)) };
        check_trailer(total, self.u32(block, octets - 4), 0)?;
        match kind {
            SECTION_HEADER => self.section(u16_at(block, 12, self.big_endian))?,
            INTERFACE_DESCRIPTION => self.describe(block)?,
            _ => self.packet(kind, octets, filling)?,
        }
        filling.next += octets;
        Ok(())
    }

    fn section(&mut self, major: u16) -> Result<(), Step> {
        if major != MAJOR_VERSION {
            return Err(Step::broken(format!("pcapng version {major} is not known, only 1 is")));
        }
        self.interfaces.clear();
        Ok(())
    }

    fn describe(&mut self, block: &[u8]) -> Result<(), Step> {
        if self.interfaces.len() >= MOST_INTERFACES {
            let problem = format!("more than {MOST_INTERFACES} interfaces in a section");
            return Err(Step::broken(problem));
        }
        let interface = Interface::read(block, self.big_endian).map_err(Step::broken)?;
        self.interfaces.push(interface);
        Ok(())
    }

    /// Adds the packet of the block of `octets` octets that is next.
    fn packet(&self, kind: u32, octets: usize, filling: &mut Filling<'_>) -> Result<(), Step> {
        let block = &filling.window()[..octets];
        let number = match kind {
            ENHANCED_PACKET => self.u32(block, 8),
            PACKET => u32::from(u16_at(block, 8, self.big_endian)),
            _ => 0,
        };
        let Some(interface) = self.interfaces.get(number as usize) else {
            return Err(Step::broken(format!("interface {number} has not been described")));
        };
        let (time_ns, captured_octets, original_octets, head) = if kind == SIMPLE_PACKET {
            // It has no time of its own (section 4.4): it gets that of the packet before it.
            let original = self.u32(block, 8);
            let most = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
            (filling.gate.last_ns, original.min(most), original, 12)
        } else {
            let ticks = u64::from(self.u32(block, 12)) << 32 | u64::from(self.u32(block, 16));
            (interface.time_ns(ticks), self.u32(block, 20), self.u32(block, 24), 28)
        };
        if captured_octets > MOST_CAPTURED_OCTETS {
            return Err(Step::too_long(captured_octets));
        }
        let room = octets - head - 4;
        if captured_octets as usize > room {
            let problem = format!("captured length {captured_octets} in a block with {room} left");
            return Err(Step::broken(problem));
        }
        if !filling.gate.admits(filling.packets, time_ns, captured_octets) {
            return Err(Step::Full);
        }
        let (at, link) = (index(filling.next + head), interface.link);
        filling.packets.push(Captured { time_ns, at, captured_octets, original_octets, link });
        Ok(())
    }

    fn pass_over(&mut self, passing: Passing, filling: &mut Filling<'_>) -> Result<(), Step> {
        let Passing { total, taken } = passing;
        let body = (total - taken - 4) as usize;
        let step = body.min(filling.have - filling.next);
        filling.next += step;
        let taken = taken + index(step);
        self.passing = Some(Passing { total, taken });
        match filling.window().first_chunk::<4>() {
            Some(trailer) if step == body => {
                check_trailer(total, self.u32(trailer, 0), taken)?;
                filling.next += 4;
                self.passing = None;
                Ok(())
            }
            _ => Err(Step::Need { what: "block", octets: total.into(), taken: taken.into() }),
        }
    }

    fn u32(&self, block: &[u8], at: usize) -> u32 {
        let octets = [block[at], block[at + 1], block[at + 2], block[at + 3]];
        if self.big_endian { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) }
    }
}

impl Interface {
    fn read(block: &[u8], big_endian: bool) -> Result<Self, &'static str> {
        let snaplen = [block[12], block[13], block[14], block[15]];
        let mut interface = Self {
            link: u16_at(block, 8, big_endian),
            snaplen: if big_endian {
                u32::from_be_bytes(snaplen)
            } else {
                u32::from_le_bytes(snaplen)
            },
            tick: Tick::Nanoseconds(1000),
            offset_ns: 0,
        };
        let mut options = &block[16..block.len() - 4];
        while options.len() >= 4 {
            let code = u16_at(options, 0, big_endian);
            let octets = usize::from(u16_at(options, 2, big_endian));
            if code == END_OF_OPTIONS {
                break;
            }
            let value = options.get(4..4 + octets).ok_or("an option goes past its block's end")?;
            match (code, value) {
                (IF_TSRESOL, [resolution]) => interface.tick = Tick::read(*resolution),
                (IF_TSOFFSET, value) if value.len() == 8 => {
                    interface.offset_ns = offset_ns(value, big_endian);
                }
                (IF_TSRESOL | IF_TSOFFSET, _) => return Err("a time option of the wrong length"),
                _ => {}
            }
            options = options.get(4 + octets.next_multiple_of(4)..).unwrap_or(&[]);
        }
        Ok(interface)
    }

    /// Nanoseconds since the epoch; the nearest that can be written where `ticks` is absurd.
    #[inline]
    fn time_ns(&self, ticks: u64) -> i64 {
        let wide = match self.tick {
            Tick::Nanoseconds(each) => u128::from(ticks) * u128::from(each),
            Tick::PerNanosecond(count) => u128::from(ticks) / count,
            Tick::Binary(power) => (u128::from(ticks) * 1_000_000_000) >> power,
        };
        i64::try_from(wide).unwrap_or(i64::MAX).saturating_add(self.offset_ns)
    }
}

impl Tick {
    /// The option `if_tsresol` (section 4.2): a power of 2 if the top bit is set, else of 10.
    fn read(resolution: u8) -> Self {
        let power = resolution & 0x7f;
        if resolution & 0x80 != 0 {
            return Self::Binary(power);
        }
        match power {
            0..=9 => Self::Nanoseconds(10_u64.pow(u32::from(9 - power))),
            _ => Self::PerNanosecond(10_u128.saturating_pow(u32::from(power - 9))),
        }
    }
}

/// Compares the lengths at both ends of a block of which `taken` octets have been passed over.
fn check_trailer(total: u32, trailer: u32, taken: u32) -> Result<(), Step> {
    if total == trailer {
        return Ok(());
    }
    let problem = format!("a block begins with length {total} and ends with {trailer}");
    Err(Step::Broken { problem, taken: taken.into() })
}

fn offset_ns(value: &[u8], big_endian: bool) -> i64 {
    let octets = value.first_chunk().copied().unwrap_or_default();
    let seconds = if big_endian { i64::from_be_bytes(octets) } else { i64::from_le_bytes(octets) };
    seconds.saturating_mul(1_000_000_000)
}

fn u16_at(block: &[u8], at: usize, big_endian: bool) -> u16 {
    let octets = [block[at], block[at + 1]];
    if big_endian { u16::from_be_bytes(octets) } else { u16::from_le_bytes(octets) }
}

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
/// The obsolete Packet Block.
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const END_OF_OPTIONS: u16 = 0;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

const MAJOR_VERSION: u16 = 1;
const HEAD_OCTETS: usize = 8;
const LEAST_BLOCK_OCTETS: u32 = 12;
/// Longest block that is read as a whole.
const MOST_BLOCK_OCTETS: u32 = 16 << 20;
const MOST_INTERFACES: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_every_resolution_become_nanoseconds() {
        let time = |resolution, ticks, offset_ns| {
            let tick = Tick::read(resolution);
            Interface { link: 1, snaplen: 0, tick, offset_ns }.time_ns(ticks)
        };
        assert_eq!(time(0, 7, 0), 7_000_000_000);
        assert_eq!(time(3, 7, 1), 7_000_001);
        assert_eq!(time(6, 1_700_000_000_123_456, 0), 1_700_000_000_123_456_000);
        assert_eq!(time(9, 5, -7), -2);
        assert_eq!(time(12, 7_999, 0), 7);
        assert_eq!(time(127, u64::MAX, 0), 0);
        assert_eq!(time(0x80, 2, 0), 2_000_000_000);
        assert_eq!(time(0x8a, 1536, 0), 1_500_000_000);
        assert_eq!(time(0xff, u64::MAX, 3), 3);
        assert_eq!(time(0, u64::MAX, 5), i64::MAX);
    }
}
