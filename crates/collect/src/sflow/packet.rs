// SPDX-License-Identifier: Apache-2.0
//! The flow records of one sample to what its packet's row has.
//!
//! The sampled header is read first of all; fields that the agent read itself stand in where it cannot be. Of a
//! record that fills columns what has none is let go: 802.1p priorities, local preference, the kinds of the
//! segments of an AS path. A record that fills no column, or that is there a second time, is kept as it is.

use penstock_codec::Malformed;
use penstock_codec::sflow::{
    EXTENDED_GATEWAY, EXTENDED_ROUTER, EXTENDED_SWITCH, ExtendedMpls, ExtendedNat, ExtendedNatPort,
    ExtendedSwitch, FlowRecord, Numbers, Record, SAMPLED_HEADER, SampledEthernet, SampledHeader,
    SampledIp, Side, header_protocol,
};
use penstock_wire::{
    Dissected, Ends, Extra, Frame, Has, LinkType, MAX_LABELS, Packet, Stack, Tunnel, TunnelType,
    Tunnels, dissect, protocol,
};

use super::extras::Extras;
use super::lists::Lists;
use super::route::{extended_gateway, extended_router};
use super::row::{Aside, Groups, Route, Row};

/// What the records of one sample said, until all of them are read: of what nearly every sample has, the octets.
#[derive(Default)]
pub(super) struct Draft<'a> {
    header: Option<&'a [u8]>,
    switch: Option<&'a [u8]>,
    router: Option<&'a [u8]>,
    gateway: Option<&'a [u8]>,
    rare: Option<Box<Rare<'a>>>,
    /// Records without a column.
    extras: u32,
}

