# SPDX-License-Identifier: Apache-2.0
"""What flows must add up to, by what tshark saw in each packet.

The rules here are those of the flow record, written a second time and more plainly than
the meter can: packet by packet, without a table. Sums are kept for each direction of each key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pathlib import Path

Layer = Mapping[str, Any]
Tunnels = Literal["inner", "outer"]

WITH_PORTS = {"tcp", "udp", "udplite", "sctp", "dccp"}
TAGS = {"vlan", "ieee8021ad"}
ECHO, TIMESTAMP = {8, 0}, {13, 14}
ECHO_V6 = {128, 129}
BRIDGED = 0x6558


@dataclass(frozen=True, slots=True)
class Key:
    """One direction of a flow."""

    src: str
    dst: str
    protocol: int
    src_port: int | None = None
    dst_port: int | None = None
    icmp: tuple[str, int] | tuple[int, int] | None = None
    """A word and an identifier, or type and code."""

    vlan: int | None = None
    tunnel: tuple[str, str, str, int | None] | None = None
    """Kind, outer source, outer destination, network."""

    def turned(self) -> Key:
        """The other direction."""
        tunnel = self.tunnel and (self.tunnel[0], self.tunnel[2], self.tunnel[1], self.tunnel[3])
        return Key(
            self.dst,
            self.src,
            self.protocol,
            self.dst_port,
            self.src_port,
            self.icmp,
            self.vlan,
            tunnel,
        )


@dataclass(slots=True)
class Sums:
    """What one direction adds up to."""

    packets: int = 0
    octets: int = 0
    l2_octets: int = 0
    tcp_flags: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    tunnel_id: int | None = field(default=None, compare=False)

    def add(self, other: Sums) -> None:
        """Takes another piece of the same direction in."""
        self.packets += other.packets
        self.octets += other.octets
        self.l2_octets += other.l2_octets
        self.tcp_flags |= other.tcp_flags
        for name, choose in (("first_ns", min), ("last_ns", max)):
            known = [at for at in (getattr(self, name), getattr(other, name)) if at is not None]
            setattr(self, name, choose(known, default=None))
        if self.tunnel_id is None:
            self.tunnel_id = other.tunnel_id


Directions = dict[Key, Sums]


def judged(path: Path) -> dict[str, Any]:
    """What is stored of one capture."""
    stored: dict[str, Any] = json.loads(path.read_text())
    return stored


def by_judge(packets: Iterable[Mapping[str, Any]], tunnels: Tunnels) -> Directions:
    """The sums that follow from the judged packets."""
    seen: Directions = {}
    for key, sums in _with_fragments(packets, tunnels):
        seen.setdefault(key, Sums()).add(sums)
    return seen


def by_rows(rows: Iterable[Mapping[str, Any]]) -> Directions:
    """The same sums from flow records; a direction that sent nothing is left out."""
    seen: Directions = {}
    for row in rows:
        for key, sums in _row_directions(row):
            if sums.packets:
                seen.setdefault(key, Sums()).add(sums)
    return seen


def readable_ip(stack: list[Layer]) -> list[int]:
    """Places of the IP headers that can be read, outermost first, up to the first that cannot."""
    places = []
    for at, layer in enumerate(stack):
        if layer["layer"] not in ("ip", "ipv6"):
            continue
        if "src" not in layer or "dst" not in layer:
            break
        places.append(at)
    return places


def octets(layer: Layer) -> int:
    """An IP packet's own length."""
    if layer["layer"] == "ip":
        return int(layer["octets"])
    return 40 + int(layer.get("jumbo_octets", layer["payload_octets"]))


def _with_fragments(
    packets: Iterable[Mapping[str, Any]], tunnels: Tunnels
) -> Iterator[tuple[Key, Sums]]:
    """Keys of all packets, those of later fragments taken from their first, before or after."""
    firsts: dict[tuple[Any, ...], Key | None] = {}
    waiting: dict[tuple[Any, ...], list[tuple[Key, Sums]]] = {}
    for packet in packets:
        stack = packet["stack"]
        places = readable_ip(stack)
        if not places:
            continue
        at = places[0] if tunnels == "outer" else places[-1]
        key, sums = _key(stack, at, places), _sums(packet, stack, at)
        outer = [place for place in places if _fragment(stack[place]) == "first"]
        for place in outer:
            inside = tunnels == "inner" and place != at
            datagram = _datagram(stack[place])
            firsts[datagram] = None if inside else key
            for late, late_sums in waiting.pop(datagram, ()):
                if not inside:
                    yield _like(late, key), late_sums
        if _fragment(stack[at]) != "later":
            yield key, sums
            continue
        datagram = _datagram(stack[at])
        if datagram not in firsts:
            waiting.setdefault(datagram, []).append((key, sums))
        elif (first := firsts[datagram]) is not None:
            yield _like(key, first), sums
    for orphans in waiting.values():
        yield from orphans


def _fragment(layer: Layer) -> Literal["whole", "first", "later"]:
    if layer.get("fragment_offset"):
        return "later"
    return "first" if layer.get("more_fragments") else "whole"


def _datagram(layer: Layer) -> tuple[Any, ...]:
    protocol = layer["protocol"] if layer["layer"] == "ip" else None
    return layer["src"], layer["dst"], layer["identification"], protocol


