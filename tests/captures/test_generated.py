# SPDX-License-Identifier: Apache-2.0
"""Captures too large to look at: what goes in comes out, for any number of threads."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

import penstock
from tests.captures import generated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.captures.generated import Written

    Meter = Callable[..., list[dict[str, Any]]]
    Generator = Callable[[Path], Written]

IDLE, ACTIVE, ENDED, FORCED, NO_ROOM = 1, 2, 3, 4, 5

WHOLE: list[Generator] = [
    generated.tcp_connections,
    generated.reused_ports,
    generated.datagrams,
    generated.random_fragments,
    generated.restless_clock,
]
"""Generators of captures of which each packet is metered as it stands."""

EVERY: list[Generator] = [*WHOLE, generated.tunnelled, generated.noise]


def named(generator: Generator) -> str:
    return getattr(generator, "__name__", "")


def test_each_connection_is_one_record_that_ended(tmp_path: Path, meter: Meter) -> None:
    written = generated.tcp_connections(tmp_path / "x.pcap", connections=10_000)
    rows = meter(written.path)
    assert Counter(row["end_reason"] for row in rows) == {ENDED: 10_000}


def test_a_connection_on_ports_just_used_is_a_record_of_its_own(
    tmp_path: Path, meter: Meter
) -> None:
    written = generated.reused_ports(tmp_path / "x.pcap")
    rows = meter(written.path)
    assert Counter(row["end_reason"] for row in rows) == {ENDED: written.flows}


@pytest.mark.parametrize("generator", WHOLE, ids=named)
@pytest.mark.parametrize("max_flows", [1_000_000, 1_000])
def test_records_add_up_to_what_was_written(
    generator: Generator, max_flows: int, tmp_path: Path, meter: Meter
) -> None:
    written = generator(tmp_path / "x.pcap")
    rows = meter(written.path, max_flows=max_flows)
    sums = [
        sum(row[name] + row[f"{name}_rev"] for row in rows)
        for name in ("packets", "octets", "l2_octets")
    ]
    assert sums == [written.packets, written.octets, written.frame_octets]


def test_flows_over_the_bound_leave_for_lack_of_room(tmp_path: Path, meter: Meter) -> None:
    written = generated.datagrams(tmp_path / "x.pcap")
    assert len(meter(written.path)) == written.flows
    reasons = Counter(row["end_reason"] for row in meter(written.path, max_flows=1_000))
    assert reasons[NO_ROOM] > written.flows // 2
    assert set(reasons) <= {NO_ROOM, FORCED}


def test_later_fragments_have_the_ports_of_their_first(tmp_path: Path, meter: Meter) -> None:
    written = generated.random_fragments(tmp_path / "x.pcap")
    rows = meter(written.path)
    without = sum(row["packets"] for row in rows if "src_port" not in row)
    assert 0 < without < written.packets // 10
    assert all(row["dst_port"] == 5000 for row in rows if "src_port" in row)


def test_networks_and_tunnel_ends_keep_flows_apart(tmp_path: Path, meter: Meter) -> None:
    written = generated.tunnelled(tmp_path / "x.pcap")
    rows = meter(written.path)
    assert len(rows) == written.flows
    assert {row["tunnel_type"] for row in rows} == {"vxlan"}
    assert {row["tunnel_id"] for row in rows} == {0, 1}


@pytest.mark.parametrize("generator", EVERY, ids=named)
@pytest.mark.parametrize("max_flows", [1_000_000, 1_000])
def test_records_are_the_same_for_any_number_of_threads(
    generator: Generator, max_flows: int, tmp_path: Path
) -> None:
    written = generator(tmp_path / "x.pcap")
    alone = penstock.meter(written.path, max_flows=max_flows).to_arrow()
    for threads in (2, 3, 8):
        together = penstock.meter(written.path, max_flows=max_flows, threads=threads).to_arrow()
        assert together.equals(alone), threads


def test_noise_is_counted_to_the_last_packet(tmp_path: Path, meter: Meter) -> None:
    written = generated.noise(tmp_path / "x.pcap")
    flows = penstock.meter(written.path)
    rows = list(flows.rows())
    metered = sum(row["packets"] + row["packets_rev"] for row in rows)
    assert metered + sum(flows.ledger.lost_packets().values()) == written.packets
    assert meter(written.path) == rows
