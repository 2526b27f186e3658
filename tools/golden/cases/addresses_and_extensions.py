# SPDX-License-Identifier: Apache-2.0
"""IPv4 options, the IPv6 extension chain, and the security headers of both."""

from __future__ import annotations

from golden import net
from golden.case import CLIENT_PORT, HOSTS_V4, HOSTS_V6, Case, case, timed
from golden.containers import Frame
from golden.link import ethernet
from golden.net import Ends, ip, ipv4, ipv6
from golden.transport import icmpv6, tcp, udp


def cases() -> list[Case]:
    return [*ipv4_headers(), *ipv6_headers(), *security()]


def ipv4_headers() -> list[Case]:
    def with_options(name: str, shows: str, options: bytes) -> Case:
        return case(
            name, shows, timed(_udp_v4(options=options, back=back) for back in (False, True))
        )

    record_route = bytes([7, 11, 8]) + HOSTS_V4.src + bytes(4)
    timestamp = bytes([68, 12, 13, 0]) + bytes(8)
    return [
        with_options("ipv4-router-alert", "IPv4 with one option", bytes([148, 4, 0, 0])),
        with_options(
            "ipv4-options", "IPv4 with several options", record_route + b"\x01" + timestamp
        ),
        with_options("ipv4-options-full", "IPv4 with a header of 60 octets", b"\x01" * 40),
        case(
            "ipv4-fields",
            "type of service, time to live, don't fragment",
            timed(
                ethernet(
                    ipv4(HOSTS_V4, net.UDP, _datagram(HOSTS_V4), tos=tos, ttl=ttl, fragment=word)
                )
                for tos, ttl, word in ((0xB8, 64, 0x4000), (0, 1, 0), (0x03, 255, 0x4000))
            ),
        ),
        case(
            "ipv4-length-zero",
            "a total length of zero, as segmentation offload leaves it",
            timed(
                [
                    ethernet(
                        ipv4(HOSTS_V4, net.TCP, tcp(HOSTS_V4, 1, 2, bytes(3000)), total_length=0)
                    )
                ]
            ),
        ),
    ]


def ipv6_headers() -> list[Case]:
    through = HOSTS_V6.dst

    def chain(name: str, shows: str, *headers: tuple[int, bytes], unjudged: str = "") -> Case:
        frames = timed(_chained(headers, back) for back in (False, True))
        return case(name, shows, frames, unjudged=unjudged)

    last_for_judge = "what follows: the judge takes the header for the packet's last"

    hop = (net.HOP_BY_HOP, bytes(6))
    destination = (net.DESTINATION, b"\x01\x04" + bytes(4))
    route = (net.ROUTING, b"\x02\x00" + bytes(4) + through)
    segments = (net.ROUTING, b"\x04\x00\x00\x00\x00\x00" + through)
    mobility = (net.MOBILITY, b"\x00\x00" + bytes(4))
    hip = (net.HIP, b"\x01\x21" + bytes(36))
    shim = (net.SHIM6, b"\x80" + bytes(5))
    atomic = (net.FRAGMENT, b"")
    return [
        chain("ipv6-hop-by-hop", "a hop-by-hop options header", hop),
        chain("ipv6-destination", "a destination options header", destination),
        chain("ipv6-routing", "a type 2 routing header", route),
        chain("ipv6-segment-routing", "a segment routing header", segments),
        chain("ipv6-atomic-fragment", "a fragment header around a whole datagram", atomic),
        chain("ipv6-mobility", "a mobility header before UDP", mobility, unjudged=last_for_judge),
        chain("ipv6-hip", "a host identity header before UDP", hip, unjudged=last_for_judge),
        chain("ipv6-shim6", "a shim6 header before UDP", shim),
        chain("ipv6-chain", "five headers in a row", hop, destination, route, atomic, destination),
        case(
            "ipv6-no-next-header",
            "a chain that ends with nothing",
            timed(
                [
                    ethernet(ipv6(HOSTS_V6, net.HOP_BY_HOP, net.options(net.NO_NEXT_HEADER))),
                    ethernet(ipv6(HOSTS_V6, net.NO_NEXT_HEADER, b"ignored")),
                ]
            ),
        ),
        case("ipv6-jumbogram", "a jumbo payload option, cut after the headers", [_jumbogram()]),
        case(
            "ipv6-fields",
            "traffic class, flow label, hop limit",
            timed(
                ethernet(
                    ipv6(HOSTS_V6, net.UDP, _datagram(HOSTS_V6), tos=tos, ttl=ttl, flow_label=label)
                )
                for tos, ttl, label in ((0xB8, 64, 0xABCDE), (0, 1, 0), (0x03, 255, 0xFFFFF))
            ),
        ),
    ]


