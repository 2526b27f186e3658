# SPDX-License-Identifier: Apache-2.0
"""Words below one another."""

from __future__ import annotations

from penstock.cli.listing import table


def test_cells_stand_below_one_another() -> None:
    assert table([("a", "one"), ("bcd", "two")], width=80) == "a    one\nbcd  two"


def test_the_last_cell_is_wrapped_under_itself() -> None:
    text = table([("name", "word " * 12)], width=40)
    assert all(line.startswith("      word") for line in text.splitlines()[1:])
    assert all(len(line) <= 40 for line in text.splitlines())


def test_an_empty_last_cell_leaves_the_rest() -> None:
    assert table([("a", "b", "")], width=80) == "a  b"


def test_no_rows_are_no_text() -> None:
    assert table([]) == ""
