# SPDX-License-Identifier: Apache-2.0
"""What was measured on and what was measured: enough to judge the figures, nothing that names a host."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path


@dataclass
class Machine:
    """Where figures come from."""

    processor: str
    cores: int
    memory_gib: int
    kernel: str
    programs: dict[str, str] = field(default_factory=dict)
    """Versions by name."""
    load_before: float = 0.0
    """Processes that wanted to run in the minute before."""
    stolen: float | None = None
    """Share of the processors' time that the hypervisor gave to others meanwhile."""

    @property
    def kind(self) -> str:
        """A few words for a file's name."""
        words = f"{self.processor} {self.cores}-core linux-{self.kernel}"
        return re.sub(r"[^a-z0-9.]+", "-", words.lower()).strip("-")


class Stolen:
    """The time that the hypervisor takes away between the making of this and the asking."""

    def __init__(self) -> None:
        self._before = _processor_time()

    def share(self) -> float:
        """Of all processors' time since."""
        stolen, total = (
            now - then for now, then in zip(_processor_time(), self._before, strict=True)
        )
        return stolen / total if total else 0.0


def machine() -> Machine:
    """The one that this runs on."""
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal: +(\d+)", Path("/proc/meminfo").read_text())
    return Machine(
        processor=processor[1].strip() if processor else platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(int(memory[1]) / (1 << 20)) if memory else 0,
        kernel=".".join(platform.release().split(".")[:2]),
        programs={
            "Penstock": f"{version('penstock')}{_commit()}",
            "Python": platform.python_version(),
            **{name: version(name) for name in ("pyarrow", "polars", "pandas")},
        },
        load_before=os.getloadavg()[0],
    )


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return f" ({answer.stdout.strip()})" if answer.returncode == 0 else ""


def _processor_time() -> tuple[int, int]:
    """Ticks stolen and ticks in all, since the machine started (proc(5), /proc/stat)."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return fields[7], sum(fields)
