# SPDX-License-Identifier: Apache-2.0
"""``penstock exporters``: who sends what to a running collector, or in a file."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.listing import table
from penstock.metrics.ask import ask
from penstock.quantity import NS_PER_S

if TYPE_CHECKING:
    from penstock import _core


def exporters(
    socket: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Socket of the collector. [default: this user's]"),
    ] = None,
    from_: Annotated[
        list[str] | None,
        typer.Option(
            "--from", metavar="FILE", help="Those in a capture or IPFIX file; may be repeated."
        ),
    ] = None,
    templates: Annotated[
        bool, typer.Option("--templates", help="Their templates instead.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Everything that is known, as JSON.")
    ] = False,
) -> None:
    """\b
    Examples:
      penstock exporters                     who sends to the collector that runs
      penstock exporters --from routers.pcap who sends in a capture
      penstock exporters --templates         what their records hold
      penstock exporters --json | jq '.[] | select(.missing > 0)'

    Lists exporters: what they speak, how much came, at which sampling rate and how that is known, and
    what is missing by their sequence numbers.
    """
    rows, clock_ns = (
        _of_files(from_, templates=templates)
        if from_
        else _of_collector(socket, templates=templates)
    )
    if as_json:
        print(json.dumps(rows, indent=1))
    elif templates:
        print(table([TEMPLATE_HEAD, *(template_cells(row) for row in rows)]))
    else:
        print(table([HEAD, *(cells(row, clock_ns) for row in rows)]))


def cells(row: _core.ExporterRow, clock_ns: int) -> tuple[str, ...]:
    """One exporter as a line of the table."""
    rate = f"1:{row['sampling_rate']:g}" if row["sampling_rate"] else "?"
    missing = f"{row['missing']:,} {row['missing_unit']}" if row["missing"] else "0"
    if row["missing_samples"]:
        missing += f", {row['missing_samples']:,} samples"
    return (
        row["addr"] if row["transport"] != "tcp" else f"{row['addr']} (tcp)",
        row["protocol"],
        str(row["domain"]),
        f"{row['datagrams']:,}",
        f"{row['records']:,}",
        f"{rate} {row['sampling_origin']}",
        str(row["templates"]),
        missing,
        f"{row['clock_skew_ms'] / 1000:+.1f} s",
        f"{max(0, clock_ns - row['last_ns']) // NS_PER_S} s ago" if row["last_ns"] > 0 else "?",
    )


def template_cells(row: _core.TemplateRow) -> tuple[str, ...]:
    """One template as a line of the table."""
    kind = "options" if row["options"] else "data"
    return row["addr"], str(row["domain"]), str(row["id"]), kind, " ".join(row["fields"])


def _of_collector(socket: str | None, *, templates: bool) -> tuple[list, int]:  # type: ignore[type-arg]
    return ask(socket, "/templates" if templates else "/exporters"), time.time_ns()


def _of_files(files: list[str], *, templates: bool) -> tuple[list, int]:  # type: ignore[type-arg]
    from penstock.api import collect  # noqa: PLC0415 -- only files need it

    found = collect(files, kinds=())
    for _ in found:
        pass
    return found.templates() if templates else found.exporters(), found.clock_ns


HEAD = (
    "EXPORTER",
    "PROTOCOL",
    "DOMAIN",
    "DATAGRAMS",
    "RECORDS",
    "SAMPLING",
    "TEMPLATES",
    "MISSING",
    "CLOCK BEHIND",
    "LAST",
)

TEMPLATE_HEAD = ("EXPORTER", "DOMAIN", "ID", "KIND", "FIELDS")
