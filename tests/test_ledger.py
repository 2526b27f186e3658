# SPDX-License-Identifier: Apache-2.0
"""The ledger's arithmetic."""

from __future__ import annotations

import json

import pytest

from penstock.ledger import METERING, Ledger, Row
from penstock.pipeline.summary import summary
from tests.views import exporter


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


COLLECTED = Ledger(
    [
        Row("socket", "in", "", "datagrams", 12),
        Row("socket", "lost", "dropped by the kernel", "datagrams", 2),
        Row("message", "in", "", "datagrams", 10),
        Row("message", "out", "", "datagrams", 9),
        Row("message", "noted", "parked", "datagrams", 1),
        Row("message", "lost", "refused: cut short", "datagrams", 1),
        Row("decode", "in", "", "records", 100),
        Row("decode", "out", "", "flows", 97),
        Row("decode", "lost", "list too deep", "records", 3),
        Row("network", "lost", "netflow9", "packets", 4),
        Row("parquet:d", "in", "", "flows", 97),
        Row("parquet:d", "out", "", "flows", 97),
        Row("parquet:d", "in", "", "rows", 5),
        Row("parquet:d", "out", "", "rows", 5),
    ]
)


def test_a_collector_adds_up_in_datagrams_and_in_records() -> None:
    assert [one.says for one in COLLECTED.equations() if not one.holds] == []
    assert COLLECTED.flows == 97
    assert COLLECTED.sinks == ("parquet:d",)
    assert COLLECTED.lost_packets() == {}, "what the network lost was never a packet of ours"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (Row("socket", "in", "", "datagrams", 1), "datagrams arrived = received + dropped by"),
        (Row("message", "out", "", "datagrams", 1), "datagrams received = used + refused"),
        (Row("decode", "in", "", "records", 1), "records decoded = flows + lost"),
        (Row("parquet:d", "in", "", "rows", 1), "rows into parquet:d = out + lost"),
    ],
)
def test_what_vanishes_in_a_collector_is_noticed(row: Row, says: str) -> None:
    (wrong,) = [one for one in (COLLECTED + Ledger([row])).equations() if not one.holds]
    assert wrong.says.startswith(says)


def test_the_summary_of_a_collector_says_what_an_operator_asks() -> None:
    exporters = [exporter(), exporter(addr="192.0.2.2", sampling_rate=0.0, parked=3)]
    text = summary(COLLECTED, 2.0, 2.5, exporters)
    lines = {line[:24].strip(): line[24:].strip() for line in text.splitlines()}
    assert lines["datagrams received"] == "10"
    assert lines["refused"] == "1  cut short 1"
    assert lines["dropped by the kernel"] == "2  make --buffer larger"
    assert lines["flows received"] == "97  netflow9 600"
    assert lines["missing by sequence"] == "4  netflow9 packets 4"
    assert lines["sampling rate unknown"].startswith("1  exporters of 2")
    assert lines["sets without template"].startswith("3")
    assert lines["to parquet:d"] == "97  and 5 other rows"
    assert "does not add up" not in text