/// What only few samples have.
#[derive(Default)]
struct Rare<'a> {
    ethernet: Option<SampledEthernet>,
    ip: Option<SampledIp>,
    mpls: Option<(ExtendedMpls<'a>, Record<'a>)>,
    nat: Option<ExtendedNat>,
    nat_port: Option<ExtendedNatPort>,
    tags: Option<(Numbers<'a>, Record<'a>)>,
    /// Outer headers: as the packet came, as it leaves.
    tunnels: [Option<(SampledIp, Record<'a>)>; 2],
    /// Virtual networks: as the packet came, as it leaves.
    networks: [Option<(u32, Record<'a>)>; 2],
    timestamp_ns: Option<u64>,
}

/// Where what rows share is kept.
pub(super) struct Kept<'a> {
    /// The row's place among all.
    pub row: usize,
    pub asides: &'a mut Vec<Aside>,
    pub routes: &'a mut Vec<Route>,
    pub lists: &'a mut Lists,
    pub extras: &'a mut Extras,
    /// Records for which there was no room.
    pub unkept: &'a mut u32,
    pub tunnels: Tunnels,
    /// What reading headers needs, so that it is not made for each of them.
    pub scratch: &'a mut Extra,
}

impl<'a> Draft<'a> {
    /// Takes a record. What nearly every sample has is read when all are there: on the way it would be copied.
    #[inline]
    pub(super) fn take(
        &mut self,
        record: Record<'a>,
        kept: &mut Kept<'_>,
    ) -> Result<(), Malformed> {
        let taken = match (record.enterprise, record.format) {
            (0, SAMPLED_HEADER) => fill(&mut self.header, record.octets),
            (0, EXTENDED_SWITCH) => fill(&mut self.switch, record.octets),
            (0, EXTENDED_ROUTER) => fill(&mut self.router, record.octets),
            (0, EXTENDED_GATEWAY) => fill(&mut self.gateway, record.octets),
            _ => self.take_rare(record)?,
        };
        if !taken {
            self.keep(record, kept);
        }
        Ok(())
    }

    #[cold]
    fn take_rare(&mut self, record: Record<'a>) -> Result<bool, Malformed> {
        let read = FlowRecord::read(record)?;
        Ok(match read {
            FlowRecord::Unknown(_)
            | FlowRecord::Function(_)
            | FlowRecord::HwTrap(_)
            | FlowRecord::LinuxDropReason(_) => false,
            rare => self.rare.get_or_insert_default().take(record, rare),
        })
    }

    /// Makes the row of what was taken; its groups are added to those it has. Of records that could not be read the
    /// first is told, when all the others are in the row.
    pub(super) fn finish(&mut self, row: &mut Row, kept: &mut Kept<'_>) -> Result<(), Malformed> {
        let mut aside = Aside::default();
        let mut outcome = Ok(());
        if let Some(octets) = self.header {
            let record = common(SAMPLED_HEADER, octets);
            match record.sampled_header() {
                Ok(header) if sampled_header(&header, row, &mut aside, kept) => {}
                Ok(_) => self.keep(record, kept),
                Err(wrong) => outcome = Err(wrong),
            }
        }
        match self.router.map(|octets| common(EXTENDED_ROUTER, octets).extended_router()) {
            None => {}
            Some(Ok(router)) => extended_router(&router, row),
            Some(Err(wrong)) => outcome = outcome.and(Err(wrong)),
        }
        match self.gateway.map(|octets| common(EXTENDED_GATEWAY, octets).extended_gateway()) {
            None => {}
            Some(Ok(_)) if kept.lists.are_full() => *kept.unkept += 1,
            Some(Ok(gateway)) => extended_gateway(&gateway, row, kept),
            Some(Err(wrong)) => outcome = outcome.and(Err(wrong)),
        }
        if let Some(rare) = self.rare.take() {
            self.finish_rare(&rare, row, &mut aside, kept);
        }
        match self.switch.map(|octets| common(EXTENDED_SWITCH, octets).extended_switch()) {
            None => {}
            Some(Ok(switch)) => extended_switch(&switch, row, &aside),
            Some(Err(wrong)) => outcome = outcome.and(Err(wrong)),
        }
        if self.extras > 0 {
            aside.extras = self.extras;
            row.groups.add(Groups::EXTRA);
        }
        if row.groups.any(Groups::IN_ASIDE) {
            kept.asides.push(aside);
            row.aside = u32::try_from(kept.asides.len()).unwrap_or(0);
        }
        outcome
    }

    #[cold]
    fn finish_rare(
        &mut self,
        rare: &Rare<'a>,
        row: &mut Row,
        aside: &mut Aside,
        kept: &mut Kept<'_>,
    ) {
        if let Some(ip) = &rare.ip
            && !row.groups.has(Groups::ADDRESSES)
        {
            sampled_ip(ip, row);
        }
        if let Some(ethernet) = &rare.ethernet
            && !row.groups.has(Groups::MACS)
        {
            sampled_ethernet(ethernet, row);
        }
        if let Some((mpls, record)) = &rare.mpls
            && !kept.lists.are_full()
        {
            extended_mpls(mpls, row, kept);
            if !mpls.in_stack.is_empty() && !mpls.out_stack.is_empty() {
                self.keep(*record, kept);
            }
        }
        if rare.nat.is_some() || rare.nat_port.is_some() {
            translation(rare, row, aside);
        }
        if let Some((tags, record)) = rare.tags
            && (kept.lists.are_full() || !stripped_tags(tags, row, kept))
        {
            self.keep(record, kept);
        }
        for (outer, record) in rare.tunnels.iter().flatten() {
            if !outer_header(outer, row, aside) {
                self.keep(*record, kept);
            }
        }
        for (network, record) in rare.networks.iter().flatten() {
            if row.groups.has(Groups::TUNNEL_ID) {
                self.keep(*record, kept);
            } else {
                row.groups.add(Groups::TUNNEL_ID);
                aside.tunnel.id = Some(u64::from(*network));
            }
        }
        if let Some(timestamp_ns) = rare.timestamp_ns {
            timestamp(timestamp_ns, row);
        }
    }

    #[cold]
    fn keep(&mut self, record: Record<'_>, kept: &mut Kept<'_>) {
        if kept.extras.push(record) {
            self.extras += 1;
        } else {
            *kept.unkept += 1;
        }
    }
}

impl<'a> Rare<'a> {
    #[cold]
    fn take(&mut self, record: Record<'a>, read: FlowRecord<'a>) -> bool {
        let [came, leaves] = &mut self.tunnels;
        let [from, to] = &mut self.networks;
        match read {
            FlowRecord::SampledEthernet(ethernet) => fill(&mut self.ethernet, ethernet),
            FlowRecord::SampledIp(ip) => fill(&mut self.ip, ip),
            FlowRecord::ExtendedMpls(mpls) => fill(&mut self.mpls, (mpls, record)),
            FlowRecord::ExtendedNat(nat) => fill(&mut self.nat, nat),
            FlowRecord::ExtendedNatPort(ports) => fill(&mut self.nat_port, ports),
            FlowRecord::ExtendedVlantunnel(tags) => fill(&mut self.tags, (tags, record)),
            FlowRecord::Tunnel(Side::Ingress, outer) => fill(came, (outer, record)),
            FlowRecord::Tunnel(Side::Egress, outer) => fill(leaves, (outer, record)),
            FlowRecord::Vni(Side::Ingress, network) => fill(from, (network, record)),
            FlowRecord::Vni(Side::Egress, network) => fill(to, (network, record)),
            FlowRecord::Timestamp(timestamp_ns) => fill(&mut self.timestamp_ns, timestamp_ns),
            _ => false,
        }
    }
}

/// A record of a format that sFlow itself defines.
const fn common(format: u32, octets: &[u8]) -> Record<'_> {
    Record { enterprise: 0, format, octets }
}

/// Fills what is empty.
fn fill<T>(slot: &mut Option<T>, value: T) -> bool {
    let empty = slot.is_none();
    if empty {
        *slot = Some(value);
    }
    empty
}

/// Reads the packet's first octets; `false` if they begin with a header that is not read here.
///
/// A header that is cut before its addresses still gives MACs, tags and ethertype. `octets` is then the frame's length
/// without what was stripped: less is not known.
fn sampled_header(
    sampled: &SampledHeader<'_>,
    row: &mut Row,
    aside: &mut Aside,
    kept: &mut Kept<'_>,
) -> bool {
    let on_wire = sampled.frame_length.saturating_sub(sampled.stripped);
    row.packet.octets = on_wire;
    row.packet.frame_octets = sampled.frame_length;
    row.groups.add(Groups::PACKET);
    row.groups.add(Groups::L2_OCTETS);
    let mut labels: Stack<u32, MAX_LABELS> = Stack::default();
    let (link, bytes, before) = match sampled.protocol {
        header_protocol::ETHERNET => (LinkType::ETHERNET, sampled.header, 0),
        header_protocol::PPP => (LinkType::PPP, sampled.header, 0),
        header_protocol::IPV4 => (LinkType::IPV4, sampled.header, 0),
        header_protocol::IPV6 => (LinkType::IPV6, sampled.header, 0),
        header_protocol::MPLS => {
            let (bytes, before) = behind_labels(sampled.header, &mut labels);
            (LinkType::RAW, bytes, before)
        }
        _ => return false,
    };
    let frame = Frame { link, bytes, original_octets: on_wire.saturating_sub(before) };
    if let Ok(Dissected::Ip) = dissect(frame, kept.tunnels, &mut row.packet, kept.scratch) {
        row.packet.frame_octets = sampled.frame_length;
        headers(row, aside, kept);
    } else {
        let frame_octets = sampled.frame_length;
        row.packet = Packet { octets: on_wire, frame_octets, ..Packet::default() };
        if link == LinkType::ETHERNET {
            frame_alone(bytes, row);
        }
    }
    if !labels.is_empty() && !row.groups.has(Groups::MPLS) {
        add_labels(labels.as_slice().iter().copied(), row, kept);
    }
    true
}

/// The groups of what was read down to the packet's transport header.
#[inline]
fn headers(row: &mut Row, aside: &mut Aside, kept: &mut Kept<'_>) {
    let (packet, mut groups) = (&row.packet, row.groups);
    groups.add(Groups::ADDRESSES);
    groups.add(Groups::PROTOCOL);
    groups.add(Groups::TOS);
    groups.add(Groups::TTL);
    groups.add(Groups::IP_FLAGS);
    let icmp = matches!(packet.ends, Ends::IcmpEcho | Ends::IcmpTimestamp);
    let v4 = packet.ip_version == 4;
    let has = |what: Has| packet.has.contains(what);
    let mut given = |group: Groups, set: bool| {
        if set {
            groups.add(group);
        }
    };
    given(Groups::PORTS, packet.ends == Ends::Ports);
    given(Groups::ICMP, icmp || packet.ends == Ends::IcmpOther);
    given(Groups::ICMP_ID, icmp);
    given(Groups::TCP, has(Has::TCP));
    given(Groups::FLOW_LABEL, !v4);
    given(Groups::FRAGMENT, v4 || has(Has::FRAGMENT_HEADER));
    given(Groups::MACS, has(Has::MACS));
    given(Groups::ETHERTYPE, has(Has::ETHERTYPE));
    given(Groups::VLAN, has(Has::VLAN));
    row.groups = groups;
    if row.packet.has.any(Has::VLANS.with(Has::MPLS).with(Has::TUNNEL)) {
        rare_headers(row, aside, kept);
    }
}

#[cold]
fn rare_headers(row: &mut Row, aside: &mut Aside, kept: &mut Kept<'_>) {
    let has = row.packet.has;
    if has.contains(Has::VLANS) {
        row.groups.add(Groups::INNER_VLAN);
        let tags = kept.scratch.vlans;
        if tags.len() > 2 {
            add_tags(tags.as_slice(), row, kept);
        }
    }
    if has.contains(Has::MPLS) {
        let labels = kept.scratch.mpls;
        add_labels(labels.as_slice().iter().copied(), row, kept);
    }
    if has.contains(Has::TUNNEL) {
        aside.tunnel = kept.scratch.tunnel;
        row.groups.add(Groups::TUNNEL);
        if aside.tunnel.id.is_some() {
            row.groups.add(Groups::TUNNEL_ID);
        }
    }
}

/// What an Ethernet frame says whose packet could not be read, or is none.
#[cold]
fn frame_alone(frame: &[u8], row: &mut Row) {
    let Some((macs, mut rest)) = frame.split_first_chunk::<12>() else { return };
    let [d0, d1, d2, d3, d4, d5, src @ ..] = *macs;
    row.packet.dst_mac = [d0, d1, d2, d3, d4, d5];
    row.packet.src_mac = src;
    row.groups.add(Groups::MACS);
    while let Some((ethertype, behind)) = rest.split_first_chunk::<2>() {
        let ethertype = u16::from_be_bytes(*ethertype);
        if !matches!(ethertype, 0x8100 | 0x88a8 | 0x9100) {
            // Below that, it is the length of an 802.3 frame.
            if ethertype >= 0x0600 {
                row.packet.ethertype = ethertype;
                row.groups.add(Groups::ETHERTYPE);
            }
            return;
        }
        let Some((tag, behind)) = behind.split_first_chunk::<2>() else { return };
        let vlan = u16::from_be_bytes(*tag) & 0xfff;
        if !row.groups.has(Groups::VLAN) {
            row.packet.vlan_id = vlan;
            row.groups.add(Groups::VLAN);
        } else if !row.groups.has(Groups::INNER_VLAN) {
            row.packet.inner_vlan_id = vlan;
            row.groups.add(Groups::INNER_VLAN);
        }
        rest = behind;
    }
}

/// Reads a label stack; answers what is behind it, and its octets.
#[cold]
fn behind_labels<'a>(header: &'a [u8], labels: &mut Stack<u32, MAX_LABELS>) -> (&'a [u8], u32) {
    let (mut rest, mut octets) = (header, 0);
    while let Some((entry, behind)) = rest.split_first_chunk() {
        let entry = u32::from_be_bytes(*entry);
        (rest, octets) = (behind, octets + 4);
        // RFC 3032 section 2.1: this bit is the bottom of the stack.
        if !labels.push(entry) || entry & 0x100 != 0 {
            break;
        }
    }
    (rest, octets)
}

