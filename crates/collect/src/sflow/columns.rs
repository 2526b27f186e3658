// SPDX-License-Identifier: Apache-2.0
//! Rows to the columns of a batch: of sampled packets, and of dropped ones.
//!
//! Both are filled by the same code: a column of a flow that the other kind has too, by its name, is filled there as
//! well. A column whose group no row has is left out.

use penstock_record::{BatchBuilder, BatchKind, Column, Validity, column};
use penstock_wire::TunnelType;

use super::row::{Aside, Groups, Row};
use super::store::Store;

/// Fills the columns that one kind of batch has of these rows.
pub(super) struct Filler<'a> {
    pub kind: BatchKind,
    pub batch: &'a mut BatchBuilder,
    rows: &'a [Row],
    asides: &'a [Aside],
    /// Groups that some row has.
    seen: Groups,
    /// Groups that every row has: what most samples have needs no mask.
    every: Groups,
    /// Which rows have a group, once that was asked.
    valid: [Option<Validity>; Groups::COUNT],
}

/// Which rows have a group, if not all of them do.
struct Mask(Option<Validity>);

impl Mask {
    const fn some(&self) -> Option<&Validity> {
        self.0.as_ref()
    }
}

macro_rules! columns {
    ($($method:ident: $value:ty;)+) => {$(
        fn $method(&mut self, column: Column, group: Groups, value: impl Fn(&Row) -> $value) {
            if let Some((column, valid)) = self.wanted(column, group) {
                self.batch.$method(column, valid.some(), self.rows.iter().map(value));
            }
        }
    )+};
}

/// The same, of what is in the aside.
macro_rules! aside_columns {
    ($($method:ident, $of_builder:ident: $value:ty;)+) => {$(
        fn $method(&mut self, column: Column, group: Groups, value: impl Fn(&Aside) -> $value) {
            if let Some((column, valid)) = self.wanted(column, group) {
                let asides = self.asides;
                let values = self.rows.iter().map(|row| of_aside(asides, row, &value));
                self.batch.$of_builder(column, valid.some(), values);
            }
        }
    )+};
}

impl<'a> Filler<'a> {
    pub(super) fn new(
        kind: BatchKind,
        batch: &'a mut BatchBuilder,
        rows: &'a [Row],
        asides: &'a [Aside],
    ) -> Self {
        let (mut seen, mut every) = (Groups::default(), Groups::ALL);
        for row in rows {
            seen.add(row.groups);
            every.keep(row.groups);
        }
        Self { kind, batch, rows, asides, seen, every, valid: [const { None }; Groups::COUNT] }
    }

    /// Everything that the headers and records of a packet say.
    pub(super) fn packets(&mut self) {
        self.ends();
        self.ip();
        self.link();
        self.tunnel();
        self.route();
    }

    fn ends(&mut self) {
        self.ip_addresses(column::SRC_ADDR, Groups::ADDRESSES, |row| row.packet.src);
        self.ip_addresses(column::DST_ADDR, Groups::ADDRESSES, |row| row.packet.dst);
        self.u8(column::IP_VERSION, Groups::ADDRESSES, |row| row.packet.ip_version);
        self.u8(column::PROTOCOL, Groups::PROTOCOL, |row| row.packet.protocol);
        self.u16(column::SRC_PORT, Groups::PORTS, |row| row.packet.src_port);
        self.u16(column::DST_PORT, Groups::PORTS, |row| row.packet.dst_port);
        self.u8(column::ICMP_TYPE, Groups::ICMP, |row| row.packet.icmp_type);
        self.u8(column::ICMP_CODE, Groups::ICMP, |row| row.packet.icmp_code);
        self.u16(column::ICMP_ID, Groups::ICMP_ID, |row| row.packet.icmp_id);
        self.u16(column::TCP_FLAGS, Groups::TCP, |row| row.packet.tcp_flags);
    }

    fn ip(&mut self) {
        self.u8(column::TOS, Groups::TOS, |row| row.packet.tos);
        self.u8(column::TTL_MIN, Groups::TTL, |row| row.packet.ttl);
        self.u8(column::TTL_MAX, Groups::TTL, |row| row.packet.ttl);
        if let Some((ttl, valid)) = self.named("ttl", Groups::TTL) {
            self.batch.u8(ttl, valid.some(), self.rows.iter().map(|row| row.packet.ttl));
        }
        self.u8(column::IP_FLAGS, Groups::IP_FLAGS, |row| row.packet.ip_flags);
        self.u32(column::IPV6_FLOW_LABEL, Groups::FLOW_LABEL, |row| row.packet.flow_label);
        self.u32(column::FRAGMENT_ID, Groups::FRAGMENT, |row| row.packet.identification);
        self.u16(column::FRAGMENT_OFFSET, Groups::FRAGMENT, |row| row.packet.fragment_offset);
    }

