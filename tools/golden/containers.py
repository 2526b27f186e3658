# SPDX-License-Identifier: Apache-2.0
"""Capture files: pcap and the blocks of pcapng, in either byte order.

Specifications: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. Only writing is here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Order = Literal["<", ">"]

NS_PER_S = 1_000_000_000
SNAP_LENGTH_OCTETS = 262_144


@dataclass(frozen=True, slots=True)
class Frame:
    """One captured frame."""

    time_ns: int
    """Since 1970."""

    octets: bytes
    original_octets: int | None = None
    """How long the frame was, where the capture holds less of it."""

    @property
    def original(self) -> int:
        return len(self.octets) if self.original_octets is None else self.original_octets


def pcap(
    frames: Iterable[Frame], link: int, *, order: Order = "<", nanoseconds: bool = False
) -> bytes:
    """A whole pcap file; times are cut to its unit."""
    magic, unit_ns = (0xA1B23C4D, 1) if nanoseconds else (0xA1B2C3D4, 1_000)
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, SNAP_LENGTH_OCTETS, link)]
    for frame in frames:
        seconds, rest_ns = divmod(frame.time_ns, NS_PER_S)
        lengths = (len(frame.octets), frame.original)
        parts.append(struct.pack(order + "IIII", seconds, rest_ns // unit_ns, *lengths))
        parts.append(frame.octets)
    return b"".join(parts)


def block(order: Order, kind: int, body: bytes) -> bytes:
    """A pcapng block with its two lengths."""
    padded = _padded(body)
    length = len(padded) + 12
    return struct.pack(order + "II", kind, length) + padded + struct.pack(order + "I", length)


def section(order: Order, options: Sequence[tuple[int, bytes]] = ()) -> bytes:
    """A section header that leaves the section's length open."""
    body = struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + _options(order, options)
    return block(order, 0x0A0D0D0A, body)


def interface(
    order: Order,
    link: int,
    *,
    snap_octets: int = SNAP_LENGTH_OCTETS,
    resolution: int | None = None,
    offset_s: int | None = None,
) -> bytes:
    """An interface description; `resolution` is if_tsresol as it stands in the file."""
    options = [(2, b"made0")]
    if resolution is not None:
        options.append((9, bytes([resolution])))
    if offset_s is not None:
        options.append((14, struct.pack(order + "q", offset_s)))
    return block(
        order, 1, struct.pack(order + "HHI", link, 0, snap_octets) + _options(order, options)
    )


def enhanced_packet(
    order: Order, interface_id: int, ticks: int, octets: bytes, original: int | None = None
) -> bytes:
    """A packet with a time in the interface's own ticks."""
    head = (interface_id, ticks >> 32, ticks & 0xFFFFFFFF, len(octets))
    original = len(octets) if original is None else original
    return block(order, 6, struct.pack(order + "IIIII", *head, original) + octets)


def simple_packet(order: Order, octets: bytes, original: int | None = None) -> bytes:
    """A packet of the section's first interface, without a time."""
    original = len(octets) if original is None else original
    return block(order, 3, struct.pack(order + "I", original) + octets)


def obsolete_packet(order: Order, interface_id: int, ticks: int, octets: bytes) -> bytes:
    """The packet block that the enhanced one replaced."""
    head = (interface_id, 0xFFFF, ticks >> 32, ticks & 0xFFFFFFFF, len(octets), len(octets))
    return block(order, 2, struct.pack(order + "HHIIII", *head) + octets)


def pcapng(frames: Iterable[Frame], link: int, *, order: Order = "<") -> bytes:
    """A whole pcapng file with one interface that counts nanoseconds."""
    parts = [section(order), interface(order, link, resolution=9)]
    parts += [
        enhanced_packet(order, 0, frame.time_ns, frame.octets, frame.original) for frame in frames
    ]
    return b"".join(parts)


def _options(order: Order, options: Sequence[tuple[int, bytes]]) -> bytes:
    if not options:
        return b""
    parts = [struct.pack(order + "HH", code, len(data)) + _padded(data) for code, data in options]
    return b"".join(parts) + struct.pack(order + "HH", 0, 0)


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)