/// The time that the sampler saw the packet, in place of that of its reception, if it can be believed.
fn timestamp(timestamp_ns: u64, row: &mut Row) {
    match i64::try_from(timestamp_ns) {
        Ok(ns) if ns.abs_diff(row.time_ns) <= BELIEVED_NS => row.time_ns = ns,
        _ => row.groups.add(Groups::SUSPECT),
    }
}

fn translation(rare: &Rare<'_>, row: &mut Row, aside: &mut Aside) {
    let (nat, ports) = (rare.nat.unwrap_or_default(), rare.nat_port.unwrap_or_default());
    row.groups.add(Groups::NAT);
    aside.nat_src = nat.src_address.unwrap_or_default();
    aside.nat_dst = nat.dst_address.unwrap_or_default();
    aside.nat_src_port = low(ports.src_port);
    aside.nat_dst_port = low(ports.dst_port);
}

/// The packet's IP header as the agent read it.
#[cold]
fn sampled_ip(ip: &SampledIp, row: &mut Row) {
    let protocol = u8::try_from(ip.protocol).unwrap_or(u8::MAX);
    let packet = &mut row.packet;
    packet.ip_version = ip.ip_version;
    packet.octets = ip.length;
    packet.protocol = protocol;
    (packet.src, packet.dst) = (ip.src_ip, ip.dst_ip);
    packet.tos = u8::try_from(ip.tos).unwrap_or(0);
    for group in [Groups::PACKET, Groups::ADDRESSES, Groups::PROTOCOL, Groups::TOS] {
        row.groups.add(group);
    }
    if matches!(protocol, protocol::TCP | protocol::UDP | protocol::SCTP | protocol::DCCP) {
        packet.src_port = low(ip.src_port);
        packet.dst_port = low(ip.dst_port);
        row.groups.add(Groups::PORTS);
    }
    if protocol == protocol::TCP {
        packet.tcp_flags = low(ip.tcp_flags) & 0xfff;
        row.groups.add(Groups::TCP);
    }
}

