// SPDX-License-Identifier: Apache-2.0
//! Flow records: what is known of one packet. The router's view of its route is in `gateway`.
//!
//! Those that fill columns have a type here; all others are handed on as octets. A record that is longer than its
//! format is read as far as the format goes.

use super::xdr::{Numbers, Xdr, mapped, put_address, put_mac, put_numbers, put_opaque, put_u32};
use super::{ExtendedGateway, Record};
use crate::Malformed;

/// What one flow record holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FlowRecord<'a> {
    /// The packet's first octets (format 1).
    SampledHeader(SampledHeader<'a>),
    /// Its Ethernet header in fields (2).
    SampledEthernet(SampledEthernet),
    /// Its IPv4 or IPv6 header in fields (3, 4).
    SampledIp(SampledIp),
    /// VLANs that it was bridged between (1001).
    ExtendedSwitch(ExtendedSwitch),
    /// The route that it took (1002).
    ExtendedRouter(ExtendedRouter),
    /// What BGP says of that route (1003).
    ExtendedGateway(ExtendedGateway<'a>),
    /// Label stacks (1006).
    ExtendedMpls(ExtendedMpls<'a>),
    /// Addresses after translation (1007).
    ExtendedNat(ExtendedNat),
    /// VLAN tags that were taken off before sampling (1012): TPID << 16 | TCI, outermost first.
    ExtendedVlantunnel(Numbers<'a>),
    /// Ports after translation (1020).
    ExtendedNatPort(ExtendedNatPort),
    /// The outer IP header that was taken off or will be put on (1023 to 1026).
    Tunnel(Side, SampledIp),
    /// The virtual network that the packet came from or goes to (1029, 1030).
    Vni(Side, u32),
    /// Name of the function that dropped it (1038).
    Function(&'a [u8]),
    /// The trap by which the hardware reported it (1041).
    HwTrap(HwTrap<'a>),
    /// Why Linux dropped it (1042).
    LinuxDropReason(&'a [u8]),
    /// Nanoseconds since 1970 at which it was sampled (1043).
    Timestamp(u64),
    /// Any other.
    Unknown(Record<'a>),
}

/// The numbers that say what the first octet of a [`SampledHeader`] is.
pub mod header_protocol {
    /// An Ethernet header.
    pub const ETHERNET: u32 = 1;
    /// A PPP header.
    pub const PPP: u32 = 7;
    /// An IPv4 header.
    pub const IPV4: u32 = 11;
    /// An IPv6 header.
    pub const IPV6: u32 = 12;
    /// An MPLS label stack.
    pub const MPLS: u32 = 13;
}

/// The first octets of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SampledHeader<'a> {
    /// What the first octet is; see [`header_protocol`].
    pub protocol: u32,
    /// Octets that the frame had on the wire, check sequence included.
    pub frame_length: u32,
    /// Octets of these that were taken off before or behind what is sampled.
    pub stripped: u32,
    /// The octets.
    pub header: &'a [u8],
}

/// An Ethernet header in fields.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SampledEthernet {
    /// Octets of the frame.
    pub length: u32,
    /// Source address.
    pub src_mac: [u8; 6],
    /// Destination address.
    pub dst_mac: [u8; 6],
    /// Type of its payload.
    pub ethertype: u32,
}

/// An IP header, and what follows it, in fields.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SampledIp {
    /// 4 or 6.
    pub ip_version: u8,
    /// Octets of the IP packet.
    pub length: u32,
    /// IP protocol number.
    pub protocol: u32,
    /// Source address; IPv4 mapped.
    pub src_ip: [u8; 16],
    /// Destination address; IPv4 mapped.
    pub dst_ip: [u8; 16],
    /// Source port, where the protocol has ports.
    pub src_port: u32,
    /// Destination port, where the protocol has ports.
    pub dst_port: u32,
    /// TCP flags.
    pub tcp_flags: u32,
    /// Type of service, or for IPv6 the traffic class.
    pub tos: u32,
}

/// VLANs of a bridged packet; VLAN 0 is not known.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ExtendedSwitch {
    /// VLAN that it came in by.
    pub src_vlan: u32,
    /// Its 802.1p priority there.
    pub src_priority: u32,
    /// VLAN that it left by.
    pub dst_vlan: u32,
    /// Its 802.1p priority there.
    pub dst_priority: u32,
}

/// The route of a packet.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ExtendedRouter {
    /// The next router; IPv4 mapped.
    pub nexthop: Option<[u8; 16]>,
    /// Bits of the source's prefix.
    pub src_mask: u32,
    /// Bits of the destination's prefix.
    pub dst_mask: u32,
}

/// Label stacks of a packet, top first: entries as RFC 3032 section 2.1 has them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ExtendedMpls<'a> {
    /// The next router; IPv4 mapped.
    pub nexthop: Option<[u8; 16]>,
    /// The stack that it came with.
    pub in_stack: Numbers<'a>,
    /// The stack that it left with.
    pub out_stack: Numbers<'a>,
}

/// Addresses of a packet after translation.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ExtendedNat {
    /// Source address.
    pub src_address: Option<[u8; 16]>,
    /// Destination address.
    pub dst_address: Option<[u8; 16]>,
}

