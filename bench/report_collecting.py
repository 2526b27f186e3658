# SPDX-License-Identifier: Apache-2.0
"""What was found about collecting, as parts of the page."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from decode import PROTOCOLS
from loopback import STEADY_RATES
from markdown import number, table
from ports import largest_buffer
from receivers import BUFFER_OCTETS, RECEIVERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crowd import Crowd
    from decode import Decoding
    from loopback import Circuit, Trial
    from targets import Measured


def collecting(measured: Measured) -> list[str]:
    """Headings and tables of all that was measured."""
    parts = []
    if measured.decoding:
        parts += ["## Collecting: memory to Arrow, one core", _decoding(measured.decoding.values())]
    if measured.circuits:
        parts += ["## Collecting: over loopback, one core and the sender on another", _buffers()]
    for protocol in dict.fromkeys(protocol for _, protocol in measured.circuits):
        circuits = [one for one in measured.circuits.values() if one.protocol == protocol]
        parts += [f"### {NAMES[protocol]}", _circuits(circuits)]
    if measured.crowd is not None:
        parts += ["## Collecting: 10,000 exporters", _crowd(measured.crowd)]
    return parts


def _decoding(found: Iterable[Decoding]) -> str:
    head = ("protocol", "M records/s", "(min–max)", "MB/s", "records a datagram", "CPU")
    rows = []
    for decoding in found:
        runs = decoding.runs
        if not runs:
            problem = decoding.problem.splitlines()[0] if decoding.problem else "–"
            rows.append((PROTOCOLS[decoding.protocol], problem, *[""] * (len(head) - 2)))
            continue
        rates = [run.rate / 1e6 for run in runs]
        octets_per_s = statistics.median(run.octets / run.seconds for run in runs)
        rows.append(
            (
                PROTOCOLS[decoding.protocol],
                number(decoding.rate / 1e6),
                f"{number(min(rates))}–{number(max(rates))}",
                number(octets_per_s / 1e6),
                number(runs[-1].records / runs[-1].datagrams),
                f"{min(run.cpu_s / run.seconds for run in runs):.0%}",
            )
        )
    return table(head, rows)


def _circuits(circuits: list[Circuit]) -> str:
    steady = number(STEADY_RATES[circuits[0].protocol] / 1e3)
    head = (
        *("collector", "M records/s, no loss", "to the end", "CPU s/M"),
        *(f"CPU s/M at {steady} k/s", "lost there", "octets a record", "peak MB"),
    )
    return table(head, [_figures(circuit, len(head)) for circuit in circuits])


def _figures(circuit: Circuit, columns: int) -> tuple[str, ...]:
    title = RECEIVERS[circuit.receiver].title
    trials = [*circuit.search, *circuit.steady]
    if not trials:
        problem = circuit.problem.splitlines()[0] if circuit.problem else "–"
        return (title, problem, *[""] * (columns - 2))
    best, cpu, octets = circuit.best, circuit.steady_cpu, circuit.octets_per_record
    return (
        title,
        *_best(best, bound=circuit.sender_bound),
        "–" if cpu is None else number(cpu) + _slower(circuit),
        _lost(circuit.steady),
        number(octets) if octets else "–",
        f"{max(trial.peak_octets for trial in trials) / 1e6:,.0f}",
    )


def _best(trial: Trial | None, *, bound: bool) -> tuple[str, str, str]:
    if trial is None:
        return ("–", "–", "–")
    more = "≥ " if bound else ""
    return (
        more + number(trial.rate / 1e6),
        number(trial.rate_to_the_end / 1e6),
        number(trial.cpu_s_per_million),
    )


def _slower(circuit: Circuit) -> str:
    """The rate that a receiver was compared at where it cannot take that of the others."""
    rate = circuit.steady_rate
    return "" if rate == STEADY_RATES[circuit.protocol] else f" (at {number(rate / 1e3)})"


def _lost(trials: list[Trial]) -> str:
    lost = max((trial.lost_share for trial in trials), default=None)
    if lost is None:
        return "–"
    return f"{lost:.2%}" if lost else "0"


def _buffers() -> str:
    granted = largest_buffer()
    asked = f"All ask for a receive buffer of {BUFFER_OCTETS >> 20} MiB."
    if granted >= BUFFER_OCTETS:
        return asked
    return (
        f"{asked} net.core.rmem_max is {granted:,}, so that they are given {granted:,} octets; "
        "Penstock, where it runs as root, may have more."
    )


def _crowd(found: Crowd) -> str:
    return (
        f"- {found.exporters:,} exporters, {found.templates:,} templates (those of options "
        f"included), {found.received:,} of {found.sent:,} records in {found.seconds:.0f} s, "
        f"{found.dropped:,} datagrams dropped by the kernel, {found.cpu_share:.0%} of a core: "
        f"{found.early_octets / 1e6:.1f} MB in the second third of the time, "
        f"{found.late_octets / 1e6:.1f} MB in the last"
    )


NAMES = {"ipfix": "IPFIX, 20 fields", "v9": "NetFlow v9, 20 fields", "sflow": "sFlow v5, samples"}
"""Protocols by the sender's words for them."""
