# SPDX-License-Identifier: Apache-2.0
"""What the workers of a collector share: the way of their batches, and when they end."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol, cast

from penstock.batch import FlowBatch
from penstock.sinks.base import BatchId

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock import _core
    from penstock.batch import Kind


class Taker(Protocol):
    """Somebody who is given batches: a stage, say."""

    @property
    def wants_more(self) -> bool:
        """Whether offering batches is of any use."""

    def offer_together(self, batches: Sequence[tuple[BatchId, FlowBatch]], now_ns: int) -> None:
        """Takes the batches whose kind is wanted, or waits until there is room."""

    def tick(self, now_ns: int) -> None:
        """Time has come to there; never waits."""


class Feed:
    """One worker's decoder, and the way of its batches."""

    def __init__(
        self, stream: str, collector: _core.Collector, takers: Sequence[Taker], gate: Gate
    ) -> None:
        self.stream = stream
        self.collector = collector
        self.next_number = 0
        """Of the next batch."""
        self._takers = takers
        self._gate = gate

    def take(self, now_ns: int) -> None:
        """Gives out all rows that wait."""
        batches: list[tuple[BatchId, FlowBatch]] = []
        for name, rows in self.collector.take():
            batch = FlowBatch(rows, cast("Kind", name))
            batches.append((BatchId(self.stream, self.next_number), batch))
            self.next_number += 1
        for taker in self._takers:
            taker.offer_together(batches, now_ns)
        flows = sum(len(batch) for _, batch in batches if batch.kind == "flows")
        self._gate.count(flows)
        if not any(taker.wants_more for taker in self._takers):
            self._gate.stop()

    def tick(self, now_ns: int) -> None:
        """Lets the decoder and everybody behind it know the time."""
        self.collector.tick(now_ns)
        for taker in self._takers:
            taker.tick(now_ns)


class Gate:
    """Whether a collector goes on: until somebody stops it, or flows or time enough have come."""

    def __init__(self, flows: int | None, after_s: float | None) -> None:
        self._lock = threading.Lock()
        self._left = flows
        self._after_s = after_s
        self._end_s: float | None = None
        self._stopped = threading.Event()
        self.on_stop: list[Callable[[], None]] = []
        """What wakes those who wait."""

    def begin(self) -> None:
        """The time begins to run."""
        if self._after_s is not None:
            self._end_s = time.monotonic() + self._after_s

    @property
    def is_open(self) -> bool:
        """Whether to go on."""
        if self._end_s is not None and time.monotonic() >= self._end_s:
            self.stop()
        return not self._stopped.is_set()

    def count(self, flows: int) -> None:
        """So many flows have come."""
        if self._left is None:
            return
        with self._lock:
            self._left -= flows
        if self._left <= 0:
            self.stop()

    def stop(self) -> None:
        """Ends it; from any thread, or a signal."""
        if not self._stopped.is_set():
            self._stopped.set()
            for wake in self.on_stop:
                wake()


class Second:
    """Whether another second has begun."""

    def __init__(self) -> None:
        self._due_s = time.monotonic() + 1

    def passed(self) -> bool:
        """Whether it has, since this last said so."""
        now_s = time.monotonic()
        if now_s < self._due_s:
            return False
        self._due_s = now_s + 1
        return True
