// SPDX-License-Identifier: Apache-2.0
//! Rows to the columns of a batch: of sampled packets, and of dropped ones.
//!
//! Both are filled by the same code: a column of a flow that the other kind has too, by its name, is filled there as
//! well. A column whose group no row has is left out. Rows are wide and columns are many, so that it goes by a few
//! hundred rows at a time: they are read from memory once, not once a column.

use penstock_record::{BatchBuilder, BatchKind, Column, Validity, column};
use penstock_wire::TunnelType;

use super::extras::Extras;
use super::lists::Lists;
use super::row::{Aside, Groups, Route, Row};

/// Fills the columns that one kind of batch has of some rows.
pub(super) struct Filler<'a> {
    kind: BatchKind,
    rows: &'a [Row],
    groups: &'a [Groups],
    /// Groups that some row has.
    seen: Groups,
    /// Groups that every row has: what most samples have needs no mask.
    every: Groups,
    /// Which rows have a group, once that was asked.
    masks: [Option<Validity>; Groups::COUNT],
    columns: Vec<Box<dyn Filling + 'a>>,
}

/// A column that is being filled.
trait Filling {
    fn extend(&mut self, rows: &[Row]);
    fn finish(self: Box<Self>, batch: &mut BatchBuilder);
}

struct Filled<T, V> {
    column: Column,
    mask: Mask,
    values: Vec<T>,
    /// What a row has there.
    of_row: V,
    put: Put<T>,
}

/// How values of their kind are put into a batch.
pub(super) type Put<T> = fn(&mut BatchBuilder, Column, Option<&Validity>, Vec<T>);

impl<T, V: Fn(&Row) -> T> Filling for Filled<T, V> {
    fn extend(&mut self, rows: &[Row]) {
        self.values.extend(rows.iter().map(&self.of_row));
    }

    fn finish(self: Box<Self>, batch: &mut BatchBuilder) {
        (self.put)(batch, self.column, self.mask.0.as_ref(), self.values);
    }
}

/// Which rows have a group, if not all of them do.
#[derive(Clone)]
struct Mask(Option<Validity>);

macro_rules! kinds {
    ($($method:ident: $value:ty;)+) => {$(
        pub(super) fn $method(
            &mut self,
            column: Column,
            group: Groups,
            value: impl Fn(&Row) -> $value + 'a,
        ) {
            let put: Put<$value> =
                |batch, column, valid, values| batch.$method(column, valid, values.into_iter());
            self.add(column, group, value, put);
        }
    )+};
}

impl<'a> Filler<'a> {
    pub(super) fn new(kind: BatchKind, rows: &'a [Row], groups: &'a [Groups]) -> Self {
        let (mut seen, mut every) = (Groups::ALWAYS, Groups::ALL);
        for row in groups {
            seen.add(*row);
            every.keep(*row);
        }
        every.add(Groups::ALWAYS);
        let masks = [const { None }; Groups::COUNT];
        Self { kind, rows, groups, seen, every, masks, columns: Vec::with_capacity(64) }
    }

    /// Everything that the headers and records of a packet say.
    pub(super) fn packets(&mut self, asides: &'a [Aside], routes: &'a [Route]) {
        self.ends();
        self.ip_header();
        self.link();
        self.tunnel(asides);
        self.forwarding();
        self.route(routes);
        self.translation(asides);
    }

    /// Puts the columns into the batch.
    pub(super) fn finish(mut self, batch: &mut BatchBuilder) {
        for rows in self.rows.chunks(ROWS_AT_A_TIME) {
            self.columns.iter_mut().for_each(|column| column.extend(rows));
        }
        self.columns.into_iter().for_each(|column| column.finish(batch));
    }

