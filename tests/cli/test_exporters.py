# SPDX-License-Identifier: Apache-2.0
"""Exporters as lines of a table."""

from __future__ import annotations

from penstock.cli.exporters import HEAD, TEMPLATE_HEAD, cells, template_cells
from tests.views import exporter, template


def shown(**differences: object) -> dict[str, str]:
    row = exporter(**differences)
    return dict(zip(HEAD, cells(row, 12_000_000_000), strict=True))


def test_a_line_tells_what_an_operator_asks_first() -> None:
    assert shown() == {
        "EXPORTER": "192.0.2.1",
        "PROTOCOL": "netflow9",
        "DOMAIN": "5",
        "DATAGRAMS": "10",
        "RECORDS": "300",
        "SAMPLING": "1:100 options",
        "TEMPLATES": "3",
        "MISSING": "4 packets",
        "CLOCK BEHIND": "+1.5 s",
        "LAST": "3 s ago",
    }


def test_what_is_not_known_is_not_made_up() -> None:
    assert shown(sampling_rate=0.0, sampling_origin="unknown")["SAMPLING"] == "? unknown"
    assert shown(last_ns=0)["LAST"] == "?"


def test_missing_samples_stand_beside_missing_datagrams() -> None:
    row = shown(missing=1, missing_unit="datagrams", missing_samples=1200)
    assert row["MISSING"] == "1 datagrams, 1,200 samples"
    assert shown(missing=0)["MISSING"] == "0"


def test_a_session_by_tcp_says_so() -> None:
    assert shown(transport="tcp")["EXPORTER"] == "192.0.2.1 (tcp)"


def test_a_template_is_its_fields() -> None:
    row = dict(zip(TEMPLATE_HEAD, template_cells(template()), strict=True))
    assert row["FIELDS"] == "sourceIPv4Address:4 octetDeltaCount:8"
    assert row["KIND"] == "data"
