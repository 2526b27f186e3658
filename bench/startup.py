# SPDX-License-Identifier: Apache-2.0
"""How long one waits before anything happens: the command line's start and Python's import."""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass

from cores import measured_cores
from measure import run
from programs import PENSTOCK


@dataclass
class Startup:
    """Medians, in milliseconds of wall time."""

    version_ms: float
    """``penstock --version``, the whole process."""
    help_ms: float
    """``penstock probe --help``, the whole process."""
    import_ms: float
    """``import penstock``, beyond a Python that imports nothing."""
    import_meter_ms: float
    """The same with ``penstock.meter`` looked up, as the first use does."""
    runs: int


def startup(runs: int = 20) -> Startup:
    """Measures all of them in turn, so many times."""
    commands = {
        "version": [str(PENSTOCK), "--version"],
        "help": [str(PENSTOCK), "probe", "--help"],
        "nothing": [sys.executable, "-c", "pass"],
        "import": [sys.executable, "-c", "import penstock"],
        "meter": [sys.executable, "-c", "import penstock; penstock.meter"],
    }
    walls: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            wall_s = run(command, cores=measured_cores(), sample_s=1.0).wall_s
            # The first turn reads files from the disk and writes Python's caches.
            if turn:
                walls[name].append(wall_s * 1000)
    median = {name: statistics.median(found) for name, found in walls.items()}
    return Startup(
        version_ms=median["version"],
        help_ms=median["help"],
        import_ms=median["import"] - median["nothing"],
        import_meter_ms=median["meter"] - median["nothing"],
        runs=runs,
    )
