# SPDX-License-Identifier: Apache-2.0
"""What Penstock promises, a row a promise, and whether a measurement keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from cases import ratio
from loopback import cpu_ratio
from programs import PROGRAMS
from receivers import RECEIVERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from cases import Cases
    from crowd import Crowd
    from decode import Decoding
    from loopback import Circuits
    from memory import Endless, FlowCost
    from startup import Startup


@dataclass
class Measured:
    """All that one run of the benchmarks found."""

    cases: Cases
    flow_costs: list[FlowCost]
    endless: Endless | None
    startup: Startup | None
    decoding: dict[str, Decoding] = field(default_factory=dict)
    """By protocol."""
    circuits: Circuits = field(default_factory=dict)
    crowd: Crowd | None = None
    crowd_problem: str = ""
    """Why it was not measured, if it should have been."""


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


def failures(measured: Measured) -> list[str]:
    """What of Penstock ran, and not as it should: a line each. Nothing is promised by what failed."""
    found = [
        f"{PROGRAMS[case.program].title}, {case.capture}: {case.problem}"
        for case in measured.cases.values()
        if case.failed and PROGRAMS[case.program].ours
    ]
    found += [
        f"{RECEIVERS[circuit.receiver].title}, {circuit.protocol}: {circuit.problem}"
        for circuit in measured.circuits.values()
        if circuit.failed and RECEIVERS[circuit.receiver].ours
    ]
    found += [
        f"decoding {decoding.protocol}: {decoding.problem}"
        for decoding in measured.decoding.values()
        if decoding.problem
    ]
    if measured.crowd_problem:
        found.append(f"10,000 exporters: {measured.crowd_problem}")
    return [one.strip().replace("\n", " ") for one in found]


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


def _decoded(protocol: str) -> Callable[[Measured], float | None]:
    def value(measured: Measured) -> float | None:
        decoding = measured.decoding.get(protocol)
        return decoding.rate / 1e6 if decoding is not None and decoding.runs else None

    return value


def _taken(receiver: str, protocol: str) -> Callable[[Measured], float | None]:
    def value(measured: Measured) -> float | None:
        circuit = measured.circuits.get((receiver, protocol))
        if circuit is None or not circuit.search:
            return None
        return 0.0 if circuit.best is None else circuit.best.rate_to_the_end / 1e6

    return value


def _octets_per_record(measured: Measured) -> float | None:
    found = [
        circuit.octets_per_record
        for (receiver, protocol), circuit in measured.circuits.items()
        if receiver == "parquet" and protocol in ("ipfix", "v9")
    ]
    return max((octets for octets in found if octets is not None), default=None)


def _cpu(over: str, under: str, protocol: str) -> Callable[[Measured], float | None]:
    return lambda measured: cpu_ratio(measured.circuits, (over, protocol), (under, protocol))


def _crowd(measured: Measured) -> float | None:
    return None if measured.crowd is None else measured.crowd.growth


M, TIMES, MS = "M packets/s", "×", "ms"
RECORDS = "M records/s"

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
    Target("one core to ipfix+udp:, 100 k flows", M, "at least", 9.0, _rate("ipfix", "t1")),
    Target("one core to ipfix+udp:, 2 M flows", M, "at least", 4.0, _rate("ipfix", "t2")),
    Target("memory to Arrow, NetFlow v5", RECORDS, "at least", 15.0, _decoded("netflow5")),
    Target("memory to Arrow, NetFlow v9", RECORDS, "at least", 8.0, _decoded("netflow9")),
    Target("memory to Arrow, IPFIX", RECORDS, "at least", 8.0, _decoded("ipfix")),
    Target("memory to Arrow, sFlow", "M samples/s", "at least", 3.0, _decoded("sflow")),
    Target(
        "loopback to parquet: without loss", RECORDS, "at least", 1.5, _taken("parquet", "ipfix")
    ),
    Target("Parquet, a record of 20 fields", "octets", "at most", 30.0, _octets_per_record),
    Target(
        "processor time of nfcapd, to null:",
        *(TIMES, "at most", 0.6),
        value=_cpu("null", "nfcapd_lz4", "ipfix"),
    ),
    Target("memory late over early, 10,000 exporters", TIMES, "at most", 1.02, _crowd),
    Target("memory a flow", "octets", "at most", 200.0, _octets_per_flow),
    Target("memory late over early, endless input", TIMES, "at most", 1.02, _growth),
    Target("penstock --version", MS, "at most", 150.0, _version),
    Target("import penstock", MS, "at most", 60.0, _import),
)
"""Every promise."""
