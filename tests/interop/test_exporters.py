# SPDX-License-Identifier: Apache-2.0
"""Other probes export to our collector, and it adds up to what they say that they sent.

They meter the same captures as Penstock, so packets are known a third time: IP packets, of tunnels
the outer ones. Octets are theirs to judge: softflowd counts the padding of short frames.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

import penstock
from tests.captures import DEMO, real_captures
from tests.interop.programs import (
    LOOPBACK,
    Received,
    Totals,
    needs,
    nfcapd,
    nfcapd_totals,
    nfdump,
    received,
    totals,
)

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {5: "netflow5", 9: "netflow9", 10: "ipfix"}
SOME = {"1kxun.pcap", "ipfixprobe-http.pcap", "ipfixprobe-mixed.pcap"}
CAPTURES = [DEMO, *(path for path in real_captures() if path.name in SOME)]
ICMP = {1, 58}

each_version = pytest.mark.parametrize("version", KINDS, ids=[f"v{version}" for version in KINDS])


def test_real_captures_are_among_them() -> None:
    if len(CAPTURES) == 1:
        pytest.skip("PENSTOCK_CAPTURES is not set: only the demonstration was exported")


@needs("softflowd")
@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
@each_version
def test_softflowd_is_read_as_it_counts(capture: Path, version: int) -> None:
    said: list[str] = []
    got = received(lambda port: said.append(softflowd(capture, version, port)))
    records, datagrams = exported(said[0])
    assert got.totals == Totals(records, *by_protocol(said[0]))
    assert_taken_whole(got, version, datagrams)
    if version != 5:  # which has no IPv6
        assert got.totals.packets == totals(outer_uniflows(capture)).packets


@needs("softflowd")
@each_version
def test_softflowd_says_that_it_does_not_sample(version: int) -> None:
    got = received(lambda port: void(softflowd(DEMO, version, port)))
    origin = "record" if version == 5 else "options"
    assert {(row["sampling_rate"], row["sampling_origin"]) for row in got.rows} == {(1.0, origin)}


@needs("softflowd")
def test_times_of_softflowd_are_believed() -> None:
    old = received(lambda port: void(softflowd(DEMO, 9, port, "-a")))
    new = received(lambda port: void(softflowd(DEMO, 10, port, "-a")))
    assert not any(row["time_suspect"] for row in old.rows + new.rows)
    assert Counter(map(lasted_ms, old.rows)) == Counter(map(lasted_ms, new.rows))


@needs("softflowd")
@needs("nfcapd")
@each_version
def test_nfcapd_reads_the_same_from_softflowd(version: int, tmp_path: Path) -> None:
    with nfcapd(tmp_path / "nfcapd") as other:
        got = received(lambda port: void(softflowd(DEMO, version, f"{port},{LOOPBACK}:{other}")))
    assert nfcapd_totals(tmp_path / "nfcapd") == got.totals
    theirs = [
        (
            flow.get("src4_addr", flow.get("src6_addr")),
            flow.get("dst4_addr", flow.get("dst6_addr")),
            flow["proto"],
            *without_icmp(flow["proto"], flow.get("src_port", 0), flow.get("dst_port", 0)),
            flow["in_packets"],
            flow["in_bytes"],
        )
        for flow in nfdump(tmp_path / "nfcapd")
    ]
    assert Counter(theirs) == Counter(map(flow_of, got.rows))


@needs("pmacctd")
@each_version
def test_nfprobe_is_read_as_it_counts(version: int, tmp_path: Path) -> None:
    got = received(lambda port: pmacctd(DEMO, version, port, tmp_path))
    if version == 5:
        rows = [row for row in outer_uniflows(DEMO) if row["ip_version"] == 4]
        expected = totals(rows)
    else:
        expected = totals(outer_uniflows(DEMO))
    assert (got.totals.packets, got.totals.octets) == (expected.packets, expected.octets)
    assert_taken_whole(got, version, None)
    assert [one["missing"] for one in got.exporters] == [0]


def assert_taken_whole(got: Received, version: int, datagrams: int | None) -> None:
    """All datagrams read, none refused, none waiting."""
    assert {row["source_kind"] for row in got.rows} == {KINDS[version]}
    exporter = got.exporters[0]
    assert len(got.exporters) == 1
    assert exporter["records"] == got.totals.flows
    assert not exporter["refused"]
    assert exporter["parked"] == 0
    if datagrams is not None:
        assert exporter["datagrams"] == datagrams
    for equation in got.ledger.equations():
        assert equation.holds, equation
    if version != 10:  # softflowd's IPFIX counts its records in before it sends them
        assert exporter["missing"] == 0


def softflowd(capture: Path, version: int, port: int | str, *options: str) -> str:
    """Meters a capture, exports it, and what it said of that."""
    command = ["softflowd", "-d", "-r", str(capture), "-n", f"{LOOPBACK}:{port}"]
    done = subprocess.run(
        [*command, "-v", str(version), *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def exported(said: str) -> tuple[int, int]:
    """Records and datagrams that softflowd sent."""
    counts = re.search(r"Flows exported: \d+ \((\d+) records\) in (\d+) packets \(0 fail", said)
    assert counts, said
    return int(counts[1]), int(counts[2])


def by_protocol(said: str) -> tuple[int, int]:
    """Packets and octets that softflowd saw, summed over protocols."""
    lines = re.findall(r"^ +[\w.-]+ \(\d+\): +(\d+) +(\d+)", said, re.MULTILINE)
    assert lines, said
    return sum(int(packets) for _, packets in lines), sum(int(octets) for octets, _ in lines)


def pmacctd(capture: Path, version: int, port: int, folder: Path) -> None:
    """The probe of pmacct; it ends at the end of the capture."""
    settings = folder / "pmacctd.conf"
    settings.write_text(
        f"daemonize: false\npcap_savefile: {capture}\nplugins: nfprobe\n"
        f"nfprobe_receiver: {LOOPBACK}:{port}\nnfprobe_version: {version}\n"
        "aggregate: src_host,dst_host,src_port,dst_port,proto,tos,tcpflags\n"
    )
    done = subprocess.run(
        ["pmacctd", "-f", str(settings)], capture_output=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr


def outer_uniflows(capture: Path) -> list[dict[str, Any]]:
    """What Penstock meters itself, a row a direction."""
    return [
        row
        for batch in penstock.meter(capture, tunnel="outer")
        for row in batch.split_biflows().rows()
    ]


def lasted_ms(row: dict[str, Any]) -> int:
    """How long a flow was."""
    lasted_ns: int = row["time_end"] - row["time_start"]
    return lasted_ns // 1_000_000


def flow_of(row: dict[str, Any]) -> tuple[Any, ...]:
    protocol = row.get("protocol", 0)
    ports = without_icmp(protocol, row.get("src_port", 0), row.get("dst_port", 0))
    return row["src_addr"], row["dst_addr"], protocol, *ports, row["packets"], row["octets"]


def without_icmp(protocol: int, src_port: int, dst_port: int) -> tuple[int, int]:
    """Type and code of ICMP are no ports."""
    return (0, 0) if protocol in ICMP else (src_port, dst_port)


def void(_: str) -> None:
    """What it said is of no interest."""
