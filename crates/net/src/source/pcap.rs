// SPDX-License-Identifier: Apache-2.0
//! pcap, the format of tcpdump (draft-ietf-opsawg-pcap).
//!
//! ```text
//!   0       4       6       8          12         16        20           24
//! +-------+-------+-------+----------+----------+---------+------------+
//! | magic | major | minor | reserved | reserved | snaplen | FCS | link |   once
//! +-------+-------+-------+----------+----------+---------+------------+
//!   0         4          8          12         16
//! +---------+----------+----------+----------+--------
//! | seconds | fraction | captured | original | octets     for each packet
//! +---------+----------+----------+----------+--------
//! ```
//!
//! The magic tells the byte order and whether fractions are micro- or nanoseconds; a third magic
//! (Kuznetzov's patch of old Linux) has eight more octets in each packet's header.
//!
//! The field `link` is 16 bits; what stands above them says whether frames end with their check
//! sequence. It is left on them, as other programs do: metering does not look behind the IP packet,
//! and the frame's length is then the one that they report.

use super::chunk::{Captured, Filling, index};
use super::{Format, MOST_CAPTURED_OCTETS, Step};

/// A pcap file that is being read.
struct Pcap {
    walk: Walk,
    big_endian: bool,
    /// Known once the file's header has been read.
    link: Option<u16>,
}

type Walk = fn(link: u16, filling: &mut Filling<'_>) -> Step;

/// A reader, if these are the first octets of a pcap file.
pub(super) fn recognise(head: &[u8]) -> Option<Box<dyn Format>> {
    let (walk, big_endian): (Walk, bool) = match *head.first_chunk()? {
        [0xd4, 0xc3, 0xb2, 0xa1] => (walk::<false, 1000, 16>, false),
        [0xa1, 0xb2, 0xc3, 0xd4] => (walk::<true, 1000, 16>, true),
        [0x4d, 0x3c, 0xb2, 0xa1] => (walk::<false, 1, 16>, false),
        [0xa1, 0xb2, 0x3c, 0x4d] => (walk::<true, 1, 16>, true),
        [0x34, 0xcd, 0xb2, 0xa1] => (walk::<false, 1000, 24>, false),
        [0xa1, 0xb2, 0xcd, 0x34] => (walk::<true, 1000, 24>, true),
        _ => return None,
    };
    Some(Box::new(Pcap { walk, big_endian, link: None }))
}

impl Format for Pcap {
    fn walk(&mut self, filling: &mut Filling<'_>) -> Step {
        let link = match self.link {
            Some(link) => link,
            None => match self.read_header(filling) {
                Ok(link) => link,
                Err(step) => return step,
            },
        };
        (self.walk)(link, filling)
    }
}

impl Pcap {
    fn read_header(&mut self, filling: &mut Filling<'_>) -> Result<u16, Step> {
        let Some(header) = filling.window().first_chunk::<FILE_HEADER_OCTETS>() else {
            return Err(Step::need("pcap file header", FILE_HEADER_OCTETS));
        };
        let (major, network) =
            ([header[4], header[5]], [header[20], header[21], header[22], header[23]]);
        let (major, network) = if self.big_endian {
            (u16::from_be_bytes(major), u32::from_be_bytes(network))
        } else {
            (u16::from_le_bytes(major), u32::from_le_bytes(network))
        };
        if major != MAJOR_VERSION {
            return Err(Step::broken(format!("pcap version {major} is not known, only 2 is")));
        }
        filling.next += FILE_HEADER_OCTETS;
        let link = (network & 0xffff) as u16;
        self.link = Some(link);
        Ok(link)
    }
}

/// Walks over records; a version each for byte orders, resolutions and header lengths, since this
/// loop is most of what reading a capture costs.
fn walk<const BIG_ENDIAN: bool, const TICK_NS: i64, const HEADER_OCTETS: usize>(
    link: u16,
    filling: &mut Filling<'_>,
) -> Step {
    let u32_at = |header: &[u8; HEADER_OCTETS], at: usize| {
        let octets = [header[at], header[at + 1], header[at + 2], header[at + 3]];
        if BIG_ENDIAN { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) }
    };
    let bytes = &filling.bytes[..filling.have];
    let most_packets = filling.gate.most_packets();
    let mut gate = filling.gate;
    let mut next = filling.next;
    let step = loop {
        if filling.packets.len() >= most_packets {
            break Step::Full;
        }
        let Some(header) = bytes.get(next..).and_then(<[u8]>::first_chunk::<HEADER_OCTETS>) else {
            break Step::need("packet record", HEADER_OCTETS);
        };
        let time_ns =
            i64::from(u32_at(header, 0)) * 1_000_000_000 + i64::from(u32_at(header, 4)) * TICK_NS;
        let captured_octets = u32_at(header, 8);
        if captured_octets > MOST_CAPTURED_OCTETS {
            break Step::too_long(captured_octets);
        }
        let end = next + HEADER_OCTETS + captured_octets as usize;
        if end > bytes.len() {
            break Step::need("packet record", end - next);
        }
        if !gate.admits(filling.packets, time_ns, captured_octets) {
            break Step::Full;
        }
        let at = index(next + HEADER_OCTETS);
        let original_octets = u32_at(header, 12);
        filling.packets.push(Captured { time_ns, at, captured_octets, original_octets, link });
        next = end;
    };
    (filling.gate, filling.next) = (gate, next);
    step
}

const FILE_HEADER_OCTETS: usize = 24;
const MAJOR_VERSION: u16 = 2;
