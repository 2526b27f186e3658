# SPDX-License-Identifier: Apache-2.0
"""The bar that shows how far the reading is, on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress

    from penstock import _core


class Bar:
    """Shown on standard error while the block runs, if a person is looking at nothing else."""

    def __init__(self, *, wanted: bool) -> None:
        self._progress: Progress | None = None
        if wanted and sys.stderr.isatty():
            self._progress = _progress()
            self._task = self._progress.add_task("reading", total=None, said="")

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def update(self, now: _core.Progress) -> None:
        """Shows where the reading is."""
        if self._progress is None:
            return
        rate = now["packets"] / now["seconds"] if now["seconds"] > 0 else 0.0
        self._progress.update(
            self._task,
            completed=now["octets_read"],
            total=now["octets_total"],
            said=f"{now['packets']:,} packets, {now['flows']:,} flows, {rate:,.0f} packets/s",
        )


def _progress() -> Progress:
    from rich.console import Console  # noqa: PLC0415 -- only for terminals
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    return Progress(
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[said]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
