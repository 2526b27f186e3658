# SPDX-License-Identifier: Apache-2.0
"""Running a program on given cores and watching what it takes.

Nothing here knows which program it is, nor what its output means.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
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


class Started:
    """A program that runs, until :meth:`finish` has seen its end."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cores: Sequence[int],
        folder: Path | None = None,
        source: IO[bytes] | None = None,
        sample_s: float = 0.1,
    ) -> None:
        """Starts it.

        Args:
            command: the program and its arguments.
            cores: the processors that it may use.
            folder: where it runs.
            source: its standard input; none when absent.
            sample_s: how often its memory is looked at.
        """
        self.command = command
        self._files = ExitStack()
        self._out, self._err = (self._files.enter_context(_file()) for _ in range(2))
        self._began = time.perf_counter()
        with pinned(cores):
            self._process = subprocess.Popen(
                command,
                stdin=source or subprocess.DEVNULL,
                stdout=self._out,
                stderr=self._err,
                cwd=folder,
                start_new_session=True,
            )
        self._watch = _Watch(self._process.pid, self._began, sample_s)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended; that it has is left for :meth:`finish` to see."""
        if self._process.returncode is not None:
            return False
        which = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._process.pid, which) is None

    @property
    def cpu_s(self) -> float:
        """Processor time so far, that of its children included, to a hundredth of a second."""
        return cpu_s(self._process.pid)

    @property
    def age_s(self) -> float:
        """Seconds since its start, as its memory's samples have them."""
        return time.perf_counter() - self._began

    @property
    def said(self) -> str:
        """What it has written to both outputs so far."""
        return _read(self._out) + _read(self._err)

    def interrupt(self) -> None:
        """Asks it to end, as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Ends it and all that it started, if that has not happened yet."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._watch.stop()
        self._files.close()

    def finish(self, limit_s: float) -> Finished:
        """Waits for its end.

        Raises:
            ProgramFailed: its exit status is not 0, or it did not end within so long.
        """
        limit = threading.Timer(limit_s, os.killpg, (self._process.pid, signal.SIGKILL))
        limit.start()
        try:
            # wait4 knows the processor time; Popen would only know the status.
            _, status, used = os.wait4(self._process.pid, 0)
        except BaseException:
            self.kill()
            raise
        finally:
            wall_s = time.perf_counter() - self._began
            limit.cancel()
        self._watch.stop()
        self._process.returncode = os.waitstatus_to_exitcode(status)
        finished = Finished(
            status=self._process.returncode,
            wall_s=wall_s,
            cpu_s=used.ru_utime + used.ru_stime,
            anonymous=self._watch.samples,
            output=_read(self._out),
            errors=_read(self._err),
        )
        self._files.close()
        if finished.status != 0:
            said = (finished.errors or finished.output).strip()[-400:]
            raise ProgramFailed(f"{' '.join(self.command)}: status {finished.status}: {said}")
        return finished


def run(
    command: Sequence[str],
    *,
    cores: Sequence[int],
    folder: Path | None = None,
    source: IO[bytes] | None = None,
    sample_s: float = 0.1,
    limit_s: float = 900.0,
) -> Finished:
    """Runs a program to its end, or for so long; the arguments are those of :class:`Started`.

    Raises:
        ProgramFailed: its exit status is not 0, or it was given up on.
    """
    started = Started(command, cores=cores, folder=folder, source=source, sample_s=sample_s)
    return started.finish(limit_s)


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
    return sum(
        int(line.split()[1]) * 1024
        for status in _tree(process, "status")
        for line in status.splitlines()
        if line.startswith("RssAnon:")
    )


def cpu_s(process: int) -> float:
    """Processor time of a process, of all below it and of those of them that have ended."""
    # Fields 14 to 17 of proc(5), /proc/pid/stat; the second may have blanks in it.
    fields = [stat.rpartition(")")[2].split() for stat in _tree(process, "stat")]
    ticks = sum(int(tick) for words in fields for tick in words[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


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


def _file() -> IO[bytes]:
    return tempfile.TemporaryFile()


def _tree(process: int, name: str) -> Iterator[str]:
    """One of proc(5)'s files of a process and of all below it."""
    waiting = [process]
    while waiting:
        folder = Path(f"/proc/{waiting.pop()}")
        try:
            told = (folder / name).read_text()
            for children in folder.glob("task/*/children"):
                waiting += [int(child) for child in children.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
        yield told


def _read(file: IO[bytes]) -> str:
    # By place, because the program's own position in the file is the same one.
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors="replace")
