// SPDX-License-Identifier: Apache-2.0
//! Rules over whole columns, once all rows are there: what ports mean for ICMP, which rows have a
//! group's columns, whose times cannot be believed.

use std::collections::HashMap;

use penstock_record::{Column, Validity, column};

use super::buffer::{Buffer, lengths};
use super::plan::IcmpIn;
use super::shape::{Run, Shape, Slots};
use super::time::{DAY_NS, UNTOLD};

/// Derives what records say in other columns than their own.
pub(super) fn derive(shape: &mut Shape) {
    let any = |shape: &Shape, wanted: fn(&Run) -> bool| shape.runs.iter().any(wanted);
    if any(shape, |run| run.traits.version_from_addresses) {
        versions(shape);
    }
    if any(shape, |run| run.traits.icmp.are_ports()) {
        icmp_of_ports(shape);
    }
    if any(shape, |run| run.traits.icmp == IcmpIn::ElementsBesidePorts) {
        icmp_ids_of_ports(shape);
    }
    if shape.has(Slots::get().bit(column::TIME_START_REV)) {
        reverse_times(shape);
    }
}

/// Which rows have the columns of a group, for the groups where that is not all of them.
pub(super) struct Validities {
    by_group: HashMap<u128, Validity>,
}

impl Validities {
    pub(super) fn of(shape: &Shape) -> Self {
        let mut validities = Self { by_group: HashMap::new() };
        validities.of_protocols(shape);
        validities.of_reverse(shape);
        validities.of_version(shape);
        validities.of_labels(shape);
        validities
    }

    pub(super) fn get(&self, group: u128) -> Option<&Validity> {
        self.by_group.get(&group)
    }

    fn set(&mut self, column: Column, validity: Validity) {
        self.by_group.insert(Slots::get().bit(column), validity);
    }

    /// Ports, ICMP and TCP's flags belong to some protocols only; what others have in such a field
    /// is kept if it says anything.
    fn of_protocols(&mut self, shape: &Shape) {
        let slots = Slots::get();
        let protocols = shape.octets(column::PROTOCOL);
        let has = |column| shape.has(slots.bit(column));
        if !has(column::PROTOCOL) || protocols.len() != shape.rows {
            return;
        }
        if has(column::SRC_PORT) {
            let ends = shape.u16s(column::SRC_PORT).iter().zip(shape.u16s(column::DST_PORT));
            let set = protocols.iter().zip(ends).map(|(protocol, (src, dst))| {
                has_ports(*protocol) || !is_icmp(*protocol) && (src | dst) != 0
            });
            self.set(column::SRC_PORT, Validity::new(set));
        }
        if has(column::ICMP_TYPE) {
            let mut set: Vec<bool> = protocols.iter().map(|protocol| is_icmp(*protocol)).collect();
            without_silent_ports(shape, &mut set);
            self.set(column::ICMP_TYPE, Validity::new(set.into_iter()));
        }
        if has(column::ICMP_ID) {
            let mut set: Vec<bool> = protocols.iter().map(|protocol| is_icmp(*protocol)).collect();
            without_silent_ids(shape, &mut set);
            self.set(column::ICMP_ID, Validity::new(set.into_iter()));
        }
        for column in [column::TCP_FLAGS, column::TCP_FLAGS_REV] {
            if has(column) {
                let flags = protocols.iter().zip(shape.u16s(column));
                let set = flags.map(|(protocol, flags)| *protocol == TCP || *flags != 0);
                self.set(column, Validity::new(set));
            }
        }
    }

    /// A biflow whose reverse side was silent has nothing of it but counters.
    fn of_reverse(&mut self, shape: &Shape) {
        let slots = Slots::get();
        if !shape.has(slots.bit(column::PACKETS_REV)) {
            return;
        }
        let spoke = || {
            let packets = shape.u64s(column::PACKETS_REV).iter();
            packets
                .zip(shape.u64s(column::OCTETS_REV))
                .map(|(packets, octets)| packets | octets != 0)
        };
        for column in OF_REVERSE_SIDE {
            let group = slots.bit(column);
            if !shape.has(group) {
                continue;
            }
            let validity = match self.by_group.get(&group) {
                Some(known) => {
                    let both = spoke().enumerate().map(|(row, spoke)| spoke && known.is_set(row));
                    Validity::new(both.collect::<Vec<_>>().into_iter())
                }
                None if column == column::TIME_START_REV => {
                    let times = shape.times(column::TIME_START_REV).iter();
                    let times = times.zip(shape.times(column::TIME_END_REV));
                    Validity::new(
                        spoke().zip(times).map(|(spoke, (start, end))| {
                            spoke && (*start, *end) != (UNTOLD, UNTOLD)
                        }),
                    )
                }
                None => Validity::new(spoke()),
            };
            self.by_group.insert(group, validity);
        }
    }

