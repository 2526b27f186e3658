# SPDX-License-Identifier: Apache-2.0
"""The ledger in words, for people at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.ledger import Ledger


def summary(ledger: Ledger, reading_s: float, process_s: float) -> str:
    """A few lines that add up.

    Args:
        ledger: what was counted.
        reading_s: seconds from the first octet read to the last batch handed over.
        process_s: seconds that the whole process took.
    """
    lines = [_line("packets read", ledger.packets_read), _line("  metered", ledger.packets_metered)]
    lines += [
        _line(f"  {name}", sum(reasons.values()), _listed(reasons))
        for name, reasons in lost_by_kind(ledger).items()
        if reasons or name in ALWAYS
    ]
    lines.append(_line("flows", ledger.flows, _listed(end_reasons(ledger))))
    lines.append(_line("  packets in them", ledger.count("meter", "out")))
    noted = ledger.reasons("noted", unit="packets")
    if noted:
        lines.append(_line("of note, packets", sum(noted.values()), _listed(noted)))
    lines += _sinks(ledger)
    rate = ledger.packets_read / reading_s if reading_s > 0 else 0.0
    lines.append(
        f"{'time':<{WIDTH}} {reading_s:>15.3f} s reading and metering, "
        f"{rate:,.0f} packets/s; {process_s:.3f} s in all"
    )
    lines += [
        f"does not add up: {equation.says}: {equation.left:,} and {equation.right:,}"
        for equation in ledger.equations()
        if not equation.holds
    ]
    return "\n".join(lines) + "\n"


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
    for stage in dict.fromkeys(row.stage for row in ledger if row.unit == "flows"):
        if stage == "meter":
            continue
        lost = ledger.reasons("lost", stage=stage, unit="flows")
        tail = f"lost: {_listed(lost)}" if lost else ""
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
