# SPDX-License-Identifier: Apache-2.0
"""All commands together; imported only once one of them is wanted."""

from __future__ import annotations

from typing import Annotated

import typer

from penstock import _core
from penstock.cli import collect, exporters, fields, plugins, probe, send


def application() -> typer.Typer:
    """The command line."""
    app = typer.Typer(
        name="penstock",
        help=DESCRIPTION,
        rich_markup_mode=None,
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(options)
    app.command("probe", short_help="Meter captures into flows.")(probe.probe)
    app.command("collect", short_help="Collect flow exports.")(collect.collect)
    app.command("exporters", short_help="List who sends what.")(exporters.exporters)
    app.command("send", short_help="Play exporters: made-up flow exports.")(send.send)
    app.command("plugins", short_help="List what can look into flows.")(plugins.plugins)
    app.command("fields", short_help="List what columns a flow can have.")(fields.fields)
    return app


def say_version() -> None:
    """Prints the version."""
    print(f"penstock {_core.__version__}")


def _version(*, wanted: bool) -> None:
    if wanted:
        say_version()
        raise typer.Exit


def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version.",
            is_eager=True,
            callback=lambda wanted: _version(wanted=wanted),
        ),
    ] = False,
) -> None:
    """What can stand before a command."""
    _ = version  # its callback has answered


DESCRIPTION = """\
\b
Examples:
  penstock probe capture.pcapng                 flows as a table, then a summary
  penstock probe capture.pcapng --to json:      one JSON object a flow
  penstock probe capture.pcapng --to ipfix+udp://192.0.2.1:4739
  penstock collect --to parquet:flows/          NetFlow, IPFIX and sFlow on their usual ports
  penstock exporters                            who sends what to it
  penstock plugins pstats                       what a plugin finds, and its options
  penstock fields src_addr                      what a column holds

Penstock turns packets and flow exports into flows: who talked to whom, when, how much, and how it
ended.
"""
