# SPDX-License-Identifier: Apache-2.0
"""A receiver that runs while something is sent to it."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from measure import ProgramFailed, Started
from ports import free_port, look, wait_until_empty
from receivers import Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from measure import Finished
    from receivers import Receiver


class Listening:
    """A receiver whose port is open."""

    def __init__(self, receiver: Receiver, site: Site, program: Started) -> None:
        self.receiver, self.site, self.program = receiver, site, program
        self.dropped = 0
        """Datagrams for which its sockets had no room, known at its end."""

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return self.site.port

    def conclude(self) -> tuple[Finished, int]:
        """Lets it take what waits, ends it, and says how many records it gave out.

        Raises:
            ProgramFailed: it did not end well.
            WrongAnswer: it does not say what it did.
        """
        state = wait_until_empty(self.port, DRAIN_S)
        self.dropped = 0 if state is None else state.dropped
        self.program.interrupt()
        finished = self.program.finish(END_S)
        return finished, self.receiver.count(finished, self.site)

    @property
    def written_octets(self) -> int:
        """Of all files that it wrote."""
        files = (path for path in self.site.flows.rglob("*") if path.is_file())
        return sum(path.stat().st_size for path in files)


@contextmanager
def listening(
    receiver: Receiver, *, cores: Sequence[int], sample_s: float = 0.1
) -> Iterator[Listening]:
    """Starts a receiver and waits until it listens; afterwards it and its files are gone.

    Raises:
        ProgramFailed: it does not listen.
    """
    SCRATCH.mkdir(parents=True, exist_ok=True)
    site = Site(free_port(), Path(tempfile.mkdtemp(dir=SCRATCH)))
    site.flows.mkdir()
    program = None
    try:
        command = receiver.command(site)
        program = Started(command, cores=cores, folder=site.scratch, sample_s=sample_s)
        ends = time.monotonic() + START_S
        while look(site.port) is None:
            if not program.is_running or time.monotonic() > ends:
                raise ProgramFailed(f"{receiver.title} does not listen: {program.said[-400:]}")
            time.sleep(0.02)
        time.sleep(SETTLE_S)
        yield Listening(receiver, site, program)
    finally:
        if program is not None:
            program.kill()
        shutil.rmtree(site.scratch, ignore_errors=True)


SCRATCH = Path(__file__).parent / "build" / "scratch"

START_S = 20.0
SETTLE_S = 0.5
"""Programs open their port first and are ready a little later."""

DRAIN_S = 30.0
END_S = 180.0
