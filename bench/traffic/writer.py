# SPDX-License-Identifier: Apache-2.0
"""Puts a model's packets into a classic pcap file, some hundred thousand at a time.

IPv4 header checksums are right; those of TCP and UDP are zero, as on a host that leaves them to
its network card. What no field or application fills is noise, always the same.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from traffic.model import ETHERNET_OCTETS, ICMP
from traffic.payloads import TCP, UDP

if TYPE_CHECKING:
    import numpy.typing as npt

    from traffic.model import Model, Settings

    Bools = npt.NDArray[np.bool_]
    Octets = npt.NDArray[np.uint8]
    Numbers = npt.NDArray[np.int64]
    Unsigned = npt.NDArray[np.uint64]


def write(settings: Settings, model: Model, out: BinaryIO) -> None:
    """Writes the whole capture."""
    magic = 0xA1B23C4D if settings.nano else 0xA1B2C3D4
    out.write(struct.pack("<IHHiIII", magic, 2, 4, 0, 0, settings.snaplen, LINKTYPE_ETHERNET))
    width = min(settings.snaplen, LONGEST_FRAME)
    chunk = max(4096, min(1 << 18, (192 << 20) // (width + RECORD_OCTETS)))
    noise = np.random.Generator(np.random.PCG64([settings.seed, 3])).integers(
        0, 256, 2048, dtype=np.uint8
    )
    order = model.packets.order
    out.writelines(
        _Chunk(settings, model, noise, order[at : at + chunk]).octets()
        for at in range(0, len(order), chunk)
    )


@dataclass
class _Kind:
    """The packets of a chunk that have the same headers down to the transport's."""

    rows: Numbers
    """Their places in the chunk."""
    ipv6: bool
    tagged: bool

    @property
    def network_at(self) -> int:
        """Where the IP header begins in :attr:`_Chunk.frames`."""
        return RECORD_OCTETS + ETHERNET_OCTETS + (4 if self.tagged else 0)

    @property
    def transport_at(self) -> int:
        """Where the transport header begins there."""
        return self.network_at + (40 if self.ipv6 else 20)