def _like(late: Key, first: Key) -> Key:
    return Key(
        late.src,
        late.dst,
        first.protocol,
        first.src_port,
        first.dst_port,
        first.icmp,
        late.vlan,
        late.tunnel,
    )


def _key(stack: list[Layer], at: int, places: list[int]) -> Key:
    layer = stack[at]
    behind = stack[at + 1 :]
    protocol = layer["protocol"]
    if behind and behind[0]["layer"] == "ah":
        protocol = behind[0].get("protocol", protocol)
        behind = behind[1:]
    transport: Layer = behind[0] if behind else {"layer": ""}
    ports = transport if transport["layer"] in WITH_PORTS else {}
    return Key(
        layer["src"],
        layer["dst"],
        protocol,
        ports.get("src_port"),
        ports.get("dst_port"),
        _icmp(transport),
        _vlan(stack[:at]),
        _tunnel(stack, places) if at != places[0] else None,
    )


def _icmp(transport: Layer) -> tuple[str, int] | tuple[int, int] | None:
    name = transport["layer"]
    if name not in ("icmp", "icmpv6") or "code" not in transport:
        return None
    kind = transport["type"]
    if kind in (ECHO if name == "icmp" else ECHO_V6):
        return "echo", transport["identifier"]
    if name == "icmp" and kind in TIMESTAMP:
        return "timestamp", transport["identifier"]
    return kind, transport["code"]


def _vlan(above: list[Layer]) -> int | None:
    """The outermost tag of the Ethernet header nearest to the packet."""
    ethernets = [at for at, layer in enumerate(above) if layer["layer"] == "eth"]
    nearest = above[ethernets[-1] + 1 :] if ethernets else []
    tags = [layer["id"] for layer in nearest if layer["layer"] in TAGS]
    return tags[0] if tags else None


def _tunnel(stack: list[Layer], places: list[int]) -> tuple[str, str, str, int | None]:
    outer = stack[places[0]]
    kind, _, network = _tunnel_header(stack[places[0] + 1 : places[1]])
    return kind, outer["src"], outer["dst"], network


def _tunnel_header(between: list[Layer]) -> tuple[str, int | None, int | None]:
    """Kind, identifier, and the identifier again where it names a network."""
    layers = {layer["layer"]: layer for layer in between}
    if "erspan" in layers:
        return "erspan", layers["erspan"].get("session"), None
    if "gre" in layers:
        gre = layers["gre"]
        if gre.get("protocol") == BRIDGED and "key" in gre:
            return "nvgre", gre["key"] >> 8, gre["key"] >> 8
        return "gre", gre.get("key", gre.get("call")), None
    if "etherip" in layers:
        return "etherip", None, None
    for name in ("vxlan", "geneve"):
        if name in layers:
            return name, layers[name]["vni"], layers[name]["vni"]
    if "gtp" in layers:
        return "gtpu", layers["gtp"]["teid"], None
    return ("teredo" if "teredo" in layers else "ipip"), None, None


def _sums(packet: Mapping[str, Any], stack: list[Layer], at: int) -> Sums:
    flags = stack[at + 1].get("flags", 0) if at + 1 < len(stack) else 0
    time_ns = packet.get("time_ns", 0)  # a simple packet of pcapng has no time: 1970 stands for it
    places = readable_ip(stack)
    header = _tunnel_header(stack[places[0] + 1 : places[1]]) if at != places[0] else None
    return Sums(
        packets=1,
        octets=octets(stack[at]),
        l2_octets=packet["octets"],
        tcp_flags=flags,
        first_ns=time_ns,
        last_ns=time_ns,
        tunnel_id=header[1] if header else None,
    )


def _row_directions(row: Mapping[str, Any]) -> Iterator[tuple[Key, Sums]]:
    key = Key(
        str(ip_address(row["src_addr"])),
        str(ip_address(row["dst_addr"])),
        row["protocol"],
        row.get("src_port"),
        row.get("dst_port"),
        _row_icmp(row),
        row.get("vlan_id"),
        _row_tunnel(row),
    )
    for turned, suffix in ((key, ""), (key.turned(), "_rev")):
        yield (
            turned,
            Sums(
                packets=row.get(f"packets{suffix}", 0),
                octets=row.get(f"octets{suffix}", 0),
                l2_octets=row.get(f"l2_octets{suffix}", 0),
                tcp_flags=row.get(f"tcp_flags{suffix}", 0),
                first_ns=row.get(f"time_start{suffix}"),
                last_ns=row.get(f"time_end{suffix}"),
                tunnel_id=row.get(f"tunnel_id{suffix}"),
            ),
        )


def _row_icmp(row: Mapping[str, Any]) -> tuple[str, int] | tuple[int, int] | None:
    if "icmp_type" not in row:
        return None
    if "icmp_id" in row:
        kind = "timestamp" if row["icmp_type"] in TIMESTAMP else "echo"
        return kind, row["icmp_id"]
    return row["icmp_type"], row["icmp_code"]


def _row_tunnel(row: Mapping[str, Any]) -> tuple[str, str, str, int | None] | None:
    if "tunnel_type" not in row:
        return None
    named = row["tunnel_type"] in ("vxlan", "geneve", "nvgre")
    return (
        row["tunnel_type"],
        str(ip_address(row["tunnel_src_addr"])),
        str(ip_address(row["tunnel_dst_addr"])),
        row.get("tunnel_id", row.get("tunnel_id_rev")) if named else None,
    )
