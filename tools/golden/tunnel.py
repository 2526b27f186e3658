# SPDX-License-Identifier: Apache-2.0
"""Tunnel headers. Each function gives the octets between the outer and the inner packet."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

from golden.net import checksum

GRE_CHECKSUM, GRE_ROUTING, GRE_KEY, GRE_SEQUENCE, GRE_ACKNOWLEDGMENT = (
    0x8000,
    0x4000,
    0x2000,
    0x1000,
    0x80,
)

PORT_VXLAN, PORT_VXLAN_LINUX, PORT_VXLAN_GPE = 4789, 8472, 4790
PORT_GENEVE, PORT_GTPU, PORT_TEREDO = 6081, 2152, 3544


def gre(
    protocol: int,
    payload: bytes,
    *,
    with_checksum: bool = False,
    routing: bytes | None = None,
    key: int | None = None,
    sequence: int | None = None,
) -> bytes:
    """RFC 2784 and 2890, with RFC 1701's routing entries if they are given."""
    flags, optional = 0, b""
    if with_checksum:
        flags |= GRE_CHECKSUM
    if routing is not None:
        flags |= GRE_ROUTING
    if key is not None:
        flags |= GRE_KEY
        optional += struct.pack(">I", key)
    if sequence is not None:
        flags |= GRE_SEQUENCE
        optional += struct.pack(">I", sequence)
    head = struct.pack(">HH", flags, protocol)
    tail = optional + (routing or b"") + payload
    if flags & (GRE_CHECKSUM | GRE_ROUTING):
        sum_ = checksum(head + bytes(4) + tail) if with_checksum else 0
        head += struct.pack(">HH", sum_, 0)
    return head + tail


def source_route(address: bytes) -> bytes:
    """One IP source route entry and the entry that ends the list (RFC 1701, 2)."""
    return struct.pack(">HBB", 0x0800, 0, len(address)) + address + bytes(4)


def gre_pptp(
    payload: bytes, call: int, *, sequence: int | None, acknowledgment: int | None
) -> bytes:
    """Enhanced GRE around a PPP frame (RFC 2637, 4.1)."""
    flags, tail = GRE_KEY | 1, b""
    if sequence is not None:
        flags |= GRE_SEQUENCE
        tail += struct.pack(">I", sequence)
    if acknowledgment is not None:
        flags |= GRE_ACKNOWLEDGMENT
        tail += struct.pack(">I", acknowledgment)
    return struct.pack(">HHHH", flags, 0x880B, len(payload), call) + tail + payload


def nvgre(vsid: int, flow: int, frame: bytes) -> bytes:
    """RFC 7637, 3.2."""
    return gre(0x6558, frame, key=vsid << 8 | flow)


def vxlan(vni: int, frame: bytes, *, flags: int = 0x08) -> bytes:
    """RFC 7348, 5."""
    return struct.pack(">BBHI", flags, 0, 0, vni << 8) + frame


def vxlan_gpe(vni: int, next_protocol: int, payload: bytes) -> bytes:
    """draft-ietf-nvo3-vxlan-gpe, 3.1: 1 is IPv4, 2 IPv6, 3 Ethernet."""
    return struct.pack(">BBBBI", 0x0C, 0, 0, next_protocol, vni << 8) + payload


def geneve(vni: int, protocol: int, payload: bytes, options: bytes = b"") -> bytes:
    """RFC 8926, 3.4."""
    return struct.pack(">BBHI", len(options) // 4, 0, protocol, vni << 8) + options + payload


def geneve_option(data: bytes) -> bytes:
    """One option of the experimental class (RFC 8926, 3.5)."""
    return struct.pack(">HBB", 0xFFFF, 0x01, len(data) // 4) + data


def gtpu(
    teid: int,
    payload: bytes,
    *,
    message: int = 255,
    sequence: int | None = None,
    extensions: bytes = b"",
    first_extension: int = 0,
) -> bytes:
    """3GPP TS 29.281, 5.1. `extensions` is the chain whose first type is `first_extension`."""
    flags, optional = 0x30, b""
    if sequence is not None:
        flags |= 0x02
    if first_extension:
        flags |= 0x04
    if flags & 0x07:
        optional = struct.pack(">HBB", sequence or 0, 0, first_extension) + extensions
    length = len(optional) + len(payload)
    return struct.pack(">BBHI", flags, message, length, teid) + optional + payload


def erspan_i(frame: bytes) -> bytes:
    """Type I: GRE without a sequence number and nothing of its own."""
    return gre(0x88BE, frame)


def erspan_ii(session: int, vlan: int, sequence: int, frame: bytes) -> bytes:
    """Type II (draft-foschiano-erspan, 4.2)."""
    head = struct.pack(">HHI", 1 << 12 | vlan, 3 << 11 | session, 7)
    return gre(0x88BE, head + frame, sequence=sequence)


def erspan_iii(session: int, vlan: int, sequence: int, frame: bytes, *, platform: bool) -> bytes:
    """Type III (draft-foschiano-erspan, 4.3), with a platform header if wanted."""
    head = struct.pack(">HHI", 2 << 12 | vlan, session, 123_456)
    head += struct.pack(">HH", 0, 0x0008 | platform)
    if platform:
        head += struct.pack(">II", 3 << 26 | 5, 9)
    return gre(0x22EB, head + frame, sequence=sequence)


def etherip(frame: bytes) -> bytes:
    """RFC 3378, 3."""
    return b"\x30\x00" + frame


def teredo_authentication() -> bytes:
    """RFC 4380, 5.1.1, with neither client identifier nor value."""
    return struct.pack(">BBBB", 0, 1, 0, 0) + bytes(range(8)) + b"\0"


def teredo_origin(port: int, address: str) -> bytes:
    """RFC 4380, 5.1.1: port and address are sent with every bit turned."""
    turned = int(IPv4Address(address)) ^ 0xFFFFFFFF
    return struct.pack(">BBHI", 0, 0, port ^ 0xFFFF, turned)
