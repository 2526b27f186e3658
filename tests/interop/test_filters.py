# SPDX-License-Identifier: Apache-2.0
"""Filter expressions select the same packets as tcpdump's."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

import penstock
from tests.captures import DEMO, GOLDEN

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")

NAMES = [
    "ethernet",
    "vlan",
    "qinq",
    "8021ad",
    "mpls-2",
    "pppoe",
    "not-ip",
    "snap",
    "icmp-echo",
    "icmp-errors",
    "icmpv6-neighbours",
    "tcp-flags",
    "ipv6-chain",
    "fragments-v4-ordered",
    "fragments-v6-ordered",
    "sctp",
    "gre-key",
    "vxlan",
    "geneve-options",
    "igmp",
    "ipv4-options",
    "snap-lengths",
    "raw-101",
    "sll",
    "null-30",
]
CAPTURES = [DEMO, *(GOLDEN / f"{name}.pcap" for name in NAMES)]

EXPRESSIONS = [
    "ip",
    "ip6",
    "arp",
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "sctp",
    "igmp",
    "not ip",
    "ip or ip6",
    "ip and not tcp",
    "host 192.0.2.1",
    "src host 192.0.2.1",
    "dst host 198.51.100.2",
    "host 192.0.2.10 and host 198.51.100.10",
    "net 192.0.2.0/24",
    "src net 198.51.100.0 mask 255.255.255.0",
    "ip6 net 2001:db8::/32",
    "ip6 host 2001:db8:1::1",
    "ip6 dst host 2001:db8:2::10",
    "port 80",
    "src port 80",
    "dst port 443",
    "tcp port 25",
    "udp port 53",
    "port 53 or port 443",
    "portrange 30000-65535",
    "tcp portrange 20-100",
    "src portrange 0-1023",
    "less 60",
    "greater 500",
    "len > 100",
    "len = 54",
    "tcp[tcpflags] & tcp-syn != 0",
    "tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn",
    "tcp[tcpflags] & (tcp-fin|tcp-rst) != 0",
    "tcp[13] = 18",
    "tcp[2:2] = 80",
    "icmp[icmptype] = icmp-echo",
    "icmp[icmptype] = icmp-unreach and icmp[icmpcode] = 3",
    "icmp6[icmp6type] = icmp6-neighborsolicit",
    "ip6[6] = 58",
    "ip proto 47",
    "ip proto \\udp",
    "ip6 proto 6",
    "proto 17",
    "ip6 protochain 17",
    "ip[0] & 0xf != 5",
    "ip[6:2] & 0x1fff != 0",
    "ip[6:2] & 0x3fff != 0",
    "ip[8] < 64",
    "ip[2:2] - ((ip[0] & 0xf) << 2) > 100",
    "ether host 02:00:00:00:00:0a",
    "ether src 02:00:00:00:00:0b",
    "ether proto 0x88cc",
    "ether broadcast",
    "ether multicast",
    "ip multicast",
    "ether[12:2] > 1500",
    "vlan",
    "vlan 100",
    "vlan 100 and vlan 200",
    "vlan and tcp",
    "mpls",
    "mpls 16001 and mpls 24002",
    "pppoes",
    "pppoes and tcp port 80",
    "geneve",
    "udp[8:4] = 0x08000000 and udp dst port 4789",
    "(tcp or udp) and (src port 80 or dst port 80) and not host 192.0.2.1",
    "stp or llc",
]


def test_there_are_enough_expressions() -> None:
    assert len(EXPRESSIONS) == len(set(EXPRESSIONS)) >= 60


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_selects_the_packets_that_tcpdump_selects(expression: str) -> None:
    by_penstock = {path.name: selected(path, expression) for path in CAPTURES}
    by_tcpdump = {path.name: selected_by_tcpdump(path, expression) for path in CAPTURES}
    assert by_penstock == by_tcpdump
    assert any(by_tcpdump.values()), "no capture has a packet that this selects"


@pytest.mark.parametrize("expression", ["tcp port", "host", "port 70000", "frobnicate", "ip[0"])
def test_an_expression_that_tcpdump_refuses_is_refused(expression: str) -> None:
    assert selected_by_tcpdump(DEMO, expression) is None
    assert selected(DEMO, expression) is None


def selected(capture: Path, expression: str) -> int | None:
    """How many packets are selected, or nothing where the expression is refused."""
    try:
        flows = penstock.meter(capture, filter=expression)
        for _ in flows:
            pass
    except penstock.ConfigError:
        return None
    ledger = flows.ledger
    return ledger.packets_read - ledger.count("select", "lost")


def selected_by_tcpdump(capture: Path, expression: str) -> int | None:
    """The same by tcpdump."""
    run = subprocess.run(
        ["tcpdump", "-n", "--count", "-r", str(capture), expression],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        return None
    return int(run.stdout.split()[0])
