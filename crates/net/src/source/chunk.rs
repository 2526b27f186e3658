// SPDX-License-Identifier: Apache-2.0
//! Pieces of the packet stream, and the rule that says where one ends.
//!
//! The rule looks at packets only, never at reads: the same packets give the same chunks from a
//! file, from the same file compressed, and through a pipe.

/// A numbered piece of the packet stream.
#[derive(Debug, Default)]
pub struct Chunk {
    /// 0 for the first chunk of a capture, then one more each.
    pub number: u64,
    /// What the packets point into, together with record headers and octets of no meaning. Its
    /// length says nothing: it stays at the most that was needed so far, so that a chunk which is
    /// used again is not cleared again.
    pub bytes: Vec<u8>,
    /// The packets in the order of the capture.
    pub packets: Vec<Captured>,
    /// Highest packet time so far in the stream, this chunk included, in nanoseconds since the
    /// epoch; 0 before the first packet.
    pub clock_ns: i64,
    /// Packets in this chunk whose time was below the clock before them.
    pub backwards: u64,
}

/// One packet of a chunk.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Captured {
    /// When it was captured, in nanoseconds since the epoch.
    pub time_ns: i64,
    /// Where its first octet is in [`Chunk::bytes`].
    pub at: u32,
    /// Octets there are.
    pub captured_octets: u32,
    /// Octets it had on the link; a frame check sequence counts if the capture has kept it.
    pub original_octets: u32,
    /// What its first octet is: a LINKTYPE number, not libpcap's DLT.
    pub link: u16,
}

/// When a chunk ends: with whichever comes first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Most packets.
    pub packets: usize,
    /// A packet this many nanoseconds of packet time after the chunk's beginning, or more, begins
    /// the next one. A chunk begins at the clock before it or at its first packet's time, whichever
    /// is later.
    pub span_ns: i64,
    /// Most captured octets; a first packet that is longer stands alone. At most 1 GiB is heeded.
    pub octets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { packets: 2048, span_ns: 1_000_000_000, octets: 4 << 20 }
    }
}

impl Chunk {
    /// The octets of one of this chunk's packets; none if it is of another chunk and does not fit.
    #[inline]
    pub fn frame(&self, packet: &Captured) -> &[u8] {
        let at = packet.at as usize;
        self.bytes.get(at..at + packet.captured_octets as usize).unwrap_or(&[])
    }
}

/// A chunk while it is being filled.
///
/// `bytes[..next]` has been walked, `bytes[next..have]` has been read and not been walked.
pub(super) struct Filling<'a> {
    pub bytes: &'a mut Vec<u8>,
    pub packets: &'a mut Vec<Captured>,
    pub next: usize,
    pub have: usize,
    pub gate: Gate,
}

/// Decides which packets still belong to the chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    limits: Limits,
    /// Highest time so far; `i64::MIN` before the first packet of the stream.
    pub clock_ns: i64,
    /// Time of the packet before, 0 before the first.
    pub last_ns: i64,
    pub backwards: u64,
    close_ns: i64,
    octets: usize,
}

impl Gate {
    pub fn new(limits: &Limits, clock_ns: i64, last_ns: i64) -> Self {
        let limits = Limits {
            packets: limits.packets.max(1),
            octets: limits.octets.min(MOST_OCTETS),
            ..*limits
        };
        Self { limits, clock_ns, last_ns, backwards: 0, close_ns: i64::MAX, octets: 0 }
    }

    /// Lets a packet in, or says that the chunk ends before it.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the walk over packets is slower by a third without")]
    pub fn admits(&mut self, packets: &[Captured], time_ns: i64, captured_octets: u32) -> bool {
        let octets = self.octets + captured_octets as usize;
        if packets.is_empty() {
            self.close_ns = self.clock_ns.max(time_ns).saturating_add(self.limits.span_ns);
        } else if time_ns >= self.close_ns || octets > self.limits.octets {
            return false;
        }
        self.octets = octets;
        self.backwards += u64::from(time_ns < self.clock_ns);
        self.clock_ns = self.clock_ns.max(time_ns);
        self.last_ns = time_ns;
        true
    }

    /// Most packets that the chunk may have.
    #[inline]
    pub const fn most_packets(&self) -> usize {
        self.limits.packets
    }

    /// Captured octets that there is still room for.
    pub const fn octets_left(&self) -> usize {
        self.limits.octets.saturating_sub(self.octets)
    }
}

impl Filling<'_> {
    /// What has been read and not been walked.
    pub fn window(&self) -> &[u8] {
        &self.bytes[self.next..self.have]
    }

    pub fn is_full(&self) -> bool {
        self.packets.len() >= self.gate.most_packets()
    }

    /// Moves the packets together once most of the buffer is not packets.
    ///
    /// Without it a capture of endless comments and few packets would fill the memory.
    pub fn squeeze(&mut self) {
        let waste = self.next - self.gate.octets;
        if waste <= self.gate.limits.octets.max(64 << 10) {
            return;
        }
        let mut to = 0;
        for packet in self.packets.iter_mut() {
            let (at, octets) = (packet.at as usize, packet.captured_octets as usize);
            self.bytes.copy_within(at..at + octets, to);
            packet.at = index(to);
            to += octets;
        }
        self.bytes.copy_within(self.next..self.have, to);
        self.have = to + (self.have - self.next);
        self.next = to;
    }
}

/// An index into a chunk's octets, which [`Gate`] and [`Filling::squeeze`] keep far below 4 GiB.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "bounded as said above")]
pub(super) const fn index(at: usize) -> u32 {
    at as u32
}

const MOST_OCTETS: usize = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squeezing_keeps_packets_and_what_was_not_walked() {
        let mut bytes = vec![0; 200 << 10];
        bytes[100_000..100_004].copy_from_slice(b"kept");
        bytes[150_000..150_004].copy_from_slice(b"tail");
        let mut packets = Vec::new();
        let mut gate = Gate::new(&Limits { octets: 10, ..Limits::default() }, 0, 0);
        assert!(gate.admits(&packets, 1, 4));
        packets.push(Captured { at: 100_000, captured_octets: 4, ..Captured::default() });
        let (next, have) = (150_000, 150_004);
        let mut filling = Filling { bytes: &mut bytes, packets: &mut packets, next, have, gate };
        filling.squeeze();
        assert_eq!((filling.next, filling.have), (4, 8));
        assert_eq!(filling.window(), b"tail");
        let chunk = Chunk { bytes, packets, ..Chunk::default() };
        assert_eq!(chunk.frame(&chunk.packets[0]), b"kept");
    }

    #[test]
    fn a_packet_of_another_chunk_has_no_octets() {
        let stray = Captured { at: 7, captured_octets: 9, ..Captured::default() };
        assert!(Chunk::default().frame(&stray).is_empty());
    }
}
