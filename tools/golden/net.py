# SPDX-License-Identifier: Apache-2.0
"""IP headers of both versions and what may stand between them and a transport."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import NamedTuple

HOP_BY_HOP, ICMP, IGMP, IPV4, TCP, UDP, DCCP, IPV6 = 0, 1, 2, 4, 6, 17, 33, 41
ROUTING, FRAGMENT, GRE, ESP, AH, ICMPV6, NO_NEXT_HEADER, DESTINATION = (
    43,
    44,
    47,
    50,
    51,
    58,
    59,
    60,
)
ETHERIP, SCTP, MOBILITY, UDPLITE, HIP, SHIM6 = 97, 132, 135, 136, 139, 140

DONT_FRAGMENT = 0x4000
MORE_FRAGMENTS = 0x2000


class Ends(NamedTuple):
    """Source and destination address of a packet, packed."""

    src: bytes
    dst: bytes

    @property
    def back(self) -> Ends:
        return Ends(self.dst, self.src)

    @property
    def version(self) -> int:
        return 4 if len(self.src) == 4 else 6

    def way(self, back: bool) -> Ends:
        return self.back if back else self


def ends(src: str, dst: str) -> Ends:
    """The two addresses from their text."""
    return Ends(ip_address(src).packed, ip_address(dst).packed)


def checksum(octets: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(octets) % 2:
        octets += b"\0"
    total: int = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo_checksum(
    between: Ends, protocol: int, segment: bytes, covered: int | None = None
) -> int:
    """The checksum of a transport segment with its pseudo header (RFC 9293, 3.1; RFC 8200, 8.1)."""
    head = between.src + between.dst
    if between.version == 4:
        head += struct.pack(">BBH", 0, protocol, len(segment))
    else:
        head += struct.pack(">IHBB", len(segment), 0, 0, protocol)
    return checksum(head + (segment if covered is None else segment[:covered]))


def ip(between: Ends, protocol: int, payload: bytes) -> bytes:
    """An IP packet of the version that the addresses have."""
    return (ipv4 if between.version == 4 else ipv6)(between, protocol, payload)


def ipv4(
    between: Ends,
    protocol: int,
    payload: bytes,
    *,
    tos: int = 0,
    ttl: int = 64,
    identification: int = 0,
    fragment: int = 0,
    options: bytes = b"",
    total_length: int | None = None,
    first_octet: int | None = None,
) -> bytes:
    """RFC 791, 3.1. `fragment` is the word of flags and offset; `first_octet` version and IHL."""
    options += bytes(-len(options) % 4)
    if total_length is None:
        total_length = 20 + len(options) + len(payload)
    if first_octet is None:
        first_octet = 0x45 + len(options) // 4
    fields = (first_octet, tos, total_length, identification, fragment, ttl, protocol)
    head = struct.pack(">BBHHHBB", *fields)
    sum_ = checksum(head + b"\0\0" + between.src + between.dst + options)
    return head + struct.pack(">H", sum_) + between.src + between.dst + options + payload


def ipv6(
    between: Ends,
    protocol: int,
    payload: bytes,
    *,
    tos: int = 0,
    ttl: int = 64,
    flow_label: int = 0,
    payload_length: int | None = None,
) -> bytes:
    """RFC 8200, 3."""
    first = 6 << 28 | tos << 20 | flow_label
    length = len(payload) if payload_length is None else payload_length
    head = struct.pack(">IHBB", first, length, protocol, ttl)
    return head + between.src + between.dst + payload


def extension(next_header: int, data: bytes) -> bytes:
    """Any extension header of RFC 6564's form; `data` is filled up to a multiple of eight."""
    data += bytes(-(len(data) + 2) % 8)
    return bytes([next_header, (len(data) + 2) // 8 - 1]) + data


def options(next_header: int) -> bytes:
    """A hop-by-hop or destination options header that holds padding only."""
    return extension(next_header, b"\x01\x04" + bytes(4))


def jumbo_options(next_header: int, length: int) -> bytes:
    """A hop-by-hop options header with the jumbo payload option (RFC 2675, 2)."""
    return extension(next_header, b"\xc2\x04" + struct.pack(">I", length))


def routing(next_header: int, through: bytes) -> bytes:
    """A type 2 routing header that names one address (RFC 6275, 6.4)."""
    return extension(next_header, b"\x02\x00" + bytes(4) + through)


def fragment(next_header: int, offset_octets: int, more: bool, identification: int) -> bytes:
    """RFC 8200, 4.5."""
    word = offset_octets | more
    return struct.pack(">BBHI", next_header, 0, word, identification)


def authentication(next_header: int, sequence: int = 1) -> bytes:
    """RFC 4302, 2, with a check value of 12 octets."""
    return struct.pack(">BBHII", next_header, 4, 0, 0x0000_1001, sequence) + b"\xaa" * 12


def encapsulated_security(sequence: int = 1) -> bytes:
    """RFC 4303, 2: what an eavesdropper sees of it."""
    return struct.pack(">II", 0x0000_2002, sequence) + bytes(range(0x80, 0x80 + 40))
