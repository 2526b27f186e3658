// SPDX-License-Identifier: Apache-2.0
//! Protocol numbers with a meaning here, by IANA's keywords.

/// Internet Control Message Protocol (RFC 792).
pub const ICMP: u8 = 1;
/// IPv4 in IP (RFC 2003).
pub const IPV4: u8 = 4;
/// Transmission Control Protocol (RFC 9293).
pub const TCP: u8 = 6;
/// User Datagram Protocol (RFC 768).
pub const UDP: u8 = 17;
/// Datagram Congestion Control Protocol (RFC 4340).
pub const DCCP: u8 = 33;
/// IPv6 in IP (RFC 2473, RFC 4213).
pub const IPV6: u8 = 41;
/// Generic Routing Encapsulation (RFC 2784).
pub const GRE: u8 = 47;
/// Authentication Header (RFC 4302).
pub const AH: u8 = 51;
/// `ICMPv6` (RFC 4443).
pub const ICMPV6: u8 = 58;
/// Ethernet in IP (RFC 3378).
pub const ETHERIP: u8 = 97;
/// Stream Control Transmission Protocol (RFC 9260).
pub const SCTP: u8 = 132;
/// UDP with a checksum over a part (RFC 3828).
pub const UDP_LITE: u8 = 136;
