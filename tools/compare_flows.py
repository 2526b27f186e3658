# SPDX-License-Identifier: Apache-2.0
"""Tells whether two files of flows, as JSON lines, hold the same rows in whatever order.

    compare_flows.py SENT.jsonl BACK.jsonl

`make demo` asks it about flows that went out as IPFIX and came back. Columns of the session that
flows came by are not the flows' own, and are left out.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

SESSION = {
    "source_kind",
    "sampling_origin",
    "exporter_addr",
    "exporter_port",
    "observation_domain",
    "sequence",
    "time_received",
    "time_stored",
    "time_suspect",
}
"""Columns that say how a row came here."""


def main(words: list[str]) -> int:
    """Compares; 0 if they are equal, 1 if not, 2 if two files were not given."""
    if len(words) != 2:
        print("give two files of JSON lines", file=sys.stderr)
        return 2
    sent, back = (rows_of(Path(word)) for word in words)
    missing, others = sent - back, back - sent
    if missing or others:
        print(f"not equal: {missing.total()} rows did not come back, {others.total()} are others")
        for row in [*missing, *others][:2]:
            print(f"  {row}")
        return 1
    print(f"equal: {sent.total():,} rows, {len(columns_of(sent))} columns")
    return 0


def rows_of(path: Path) -> Counter[str]:
    """Every row as text, and how often it is there."""
    with path.open(encoding="utf-8") as lines:
        return Counter(comparable(json.loads(line)) for line in lines)


def comparable(row: dict[str, object]) -> str:
    """A row without its session's columns and without what is null, in one order."""
    own = {name: value for name, value in row.items() if name not in SESSION and value is not None}
    return json.dumps(own, sort_keys=True)


def columns_of(rows: Counter[str]) -> set[str]:
    """The columns that any row has."""
    return {name for row in rows for name in json.loads(row)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
