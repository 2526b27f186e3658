# SPDX-License-Identifier: Apache-2.0
"""What holds for every plugin in the table, present and future."""

from __future__ import annotations

import pytest

import penstock
from tests.conftest import DEMO, ROOT, CommandLine, FrontDoor

PLUGINS = {row["name"]: row for row in penstock.plugins()}
COLUMNS = {row["name"]: row for row in penstock.columns()}
EVERY_PLUGIN = pytest.mark.parametrize("name", PLUGINS)


@EVERY_PLUGIN
def test_it_says_what_it_is(name: str) -> None:
    plugin = PLUGINS[name]
    assert plugin["summary"]
    assert plugin["example"]
    assert plugin["columns"]
    assert all(option["summary"] for option in plugin["options"])


@EVERY_PLUGIN
def test_its_columns_are_in_the_schema_and_have_elements(name: str) -> None:
    for column in PLUGINS[name]["columns"]:
        assert COLUMNS[column]["summary"]


@EVERY_PLUGIN
def test_turning_it_on_changes_no_flow_and_nothing_else_of_it(name: str, meter: FrontDoor) -> None:
    plain = meter(DEMO)
    own = set(PLUGINS[name]["columns"])
    looked_into = [
        {column: value for column, value in row.items() if column not in own or column in before}
        for row, before in zip(meter(DEMO, plugins=[name]), plain, strict=True)
    ]
    assert looked_into == plain


@EVERY_PLUGIN
def test_its_columns_do_not_change_with_the_others(name: str, meter: FrontDoor) -> None:
    own = PLUGINS[name]["columns"]
    alone = [[row.get(column) for column in own] for row in meter(DEMO, plugins=[name])]
    together = meter(DEMO, plugins=list(PLUGINS))
    assert [[row.get(column) for column in own] for row in together] == alone


@EVERY_PLUGIN
def test_it_finds_something_in_the_demo(name: str, meter: FrontDoor) -> None:
    rows = meter(DEMO, plugins=[name])
    assert any(set(PLUGINS[name]["columns"]) & set(row) for row in rows)


@EVERY_PLUGIN
def test_the_command_line_tells_everything(name: str, run: CommandLine) -> None:
    told = run("plugins", name).out.decode()
    plugin = PLUGINS[name]
    for word in [plugin["example"], *plugin["columns"], *(o["name"] for o in plugin["options"])]:
        assert word in told
    assert name in run("plugins").out.decode()


@EVERY_PLUGIN
def test_the_reference_page_tells_everything(name: str) -> None:
    page = (ROOT / "docs" / "reference" / "plugins.md").read_text()
    section = page.partition(f"\n## `{name}`")[2].partition("\n## ")[0]
    assert PLUGINS[name]["summary"] in section
    for word in [*PLUGINS[name]["columns"], *(o["name"] for o in PLUGINS[name]["options"])]:
        assert f"`{word}`" in section
