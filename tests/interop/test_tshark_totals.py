# SPDX-License-Identifier: Apache-2.0
"""Packets, octets and frame octets of whole captures, against tshark's, outer packets only.

tshark's own sums by conversation count a packet once for each IP header in it, so its
fields are added up here: of each packet the outermost IP header. The golden captures have
theirs stored; ``test_golden.py`` holds the flows to them.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

import penstock
from tests.captures import DEMO, real_captures

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

CAPTURES = [DEMO, *real_captures()]

EACH_PACKET_FOR_ITSELF = [
    *("-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"),
    *("-o", "tcp.desegment_tcp_streams:FALSE", "-o", "ip.tso_support:TRUE"),
]
FIELDS = [
    "frame.len",
    "frame.protocols",
    "ip.len",
    "ip.dst",
    "ipv6.plen",
    "ipv6.opt.jumbo",
    "ipv6.dst",
]


class Totals(NamedTuple):
    """What is compared."""

    packets: int
    octets: int
    l2_octets: int

    def __add__(self, other: object) -> Totals:
        assert isinstance(other, Totals)
        return Totals(*(mine + its for mine, its in zip(self, other, strict=True)))


EXPLAINED: dict[str, tuple[Totals, str]] = {}
"""What tshark has more than Penstock, and why, by capture."""

CUT: set[str] = set()
"""Captures that end within a packet."""


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_totals_are_those_of_tshark(capture: Path) -> None:
    more, _why = EXPLAINED.get(capture.name, (Totals(0, 0, 0), ""))
    assert by_penstock(capture) + more == by_tshark(capture)


def test_real_captures_are_among_them() -> None:
    if not real_captures():
        pytest.skip("PENSTOCK_CAPTURES is not set: only the demonstration was compared")


def by_penstock(capture: Path) -> Totals:
    flows = penstock.meter(capture, tunnel="outer")
    total = Totals(0, 0, 0)
    try:
        for row in flows.rows():
            for way in ("", "_rev"):
                counts = (row.get(f"{name}{way}", 0) for name in Totals._fields)
                total += Totals(*counts)
    except penstock.DecodeError:
        assert capture.name in CUT
    for equation in flows.ledger.equations():
        assert equation.holds, equation
    return total


def by_tshark(capture: Path) -> Totals:
    names = [part for name in FIELDS for part in ("-e", name)]
    command = ["tshark", "-n", "-r", str(capture), *EACH_PACKET_FOR_ITSELF]
    command += ["-T", "fields"]
    command += ["-E", "occurrence=f", "-E", "separator=|", *names]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    total = Totals(0, 0, 0)
    for line in shown.stdout.splitlines():
        row = dict(zip(FIELDS, line.split("|"), strict=True))
        outermost = next((p for p in row["frame.protocols"].split(":") if p in ("ip", "ipv6")), "")
        if outermost == "ip" and row["ip.dst"]:
            octets = int(row["ip.len"])
        elif outermost == "ipv6" and row["ipv6.dst"]:
            octets = 40 + int(row["ipv6.opt.jumbo"] or row["ipv6.plen"])
        else:
            continue
        total += Totals(1, octets, int(row["frame.len"]))
    return total
