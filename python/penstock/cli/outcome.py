# SPDX-License-Identifier: Apache-2.0
"""How a command that ran a graph ends: its ledger, its errors, its exit status."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.errors import ConfigError, InternalError

if TYPE_CHECKING:
    import typer

    from penstock.pipeline.supervise import Outcome


def is_said(context: typer.Context, name: str) -> bool:
    """Whether an option stands on the command line, whatever its value."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def tell_errors(outcome: Outcome) -> None:
    """Says what went wrong, a line each."""
    for error in outcome.errors:
        for line in str(error).splitlines():
            print(f"penstock: {line}", file=sys.stderr)
        if isinstance(error, InternalError):
            print("penstock: this is a bug in penstock; please report it", file=sys.stderr)


def write_ledger(outcome: Outcome, place: str) -> None:
    """Writes every count as JSON; ``-`` is standard output."""
    text = outcome.ledger.to_json()
    if place == "-":
        print(text, end="")
        return
    try:
        Path(place).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--ledger {place}: {error.strerror}") from error


def status(outcome: Outcome) -> int:
    """The exit status."""
    if any(isinstance(error, ConfigError) for error in outcome.errors):
        return 2
    return 1 if outcome.errors else 0