class _Chunk:
    """Some packets as rows of one table: record header, frame, unused rest."""

    def __init__(self, settings: Settings, model: Model, noise: Octets, order: Numbers) -> None:
        flows, packets = model.flows, model.packets
        flow = packets.flow[order]
        self.settings, self.payloads, self.noise = settings, model.payloads, noise
        self.time_s = packets.time_s[order]
        self.reverse = packets.reverse[order]
        self.flags = packets.flags[order]
        self.payload_octets = packets.payload_octets[order]
        self.payload_row = packets.payload_row[order]
        self.ip_octets = packets.ip_octets[order]
        self.wire_octets = packets.wire_octets[order]
        self.sequence = packets.sequence[order].astype(np.uint64)
        self.acknowledged = packets.acknowledged[order].astype(np.uint64)
        self.protocol, self.ipv6, self.vlan = (
            flows.protocol[flow],
            flows.ipv6[flow],
            flows.vlan[flow],
        )
        self.client = flows.client[flow].astype(np.uint64)
        self.server = flows.server[flow].astype(np.uint64)
        client_port, server_port = flows.client_port[flow], flows.server_port[flow]
        self.src_port = np.where(self.reverse, server_port, client_port).astype(np.uint64)
        self.dst_port = np.where(self.reverse, client_port, server_port).astype(np.uint64)
        self.captured = np.minimum(self.wire_octets, settings.snaplen)
        self.width = RECORD_OCTETS + int(self.captured.max())
        self.frames = np.empty((len(order), max(self.width, RECORD_OCTETS + 100)), np.uint8)
        self.frames[:, RECORD_OCTETS:] = np.resize(noise, self.frames.shape[1] - RECORD_OCTETS)

    def octets(self) -> bytes:
        """The chunk as it stands in the file."""
        self._record_headers()
        self.frames[:, 16:22] = np.where(self.reverse[:, None], CLIENT_MAC, SERVER_MAC)
        self.frames[:, 22:28] = np.where(self.reverse[:, None], SERVER_MAC, CLIENT_MAC)
        for ipv6 in (False, True):
            for tagged in (False, True):
                rows = np.flatnonzero((self.ipv6 == ipv6) & ((self.vlan > 0) == tagged))
                if len(rows):
                    self._kind(_Kind(rows, ipv6, tagged))
        self._padding()
        used = np.arange(self.width) < (RECORD_OCTETS + self.captured)[:, None]
        return self.frames[:, : self.width][used].tobytes()

    def _record_headers(self) -> None:
        second = np.floor(self.time_s)
        fraction = (self.time_s - second) * (1e9 if self.settings.nano else 1e6)
        fields = (EPOCH_S + second, fraction.astype(np.uint32), self.captured, self.wire_octets)
        headers = np.stack([field.astype("<u4") for field in fields], 1)
        self.frames[:, :RECORD_OCTETS] = headers.view(np.uint8)

    def _kind(self, kind: _Kind) -> None:
        """Fills in headers and payloads of the packets of one kind."""
        rows, at = kind.rows, kind.network_at
        headers = np.zeros((len(rows), kind.transport_at + 20), np.uint8)
        if kind.tagged:
            headers[:, 28:30] = (0x81, 0)
            _put(headers[:, 30:32], self.vlan[rows].astype(np.uint64))
        if kind.ipv6:
            self._ipv6(rows, headers[:, at - 2 : at + 40])
        else:
            self._ipv4(rows, headers[:, at - 2 : at + 20])
        self._transport(kind, headers[:, kind.transport_at :])
        for octets in (20, 8):
            chosen = np.flatnonzero(np.where(self.protocol[rows] == TCP, 20, 8) == octets)
            end = kind.transport_at + octets
            self.frames[rows[chosen], 28:end] = headers[chosen, 28:end]
            self._payload(rows[chosen], end)

    def _ipv4(self, rows: Numbers, header: Octets) -> None:
        reverse = self.reverse[rows]
        header[:, 0:2] = (0x08, 0x00)
        header[:, 2:4] = (0x45, 0)
        _put(header[:, 4:6], self.ip_octets[rows].astype(np.uint64))
        _put(header[:, 6:8], self.sequence[rows])
        header[:, 8:10] = (0x40, 0)
        header[:, 10] = np.where(reverse, 57, 64)
        header[:, 11] = self.protocol[rows]
        client = np.uint64(10 << 24) | (self.client[rows] & np.uint64(0xFFFFFF))
        server = np.uint64(45 << 24) | (self.server[rows] & np.uint64(0xFFFFFF))
        _put(header[:, 14:18], np.where(reverse, server, client))
        _put(header[:, 18:22], np.where(reverse, client, server))
        words = header[:, 2:22].reshape(-1, 10, 2).astype(np.uint32)
        total = (words[:, :, 0].sum(1) << 8) + words[:, :, 1].sum(1)
        for _ in range(2):
            total = (total & 0xFFFF) + (total >> 16)
        _put(header[:, 12:14], (0xFFFF - total).astype(np.uint64))

    def _ipv6(self, rows: Numbers, header: Octets) -> None:
        protocol = self.protocol[rows]
        header[:, 0:2] = (0x86, 0xDD)
        header[:, 2:6] = (0x60, 0, 0, 0)
        _put(header[:, 6:8], (self.ip_octets[rows] - 40).astype(np.uint64))
        header[:, 8] = np.where(protocol == ICMP, ICMPV6, protocol)
        header[:, 9] = 64
        for at, is_client in ((10, ~self.reverse[rows]), (26, self.reverse[rows])):
            header[:, at : at + 4] = (0x20, 0x01, 0x0D, 0xB8)
            header[:, at + 5] = np.where(is_client, 1, 2)
            _put(
                header[:, at + 12 : at + 16],
                np.where(is_client, self.client[rows], self.server[rows]),
            )

    def _transport(self, kind: _Kind, header: Octets) -> None:
        rows = kind.rows
        _put(header[:, 0:2], self.src_port[rows])
        _put(header[:, 2:4], self.dst_port[rows])
        _put(header[:, 4:8], self.sequence[rows])
        _put(header[:, 8:12], self.acknowledged[rows])
        header[:, 12] = 0x50
        header[:, 13] = self.flags[rows]
        header[:, 14:16] = (0xFA, 0xF0)
        udp = np.flatnonzero(self.protocol[rows] == UDP)
        length = np.zeros((len(udp), 2), np.uint8)
        _put(length, (self.payload_octets[rows[udp]] + 8).astype(np.uint64))
        header[udp, 4:6] = length
        header[udp, 6:8] = 0
        icmp = np.flatnonzero(self.protocol[rows] == ICMP)
        reply, request = (129, 128) if kind.ipv6 else (0, 8)
        header[icmp, 0] = np.where(self.reverse[rows[icmp]], reply, request)
        header[icmp, 1:4] = 0

    def _payload(self, rows: Numbers, at: int) -> None:
        """What an application says, over the noise."""
        if self.payloads is None:
            return
        spoken = self.payload_row[rows] >= 0
        room = min(self.payloads.table.shape[1], self.frames.shape[1] - at)
        said = self.payloads.table[self.payload_row[rows[spoken]], :room]
        self.frames[rows[spoken], at : at + room] = said

    def _padding(self) -> None:
        """Short frames are filled up with zeroes."""
        unpadded = ETHERNET_OCTETS + np.where(self.vlan > 0, 4, 0) + self.ip_octets
        short = np.flatnonzero(unpadded < self.wire_octets)
        used = RECORD_OCTETS + unpadded[short]
        for octet in range(MOST_PADDING_OCTETS):
            at = used + octet
            inside = at < RECORD_OCTETS + self.wire_octets[short]
            last = self.frames.shape[1] - 1
            self.frames[short[inside], np.minimum(at[inside], last)] = 0


def _put(field: Octets, value: Unsigned) -> None:
    """The low octets of a value, as many as the field has, in network order."""
    octets = field.shape[1]
    for at in range(octets):
        field[:, at] = (value >> np.uint64(8 * (octets - 1 - at))).astype(np.uint8)


EPOCH_S = 1_704_067_200
"""When every capture begins: 1 January 2024, midnight UTC."""

LINKTYPE_ETHERNET = 1
RECORD_OCTETS = 16
LONGEST_FRAME = 1518 + 4
MOST_PADDING_OCTETS = 60 - 14 - 28 + 4
ICMPV6 = 58

CLIENT_MAC = np.frombuffer(bytes.fromhex("020000000001"), np.uint8)
SERVER_MAC = np.frombuffer(bytes.fromhex("020000000002"), np.uint8)
