// SPDX-License-Identifier: Apache-2.0
//! Flows as a probe or a collector may make them, of any columns: what is null together is, what a
//! protocol does not have is null, and every row has a number of its own in `flow_id`.
//!
//! ```text
//! columns (8), classes; of each: groups (8), protocol; rows; of each: class, salt
//! ```
//! Values follow from the row's salt: often 0 or the greatest, for these are what goes wrong.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, ListArray, RecordBatch, StructArray, UInt16Array, UInt32Array,
};
use arrow_schema::DataType;
use penstock_record::{BatchBuilder, Column, Kind, Validity, column};

use crate::Input;

/// Rows before they become a batch.
struct Drawn {
    columns: u64,
    classes: Vec<Class>,
    rows: Vec<(usize, u8)>,
    first: u64,
}

struct Class {
    groups: u64,
    protocol: u8,
    is_ipv6: bool,
}

/// A batch whose rows are numbered from `first` on. None if the input is over.
pub fn batch(input: &mut Input<'_>, first: u64) -> Option<RecordBatch> {
    if input.is_over() {
        return None;
    }
    let wide = |input: &mut Input<'_>| u64::from(input.u32()) << 32 | u64::from(input.u32());
    let columns = wide(input);
    let classes = (0..=input.u8() % 4).map(|_| {
        let (groups, protocol) = (wide(input), input.u8());
        let is_ipv6 = protocol & 64 != 0;
        Class { groups, protocol: PROTOCOLS[usize::from(protocol & 7)], is_ipv6 }
    });
    let classes: Vec<Class> = classes.collect();
    let count = usize::from(input.u8() % 48) + 1;
    let rows = (0..count).map(|_| (usize::from(input.u8()) % classes.len(), input.u8()));
    let rows = Drawn { rows: rows.collect(), columns, classes, first };
    Some(rows.batch())
}

const PROTOCOLS: [u8; 8] = [6, 6, 17, 1, 58, 132, 47, 0];
/// Places in masks of what is set together.
const GROUPS: [&str; 40] = [
    "addresses",
    "protocol",
    "ports",
    "icmp",
    "icmp_id",
    "l2_octets",
    "reverse_counters",
    "l2_octets_rev",
    "tcp",
    "tos",
    "ttl",
    "ip_flags",
    "reverse",
    "tcp_rev",
    "tos_rev",
    "ttl_rev",
    "ip_flags_rev",
    "ipv6_flow_label",
    "fragment",
    "macs",
    "ethertype",
    "vlan",
    "inner_vlan",
    "dst_vlan",
    "vlans",
    "mpls",
    "tunnel",
    "tunnel_id",
    "tunnel_id_rev",
    "interfaces",
    "as",
    "bgp_paths",
    "nat",
    "application",
    "extra",
    "basicplus",
    "basicplus_rev",
    "pstats",
    "community_id",
    "sampling",
];
/// Of these one bit says all: they have nothing to do with each other or with anything else.
const OTHERS: [&str; 10] = [
    "direction",
    "biflow_direction",
    "next_hop",
    "bgp_next_hop",
    "src_prefix_length",
    "dst_prefix_length",
    "forwarding_status",
    "vrf",
    "sampler_id",
    "observation_point",
];

impl Drawn {
    fn batch(&self) -> RecordBatch {
        let mut batch = BatchBuilder::new(self.rows.len());
        let numbers = (0..self.rows.len()).map(|row| self.first + row as u64);
        batch.u64(column::FLOW_ID, None, numbers);
        let semantics = self.each(|_, dice| u8::from(dice.next(8) == 0)).into_iter();
        batch.dictionary(column::COUNTER_SEMANTICS, None, &["delta", "total"], semantics);
        for column in Column::all() {
            let group = column.spec().group;
            let own = matches!(column, column::FLOW_ID | column::COUNTER_SEMANTICS);
            // The registry's only columns of base without elements are the session's.
            let is_sent = !column.spec().elements.is_empty() || column == column::EXTRA;
            if own || !is_sent || !(group == "base" || self.has(group)) {
                continue;
            }
            let set: Vec<bool> = (0..self.rows.len()).map(|row| self.is_set(row, group)).collect();
            if set.contains(&true) {
                self.add(column, &Validity::new(set.into_iter()), &mut batch);
            }
        }
        batch.finish()
    }

