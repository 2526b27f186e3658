# SPDX-License-Identifier: Apache-2.0
"""Datagrams in pieces, in every order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from golden import net
from golden.case import HOSTS_V4, HOSTS_V6, TUNNEL_V4, Case, case, tcp_exchange, timed
from golden.link import ethernet
from golden.net import Ends, ip, ipv4, ipv6
from golden.transport import ACK, PSH, tcp, udp
from golden.tunnel import PORT_VXLAN, gre, vxlan

if TYPE_CHECKING:
    from collections.abc import Sequence

PIECE_OCTETS = 400
DATA = bytes(range(256)) * 5


def cases() -> list[Case]:
    return [*both_versions("v4", HOSTS_V4), *both_versions("v6", HOSTS_V6), *others()]


def both_versions(version: str, between: Ends) -> list[Case]:
    first, second, third, last = datagram(between, 5000, 1)
    other = datagram(between, 6000, 2)
    shown = f"IP{version} fragments"

    def of(name: str, shows: str, packets: Sequence[bytes], unjudged: str = "") -> Case:
        frames = timed(ethernet(packet) for packet in packets)
        return case(f"fragments-{version}-{name}", f"{shown} {shows}", frames, unjudged=unjudged)

    mixed = [
        piece for pair in zip(other, (last, third, second, first), strict=True) for piece in pair
    ]
    return [
        of("ordered", "in order", [first, second, third, last]),
        of("reversed", "in reverse order", [last, third, second, first]),
        of("no-first", "whose first never comes", [second, third, last]),
        of("no-last", "whose last never comes", [first, second, third]),
        of("overlapping", "that overlap, with one twice", overlapping(between)),
        of("interleaved", "of two datagrams between the same hosts, one reversed", mixed),
        of(
            "reused",
            "of two datagrams with the same identification, in turn",
            [
                *datagram(between, 5000, 9),
                *datagram(between, 6000, 9),
            ],
        ),
        of(
            "both-ways",
            "in both directions",
            [
                *datagram(between, 5000, 1),
                *datagram(between.back, 5001, 1, src_port=5000),
            ],
        ),
    ]


def others() -> list[Case]:
    segment = tcp(HOSTS_V4, 5000, 80, DATA, flags=PSH | ACK)
    short_first = [
        _piece(HOSTS_V4, net.TCP, segment, 0, 8, 4),
        _piece(HOSTS_V4, net.TCP, segment, 8, 1024, 4),
        _piece(HOSTS_V4, net.TCP, segment, 1032, len(segment), 4),
    ]
    tcp_pieces = pieces(HOSTS_V4, net.TCP, segment, 3)
    chained = [
        ipv6(HOSTS_V6, net.HOP_BY_HOP, net.options(net.FRAGMENT) + piece[40:])
        for piece in datagram(HOSTS_V6, 5000, 7)
    ]
    return [
        case("fragments-tcp", "a TCP segment in pieces", timed(map(ethernet, tcp_pieces))),
        case(
            "fragments-short-first",
            "a first fragment that ends within the TCP header",
            timed(map(ethernet, short_first)),
            unjudged="ports of an incomplete header: the judge shows those that are there",
        ),
        case(
            "fragments-hop-by-hop",
            "IPv6 fragments behind an options header",
            timed(map(ethernet, chained)),
        ),
        case(
            "fragments-inner",
            "fragments inside GRE",
            timed(
                ethernet(ip(TUNNEL_V4, net.GRE, gre(0x0800, piece)))
                for piece in datagram(HOSTS_V4, 5000, 11)
            ),
        ),
        case(
            "fragments-outer-vxlan",
            "VXLAN whose outer packets are in pieces",
            timed(map(ethernet, outer_pieces())),
            unjudged="which flow a later fragment of the outer packet belongs to",
        ),
        case("fragments-tiny", "eight octets a piece", timed(map(ethernet, tiny()))),
    ]


def datagram(between: Ends, port: int, identification: int, src_port: int = 5001) -> list[bytes]:
    """Four fragments of one UDP datagram."""
    whole = udp(between, src_port, port, DATA)
    return pieces(between, net.UDP, whole, identification)


def pieces(between: Ends, protocol: int, whole: bytes, identification: int) -> list[bytes]:
    starts = range(0, len(whole), PIECE_OCTETS)
    return [
        _piece(between, protocol, whole, at, at + PIECE_OCTETS, identification) for at in starts
    ]


def overlapping(between: Ends) -> list[bytes]:
    whole = udp(between, 5001, 5000, DATA)
    spans = ((0, 400), (320, 800), (320, 800), (640, 1288), (0, 400))
    return [_piece(between, net.UDP, whole, start, end, 21) for start, end in spans]


def outer_pieces() -> list[bytes]:
    packets = []
    for at, (back, packet) in enumerate(tcp_exchange()):
        inner = ethernet(packet + bytes(500), back=back, inner=True)
        between = TUNNEL_V4.way(back)
        carrier = udp(between, 50_000 + back, PORT_VXLAN, vxlan(42, inner))
        packets += pieces(between, net.UDP, carrier, 100 + at)
    return packets


def tiny() -> list[bytes]:
    whole = udp(HOSTS_V4, 5001, 5000, bytes(40))
    return [_piece(HOSTS_V4, net.UDP, whole, at, at + 8, 31) for at in range(0, len(whole), 8)]


def _piece(
    between: Ends, protocol: int, whole: bytes, start: int, end: int, identification: int
) -> bytes:
    data, more = whole[start:end], end < len(whole)
    if between.version == 4:
        word = start // 8 | (net.MORE_FRAGMENTS if more else 0)
        return ipv4(between, protocol, data, fragment=word, identification=identification)
    head = net.fragment(protocol, start, more, identification)
    return ipv6(between, net.FRAGMENT, head + data)
