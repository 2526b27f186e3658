# SPDX-License-Identifier: Apache-2.0
"""What was found, as a page for people and as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from cases import ratio
from markdown import number, table
from programs import PROGRAMS
from report_collecting import collecting
from targets import failures, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cases import Case, Cases
    from inputs import Capture
    from machine import Machine
    from targets import Measured

PEERS = {"pcap_loop": "libpcap", "softflowd": "softflowd", "nfpcapd": "nfpcapd"}
"""Programs that others are set beside, and the heading of that."""

SMALL_PEERS = {"nfstream": "NFStream", "nfstream_pandas": "NFStream to pandas"}
"""The same for the small capture."""


def page(
    measured: Measured, machine: Machine, captures: Mapping[str, Capture], when: str, title: str
) -> str:
    """Everything in Markdown whose tables are also readable as they are."""
    parts = [f"# {title}", _machine(machine, when), "## Promises", _promises(measured)]
    for name in dict.fromkeys(case.capture for case in measured.cases.values()):
        capture = captures[name]
        parts.append(f"## {name}: {capture.packets:,} packets, {_origin(capture)}")
        parts.append(_speeds(measured.cases, name))
    parts += collecting(measured)
    if measured.flow_costs or measured.endless or measured.startup:
        parts += ["## Memory and start", "\n".join(_other(measured))]
    failed = failures(measured)
    if failed:
        parts += ["## What failed", "\n".join(f"- {one}" for one in failed)]
    return "\n\n".join(part for part in parts if part) + "\n"


def as_json(measured: Measured, machine: Machine, when: str) -> str:
    """Everything, run by run."""
    whole = {
        "date": when,
        "machine": asdict(machine),
        "cases": [asdict(case) for case in measured.cases.values()],
        "memory": [
            asdict(cost) | {"octets_per_flow": cost.octets_per_flow} for cost in measured.flow_costs
        ],
        "endless": asdict(measured.endless) if measured.endless else None,
        "startup": asdict(measured.startup) if measured.startup else None,
        "decoding": [decoding.as_json() for decoding in measured.decoding.values()],
        "circuits": [circuit.as_json() for circuit in measured.circuits.values()],
        "crowd": measured.crowd.as_json() if measured.crowd else None,
        "failed": failures(measured),
        "promises": [
            {
                "says": verdict.target.says,
                "kind": verdict.target.kind,
                "bound": verdict.target.bound,
                "unit": verdict.target.unit,
                "value": verdict.value,
                "kept": verdict.kept,
            }
            for verdict in judge(measured)
        ],
    }
    return json.dumps(whole, indent=1) + "\n"


def _machine(machine: Machine, when: str) -> str:
    programs = ", ".join(f"{name} {version}" for name, version in machine.programs.items())
    stolen = "" if machine.stolen is None else f", {machine.stolen:.1%} of their time stolen"
    return (
        f"{when}, {machine.processor}, {machine.cores} cores{stolen}, {machine.memory_gib} GiB, "
        f"Linux {machine.kernel}; load before {machine.load_before:.2f}.\n{programs}."
    )


def _promises(measured: Measured) -> str:
    words = {True: "kept", False: "BROKEN", None: "not measured"}
    return table(
        ("promise", "", "found", "unit", ""),
        (
            (
                verdict.target.says,
                f"{verdict.target.kind} {number(verdict.target.bound)}",
                "–" if verdict.value is None else number(verdict.value),
                verdict.target.unit,
                words[verdict.kept],
            )
            for verdict in judge(measured)
        ),
    )


def _origin(capture: Capture) -> str:
    if capture.name == "t1-head":
        return "the first of t1"
    return f"{capture.flows:,} flows"


def _speeds(cases: Cases, capture: str) -> str:
    peers = {
        peer: heading
        for peer, heading in (PEERS | SMALL_PEERS).items()
        if (peer, capture) in cases and cases[peer, capture].runs
    }
    head = ("program", "M packets/s", "(min–max)", "process", "peak MB", "CPU", "records")
    rows = []
    for case in (case for case in cases.values() if case.capture == capture):
        if not case.runs:
            problem = case.problem.splitlines()[0] if case.problem else "–"
            rows.append(
                (PROGRAMS[case.program].title, problem, *[""] * (len(head) + len(peers) - 2))
            )
            continue
        times = (ratio(cases, (case.program, capture), (peer, capture)) for peer in peers)
        rows.append((*_figures(case), *("–" if one is None else f"{one:.2f}" for one in times)))
    return table((*head, *(f"× {heading}" for heading in peers.values())), rows)


def _figures(case: Case) -> tuple[str, ...]:
    """The columns of one case that need no other."""
    runs = case.runs
    low, high = min(case.rates) / 1e6, max(case.rates) / 1e6
    process = sorted(run.process_packets_per_s for run in runs)[len(runs) // 2] / 1e6
    flows = runs[-1].flows
    return (
        PROGRAMS[case.program].title,
        number(case.rate / 1e6),
        f"{number(low)}–{number(high)}",
        number(process),
        f"{max(run.peak_octets for run in runs) / 1e6:,.0f}",
        f"{min(run.cpu_s / run.process_s for run in runs):.0%}",
        "–" if flows is None else f"{flows:,}",
    )


def _other(measured: Measured) -> Iterable[str]:
    for cost in measured.flow_costs:
        yield (
            f"- {cost.octets_per_flow:.0f} octets a flow: anonymous memory "
            f"{cost.peak_octets / 1e6:.1f} MB with {cost.flows:,} flows at a time, "
            f"{cost.peak_octets_few / 1e6:.1f} MB with {cost.few:,} "
            f"(bound: {cost.max_flows:,} flows)"
        )
    if measured.endless:
        run = measured.endless
        yield (
            f"- {run.packets:,} packets and {run.flows:,} flows through standard input in "
            f"{run.seconds:.0f} s: {run.early_octets / 1e6:.2f} MB in the second third of the time, "
            f"{run.late_octets / 1e6:.2f} MB in the last"
        )
    if measured.startup:
        start = measured.startup
        yield (
            f"- `penstock --version` {start.version_ms:.0f} ms, `penstock probe --help` "
            f"{start.help_ms:.0f} ms; `import penstock` {start.import_ms:.1f} ms beyond a bare "
            f"Python, with `penstock.meter` {start.import_meter_ms:.1f} ms"
        )
