# SPDX-License-Identifier: Apache-2.0
"""A made-up run to look at, for tests of what shows one."""

from __future__ import annotations

from typing import Any

from penstock import _core
from penstock.ledger import Ledger, Row


def exporter(**differences: Any) -> _core.ExporterRow:
    """One exporter of NetFlow v9."""
    row: dict[str, Any] = {
        "addr": "192.0.2.1",
        "port": 50000,
        "transport": "udp",
        "protocol": "netflow9",
        "domain": 5,
        "first_ns": 1_000_000_000,
        "last_ns": 9_000_000_000,
        "datagrams": 10,
        "octets": 14_000,
        "records": 300,
        "other_records": 2,
        "templates": 3,
        "missing": 4,
        "missing_unit": "packets",
        "missing_samples": 0,
        "duplicates": 1,
        "reordered": 2,
        "restarts": 0,
        "parked": 0,
        "refused": {"cut short": 1},
        "sampling_rate": 100.0,
        "sampling_origin": "options",
        "clock_skew_ms": 1500,
        "exported_records": None,
    }
    made: _core.ExporterRow = {**row, **differences}  # type: ignore[typeddict-item]
    return made


def template(**differences: Any) -> _core.TemplateRow:
    """One template of it."""
    row: dict[str, Any] = {
        "addr": "192.0.2.1",
        "port": 50000,
        "protocol": "netflow9",
        "domain": 5,
        "id": 256,
        "options": False,
        "fields": ["sourceIPv4Address:4", "octetDeltaCount:8"],
        "seen_ns": 9_000_000_000,
    }
    made: _core.TemplateRow = {**row, **differences}  # type: ignore[typeddict-item]
    return made


class MadeUp:
    """Looks like a run."""

    def __init__(self, exporters: list[_core.ExporterRow] | None = None) -> None:
        self.wrong: list[str] = []
        self.seconds = 12.5
        self._exporters = [exporter()] if exporters is None else exporters

    def ledger(self) -> Ledger:
        return Ledger(
            [
                Row("message", "in", "", "datagrams", 11),
                Row("message", "out", "", "datagrams", 10),
                Row("message", "lost", "refused: cut short", "datagrams", 1),
                Row("decode", "noted", "options records", "records", 2),
            ]
        )

    def exporters(self) -> list[_core.ExporterRow]:
        return self._exporters

    def templates(self) -> list[_core.TemplateRow]:
        return [template(), template(id=257, options=True)]

    def queues(self) -> dict[str, int]:
        return {"parquet:flows/": 2}

    def troubles(self) -> list[str]:
        return self.wrong
