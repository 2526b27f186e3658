# SPDX-License-Identifier: Apache-2.0
"""Running one program on given cores and watching what it takes.

Nothing here knows which program it is, nor what its output means.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import IO


@dataclass
class Finished:
    """A program that has ended, and what it took."""

    status: int
    wall_s: float
    """From the start of the process to its end."""
    cpu_s: float
    """Of the process and those of its children that it waited for."""
    anonymous: list[tuple[float, int]] = field(default_factory=list)
    """Samples of anonymous memory: seconds since the start, octets with all its processes."""
    output: str = ""
    errors: str = ""

    @property
    def peak_octets(self) -> int:
        """The most anonymous memory that any sample saw."""
        return max((octets for _, octets in self.anonymous), default=0)


class ProgramFailed(Exception):  # noqa: N818 -- what happened, not what class it is
    """A program ended badly, or did not end."""


def run(
    command: Sequence[str],
    *,
    cores: Sequence[int],
    folder: Path | None = None,
    source: IO[bytes] | None = None,
    sample_s: float = 0.1,
    limit_s: float = 900.0,
) -> Finished:
    """Runs a program to its end.

    Args:
        command: the program and its arguments.
        cores: the processors that it may use.
        folder: where it runs.
        source: its standard input; none when absent.
        sample_s: how often its memory is looked at.
        limit_s: when to give up on it.

    Raises:
        ProgramFailed: its exit status is not 0, or it was given up on.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        with pinned(cores):
            process = subprocess.Popen(
                command,
                stdin=source or subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=folder,
                start_new_session=True,
            )
        watch = _Watch(process.pid, began, sample_s)
        limit = threading.Timer(limit_s, os.killpg, (process.pid, signal.SIGKILL))
        limit.start()
        try:
            # wait4 knows the processor time; Popen would only know the status.
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            wall_s = time.perf_counter() - began
            limit.cancel()
            watch.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
        finished = Finished(
            status=process.returncode,
            wall_s=wall_s,
            cpu_s=used.ru_utime + used.ru_stime,
            anonymous=watch.samples,
            output=_read(out),
            errors=_read(err),
        )
    if finished.status != 0:
        said = (finished.errors or finished.output).strip()[-400:]
        raise ProgramFailed(f"{' '.join(command)}: status {finished.status}: {said}")
    return finished


@contextmanager
def pinned(cores: Sequence[int]) -> Iterator[None]:
    """What is started meanwhile by this thread runs on these processors only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def anonymous_octets(process: int) -> int:
    """RssAnon of a process and all below it; pages that they share are counted in each."""
    total, waiting = 0, [process]
    while waiting:
        folder = Path(f"/proc/{waiting.pop()}")
        try:
            status = (folder / "status").read_text()
            for children in folder.glob("task/*/children"):
                waiting += [int(child) for child in children.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
        for line in status.splitlines():
            if line.startswith("RssAnon:"):
                total += int(line.split()[1]) * 1024
    return total


class _Watch:
    """Samples a process's memory from a thread of its own, until told to stop."""

    def __init__(self, process: int, began: float, every_s: float) -> None:
        self.samples: list[tuple[float, int]] = []
        self._process, self._began, self._every_s = process, began, every_s
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(self._every_s):
            octets = anonymous_octets(self._process)
            if octets:
                self.samples.append((time.perf_counter() - self._began, octets))


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
