# SPDX-License-Identifier: Apache-2.0
"""``penstock plugins``: what can look into flows."""

from __future__ import annotations

from typing import Annotated

import typer

from penstock import _core
from penstock.cli.fields import numbered
from penstock.cli.listing import table
from penstock.errors import ConfigError
from penstock.naming import unknown


def plugins(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Tell everything about this one.")
    ] = None,
) -> None:
    """\b
    Examples:
      penstock plugins               every plugin
      penstock plugins pstats        one: its columns, its options, an example

    Lists the plugins, which look into flows for more than addresses and counters.
    """
    known = _core.plugins()
    if name is None:
        print(table([("PLUGIN", "FINDS"), *((row["name"], row["summary"]) for row in known)]))
        return
    for row in known:
        if row["name"] == name:
            print(describe(row))
            return
    raise ConfigError(unknown("plugin", name, [row["name"] for row in known]))


def describe(plugin: _core.PluginRow) -> str:
    """Everything about one plugin."""
    columns = {row["name"]: row for row in _core.columns()}
    shown = [
        ("", name, columns[name]["type"], _elements(columns[name]), columns[name]["summary"])
        for name in plugin["columns"]
        if name in columns
    ]
    parts = [f"{plugin['name']}: {plugin['summary']}", plugin["reference"]]
    parts.append("Columns:\n" + table([("", "COLUMN", "TYPE", "ELEMENTS", "MEANING"), *shown]))
    options = [
        ("", names_of(option), option["type"], option["default"] or "–", option["summary"])
        for option in plugin["options"]
    ]
    if options:
        head = ("", "OPTION", "TYPE", "DEFAULT", "MEANING")
        parts.append("Options:\n" + table([head, *options]))
    parts.append(f"Example:\n  {plugin['example']}")
    return "\n\n".join(part for part in parts if part)


def names_of(option: _core.OptionRow) -> str:
    """What an option goes by."""
    return f"{option['name']}, {option['alias']}" if option["alias"] else option["name"]


def _elements(column: _core.ColumnRow) -> str:
    return ", ".join(numbered(column["elements"])) or "–"