    /// IPv4 has no flow label.
    fn of_version(&mut self, shape: &Shape) {
        let slots = Slots::get();
        let columns = [column::IPV6_FLOW_LABEL, column::IP_VERSION];
        if columns.iter().all(|column| shape.has(slots.bit(*column))) {
            let labels = shape.u32s(column::IPV6_FLOW_LABEL).iter();
            let rows = labels.zip(shape.octets(column::IP_VERSION));
            let set = rows.map(|(label, version)| *label != 0 || *version != 4);
            self.set(column::IPV6_FLOW_LABEL, Validity::new(set));
        }
    }

    /// A packet without labels has no label stack.
    fn of_labels(&mut self, shape: &Shape) {
        let slots = Slots::get();
        if !shape.has(slots.bit(column::MPLS_LABELS)) {
            return;
        }
        let mut set = vec![false; shape.rows];
        for column in [column::MPLS_LABELS, column::MPLS_TTLS, column::MPLS_EXPS] {
            let ends = match shape.buffers.get(slots.of(column)) {
                Some(Buffer::ListU32(lists)) => &lists.ends,
                Some(Buffer::ListU8(lists)) => &lists.ends,
                _ => continue,
            };
            for (set, length) in set.iter_mut().zip(lengths(ends)) {
                *set |= length > 0;
            }
        }
        self.set(column::MPLS_LABELS, Validity::new(set.into_iter()));
    }
}

/// Whether the times of each row are to be doubted: far from their reception, the end before the
/// start, or not the exporter's own.
pub(super) fn suspects(shape: &Shape) -> Vec<bool> {
    let mut suspects = Vec::with_capacity(shape.rows);
    let mut times = shape.start_ns.iter().zip(&shape.end_ns);
    for run in &shape.runs {
        let received_ns = run.received_ns;
        suspects.extend(times.by_ref().take(run.rows).map(|(start_ns, end_ns)| {
            let far = end_ns.wrapping_sub(received_ns).wrapping_add(DAY_NS);
            (start_ns > end_ns) | (far.cast_unsigned() > 2 * DAY_NS.unsigned_abs())
        }));
    }
    for row in &shape.suspects {
        if let Some(suspect) = suspects.get_mut(*row) {
            *suspect = true;
        }
    }
    suspects
}

/// Where one end of the reverse direction's times was not told, the other stands for it.
fn reverse_times(shape: &mut Shape) {
    let slots = Slots::get();
    let ends = [column::TIME_START_REV, column::TIME_END_REV].map(|column| slots.of(column));
    let Ok([Buffer::Time(starts), Buffer::Time(ends)]) = shape.buffers.get_disjoint_mut(ends)
    else {
        return;
    };
    for (start_ns, end_ns) in starts.iter_mut().zip(ends) {
        if *start_ns == UNTOLD {
            *start_ns = *end_ns;
        } else if *end_ns == UNTOLD {
            *end_ns = *start_ns;
        }
    }
}

/// Fills the IP version in where the record does not say it.
fn versions(shape: &mut Shape) {
    let slots = Slots::get();
    if !shape.octets(column::IP_VERSION).contains(&0) {
        return;
    }
    let told: Vec<u8> = {
        let ends = shape.ips(column::SRC_ADDR).iter().zip(shape.ips(column::DST_ADDR));
        ends.map(|(src, dst)| match (src, dst) {
            ends if ends == (&[0; 16], &[0; 16]) => 0,
            (src, dst) if is_ipv4(src) || is_ipv4(dst) => 4,
            _ => 6,
        })
        .collect()
    };
    if let Some(Buffer::U8(versions)) = shape.buffers.get_mut(slots.of(column::IP_VERSION)) {
        for (version, told) in versions.iter_mut().zip(told).filter(|(version, _)| **version == 0) {
            *version = told;
        }
    }
}

