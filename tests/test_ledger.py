# SPDX-License-Identifier: Apache-2.0
"""The ledger's arithmetic."""

from __future__ import annotations

import json

from penstock.ledger import METERING, Ledger, Row
from penstock.pipeline.summary import summary


def ledger(*, metered: int = 8, in_records: int = 8, filtered: int = 2) -> Ledger:
    rows = [Row("source", "in", "", "packets", 10), Row("source", "out", "", "packets", 10)]
    rows += [
        Row("select", "in", "", "packets", 10),
        Row("select", "lost", "filtered", "packets", filtered),
        Row("select", "out", "", "packets", 8),
    ]
    for stage in METERING[2:-1]:
        rows += [Row(stage, "in", "", "packets", 8), Row(stage, "out", "", "packets", 8)]
    rows += [
        Row("meter", "in", "", "packets", metered),
        Row("meter", "out", "", "packets", in_records),
        Row("meter", "out", "", "flows", 3),
        Row("meter", "noted", "end", "flows", 2),
        Row("meter", "noted", "idle", "flows", 1),
        Row("json:", "in", "", "flows", 3),
        Row("json:", "out", "", "flows", 3),
    ]
    return Ledger(rows)


def test_what_adds_up_holds() -> None:
    assert all(equation.holds for equation in ledger().equations())


def test_a_lost_packet_without_a_reason_is_noticed() -> None:
    wrong = [equation.says for equation in ledger(filtered=1).equations() if not equation.holds]
    assert wrong == ["packets read = metered + lost", "packets into select = out + lost"]


def test_a_packet_in_no_record_is_noticed_and_told() -> None:
    broken = ledger(in_records=7)
    wrong = [equation.says for equation in broken.equations() if not equation.holds]
    assert wrong == ["packets metered = packets in records"]
    assert "does not add up: packets metered = packets in records: 8 and 7" in summary(broken, 1, 1)


def test_adding_ledgers_adds_their_counts() -> None:
    both = ledger() + ledger()
    assert both.packets_read == 20
    assert both.flows == 6
    assert len(both.rows) == len(ledger().rows)


def test_as_json_it_has_every_row() -> None:
    rows = json.loads(ledger().to_json())["ledger"]
    assert rows[0] == {
        "stage": "source",
        "kind": "in",
        "reason": "",
        "unit": "packets",
        "count": 10,
    }
    assert len(rows) == len(ledger().rows)


def test_the_summary_says_what_became_of_the_packets_and_how_flows_ended() -> None:
    text = summary(ledger(), 2.0, 3.0)
    assert "packets read                          10" in text
    assert "end 2, idle 1" in text
    assert "5 packets/s; 3.000 s in all" in text
    assert "does not add up" not in text
