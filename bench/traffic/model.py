# SPDX-License-Identifier: Apache-2.0
"""Which packets there are: everything about them but their octets.

Flows have distinct five-tuples and sizes by Zipf's law. A share of them overlaps at any time; the
largest one per cent last for the whole capture, so that active timeouts occur, the others end, so
that idle timeouts do. TCP flows have a handshake, sequence numbers that fit, and FIN both ways or
RST; flows of one or two packets look like scans. Frames are 60, 590 or 1,514 octets long, 7:4:1.

The draws from the random numbers are part of the format: in another order, or one more, they make
another capture. An ICMP echo's identifier differs by direction, so that a probe which heeds it
finds more flows than :class:`Model` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from traffic.payloads import APPLICATIONS, SINGLE_EXCHANGE, TCP, UDP, Payloads, payloads

if TYPE_CHECKING:
    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]
    Octets = npt.NDArray[np.uint8]
    Words = npt.NDArray[np.uint16]
    Longs = npt.NDArray[np.uint32]
    Numbers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

ICMP = 1
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a capture depends on, and all that it depends on."""

    packets: int = 1_000_000
    flows: int = 10_000
    concurrent: int = 0
    """Flows at a time; 0 is a fifth of all."""
    duration: float = 600.0
    """Seconds that the capture spans."""
    snaplen: int = 96
    seed: int = 1
    alpha: float = 1.0
    """Zipf's exponent for the sizes of flows."""
    tcp: float = 0.70
    icmp: float = 0.03
    ipv6: float = 0.25
    vlan: float = 0.20
    clients: int = 50_000
    servers: int = 20_000
    l7: float = 0.0
    """Share of flows with an application's payload."""
    l7_kinds: str = ",".join(APPLICATIONS)
    nano: bool = False
    """Timestamps in nanoseconds."""


@dataclass
class Flows:
    """A row a flow."""

    protocol: Octets
    ipv6: Bools
    vlan: Words
    server_port: Words
    application: npt.NDArray[np.int16]
    """Place in :attr:`Payloads.applications`; -1 for none."""
    variant: Numbers
    size: Numbers
    client_port: Words
    client: Longs
    server: Longs


@dataclass
class Packets:
    """A row a packet, flow after flow; :attr:`order` sorts them by time."""

    flow: npt.NDArray[np.int32]
    time_s: Floats
    reverse: Bools
    flags: Octets
    payload_octets: Numbers
    payload_row: Numbers
    """Row of :attr:`Payloads.table`; -1 for noise."""
    ip_octets: Numbers
    wire_octets: Numbers
    sequence: Longs
    acknowledged: Longs
    order: Numbers


@dataclass
class Model:
    """A capture before it has octets."""

    flows: Flows
    packets: Packets
    payloads: Payloads | None

    def truth(self) -> dict[str, object]:
        """What a probe should find."""
        flows, packets = self.flows, self.packets
        count = len(flows.size)
        answers = np.bincount(packets.flow, weights=packets.reverse, minlength=count)
        answered = int(np.count_nonzero(answers))
        names = self.payloads.names if self.payloads else []
        return {
            "packets": len(packets.flow),
            "flows": count,
            "frame_bytes": int(packets.wire_octets.sum()),
            "ip_bytes": int(packets.ip_octets.sum()),
            "biflows_with_reverse": answered,
            "uniflows": count + answered,
            "tcp_flows": int((flows.protocol == TCP).sum()),
            "udp_flows": int((flows.protocol == UDP).sum()),
            "icmp_flows": int((flows.protocol == ICMP).sum()),
            "ipv6_flows": int(flows.ipv6.sum()),
            "vlan_flows": int((flows.vlan > 0).sum()),
            "flows_of_one_packet": int((flows.size == 1).sum()),
            "largest_flow": int(flows.size.max()),
            "l7_flows": {
                name: int((flows.application == number).sum()) for number, name in enumerate(names)
            },
        }


def model(settings: Settings) -> Model:
    """Decides on every packet.

    Raises:
        ValueError: there are too few packets for that many flows.
    """
    random = np.random.Generator(np.random.PCG64(settings.seed))
    spoken = None
    if settings.l7 > 0:
        spoken = payloads(settings.seed, [name for name in settings.l7_kinds.split(",") if name])
    flows = _flows(settings, random, spoken)
    packets = _packets(settings, random, flows, spoken)
    flows.server = _servers(settings, random, flows.protocol)
    return Model(flows, packets, spoken)


