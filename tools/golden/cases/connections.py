# SPDX-License-Identifier: Apache-2.0
"""What makes flows begin, end, split and turn around."""

from __future__ import annotations

from typing import TYPE_CHECKING

from golden import net
from golden.case import CLIENT_PORT, HOSTS_V4, HOSTS_V6, START_NS, Case, case
from golden.containers import NS_PER_S, Frame
from golden.link import ethernet
from golden.net import ipv4
from golden.transport import ACK, FIN, PSH, RST, SYN, echo, icmp, tcp_packet, udp_packet

if TYPE_CHECKING:
    from collections.abc import Iterable

Step = tuple[float, bool, int, bytes]
"""Seconds since the start, whether it goes back, TCP flags, payload."""

OPENING: list[Step] = [
    (0.000, False, SYN, b""),
    (0.010, True, SYN | ACK, b""),
    (0.020, False, ACK, b""),
]
TALK: list[Step] = [
    (0.030, False, PSH | ACK, b"question"),
    (0.040, True, PSH | ACK, b"a longer answer"),
]
CLOSING: list[Step] = [
    (0.050, False, FIN | ACK, b""),
    (0.060, True, FIN | ACK, b""),
    (0.070, False, ACK, b""),
]
WHOLE = OPENING + TALK + CLOSING


def cases() -> list[Case]:
    return [*closings(), *openings(), *times()]


def connection(name: str, shows: str, steps: Iterable[Step]) -> Case:
    frames = []
    sent = {False: 1000, True: 5000}
    for at_s, back, flags, payload in steps:
        ports = (80, CLIENT_PORT) if back else (CLIENT_PORT, 80)
        packet = tcp_packet(
            HOSTS_V4.way(back), *ports, payload, flags=flags, seq=sent[back], ack=sent[not back]
        )
        sent[back] += len(payload) + bool(flags & (SYN | FIN))
        frames.append(Frame(_at(at_s), ethernet(packet, back=back)))
    return case(name, shows, frames)


def closings() -> list[Case]:
    late: list[Step] = [(0.5, True, FIN | ACK, b""), (1.9, False, ACK, b"")]
    later: list[Step] = [(2.5, True, FIN | ACK, b"")]
    again: list[Step] = [(at + 0.5, back, flags, data) for at, back, flags, data in WHOLE]
    half: list[Step] = [
        (0.050, False, FIN | ACK, b""),
        (0.060, True, ACK, b""),
        (1.000, True, PSH | ACK, b"more"),
        (5.000, True, PSH | ACK, b"and more"),
        (9.000, True, FIN | ACK, b""),
        (9.010, False, ACK, b""),
    ]
    return [
        connection("close-fin", "FIN both ways and the last ACK", WHOLE),
        connection("close-retransmitted", "FIN and ACK again within two seconds", WHOLE + late),
        connection("close-much-later", "a FIN again after two seconds", WHOLE + later),
        connection("close-rst", "RST instead of FIN", [*OPENING, *TALK, (0.05, True, RST, b"")]),
        connection(
            "close-rst-late",
            "RST, then segments that were under way",
            [
                *OPENING,
                *TALK,
                (0.05, False, RST | ACK, b""),
                (0.06, True, PSH | ACK, b"on its way"),
            ],
        ),
        connection(
            "close-half",
            "one side goes on for nine seconds after the other's FIN",
            OPENING + TALK + half,
        ),
        connection(
            "close-fin-rst",
            "FIN, answered by RST",
            [*OPENING, *TALK, (0.05, False, FIN | ACK, b""), (0.06, True, RST, b"")],
        ),
        connection(
            "close-reused", "the same ports again half a second after the end", WHOLE + again
        ),
        connection("close-never", "a connection that the capture leaves open", OPENING + TALK),
        connection(
            "close-one-fin", "FIN one way only", [*OPENING, *TALK, (0.05, False, FIN | ACK, b"")]
        ),
        connection(
            "close-simultaneous",
            "FIN from both before either is acknowledged",
            [
                *OPENING,
                (0.050, False, FIN | ACK, b""),
                (0.050, True, FIN | ACK, b""),
                (0.060, True, ACK, b""),
                (0.060, False, ACK, b""),
            ],
        ),
    ]