/// Ports of a packet after translation.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ExtendedNatPort {
    /// Source port.
    pub src_port: u32,
    /// Destination port.
    pub dst_port: u32,
}

/// On which side of the device something is so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
    /// As the packet leaves.
    Egress,
    /// As it came.
    Ingress,
}

/// How hardware reported a drop.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct HwTrap<'a> {
    /// Group of the trap.
    pub group: &'a [u8],
    /// The trap.
    pub trap: &'a [u8],
}

impl<'a> FlowRecord<'a> {
    /// What the record holds.
    ///
    /// # Errors
    ///
    /// [`Malformed::SampleCut`] if it is shorter than its format, [`Malformed::SampleField`] if an address is of a
    /// type that is not known or a list is longer than any that is believed.
    pub fn read(record: Record<'a>) -> Result<Self, Malformed> {
        let mut xdr = Xdr::new(record.octets);
        let xdr = &mut xdr;
        if record.enterprise != 0 {
            return Ok(Self::Unknown(record));
        }
        Ok(match record.format {
            SAMPLED_HEADER => Self::SampledHeader(record.sampled_header()?),
            SAMPLED_ETHERNET => Self::SampledEthernet(SampledEthernet::read(xdr)?),
            SAMPLED_IPV4 => Self::SampledIp(SampledIp::read_v4(xdr)?),
            SAMPLED_IPV6 => Self::SampledIp(SampledIp::read_v6(xdr)?),
            EXTENDED_SWITCH => Self::ExtendedSwitch(record.extended_switch()?),
            EXTENDED_ROUTER => Self::ExtendedRouter(record.extended_router()?),
            EXTENDED_GATEWAY => Self::ExtendedGateway(record.extended_gateway()?),
            _ => Self::read_rare(record, xdr)?,
        })
    }

