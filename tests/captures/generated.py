# SPDX-License-Identifier: Apache-2.0
"""Captures too large to be kept, written where a test wants them.

Each function writes one pcap with nanosecond times and returns what is in it. The same
arguments give the same octets. Headers are packed here rather than by ``golden``, whose
builders compute checksums that nobody looks at and are too slow for a hundred thousand packets.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

START_NS = 1_700_000_000_000_000_000
NS_PER_S = 1_000_000_000
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

MACS = bytes.fromhex("02000000000b02000000000a")
CLIENTS, SERVERS = 0xC0000200, 0xC6336400
"""192.0.2.0 and 198.51.100.0"""

Sent = tuple[int, bytes]
"""Nanoseconds since the start of the capture, and the frame."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a generated capture holds."""

    path: Path
    packets: int
    octets: int
    """Octets of the IP packets."""

    frame_octets: int
    flows: int
    """Flows there are by how it was made; pieces cut by a timeout not counted."""


def tcp_connections(path: Path, connections: int = 10_000, seed: int = 1) -> Written:
    """Whole connections that overlap, each FIN both ways or RST, some FIN and ACK repeated."""
    chance = random.Random(seed)
    sent: list[Sent] = []
    for at in range(connections):
        sent += _connection(at, at * 500_000, chance)
    sent.sort(key=lambda one: one[0])
    return _written(path, sent, connections)


def reused_ports(path: Path, connections: int = 2_000, seed: int = 2) -> Written:
    """Connections between the same four ports, each beginning soon after the one before it ended."""
    chance = random.Random(seed)
    sent: list[Sent] = []
    for at in range(connections):
        sent += _connection(at % 4, at * 100_000_000, chance, repeats=False)
    return _written(path, sent, connections)


