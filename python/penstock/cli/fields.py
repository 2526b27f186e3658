# SPDX-License-Identifier: Apache-2.0
"""``penstock fields``: what columns a flow can have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from penstock import _core
from penstock.cli.listing import table
from penstock.errors import ConfigError
from penstock.naming import unknown

if TYPE_CHECKING:
    from collections.abc import Sequence


def fields(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A column, or a group of them.")
    ] = None,
) -> None:
    """\b
    Examples:
      penstock fields                every column
      penstock fields src_addr       one, with its information elements
      penstock fields tcp            a group of columns

    Lists the columns that a flow can have: their types, and the information elements that they are
    in IPFIX.
    """
    columns = _core.columns()
    if name is None:
        rows = [(row["name"], row["type"], row["group"], row["summary"]) for row in columns]
        print(table([("COLUMN", "TYPE", "GROUP", "MEANING"), *rows]))
        return
    chosen = [row for row in columns if name in (row["name"], row["group"])]
    if not chosen:
        known = dict.fromkeys([row["name"] for row in columns] + [row["group"] for row in columns])
        raise ConfigError(unknown("field", name, known))
    print("\n\n".join(describe(row) for row in chosen))


def describe(column: _core.ColumnRow) -> str:
    """Everything about one column."""
    facts = [
        ("type", column["type"]),
        ("group", column["group"]),
        ("ClickHouse", column["clickhouse"]),
        ("elements", "; ".join(numbered(column["elements"])) or "none"),
    ]
    return f"{column['name']}: {column['summary']}\n" + table(
        [("", name, value) for name, value in facts]
    )


def numbered(names: Sequence[str]) -> list[str]:
    """Information elements with their enterprise and number: ``octetDeltaCount (1)``."""
    by_name = {element["name"]: element for element in _core.elements()}
    found = []
    for name in names:
        element = by_name.get(name) or by_name.get(name.rpartition(":")[2])
        if element is None:
            found.append(name)
        elif element["pen"]:
            found.append(f"{name} ({element['pen']}/{element['id']})")
        else:
            found.append(f"{name} ({element['id']})")
    return found