    fn read_rare(record: Record<'a>, xdr: &mut Xdr<'a>) -> Result<Self, Malformed> {
        Ok(match record.format {
            1006 => Self::ExtendedMpls(ExtendedMpls {
                nexthop: xdr.address()?,
                in_stack: xdr.numbers(MAX_STACK)?,
                out_stack: xdr.numbers(MAX_STACK)?,
            }),
            1007 => Self::ExtendedNat(ExtendedNat {
                src_address: xdr.address()?,
                dst_address: xdr.address()?,
            }),
            1012 => Self::ExtendedVlantunnel(xdr.numbers(MAX_STACK)?),
            1020 => Self::ExtendedNatPort(ExtendedNatPort {
                src_port: xdr.u32()?,
                dst_port: xdr.u32()?,
            }),
            1023 => Self::Tunnel(Side::Egress, SampledIp::read_v4(xdr)?),
            1024 => Self::Tunnel(Side::Ingress, SampledIp::read_v4(xdr)?),
            1025 => Self::Tunnel(Side::Egress, SampledIp::read_v6(xdr)?),
            1026 => Self::Tunnel(Side::Ingress, SampledIp::read_v6(xdr)?),
            1029 => Self::Vni(Side::Egress, xdr.u32()?),
            1030 => Self::Vni(Side::Ingress, xdr.u32()?),
            1038 => Self::Function(xdr.opaque()?),
            1041 => Self::HwTrap(HwTrap { group: xdr.opaque()?, trap: xdr.opaque()? }),
            1042 => Self::LinuxDropReason(xdr.opaque()?),
            1043 => Self::Timestamp(xdr.u64()?),
            _ => Self::Unknown(record),
        })
    }
}

/// The records that nearly every sample has, for those who know which they have.
impl<'a> Record<'a> {
    /// As the packet's first octets ([`SAMPLED_HEADER`]).
    ///
    /// # Errors
    ///
    /// As of [`FlowRecord::read`].
    #[inline]
    pub fn sampled_header(self) -> Result<SampledHeader<'a>, Malformed> {
        SampledHeader::read(&mut Xdr::new(self.octets))
    }

    /// As the VLANs of a bridged packet ([`EXTENDED_SWITCH`]).
    ///
    /// # Errors
    ///
    /// As of [`FlowRecord::read`].
    #[inline]
    pub fn extended_switch(self) -> Result<ExtendedSwitch, Malformed> {
        ExtendedSwitch::read(&mut Xdr::new(self.octets))
    }

    /// As the route of a packet ([`EXTENDED_ROUTER`]).
    ///
    /// # Errors
    ///
    /// As of [`FlowRecord::read`].
    #[inline]
    pub fn extended_router(self) -> Result<ExtendedRouter, Malformed> {
        ExtendedRouter::read(&mut Xdr::new(self.octets))
    }

    /// As what BGP says of that route ([`EXTENDED_GATEWAY`]).
    ///
    /// # Errors
    ///
    /// As of [`FlowRecord::read`].
    #[inline]
    pub fn extended_gateway(self) -> Result<ExtendedGateway<'a>, Malformed> {
        ExtendedGateway::read(&mut Xdr::new(self.octets))
    }
}

impl<'a> SampledHeader<'a> {
    #[inline]
    fn read(xdr: &mut Xdr<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            protocol: xdr.u32()?,
            frame_length: xdr.u32()?,
            stripped: xdr.u32()?,
            header: xdr.opaque()?,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_u32(out, self.protocol);
        put_u32(out, self.frame_length);
        put_u32(out, self.stripped);
        put_opaque(out, self.header);
    }
}

impl SampledEthernet {
    fn read(xdr: &mut Xdr<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            length: xdr.u32()?,
            src_mac: xdr.mac()?,
            dst_mac: xdr.mac()?,
            ethertype: xdr.u32()?,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_u32(out, self.length);
        put_mac(out, self.src_mac);
        put_mac(out, self.dst_mac);
        put_u32(out, self.ethertype);
    }
}

impl SampledIp {
    fn read_v4(xdr: &mut Xdr<'_>) -> Result<Self, Malformed> {
        let (length, protocol) = (xdr.u32()?, xdr.u32()?);
        let (src_ip, dst_ip) = (mapped(xdr.array()?), mapped(xdr.array()?));
        Self { ip_version: 4, length, protocol, src_ip, dst_ip, ..Self::default() }.read_ends(xdr)
    }

    fn read_v6(xdr: &mut Xdr<'_>) -> Result<Self, Malformed> {
        let (length, protocol) = (xdr.u32()?, xdr.u32()?);
        let (src_ip, dst_ip) = (xdr.array()?, xdr.array()?);
        Self { ip_version: 6, length, protocol, src_ip, dst_ip, ..Self::default() }.read_ends(xdr)
    }

