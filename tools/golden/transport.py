# SPDX-License-Identifier: Apache-2.0
"""Transport headers: TCP, UDP and its light kind, SCTP, DCCP, ICMP, ICMPv6, IGMP."""

from __future__ import annotations

import struct

from golden import net
from golden.net import Ends, checksum, pseudo_checksum

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128


def tcp(
    between: Ends,
    src_port: int,
    dst_port: int,
    payload: bytes = b"",
    *,
    flags: int = ACK,
    seq: int = 1000,
    ack: int = 2000,
    options: bytes = b"",
    data_offset: int | None = None,
) -> bytes:
    """RFC 9293, 3.1. `data_offset` is in words, as it stands in the header."""
    options += bytes(-len(options) % 4)
    if data_offset is None:
        data_offset = 5 + len(options) // 4
    word = data_offset << 12 | flags
    ports = (src_port, dst_port, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF)
    head = struct.pack(">HHIIHH", *ports, word, 0xFFFF)
    rest = b"\0\0" + options + payload
    sum_ = pseudo_checksum(between, net.TCP, head + b"\0\0" + rest)
    return head + struct.pack(">H", sum_) + rest


def udp(
    between: Ends, src_port: int, dst_port: int, payload: bytes = b"", *, length: int | None = None
) -> bytes:
    """RFC 768."""
    stated = 8 + len(payload) if length is None else length
    head = struct.pack(">HHH", src_port, dst_port, stated)
    sum_ = pseudo_checksum(between, net.UDP, head + b"\0\0" + payload) or 0xFFFF
    return head + struct.pack(">H", sum_) + payload


def udplite(between: Ends, src_port: int, dst_port: int, payload: bytes) -> bytes:
    """RFC 3828, 3.1, its checksum covering the header only."""
    head = struct.pack(">HHH", src_port, dst_port, 8)
    sum_ = pseudo_checksum(between, net.UDPLITE, head + b"\0\0" + payload, covered=8)
    return head + struct.pack(">H", sum_ or 0xFFFF) + payload


def sctp(src_port: int, dst_port: int, chunk_type: int, body: bytes) -> bytes:
    """RFC 9260, 3, with one chunk and a CRC32c."""
    chunk = struct.pack(">BBH", chunk_type, 3 if chunk_type == 0 else 0, 4 + len(body)) + body
    chunk += bytes(-len(chunk) % 4)
    head = struct.pack(">HHI", src_port, dst_port, 0x0102_0304)
    return head + struct.pack("<I", crc32c(head + bytes(4) + chunk)) + chunk


def sctp_init() -> bytes:
    """What an INIT chunk holds (RFC 9260, 3.3.2)."""
    return struct.pack(">IIHHI", 0x0A0B0C0D, 65_536, 1, 1, 1)


def sctp_data(payload: bytes) -> bytes:
    """What a DATA chunk holds (RFC 9260, 3.3.1)."""
    return struct.pack(">IHHI", 1, 0, 0, 0) + payload


def crc32c(octets: bytes) -> int:
    """The Castagnoli CRC, bit by bit."""
    crc = 0xFFFFFFFF
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def dccp(between: Ends, src_port: int, dst_port: int, kind: int, rest: bytes) -> bytes:
    """RFC 4340, 5.1, with 48-bit sequence numbers."""
    offset = (16 + len(rest)) // 4
    ports = struct.pack(">HHBB", src_port, dst_port, offset, 0)
    tail = struct.pack(">BBHI", kind << 1 | 1, 0, 0, 77) + rest
    sum_ = pseudo_checksum(between, net.DCCP, ports + b"\0\0" + tail)
    return ports + struct.pack(">H", sum_) + tail


def icmp(kind: int, code: int, rest: bytes) -> bytes:
    """RFC 792; `rest` is everything after the checksum."""
    sum_ = checksum(bytes([kind, code, 0, 0]) + rest)
    return struct.pack(">BBH", kind, code, sum_) + rest


def icmpv6(between: Ends, kind: int, code: int, rest: bytes) -> bytes:
    """RFC 4443, 2.1; `rest` is everything after the checksum."""
    sum_ = pseudo_checksum(between, net.ICMPV6, bytes([kind, code, 0, 0]) + rest)
    return struct.pack(">BBH", kind, code, sum_) + rest


def echo(identifier: int, sequence: int = 1, data: bytes = b"penstock") -> bytes:
    """What follows type, code and checksum in an echo message of either version."""
    return struct.pack(">HH", identifier, sequence) + data


def igmp(kind: int, group: bytes) -> bytes:
    """RFC 2236, 2."""
    return struct.pack(">BBH", kind, 0, checksum(bytes([kind, 0, 0, 0]) + group)) + group


def tcp_packet(
    between: Ends,
    src_port: int,
    dst_port: int,
    payload: bytes = b"",
    *,
    flags: int = ACK,
    seq: int = 1000,
    ack: int = 2000,
    options: bytes = b"",
) -> bytes:
    """A TCP segment in its IP packet."""
    segment = tcp(
        between, src_port, dst_port, payload, flags=flags, seq=seq, ack=ack, options=options
    )
    return net.ip(between, net.TCP, segment)


def udp_packet(between: Ends, src_port: int, dst_port: int, payload: bytes = b"") -> bytes:
    """A UDP datagram in its IP packet."""
    return net.ip(between, net.UDP, udp(between, src_port, dst_port, payload))
