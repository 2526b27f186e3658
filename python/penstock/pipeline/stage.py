# SPDX-License-Identifier: Apache-2.0
"""One sink behind a bounded queue, in a thread of its own.

What is the same for all sinks is here: waiting or dropping when the queue is full, splitting
biflows, trying again, counting, and knowing what is safe. What a batch becomes is the sink's.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, Literal, NamedTuple

from penstock.errors import ConfigError, InternalError, PenstockError, SinkError
from penstock.ledger import Ledger, Row
from penstock.sinks.base import BatchId, SinkClosed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from penstock.batch import FlowBatch, Kind
    from penstock.ledger import Unit
    from penstock.sinks.base import Sink

WhenFull = Literal["wait", "drop"]
"""What offering a batch to a full queue does: files wait, live sources drop and count."""


class Work(NamedTuple):
    """What the queue holds."""

    act: Literal["write", "tick", "flush"]
    now_ns: int = 0
    batches: tuple[tuple[BatchId, FlowBatch], ...] = ()


class Stage:
    """A sink, its queue and its thread."""

    def __init__(self, sink: Sink, *, queue_batches: int, live: bool = False) -> None:
        self.sink = sink
        self.error: PenstockError | None = None
        """Why the sink stopped taking batches, if it did."""
        self.asks_for_flush = False
        """Whether the sink wants a flush that :meth:`flush_soon` has not brought yet."""
        self.flushes_itself = True
        """Whether the sink is flushed whenever it wants; else only when :meth:`flush_soon` is called."""
        self.on_safe: list[Callable[[], None]] = []
        """Called, each of them, in the stage's thread whenever batches have become safe."""
        self._flush_waits = False
        sink.live = live
        self._when_full: WhenFull = "drop" if live and not sink.blocks else "wait"
        self._queue: queue.Queue[Work | None] = queue.Queue(queue_batches)
        self._closed = False
        self._unsafe = Unsafe()
        self._count = Counts()
        self._thread = threading.Thread(target=self._run, name=f"sink {sink.uri}", daemon=True)

    def open(self, columns: FlowBatch) -> None:
        """Opens the sink and starts its thread.

        Args:
            columns: a batch without rows that has the columns to come.

        Raises:
            ConfigError: the destination cannot be written to. Nothing has run yet, so it is the
                operator who can act.
        """
        shape = columns.split_biflows() if self.sink.biflow == "split" else columns
        try:
            self.sink.open(shape.column_names)
        except SinkClosed:
            self._closed = True
        except SinkError as error:
            raise ConfigError(f"{error}; mend that, or name another destination") from error
        self._thread.start()

    @property
    def wants_more(self) -> bool:
        """Whether offering it batches is of any use."""
        return not self._closed and self.error is None

    @property
    def closed_early(self) -> bool:
        """Whether the reader at the other end has gone."""
        return self._closed

    @property
    def waiting(self) -> int:
        """Places in the queue that are taken."""
        return self._queue.qsize()

    @property
    def promises(self) -> bool:
        """Whether the sink promises that what it answers stays."""
        return self.sink.delivery != "best effort"

    def takes(self, kind: Kind) -> bool:
        """Whether the sink is to be given batches of that kind."""
        return kind in self.sink.takes

    def offer(self, batch_id: BatchId, batch: FlowBatch, now_ns: int) -> None:
        """Puts a batch into the queue; waits, or counts it as lost, where that is full."""
        self.offer_together([(batch_id, batch)], now_ns)

    def offer_together(self, batches: Sequence[tuple[BatchId, FlowBatch]], now_ns: int) -> None:
        """The same for batches that came together; they take one place in the queue."""
        work = Work("write", now_ns, tuple(one for one in batches if self.takes(one[1].kind)))
        if not work.batches:
            return
        for batch_id, batch in work.batches:
            self._count.into(batch.kind, len(batch))
            self._unsafe.add(batch_id)
        if self._when_full == "wait":
            self._queue.put(work)
            return
        try:
            self._queue.put_nowait(work)
        except queue.Full:
            for batch_id, batch in work.batches:
                self._unsafe.remove(batch_id)
                self._count.lose("queue full", batch.kind, len(batch))

    def tick(self, now_ns: int) -> None:
        """Lets the sink know the time, if it has nothing better to do."""
        if not self._queue.full():
            try:
                self._queue.put_nowait(Work("tick", now_ns))
            except queue.Full:
                return

    def flush_soon(self) -> None:
        """Flushes the sink behind all batches offered so far; waits where the queue is full."""
        self.asks_for_flush = False
        self._flush_waits = True
        self._queue.put(Work("flush"))

    def first_unsafe(self, stream: str) -> int | None:
        """Of that stream, the first batch offered that is not safe yet; ``None`` if all are."""
        return self._unsafe.first(stream)

    def finish(self) -> None:
        """Lets the sink take what waits, then flushes and closes it."""
        self._queue.put(None)
        self._thread.join()

    def ledger(self) -> Ledger:
        """Rows in, out and lost; complete after :meth:`finish`.

        Where the sink takes each direction of a biflow as a row of its own, these rows are counted.
        """
        return Ledger(self._count.rows(self.sink.uri))

    def _run(self) -> None:
        try:
            while (work := self._queue.get()) is not None:
                if work.act != "write":
                    if self.wants_more:
                        self._guard(self._do, work)
                    continue
                for one in work.batches:
                    if self.wants_more:
                        self._guard(self._do, work, one)
                    else:
                        self._count.lose(self._why_lost(), one[1].kind, len(one[1]))
            if self.wants_more:
                self._guard(self._flush)
        finally:
            self._guard(self.sink.close)
        self._count.give_up(self._why_lost())

    def _guard(self, act: Callable[..., None], *arguments: object) -> None:
        """Keeps what goes wrong in this sink from the others; the first error is the one told."""
        try:
            act(*arguments)
        except SinkClosed:
            self._closed = True
        except PenstockError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 -- a bug in one sink must not stop the others
            problem = InternalError(f"{self.sink.uri}: {type(error).__name__}: {error}")
            problem.__cause__ = error
            self._fail(problem)

    def _fail(self, error: PenstockError) -> None:
        if self.error is None:
            self.error = error
            if self.sink.live:  # the end, when all errors are told, may be far away
                LOG.error("%s; what goes there is lost from here on", error)

    def _do(self, work: Work, one: tuple[BatchId, FlowBatch] | None = None) -> None:
        if work.act == "flush":
            self._flush_waits = False
            self._flush()
            return
        self.sink.tick(work.now_ns)
        if one is not None:
            self._write(*one)
        self._settle(self.sink.safe())
        if one is not None and one is not work.batches[-1]:
            return  # what came together stays together
        if self.sink.live and self.sink.wants_flush():
            if self.flushes_itself:
                self._flush()
            elif not self._flush_waits:
                self.asks_for_flush = True

    def _write(self, batch_id: BatchId, batch: FlowBatch) -> None:
        # Counted before the attempt: a batch that fails is then among those never answered.
        self._count.hand_over(batch_id, batch.kind, len(batch))
        if self.sink.biflow == "split" and batch.kind == "flows":
            rows = len(batch)
            batch = batch.split_biflows()
            self._count.into(batch.kind, len(batch) - rows)
            self._count.hand_over(batch_id, batch.kind, len(batch))
        self._write_patiently(batch_id, batch)

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
            self._count.settle(batch_id)
            self._unsafe.remove(batch_id)
        self._count.take_back(self.sink.lost())
        if safe:
            for told in self.on_safe:
                told()

    def _why_lost(self) -> str:
        return "reader gone" if self._closed else "sink failed"


