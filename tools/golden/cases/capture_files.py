# SPDX-License-Identifier: Apache-2.0
"""The same exchanges in every kind of capture file."""

from __future__ import annotations

import gzip
import struct

from golden import containers
from golden.case import Case, both_exchanges, carried
from golden.containers import (
    NS_PER_S,
    Frame,
    enhanced_packet,
    interface,
    obsolete_packet,
    pcap,
    pcapng,
    section,
    simple_packet,
)
from golden.link import ETHERNET, RAW, ethernet

BINARY_20, MILLISECONDS = 0x80 | 20, 3


def cases() -> list[Case]:
    return [*classic(), *next_generation(), *odd_ends()]


def frames() -> list[Frame]:
    return [
        Frame(frame.time_ns + 123_456 + at, frame.octets)
        for at, frame in enumerate(carried(both_exchanges(), _ethernet))
    ]


def classic() -> list[Case]:
    plain = pcap(frames(), ETHERNET)
    with_check_sequence = bytearray(pcap(_with_check_sequence(), ETHERNET))
    struct.pack_into("<I", with_check_sequence, 20, ETHERNET | 0x0400_0000 | 2 << 28)
    return [
        _file("file-us-le", "pcap, microseconds, little end first", plain),
        _file(
            "file-us-be", "pcap, microseconds, big end first", pcap(frames(), ETHERNET, order=">")
        ),
        _file(
            "file-ns-le",
            "pcap, nanoseconds, little end first",
            pcap(frames(), ETHERNET, nanoseconds=True),
        ),
        _file(
            "file-ns-be",
            "pcap, nanoseconds, big end first",
            pcap(frames(), ETHERNET, nanoseconds=True, order=">"),
        ),
        _file(
            "file-fcs-bits",
            "pcap whose link type says that frames end in a check sequence",
            bytes(with_check_sequence),
        ),
        _file(
            "file-us-le",
            "the first, compressed with gzip",
            gzip.compress(plain, mtime=0),
            ".pcap.gz",
        ),
    ]


def next_generation() -> list[Case]:
    return [
        _file("file-ng-le", "pcapng, little end first", pcapng(frames(), ETHERNET), ".pcapng"),
        _file(
            "file-ng-be", "pcapng, big end first", pcapng(frames(), ETHERNET, order=">"), ".pcapng"
        ),
        _file(
            "file-ng-sections",
            "two sections of different byte order and link type",
            sections(),
            ".pcapng",
        ),
        _file("file-ng-clocks", "four interfaces, each with its own clock", clocks(), ".pcapng"),
        _file(
            "file-ng-simple", "simple packets, cut at 64 octets, without times", simple(), ".pcapng"
        ),
        _file(
            "file-ng-unknown", "unknown blocks and options between packets", unknown(), ".pcapng"
        ),
        _file("file-ng-obsolete", "packet blocks of the first draft", obsolete(), ".pcapng"),
    ]


def odd_ends() -> list[Case]:
    whole, nothing = pcap(frames(), ETHERNET), pcap([], ETHERNET)
    blocks = pcapng(frames(), ETHERNET)
    return [
        _file("file-empty", "pcap without packets", nothing),
        _file("file-cut", "pcap cut within its last packet", whole[:-7]),
        _file("file-cut-header", "pcap cut within a packet's header", whole[:-60]),
        _file("file-ng-cut", "pcapng cut within its last packet", blocks[:-9], ".pcapng"),
    ]


def sections() -> bytes:
    first, second = frames()[:7], frames()[7:]
    parts = [section("<", [(4, b"made")]), interface("<", ETHERNET, resolution=9)]
    parts += [enhanced_packet("<", 0, frame.time_ns, frame.octets) for frame in first]
    parts += [section(">"), interface(">", RAW)]
    parts += [enhanced_packet(">", 0, frame.time_ns // 1000, frame.octets[14:]) for frame in second]
    return b"".join(parts)


def clocks() -> bytes:
    offset_s = 1_600_000_000
    parts = [
        section("<"),
        interface("<", ETHERNET, resolution=9),
        interface("<", ETHERNET, resolution=MILLISECONDS),
        interface("<", ETHERNET, resolution=BINARY_20),
        interface("<", RAW, offset_s=offset_s),
    ]
    for at, frame in enumerate(frames()):
        ticks = (
            frame.time_ns,
            frame.time_ns // 1_000_000,
            (frame.time_ns << 20) // NS_PER_S,
            (frame.time_ns - offset_s * NS_PER_S) // 1000,
        )[at % 4]
        octets = frame.octets[14:] if at % 4 == 3 else frame.octets
        parts.append(enhanced_packet("<", at % 4, ticks, octets))
    return b"".join(parts)


def simple() -> bytes:
    snap_octets = 64
    parts = [section("<"), interface("<", ETHERNET, snap_octets=snap_octets)]
    for frame in frames():
        longer = frame.octets + bytes(40)
        parts.append(simple_packet("<", longer[:snap_octets], len(longer)))
    return b"".join(parts)


def unknown() -> bytes:
    known = frames()
    strange = containers.block("<", 0x7ABC, b"a block of a kind that nobody knows")
    names = containers.block("<", 4, struct.pack("<HH4sxxxxHH", 1, 8, bytes(4), 0, 0))
    custom = containers.block("<", 0x40000BAD, struct.pack("<I", 32473) + b"custom")
    statistics = containers.block("<", 5, struct.pack("<III", 0, 0, 0))
    parts = [
        section("<", [(0x7ABC, b"an option")]),
        strange,
        interface("<", ETHERNET, resolution=9),
    ]
    for frame, between in zip(known, (strange, names, custom, statistics) * 3, strict=False):
        parts += [enhanced_packet("<", 0, frame.time_ns, frame.octets), between]
    return b"".join(parts)


def obsolete() -> bytes:
    parts = [section("<"), interface("<", ETHERNET)]
    parts += [obsolete_packet("<", 0, frame.time_ns // 1000, frame.octets) for frame in frames()]
    return b"".join(parts)


def _file(name: str, shows: str, content: bytes, suffix: str = ".pcap") -> Case:
    return Case(name=name, shows=shows, content=content, suffix=suffix)


def _ethernet(packet: bytes, back: bool) -> bytes:
    return ethernet(packet, back=back)


def _with_check_sequence() -> list[Frame]:
    return [Frame(frame.time_ns, frame.octets + b"\1\2\3\4") for frame in frames()]