def security() -> list[Case]:
    def authenticated(between: Ends) -> bytes:
        return ethernet(ip(between, net.AH, net.authentication(net.UDP) + _datagram(between)))

    def sealed(between: Ends) -> bytes:
        return ethernet(ip(between, net.ESP, net.encapsulated_security()))

    hidden = net.authentication(net.ESP) + net.encapsulated_security()
    return [
        case(
            "ah-v4",
            "AH before UDP over IPv4",
            timed([authenticated(HOSTS_V4), authenticated(HOSTS_V4.back)]),
        ),
        case(
            "ah-v6",
            "AH before UDP over IPv6",
            timed([authenticated(HOSTS_V6), authenticated(HOSTS_V6.back)]),
        ),
        case("esp-v4", "ESP over IPv4", timed([sealed(HOSTS_V4), sealed(HOSTS_V4.back)])),
        case("esp-v6", "ESP over IPv6", timed([sealed(HOSTS_V6), sealed(HOSTS_V6.back)])),
        case("ah-esp", "ESP behind AH", timed([ethernet(ipv4(HOSTS_V4, net.AH, hidden))])),
        case(
            "ah-icmpv6",
            "ICMPv6 behind hop-by-hop options and AH",
            timed(
                [ethernet(ipv6(HOSTS_V6, net.HOP_BY_HOP, net.options(net.AH) + _echo_behind_ah()))]
            ),
        ),
    ]


def _datagram(between: Ends) -> bytes:
    return udp(between, CLIENT_PORT, 7777, b"payload")


def _udp_v4(options: bytes, back: bool) -> bytes:
    between = HOSTS_V4.way(back)
    ports = (7777, CLIENT_PORT) if back else (CLIENT_PORT, 7777)
    return ethernet(
        ipv4(between, net.UDP, udp(between, *ports, b"payload"), options=options), back=back
    )


def _chained(headers: tuple[tuple[int, bytes], ...], back: bool) -> bytes:
    between = HOSTS_V6.way(back)
    ports = (7777, CLIENT_PORT) if back else (CLIENT_PORT, 7777)
    payload, following = udp(between, *ports, b"payload"), net.UDP
    for number, data in reversed(headers):
        if number == net.FRAGMENT:
            payload = net.fragment(following, 0, False, 0x5005) + payload
        else:
            payload = net.extension(following, data) + payload
        following = number
    return ethernet(ipv6(between, following, payload), back=back)


def _echo_behind_ah() -> bytes:
    echo = icmpv6(HOSTS_V6, 128, 0, b"\x12\x34\0\1data")
    return net.authentication(net.ICMPV6) + echo


def _jumbogram() -> Frame:
    length = 70_000
    options = net.jumbo_options(net.UDP, length)
    held = udp(HOSTS_V6, 9, 9, bytes(100), length=0)
    frame = ethernet(ipv6(HOSTS_V6, net.HOP_BY_HOP, options + held, payload_length=0))
    return Frame(timed([b""])[0].time_ns, frame, 14 + 40 + length)