    fn has(&self, group: &str) -> bool {
        place(group).is_some_and(|place| self.columns >> place & 1 == 1)
    }

    fn is_set(&self, row: usize, group: &str) -> bool {
        let class = &self.classes[self.rows[row].0];
        let is_set = |group| place(group).is_some_and(|place| class.groups >> place & 1 == 1);
        let (ports, icmp) =
            (matches!(class.protocol, 6 | 17 | 132), matches!(class.protocol, 1 | 58));
        // A reverse direction is one only between ends (RFC 5103 section 4).
        let turns = self.has("addresses") && is_set("addresses");
        let is_biflow = turns && self.has("reverse_counters") && is_set("reverse_counters");
        let spoke = is_biflow && self.spoke(row);
        match group {
            "base" | "sampling" => true,
            "reverse_counters" => is_biflow,
            "l2_octets_rev" => turns && is_set(group),
            "ports" => ports && is_set(group),
            "icmp" | "icmp_id" => icmp && is_set(group),
            "tcp" => class.protocol == 6 && is_set(group),
            "tcp_rev" => class.protocol == 6 && spoke && is_set(group),
            "ipv6_flow_label" => class.is_ipv6 && is_set(group),
            "reverse" | "tos_rev" | "ttl_rev" | "ip_flags_rev" | "tunnel_id_rev"
            | "basicplus_rev" => spoke && is_set(group),
            _ => is_set(group),
        }
    }

    fn spoke(&self, row: usize) -> bool {
        self.rows[row].1 & 1 == 1
    }