/// The packet's Ethernet header as the agent read it.
#[cold]
fn sampled_ethernet(ethernet: &SampledEthernet, row: &mut Row) {
    row.packet.src_mac = ethernet.src_mac;
    row.packet.dst_mac = ethernet.dst_mac;
    row.groups.add(Groups::PACKET);
    row.groups.add(Groups::MACS);
    if !row.groups.has(Groups::ETHERTYPE) && ethernet.ethertype != 0 {
        row.packet.ethertype = low(ethernet.ethertype);
        row.groups.add(Groups::ETHERTYPE);
    }
    if !row.groups.has(Groups::L2_OCTETS) {
        row.packet.frame_octets = ethernet.length;
        row.groups.add(Groups::L2_OCTETS);
    }
    if !row.groups.has(Groups::ADDRESSES) {
        row.packet.octets = ethernet.length;
    }
}

/// VLANs that the packet was bridged between. The header's own tag goes before; of a packet in a tunnel that carries
/// frames the VLAN is the inner frame's, which the switch did not see.
fn extended_switch(switch: &ExtendedSwitch, row: &mut Row, aside: &Aside) {
    let carries_frames = row.groups.has(Groups::TUNNEL)
        && !matches!(aside.tunnel.kind, TunnelType::Ipip | TunnelType::Gtpu | TunnelType::Teredo);
    if let Some(vlan) = vlan_id(switch.src_vlan)
        && !row.groups.has(Groups::VLAN)
        && !carries_frames
    {
        row.packet.vlan_id = vlan;
        row.groups.add(Groups::VLAN);
    }
    if let Some(vlan) = vlan_id(switch.dst_vlan) {
        row.dst_vlan = vlan;
        row.groups.add(Groups::DST_VLAN);
    }
}

