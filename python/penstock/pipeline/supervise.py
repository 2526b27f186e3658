# SPDX-License-Identifier: Apache-2.0
"""Running what was built, from the first octet to the last flush, and stopping it when asked.

Meters and collectors run in threads of their own, so that the main thread hears signals and can show
how far the reading is.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from penstock.batch import FlowBatch
from penstock.errors import InternalError, PenstockError
from penstock.ledger import Ledger
from penstock.pipeline import monitoring
from penstock.pipeline.build import Built, build
from penstock.pipeline.stage import finish_all
from penstock.sinks.base import BatchId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from penstock import _core
    from penstock.config.model import Graph
    from penstock.pipeline.build import Metering
    from penstock.pipeline.collecting import Collecting
    from penstock.pipeline.stage import Stage


@dataclass
class Outcome:
    """How a run ended."""

    ledger: Ledger = field(default_factory=lambda: Ledger(()))
    """What every stage counted, sinks included."""

    errors: list[PenstockError] = field(default_factory=list)
    """What went wrong: the input first, then sinks in the graph's order."""

    interrupted: bool = False
    """Whether somebody asked for an early end; the flows so far were exported all the same."""

    readers_gone: bool = False
    """Whether every sink's reader left before the end, as ``| head`` does."""

    reading_s: float = 0.0
    """Wall time from the first octet read to the last batch handed over."""

    exporters: list[_core.ExporterRow] = field(default_factory=list)
    """Who sent what, where flows were collected."""


def run(
    graph: Graph,
    watch: Callable[[_core.Progress], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Outcome:
    """Runs a graph to its end.

    Args:
        graph: what to do.
        watch: called in this thread some ten times a second with how far the metering is.
        tell: called with a line that an operator should read, once all is ready.

    Raises:
        PenstockError: nothing was run, because a part of the graph could not be opened.
        KeyboardInterrupt: a second signal asked to stop at once.
    """
    built = build(graph)
    runner = _Runner(built)
    monitor = None
    try:
        monitor = monitoring.begin(graph, runner)
        with _signals(runner):
            runner.start()
            for line in runner.notices() + (monitor.notices if monitor is not None else []):
                (tell or LOG.info)(line)
            while not runner.join(WATCH_S):
                if watch is not None and runner.current is not None:
                    watch(runner.current.progress())
            finish_all(built.stages)
            runner.conclude()
        return runner.outcome()
    finally:
        runner.close()
        if monitor is not None:
            monitor.close()


class _Runner:
    """The meters of a graph, one after another, and beside them its collectors."""

    def __init__(self, built: Built) -> None:
        self._built = built
        self._errors: list[PenstockError] = []
        self._interrupted = False
        self._thread = threading.Thread(target=self._meter, name="meter", daemon=True)
        self.current: _core.Meter | None = None

    @property
    def collectings(self) -> list[Collecting]:
        """The collectors."""
        return [collecting for collecting, _ in self._built.collectings]

    @property
    def stages(self) -> list[Stage]:
        """Every sink once."""
        return self._built.stages

    def notices(self) -> list[str]:
        """What an operator should know at the start."""
        return [line for collecting in self.collectings for line in collecting.notices()]

    def start(self) -> None:
        """Begins."""
        for collecting, stages in self._built.collectings:
            collecting.start(stages, stages)
        self._thread.start()

    def stop(self) -> None:
        """Ends the reading; the flows in the tables are still exported."""
        self._interrupted = True
        for metering in self._built.meterings:
            metering.meter.stop()
        for collecting in self.collectings:
            collecting.stop()

    def join(self, timeout_s: float) -> bool:
        """Waits for the end of everything that brings batches; whether it has come."""
        for collecting in self.collectings:
            if not collecting.join(timeout_s):
                return False
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def conclude(self) -> None:
        """What is done once all is safe."""
        for collecting in self.collectings:
            collecting.conclude()

    def close(self) -> None:
        """Lets go of sockets."""
        for collecting in self.collectings:
            collecting.close()

    def ledger(self) -> Ledger:
        """What every stage counted so far."""
        ledger = Ledger(())
        for metering in self._built.meterings:
            ledger += Ledger.of(metering.meter.ledger())
        for collecting in self.collectings:
            ledger += collecting.ledger()
        for stage in self._built.stages:
            ledger += stage.ledger()
        return ledger

    def outcome(self) -> Outcome:
        errors = list(self._errors)
        errors += [error for collecting in self.collectings for error in collecting.errors]
        errors += [stage.error for stage in self._built.stages if stage.error is not None]
        reading_s = sum(m.meter.progress()["seconds"] for m in self._built.meterings)
        return Outcome(
            ledger=self.ledger(),
            errors=errors,
            interrupted=self._interrupted,
            readers_gone=all(stage.closed_early for stage in self._built.stages),
            reading_s=max([reading_s, *(one.seconds for one in self.collectings)]),
            exporters=[row for one in self.collectings for row in one.exporters()],
        )

    def _meter(self) -> None:
        for metering in self._built.meterings:
            self.current = metering.meter
            try:
                self._feed(metering)
            except PenstockError as error:
                self._errors.append(error)
            except Exception as error:  # noqa: BLE001 -- told to the operator below
                problem = InternalError(f"{type(error).__name__}: {error}")
                problem.__cause__ = error
                self._errors.append(problem)

    def _feed(self, metering: Metering) -> None:
        number = 0
        while (native := metering.meter.next_batch()) is not None:
            batch = FlowBatch(native)
            now_ns = metering.meter.progress()["packet_time_ns"]
            for stage in metering.stages:
                stage.offer(BatchId(metering.cache, number), batch, now_ns)
            number += 1
            if not any(stage.wants_more for stage in metering.stages):
                # Nobody is left to tell; what remains in the table is counted all the same.
                metering.meter.stop()


@contextmanager
def _signals(runner: _Runner) -> Iterator[None]:
    """The first SIGINT or SIGTERM ends the reading, the second everything."""
    asked_at: list[float] = []

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if asked_at:
            raise KeyboardInterrupt
        asked_at.append(time.monotonic())
        runner.stop()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, on_signal) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


LOG = logging.getLogger("penstock.run")

SIGNALS = (signal.SIGINT, signal.SIGTERM)

WATCH_S = 0.1
"""How often to look: quick for a person, nothing for a processor."""
