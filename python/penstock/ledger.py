# SPDX-License-Identifier: Apache-2.0
"""The loss ledger: what every stage took in, gave out and lost, and whether it adds up.

Counts come from the stages themselves; nothing is counted here. After every run equations must hold:
packets read = metered + lost by reason, and packets metered = packets in the records; of a collector,
datagrams arrived = received + dropped by the kernel, datagrams received = used + refused, and records
decoded = flows + lost by reason.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from penstock import _core

Unit = Literal[
    "packets",
    "flows",
    "datagrams",
    "records",
    "samples",
    "rows",
    "sets",
    "templates",
    "octets",
    "sessions",
    "exporters",
]
"""What is counted. Datagrams are also the messages of a stream or a file; rows are those of batches
that hold no flows."""


@dataclass(frozen=True, slots=True)
class Row:
    """One count of one stage."""

    stage: str
    """One of :data:`METERING` or :data:`COLLECTING`, or a sink's URI."""

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
        """Flows that the flow tables and the collectors gave out."""
        return self.count("meter", "out", unit="flows") + self.count("decode", "out", unit="flows")

    @property
    def stages(self) -> tuple[str, ...]:
        """All stages that counted anything, in the order in which they did."""
        return tuple(dict.fromkeys(row.stage for row in self.rows))

    @property
    def sinks(self) -> tuple[str, ...]:
        """The stages that are sinks, by URI."""
        inner = {*METERING, *COLLECTING}
        return tuple(stage for stage in self.stages if stage not in inner)

    @property
    def metered(self) -> bool:
        """Whether packets were metered in this run."""
        return "source" in self.stages

    @property
    def collected(self) -> bool:
        """Whether flow exports were collected in this run."""
        return "message" in self.stages

    def lost_packets(self) -> dict[str, int]:
        """What became of the packets that were not metered, by reason, zeroes left out."""
        found: dict[str, int] = {}
        for stage in METERING:
            for reason, count in self.reasons("lost", stage=stage).items():
                found[reason] = found.get(reason, 0) + count
        return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))

    def equations(self) -> list[Equation]:
        """What must hold: nothing vanishes within a stage, nor between one and the next."""
        found = self._of_metering() + (self._of_collecting() if self.collected else [])
        units: tuple[Unit, ...] = ("flows", "rows")
        for stage in self.sinks:
            for unit in units:
                into = self.count(stage, "in", unit=unit)
                out = self.count(stage, "out", unit=unit)
                gone = self.count(stage, "lost", unit=unit)
                if into or out or gone or unit == "flows":
                    found.append(Equation(f"{unit} into {stage} = out + lost", into, out + gone))
        return found

    def _of_metering(self) -> list[Equation]:
        lost = sum(self.count(stage, "lost") for stage in METERING)
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
        return found

    def _of_collecting(self) -> list[Equation]:
        received = self.count("message", "in", unit="datagrams")
        used = self.count("message", "out", unit="datagrams")
        return [
            Equation(
                "datagrams arrived = received + dropped by the kernel",
                self.count("socket", "in", unit="datagrams"),
                received + self.count("socket", "lost", unit="datagrams"),
            ),
            Equation(
                "datagrams received = used + refused",
                received,
                used + self.count("message", "lost", unit="datagrams"),
            ),
            Equation(
                "records decoded = flows + lost",
                self.count("decode", "in", unit="records"),
                self.count("decode", "out", unit="flows")
                + self.count("decode", "lost", unit="records"),
            ),
        ]

    def to_json(self) -> str:
        """The rows as one JSON document."""
        return json.dumps({"ledger": [asdict(row) for row in self.rows]}, indent=1) + "\n"


METERING = ("source", "select", "link", "wire", "fragments", "meter")
"""The stages of a meter, in the order of a packet's way."""

COLLECTING = ("socket", "tcp", "message", "decode", "network")
"""The stages of a collector, in the order of a datagram's way; ``network`` counts what sequence
numbers say was lost before. Every stage that is neither here nor there is a sink."""