/// The stack that the packet came with, or else left with, if its header did not show it.
fn extended_mpls(mpls: &ExtendedMpls<'_>, row: &mut Row, kept: &mut Kept<'_>) {
    if let Some(next_hop) = mpls.nexthop
        && !row.groups.has(Groups::NEXT_HOP)
    {
        row.next_hop = next_hop;
        row.groups.add(Groups::NEXT_HOP);
    }
    let stack = if mpls.in_stack.is_empty() { mpls.out_stack } else { mpls.in_stack };
    if !row.groups.has(Groups::MPLS) && !stack.is_empty() {
        add_labels(stack.iter(), row, kept);
    }
}

/// Tags that were taken off before sampling are outside of those in the header; `false` if there are more than two
/// together and the header had that many itself, so that the list is full already.
fn stripped_tags(tags: Numbers<'_>, row: &mut Row, kept: &mut Kept<'_>) -> bool {
    if row.groups.has(Groups::VLANS) {
        return false;
    }
    // The tag's identifier is its lower twelve bits; above it are priority and TPID.
    let mut all: Vec<u16> = tags.iter().map(|tag| low(tag) & 0xfff).collect();
    let inner =
        [(Groups::VLAN, row.packet.vlan_id), (Groups::INNER_VLAN, row.packet.inner_vlan_id)];
    all.extend(inner.iter().filter(|(group, _)| row.groups.has(*group)).map(|(_, vlan)| *vlan));
    if let Some(outermost) = all.first() {
        row.packet.vlan_id = *outermost;
        row.groups.add(Groups::VLAN);
    }
    if let Some(second) = all.get(1) {
        row.packet.inner_vlan_id = *second;
        row.groups.add(Groups::INNER_VLAN);
    }
    if all.len() > 2 {
        add_tags(&all, row, kept);
    }
    true
}

