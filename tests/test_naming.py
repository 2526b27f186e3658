# SPDX-License-Identifier: Apache-2.0
"""What is said of unknown names."""

from __future__ import annotations

import pytest

from penstock.naming import nearest, unknown


@pytest.mark.parametrize(
    ("name", "expected"),
    [("pstat", "pstats"), ("PSTATS", "pstats"), ("basic-plus", "basicplus"), ("qqqq", None)],
)
def test_the_nearest_name_is_found(name: str, expected: str | None) -> None:
    assert nearest(name, ["pstats", "basicplus", "community_id"]) == expected


def test_a_name_near_nothing_gets_the_whole_list() -> None:
    assert unknown("plugin", "qqqq", ["a", "b"]) == "unknown plugin 'qqqq'; allowed: a, b"


def test_an_empty_table_is_said_to_be_empty() -> None:
    assert unknown("cache", "x", []) == "unknown cache 'x'; there is none"
