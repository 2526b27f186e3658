# SPDX-License-Identifier: Apache-2.0
"""Durations and sizes as people write them: ``300``, ``5m``, ``1.5h``, ``64MiB``."""

from __future__ import annotations

import math
import re

SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "": 1.0,
    "s": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}
"""Units of a duration, in seconds."""

OCTETS = {
    "": 1,
    "b": 1,
    "k": 1 << 10,
    "kib": 1 << 10,
    "kb": 1000,
    "m": 1 << 20,
    "mib": 1 << 20,
    "mb": 1000**2,
    "g": 1 << 30,
    "gib": 1 << 30,
    "gb": 1000**3,
}
"""Units of a size, in octets."""

NS_PER_S = 1_000_000_000


def seconds(value: object) -> float:
    """A duration in seconds, from a number of seconds or a word such as ``5m``.

    Raises:
        ValueError: it is neither, or negative, or not finite.
    """
    number, unit = _split(
        value, SECONDS, "a duration is a number of seconds or such as 90s, 5m, 1h"
    )
    found = number * SECONDS[unit]
    if not math.isfinite(found) or found > MAX_SECONDS:
        raise ValueError(f"a duration is at most {MAX_SECONDS:.0f} seconds")
    return found


def timeout(value: object) -> float:
    """A duration in seconds that is neither nothing nor longer than a year.

    Raises:
        ValueError: it is not.
    """
    found = seconds(value)
    if not 1 <= nanoseconds(found) <= MAX_TIMEOUT_S * NS_PER_S:
        raise ValueError(f"{value!r} is not possible; allowed: from 1ns to 366d")
    return found


def nanoseconds(duration_s: float) -> int:
    """Seconds as whole nanoseconds, to the nearest."""
    return round(duration_s * NS_PER_S)


def octets(value: object) -> int:
    """A size in octets, from a number or a word such as ``64MiB``.

    Raises:
        ValueError: it is neither, or negative.
    """
    number, unit = _split(value, OCTETS, "a size is a number of octets or such as 64MiB, 1GB")
    return int(number * OCTETS[unit])


def _split(
    value: object, units: dict[str, float] | dict[str, int], allowed: str
) -> tuple[float, str]:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return float(value), ""
    if isinstance(value, str):
        parts = NUMBER_AND_UNIT.fullmatch(value.strip())
        if parts and parts[2].lower() in units:
            return float(parts[1]), parts[2].lower()
    raise ValueError(f"{value!r} is not understood; allowed: {allowed}")


NUMBER_AND_UNIT = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)")

MAX_TIMEOUT_S = 366 * 86_400
"""The longest timeout that a flow table keeps."""

MAX_SECONDS = 9_000_000_000.0
"""As many as whole nanoseconds in 64 bits can count, rounded down."""
