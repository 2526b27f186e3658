# SPDX-License-Identifier: Apache-2.0
"""The ledger in words, for people at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.ledger import METERING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock import _core
    from penstock.ledger import Ledger


def summary(
    ledger: Ledger,
    reading_s: float,
    process_s: float,
    exporters: Sequence[_core.ExporterRow] = (),
) -> str:
    """A few lines that add up.

    Args:
        ledger: what was counted.
        reading_s: seconds from the first octet read to the last batch handed over.
        process_s: seconds that the whole process took.
        exporters: who sent what, where there were any.
    """
    lines: list[str] = []
    did: list[str] = []
    if ledger.metered or not ledger.collected:
        lines += _metered(ledger)
        did.append(f"{_rate(ledger.packets_read, reading_s)} packets/s")
    if ledger.collected:
        lines += _collected(ledger, exporters)
        did.append(
            f"{_rate(ledger.count('decode', 'out', unit='flows'), reading_s)} flows received/s"
        )
    lines += _sinks(ledger)
    verb = "reading and metering" if ledger.metered or not ledger.collected else "receiving"
    lines.append(
        f"{'time':<{WIDTH}} {reading_s:>15.3f} s {verb}, {', '.join(did)}; {process_s:.3f} s in all"
    )
    lines += [
        f"does not add up: {equation.says}: {equation.left:,} and {equation.right:,}"
        for equation in ledger.equations()
        if not equation.holds
    ]
    return "\n".join(lines) + "\n"


def _metered(ledger: Ledger) -> list[str]:
    lines = [_line("packets read", ledger.packets_read), _line("  metered", ledger.packets_metered)]
    lines += [
        _line(f"  {name}", sum(reasons.values()), _listed(reasons))
        for name, reasons in lost_by_kind(ledger).items()
        if reasons or name in ALWAYS
    ]
    flows = ledger.count("meter", "out", unit="flows")
    lines.append(_line("flows", flows, _listed(end_reasons(ledger))))
    lines.append(_line("  packets in them", ledger.count("meter", "out")))
    noted: dict[str, int] = {}
    for stage in METERING:
        noted |= ledger.reasons("noted", stage=stage, unit="packets")
    if noted:
        lines.append(_line("of note, packets", sum(noted.values()), _listed(noted)))
    return lines


def _collected(ledger: Ledger, exporters: Sequence[_core.ExporterRow]) -> list[str]:
    refused = ledger.reasons("lost", stage="message", unit="datagrams")
    short = {why.removeprefix("refused: "): count for why, count in refused.items()}
    dropped = ledger.count("socket", "lost", unit="datagrams")
    lines = [
        _line("datagrams received", ledger.count("message", "in", unit="datagrams")),
        _line(
            "  used",
            ledger.count("message", "out", unit="datagrams"),
            _listed(ledger.reasons("noted", stage="message", unit="datagrams")),
        ),
        _line("  refused", sum(refused.values()), _listed(short)),
        _line("dropped by the kernel", dropped, "make --buffer larger" if dropped else ""),
    ]
    lost = ledger.reasons("lost", stage="decode", unit="records")
    if lost:
        lines.append(_line("records lost", sum(lost.values()), _listed(lost)))
    by_protocol: dict[str, int] = {}
    for row in exporters:
        by_protocol[row["protocol"]] = by_protocol.get(row["protocol"], 0) + row["records"]
    flows = ledger.count("decode", "out", unit="flows")
    lines.append(_line("flows received", flows, _listed(by_protocol)))
    missing = {
        f"{row.reason} {row.unit}": row.count
        for row in ledger
        if (row.stage, row.kind) == ("network", "lost") and row.count
    }
    lines.append(_line("missing by sequence", sum(missing.values()), _listed(missing)))
    aside = {
        row.reason: row.count
        for row in ledger
        if (row.stage, row.kind) == ("decode", "noted") and row.unit != "sets" and row.count
    }
    if aside:
        lines.append(_line("besides flows", sum(aside.values()), _listed(aside)))
    waiting = sum(row["parked"] for row in exporters)
    if waiting:
        lines.append(_line("sets without template", waiting, "their templates have not come"))
    unknown = [row for row in exporters if row["records"] and not row["sampling_rate"]]
    if unknown:
        tail = f"exporters of {len(exporters):,}; see penstock exporters, --sampling"
        lines.append(_line("sampling rate unknown", len(unknown), tail))
    return lines


def _rate(count: int, seconds: float) -> str:
    return f"{count / seconds if seconds > 0 else 0.0:,.0f}"


def lost_by_kind(ledger: Ledger) -> dict[str, dict[str, int]]:
    """The packets that were not metered: kind, then reason, then how many."""
    return {
        "not IP": ledger.reasons("lost", stage="link"),
        "malformed": ledger.reasons("lost", stage="wire"),
        "filtered": ledger.reasons("lost", stage="select"),
        "fragments aside": ledger.reasons("lost", stage="fragments"),
        "lost otherwise": {
            **ledger.reasons("lost", stage="source"),
            **ledger.reasons("lost", stage="meter"),
        },
    }


def end_reasons(ledger: Ledger) -> dict[str, int]:
    """Flows by the reason for which they ended."""
    return ledger.reasons("noted", stage="meter", unit="flows")


def _sinks(ledger: Ledger) -> list[str]:
    lines = []
    for stage in ledger.sinks:
        lost = ledger.reasons("lost", stage=stage, unit="flows")
        tail = f"lost: {_listed(lost)}" if lost else ""
        rows = ledger.count(stage, "out", unit="rows")
        if rows:
            tail = f"and {rows:,} other rows  {tail}".rstrip()
        lines.append(_line(f"to {stage}", ledger.count(stage, "out", unit="flows"), tail))
    return lines


def _line(name: str, count: int, tail: str = "") -> str:
    return f"{name:<{WIDTH}} {count:>15,}  {tail}".rstrip()


def _listed(reasons: dict[str, int]) -> str:
    shown = [f"{why} {count:,}" for why, count in reasons.items() if why != "filtered"]
    return ", ".join(shown[:MOST]) + (f", {len(shown) - MOST} more" if len(shown) > MOST else "")


ALWAYS = ("not IP", "malformed", "filtered")
"""Kinds of loss that are shown even when there was none."""

WIDTH = 24
"""Columns for names; a longer one pushes its number to the right."""

MOST = 6
"""Reasons shown on one line; ``--ledger`` has them all."""
