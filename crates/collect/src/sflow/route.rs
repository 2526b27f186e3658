// SPDX-License-Identifier: Apache-2.0
//! The way of a packet as its router knows it to what its row has: next hops, prefixes, autonomous systems.

use penstock_codec::sflow::{ExtendedGateway, ExtendedRouter};

use super::packet::Kept;
use super::row::{Groups, Route, Row};

#[inline]
pub(super) fn extended_router(router: &ExtendedRouter, row: &mut Row) {
    let mut groups = row.groups;
    if let Some(next_hop) = router.nexthop {
        row.next_hop = next_hop;
        groups.add(Groups::NEXT_HOP);
    }
    // An IPv6 address has 128 bits: more is no prefix.
    let prefix = |mask: u32| u8::try_from(mask).ok().filter(|bits| *bits <= 128);
    if let Some(bits) = prefix(router.src_mask) {
        row.src_prefix_length = bits;
        groups.add(Groups::SRC_PREFIX);
    }
    if let Some(bits) = prefix(router.dst_mask) {
        row.dst_prefix_length = bits;
        groups.add(Groups::DST_PREFIX);
    }
    row.groups = groups;
}

#[inline]
pub(super) fn extended_gateway(gateway: &ExtendedGateway<'_>, row: &mut Row, kept: &mut Kept<'_>) {
    row.groups.add(Groups::BGP);
    if gateway.nexthop.is_some() {
        row.groups.add(Groups::BGP_NEXT_HOP);
    }
    kept.lists.as_path.add(kept.row, gateway.dst_as_path.numbers());
    kept.lists.communities.add(kept.row, gateway.communities.iter());
    kept.routes.push(Route {
        next_hop: gateway.nexthop.unwrap_or_default(),
        src_as: gateway.src_as,
        prev_as: gateway.src_peer_as,
        dst_as: gateway.dst_as(),
        next_as: gateway.dst_peer_as(),
    });
    row.route = u32::try_from(kept.routes.len()).unwrap_or(0);
}
