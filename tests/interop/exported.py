# SPDX-License-Identifier: Apache-2.0
"""Datagrams of real exporters, from the folder that PENSTOCK_CAPTURES names, and as a capture for tshark.

Files of one device belong together, templates first: each device gets an address of its own.
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NETFLOW_PORT, IPFIX_PORT = 2055, 4739
PORTS = (NETFLOW_PORT, IPFIX_PORT)
FIRST_ADDRESS = IPv4Address("192.0.2.1")
START_S = 1_700_000_000


@dataclass(frozen=True)
class Exported:
    """One file: the payload of a datagram."""

    name: str
    source: str
    octets: bytes

    @property
    def version(self) -> int:
        return int.from_bytes(self.octets[:2])

    @property
    def port(self) -> int:
        return IPFIX_PORT if self.version == 10 else NETFLOW_PORT

    @property
    def is_damaged(self) -> bool:
        """Whether something is wrong with it, its name says."""
        return "invalid" in self.name

    def messages(self) -> Iterator[bytes]:
        """The messages in it: some files have several, of which tshark reads one."""
        rest = self.octets
        while rest:
            length = _message_length(rest)
            if not 16 <= length < len(rest) or rest[length : length + 2] != rest[:2]:
                length = len(rest)
            yield rest[:length]
            rest = rest[length:]


def exported() -> list[Exported]:
    """Every file of ``exports/``, grouped by device; none without PENSTOCK_CAPTURES."""
    folder = os.environ.get("PENSTOCK_CAPTURES")
    if not folder:
        return []
    files = sorted(Path(folder, "exports").glob("*.dat"), key=_order)
    devices = list(dict.fromkeys(_device(path) for path in files))
    return [
        Exported(path.stem, str(FIRST_ADDRESS + devices.index(_device(path))), path.read_bytes())
        for path in files
    ]


def write_capture(path: Path, datagrams: Iterable[Exported]) -> None:
    """A capture with a packet for each message, seconds apart."""
    packets = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, LINKTYPE_RAW)]
    for number, one in enumerate(datagrams):
        packet = ipv4_udp(one.source, one.port, one.octets)
        packets.append(struct.pack("<IIII", START_S + number, 0, len(packet), len(packet)))
        packets.append(packet)
    path.write_bytes(b"".join(packets))


def ipv4_udp(source: str, port: int, payload: bytes) -> bytes:
    """An IP packet; tshark checks no checksum unless it is told to."""
    udp = struct.pack("!HHHH", port, port, 8 + len(payload), 0) + payload
    addresses = IPv4Address(source).packed + IPv4Address("198.51.100.1").packed
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + addresses + udp


def _device(path: Path) -> str:
    return re.split(r"_(?:tpls?|data|opttpl|tplopt)", path.stem)[0]


def _order(path: Path) -> tuple[str, bool, str]:
    return _device(path), "tpl" not in path.name, path.name


def _message_length(octets: bytes) -> int:
    version, word = struct.unpack_from("!HH", octets)
    if version == 5:
        return 24 + 48 * int(word)
    return int(word) if version == 10 else len(octets)


LINKTYPE_RAW = 101
