// SPDX-License-Identifier: Apache-2.0
//! What BGP says of the route of a packet: the flow record `extended_gateway` (format 1003).

use super::xdr::{Numbers, Xdr, put_address, put_numbers, put_u32};
use crate::Malformed;

/// Autonomous systems of one path beyond which it is not believed.
pub const MAX_AS_PATH: usize = 1000;
/// Communities of one route beyond which it is not believed.
pub const MAX_COMMUNITIES: usize = 1000;

/// A packet's route by BGP. Autonomous systems are 0 where they are not known.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ExtendedGateway<'a> {
    /// The next router by BGP; IPv4 mapped.
    pub nexthop: Option<[u8; 16]>,
    /// The router's own autonomous system.
    pub own_as: u32,
    /// That of the source.
    pub src_as: u32,
    /// The last one on the way from the source.
    pub src_peer_as: u32,
    /// The way to the destination.
    pub dst_as_path: AsPath<'a>,
    /// Communities of the route.
    pub communities: Numbers<'a>,
    /// Local preference of the route.
    pub localpref: u32,
}

/// The autonomous systems on the way to a destination, nearest first, in segments as RFC 4271 section 4.3 has them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct AsPath<'a>(&'a [u8]);

/// A part of a path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Segment<'a> {
    /// [`Self::SET`] or [`Self::SEQUENCE`].
    pub kind: u32,
    /// Its autonomous systems.
    pub numbers: Numbers<'a>,
}

impl Segment<'_> {
    /// Autonomous systems in no order: a route that was put together from several.
    pub const SET: u32 = 1;
    /// Autonomous systems in the order in which they are passed.
    pub const SEQUENCE: u32 = 2;
}

impl<'a> ExtendedGateway<'a> {
    #[inline]
    pub(super) fn read(xdr: &mut Xdr<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            nexthop: xdr.address()?,
            own_as: xdr.u32()?,
            src_as: xdr.u32()?,
            src_peer_as: xdr.u32()?,
            dst_as_path: AsPath::read(xdr)?,
            communities: xdr.numbers(MAX_COMMUNITIES)?,
            localpref: xdr.u32()?,
        })
    }

    /// Where the packet goes: the end of the path's last sequence, or the router's own system if the path is empty.
    /// Of a path of sets alone it is not known, and 0.
    pub fn dst_as(&self) -> u32 {
        if self.dst_as_path.is_empty() {
            return self.own_as;
        }
        let sequences = self.dst_as_path.segments().filter(|one| one.kind == Segment::SEQUENCE);
        sequences.filter_map(|one| one.numbers.iter().next_back()).last().unwrap_or(0)
    }

    /// The first autonomous system on the way to the destination; 0 if the path is empty or begins with a set.
    pub fn dst_peer_as(&self) -> u32 {
        let first = self.dst_as_path.segments().next();
        let first = first.filter(|one| one.kind == Segment::SEQUENCE);
        first.and_then(|one| one.numbers.iter().next()).unwrap_or(0)
    }
}

impl<'a> AsPath<'a> {
    /// Whether no autonomous system is on it.
    pub fn is_empty(self) -> bool {
        self.numbers().next().is_none()
    }

    /// Its segments, in order.
    pub fn segments(self) -> impl Iterator<Item = Segment<'a>> {
        let mut xdr = Xdr::new(self.0);
        std::iter::from_fn(move || read_segment(&mut xdr).ok())
    }

    /// Every autonomous system on it, in order, whatever segment it is in.
    pub fn numbers(self) -> impl Iterator<Item = u32> {
        self.segments().flat_map(|segment| segment.numbers.iter())
    }

    fn read(xdr: &mut Xdr<'a>) -> Result<Self, Malformed> {
        let segments = xdr.u32()?;
        let from = xdr.rest();
        let mut numbers = 0;
        for segment in 0..segments {
            numbers += read_segment(xdr)?.numbers.len();
            if numbers > MAX_AS_PATH || usize::try_from(segment).is_ok_and(|n| n > MAX_AS_PATH) {
                return Err(Malformed::SampleField);
            }
        }
        let octets = from.len() - xdr.rest().len();
        Ok(Self(from.get(..octets).unwrap_or_default()))
    }
}