def openings() -> list[Case]:
    repeated: list[Step] = [(0.0, False, SYN, b""), (1.0, False, SYN, b""), (3.0, False, SYN, b"")]
    moved: list[Step] = [(at + 3.0, back, flags, data) for at, back, flags, data in WHOLE[1:]]
    refused: list[Step] = [(0.0, False, SYN, b""), (0.001, True, RST | ACK, b"")]
    return [
        connection("open-syn-again", "SYN three times, then a connection", repeated + moved),
        connection("open-syn-ack-first", "the capture begins with the SYN-ACK", WHOLE[1:]),
        connection("open-middle", "the capture begins with the server's data", WHOLE[4:]),
        connection("open-refused", "SYN, answered by RST", refused),
        connection(
            "open-refused-again",
            "three attempts, each refused",
            [(at * 1.0 + step[0], *step[1:]) for at in range(3) for step in refused],
        ),
        connection("open-syn-only", "SYN without an answer", repeated),
    ]


def times() -> list[Case]:
    def datagrams(name: str, shows: str, ways: Iterable[tuple[float, bool]]) -> Case:
        return case(
            name,
            shows,
            [Frame(_at(at_s), ethernet(_datagram(back), back=back)) for at_s, back in ways],
        )

    def pings(name: str, shows: str, kinds: Iterable[int]) -> Case:
        return case(
            name,
            shows,
            [
                Frame(_at(at * 0.1), ethernet(_ping(kind), back=kind == 0))
                for at, kind in enumerate(kinds)
            ],
        )

    return [
        datagrams(
            "idle-just-below",
            "gaps one microsecond below 30 s",
            [(0, False), (29.999999, True), (59.999998, False)],
        ),
        datagrams("idle-exact", "gaps of exactly 30 s", [(0, False), (30, True), (60, False)]),
        datagrams("idle-above", "a gap of 31 s", [(0, False), (1, True), (32, False), (33, True)]),
        datagrams(
            "active-cut",
            "700 s, a datagram every 20 s, answered",
            [
                (at + late, back)
                for at in range(0, 700, 20)
                for late, back in ((0, False), (1, True))
            ],
        ),
        datagrams(
            "active-exact",
            "datagrams at 280 s and at exactly 300 s",
            [*((at, False) for at in range(0, 281, 20)), (300, False)],
        ),
        datagrams(
            "active-turned",
            "pieces whose first packet goes back",
            [*((at, at >= 290) for at in range(0, 600, 10))],
        ),
        datagrams(
            "time-backwards",
            "time that jumps back by a minute",
            [(100, False), (101, True), (40, False), (41, True), (102, False), (103, True)],
        ),
        datagrams("time-equal", "all at one instant", [(5, at % 2 == 1) for at in range(6)]),
        pings("ping-reply-first", "an echo reply before any request", [0, 8, 0]),
        pings("ping-replies-only", "echo replies without requests", [0, 0]),
        pings("ping-requests-only", "echo requests without replies", [8, 8, 8]),
    ]


def _at(seconds: float) -> int:
    return START_NS + round(seconds * 1_000_000) * (NS_PER_S // 1_000_000)


def _datagram(back: bool) -> bytes:
    ports = (7777, CLIENT_PORT) if back else (CLIENT_PORT, 7777)
    return udp_packet(HOSTS_V6.way(back), *ports, b"answer" if back else b"ask")


def _ping(kind: int) -> bytes:
    return ipv4(HOSTS_V4.way(kind == 0), net.ICMP, icmp(kind, 0, echo(0x4242)))