    fn ends(&mut self) {
        self.ip(column::SRC_ADDR, Groups::ADDRESSES, |row| row.packet.src);
        self.ip(column::DST_ADDR, Groups::ADDRESSES, |row| row.packet.dst);
        self.u64(column::OCTETS, Groups::ALWAYS, |row| u64::from(row.packet.octets));
        self.u8(column::IP_VERSION, Groups::ADDRESSES, |row| row.packet.ip_version);
        self.u8(column::PROTOCOL, Groups::PROTOCOL, |row| row.packet.protocol);
        self.u16(column::SRC_PORT, Groups::PORTS, |row| row.packet.src_port);
        self.u16(column::DST_PORT, Groups::PORTS, |row| row.packet.dst_port);
        self.u8(column::ICMP_TYPE, Groups::ICMP, |row| row.packet.icmp_type);
        self.u8(column::ICMP_CODE, Groups::ICMP, |row| row.packet.icmp_code);
        self.u16(column::ICMP_ID, Groups::ICMP_ID, |row| row.packet.icmp_id);
        self.u16(column::TCP_FLAGS, Groups::TCP, |row| row.packet.tcp_flags);
    }

    fn ip_header(&mut self) {
        self.u8(column::TOS, Groups::TOS, |row| row.packet.tos);
        self.u8(column::TTL_MIN, Groups::TTL, |row| row.packet.ttl);
        self.u8(column::TTL_MAX, Groups::TTL, |row| row.packet.ttl);
        if self.kind == BatchKind::Drops {
            self.u8(column::drops::TTL, Groups::TTL, |row| row.packet.ttl);
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

    fn tunnel(&mut self, asides: &'a [Aside]) {
        let put: Put<u8> = |batch, column, valid, values| {
            let words = TunnelType::ALL.map(TunnelType::name);
            batch.dictionary(column, valid, &words, values.into_iter());
        };
        let tunnel = move |row: &Row| of(asides, row.aside, |aside| aside.tunnel);
        self.add(column::TUNNEL_TYPE, Groups::TUNNEL, move |row| tunnel(row).kind as u8, put);
        self.ip(column::TUNNEL_SRC_ADDR, Groups::TUNNEL, move |row| tunnel(row).src);
        self.ip(column::TUNNEL_DST_ADDR, Groups::TUNNEL, move |row| tunnel(row).dst);
        self.u64(column::TUNNEL_ID, Groups::TUNNEL_ID, move |row| tunnel(row).id.unwrap_or(0));
    }

    fn forwarding(&mut self) {
        self.ip(column::NEXT_HOP, Groups::NEXT_HOP, |row| row.next_hop);
        self.u8(column::SRC_PREFIX_LENGTH, Groups::SRC_PREFIX, |row| row.src_prefix_length);
        self.u8(column::DST_PREFIX_LENGTH, Groups::DST_PREFIX, |row| row.dst_prefix_length);
        self.u8(column::FORWARDING_STATUS, Groups::FORWARDING, |row| row.forwarding_status);
    }

    fn route(&mut self, routes: &'a [Route]) {
        let of = move |row: &Row| of(routes, row.route, |route| *route);
        self.ip(column::BGP_NEXT_HOP, Groups::BGP_NEXT_HOP, move |row| of(row).next_hop);
        self.u32(column::SRC_AS, Groups::BGP, move |row| of(row).src_as);
        self.u32(column::PREV_AS, Groups::BGP, move |row| of(row).prev_as);
        self.u32(column::DST_AS, Groups::BGP, move |row| of(row).dst_as);
        self.u32(column::NEXT_AS, Groups::BGP, move |row| of(row).next_as);
    }

    fn translation(&mut self, asides: &'a [Aside]) {
        let group = Groups::NAT;
        let of = move |row: &Row| of(asides, row.aside, |aside| *aside);
        self.ip(column::NAT_SRC_ADDR, group, move |row| of(row).nat_src);
        self.ip(column::NAT_DST_ADDR, group, move |row| of(row).nat_dst);
        self.u16(column::NAT_SRC_PORT, group, move |row| of(row).nat_src_port);
        self.u16(column::NAT_DST_PORT, group, move |row| of(row).nat_dst_port);
        self.u8(column::NAT_EVENT, group, |_| 0);
    }

    kinds! {
        bool: bool;
        u8: u8;
        u16: u16;
        u32: u32;
        u64: u64;
        timestamps: i64;
        ip: [u8; 16];
        mac: [u8; 6];
    }

    /// Adds a column, if this kind of batch has it and any row its group.
    pub(super) fn add<T: 'a>(
        &mut self,
        column: Column,
        group: Groups,
        value: impl Fn(&Row) -> T + 'a,
        put: Put<T>,
    ) {
        if let Some((column, mask)) = self.wanted(column, group) {
            let values = Vec::with_capacity(self.rows.len());
            self.columns.push(Box::new(Filled { column, mask, values, of_row: value, put }));
        }
    }

    /// Puts the records without a column into the batch.
    pub(super) fn extras(
        &mut self,
        asides: &[Aside],
        extras: &mut Extras,
        batch: &mut BatchBuilder,
    ) {
        let Some((column, _)) = self.wanted(column::EXTRA, Groups::EXTRA) else { return };
        let length = |row: &Row| of(asides, row.aside, |aside| aside.extras) as usize;
        let lengths: Vec<usize> = self.rows.iter().map(length).collect();
        if let Some(array) = extras.take(column, &lengths) {
            batch.array(column, array);
        }
    }

    /// The column of this kind of batch, if it has it.
    pub(super) fn column(&self, column: Column) -> Option<Column> {
        if column.spec().batch == self.kind {
            Some(column)
        } else {
            Column::by_name_in(self.kind, column.name())
        }
    }

    /// The column of this kind, and its rows, if any row has the group.
    fn wanted(&mut self, column: Column, group: Groups) -> Option<(Column, Mask)> {
        let column = self.column(column)?;
        if !self.seen.has(group) {
            return None;
        }
        if self.every.has(group) {
            return Some((column, Mask(None)));
        }
        let slot = self.masks.get_mut(group.place())?;
        let set = self.groups.iter().map(|groups| groups.has(group));
        Some((column, Mask(Some(slot.get_or_insert_with(|| Validity::new(set)).clone()))))
    }
}

/// Puts what is a list in every row into the batch.
pub(super) fn fill_lists(filler: &mut Filler<'_>, lists: Lists, batch: &mut BatchBuilder) {
    let rows = batch.rows();
    if let Some((column, mask)) = filler.wanted(column::VLAN_IDS, Groups::VLANS) {
        let (lengths, tags) = lists.vlans.into_parts(rows);
        batch.list_u16(column, mask.0.as_ref(), lengths, tags);
    }
    // RFC 3032 section 2.1: label 20 bits, traffic class 3, bottom of stack 1, TTL 8.
    let (entries, lengths) = (lists.labels.values(), || lists.labels.lengths(rows));
    if let Some((column, mask)) = filler.wanted(column::MPLS_LABELS, Groups::MPLS) {
        let labels = entries.iter().map(|entry| entry >> 12).collect();
        batch.list_u32(column, mask.0.as_ref(), lengths(), labels);
    }
    if let Some((column, mask)) = filler.wanted(column::MPLS_TTLS, Groups::MPLS) {
        let ttls = entries.iter().map(|entry| (entry & 0xff) as u8).collect();
        batch.list_u8(column, mask.0.as_ref(), lengths(), ttls);
    }
    if let Some((column, mask)) = filler.wanted(column::MPLS_EXPS, Groups::MPLS) {
        let classes = entries.iter().map(|entry| (entry >> 9 & 0b111) as u8).collect();
        batch.list_u8(column, mask.0.as_ref(), lengths(), classes);
    }
    if let Some((column, mask)) = filler.wanted(column::DST_AS_PATH, Groups::BGP) {
        let valid = mask.0.as_ref();
        let (lengths, path) = lists.as_path.into_parts(rows);
        batch.list_u32(column, valid, lengths, path);
        let (lengths, communities) = lists.communities.into_parts(rows);
        batch.list_u32(column::DST_COMMUNITIES, valid, lengths, communities);
        batch.list_u32(column::SRC_AS_PATH, valid, std::iter::repeat_n(0, rows), vec![]);
        batch.list_u32(column::SRC_COMMUNITIES, valid, std::iter::repeat_n(0, rows), vec![]);
    }
}

/// What is kept at a place, which is one more than its index; nothing's value at 0.
fn of<T, V: Default>(all: &[T], place: u32, value: impl Fn(&T) -> V) -> V {
    let index = (place as usize).checked_sub(1);
    index.and_then(|index| all.get(index)).map_or_else(V::default, value)
}

/// As many as the second level of a core's cache holds, with the columns that are written.
const ROWS_AT_A_TIME: usize = 512;