/// Type and code of ICMP as type * 256 + code in the destination port, or with some exporters in
/// the source port. Rows of other protocols get numbers that nobody sees.
fn icmp_of_ports(shape: &mut Shape) {
    let slots = Slots::get();
    let src = shape.u16s(column::SRC_PORT);
    let dst = shape.u16s(column::DST_PORT);
    let told = src.iter().zip(dst).map(|(src, dst)| if *dst == 0 { *src } else { *dst });
    let told: Vec<[u8; 2]> = told.map(u16::to_be_bytes).collect();
    for (column, which) in [(column::ICMP_TYPE, 0), (column::ICMP_CODE, 1)] {
        let Some(Buffer::U8(values)) = shape.buffers.get_mut(slots.of(column)) else { continue };
        let mut rows = values.iter_mut().zip(&told);
        for run in &shape.runs {
            let of_run = rows.by_ref().take(run.rows);
            if !run.traits.icmp.are_ports() {
                of_run.for_each(drop);
            } else if which == 0 {
                of_run.for_each(|(value, [kind, _])| *value = *kind);
            } else {
                of_run.for_each(|(value, [_, code])| *value = *code);
            }
        }
    }
}

/// Takes out the rows of ICMP whose ports may hold type and code, but hold nothing.
fn without_silent_ports(shape: &Shape, set: &mut [bool]) {
    if !shape.runs.iter().any(|run| run.traits.icmp == IcmpIn::PortsUnlessZero) {
        return;
    }
    let ends = shape.u16s(column::SRC_PORT).iter().zip(shape.u16s(column::DST_PORT));
    let mut rows = set.iter_mut().zip(ends);
    for run in &shape.runs {
        let unless_zero = run.traits.icmp == IcmpIn::PortsUnlessZero;
        for (set, (src, dst)) in rows.by_ref().take(run.rows) {
            *set &= !unless_zero || (src | dst) != 0;
        }
    }
}

/// The identifier of ICMP from a port, where type and code have elements of their own.
fn icmp_ids_of_ports(shape: &mut Shape) {
    let ends = shape.u16s(column::SRC_PORT).iter().zip(shape.u16s(column::DST_PORT));
    let told: Vec<u16> = ends.map(|(src, dst)| if *dst == 0 { *src } else { *dst }).collect();
    let place = Slots::get().of(column::ICMP_ID);
    let Some(Buffer::U16(ids)) = shape.buffers.get_mut(place) else { return };
    let mut rows = ids.iter_mut().zip(told);
    for run in &shape.runs {
        let of_run = rows.by_ref().take(run.rows);
        if run.traits.icmp == IcmpIn::ElementsBesidePorts {
            of_run.for_each(|(id, told)| *id = told);
        } else {
            of_run.for_each(drop);
        }
    }
}

/// Takes out the rows whose ports may hold an identifier, but hold none, or whose type has none.
fn without_silent_ids(shape: &Shape, set: &mut [bool]) {
    let types = shape.octets(column::ICMP_TYPE);
    let mut rows = set.iter_mut().zip(shape.u16s(column::ICMP_ID).iter().zip(types));
    for run in &shape.runs {
        let in_ports = run.traits.icmp == IcmpIn::ElementsBesidePorts;
        for (set, (id, kind)) in rows.by_ref().take(run.rows) {
            *set &= !in_ports || *id != 0 && has_identifier(*kind);
        }
    }
}

/// Echo and timestamp, and echo of `ICMPv6`: types that the other protocol has for nothing else.
const fn has_identifier(kind: u8) -> bool {
    matches!(kind, 0 | 8 | 13 | 14 | 128 | 129)
}

const fn is_icmp(protocol: u8) -> bool {
    matches!(protocol, 1 | 58)
}

/// TCP, UDP, DCCP, SCTP, UDP-Lite.
const fn has_ports(protocol: u8) -> bool {
    matches!(protocol, TCP | 17 | 33 | 132 | 136)
}

fn is_ipv4(address: &[u8; 16]) -> bool {
    address.starts_with(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff])
}

const TCP: u8 = 6;

/// A column of each group that describes the reverse direction where it spoke.
const OF_REVERSE_SIDE: [Column; 7] = [
    column::TIME_START_REV,
    column::TCP_FLAGS_REV,
    column::TOS_REV,
    column::TTL_MIN_REV,
    column::IP_FLAGS_REV,
    column::TUNNEL_ID_REV,
    column::TCP_WINDOW_REV,
];