/// The outer header that was taken off or will be put on; `false` if the packet is known to be in a tunnel already,
/// or it does not say in which kind.
fn outer_header(outer: &SampledIp, row: &mut Row, aside: &mut Aside) -> bool {
    // The ports are those of VXLAN, GENEVE, GTP-U and Teredo.
    let kind = match (outer.protocol, outer.dst_port) {
        (4 | 41, _) => TunnelType::Ipip,
        (47, _) => TunnelType::Gre,
        (97, _) => TunnelType::Etherip,
        (17, 4789 | 8472) => TunnelType::Vxlan,
        (17, 6081) => TunnelType::Geneve,
        (17, 2152) => TunnelType::Gtpu,
        (17, 3544) => TunnelType::Teredo,
        _ => return false,
    };
    if row.groups.has(Groups::TUNNEL) {
        return false;
    }
    aside.tunnel = Tunnel { src: outer.src_ip, dst: outer.dst_ip, kind, id: aside.tunnel.id };
    row.groups.add(Groups::TUNNEL);
    true
}

fn add_tags(tags: &[u16], row: &mut Row, kept: &mut Kept<'_>) {
    row.groups.add(Groups::VLANS);
    kept.lists.vlans.add(kept.row, tags.iter().copied());
}

fn add_labels(labels: impl Iterator<Item = u32>, row: &mut Row, kept: &mut Kept<'_>) {
    row.groups.add(Groups::MPLS);
    kept.lists.labels.add(kept.row, labels);
}

/// A VLAN that can be: 0 is not known, 4095 is reserved, and more has no room in a tag.
fn vlan_id(vlan: u32) -> Option<u16> {
    u16::try_from(vlan).ok().filter(|vlan| (1..=4094).contains(vlan))
}

/// The lower 16 bits of a field that has no more.
const fn low(value: u32) -> u16 {
    (value & 0xffff) as u16
}

/// A time of the agent's that is further from that of reception is not believed: a day.
const BELIEVED_NS: u64 = 86_400_000_000_000;
