# SPDX-License-Identifier: Apache-2.0
"""One sink behind a bounded queue, in a thread of its own.

What is the same for all sinks is here: waiting or dropping when the queue is full, splitting
biflows, trying again, counting. What a batch becomes is the sink's.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Literal

from penstock.errors import InternalError, PenstockError, SinkError
from penstock.ledger import Ledger, Row
from penstock.sinks.base import BatchId, SinkClosed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from penstock.batch import FlowBatch
    from penstock.sinks.base import Sink

WhenFull = Literal["wait", "drop"]
"""What offering a batch to a full queue does: files wait, live sources drop and count."""


class Stage:
    """A sink, its queue and its thread."""

    def __init__(self, sink: Sink, *, queue_batches: int, when_full: WhenFull = "wait") -> None:
        self.sink = sink
        self.error: PenstockError | None = None
        """Why the sink stopped taking batches, if it did."""
        self._when_full: WhenFull = "wait" if sink.blocks else when_full
        self._queue: queue.Queue[Work | None] = queue.Queue(queue_batches)
        self._closed = False
        self._taken: dict[BatchId, int] = {}
        self._flows_in = self._flows_out = 0
        self._lost: dict[str, int] = {}
        self._thread = threading.Thread(target=self._run, name=f"sink {sink.uri}", daemon=True)

    def open(self, columns: FlowBatch) -> None:
        """Opens the sink and starts its thread.

        Args:
            columns: a batch without rows that has the columns to come.

        Raises:
            SinkError: the destination cannot be written to.
        """
        shape = columns.split_biflows() if self.sink.biflow == "split" else columns
        try:
            self.sink.open(shape.column_names)
        except SinkClosed:
            self._closed = True
        self._thread.start()

    @property
    def wants_more(self) -> bool:
        """Whether offering it batches is of any use."""
        return not self._closed and self.error is None

    @property
    def closed_early(self) -> bool:
        """Whether the reader at the other end has gone."""
        return self._closed

    def offer(self, batch_id: BatchId, batch: FlowBatch, now_ns: int) -> None:
        """Puts a batch into the queue; waits, or counts it as lost, where that is full."""
        self._flows_in += len(batch)
        if self._when_full == "wait":
            self._queue.put((batch_id, batch, now_ns))
            return
        try:
            self._queue.put_nowait((batch_id, batch, now_ns))
        except queue.Full:
            self._lose("queue full", len(batch))

    def finish(self) -> None:
        """Lets the sink take what waits, then flushes and closes it."""
        self._queue.put(None)
        self._thread.join()

    def ledger(self) -> Ledger:
        """Flows in, out and lost; complete after :meth:`finish`."""
        name = self.sink.uri
        rows = [
            Row(name, "in", "", "flows", self._flows_in),
            Row(name, "out", "", "flows", self._flows_out),
        ]
        rows += [Row(name, "lost", why, "flows", count) for why, count in self._lost.items()]
        return Ledger(rows)

    def _run(self) -> None:
        try:
            while (work := self._queue.get()) is not None:
                if self.wants_more:
                    self._guard(self._write, work)
                else:
                    self._lose(self._why_lost(), len(work[1]))
            if self.wants_more:
                self._guard(self._flush)
        finally:
            self._guard(self.sink.close)
        for count in self._taken.values():
            self._lose(self._why_lost(), count)

    def _guard(self, act: Callable[..., None], *arguments: object) -> None:
        """Keeps what goes wrong in this sink from the others; the first error is the one told."""
        try:
            act(*arguments)
        except SinkClosed:
            self._closed = True
        except PenstockError as error:
            self.error = self.error or error
        except Exception as error:  # noqa: BLE001 -- a bug in one sink must not stop the others
            problem = InternalError(f"{self.sink.uri}: {type(error).__name__}: {error}")
            problem.__cause__ = error
            self.error = self.error or problem

    def _write(self, work: Work) -> None:
        batch_id, batch, now_ns = work
        # Counted before the attempt: a batch that fails is then among those never answered.
        self._taken[batch_id] = len(batch)
        shaped = batch.split_biflows() if self.sink.biflow == "split" else batch
        self._write_patiently(batch_id, shaped)
        self.sink.tick(now_ns)
        self._settle(self.sink.safe())

    def _write_patiently(self, batch_id: BatchId, batch: FlowBatch) -> None:
        for delay_s in RETRY_DELAYS_S:
            try:
                self.sink.write(batch_id, batch)
            except SinkError as error:
                if not error.retry:
                    raise
                time.sleep(delay_s)
            else:
                return
        self.sink.write(batch_id, batch)

    def _flush(self) -> None:
        self._settle(self.sink.flush())

    def _settle(self, safe: Collection[BatchId]) -> None:
        for batch_id in safe:
            self._flows_out += self._taken.pop(batch_id, 0)

    def _why_lost(self) -> str:
        return "reader gone" if self._closed else "sink failed"

    def _lose(self, reason: str, flows: int) -> None:
        self._lost[reason] = self._lost.get(reason, 0) + flows


def finish_all(stages: Sequence[Stage]) -> None:
    """Finishes every stage, each whether or not another failed."""
    for stage in stages:
        stage.finish()


RETRY_DELAYS_S = (0.1, 0.5, 2.0)
"""How long to wait before offering a batch again to a sink that says this may help."""

if TYPE_CHECKING:
    from collections.abc import Callable

    Work = tuple[BatchId, FlowBatch, int]
