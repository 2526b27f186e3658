# SPDX-License-Identifier: Apache-2.0
"""What a collector keeps: files that are whole, and sequence numbers no further than rows are safe."""

from __future__ import annotations

import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

from penstock.batch import FlowBatch
from penstock.errors import ConfigError, DecodeError
from penstock.pipeline import state
from penstock.pipeline.stage import Stage
from penstock.pipeline.state import Cuts, Folder
from penstock.sinks.base import BatchId, Delivery, Sink, SinkSettings
from tests import flows


class Filing(Sink):
    """Holds batches back until it is flushed, as a file does."""

    delivery: ClassVar[Delivery] = "at least once"
    blocks: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__("filing:", SinkSettings(), "")
        self.held: list[BatchId] = []
        self.files: list[list[BatchId]] = []
        self.full_at = 2

    def write(self, batch_id: BatchId, batch: FlowBatch) -> None:
        self.held.append(batch_id)

    def wants_flush(self) -> bool:
        return len(self.held) >= self.full_at

    def flush(self) -> Collection[BatchId]:
        safe, self.held = self.held, []
        if safe:
            self.files.append(safe)
        return safe


class Restored:
    """Takes what a folder gives back."""

    def __init__(self, damaged: bytes = b"") -> None:
        self.given: list[tuple[bytes | None, bytes | None]] = []
        self._damaged = damaged

    def restore(self, templates: bytes | None, sequences: bytes | None, now_ns: int) -> None:
        if self._damaged and self._damaged in (templates, sequences):
            raise DecodeError("checksum")
        self.given.append((templates, sequences))


def restored(folder: Path, workers: int, worker: int, damaged: bytes = b"") -> Restored:
    made = Restored(damaged)
    opened = Folder(str(folder), workers)
    opened.restore(cast("Any", made), worker, 0)
    opened.close()
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path), 1)


def stage_of(sink: Sink) -> Stage:
    made = Stage(sink, queue_batches=4, live=True)
    made.open(flows.batch(0))
    return made


def drained(stage: Stage) -> None:
    """Waits until the stage has nothing to do."""
    done = threading.Event()
    stage.on_safe.append(done.set)
    for _ in range(200):
        if not stage.waiting:
            break
        done.wait(0.01)
    done.wait(0.05)


def test_the_files_of_a_worker_come_back_to_it(tmp_path: Path, folder: Folder) -> None:
    folder.write_templates(0, b"t")
    folder.write_sequences(0, b"s")
    folder.close()
    assert restored(tmp_path, 1, 0).given == [(b"t", None), (None, b"s")]


def test_another_number_of_workers_gets_all_of_it_each(tmp_path: Path) -> None:
    two = Folder(str(tmp_path), 2)
    two.write_templates(0, b"a")
    two.write_templates(1, b"b")
    two.close()
    assert restored(tmp_path, 2, 1).given == [(b"b", None)]
    assert restored(tmp_path, 3, 2).given == [(b"a", None), (b"b", None)]


def test_what_was_kept_for_another_number_of_workers_goes_once_ours_is_there(
    tmp_path: Path, folder: Folder
) -> None:
    folder.write_templates(0, b"old")
    folder.close()
    two = Folder(str(tmp_path), 2)
    two.write_templates(0, b"a")
    two.close()
    assert (tmp_path / "templates-0-of-1").exists(), "the other worker's are not there yet"
    two = Folder(str(tmp_path), 2)
    two.write_templates(1, b"b")
    two.close()
    assert not (tmp_path / "templates-0-of-1").exists()


def test_a_damaged_file_is_set_aside_and_said(
    tmp_path: Path, folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_templates(0, b"bad")
    folder.write_sequences(0, b"good")
    folder.close()
    assert restored(tmp_path, 1, 0, damaged=b"bad").given == [(None, b"good")]
    assert "checksum; going on without it" in caplog.text
    assert not (tmp_path / "templates-0-of-1").exists()


def test_a_folder_has_one_collector_at_a_time(tmp_path: Path, folder: Folder) -> None:
    with pytest.raises(ConfigError, match="another collector has this folder"):
        Folder(str(tmp_path), 1)
    folder.close()
    Folder(str(tmp_path), 1).close()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"^state: .*: File exists; name another folder$"):
        Folder(str(tmp_path / "file"), 1)


def test_sequences_are_written_once_the_rows_up_to_them_are_safe(
    tmp_path: Path, folder: Folder
) -> None:
    sink = Filing()
    stage = stage_of(sink)
    cuts = Cuts(folder, ["one"], [stage])
    kept = tmp_path / "sequences-0-of-1"
    for number in range(3):
        stage.offer(BatchId("one", number), flows.batch(1), 0)
        if cuts.wanted():
            break
    drained(stage)
    assert cuts.wanted(), "the sink wants to end its file"
    assert not kept.exists()
    assert sink.files == [], "and does not before everybody is ready"
    taken = len(sink.held)
    cuts.arrive(0, taken, b"after the cut")
    stage.offer(BatchId("one", taken), flows.batch(1), 0)
    drained(stage)
    assert kept.read_bytes() == b"after the cut"
    assert [len(file) for file in sink.files] == [taken], "the file ends at the cut"
    stage.finish()
    cuts.end({0: (taken + 1, b"the end")})
    assert kept.read_bytes() == b"the end"


def test_what_a_failed_sink_lost_is_never_counted_as_stored(tmp_path: Path, folder: Folder) -> None:
    sink = Filing()
    stage = stage_of(sink)
    cuts = Cuts(folder, ["one"], [stage])

    def broken() -> Collection[BatchId]:
        raise OSError("disk on fire")

    sink.flush = broken  # type: ignore[method-assign]
    stage.offer(BatchId("one", 0), flows.batch(1), 0)
    stage.finish()
    cuts.end({0: (1, b"too far")})
    assert not (tmp_path / "sequences-0-of-1").exists()


def test_all_workers_come_to_a_cut_together(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path), 2)
    sink = Filing()
    stage = stage_of(sink)
    cuts = Cuts(folder, ["a", "b"], [stage])
    stage.asks_for_flush = True
    stage.offer(BatchId("a", 0), flows.batch(1), 0)
    stage.offer(BatchId("b", 0), flows.batch(1), 0)
    assert cuts.wanted()
    first = threading.Thread(target=cuts.arrive, args=(0, 1, b"a1"))
    first.start()
    first.join(0.2)
    assert first.is_alive(), "it waits for the other"
    cuts.arrive(1, 1, b"b1")
    first.join(5)
    drained(stage)
    assert (tmp_path / "sequences-0-of-2").read_bytes() == b"a1"
    assert (tmp_path / "sequences-1-of-2").read_bytes() == b"b1"
    stage.finish()


def test_a_worker_that_never_comes_holds_nobody_up_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "TOGETHER_S", 0.1)
    cuts = Cuts(Folder(str(tmp_path), 2), ["a", "b"], [])
    cuts.arrive(0, 1, b"a1")
    assert not list(tmp_path.glob("sequences*"))


def test_without_a_sink_that_promises_every_cut_is_written(
    tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts = Cuts(folder, ["one"], [])
    assert not cuts.wanted()
    monkeypatch.setattr(state, "WITHOUT_PROMISES_S", 0)
    assert cuts.wanted()
    cuts.arrive(0, 1, b"s1")
    assert (tmp_path / "sequences-0-of-1").read_bytes() == b"s1"


def test_a_disk_that_is_full_is_said_and_nothing_stops(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(state, "write_whole", full)
    folder.write_templates(0, b"t")
    folder.close()
    assert "No space left on device" in caplog.text
