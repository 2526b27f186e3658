# SPDX-License-Identifier: Apache-2.0
"""Packets that are cut, or say of themselves what cannot be."""

from __future__ import annotations

from golden import link, net
from golden.case import CLIENT_PORT, HOSTS_V4, HOSTS_V6, START_NS, Case, case, timed
from golden.containers import Frame
from golden.link import ethernet
from golden.net import ipv4, ipv6
from golden.transport import tcp, tcp_packet, udp, udp_packet

GOOD = ethernet(udp_packet(HOSTS_V4, 1, 2, b"good"))


def cases() -> list[Case]:
    return [*bad_ip(), *bad_transport(), *cut_by_capture()]


def among_good(name: str, shows: str, *bad: bytes, unjudged: str = "") -> Case:
    """The bad frames with a good one before and after, which must be metered all the same."""
    return case(name, shows, timed([GOOD, *bad, GOOD]), unjudged=unjudged)


def bad_ip() -> list[Case]:
    segment = tcp(HOSTS_V4, CLIENT_PORT, 80, b"data")
    datagram = udp(HOSTS_V6, CLIENT_PORT, 80, b"data")
    whole = ipv6(HOSTS_V6, net.UDP, datagram)
    return [
        among_good(
            "ipv4-bad-header-length",
            "IHL below 5, and longer than the packet",
            ethernet(ipv4(HOSTS_V4, net.TCP, segment, first_octet=0x44)),
            ethernet(ipv4(HOSTS_V4, net.TCP, b"", first_octet=0x4F)),
        ),
        among_good(
            "ipv4-bad-version",
            "versions that the ethertype denies",
            ethernet(ipv4(HOSTS_V4, net.TCP, segment, first_octet=0x55), 0x0800),
            ethernet(ipv4(HOSTS_V4, net.TCP, segment), 0x86DD),
            ethernet(whole, 0x0800),
        ),
        among_good(
            "ipv4-length-small",
            "a total length below the header's",
            ethernet(ipv4(HOSTS_V4, net.TCP, segment, total_length=19)),
            ethernet(ipv4(HOSTS_V4, net.TCP, segment, options=b"\x01" * 4, total_length=20)),
        ),
        among_good(
            "ipv4-length-large",
            "a total length beyond the frame",
            ethernet(ipv4(HOSTS_V4, net.TCP, segment, total_length=1500)),
        ),
        among_good(
            "ipv4-cut",
            "an IPv4 header that the frame does not hold",
            *(ethernet(ipv4(HOSTS_V4, net.TCP, segment))[: 14 + kept] for kept in (0, 1, 19)),
        ),
        among_good(
            "ipv6-cut",
            "an IPv6 header that the frame does not hold",
            *(
                ethernet(whole)[: 14 + kept] if kept else ethernet(b"", 0x86DD)
                for kept in (0, 1, 39)
            ),
        ),
        among_good(
            "ipv6-length-large",
            "a payload length beyond the frame",
            ethernet(ipv6(HOSTS_V6, net.UDP, datagram, payload_length=1000)),
        ),
        among_good(
            "ipv6-extension-cut",
            "extension headers longer than the packet",
            ethernet(ipv6(HOSTS_V6, net.HOP_BY_HOP, bytes([net.UDP, 200]) + bytes(6))),
            ethernet(ipv6(HOSTS_V6, net.DESTINATION, bytes([net.UDP]))),
            ethernet(ipv6(HOSTS_V6, net.FRAGMENT, bytes([net.UDP, 0, 0]))),
            unjudged="the protocol of a chain that breaks off: the judge names the next header",
        ),
        among_good(
            "ipv6-extension-loop",
            "a hundred extension headers",
            ethernet(
                ipv6(
                    HOSTS_V6,
                    net.DESTINATION,
                    net.options(net.DESTINATION) * 99 + net.options(net.UDP) + datagram,
                )
            ),
            unjudged="how many headers to follow: the judge follows all",
        ),
        among_good(
            "jumbo-wrong",
            "a payload length of zero without the jumbo option",
            ethernet(ipv6(HOSTS_V6, net.UDP, datagram, payload_length=0)),
            unjudged="where the packet ends: the judge reads on to the frame's end",
        ),
    ]


