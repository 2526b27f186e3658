# SPDX-License-Identifier: Apache-2.0
"""One sink behind its queue: waiting, dropping, failing, trying again."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest

from penstock.batch import FlowBatch, Kind
from penstock.errors import InternalError, SinkError
from penstock.pipeline import stage as stage_module
from penstock.pipeline.stage import Stage
from penstock.sinks import build, order
from penstock.sinks.base import BatchId, Sink, SinkClosed, SinkSettings
from penstock.sinks.stream import FLUSH_BATCHES
from tests import flows
from tests.conftest import assert_adds_up


class Scripted(Sink):
    """Does what the test tells it at each write."""

    blocks: ClassVar[bool] = False

    def __init__(self, *script: Exception | None) -> None:
        super().__init__("scripted:", SinkSettings(), "")
        self.script = list(script)
        self.taken: list[BatchId] = []
        self.gate = threading.Event()
        self.gate.set()
        self.ended = False

    def write(self, batch_id: BatchId, batch: FlowBatch) -> None:
        self.gate.wait(10)
        step = self.script.pop(0) if self.script else None
        if step is not None:
            raise step
        self.taken.append(batch_id)

    def flush(self) -> Collection[BatchId]:
        return self.taken

    def close(self) -> None:
        self.ended = True


def offered(stage: Stage, batches: int) -> None:
    for number in range(batches):
        stage.offer(BatchId("test", number), flows.batch(10), 0)


def run(sink: Scripted, batches: int = 3) -> Stage:
    stage = Stage(sink, queue_batches=2)
    stage.open(flows.batch(0))
    offered(stage, batches)
    stage.finish()
    assert sink.ended
    assert_adds_up(stage.ledger(), "stage")
    return stage


def lost(stage: Stage) -> dict[str, int]:
    return stage.ledger().reasons("lost", unit="flows")


def test_every_batch_arrives_in_order_and_is_counted() -> None:
    sink = Scripted()
    stage = run(sink)
    assert [batch_id.number for batch_id in sink.taken] == [0, 1, 2]
    assert stage.ledger().count("scripted:", "out", unit="flows") == 30


def test_a_sink_that_fails_loses_what_it_did_not_take_and_says_why() -> None:
    stage = run(Scripted(None, SinkError("disk full", sink="scripted:")))
    assert str(stage.error) == "scripted: disk full"
    assert lost(stage) == {"sink failed": 30}, "what no flush has answered is not safe"


def test_a_write_worth_a_retry_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_module, "RETRY_DELAYS_S", (0, 0))
    later = SinkError("busy", sink="scripted:", retry=True)
    stage = run(Scripted(later, later))
    assert stage.error is None
    assert not lost(stage)


def test_trying_again_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_module, "RETRY_DELAYS_S", (0,))
    later = SinkError("busy", sink="scripted:", retry=True)
    assert run(Scripted(later, later)).error is later


def test_a_reader_that_left_is_no_error() -> None:
    stage = run(Scripted(SinkClosed()))
    assert stage.error is None
    assert stage.closed_early
    assert lost(stage) == {"reader gone": 30}


def test_a_bug_in_a_sink_is_named_as_one() -> None:
    stage = run(Scripted(ZeroDivisionError("oh")))
    assert isinstance(stage.error, InternalError)
    assert "ZeroDivisionError" in str(stage.error)


@pytest.mark.parametrize("uri", ["null:", "json:{folder}/out"])
def test_little_is_remembered_of_an_endless_input(uri: str, tmp_path: Path) -> None:
    stage = Stage(build(order(uri.format(folder=tmp_path))), queue_batches=2)
    stage.open(flows.batch(0))
    most = 0
    for number in range(2 * FLUSH_BATCHES):
        stage.offer(BatchId("test", number), flows.batch(1), 0)
        most = max(most, stage._count.unanswered)
    stage.finish()
    assert most <= FLUSH_BATCHES
    assert stage.ledger().count(stage.sink.uri, "out", unit="flows") == 2 * FLUSH_BATCHES


def test_a_full_queue_makes_a_file_wait() -> None:
    sink = Scripted()
    sink.gate.clear()
    stage = Stage(sink, queue_batches=1)
    stage.open(flows.batch(0))
    feeder = threading.Thread(target=offered, args=(stage, 5))
    feeder.start()
    feeder.join(0.2)
    assert feeder.is_alive(), "the reader waits"
    sink.gate.set()
    feeder.join()
    stage.finish()
    assert len(sink.taken) == 5


def test_a_full_queue_of_a_live_source_drops_and_counts() -> None:
    sink = Scripted()
    sink.gate.clear()
    stage = Stage(sink, queue_batches=1, live=True)
    stage.open(flows.batch(0))
    offered(stage, 5)
    sink.gate.set()
    stage.finish()
    assert lost(stage)["queue full"] >= 30
    assert_adds_up(stage.ledger(), "stage")


def test_a_sink_that_blocks_is_never_dropped_at() -> None:
    class Patient(Scripted):
        blocks: ClassVar[bool] = True

    sink = Patient()
    stage = Stage(sink, queue_batches=1, live=True)
    stage.open(flows.batch(0))
    offered(stage, 5)
    stage.finish()
    assert not lost(stage)


class Choosy(Scripted):
    """Takes options too, and loses some rows of what it has taken."""

    kinds: ClassVar[frozenset[Kind]] = frozenset({"flows", "options"})

    def __init__(self) -> None:
        super().__init__()
        self.takes = self.kinds
        self.gone = {"too long": 2}

    def lost(self) -> Mapping[str, int]:
        gone, self.gone = self.gone, {}
        return gone


def test_other_kinds_are_counted_as_rows() -> None:
    stage = Stage(Choosy(), queue_batches=2)
    stage.open(flows.batch(0))
    stage.offer(BatchId("test", 0), flows.batch(10), 0)
    stage.offer(BatchId("test", 1), FlowBatch(flows.batch(3).native, "options"), 0)
    stage.finish()
    assert stage.takes("options")
    assert not stage.takes("drops")
    assert stage.ledger().count("scripted:", "out", unit="rows") == 3
    assert_adds_up(stage.ledger(), "stage")


def test_rows_that_a_sink_lost_of_a_batch_it_took_are_counted_as_lost() -> None:
    stage = Stage(Choosy(), queue_batches=2)
    stage.open(flows.batch(0))
    stage.offer(BatchId("test", 0), flows.batch(10), 0)
    stage.finish()
    assert stage.ledger().count("scripted:", "out", unit="flows") == 8
    assert lost(stage) == {"too long": 2}
    assert_adds_up(stage.ledger(), "stage")


def test_it_knows_the_first_batch_of_a_stream_that_is_not_safe() -> None:
    sink = Scripted()
    stage = Stage(sink, queue_batches=8)
    stage.open(flows.batch(0))
    sink.gate.clear()
    for number in range(3):
        stage.offer(BatchId("a", number), flows.batch(1), 0)
    assert stage.first_unsafe("a") == 0
    assert stage.first_unsafe("b") is None
    sink.gate.set()
    stage.finish()
    assert stage.first_unsafe("a") is None


def test_a_live_sink_is_flushed_when_it_wants() -> None:
    class Full(Scripted):
        flushed = 0

        def wants_flush(self) -> bool:
            return True

        def flush(self) -> Collection[BatchId]:
            self.flushed += 1
            return super().flush()

    sink = Full()
    stage = Stage(sink, queue_batches=8, live=True)
    stage.open(flows.batch(0))
    offered(stage, 3)
    stage.tick(0)
    stage.finish()
    assert sink.flushed >= 3
    assert_adds_up(stage.ledger(), "stage")


def test_a_tick_never_waits() -> None:
    sink = Scripted()
    sink.gate.clear()
    stage = Stage(sink, queue_batches=1, live=True)
    stage.open(flows.batch(0))
    offered(stage, 3)
    for _ in range(100):
        stage.tick(0)
    sink.gate.set()
    stage.finish()


def test_splitting_biflows_counts_the_rows_that_the_sink_is_given() -> None:
    both = flows.arrow(4)
    for name, kind in (("octets_rev", pa.uint64()), ("packets_rev", pa.uint64())):
        both = both.append_column(pa.field(name, kind), pa.array([1] * 4, kind))
    sink = Scripted()
    sink.biflow = "split"
    stage = Stage(sink, queue_batches=2)
    stage.open(FlowBatch.from_arrow(both))
    stage.offer(BatchId("test", 0), FlowBatch.from_arrow(both), 0)
    stage.finish()
    assert stage.ledger().count("scripted:", "in", unit="flows") == 8
    assert_adds_up(stage.ledger(), "stage")