def _flows(settings: Settings, random: np.random.Generator, spoken: Payloads | None) -> Flows:
    count = settings.flows
    shares = [settings.tcp, 1 - settings.tcp - settings.icmp, settings.icmp]
    protocol = random.choice(np.array([TCP, UDP, ICMP]), count, p=shares).astype(np.uint8)
    ipv6 = random.random(count) < settings.ipv6
    tagged = random.random(count) < settings.vlan
    vlan = np.where(tagged, random.integers(1, 4095, count), 0).astype(np.uint16)
    ports = PORTS if spoken is None else PORTS_BESIDE_APPLICATIONS
    server_port = random.choice(np.array(ports, np.uint16), count)
    application = np.full(count, -1, np.int16)
    variant = np.zeros(count, np.int64)
    if spoken is not None:
        weights = np.array([one.weight for one in spoken.applications])
        speaks = random.random(count) < settings.l7
        drawn = random.choice(len(weights), int(speaks.sum()), p=weights / weights.sum())
        application[speaks] = drawn
        for number, one in enumerate(spoken.applications):
            chosen = application == number
            protocol[chosen], server_port[chosen] = one.protocol, one.port
            variant[chosen] = random.integers(0, one.variants, int(chosen.sum()))

    place = np.arange(count, dtype=np.uint64)
    clients = np.uint64(settings.clients)
    client = place % clients
    turn = (place // clients) * np.uint64(31) + client * np.uint64(7919)
    return Flows(
        protocol=protocol,
        ipv6=ipv6,
        vlan=vlan,
        server_port=server_port,
        application=application,
        variant=variant,
        size=_sizes(settings, random, application, spoken),
        client_port=(np.uint64(1024) + turn % np.uint64(64512)).astype(np.uint16),
        client=client.astype(np.uint32),
        server=np.zeros(count, np.uint32),
    )


def _sizes(
    settings: Settings,
    random: np.random.Generator,
    application: npt.NDArray[np.int16],
    spoken: Payloads | None,
) -> Numbers:
    """Packets of each flow: at least what it needs, the rest by Zipf's law, the right sum."""
    weight = np.arange(1, settings.flows + 1, dtype=np.float64) ** -settings.alpha
    random.shuffle(weight)
    need = np.ones(settings.flows, np.int64)
    if spoken is not None:
        for number, one in enumerate(spoken.applications):
            chosen = application == number
            need[chosen] = spoken.steps(number) + (5 if one.protocol == TCP else 0)
            if spoken.names[number] in SINGLE_EXCHANGE:
                weight[chosen] = 0
    spare = settings.packets - int(need.sum())
    if spare < 0:
        raise ValueError("too few packets for that many flows")
    extra = np.floor(weight * (spare / weight.sum())).astype(np.int64)
    extra[int(np.argmax(weight))] += spare - int(extra.sum())
    size: Numbers = need + extra
    return size


def _packets(
    settings: Settings, random: np.random.Generator, flows: Flows, spoken: Payloads | None
) -> Packets:
    start, life = _lives(settings, random, flows.size)
    flow = np.repeat(np.arange(settings.flows, dtype=np.int32), flows.size)
    first = np.cumsum(flows.size) - flows.size
    place = np.arange(settings.packets, dtype=np.int64) - first[flow]
    size = flows.size[flow]
    time_s = start[flow] + life[flow] * ((place + random.random(settings.packets)) / size)

    reverse = random.random(settings.packets) < 0.55
    reverse &= place > 0
    flags, control = _handshakes(random, flows, flow, place, reverse)
    tcp = flows.protocol[flow] == TCP
    tag_octets = np.where(flows.vlan[flow] > 0, 4, 0)
    ip_header_octets = np.where(flows.ipv6[flow], 40, 20)
    header_octets = ip_header_octets + np.where(tcp, 20, 8)
    frame = FRAME_OCTETS[random.choice(3, settings.packets, p=FRAME_SHARES)].astype(np.int32)
    payload = np.maximum(frame - (ETHERNET_OCTETS + header_octets), 0)
    payload[tcp & (frame == SHORTEST_FRAME)] = 0
    payload[control] = 0
    row = _speak(flows, flow, place, reverse, payload, spoken)
    flags[tcp & (payload > 0)] |= PSH
    sequence, acknowledged = _sequence(random, flow, first, reverse, payload, flags)

    ip_octets = header_octets + payload
    wire = np.maximum(ETHERNET_OCTETS + ip_octets, SHORTEST_FRAME) + tag_octets
    return Packets(
        flow=flow,
        time_s=time_s,
        reverse=reverse,
        flags=flags,
        payload_octets=payload,
        payload_row=row,
        ip_octets=ip_octets,
        wire_octets=wire,
        sequence=sequence,
        acknowledged=acknowledged,
        order=np.argsort(time_s, kind="stable"),
    )


def _lives(settings: Settings, random: np.random.Generator, size: Numbers) -> tuple[Floats, Floats]:
    """When each flow starts and how long it lasts, in seconds."""
    count, duration = settings.flows, settings.duration
    concurrent = settings.concurrent or max(1, count // 5)
    life = random.exponential(1.0, count) * duration * min(1.0, concurrent / count)
    life = np.minimum(life, duration)
    start = random.random(count) * np.maximum(duration - life, 0)
    largest = np.argsort(size)[-max(1, count // 100) :]
    start[largest], life[largest] = 0.0, duration
    small = size <= 4
    life[small] = np.minimum(life[small], 0.2 * size[small])
    return start, life


def _handshakes(
    random: np.random.Generator,
    flows: Flows,
    flow: npt.NDArray[np.int32],
    place: Numbers,
    reverse: Bools,
) -> tuple[Octets, Bools]:
    """TCP flags, and which packets only control; turns those packets the right way."""
    size = flows.size[flow]
    tcp = flows.protocol[flow] == TCP
    flags = np.where(tcp, ACK, 0).astype(np.uint8)
    control = np.zeros(len(flow), np.bool_)
    closes = tcp & (size >= 6)
    left = size - 1 - place
    for chosen, flag, backwards in (
        (tcp & (place == 0), SYN, False),
        (tcp & (place == 1), SYN | ACK, True),
        (tcp & (place == 2), ACK, False),
        (closes & (left == 1), FIN | ACK, False),
        (closes & (left == 0), FIN | ACK, True),
    ):
        flags[chosen], control[chosen], reverse[chosen] = flag, True, backwards
    reset = random.random(len(flows.size)) < 0.05
    flags[closes & (left == 0) & reset[flow]] = RST | ACK
    return flags, control


def _speak(
    flows: Flows,
    flow: npt.NDArray[np.int32],
    place: Numbers,
    reverse: Bools,
    payload: Numbers,
    spoken: Payloads | None,
) -> Numbers:
    """Which packets carry an application's payload; gives those its length and direction."""
    row = np.full(len(flow), -1, np.int64)
    if spoken is None:
        return row
    for number, one in enumerate(spoken.applications):
        handshake = 3 if one.protocol == TCP else 0
        steps = spoken.steps(number)
        for step, who in enumerate(spoken.directions[number]):
            chosen = (flows.application[flow] == number) & (place == handshake + step)
            variant = flows.variant[flow[chosen]]
            row[chosen] = spoken.first_row[number] + variant * steps + step
            reverse[chosen] = bool(who)
            payload[chosen] = spoken.lengths[row[chosen]]
    return row


def _sequence(
    random: np.random.Generator,
    flow: npt.NDArray[np.int32],
    first: Numbers,
    reverse: Bools,
    payload: Numbers,
    flags: Octets,
) -> tuple[Longs, Longs]:
    """Sequence and acknowledgement numbers from what each side has sent before."""

    def sent_before(mask: Bools) -> npt.NDArray[np.uint64]:
        sent = np.where(mask, payload + ((flags & (SYN | FIN)) > 0), 0).astype(np.int64)
        total = np.cumsum(sent) - sent
        before: npt.NDArray[np.uint64] = (total - total[first][flow]).astype(np.uint64)
        return before

    initial = random.integers(0, 2**32, (len(first), 2), dtype=np.uint64)
    client = initial[flow, 0] + sent_before(~reverse)
    server = initial[flow, 1] + sent_before(reverse)
    sequence = np.where(reverse, server, client).astype(np.uint32)
    acknowledged = np.where(reverse, client, server).astype(np.uint32)
    acknowledged[(flags & ACK) == 0] = 0
    return sequence, acknowledged


def _servers(settings: Settings, random: np.random.Generator, protocol: Octets) -> Longs:
    server = (random.zipf(1.3, settings.flows) % settings.servers).astype(np.uint32)
    pinged = np.flatnonzero(protocol == ICMP).astype(np.uint64)
    # ICMP has no ports that could tell two flows of one client apart.
    server[protocol == ICMP] = ((pinged * np.uint64(0x9E3779)) & np.uint64(0xFFFFFF)).astype(
        np.uint32
    )
    return server


ETHERNET_OCTETS = 14
SHORTEST_FRAME = 60
FRAME_OCTETS = np.array([60, 590, 1514])
FRAME_SHARES = np.array([7, 4, 1]) / 12.0

PORTS = (80, 443, 443, 443, 22, 25, 53, 8080, 3389, 5432, 6881, 123)
PORTS_BESIDE_APPLICATIONS = (22, 8080, 3389, 5432, 6881, 9000, 27015, 8443)
"""Ports of flows that say nothing known, where others do: so the counts of these are exact."""
