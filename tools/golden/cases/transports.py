# SPDX-License-Identifier: Apache-2.0
"""Transport protocols, and those that have none of their own."""

from __future__ import annotations

import struct

from golden import net
from golden.case import CLIENT_PORT, HOSTS_V4, HOSTS_V6, Case, case, timed
from golden.link import ethernet
from golden.net import Ends, ip, ipv4, ipv6
from golden.transport import (
    ACK,
    CWR,
    ECE,
    FIN,
    PSH,
    SYN,
    URG,
    dccp,
    echo,
    icmp,
    icmpv6,
    igmp,
    sctp,
    sctp_data,
    sctp_init,
    tcp_packet,
    udp_packet,
    udplite,
)


def cases() -> list[Case]:
    return [*ports(), *control(), *portless()]


def packets(name: str, shows: str, *sent: bytes) -> Case:
    return case(name, shows, timed(ethernet(packet) for packet in sent))


def ports() -> list[Case]:
    there, back, six = HOSTS_V4, HOSTS_V4.back, HOSTS_V6
    offered = bytes.fromhex("020405b40402080a00000001000000000103030a")
    acknowledged = bytes.fromhex("0101080a00000002000000010101050a0000000100000002")
    return [
        packets(
            "tcp-options",
            "MSS, SACK, timestamps, window scale",
            tcp_packet(there, CLIENT_PORT, 443, flags=SYN | ECE | CWR, options=offered, ack=0),
            tcp_packet(back, 443, CLIENT_PORT, flags=SYN | ACK | ECE, options=offered),
            tcp_packet(there, CLIENT_PORT, 443, b"x", options=acknowledged),
        ),
        packets(
            "tcp-options-odd",
            "options of length zero, beyond the header, unknown",
            tcp_packet(there, CLIENT_PORT, 443, b"data", options=b"\x02\x00\x00\x00"),
            tcp_packet(there, CLIENT_PORT, 443, b"data", options=b"\x08\x28\x00\x00"),
            tcp_packet(
                there, CLIENT_PORT, 443, b"data", options=b"\xfd\x04\x12\x34" + b"\x01" * 36
            ),
        ),
        packets(
            "tcp-flags",
            "all nine flags, none, and the AE bit",
            *(
                tcp_packet(there, CLIENT_PORT, 443, flags=flags)
                for flags in (0, FIN | SYN | PSH | ACK | URG | ECE | CWR, 0x100 | ACK, 0xFFF & ~4)
            ),
        ),
        packets(
            "udp",
            "UDP over both versions, empty and not",
            udp_packet(there, CLIENT_PORT, 7777, b"ask"),
            udp_packet(back, 7777, CLIENT_PORT, b"answer"),
            udp_packet(six, CLIENT_PORT, 9),
            udp_packet(six.back, 9, CLIENT_PORT, b"late"),
        ),
        packets("udplite", "UDP-Lite", *_udplite(there), *_udplite(six)),
        packets(
            "sctp",
            "SCTP: INIT, INIT ACK, DATA",
            *_sctp(there),
            *_sctp(six),
        ),
        packets("dccp", "DCCP: Request, Response, Data", *_dccp(there), *_dccp(six)),
        packets(
            "ports-alike",
            "the same port at both ends, and port 0",
            udp_packet(there, 500, 500, b"one"),
            udp_packet(back, 500, 500, b"two"),
            udp_packet(there, 0, 0, b"none"),
        ),
        packets(
            "self-to-self",
            "a host that talks with itself",
            udp_packet(net.Ends(there.src, there.src), 10, 20, b"one"),
            udp_packet(net.Ends(there.src, there.src), 20, 10, b"two"),
        ),
    ]


