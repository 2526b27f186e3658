# SPDX-License-Identifier: Apache-2.0
"""Link types, tags, labels, sessions, and frames that hold no IP packet."""

from __future__ import annotations

import struct
from functools import partial

from golden import link
from golden.case import (
    HOSTS_V4,
    HOSTS_V6,
    Case,
    Wrap,
    both_exchanges,
    carried,
    case,
    tcp_exchange,
    timed,
    udp_exchange,
)
from golden.containers import Frame
from golden.link import ethernet, labels
from golden.transport import udp_packet

TAG, PROVIDER_TAG, OLD_TAG = link.ETHERTYPE_VLAN, link.ETHERTYPE_PROVIDER_VLAN, 0x9100
PRIORITY_5 = 5 << 13


def cases() -> list[Case]:
    return [*link_types(), *tags(), *label_stacks(), *pseudowires(), *sessions(), *not_ip()]


def link_types() -> list[Case]:
    def of(name: str, shows: str, number: int, wrap: Wrap) -> Case:
        return case(name, shows, carried(both_exchanges(), wrap), link=number)

    def null(packet: bytes, order: str, family_v6: int) -> bytes:
        return link.null(packet, family_v6 if packet[0] >> 4 == 6 else 2, order)

    return [
        of("ethernet", "Ethernet II with IPv4 and IPv6", link.ETHERNET, plain),
        of(
            "snap", "IEEE 802.3 with LLC and SNAP", link.ETHERNET, lambda p, b: link.snap(p, back=b)
        ),
        of("sll", "Linux cooked capture", link.SLL, lambda p, b: link.sll(p, back=b)),
        of("sll2", "Linux cooked capture, version 2", link.SLL2, lambda p, b: link.sll2(p, back=b)),
        of("raw-101", "raw IP by its link type number", link.RAW, bare),
        of("raw-12", "raw IP by BSD's number", link.DLT_RAW_12, bare),
        of("raw-14", "raw IP by OpenBSD's number", link.DLT_RAW_14, bare),
        case(
            "raw-228",
            "raw IPv4",
            carried(tcp_exchange(), bare),
            link=link.RAW_IPV4,
        ),
        case("raw-229", "raw IPv6", carried(udp_exchange(), bare), link=link.RAW_IPV6),
        of("null-24", "BSD loopback, NetBSD's IPv6", link.NULL, lambda p, b: null(p, "<", 24)),
        of("null-28", "BSD loopback, FreeBSD's IPv6", link.NULL, lambda p, b: null(p, "<", 28)),
        of("null-30", "BSD loopback, Darwin's IPv6", link.NULL, lambda p, b: null(p, "<", 30)),
        of(
            "null-swapped",
            "BSD loopback of the other order",
            link.NULL,
            lambda p, b: null(p, ">", 30),
        ),
        of("loop", "OpenBSD loopback", link.LOOP, lambda p, b: null(p, ">", 24)),
        of("ppp", "PPP without address and control", link.PPP, lambda p, b: link.ppp(p)),
        of(
            "ppp-framed",
            "PPP with address and control",
            link.PPP,
            lambda p, b: link.ppp(p, b"\xff\x03"),
        ),
        of("ppp-hdlc", "PPP in HDLC framing", link.PPP_HDLC, lambda p, b: link.ppp(p, b"\xff\x03")),
        of("cisco-hdlc", "Cisco's HDLC", link.C_HDLC, lambda p, b: link.cisco_hdlc(p)),
        of(
            "ppp-direction",
            "PPP with a direction octet",
            link.PPP_WITH_DIRECTION,
            lambda p, b: bytes([not b]) + link.ppp(p, b"\xff\x03"),
        ),
        of(
            "ppp-ether",
            "PPPoE session frames without Ethernet",
            link.PPP_ETHER,
            lambda p, b: link.pppoe(p, link.ppp_protocol(p)),
        ),
    ]


def tags() -> list[Case]:
    def tagged(name: str, shows: str, *pairs: tuple[int, int]) -> Case:
        wrap = partial(_tagged, pairs)
        return case(name, shows, carried(both_exchanges(), wrap))

    return [
        tagged("vlan", "one 802.1Q tag", (TAG, PRIORITY_5 | 100)),
        tagged("vlan-priority", "a priority tag: VLAN 0", (TAG, PRIORITY_5)),
        tagged("qinq", "two 802.1Q tags", (TAG, 100), (TAG, 200)),
        tagged("qinq-9100", "two tags, the outer of ethertype 0x9100", (OLD_TAG, 101), (TAG, 201)),
        tagged("8021ad", "a provider tag and a customer's", (PROVIDER_TAG, 300), (TAG, 30)),
        tagged("vlan-three", "three tags", (PROVIDER_TAG, 1000), (TAG, 2000), (TAG, 3000)),
    ]


def label_stacks() -> list[Case]:
    def stack(values: tuple[int, ...]) -> Case:
        return case(
            f"mpls-{len(values)}",
            f"MPLS, {len(values)} label{'s' * (len(values) > 1)}, IPv4 and IPv6 below",
            carried(both_exchanges(), partial(_labelled, values)),
        )

    def after_tag(packet: bytes, back: bool) -> bytes:
        body = labels((16_001, 17)) + packet
        return ethernet(body, link.ETHERTYPE_MPLS, back=back, tags=[(TAG, 44)])

    def explicit_null(packet: bytes, back: bool) -> bytes:
        value = 2 if packet[0] >> 4 == 6 else 0
        return ethernet(labels((18, value)) + packet, link.ETHERTYPE_MPLS, back=back)

    return [
        stack((16_001,)),
        stack((16_001, 24_002)),
        stack((16_001, 24_002, 1_048_575)),
        case("mpls-vlan", "a tag, then MPLS", carried(both_exchanges(), after_tag)),
        case(
            "mpls-null",
            "explicit null labels at the bottom",
            carried(both_exchanges(), explicit_null),
        ),
    ]


