# SPDX-License-Identifier: Apache-2.0
"""Durations and sizes."""

from __future__ import annotations

import math

import pytest

from penstock import quantity


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (300, 300.0),
        ("300", 300.0),
        ("300s", 300.0),
        ("5m", 300.0),
        ("1.5h", 5400.0),
        ("250ms", 0.25),
        (0, 0.0),
        ("1d", 86400.0),
    ],
)
def test_a_duration_is_seconds_or_a_number_with_a_unit(said: object, meant: float) -> None:
    assert quantity.seconds(said) == pytest.approx(meant)


@pytest.mark.parametrize(
    "said", [-1, "-1s", "5 parsecs", "", None, True, math.inf, math.nan, "9" * 30, []]
)
def test_anything_else_is_no_duration(said: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        quantity.seconds(said)


def test_nanoseconds_are_whole() -> None:
    assert quantity.nanoseconds(0.1) == 100_000_000


@pytest.mark.parametrize(
    ("said", "meant"), [(10, 10), ("64MiB", 64 << 20), ("1kB", 1000), ("2G", 2 << 30), ("0", 0)]
)
def test_a_size_is_octets_or_a_number_with_a_unit(said: object, meant: int) -> None:
    assert quantity.octets(said) == meant


@pytest.mark.parametrize("said", [-1, "64 apples", "", None])
def test_anything_else_is_no_size(said: object) -> None:
    with pytest.raises(ValueError, match="size"):
        quantity.octets(said)