def control() -> list[Case]:
    there, back, six = HOSTS_V4, HOSTS_V4.back, HOSTS_V6
    refused = udp_packet(there, CLIENT_PORT, 33_434, b"probe")
    refused_six = udp_packet(six, CLIENT_PORT, 33_434, b"probe")
    times = struct.pack(">HHIII", 77, 1, 1, 2, 3)
    solicitation = bytes(4) + six.dst + bytes.fromhex("010102000000000a")
    advertisement = b"\x60\0\0\0" + six.dst + bytes.fromhex("020102000000000b")
    router = bytes.fromhex("40000708") + bytes(8)

    def four(between: Ends, kind: int, code: int, rest: bytes) -> bytes:
        return ipv4(between, net.ICMP, icmp(kind, code, rest))

    def sixth(between: Ends, kind: int, code: int, rest: bytes) -> bytes:
        return ipv6(between, net.ICMPV6, icmpv6(between, kind, code, rest), ttl=255)

    return [
        packets(
            "icmp-echo",
            "two pings between the same hosts",
            four(there, 8, 0, echo(0x1234)),
            four(back, 0, 0, echo(0x1234)),
            four(there, 8, 0, echo(0x5678)),
            four(there, 8, 0, echo(0x1234, 2)),
            four(back, 0, 0, echo(0x5678)),
            four(back, 0, 0, echo(0x1234, 2)),
        ),
        packets(
            "icmp-timestamp",
            "timestamp and its reply",
            four(there, 13, 0, times),
            four(back, 14, 0, times),
        ),
        packets(
            "icmp-errors",
            "unreachable, time exceeded, redirect, packet too big",
            four(back, 3, 3, bytes(4) + refused[:28]),
            four(back, 11, 0, bytes(4) + refused[:28]),
            four(back, 5, 1, there.dst + refused[:28]),
            four(back, 3, 4, struct.pack(">HH", 0, 1400) + refused[:28]),
            four(back, 3, 3, bytes(4) + refused[:28]),
        ),
        packets(
            "icmpv6-echo",
            "a ping over IPv6",
            sixth(six, 128, 0, echo(0x1234)),
            sixth(six.back, 129, 0, echo(0x1234)),
        ),
        packets(
            "icmpv6-neighbours",
            "neighbour and router discovery",
            sixth(net.ends("2001:db8:1::1", "ff02::1:ff00:2"), 135, 0, solicitation),
            sixth(six.back, 136, 0, advertisement),
            sixth(net.ends("fe80::a", "ff02::2"), 133, 0, bytes(4)),
            sixth(net.ends("fe80::b", "ff02::1"), 134, 0, router),
        ),
        packets(
            "icmpv6-errors",
            "unreachable, too big, time exceeded, parameter problem",
            sixth(six.back, 1, 4, bytes(4) + refused_six),
            sixth(six.back, 2, 0, struct.pack(">I", 1280) + refused_six),
            sixth(six.back, 3, 0, bytes(4) + refused_six),
            sixth(six.back, 4, 1, struct.pack(">I", 6) + refused_six),
        ),
    ]


def portless() -> list[Case]:
    group = net.ends("192.0.2.1", "224.0.0.251")
    hello = bytes.fromhex("0201002cc000020100000000000000000000000000000000") + bytes(20)
    return [
        packets(
            "igmp",
            "membership query, report and leave",
            ipv4(net.ends("192.0.2.254", "224.0.0.1"), net.IGMP, igmp(0x11, bytes(4)), ttl=1),
            ipv4(group, net.IGMP, igmp(0x16, group.dst), ttl=1),
            ipv4(net.ends("192.0.2.1", "224.0.0.2"), net.IGMP, igmp(0x17, group.dst), ttl=1),
        ),
        packets(
            "ospf",
            "a protocol without ports",
            ipv4(net.ends("192.0.2.1", "224.0.0.5"), 89, hello, ttl=1),
        ),
        packets(
            "experimental",
            "protocol numbers kept for experiments, and 255",
            ipv4(HOSTS_V4, 253, b"one"),
            ipv4(HOSTS_V4.back, 253, b"two"),
            ipv6(HOSTS_V6, 254, b"three"),
            ipv4(HOSTS_V4, 255, b""),
        ),
    ]


def _udplite(between: Ends) -> list[bytes]:
    return [
        ip(between, net.UDPLITE, udplite(between, CLIENT_PORT, 5004, b"covered not")),
        ip(between.back, net.UDPLITE, udplite(between.back, 5004, CLIENT_PORT, b"neither")),
    ]


def _sctp(between: Ends) -> list[bytes]:
    return [
        ip(between, net.SCTP, sctp(CLIENT_PORT, 3868, 1, sctp_init())),
        ip(between.back, net.SCTP, sctp(3868, CLIENT_PORT, 2, sctp_init() + b"\0\7\0\x08\1\2\3\4")),
        ip(between, net.SCTP, sctp(CLIENT_PORT, 3868, 0, sctp_data(b"diameter"))),
    ]


def _dccp(between: Ends) -> list[bytes]:
    acknowledged = struct.pack(">HHI", 0, 0, 77)
    return [
        ip(between, net.DCCP, dccp(between, CLIENT_PORT, 5001, 0, b"\0\0\0\7")),
        ip(
            between.back,
            net.DCCP,
            dccp(between.back, 5001, CLIENT_PORT, 1, acknowledged + b"\0\0\0\7"),
        ),
        ip(between, net.DCCP, dccp(between, CLIENT_PORT, 5001, 2, b"")),
    ]