class Unsafe:
    """Which batches are not safe yet, by stream. Each stream offers its batches in order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[str, dict[int, None]] = {}

    def add(self, batch_id: BatchId) -> None:
        """It has been offered."""
        with self._lock:
            self._numbers.setdefault(batch_id.stream, {})[batch_id.number] = None

    def remove(self, batch_id: BatchId) -> None:
        """It is safe, or counted as lost."""
        with self._lock:
            self._numbers.get(batch_id.stream, {}).pop(batch_id.number, None)

    def first(self, stream: str) -> int | None:
        """The earliest of a stream."""
        with self._lock:
            return next(iter(self._numbers.get(stream, ())), None)


class Counts:
    """Rows in, out and lost; flows apart from the rows of other kinds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[tuple[Unit, Literal["in", "out", "lost"], str], int] = {
            ("flows", "in", ""): 0,
            ("flows", "out", ""): 0,
        }
        self._taken: dict[BatchId, tuple[Unit, int]] = {}

    @property
    def unanswered(self) -> int:
        """Batches that the sink has and has not answered."""
        return len(self._taken)

    def into(self, kind: Kind, rows: int) -> None:
        """Rows that came."""
        with self._lock:
            self._add(unit_of(kind), "in", "", rows)

    def hand_over(self, batch_id: BatchId, kind: Kind, rows: int) -> None:
        """Rows that the sink is given."""
        with self._lock:
            self._taken[batch_id] = (unit_of(kind), rows)

    def settle(self, batch_id: BatchId) -> None:
        """The sink has answered a batch."""
        with self._lock:
            unit, rows = self._taken.pop(batch_id, ("flows", 0))
            self._add(unit, "out", "", rows)

    def take_back(self, lost: Mapping[str, int]) -> None:
        """Flows of answered batches that did not leave after all."""
        with self._lock:
            for reason, rows in lost.items():
                self._add("flows", "out", "", -rows)
                self._add("flows", "lost", reason, rows)

    def lose(self, reason: str, kind: Kind, rows: int) -> None:
        """Rows that went nowhere."""
        with self._lock:
            self._add(unit_of(kind), "lost", reason, rows)

    def give_up(self, reason: str) -> None:
        """What the sink has not answered by now, it never will."""
        with self._lock:
            for unit, rows in self._taken.values():
                self._add(unit, "lost", reason, rows)
            self._taken.clear()

    def rows(self, stage: str) -> list[Row]:
        """As rows of the ledger."""
        with self._lock:
            return [
                Row(stage, kind, reason, unit, count)
                for (unit, kind, reason), count in self._rows.items()
            ]

    def _add(self, unit: Unit, kind: Literal["in", "out", "lost"], reason: str, rows: int) -> None:
        key = (unit, kind, reason)
        self._rows[key] = self._rows.get(key, 0) + rows


def unit_of(kind: Kind) -> Unit:
    """What the ledger calls rows of that kind."""
    return "flows" if kind == "flows" else "rows"


def finish_all(stages: Sequence[Stage]) -> None:
    """Finishes every stage, each whether or not another failed."""
    for stage in stages:
        stage.finish()


LOG = logging.getLogger("penstock.run")

RETRY_DELAYS_S = (0.1, 0.5, 2.0)
"""How long to wait before offering a batch again to a sink that says this may help."""