def pseudowires() -> list[Case]:
    label = 300

    def wire(control: bytes, packet: bytes, back: bool) -> bytes:
        frame = ethernet(packet, back=back, inner=True, tags=[(TAG, 55)])
        return ethernet(labels((99, label)) + control + frame, link.ETHERTYPE_MPLS, back=back)

    return [
        case(
            "pseudowire-control-word",
            "Ethernet over MPLS with a control word",
            carried(both_exchanges(), partial(wire, bytes(4))),
            judge=("-d", f"mpls.label=={label},pwethcw"),
        ),
        case(
            "pseudowire-control-word-sequence",
            "the same with sequence numbers in the control word",
            carried(both_exchanges(), partial(wire, b"\0\0\0\x09")),
            judge=("-d", f"mpls.label=={label},pwethcw"),
        ),
        case(
            "pseudowire-plain",
            "Ethernet over MPLS without a control word",
            carried(both_exchanges(), partial(wire, b"")),
            judge=("-d", f"mpls.label=={label},pwethnocw"),
        ),
    ]


def sessions() -> list[Case]:
    def session(packet: bytes, back: bool) -> bytes:
        body = link.pppoe(packet, link.ppp_protocol(packet))
        return ethernet(body, link.ETHERTYPE_PPPOE, back=back)

    def tagged_session(packet: bytes, back: bool) -> bytes:
        body = link.pppoe(packet, link.ppp_protocol(packet))
        return ethernet(body, link.ETHERTYPE_PPPOE, back=back, tags=[(TAG, 7)])

    def labelled_session(packet: bytes, back: bool) -> bytes:
        body = link.pppoe(labels((70,)) + packet, link.PPP_MPLS)
        return ethernet(body, link.ETHERTYPE_PPPOE, back=back)

    return [
        case("pppoe", "PPPoE sessions", carried(both_exchanges(), session)),
        case("pppoe-vlan", "PPPoE sessions in a VLAN", carried(both_exchanges(), tagged_session)),
        case("pppoe-mpls", "MPLS in PPPoE", carried(both_exchanges(), labelled_session)),
    ]


def not_ip() -> list[Case]:
    lldp = bytes.fromhex("0207040200000000000a040703020000000000060200780000")
    bridge = bytes.fromhex(
        "424203000000000080000200000000000000000080000200000000000a8001000014000200 0f00".replace(
            " ", ""
        )
    )
    discovery = struct.pack(">BBHH", 0x11, 9, 0, 4) + bytes.fromhex("01010000")
    frames = [
        ethernet(link.arp(), link.ETHERTYPE_ARP),
        ethernet(link.arp(back=True), link.ETHERTYPE_ARP, back=True),
        ethernet(lldp, 0x88CC),
        ethernet(bridge, len(bridge)),
        ethernet(discovery, link.ETHERTYPE_PPPOE_DISCOVERY),
        ethernet(link.pppoe(bytes.fromhex("01010004"), link.PPP_LCP), link.ETHERTYPE_PPPOE),
        ethernet(bytes(46), 0x88B5),
        ethernet(link.arp(), link.ETHERTYPE_ARP, tags=[(TAG, 12)]),
    ]
    answer = [ethernet(packet, back=back) for back, packet in udp_exchange()]
    short = [ethernet(packet, back=back) for back, packet in tcp_exchange()]
    padded = [frame + b"\x5a" * max(0, 60 - len(frame)) for frame in short]
    return [
        case(
            "not-ip",
            "ARP, LLDP, spanning tree, PPPoE discovery, LCP, then IPv6",
            timed(frames + answer),
        ),
        case("padding", "short frames filled to 60 octets with 0x5a", timed(padded)),
        case(
            "trailer",
            "four octets after each packet, as a check sequence",
            timed(one + b"\xde\xad\xbe\xef" for one in answer),
        ),
        case(
            "cut-lengths",
            "frames cut at 64 octets, their lengths kept",
            [
                Frame(frame.time_ns, frame.octets[:64], len(frame.octets) + 1000)
                for frame in timed(_long_datagrams())
            ],
        ),
    ]


def plain(packet: bytes, back: bool) -> bytes:
    return ethernet(packet, back=back)


def bare(packet: bytes, _back: bool) -> bytes:
    return packet


def _tagged(pairs: tuple[tuple[int, int], ...], packet: bytes, back: bool) -> bytes:
    return ethernet(packet, back=back, tags=pairs)


def _labelled(values: tuple[int, ...], packet: bytes, back: bool) -> bytes:
    return ethernet(labels(values) + packet, link.ETHERTYPE_MPLS, back=back)


def _long_datagrams() -> list[bytes]:
    return [
        ethernet(udp_packet(HOSTS_V4, 5000, 5001, bytes(200))),
        ethernet(udp_packet(HOSTS_V6, 5000, 5001, bytes(200))),
    ]