def bad_transport() -> list[Case]:
    segment = tcp(HOSTS_V4, CLIENT_PORT, 80, b"data")
    return [
        among_good(
            "tcp-cut",
            "TCP headers that the packet does not hold",
            *(ethernet(ipv4(HOSTS_V4, net.TCP, segment[:kept])) for kept in (0, 3, 4, 13, 19)),
            unjudged="ports of an incomplete header: the judge shows those that are there",
        ),
        among_good(
            "tcp-bad-offset",
            "a data offset below 5, and beyond the segment",
            ethernet(ipv4(HOSTS_V4, net.TCP, tcp(HOSTS_V4, CLIENT_PORT, 80, data_offset=4))),
            ethernet(ipv4(HOSTS_V4, net.TCP, tcp(HOSTS_V4, CLIENT_PORT, 80, data_offset=15))),
            unjudged="whether ports of such a header count: the judge shows them",
        ),
        among_good(
            "udp-cut",
            "UDP headers that the packet does not hold",
            *(ethernet(ipv4(HOSTS_V4, net.UDP, bytes(kept))) for kept in (0, 3, 7)),
            unjudged="ports of an incomplete header: the judge shows those that are there",
        ),
        among_good(
            "udp-bad-length",
            "UDP lengths of zero, below 8, and beyond the packet",
            *(
                ethernet(ipv4(HOSTS_V4, net.UDP, udp(HOSTS_V4, 7, 8, b"data", length=length)))
                for length in (0, 7, 1000)
            ),
        ),
        among_good(
            "icmp-cut",
            "ICMP headers that the packet does not hold",
            *(
                ethernet(ipv4(HOSTS_V4, net.ICMP, b"\x08\0\0\0\1\2"[:kept]))
                for kept in (0, 1, 3, 6)
            ),
            unjudged="what an incomplete header says: the judge shows the fields that are there",
        ),
        among_good(
            "fragment-beyond",
            "fragments that end beyond the largest datagram",
            ethernet(ipv4(HOSTS_V4, net.ICMP, bytes(600), fragment=0x1FFF, identification=666)),
            ethernet(
                ipv4(HOSTS_V4, net.ICMP, bytes(600), fragment=0x2000 | 0x1FFE, identification=666)
            ),
        ),
    ]


def cut_by_capture() -> list[Case]:
    long = ethernet(tcp_packet(HOSTS_V4, CLIENT_PORT, 80, bytes(1000)))
    tagged = ethernet(udp_packet(HOSTS_V4, 1, 2, bytes(100)), tags=[(0x8100, 5)])
    label = ethernet(link.labels((16, 17)) + udp_packet(HOSTS_V4, 1, 2), link.ETHERTYPE_MPLS)
    return [
        case(
            "snap-lengths",
            "one frame, captured at every length that ends within a header",
            [
                Frame(START_NS + kept, long[:kept], len(long))
                for kept in (0, 1, 13, 14, 15, 33, 34, 37, 38, 47, 53, 54, 55, 100)
            ],
            unjudged="ports of a header that the capture cut: the judge shows those that are there",
        ),
        case(
            "snap-tags",
            "tags and labels that the capture cut",
            [
                *(Frame(START_NS + kept, tagged[:kept], len(tagged)) for kept in (14, 16, 18, 30)),
                *(
                    Frame(START_NS + kept, label[:kept], len(label))
                    for kept in (14, 17, 18, 22, 23)
                ),
            ],
            unjudged="ports of a header that the capture cut: the judge shows those that are there",
        ),
    ]
