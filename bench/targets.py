# SPDX-License-Identifier: Apache-2.0
"""What Penstock promises, a row a promise, and whether a measurement keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from cases import ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from cases import Cases
    from memory import Endless, FlowCost
    from startup import Startup


@dataclass
class Measured:
    """All that one run of the benchmarks found."""

    cases: Cases
    flow_costs: list[FlowCost]
    endless: Endless | None
    startup: Startup | None


class Target(NamedTuple):
    """One promise."""

    says: str
    unit: str
    kind: Literal["at least", "at most"]
    bound: float
    value: Callable[[Measured], float | None]


class Verdict(NamedTuple):
    """A promise, and what was found."""

    target: Target
    value: float | None

    @property
    def kept(self) -> bool | None:
        """Whether it was kept; absent where nothing was measured."""
        if self.value is None:
            return None
        if self.target.kind == "at least":
            return self.value >= self.target.bound
        return self.value <= self.target.bound


def judge(measured: Measured) -> list[Verdict]:
    """Every promise beside what was measured."""
    return [Verdict(target, target.value(measured)) for target in TARGETS]


def _rate(program: str, capture: str) -> Callable[[Measured], float | None]:
    def value(measured: Measured) -> float | None:
        case = measured.cases.get((program, capture))
        return case.rate / 1e6 if case is not None and case.runs else None

    return value


def _ratio(over: str, under: str, capture: str) -> Callable[[Measured], float | None]:
    return lambda measured: ratio(measured.cases, (over, capture), (under, capture))


def _octets_per_flow(measured: Measured) -> float | None:
    return max((cost.octets_per_flow for cost in measured.flow_costs), default=None)


def _growth(measured: Measured) -> float | None:
    return None if measured.endless is None else measured.endless.growth


def _version(measured: Measured) -> float | None:
    return None if measured.startup is None else measured.startup.version_ms


def _import(measured: Measured) -> float | None:
    return None if measured.startup is None else measured.startup.import_ms


M, TIMES, MS = "M packets/s", "×", "ms"

TARGETS: tuple[Target, ...] = (
    Target("one core to null:, 100 k flows", M, "at least", 11.0, _rate("null", "t1")),
    Target("… of the libpcap loop", TIMES, "at least", 0.5, _ratio("null", "pcap_loop", "t1")),
    Target("one core to null:, 2 M flows", M, "at least", 5.0, _rate("null", "t2")),
    Target("one core to parquet:, 100 k flows", M, "at least", 7.7, _rate("parquet", "t1")),
    Target("one core to parquet:, 2 M flows", M, "at least", 2.5, _rate("parquet", "t2")),
    Target(
        "Parquet of null:, 100 k flows", TIMES, "at least", 0.7, _ratio("parquet", "null", "t1")
    ),
    Target("Parquet of null:, 2 M flows", TIMES, "at least", 0.5, _ratio("parquet", "null", "t2")),
    Target("basicplus and pstats, 100 k flows", M, "at least", 5.0, _rate("plugins", "t1")),
    Target("basicplus and pstats, 2 M flows", M, "at least", 2.5, _rate("plugins", "t2")),
    Target("two threads of one", TIMES, "at least", 1.7, _ratio("threads2", "null", "t1")),
    Target(
        "capture to DataFrame of NFStream",
        *(TIMES, "at least", 30.0),
        value=lambda measured: ratio(
            measured.cases, ("polars", "t1-head"), ("nfstream_pandas", "t1-head")
        ),
    ),
    Target("memory a flow", "octets", "at most", 200.0, _octets_per_flow),
    Target("memory late over early, endless input", TIMES, "at most", 1.02, _growth),
    Target("penstock --version", MS, "at most", 150.0, _version),
    Target("import penstock", MS, "at most", 60.0, _import),
)
"""Every promise."""