    fn each<T>(&self, mut value: impl FnMut(usize, &mut Dice) -> T) -> Vec<T> {
        let of_row = |(row, (_, salt)): (usize, &(usize, u8))| {
            let seed = u64::from(*salt) << 32 | row as u64;
            value(row, &mut Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        };
        self.rows.iter().enumerate().map(of_row).collect()
    }

    fn add(&self, column: Column, valid: &Validity, batch: &mut BatchBuilder) {
        let valid = Some(valid);
        // Each column has dice of its own.
        let salt = salt(column);
        let numbers = |most: u64| {
            self.each(move |row, dice| {
                dice.0 ^= salt;
                self.number(column, row, dice, most)
            })
        };
        let small = |most: u64| numbers(most).into_iter().map(|it| u8::try_from(it).expect("u8"));
        match column.kind() {
            Kind::U8 => batch.u8(column, valid, small(255)),
            Kind::U16 => {
                let values = numbers(65_535).into_iter();
                batch.u16(column, valid, values.map(|it| u16::try_from(it).expect("u16")));
            }
            Kind::U32 => {
                let values = numbers(u32::MAX.into()).into_iter();
                batch.u32(column, valid, values.map(|it| u32::try_from(it).expect("u32")));
            }
            Kind::U64 => batch.u64(column, valid, numbers(u64::MAX).into_iter()),
            Kind::F64 => {
                let rate = |it: u64| RATES[(it % 8) as usize];
                let values = numbers(u64::MAX).into_iter().map(rate);
                batch.f64(column, valid, values);
            }
            Kind::TimestampNs => {
                let near = |it: u64| NOW_NS - i64::try_from(it % DAY_NS).expect("a day");
                batch.timestamps(column, valid, numbers(u64::MAX).into_iter().map(near));
            }
            Kind::Ip => {
                let addresses = self.each(|row, dice| {
                    dice.0 ^= salt;
                    self.address(column, row, dice)
                });
                batch.ip(column, valid, addresses.into_iter());
            }
            Kind::Mac => {
                batch.mac(column, valid, numbers(u64::MAX).into_iter().map(mac));
            }
            Kind::Text => {
                let texts = numbers(u64::MAX).into_iter().map(text);
                batch.text(column, valid, texts);
            }
            Kind::Binary => {
                let octets = numbers(u64::MAX).into_iter().map(|it| text(it).into_bytes());
                batch.binary(column, valid, octets);
            }
            Kind::Dictionary => {
                let words = ["", "gre", "vxlan", "ü"];
                let keys = numbers(u64::MAX).into_iter().map(|it| (it % 4) as u8);
                batch.dictionary(column, valid, &words, keys);
            }
            Kind::List(Kind::Struct(_)) => batch.array(column, self.extra()),
            Kind::List(item) => self.add_list(column, *item, valid, batch),
            other => panic!("{column:?} is of {other}: teach it here"),
        }
    }

    fn number(&self, column: Column, row: usize, dice: &mut Dice, most: u64) -> u64 {
        let class = &self.classes[self.rows[row].0];
        let any = dice.value(most);
        match column {
            column::IP_VERSION => 4 + 2 * u64::from(class.is_ipv6),
            column::PROTOCOL => class.protocol.into(),
            column::IPV6_FLOW_LABEL => any & 0xf_ffff,
            column::PACKETS_REV | column::OCTETS_REV => {
                if self.spoke(row) {
                    any.max(1)
                } else {
                    0
                }
            }
            _ => any,
        }
    }

    fn address(&self, column: Column, row: usize, dice: &mut Dice) -> [u8; 16] {
        let of_flow = matches!(column, column::SRC_ADDR | column::DST_ADDR);
        let is_ipv6 =
            if of_flow { self.classes[self.rows[row].0].is_ipv6 } else { dice.next(2) == 1 };
        let any = dice.value(u64::MAX).to_be_bytes();
        let mut address = [0; 16];
        if is_ipv6 {
            // Not all zeroes in a flow of IPv6: nothing but its version would say what it is.
            address[0] = 0x20;
            address[8..].copy_from_slice(&any);
        } else {
            address[10..12].fill(0xff);
            address[12..].copy_from_slice(&any[4..]);
        }
        address
    }

    fn add_list(
        &self,
        column: Column,
        item: Kind,
        valid: Option<&Validity>,
        batch: &mut BatchBuilder,
    ) {
        // Lists of one group are of one length, and a label stack is never empty.
        let lengths = self.each(|row, dice| {
            let salt = self.rows[row].1;
            match column.spec().group {
                "mpls" => 1 + usize::from(salt % 12),
                _ if salt == 255 => 300,
                _ => dice.next(5) as usize,
            }
        });
        let items: usize = lengths.iter().sum();
        let mut dice = Dice(items as u64 + 1);
        let mut values = |most: u64| (0..items).map(|_| dice.value(most)).collect::<Vec<_>>();
        let lengths = lengths.into_iter();
        let most = match column {
            column::MPLS_LABELS => 0xf_ffff,
            column::MPLS_EXPS => 7,
            _ => u64::MAX,
        };
        match item {
            Kind::U8 => {
                let values = values(most.min(255)).into_iter();
                let values = values.map(|it| u8::try_from(it).expect("u8")).collect();
                batch.list_u8(column, valid, lengths, values);
            }
            Kind::I8 => {
                let values = values(255).into_iter();
                let values = values.map(|it| u8::try_from(it).expect("u8").cast_signed()).collect();
                batch.list_i8(column, valid, lengths, values);
            }
            Kind::U16 => {
                let values = values(65_535).into_iter();
                let values = values.map(|it| u16::try_from(it).expect("u16")).collect();
                batch.list_u16(column, valid, lengths, values);
            }
            Kind::U32 => {
                let values = values(most.min(u32::MAX.into())).into_iter();
                let values = values.map(|it| u32::try_from(it).expect("u32")).collect();
                batch.list_u32(column, valid, lengths, values);
            }
            Kind::TimestampNs => {
                let near = |it: u64| NOW_NS - i64::try_from(it % DAY_NS).expect("a day");
                let values = values(u64::MAX).into_iter().map(near).collect();
                batch.list_timestamps(column, valid, lengths, values);
            }
            other => panic!("lists of {other}: teach them here"),
        }
    }

    /// Elements that have no column, of types that are known and of none.
    fn extra(&self) -> ArrayRef {
        let (mut pens, mut ids, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let mut ends = vec![0_usize];
        let mut set = Vec::new();
        for (row, elements) in self.each(|_, dice| 1 + dice.next(4)).into_iter().enumerate() {
            let is_set = self.is_set(row, "extra");
            set.push(is_set);
            for element in 0..if is_set { elements } else { 0 } {
                let salt = u64::from(self.rows[row].1);
                let (pen, id, least) = EXTRA[((salt + element) % EXTRA.len() as u64) as usize];
                let length = least + (salt % 3) as usize;
                pens.push(pen);
                ids.push(id);
                values.push(vec![(salt + element) as u8; length]);
            }
            ends.push(pens.len());
        }
        let DataType::List(item) = column::EXTRA.kind().arrow_type() else { unreachable!() };
        let DataType::Struct(members) = item.data_type().clone() else { unreachable!() };
        let values = BinaryArray::from_iter_values(values);
        let parts: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(pens)),
            Arc::new(UInt16Array::from(ids)),
            Arc::new(values),
        ];
        let elements = Arc::new(StructArray::new(members, parts, None));
        let lengths = ends.windows(2).map(|pair| pair[1] - pair[0]);
        let offsets = arrow_buffer::OffsetBuffer::from_lengths(lengths);
        let nulls = Some(set.into_iter().collect());
        Arc::new(ListArray::new(item, offsets, elements, nulls))
    }
}

