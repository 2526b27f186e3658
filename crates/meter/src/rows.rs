// SPDX-License-Identifier: Apache-2.0
//! Records as rows of a batch: which columns a meter fills, and from what.
//!
//! Column by column, so that each is one loop over the records; which rows of a group are
//! set is computed once.

use penstock_record::{BatchBuilder, Validity, column};
use penstock_wire::{Ends, TunnelType};

use crate::flow::{Aside, Record, State, at};
use crate::key::NO_VLAN;
use crate::layout::KeyLayout;

/// Adds the columns of these records.
pub(crate) fn fill(records: &[Record], layout: &KeyLayout, batch: &mut BatchBuilder) {
    let uniflow = layout.uniflow();
    base(records, batch);
    ends(records, layout, batch);
    forward(records, batch);
    if !uniflow {
        reverse(records, batch);
    }
    link(records, batch);
    tunnel(records, uniflow, batch);
}

fn base(records: &[Record], batch: &mut BatchBuilder) {
    let times = |record: &Record| {
        let side = record.hot.source();
        // Where only the other side spoke, the record's times are that side's.
        if at(&record.hot.packets, side) == 0 { 1 - side } else { side }
    };
    let start = |record: &Record| at(&record.cold.first_ns, times(record));
    let end = |record: &Record| record.last_original_ns(times(record));
    batch.timestamps(column::TIME_START, None, records.iter().map(start));
    batch.timestamps(column::TIME_END, None, records.iter().map(end));
    batch.u64(column::OCTETS, None, records.iter().map(|r| r.of_source(&r.hot.octets)));
    let packets = |r: &Record| u64::from(r.of_source(&r.hot.packets));
    batch.u64(column::PACKETS, None, records.iter().map(packets));
    batch.u64(column::L2_OCTETS, None, records.iter().map(|r| r.of_source(&r.hot.frame_octets)));
    batch.constant_text(column::COUNTER_SEMANTICS, "delta");
    batch.u8(column::END_REASON, None, records.iter().map(|r| r.reason as u8));
    batch.f64(column::SAMPLING_RATE, None, records.iter().map(|_| 1.0));
    batch.constant_text(column::SAMPLING_ORIGIN, "configured");
    batch.constant_text(column::SOURCE_KIND, "probe");
}

fn ends(records: &[Record], layout: &KeyLayout, batch: &mut BatchBuilder) {
    // What is not in the key may differ from packet to packet.
    let valid = Validity::new(records.iter().map(|_| layout.has_ip_version()));
    let valid = Some(&valid);
    let key = |r: &Record| r.hot.key;
    batch.ip(column::SRC_ADDR, valid, records.iter().map(|r| r.of_source(&r.hot.key.addresses())));
    batch.ip(column::DST_ADDR, valid, records.iter().map(|r| r.of_other(&r.hot.key.addresses())));
    let version = |r: &Record| if key(r).kind().is_ipv6() { 6 } else { 4 };
    batch.u8(column::IP_VERSION, valid, records.iter().map(version));
    let valid = Validity::new(records.iter().map(|_| layout.has_protocol()));
    batch.u8(column::PROTOCOL, Some(&valid), records.iter().map(|r| r.hot.key.protocol()));

    let ends = |r: &Record| r.hot.key.kind().ends();
    let ports = Validity::new(records.iter().map(|r| ends(r) == Ends::Ports));
    let valid = Some(&ports);
    batch.u16(column::SRC_PORT, valid, records.iter().map(|r| r.of_source(&r.hot.key.ports())));
    batch.u16(column::DST_PORT, valid, records.iter().map(|r| r.of_other(&r.hot.key.ports())));

    let icmp =
        |r: &Record| matches!(ends(r), Ends::IcmpEcho | Ends::IcmpTimestamp | Ends::IcmpOther);
    let valid = Validity::new(records.iter().map(icmp));
    batch.u8(column::ICMP_TYPE, Some(&valid), records.iter().map(|r| icmp_octet(r, 0)));
    batch.u8(column::ICMP_CODE, Some(&valid), records.iter().map(|r| icmp_octet(r, 1)));
    let query = |r: &Record| matches!(ends(r), Ends::IcmpEcho | Ends::IcmpTimestamp);
    let valid = Validity::new(records.iter().map(query));
    batch.u16(column::ICMP_ID, Some(&valid), records.iter().map(|r| at(&r.hot.key.ports(), 0)));
}