    fn link(&mut self) {
        self.u64(column::L2_OCTETS, Groups::L2_OCTETS, |row| u64::from(row.packet.frame_octets));
        self.mac(column::SRC_MAC, Groups::MACS, |row| row.packet.src_mac);
        self.mac(column::DST_MAC, Groups::MACS, |row| row.packet.dst_mac);
        self.u16(column::ETHERTYPE, Groups::ETHERTYPE, |row| row.packet.ethertype);
        self.u16(column::VLAN_ID, Groups::VLAN, |row| row.packet.vlan_id);
        self.u16(column::INNER_VLAN_ID, Groups::INNER_VLAN, |row| row.packet.inner_vlan_id);
        self.u16(column::DST_VLAN_ID, Groups::DST_VLAN, |row| row.dst_vlan);
    }

    fn tunnel(&mut self) {
        if let Some((column, valid)) = self.wanted(column::TUNNEL_TYPE, Groups::TUNNEL) {
            let words = TunnelType::ALL.map(TunnelType::name);
            let asides = self.asides;
            let kind = |row: &Row| of_aside(asides, row, |aside| aside.tunnel.kind as u8);
            self.batch.dictionary(column, valid.some(), &words, self.rows.iter().map(kind));
        }
        self.aside_ip(column::TUNNEL_SRC_ADDR, Groups::TUNNEL, |aside| aside.tunnel.src);
        self.aside_ip(column::TUNNEL_DST_ADDR, Groups::TUNNEL, |aside| aside.tunnel.dst);
        let id = |aside: &Aside| aside.tunnel.id.unwrap_or(0);
        self.aside_u64(column::TUNNEL_ID, Groups::TUNNEL_ID, id);
    }

    fn route(&mut self) {
        self.ip_addresses(column::NEXT_HOP, Groups::NEXT_HOP, |row| row.next_hop);
        self.u8(column::SRC_PREFIX_LENGTH, Groups::SRC_PREFIX, |row| row.src_prefix_length);
        self.u8(column::DST_PREFIX_LENGTH, Groups::DST_PREFIX, |row| row.dst_prefix_length);
        self.u8(column::FORWARDING_STATUS, Groups::FORWARDING, |row| row.forwarding_status);
        self.aside_ip(column::BGP_NEXT_HOP, Groups::BGP_NEXT_HOP, |aside| aside.bgp_next_hop);
        self.aside_u32(column::SRC_AS, Groups::BGP, |aside| aside.src_as);
        self.aside_u32(column::DST_AS, Groups::BGP, |aside| aside.dst_as);
        self.aside_u32(column::NEXT_AS, Groups::BGP, |aside| aside.next_as);
        self.aside_u32(column::PREV_AS, Groups::BGP, |aside| aside.prev_as);
        self.aside_ip(column::NAT_SRC_ADDR, Groups::NAT, |aside| aside.nat_src);
        self.aside_ip(column::NAT_DST_ADDR, Groups::NAT, |aside| aside.nat_dst);
        self.aside_u16(column::NAT_SRC_PORT, Groups::NAT, |aside| aside.nat_src_port);
        self.aside_u16(column::NAT_DST_PORT, Groups::NAT, |aside| aside.nat_dst_port);
        self.u8(column::NAT_EVENT, Groups::NAT, |_| 0);
    }

    columns! {
        u8: u8;
        u16: u16;
        u32: u32;
        u64: u64;
        mac: [u8; 6];
    }

    aside_columns! {
        aside_u16, u16: u16;
        aside_u32, u32: u32;
        aside_u64, u64: u64;
        aside_ip, ip: [u8; 16];
    }

    fn ip_addresses(&mut self, column: Column, group: Groups, value: impl Fn(&Row) -> [u8; 16]) {
        if let Some((column, valid)) = self.wanted(column, group) {
            self.batch.ip(column, valid.some(), self.rows.iter().map(value));
        }
    }