    fn read_ends(self, xdr: &mut Xdr<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            src_port: xdr.u32()?,
            dst_port: xdr.u32()?,
            tcp_flags: xdr.u32()?,
            tos: xdr.u32()?,
            ..self
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_u32(out, self.length);
        put_u32(out, self.protocol);
        for address in [&self.src_ip, &self.dst_ip] {
            let from = if self.ip_version == 4 { 12 } else { 0 };
            out.extend_from_slice(address.get(from..).unwrap_or_default());
        }
        put_u32(out, self.src_port);
        put_u32(out, self.dst_port);
        put_u32(out, self.tcp_flags);
        put_u32(out, self.tos);
    }

    /// The format of its version: [`SAMPLED_IPV4`] or [`SAMPLED_IPV6`].
    pub(super) const fn format(&self) -> u32 {
        if self.ip_version == 4 { SAMPLED_IPV4 } else { SAMPLED_IPV6 }
    }
}

impl ExtendedSwitch {
    #[inline]
    fn read(xdr: &mut Xdr<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            src_vlan: xdr.u32()?,
            src_priority: xdr.u32()?,
            dst_vlan: xdr.u32()?,
            dst_priority: xdr.u32()?,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_u32(out, self.src_vlan);
        put_u32(out, self.src_priority);
        put_u32(out, self.dst_vlan);
        put_u32(out, self.dst_priority);
    }
}

impl ExtendedRouter {
    #[inline]
    fn read(xdr: &mut Xdr<'_>) -> Result<Self, Malformed> {
        Ok(Self { nexthop: xdr.address()?, src_mask: xdr.u32()?, dst_mask: xdr.u32()? })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_address(out, self.nexthop);
        put_u32(out, self.src_mask);
        put_u32(out, self.dst_mask);
    }
}

impl ExtendedMpls<'_> {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_address(out, self.nexthop);
        put_numbers(out, self.in_stack.iter());
        put_numbers(out, self.out_stack.iter());
    }
}

impl ExtendedNat {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_address(out, self.src_address);
        put_address(out, self.dst_address);
    }
}

/// Format of a [`SampledHeader`].
pub const SAMPLED_HEADER: u32 = 1;
pub(super) const SAMPLED_ETHERNET: u32 = 2;
pub(super) const SAMPLED_IPV4: u32 = 3;
pub(super) const SAMPLED_IPV6: u32 = 4;
/// Format of an [`ExtendedSwitch`].
pub const EXTENDED_SWITCH: u32 = 1001;
/// Format of an [`ExtendedRouter`].
pub const EXTENDED_ROUTER: u32 = 1002;
/// Format of an [`ExtendedGateway`].
pub const EXTENDED_GATEWAY: u32 = 1003;

/// Labels or tags of one stack beyond which it is not believed.
const MAX_STACK: usize = 1000;

#[cfg(test)]
mod tests {
    use super::super::xdr::put_u64;
    use super::*;