/// Type (0) or code (1) of an ICMP flow.
fn icmp_octet(record: &Record, which: usize) -> u8 {
    at(&at(&record.hot.tcp_flags, 0).to_be_bytes(), which)
}

fn forward(records: &[Record], batch: &mut BatchBuilder) {
    let tcp = Validity::new(records.iter().map(|r| r.hot.state.has(State::TCP)));
    let flags = records.iter().map(|r| r.of_source(&r.hot.tcp_flags));
    batch.u16(column::TCP_FLAGS, Some(&tcp), flags);

    // Seen in the forward direction, or never: a TTL of 0 would be a lie.
    let spoke = Validity::new(records.iter().map(|r| r.of_source(&r.hot.packets) > 0));
    let valid = Some(&spoke);
    batch.u8(column::TOS, valid, records.iter().map(|r| r.of_source(&r.cold.tos)));
    batch.u8(column::TTL_MIN, valid, records.iter().map(|r| r.of_source(&r.hot.ttl_min)));
    batch.u8(column::TTL_MAX, valid, records.iter().map(|r| r.of_source(&r.hot.ttl_max)));
    batch.u8(column::IP_FLAGS, valid, records.iter().map(|r| r.of_source(&r.cold.ip_flags)));

    let ipv6 = Validity::new(records.iter().map(|r| r.hot.key.kind().is_ipv6()));
    let label = records.iter().map(|r| r.cold.identification_or_label);
    batch.u32(column::IPV6_FLOW_LABEL, Some(&ipv6), label);
    let header = |r: &Record| aside(r, |aside| aside.fragment_id);
    let fragment = |r: &Record| !r.hot.key.kind().is_ipv6() || header(r).is_some();
    let valid = Validity::new(records.iter().map(fragment));
    let id = |r: &Record| header(r).unwrap_or(r.cold.identification_or_label);
    batch.u32(column::FRAGMENT_ID, Some(&valid), records.iter().map(id));
    let offset = |r: &Record| aside(r, |aside| Some(aside.fragment_offset)).unwrap_or(0);
    let offset = records.iter().map(offset);
    batch.u16(column::FRAGMENT_OFFSET, Some(&valid), offset);
}

fn reverse(records: &[Record], batch: &mut BatchBuilder) {
    batch.u64(column::OCTETS_REV, None, records.iter().map(|r| r.of_other(&r.hot.octets)));
    let packets = |r: &Record| u64::from(r.of_other(&r.hot.packets));
    batch.u64(column::PACKETS_REV, None, records.iter().map(packets));
    let octets = records.iter().map(|r| r.of_other(&r.hot.frame_octets));
    batch.u64(column::L2_OCTETS_REV, None, octets);

    let spoke = Validity::new(records.iter().map(|r| r.of_other(&r.hot.packets) > 0));
    let valid = Some(&spoke);
    let start = |r: &Record| r.of_other(&r.cold.first_ns);
    batch.timestamps(column::TIME_START_REV, valid, records.iter().map(start));
    let end = |r: &Record| r.last_original_ns(1 - r.hot.source());
    batch.timestamps(column::TIME_END_REV, valid, records.iter().map(end));
    batch.u8(column::TOS_REV, valid, records.iter().map(|r| r.of_other(&r.cold.tos)));
    batch.u8(column::TTL_MIN_REV, valid, records.iter().map(|r| r.of_other(&r.hot.ttl_min)));
    batch.u8(column::TTL_MAX_REV, valid, records.iter().map(|r| r.of_other(&r.hot.ttl_max)));
    batch.u8(column::IP_FLAGS_REV, valid, records.iter().map(|r| r.of_other(&r.cold.ip_flags)));

    let tcp = |r: &Record| r.hot.state.has(State::TCP) && r.of_other(&r.hot.packets) > 0;
    let valid = Validity::new(records.iter().map(tcp));
    let flags = records.iter().map(|r| r.of_other(&r.hot.tcp_flags));
    batch.u16(column::TCP_FLAGS_REV, Some(&valid), flags);
}