fn read_segment<'a>(xdr: &mut Xdr<'a>) -> Result<Segment<'a>, Malformed> {
    Ok(Segment { kind: xdr.u32()?, numbers: xdr.numbers(MAX_AS_PATH)? })
}

/// A route as it is written: one sequence, or no path at all.
pub(super) fn write(
    out: &mut Vec<u8>,
    route: &ExtendedGateway<'_>,
    path: &[u32],
    communities: &[u32],
) {
    put_address(out, route.nexthop);
    put_u32(out, route.own_as);
    put_u32(out, route.src_as);
    put_u32(out, route.src_peer_as);
    if path.is_empty() {
        put_u32(out, 0);
    } else {
        put_u32(out, 1);
        put_u32(out, Segment::SEQUENCE);
        put_numbers(out, path.iter().copied());
    }
    put_numbers(out, communities.iter().copied());
    put_u32(out, route.localpref);
}

#[cfg(test)]
mod tests {
    use super::super::xdr::mapped;
    use super::*;

    fn route<'a>() -> ExtendedGateway<'a> {
        ExtendedGateway {
            nexthop: Some(mapped([203, 0, 113, 9])),
            own_as: 64500,
            src_as: 64510,
            src_peer_as: 64511,
            localpref: 100,
            ..ExtendedGateway::default()
        }
    }

    #[test]
    fn a_route_comes_back_as_it_was_written() {
        let mut octets = Vec::new();
        write(&mut octets, &route(), &[64496, 64497, 64498], &[64500 << 16 | 7]);
        let read = ExtendedGateway::read(&mut Xdr::new(&octets)).unwrap();
        assert_eq!((read.nexthop, read.own_as, read.localpref), (route().nexthop, 64500, 100));
        assert!(read.dst_as_path.numbers().eq([64496, 64497, 64498]));
        assert!(read.communities.iter().eq([64500 << 16 | 7]));
        assert_eq!((read.dst_peer_as(), read.dst_as()), (64496, 64498));
        for cut in 0..octets.len() {
            let read = ExtendedGateway::read(&mut Xdr::new(&octets[..cut]));
            assert_eq!(read.unwrap_err(), Malformed::SampleCut);
        }
    }

    #[test]
    fn a_destination_in_the_routers_own_system_has_an_empty_path() {
        let mut octets = Vec::new();
        write(&mut octets, &route(), &[], &[]);
        let read = ExtendedGateway::read(&mut Xdr::new(&octets)).unwrap();
        assert_eq!((read.dst_peer_as(), read.dst_as()), (0, 64500));
    }

    #[test]
    fn the_destination_is_the_end_of_the_last_sequence_not_of_a_set_behind_it() {
        let words = [0, 1, 2, 3, 3, 2, 2, 10, 11, 1, 2, 20, 21, 2, 1, 12, 0, 5];
        let octets: Vec<u8> = words.into_iter().flat_map(u32::to_be_bytes).collect();
        let read = ExtendedGateway::read(&mut Xdr::new(&octets)).unwrap();
        assert_eq!(read.dst_as_path.segments().count(), 3);
        assert!(read.dst_as_path.numbers().eq([10, 11, 20, 21, 12]));
        assert_eq!((read.dst_peer_as(), read.dst_as(), read.localpref), (10, 12, 5));
    }

    #[test]
    fn a_path_that_nobody_has_is_refused() {
        let head = [0, 1, 2, 3, u32::MAX];
        let empty_segments = std::iter::repeat_n(0, 4000);
        let octets: Vec<u8> =
            head.into_iter().chain(empty_segments).flat_map(u32::to_be_bytes).collect();
        let read = ExtendedGateway::read(&mut Xdr::new(&octets));
        assert_eq!(read.unwrap_err(), Malformed::SampleField);
    }
}
