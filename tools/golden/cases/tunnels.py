# SPDX-License-Identifier: Apache-2.0
"""Packets in packets: every tunnel that is looked into."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from golden import net, tunnel
from golden.case import (
    HOSTS_V6,
    TUNNEL_V4,
    TUNNEL_V6,
    Case,
    Sent,
    both_exchanges,
    carried,
    case,
    tcp_exchange,
    timed,
    udp_exchange,
)
from golden.link import ethernet, ip_ethertype, labels, ppp
from golden.net import Ends, ip
from golden.transport import udp

Inside = Callable[[bytes, bool], bytes]
"""The octets behind the outer IP header, or the outer UDP header, for an inner packet."""


def cases() -> list[Case]:
    return [*gre(), *bare_ip(), *over_udp(), *mirrored(), *teredo(), *nested()]


def over_ip(
    name: str,
    shows: str,
    protocol: int,
    inside: Inside,
    *,
    outer: Ends = TUNNEL_V4,
    exchange: Sequence[Sent] | None = None,
    judge: Sequence[str] = (),
    unjudged: str = "",
) -> Case:
    def wrap(packet: bytes, back: bool) -> bytes:
        return ethernet(ip(outer.way(back), protocol, inside(packet, back)), back=back)

    frames = carried(both_exchanges() if exchange is None else exchange, wrap)
    return case(name, shows, frames, judge=judge, unjudged=unjudged)


def over_port(
    name: str,
    shows: str,
    port: int,
    inside: Inside,
    *,
    outer: Ends = TUNNEL_V4,
    exchange: Sequence[Sent] | None = None,
    judge: Sequence[str] = (),
    unjudged: str = "",
    same_port: bool = False,
) -> Case:
    def carrier(packet: bytes, back: bool) -> bytes:
        src_port = port if same_port else 50_000 + back
        return udp(outer.way(back), src_port, port, inside(packet, back))

    return over_ip(
        name,
        shows,
        net.UDP,
        carrier,
        outer=outer,
        exchange=exchange,
        judge=judge,
        unjudged=unjudged,
    )


def inner_frame(packet: bytes, back: bool, tags: Sequence[tuple[int, int]] = ()) -> bytes:
    return ethernet(packet, back=back, inner=True, tags=tags)


def gre() -> list[Case]:
    def of(packet: bytes, **optional: int | bool | bytes | None) -> bytes:
        return tunnel.gre(ip_ethertype(packet), packet, **optional)  # type: ignore[arg-type]

    every = {"with_checksum": True, "sequence": 4}
    route = tunnel.source_route(TUNNEL_V4.dst)
    return [
        over_ip("gre", "GRE without optional fields", net.GRE, lambda p, b: of(p)),
        over_ip(
            "gre-checksum", "GRE with a checksum", net.GRE, lambda p, b: of(p, with_checksum=True)
        ),
        over_ip("gre-key", "GRE with a key a direction", net.GRE, lambda p, b: of(p, key=700 + b)),
        over_ip(
            "gre-sequence", "GRE with sequence numbers", net.GRE, lambda p, b: of(p, sequence=9)
        ),
        over_ip("gre-all", "GRE with all three", net.GRE, lambda p, b: of(p, key=701, **every)),
        over_ip(
            "gre-routing",
            "GRE with a source route",
            net.GRE,
            lambda p, b: of(p, routing=route),
            unjudged="that such packets are for nobody to look into (RFC 2784, 2.3)",
        ),
        over_ip(
            "gre-v6", "GRE over IPv6", net.GRE, lambda p, b: of(p, key=1 << 31), outer=TUNNEL_V6
        ),
        over_ip(
            "gre-ethernet",
            "Ethernet in GRE without a key",
            net.GRE,
            lambda p, b: tunnel.gre(0x6558, inner_frame(p, b)),
        ),
        over_ip(
            "gre-mpls",
            "MPLS in GRE",
            net.GRE,
            lambda p, b: tunnel.gre(0x8847, labels((16, 17)) + p),
        ),
        over_ip(
            "gre-pptp",
            "PPP in enhanced GRE",
            net.GRE,
            lambda p, b: tunnel.gre_pptp(ppp(p, b"\xff\x03"), 5 + b, sequence=1, acknowledgment=2),
        ),
        over_ip(
            "gre-pptp-compressed",
            "the same, PPP without address and control",
            net.GRE,
            lambda p, b: tunnel.gre_pptp(ppp(p), 5 + b, sequence=1, acknowledgment=None),
        ),
        case(
            "gre-pptp-acknowledgment",
            "enhanced GRE that carries nothing",
            timed(
                ethernet(
                    ip(
                        TUNNEL_V4,
                        net.GRE,
                        tunnel.gre_pptp(b"", 5, sequence=None, acknowledgment=at),
                    )
                )
                for at in range(2)
            ),
        ),
        over_ip("nvgre", "NVGRE", net.GRE, lambda p, b: tunnel.nvgre(5001, 7, inner_frame(p, b))),
        over_ip(
            "nvgre-vlan",
            "NVGRE with tags in the frame",
            net.GRE,
            lambda p, b: tunnel.nvgre(5001, b, inner_frame(p, b, [(0x8100, 77)])),
        ),
    ]


def bare_ip() -> list[Case]:
    def of(packet: bytes, _back: bool) -> bytes:
        return packet

    four, six = tcp_exchange(), udp_exchange()
    return [
        over_ip("ipip-4in4", "IPv4 in IPv4", net.IPV4, of, exchange=four),
        over_ip("ipip-6in4", "IPv6 in IPv4", net.IPV6, of, exchange=six),
        over_ip("ipip-4in6", "IPv4 in IPv6", net.IPV4, of, exchange=four, outer=TUNNEL_V6),
        over_ip("ipip-6in6", "IPv6 in IPv6", net.IPV6, of, exchange=six, outer=TUNNEL_V6),
        over_ip(
            "ipip-encapsulation-limit",
            "IPv6 in IPv6 behind a tunnel encapsulation limit",
            net.DESTINATION,
            lambda p, b: net.extension(net.IPV6, b"\x04\x01\x04\x01\x01\x00") + p,
            exchange=six,
            outer=TUNNEL_V6,
        ),
        over_ip("etherip", "EtherIP", net.ETHERIP, lambda p, b: tunnel.etherip(inner_frame(p, b))),
    ]


def over_udp() -> list[Case]:
    tagged = [(0x8100, 66)]
    option = tunnel.geneve_option(b"\1\2\3\4\5\6\7\x08") + tunnel.geneve_option(b"")
    session = bytes.fromhex("01100900")
    return [
        over_port(
            "vxlan", "VXLAN", tunnel.PORT_VXLAN, lambda p, b: tunnel.vxlan(42, inner_frame(p, b))
        ),
        over_port(
            "vxlan-vlan",
            "VXLAN with a tag in the frame",
            tunnel.PORT_VXLAN,
            lambda p, b: tunnel.vxlan(42, inner_frame(p, b, tagged)),
        ),
        over_port(
            "vxlan-v6",
            "VXLAN over IPv6",
            tunnel.PORT_VXLAN,
            lambda p, b: tunnel.vxlan(0xFFFFFF, inner_frame(p, b)),
            outer=TUNNEL_V6,
        ),
        over_port(
            "vxlan-8472",
            "VXLAN on Linux's old port",
            tunnel.PORT_VXLAN_LINUX,
            lambda p, b: tunnel.vxlan(43, inner_frame(p, b)),
            judge=("-d", "udp.port==8472,vxlan"),
        ),
        over_port(
            "vxlan-gpe",
            "VXLAN-GPE around IP",
            tunnel.PORT_VXLAN_GPE,
            lambda p, b: tunnel.vxlan_gpe(44, 2 if p[0] >> 4 == 6 else 1, p),
        ),
        over_port(
            "geneve",
            "GENEVE around Ethernet",
            tunnel.PORT_GENEVE,
            lambda p, b: tunnel.geneve(45, 0x6558, inner_frame(p, b)),
        ),
        over_port(
            "geneve-options",
            "GENEVE with options",
            tunnel.PORT_GENEVE,
            lambda p, b: tunnel.geneve(46, 0x6558, inner_frame(p, b, tagged), option),
        ),
        over_port(
            "geneve-ip",
            "GENEVE around IP, over IPv6",
            tunnel.PORT_GENEVE,
            lambda p, b: tunnel.geneve(47, ip_ethertype(p), p),
            outer=TUNNEL_V6,
        ),
        over_port(
            "gtpu",
            "GTP-U, a TEID a direction",
            tunnel.PORT_GTPU,
            lambda p, b: tunnel.gtpu(0x1000 + b, p),
            same_port=True,
        ),
        over_port(
            "gtpu-sequence",
            "GTP-U with sequence numbers",
            tunnel.PORT_GTPU,
            lambda p, b: tunnel.gtpu(0x2000 + b, p, sequence=513),
            same_port=True,
        ),
        over_port(
            "gtpu-extensions",
            "GTP-U with two extension headers",
            tunnel.PORT_GTPU,
            lambda p, b: tunnel.gtpu(
                0x3000 + b,
                p,
                extensions=session[:3] + b"\xc0" + b"\x01\x12\x34\x00",
                first_extension=0x85,
            ),
            same_port=True,
        ),
        case(
            "gtpu-echo",
            "GTP-U messages that carry no packet",
            timed(
                ethernet(
                    ip(
                        TUNNEL_V4,
                        net.UDP,
                        udp(
                            TUNNEL_V4,
                            2152,
                            2152,
                            tunnel.gtpu(0, b"", message=message, sequence=message),
                        ),
                    )
                )
                for message in (1, 2)
            ),
        ),
    ]


def mirrored() -> list[Case]:
    def frame(packet: bytes, back: bool) -> bytes:
        return inner_frame(packet, back, [(0x8100, 88)])

    return [
        over_ip("erspan-1", "ERSPAN type I", net.GRE, lambda p, b: tunnel.erspan_i(frame(p, b))),
        over_ip(
            "erspan-2",
            "ERSPAN type II",
            net.GRE,
            lambda p, b: tunnel.erspan_ii(100, 88, 1, frame(p, b)),
        ),
        over_ip(
            "erspan-3",
            "ERSPAN type III",
            net.GRE,
            lambda p, b: tunnel.erspan_iii(200, 88, 1, frame(p, b), platform=False),
        ),
        over_ip(
            "erspan-3-platform",
            "ERSPAN type III with a platform header",
            net.GRE,
            lambda p, b: tunnel.erspan_iii(201, 88, 1, frame(p, b), platform=True),
        ),
    ]


def teredo() -> list[Case]:
    signed, origin = tunnel.teredo_authentication(), tunnel.teredo_origin(40_000, "192.0.2.45")

    def of(name: str, shows: str, before: bytes) -> Case:
        return over_port(
            name, shows, tunnel.PORT_TEREDO, lambda p, b: before + p, exchange=udp_exchange()
        )

    return [
        of("teredo", "Teredo", b""),
        of("teredo-authentication", "Teredo with an authentication header", signed),
        of("teredo-origin", "Teredo with an origin indication", origin),
        of("teredo-both", "Teredo with both", signed + origin),
        case(
            "teredo-bubble",
            "a Teredo bubble",
            timed(
                [
                    ethernet(
                        ip(
                            TUNNEL_V4,
                            net.UDP,
                            udp(
                                TUNNEL_V4,
                                50_000,
                                tunnel.PORT_TEREDO,
                                ip(HOSTS_V6, net.NO_NEXT_HEADER, b""),
                            ),
                        )
                    )
                ]
            ),
        ),
    ]


def nested() -> list[Case]:
    def vxlan_in_gre(packet: bytes, back: bool) -> bytes:
        between = TUNNEL_V6.way(back)
        carrier = udp(
            between, 50_000, tunnel.PORT_VXLAN, tunnel.vxlan(42, inner_frame(packet, back))
        )
        middle = ip(between, net.UDP, carrier)
        return tunnel.gre(ip_ethertype(middle), middle, key=6)

    def many(times: int) -> Inside:
        def wrap(packet: bytes, back: bool) -> bytes:
            for at in range(times - 1):
                between = net.ends(f"203.0.113.{10 + at}", f"203.0.113.{110 + at}").way(back)
                packet = ip(between, net.IPV4, packet)
            return packet

        return wrap

    four = tcp_exchange()
    return [
        over_ip("nested-2", "VXLAN in GRE", net.GRE, vxlan_in_gre),
        over_ip("nested-4", "IPv4 in IPv4, four deep", net.IPV4, many(4), exchange=four),
        over_ip(
            "nested-10",
            "IPv4 in IPv4, ten deep: deeper than is looked",
            net.IPV4,
            many(10),
            exchange=four,
            unjudged="where to stop: the judge goes down to the last packet",
        ),
    ]
