# SPDX-License-Identifier: Apache-2.0
"""Running what was built, from the first packet to the last flush, and stopping it when asked.

The meters run in a thread of their own, so that the main thread hears signals and can show how
far the reading is.
"""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from penstock.batch import FlowBatch
from penstock.errors import InternalError, PenstockError
from penstock.ledger import Ledger
from penstock.pipeline.build import Built, build
from penstock.pipeline.stage import finish_all
from penstock.sinks.base import BatchId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from penstock import _core
    from penstock.config.model import Graph
    from penstock.pipeline.build import Metering


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


def run(graph: Graph, watch: Callable[[_core.Progress], None] | None = None) -> Outcome:
    """Runs a graph to its end.

    Args:
        graph: what to do.
        watch: called in this thread some ten times a second with how far the reading is.

    Raises:
        PenstockError: nothing was run, because a part of the graph could not be opened.
        KeyboardInterrupt: a second signal asked to stop at once.
    """
    built = build(graph)
    runner = _Runner(built)
    with _signals(runner):
        thread = threading.Thread(target=runner.run, name="meter", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(WATCH_S)
            if watch is not None and runner.current is not None:
                watch(runner.current.progress())
        finish_all(built.stages)
    return runner.outcome()


class _Runner:
    """The meters of a graph, one after another."""

    def __init__(self, built: Built) -> None:
        self._built = built
        self._errors: list[PenstockError] = []
        self._interrupted = False
        self.current: _core.Meter | None = None

    def stop(self) -> None:
        """Ends the reading; the flows in the tables are still exported."""
        self._interrupted = True
        for metering in self._built.meterings:
            metering.meter.stop()

    def run(self) -> None:
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

    def outcome(self) -> Outcome:
        ledger = Ledger(())
        for metering in self._built.meterings:
            ledger += Ledger.of(metering.meter.ledger())
        for stage in self._built.stages:
            ledger += stage.ledger()
        failed = [stage.error for stage in self._built.stages if stage.error is not None]
        return Outcome(
            ledger=ledger,
            errors=self._errors + failed,
            interrupted=self._interrupted,
            readers_gone=all(stage.closed_early for stage in self._built.stages),
            reading_s=sum(m.meter.progress()["seconds"] for m in self._built.meterings),
        )

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


SIGNALS = (signal.SIGINT, signal.SIGTERM)

WATCH_S = 0.1
"""How often to look: quick for a person, nothing for a processor."""