    fn record(format: u32, octets: &[u8]) -> Record<'_> {
        Record { enterprise: 0, format, octets }
    }

    fn v4() -> SampledIp {
        SampledIp {
            ip_version: 4,
            length: 60,
            protocol: 6,
            src_ip: mapped([192, 0, 2, 1]),
            dst_ip: mapped([198, 51, 100, 2]),
            src_port: 49152,
            dst_port: 443,
            tcp_flags: 0x18,
            tos: 0xb8,
        }
    }

    /// A record of every format with a type, and what it should be read as.
    fn samples() -> Vec<(u32, Vec<u8>, &'static str)> {
        let mut all = Vec::new();
        let mut add = |format: u32, variant: &'static str, write: &dyn Fn(&mut Vec<u8>)| {
            let mut octets = Vec::new();
            write(&mut octets);
            all.push((format, octets, variant));
        };
        let v6 = SampledIp { ip_version: 6, src_ip: [1; 16], dst_ip: [2; 16], ..v4() };
        let header = SampledHeader { protocol: 1, frame_length: 64, stripped: 4, header: &[7; 60] };
        let hop = Some(mapped([203, 0, 113, 1]));
        add(1, "SampledHeader", &|out| header.write(out));
        add(2, "SampledEthernet", &|out| SampledEthernet::default().write(out));
        add(3, "SampledIp", &|out| v4().write(out));
        add(4, "SampledIp", &|out| v6.write(out));
        add(1001, "ExtendedSwitch", &|out| ExtendedSwitch::default().write(out));
        let router = ExtendedRouter { nexthop: hop, src_mask: 24, dst_mask: 16 };
        add(1002, "ExtendedRouter", &|out| router.write(out));
        add(1006, "ExtendedMpls", &|out| {
            put_address(out, hop);
            put_numbers(out, [0x0001_0040].into_iter());
            put_numbers(out, [0x0002_0040, 0x0003_0140].into_iter());
        });
        let nat = ExtendedNat { src_address: hop, dst_address: Some([3; 16]) };
        add(1007, "ExtendedNat", &|out| nat.write(out));
        add(1012, "ExtendedVlantunnel", &|out| put_numbers(out, [0x8100_0007].into_iter()));
        add(1020, "ExtendedNatPort", &|out| put_u64(out, 5 << 32 | 6));
        add(1024, "Tunnel(Ingress", &|out| v4().write(out));
        add(1025, "Tunnel(Egress", &|out| v6.write(out));
        add(1030, "Vni(Ingress", &|out| put_u32(out, 77));
        add(1038, "Function", &|out| put_opaque(out, b"ip_rcv"));
        add(1041, "HwTrap", &|out| {
            put_opaque(out, b"l3_drops");
            put_opaque(out, b"ttl");
        });
        add(1042, "LinuxDropReason", &|out| put_opaque(out, b"NO_SOCKET"));
        add(1043, "Timestamp", &|out| put_u64(out, 1 << 60));
        all
    }

    #[test]
    fn every_format_is_read_as_what_it_is_and_every_cut_of_it_is_an_error() {
        for (format, octets, variant) in samples() {
            let read = format!("{:?}", FlowRecord::read(record(format, &octets)).unwrap());
            assert!(read.starts_with(variant), "{format}: {read}");
            let padding = octets.iter().rev().take_while(|octet| **octet == 0).count().min(3);
            for cut in 0..octets.len() - padding {
                assert!(
                    FlowRecord::read(record(format, &octets[..cut])).is_err(),
                    "{format} {cut}"
                );
            }
            let mut longer = octets.clone();
            longer.extend([9; 8]);
            let longer = FlowRecord::read(record(format, &longer)).unwrap();
            assert_eq!(format!("{longer:?}"), read);
        }
    }

    #[test]
    fn headers_in_fields_come_back_as_they_were_written() {
        for ip in [v4(), SampledIp { ip_version: 6, src_ip: [1; 16], dst_ip: [2; 16], ..v4() }] {
            let mut octets = Vec::new();
            ip.write(&mut octets);
            assert_eq!(octets.len(), if ip.ip_version == 4 { 32 } else { 56 });
            let read = FlowRecord::read(record(ip.format(), &octets));
            assert_eq!(read, Ok(FlowRecord::SampledIp(ip)));
        }
    }

    #[test]
    fn formats_without_a_type_and_those_of_others_are_handed_on() {
        let user = record(1004, &[0; 16]);
        assert_eq!(FlowRecord::read(user), Ok(FlowRecord::Unknown(user)));
        let foreign = Record { enterprise: 9, format: 1, octets: &[] };
        assert_eq!(FlowRecord::read(foreign), Ok(FlowRecord::Unknown(foreign)));
    }
}