fn link(records: &[Record], batch: &mut BatchBuilder) {
    let valid = Validity::new(records.iter().map(|r| r.hot.state.has(State::MACS)));
    batch.mac(column::SRC_MAC, Some(&valid), records.iter().map(|r| at(&r.cold.macs, 0)));
    batch.mac(column::DST_MAC, Some(&valid), records.iter().map(|r| at(&r.cold.macs, 1)));
    let valid = Validity::new(records.iter().map(|r| r.hot.state.has(State::ETHERTYPE)));
    batch.u16(column::ETHERTYPE, Some(&valid), records.iter().map(|r| r.cold.ethertype));
    let valid = Validity::new(records.iter().map(|r| r.hot.key.vlan() != NO_VLAN));
    batch.u16(column::VLAN_ID, Some(&valid), records.iter().map(|r| r.hot.key.vlan()));
    let valid = Validity::new(records.iter().map(|r| r.hot.state.has(State::INNER_VLAN)));
    batch.u16(column::INNER_VLAN_ID, Some(&valid), records.iter().map(|r| r.cold.inner_vlan_id));

    let tags = |r: &Record| aside(r, |aside| Some(aside.vlans)).filter(|tags| tags.len() > 2);
    let valid = Validity::new(records.iter().map(|r| tags(r).is_some()));
    let lengths = records.iter().map(|r| tags(r).map_or(0, |tags| tags.len()));
    let values = records.iter().filter_map(tags).flat_map(|tags| tags.as_slice().to_vec());
    batch.list_u16(column::VLAN_IDS, Some(&valid), lengths, values.collect());
    mpls(records, batch);
}

fn mpls(records: &[Record], batch: &mut BatchBuilder) {
    let stack = |r: &Record| aside(r, |aside| Some(aside.mpls)).filter(|mpls| !mpls.is_empty());
    let valid = Validity::new(records.iter().map(|r| stack(r).is_some()));
    let lengths = || records.iter().map(|r| stack(r).map_or(0, |mpls| mpls.len()));
    let entries = records.iter().filter_map(stack).flat_map(|mpls| mpls.as_slice().to_vec());
    let entries: Vec<u32> = entries.collect();
    // RFC 3032, section 2.1: label 20 bits, traffic class 3, bottom of stack 1, TTL 8.
    let labels = entries.iter().map(|entry| entry >> 12).collect();
    batch.list_u32(column::MPLS_LABELS, Some(&valid), lengths(), labels);
    let ttls = entries.iter().map(|entry| *entry as u8).collect();
    batch.list_u8(column::MPLS_TTLS, Some(&valid), lengths(), ttls);
    let classes = entries.iter().map(|entry| (entry >> 9) as u8 & 0b111).collect();
    batch.list_u8(column::MPLS_EXPS, Some(&valid), lengths(), classes);
}

fn tunnel(records: &[Record], uniflow: bool, batch: &mut BatchBuilder) {
    let tunnel = |r: &Record| aside(r, |aside| aside.tunnel);
    // The outer addresses as the source's packets have them.
    let outer = |r: &Record| {
        let tunnel = tunnel(r).unwrap_or_default();
        let turned = r.of_source(&r.hot.packets) == 0;
        if turned { (tunnel.dst, tunnel.src) } else { (tunnel.src, tunnel.dst) }
    };
    let valid = Validity::new(records.iter().map(|r| tunnel(r).is_some()));
    let valid = Some(&valid);
    let words = TunnelType::ALL.map(TunnelType::name);
    let kinds = records.iter().map(|r| tunnel(r).unwrap_or_default().kind as u8);
    batch.dictionary(column::TUNNEL_TYPE, valid, &words, kinds);
    batch.ip(column::TUNNEL_SRC_ADDR, valid, records.iter().map(|r| outer(r).0));
    batch.ip(column::TUNNEL_DST_ADDR, valid, records.iter().map(|r| outer(r).1));

    let id = |r: &Record, side: usize| aside(r, |aside| at(&aside.tunnel_id, side));
    let mut column = |column, side: fn(&Record) -> usize| {
        let valid = Validity::new(records.iter().map(|r| id(r, side(r)).is_some()));
        let ids = records.iter().map(|r| id(r, side(r)).unwrap_or(0));
        batch.u64(column, Some(&valid), ids);
    };
    column(column::TUNNEL_ID, |r| r.hot.source());
    if !uniflow {
        column(column::TUNNEL_ID_REV, |r| 1 - r.hot.source());
    }
}

fn aside<T>(record: &Record, part: impl Fn(&Aside) -> Option<T>) -> Option<T> {
    record.aside.as_deref().and_then(part)
}