    fn lengths(&self, length: impl Fn(&Aside) -> u32) -> Vec<usize> {
        let asides = self.asides;
        self.rows.iter().map(|row| of_aside(asides, row, &length) as usize).collect()
    }

    /// The column of this kind, and its rows, if any row has the group.
    fn wanted(&mut self, column: Column, group: Groups) -> Option<(Column, Mask)> {
        let column = match self.kind {
            BatchKind::Flows => column,
            other => Column::by_name_in(other, column.name())?,
        };
        Some((column, self.valid(group)?))
    }

    /// The same of a column that flows do not have.
    fn named(&mut self, name: &str, group: Groups) -> Option<(Column, Mask)> {
        let column = Column::by_name_in(self.kind, name)?;
        Some((column, self.valid(group)?))
    }

    /// Which rows have the group: none, all, or some.
    fn valid(&mut self, group: Groups) -> Option<Mask> {
        if !self.seen.has(group) {
            return None;
        }
        if self.every.has(group) {
            return Some(Mask(None));
        }
        let slot = self.valid.get_mut(group.place())?;
        let set = self.rows.iter().map(|row| row.groups.has(group));
        Some(Mask(Some(slot.get_or_insert_with(|| Validity::new(set)).clone())))
    }
}

/// Fills what is a list in every row.
pub(super) fn fill_lists(kind: BatchKind, store: &mut Store, batch: &mut BatchBuilder) {
    let lists = std::mem::take(&mut store.lists);
    let mut filler = Filler::new(kind, batch, &store.rows, &store.asides);
    if let Some((column, valid)) = filler.wanted(column::VLAN_IDS, Groups::VLANS) {
        let lengths = filler.lengths(|aside| aside.vlans).into_iter();
        filler.batch.list_u16(column, valid.some(), lengths, lists.vlans);
    }
    if let Some((column, valid)) = filler.wanted(column::MPLS_LABELS, Groups::MPLS) {
        let lengths = filler.lengths(|aside| aside.labels);
        // RFC 3032 section 2.1: label 20 bits, traffic class 3, bottom of stack 1, TTL 8.
        let labels = lists.labels.iter().map(|entry| entry >> 12).collect();
        filler.batch.list_u32(column, valid.some(), lengths.iter().copied(), labels);
        if let Some((ttls, _)) = filler.wanted(column::MPLS_TTLS, Groups::MPLS) {
            let values = lists.labels.iter().map(|entry| (entry & 0xff) as u8).collect();
            filler.batch.list_u8(ttls, valid.some(), lengths.iter().copied(), values);
        }
        if let Some((classes, _)) = filler.wanted(column::MPLS_EXPS, Groups::MPLS) {
            let values = lists.labels.iter().map(|entry| (entry >> 9 & 0b111) as u8).collect();
            filler.batch.list_u8(classes, valid.some(), lengths.into_iter(), values);
        }
    }
    let none = || std::iter::repeat_n(0, filler.rows.len());
    if let Some((column, valid)) = filler.wanted(column::DST_AS_PATH, Groups::BGP) {
        let lengths = filler.lengths(|aside| aside.as_path).into_iter();
        filler.batch.list_u32(column, valid.some(), lengths, lists.as_path);
        let lengths = filler.lengths(|aside| aside.communities).into_iter();
        let communities = column::DST_COMMUNITIES;
        filler.batch.list_u32(communities, valid.some(), lengths, lists.communities);
        filler.batch.list_u32(column::SRC_AS_PATH, valid.some(), none(), vec![]);
        filler.batch.list_u32(column::SRC_COMMUNITIES, valid.some(), none(), vec![]);
    }
    let extra = filler.wanted(column::EXTRA, Groups::EXTRA).map(|(column, _)| column);
    let lengths: Vec<u32> =
        store.rows.iter().map(|row| of_aside(&store.asides, row, |aside| aside.extras)).collect();
    if let Some(column) = extra
        && let Some(array) = store.extras.take(column, &lengths)
    {
        batch.array(column, array);
    }
}

/// A value of a row's aside, or nothing's if it has none.
fn of_aside<T: Default>(asides: &[Aside], row: &Row, value: impl Fn(&Aside) -> T) -> T {
    let place = (row.aside as usize).checked_sub(1);
    place.and_then(|place| asides.get(place)).map_or_else(T::default, value)
}