def datagrams(path: Path, flows: int = 20_000, packets: int = 100_000, seed: int = 3) -> Written:
    """UDP flows of random sizes within ten seconds: more at a time than a small bound allows."""
    chance = random.Random(seed)
    sizes = [chance.randrange(1400) for _ in range(packets)]
    sent = [
        (
            at * (10 * NS_PER_S // packets),
            _udp(chance.randrange(flows) if at >= flows else at, size),
        )
        for at, size in enumerate(sizes)
    ]
    return _written(path, sent, flows)


def random_fragments(path: Path, datagrams: int = 2_000, seed: int = 4) -> Written:
    """Datagrams in two to nine fragments, in random order, many at a time, some incomplete."""
    chance = random.Random(seed)
    sent: list[Sent] = []
    for at in range(datagrams):
        fragments = list(_fragments(at, chance.randrange(2, 10)))
        chance.shuffle(fragments)
        if chance.random() < 0.1:
            fragments.pop()
        begin = at * 1_000_000
        sent += [(begin + chance.randrange(20_000_000), fragment) for fragment in fragments]
    sent.sort(key=lambda one: one[0])
    return _written(path, sent, datagrams)


def tunnelled(path: Path, flows: int = 5_000, packets: int = 30_000, seed: int = 5) -> Written:
    """VXLAN of several networks between several pairs of hosts, around the same inner flows."""
    chance = random.Random(seed)
    sent: list[Sent] = []
    for at in range(packets):
        flow = at if at < flows else chance.randrange(flows)
        inner = _udp(flow // 4, chance.randrange(200))
        carrier = struct.pack(">II", 0x08000000, (flow % 2) << 8) + inner
        outer_src, outer_dst = 0xCB007101, 0xCB007110 + flow // 2 % 2
        datagram = struct.pack(">HHHH", 50_000, 4789, 8 + len(carrier), 0) + carrier
        sent.append((at * 200_000, MACS + b"\x08\0" + _ipv4(outer_src, outer_dst, 17, datagram)))
    return _written(path, sent, flows)


def restless_clock(path: Path, packets: int = 50_000, seed: int = 6) -> Written:
    """Times that jump back and forth by up to a minute while they drift on for ten minutes."""
    chance = random.Random(seed)
    sent: list[Sent] = []
    for at in range(packets):
        jump = chance.randrange(-60, 60) if chance.random() < 0.02 else 0
        when = max(0, at * 600 * NS_PER_S // packets + jump * NS_PER_S)
        sent.append((when, _udp(chance.randrange(500), chance.randrange(100))))
    return _written(path, sent, 500)


def noise(path: Path, packets: int = 20_000, seed: int = 7) -> Written:
    """Octets by chance behind an Ethernet header, and good datagrams with octets changed."""
    chance = random.Random(seed)
    sent: list[Sent] = []
    for at in range(packets):
        if at % 2:
            ethertype = chance.choice((0x0800, 0x86DD, 0x8100, 0x8847, 0x8864))
            frame = MACS + struct.pack(">H", ethertype) + chance.randbytes(chance.randrange(120))
        else:
            damaged = bytearray(_udp(chance.randrange(100), chance.randrange(60)))
            damaged[chance.randrange(14, len(damaged))] = chance.randrange(256)
            frame = bytes(damaged)
        sent.append((at * 1_000, frame))
    return _written(path, sent, 0)


def _connection(
    number: int, begin_ns: int, chance: random.Random, *, repeats: bool = True
) -> Iterator[Sent]:
    step_ns = 200_000
    data = chance.randrange(1, 6)
    steps = [(False, SYN, 0), (True, SYN | ACK, 0), (False, ACK, 0)]
    steps += [(chance.random() < 0.6, PSH | ACK, chance.randrange(1, 1400)) for _ in range(data)]
    if chance.random() < 0.8:
        steps += [(False, FIN | ACK, 0), (True, FIN | ACK, 0), (False, ACK, 0)]
        if repeats and chance.random() < 0.3:
            steps += [(True, FIN | ACK, 0), (False, ACK, 0)]
    else:
        steps.append((chance.random() < 0.5, RST | ACK, 0))
    for at, (back, flags, size) in enumerate(steps):
        yield begin_ns + at * step_ns, _tcp(number, flags, size, back=back)


def _tcp(number: int, flags: int, size: int, *, back: bool) -> bytes:
    src, dst = CLIENTS + number % 200, SERVERS + number // 200 % 200
    src_port, dst_port = 1024 + number // 40_000 + number % 50_000, 443
    if back:
        src, dst, src_port, dst_port = dst, src, dst_port, src_port
    head = struct.pack(">HHIIHHHH", src_port, dst_port, 1, 1, 0x5000 | flags, 0xFFFF, 0, 0)
    return MACS + b"\x08\0" + _ipv4(src, dst, 6, head + bytes(size))


def _udp(flow: int, size: int) -> bytes:
    src, dst = CLIENTS + flow % 250, SERVERS + flow // 250 % 250
    head = struct.pack(">HHHH", 1024 + flow // 62_500, 5000, 8 + size, 0)
    return MACS + b"\x08\0" + _ipv4(src, dst, 17, head + bytes(size))


def _fragments(number: int, count: int) -> Iterator[bytes]:
    size = 240
    whole = struct.pack(">HHHH", 1024 + number, 5000, size * count, 0) + bytes(size * count - 8)
    src, dst = CLIENTS + number % 4, SERVERS + 1
    for at in range(count):
        more = 0x2000 if at + 1 < count else 0
        piece = whole[at * size : (at + 1) * size]
        word = more | at * size // 8
        yield MACS + b"\x08\0" + _ipv4(src, dst, 17, piece, word, number & 0xFFFF)


def _ipv4(
    src: int, dst: int, protocol: int, payload: bytes, fragment: int = 0, identification: int = 0
) -> bytes:
    length = 20 + len(payload)
    fields = (0x45, 0, length, identification, fragment, 64, protocol, 0, src, dst)
    return struct.pack(">BBHHHBBHII", *fields) + payload


def _written(path: Path, sent: Iterable[Sent], flows: int) -> Written:
    packets = octets = frame_octets = 0
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 1))
        for at_ns, frame in sent:
            seconds, rest_ns = divmod(START_NS + at_ns, NS_PER_S)
            out.write(struct.pack("<IIII", seconds, rest_ns, len(frame), len(frame)) + frame)
            packets += 1
            octets += len(frame) - 14
            frame_octets += len(frame)
    return Written(path, packets, octets, frame_octets, flows)
