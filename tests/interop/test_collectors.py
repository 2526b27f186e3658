# SPDX-License-Identifier: Apache-2.0
"""Other collectors read what the probe exports, and add up to the same.

Biflows are split for them, for none of these knows RFC 5103. Sampling is said to be one in one,
which must change nothing.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest

import penstock
from tests.captures import DEMO, real_captures
from tests.interop.programs import (
    LOOPBACK,
    Totals,
    needs,
    nfacctd,
    nfacctd_flows,
    nfcapd,
    nfcapd_totals,
    nfdump,
    totals,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CommandLine

SOME = {
    "1kxun.pcap",
    "http_ipv6.pcap",
    "icmp-tunnel.pcap",
    "ip_fragmented_garbage.pcap",
    "ipfixprobe-mixed.pcap",
    "vxlan.pcap",
}
CAPTURES = [DEMO, *(path for path in real_captures() if path.name in SOME)]
TAKES_LONGER_THAN_IT_TELLS = {"icmp-tunnel.pcap", "ipfixprobe-mixed.pcap", "vxlan.pcap"}
"""Left out for nfacctd, which takes four seconds to come and go."""

ICMP = {1, 58}
Flow = tuple[str, str, int, int, int, int, int]
"""Source, destination, their ports, protocol, packets, octets."""

each_capture = pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)


def test_real_captures_are_among_them() -> None:
    if len(CAPTURES) == 1:
        pytest.skip("PENSTOCK_CAPTURES is not set: only the demonstration was sent")


@needs("nfcapd")
@each_capture
def test_nfcapd_counts_the_same(capture: Path, run: CommandLine, tmp_path: Path) -> None:
    with nfcapd(tmp_path / "nfcapd") as port:
        export(run, capture, port)
    stored = nfdump(tmp_path / "nfcapd")
    rows = uniflows(capture)
    assert nfcapd_totals(tmp_path / "nfcapd") == totals(rows)
    assert Counter(map(flow_of_nfdump, stored)) == Counter(map(flow_of_row, rows))
    assert not any(flow["sampled"] for flow in stored)


@needs("nfcapd")
def test_nfcapd_reads_times_flags_and_services_too(run: CommandLine, tmp_path: Path) -> None:
    with nfcapd(tmp_path / "nfcapd") as port:
        export(run, DEMO, port, "&times=ms")  # nanoseconds it does not know
    ours = Counter(
        (
            *flow_of_row(row),
            row["time_start"] // 1_000_000,
            row["time_end"] // 1_000_000,
            row.get("tcp_flags", 0) & 0xFF,
            row["tos"],
        )
        for row in uniflows(DEMO)
    )
    stored = nfdump(tmp_path / "nfcapd")
    assert (
        Counter(
            (
                *flow_of_nfdump(flow),
                time_ms(flow["first"]),
                time_ms(flow["last"]),
                flags(flow.get("tcp_flags", "")),
                flow.get("src_tos", 0),
            )
            for flow in stored
        )
        == ours
    )


@needs("nfacctd")
@pytest.mark.parametrize(
    "capture",
    [capture for capture in CAPTURES if capture.name not in TAKES_LONGER_THAN_IT_TELLS],
    ids=lambda path: path.name,
)
def test_nfacctd_counts_the_same(capture: Path, run: CommandLine, tmp_path: Path) -> None:
    with nfacctd(tmp_path / "nfacctd") as port:
        export(run, capture, port)
    sums = nfacctd_flows(tmp_path / "nfacctd")
    rows = uniflows(capture)
    counted = Totals(
        len(rows), sum(one["packets"] for one in sums), sum(one["bytes"] for one in sums)
    )
    assert counted == totals(rows)
    assert by_ends(
        (one["ip_src"], one["ip_dst"], one["port_src"], one["port_dst"], one["packets"])
        for one in sums
    ) == by_ends((row["src_addr"], row["dst_addr"], *ports(row), row["packets"]) for row in rows)


def export(run: CommandLine, capture: Path, port: int, options: str = "") -> None:
    """What a user would do."""
    sink = f"ipfix+udp://{LOOPBACK}:{port}?biflow=split{options}"
    done = run("probe", capture, "--quiet", "--to", sink)
    assert done.status == 0, done.err


def uniflows(capture: Path) -> list[dict[str, Any]]:
    """The flows that the probe finds, a row for each direction that was seen."""
    return [row for batch in penstock.meter(capture) for row in batch.split_biflows().rows()]


def ports(row: dict[str, Any]) -> tuple[int, int]:
    """Ports as collectors have them: zero where there are none."""
    return row.get("src_port", 0), row.get("dst_port", 0)


def flow_of_row(row: dict[str, Any]) -> Flow:
    ends = row["src_addr"], row["dst_addr"]
    return *ends, *ports(row), row["protocol"], row["packets"], row["octets"]


def flow_of_nfdump(flow: dict[str, Any]) -> Flow:
    source, destination = (
        str(ip_address(flow.get(f"{end}4_addr") or flow[f"{end}6_addr"])) for end in ("src", "dst")
    )
    src_port, dst_port = flow.get("src_port", 0), flow.get("dst_port", 0)
    if flow["proto"] in ICMP:
        src_port = dst_port = 0
    counters = flow["in_packets"], flow["in_bytes"]
    return source, destination, src_port, dst_port, flow["proto"], *counters


def by_ends(flows: Any) -> Counter[tuple[str, str, int, int]]:
    """Packets by addresses and ports."""
    sums: Counter[tuple[str, str, int, int]] = Counter()
    for source, destination, src_port, dst_port, packets in flows:
        ends = str(ip_address(source)), str(ip_address(destination))
        sums[*ends, src_port, dst_port] += packets
    return sums


def time_ms(written: str) -> int:
    """A time of nfdump's."""
    moment = datetime.fromisoformat(written).replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def flags(written: str) -> int:
    """TCP flags of nfdump's: a letter or a dot for each of eight bits."""
    return int("".join("0" if letter == "." else "1" for letter in written) or "0", 2)
