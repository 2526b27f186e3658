// SPDX-License-Identifier: Apache-2.0
//! A sampled or dropped packet while it waits to become a row of a batch.

use penstock_wire::{Packet, Tunnel};

/// Which groups of columns a row has.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Groups(u32);

impl Groups {
    pub(super) const ADDRESSES: Self = Self(1);
    pub(super) const PROTOCOL: Self = Self(1 << 1);
    pub(super) const PORTS: Self = Self(1 << 2);
    pub(super) const ICMP: Self = Self(1 << 3);
    pub(super) const ICMP_ID: Self = Self(1 << 4);
    pub(super) const TCP: Self = Self(1 << 5);
    pub(super) const TOS: Self = Self(1 << 6);
    pub(super) const TTL: Self = Self(1 << 7);
    pub(super) const IP_FLAGS: Self = Self(1 << 8);
    pub(super) const FLOW_LABEL: Self = Self(1 << 9);
    pub(super) const FRAGMENT: Self = Self(1 << 10);
    pub(super) const L2_OCTETS: Self = Self(1 << 11);
    pub(super) const MACS: Self = Self(1 << 12);
    pub(super) const ETHERTYPE: Self = Self(1 << 13);
    pub(super) const VLAN: Self = Self(1 << 14);
    pub(super) const INNER_VLAN: Self = Self(1 << 15);
    pub(super) const DST_VLAN: Self = Self(1 << 16);
    pub(super) const VLANS: Self = Self(1 << 17);
    pub(super) const MPLS: Self = Self(1 << 18);
    pub(super) const TUNNEL: Self = Self(1 << 19);
    pub(super) const TUNNEL_ID: Self = Self(1 << 20);
    pub(super) const NEXT_HOP: Self = Self(1 << 21);
    pub(super) const BGP_NEXT_HOP: Self = Self(1 << 22);
    /// Autonomous systems, paths and communities: one record has them all.
    pub(super) const BGP: Self = Self(1 << 23);
    pub(super) const SRC_PREFIX: Self = Self(1 << 24);
    pub(super) const DST_PREFIX: Self = Self(1 << 25);
    pub(super) const FORWARDING: Self = Self(1 << 26);
    pub(super) const NAT: Self = Self(1 << 27);
    pub(super) const EXTRA: Self = Self(1 << 28);
    /// Not a group: the row is about a packet, not about something that an application did.
    pub(super) const PACKET: Self = Self(1 << 29);
    /// Not a group: the agent's time could not be believed.
    pub(super) const SUSPECT: Self = Self(1 << 30);

    /// Those whose columns are filled from the aside.
    pub(super) const IN_ASIDE: Self =
        Self(Self::TUNNEL.0 | Self::TUNNEL_ID.0 | Self::NAT.0 | Self::EXTRA.0);

    /// Not a group: for what every row has.
    pub(super) const ALWAYS: Self = Self(1 << 31);

    /// Every one.
    pub(super) const ALL: Self = Self(u32::MAX);

    /// How many of them there can be.
    pub(super) const COUNT: usize = 32;

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) const fn any(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    pub(super) const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) const fn keep(&mut self, others: Self) {
        self.0 &= others.0;
    }

    /// Its place among all, of a single group.
    pub(super) const fn place(self) -> usize {
        self.0.trailing_zeros() as usize
    }
}

/// One packet. What few have is in its [`Aside`] and its [`Route`], and what its datagram says in its [`Origin`](super::origins::Origin).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Row {
    /// What its headers say; `octets` and `frame_octets` also of a packet whose headers could not be read.
    pub packet: Packet,
    /// When it was received, or sampled if the agent says so.
    pub time_ns: i64,
    pub next_hop: [u8; 16],
    pub groups: Groups,
    pub in_if: u32,
    pub out_if: u32,
    /// Its place among the asides and one more; 0 is none.
    pub aside: u32,
    /// Its place among the routes and one more; 0 is none.
    pub route: u32,
    pub dst_vlan: u16,
    pub src_prefix_length: u8,
    pub dst_prefix_length: u8,
    pub forwarding_status: u8,
}

/// What only few packets have.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Aside {
    pub tunnel: Tunnel,
    pub nat_src: [u8; 16],
    pub nat_dst: [u8; 16],
    pub nat_src_port: u16,
    pub nat_dst_port: u16,
    pub extras: u32,
}

/// What BGP says of a packet: many agents of all their packets, others of none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Route {
    pub next_hop: [u8; 16],
    pub src_as: u32,
    pub dst_as: u32,
    pub next_as: u32,
    pub prev_as: u32,
}
