# SPDX-License-Identifier: Apache-2.0
"""Where flows begin and end, which way they point, and why they left, told by hand."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

import penstock
from tests.captures import GOLDEN

IDLE, ACTIVE, ENDED, FORCED = 1, 2, 3, 4

CLIENTS = {"192.0.2.1", "2001:db8:1::1"}


class Flow(NamedTuple):
    """What is expected of one record."""

    packets: int
    packets_rev: int
    end_reason: int
    from_client: bool = True


WHOLE = Flow(5, 3, ENDED)

EXPECTED = {
    "close-fin": [WHOLE],
    "close-retransmitted": [Flow(6, 4, ENDED)],
    "close-much-later": [WHOLE, Flow(1, 0, FORCED, from_client=False)],
    "close-rst": [Flow(3, 3, ENDED)],
    "close-rst-late": [Flow(4, 3, ENDED)],
    "close-half": [Flow(5, 6, ENDED)],
    "close-fin-rst": [Flow(4, 3, ENDED)],
    "close-reused": [WHOLE, WHOLE],
    "close-never": [Flow(3, 2, FORCED)],
    "close-one-fin": [Flow(4, 2, FORCED)],
    "close-simultaneous": [Flow(4, 3, ENDED)],
    "open-syn-again": [Flow(7, 3, ENDED)],
    "open-syn-ack-first": [Flow(4, 3, ENDED)],
    "open-middle": [Flow(2, 2, ENDED, from_client=False)],
    "open-refused": [Flow(1, 1, ENDED)],
    "open-refused-again": [Flow(1, 1, ENDED)] * 3,
    "open-syn-only": [Flow(3, 0, FORCED)],
    "idle-just-below": [Flow(2, 1, FORCED)],
    "idle-exact": [Flow(1, 0, IDLE), Flow(1, 0, IDLE, from_client=False), Flow(1, 0, FORCED)],
    "idle-above": [Flow(1, 1, IDLE), Flow(1, 1, FORCED)],
    "active-cut": [Flow(15, 15, ACTIVE), Flow(15, 15, ACTIVE), Flow(5, 5, FORCED)],
    "active-exact": [Flow(15, 0, ACTIVE), Flow(1, 0, FORCED)],
    "active-turned": [Flow(29, 1, ACTIVE), Flow(0, 30, FORCED)],
    "time-backwards": [Flow(3, 3, FORCED)],
    "time-equal": [Flow(3, 3, FORCED)],
    "ping-reply-first": [Flow(1, 2, FORCED)],
    "ping-replies-only": [Flow(0, 2, FORCED)],
    "ping-requests-only": [Flow(3, 0, FORCED)],
    "icmp-echo": [Flow(2, 2, FORCED), Flow(1, 1, FORCED)],
    "icmp-timestamp": [Flow(1, 1, FORCED)],
    "icmpv6-echo": [Flow(1, 1, FORCED)],
    "self-to-self": [Flow(1, 1, FORCED)],
    "fragments-v4-reversed": [Flow(4, 0, FORCED)],
    "fragments-v6-interleaved": [Flow(4, 0, FORCED)] * 2,
    "gre-key": [WHOLE._replace(packets=4), Flow(1, 1, FORCED)],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_flows_are_those_that_were_meant(name: str) -> None:
    rows = list(penstock.meter(GOLDEN / f"{name}.pcap").rows())
    assert [_seen(row) for row in _in_order(rows)] == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_uniflows_hold_the_same_packets(name: str) -> None:
    rows = list(penstock.meter(GOLDEN / f"{name}.pcap", uniflow=True).rows())
    assert all("packets_rev" not in row for row in rows)
    biflows = EXPECTED[name]
    assert sum(row["packets"] for row in rows) == sum(
        flow.packets + flow.packets_rev for flow in biflows
    )


def test_start_and_end_are_the_least_and_greatest_times() -> None:
    [row] = penstock.meter(GOLDEN / "time-backwards.pcap").rows()
    start_ns = 1_700_000_000_250_000_000
    assert row["time_start"] == start_ns + 40_000_000_000
    assert max(row["time_end"], row["time_end_rev"]) == start_ns + 103_000_000_000


def _seen(row: dict[str, Any]) -> Flow:
    return Flow(
        row["packets"], row["packets_rev"], row["end_reason"], str(row["src_addr"]) in CLIENTS
    )


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By when they began, which is how a reader tells them apart; output order is by when they left."""
    return sorted(
        rows, key=lambda row: min(row["time_start"], row.get("time_start_rev", row["time_start"]))
    )
