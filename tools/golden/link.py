# SPDX-License-Identifier: Apache-2.0
"""Link layers, and what stands between them and IP: tags, labels, sessions."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ETHERNET, PPP, PPP_HDLC, PPP_ETHER, RAW, LOOP, SLL, PPP_WITH_DIRECTION = (
    1,
    9,
    50,
    51,
    101,
    108,
    113,
    204,
)
NULL, C_HDLC, DLT_RAW_12, DLT_RAW_14, RAW_IPV4, RAW_IPV6, SLL2 = 0, 104, 12, 14, 228, 229, 276

ETHERTYPE_IPV4, ETHERTYPE_ARP, ETHERTYPE_IPV6, ETHERTYPE_MPLS = 0x0800, 0x0806, 0x86DD, 0x8847
ETHERTYPE_VLAN, ETHERTYPE_PROVIDER_VLAN = 0x8100, 0x88A8
ETHERTYPE_PPPOE_DISCOVERY, ETHERTYPE_PPPOE = 0x8863, 0x8864
ETHERTYPE_BRIDGED = 0x6558
PPP_IPV4, PPP_IPV6, PPP_MPLS, PPP_LCP = 0x0021, 0x0057, 0x0281, 0xC021

NEAR, FAR = bytes.fromhex("02000000000a"), bytes.fromhex("02000000000b")
INNER_NEAR, INNER_FAR = bytes.fromhex("0200000000aa"), bytes.fromhex("0200000000bb")


def ip_ethertype(packet: bytes) -> int:
    """The ethertype that fits the packet's version."""
    return ETHERTYPE_IPV6 if packet[0] >> 4 == 6 else ETHERTYPE_IPV4


def ethernet(
    payload: bytes,
    ethertype: int | None = None,
    *,
    back: bool = False,
    tags: Sequence[tuple[int, int]] = (),
    inner: bool = False,
) -> bytes:
    """An Ethernet frame; `tags` are (ethertype, tag control) pairs, outermost first."""
    near, far = (INNER_NEAR, INNER_FAR) if inner else (NEAR, FAR)
    src, dst = (far, near) if back else (near, far)
    kind = ip_ethertype(payload) if ethertype is None else ethertype
    middle = b"".join(struct.pack(">HH", *tag) for tag in tags)
    return dst + src + middle + struct.pack(">H", kind) + payload


def snap(payload: bytes, *, back: bool = False) -> bytes:
    """IP in IEEE 802.3 with LLC and SNAP headers (RFC 1042)."""
    body = bytes.fromhex("aaaa03000000") + struct.pack(">H", ip_ethertype(payload)) + payload
    return ethernet(body, len(body), back=back)


def labels(values: Sequence[int], ttl: int = 60) -> bytes:
    """An MPLS label stack, top first (RFC 3032, 2.1)."""
    last = len(values) - 1
    return b"".join(
        struct.pack(">I", label << 12 | (at % 8) << 9 | (at == last) << 8 | ttl)
        for at, label in enumerate(values)
    )


def pppoe(payload: bytes, protocol: int, session: int = 0x0102) -> bytes:
    """A session frame's header and PPP protocol (RFC 2516, 4)."""
    head = struct.pack(">BBHH", 0x11, 0, session, len(payload) + 2)
    return head + struct.pack(">H", protocol) + payload


def ppp_protocol(packet: bytes) -> int:
    """The PPP protocol number that fits the packet's version."""
    return PPP_IPV6 if packet[0] >> 4 == 6 else PPP_IPV4


def ppp(packet: bytes, prefix: bytes = b"") -> bytes:
    """A PPP frame, with address and control octets if they are given as `prefix`."""
    return prefix + struct.pack(">H", ppp_protocol(packet)) + packet


def cisco_hdlc(packet: bytes) -> bytes:
    """LINKTYPE_C_HDLC: unicast, then the ethertype."""
    return b"\x0f\x00" + struct.pack(">H", ip_ethertype(packet)) + packet


def sll(packet: bytes, *, back: bool = False) -> bytes:
    """LINKTYPE_LINUX_SLL."""
    src = FAR if back else NEAR
    head = struct.pack(">HHH", 0 if back else 4, 1, 6) + src + bytes(2)
    return head + struct.pack(">H", ip_ethertype(packet)) + packet


def sll2(packet: bytes, *, back: bool = False) -> bytes:
    """LINKTYPE_LINUX_SLL2."""
    src = FAR if back else NEAR
    head = struct.pack(">HHIHBB", ip_ethertype(packet), 0, 3, 1, 0 if back else 4, 6)
    return head + src + bytes(2) + packet


def null(packet: bytes, family: int, order: str) -> bytes:
    """LINKTYPE_NULL and LINKTYPE_LOOP: an address family, then the packet."""
    return struct.pack(order + "I", family) + packet


def arp(back: bool = False) -> bytes:
    """A request, or the reply to it (RFC 826)."""
    near, far = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
    head = struct.pack(">HHBBH", 1, ETHERTYPE_IPV4, 6, 4, 2 if back else 1)
    if back:
        return head + FAR + far + NEAR + near
    return head + NEAR + near + bytes(6) + far
