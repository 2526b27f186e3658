# SPDX-License-Identifier: Apache-2.0
"""What looks like a tunnel, and holds no packet to be metered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from golden import net, tunnel
from golden.cases.tunnels import inner_frame, over_ip, over_port
from golden.link import ETHERTYPE_ARP, arp, ethernet, ip_ethertype

if TYPE_CHECKING:
    from golden.case import Case


def cases() -> list[Case]:
    def not_vxlan(packet: bytes, back: bool) -> bytes:
        return tunnel.vxlan(42, inner_frame(packet, back), flags=0x00)

    def cut_inside(packet: bytes, back: bool) -> bytes:
        return tunnel.gre(ip_ethertype(packet), packet[:12])

    def unknown_inside(packet: bytes, back: bool) -> bytes:
        return tunnel.gre(0x88B5, packet)

    def arp_inside(packet: bytes, back: bool) -> bytes:
        return tunnel.vxlan(42, ethernet(arp(back), ETHERTYPE_ARP, back=back, inner=True))

    return [
        over_port(
            "vxlan-not",
            "VXLAN's port without its flag",
            tunnel.PORT_VXLAN,
            not_vxlan,
            unjudged="that the flag is missing: the judge goes by the port alone",
        ),
        over_ip("gre-inner-cut", "GRE whose inner header is incomplete", net.GRE, cut_inside),
        over_ip("gre-unknown", "GRE around what is no IP", net.GRE, unknown_inside),
        over_port("vxlan-arp", "ARP in VXLAN", tunnel.PORT_VXLAN, arp_inside),
    ]
