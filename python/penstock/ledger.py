# SPDX-License-Identifier: Apache-2.0
"""The loss ledger: what every stage took in, gave out and lost, and whether it adds up.

Counts come from the stages themselves; nothing is counted here. Two equations must hold after
every run: packets read = metered + lost by reason, and packets metered = packets in the records.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from penstock import _core

Unit = Literal["packets", "flows"]
"""What is counted."""


@dataclass(frozen=True, slots=True)
class Row:
    """One count of one stage."""

    stage: str
    """One of :data:`METERING`, or a sink's URI."""

    kind: Literal["in", "out", "lost", "noted"]
    """What became of what was counted; ``noted`` is still in ``out``."""

    reason: str
    """Why; empty for ``in`` and ``out``."""

    unit: Unit
    """What is counted."""

    count: int
    """How many."""


@dataclass(frozen=True, slots=True)
class Equation:
    """Two counts that must be equal."""

    says: str
    """The equation in words."""

    left: int
    """Its left side."""

    right: int
    """Its right side."""

    @property
    def holds(self) -> bool:
        """Whether nothing is missing."""
        return self.left == self.right


class Ledger:
    """The counts of all stages of one run."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = tuple(rows)

    @classmethod
    def of(cls, rows: Iterable[_core.LedgerRow]) -> Ledger:
        """From the native half's rows."""
        return cls(Row(**row) for row in rows)

    def __add__(self, other: Ledger) -> Ledger:
        """Both; rows that count the same are added up."""
        counts: dict[tuple[str, str, str, str], Row] = {}
        for row in (*self.rows, *other.rows):
            key = (row.stage, row.kind, row.reason, row.unit)
            so_far = counts[key].count if key in counts else 0
            counts[key] = Row(row.stage, row.kind, row.reason, row.unit, so_far + row.count)
        return Ledger(counts.values())

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def count(
        self, stage: str, kind: str, reason: str | None = None, *, unit: Unit = "packets"
    ) -> int:
        """The sum of what a stage counted, for one reason or for all."""
        return sum(
            row.count
            for row in self.rows
            if (row.stage, row.kind, row.unit) == (stage, kind, unit)
            and reason in (None, row.reason)
        )

    def reasons(
        self, kind: str, *, stage: str | None = None, unit: Unit = "packets"
    ) -> dict[str, int]:
        """Counts by reason, the largest first, zeroes left out."""
        found: dict[str, int] = {}
        for row in self.rows:
            if (row.kind, row.unit) == (kind, unit) and stage in (None, row.stage) and row.count:
                found[row.reason] = found.get(row.reason, 0) + row.count
        return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))

    @property
    def packets_read(self) -> int:
        """Packets that came out of the sources."""
        return self.count("source", "in")

    @property
    def packets_metered(self) -> int:
        """Packets that belong to a flow."""
        return self.count("meter", "in")

    @property
    def flows(self) -> int:
        """Records that the flow tables gave out."""
        return self.count("meter", "out", unit="flows")

    def lost_packets(self) -> dict[str, int]:
        """What became of the packets that were not metered, by reason, zeroes left out."""
        return self.reasons("lost")

    def equations(self) -> list[Equation]:
        """What must hold: nothing vanishes within a stage, nor between one and the next."""
        lost = sum(self.lost_packets().values())
        found = [
            Equation(
                "packets read = metered + lost", self.packets_read, self.packets_metered + lost
            ),
            Equation(
                "packets metered = packets in records",
                self.packets_metered,
                self.count("meter", "out"),
            ),
        ]
        before = ""
        for stage in (stage for stage in METERING if stage != "meter"):
            into, out = self.count(stage, "in"), self.count(stage, "out")
            gone = self.count(stage, "lost")
            found.append(Equation(f"packets into {stage} = out + lost", into, out + gone))
            if before:
                given = self.count(before, "out")
                found.append(Equation(f"packets out of {before} = into {stage}", given, into))
            before = stage
        for stage in dict.fromkeys(row.stage for row in self.rows if row.stage not in METERING):
            into = self.count(stage, "in", unit="flows")
            out = self.count(stage, "out", unit="flows")
            gone = self.count(stage, "lost", unit="flows")
            found.append(Equation(f"flows into {stage} = out + lost", into, out + gone))
        return found

    def to_json(self) -> str:
        """The rows as one JSON document."""
        return json.dumps({"ledger": [asdict(row) for row in self.rows]}, indent=1) + "\n"


METERING = ("source", "select", "link", "wire", "fragments", "meter")
"""The native half's stages, in the order of a packet's way; every other stage is a sink."""