fn salt(column: Column) -> u64 {
    let octets = column.name().bytes();
    octets.fold(7, |salt: u64, octet| salt.wrapping_mul(31).wrapping_add(octet.into()))
}

fn mac(number: u64) -> [u8; 6] {
    let [_, _, mac @ ..] = number.to_be_bytes();
    mac
}

/// Each of them is said in one of the ways that there are to say a rate.
const RATES: [f64; 8] =
    [0.0, 1.0, 2.0, 1_000.0, 2.5, 4_294_967_295.0, 7.0 / 3.0, (1_u64 << 40) as f64];
/// Numbers, and the fewest octets of a value.
const EXTRA: [(u32, u16, usize); 6] =
    [(0, 3, 1), (999, 1, 0), (0, 32_000, 0), (0, 236, 0), (999, 32_767, 253), (8057, 9_999, 2)];

fn place(group: &str) -> Option<usize> {
    let known = GROUPS.iter().position(|known| *known == group);
    known.or_else(|| OTHERS.contains(&group).then_some(GROUPS.len()))
}

fn text(number: u64) -> String {
    match number % 4 {
        0 => String::new(),
        1 => "é".repeat((number >> 8) as usize % 200),
        _ => number.to_string(),
    }
}

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    /// Below a number that is not 0.
    fn next(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn value(&mut self, most: u64) -> u64 {
        match self.next(4) {
            0 => 0,
            1 => most,
            2 => self.next(256) % most.saturating_add(1).max(1),
            _ => (self.next(1 << 31) << 33 | self.next(1 << 31)) % most.saturating_add(1).max(1),
        }
    }
}

/// When all this happened, in nanoseconds since 1970.
pub const NOW_NS: i64 = 1_700_000_000_000_000_000;
const DAY_NS: u64 = 86_000_000_000_000;
