# SPDX-License-Identifier: Apache-2.0
"""What a golden capture is, and the two exchanges that most of them carry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from golden.containers import NS_PER_S, Frame, pcap
from golden.link import ETHERNET
from golden.net import ends
from golden.transport import ACK, FIN, PSH, SYN, tcp_packet, udp_packet

START_NS = 1_700_000_000 * NS_PER_S + 250_000_000
STEP_NS = 1_000_000

HOSTS_V4 = ends("192.0.2.1", "198.51.100.2")
HOSTS_V6 = ends("2001:db8:1::1", "2001:db8:2::2")
TUNNEL_V4 = ends("203.0.113.1", "203.0.113.2")
TUNNEL_V6 = ends("2001:db8:f::1", "2001:db8:f::2")

CLIENT_PORT = 40_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One golden capture."""

    name: str
    """The file's name without its suffix."""

    shows: str
    """What it is there for, in half a line."""

    content: bytes
    """The whole file."""

    suffix: str = ".pcap"
    judge: Sequence[str] = ()
    """Arguments that the judge needs to see what this build sees."""

    unjudged: str = ""
    """What the judge cannot say, and why; empty where it says all."""


Sent = tuple[bool, bytes]
"""Whether a packet goes back, and the packet."""

Wrap = Callable[[bytes, bool], bytes]
"""Puts a packet into what carries it; told whether it goes back."""


def tcp_exchange() -> list[Sent]:
    """A short IPv4 connection, opened and closed."""
    port, there, back = CLIENT_PORT, HOSTS_V4, HOSTS_V4.back
    return [
        (False, tcp_packet(there, port, 80, flags=SYN, seq=100, ack=0)),
        (True, tcp_packet(back, 80, port, flags=SYN | ACK, seq=500, ack=101)),
        (False, tcp_packet(there, port, 80, b"GET", flags=PSH | ACK, seq=101, ack=501)),
        (True, tcp_packet(back, 80, port, b"found", flags=PSH | ACK, seq=501, ack=104)),
        (False, tcp_packet(there, port, 80, flags=FIN | ACK, seq=104, ack=506)),
        (True, tcp_packet(back, 80, port, flags=FIN | ACK, seq=506, ack=105)),
        (False, tcp_packet(there, port, 80, flags=ACK, seq=105, ack=507)),
    ]


def udp_exchange() -> list[Sent]:
    """A question and an answer over IPv6."""
    return [
        (False, udp_packet(HOSTS_V6, CLIENT_PORT, 7777, b"ask")),
        (True, udp_packet(HOSTS_V6.back, 7777, CLIENT_PORT, b"an answer")),
    ]


def both_exchanges() -> list[Sent]:
    return tcp_exchange() + udp_exchange()


def timed(octets: Iterable[bytes], step_ns: int = STEP_NS) -> list[Frame]:
    """Frames at even distances."""
    return [Frame(START_NS + at * step_ns, one) for at, one in enumerate(octets)]


def carried(exchange: Iterable[Sent], wrap: Wrap) -> list[Frame]:
    """The exchange's packets, each wrapped by `wrap`, at even distances."""
    return timed(wrap(packet, back) for back, packet in exchange)


def case(
    name: str,
    shows: str,
    frames: Iterable[Frame],
    *,
    link: int = ETHERNET,
    judge: Sequence[str] = (),
    unjudged: str = "",
) -> Case:
    """A capture in the plainest container."""
    return Case(
        name=name,
        shows=shows,
        content=pcap(frames, link),
        judge=judge,
        unjudged=unjudged,
    )
