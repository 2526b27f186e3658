# SPDX-License-Identifier: Apache-2.0
"""Parquet: rotation, names, and files that are whole or not there."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penstock.batch import FlowBatch
from penstock.errors import SinkError
from penstock.sinks import build, order, parquet
from penstock.sinks.base import BatchId, Sink
from tests import flows

SECOND_NS = 1_000_000_000


def write(folder: Path, *batches: FlowBatch, options: str = "") -> list[Path]:
    sink = build(order(f"parquet:{folder}{options}"))
    sink.open(flows.batch(0).column_names)
    ids = [BatchId("test", number) for number in range(len(batches))]
    for batch_id, batch in zip(ids, batches, strict=True):
        sink.write(batch_id, batch)
    assert sorted(sink.flush()) == ids
    sink.close()
    assert not list(folder.glob(".*")), "nothing hidden is left behind"
    return sorted(folder.glob("*.parquet"))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    (path,) = write(tmp_path / "flows", flows.batch(3), flows.batch(2))
    table = pq.read_table(path)
    assert table.num_rows == 5
    assert table.column("src_addr")[1].as_py() == flows.MAPPED + bytes([192, 0, 2, 1])
    assert table.schema.field("time_start").type == pa.timestamp("ns", "UTC")


def test_the_name_tells_the_packet_time(tmp_path: Path) -> None:
    (path,) = write(tmp_path, flows.batch())
    assert path.name == "flows-20260101T000000Z-0001.parquet"


def test_a_new_window_of_packet_time_is_a_new_file(tmp_path: Path) -> None:
    batch = flows.batch(120, step_ns=10 * SECOND_NS)
    names = [path.name for path in write(tmp_path, batch, options="?rotate=5m")]
    assert names == [f"flows-20260101T00{minute:02}00Z-0001.parquet" for minute in (0, 5, 10, 15)]
    rows = [pq.read_metadata(path).num_rows for path in sorted(tmp_path.iterdir())]
    assert rows == [30, 30, 30, 30]


def test_time_that_runs_backwards_opens_no_old_file(tmp_path: Path) -> None:
    late = flows.batch(2, start_ns=flows.START_NS + 600 * SECOND_NS)
    assert len(write(tmp_path, flows.batch(1), late, flows.batch(1), options="?rotate=5m")) == 2


def test_without_rotation_there_is_one_file(tmp_path: Path) -> None:
    batch = flows.batch(100, step_ns=3600 * SECOND_NS)
    assert len(write(tmp_path, batch, options="?rotate=0")) == 1


def test_without_rotation_the_name_still_tells_the_packet_time(tmp_path: Path) -> None:
    (path,) = write(tmp_path, flows.batch(), options="?rotate=0")
    assert path.name == "flows-20260101T000000Z-0001.parquet"


def test_a_batch_whose_last_row_fills_a_file_is_safe(tmp_path: Path) -> None:
    assert len(write(tmp_path, flows.batch(), flows.batch(), options="?max_size=1")) == 2


def test_batches_are_safe_once_their_file_is_whole(tmp_path: Path) -> None:
    sink = build(order(f"parquet:{tmp_path}?rotate=1h"))
    sink.open([])
    sink.write(BatchId("test", 0), flows.batch())
    assert list(sink.safe()) == []
    sink.write(BatchId("test", 1), flows.batch(1, start_ns=flows.START_NS + 7200 * SECOND_NS))
    assert list(sink.safe()) == [BatchId("test", 0)]
    assert list(sink.flush()) == [BatchId("test", 1)]
    sink.close()


def test_a_full_file_is_followed_by_another(tmp_path: Path) -> None:
    batches = [flows.batch(2000) for _ in range(20)]
    paths = write(tmp_path, *batches, options="?max_size=50000")
    assert len(paths) > 2
    assert sum(pq.read_metadata(path).num_rows for path in paths) == 40_000
    assert all(path.stat().st_size < 150_000 for path in paths)


def test_what_a_folder_holds_already_stays(tmp_path: Path) -> None:
    (first,) = write(tmp_path, flows.batch(1))
    before = first.read_bytes()
    paths = write(tmp_path, flows.batch(2))
    assert [path.name[-12:] for path in paths] == ["0001.parquet", "0002.parquet"]
    assert first.read_bytes() == before


def test_the_same_flows_are_the_same_octets(tmp_path: Path) -> None:
    batches = [flows.batch(1000), flows.batch(500)]
    (one,) = write(tmp_path / "one", *batches)
    (other,) = write(tmp_path / "other", *batches)
    assert one.read_bytes() == other.read_bytes()


def test_addresses_can_be_text(tmp_path: Path) -> None:
    (path,) = write(tmp_path, flows.batch(1), options="?addresses=text")
    assert pq.read_table(path).column("src_addr").to_pylist() == ["192.0.2.0"]


def test_columns_can_be_chosen_without_the_one_that_rotation_needs(tmp_path: Path) -> None:
    (path,) = write(tmp_path, flows.batch(1), options="?columns=octets,src_port")
    assert pq.read_table(path).column_names == ["octets", "src_port"]


def test_a_file_is_hidden_until_it_is_whole_and_given_up_without_a_flush(tmp_path: Path) -> None:
    sink = build(order(f"parquet:{tmp_path}"))
    sink.open([])
    sink.write(BatchId("test", 0), flows.batch(1))
    assert not list(tmp_path.glob("*.parquet"))
    sink.close()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to_is_told_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # who runs the tests may be root
    with pytest.raises(SinkError, match="the folder cannot be written to"):
        build(order(f"parquet:{tmp_path}")).open([])


def test_a_folder_that_cannot_be_made_is_an_error_of_the_sink(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    sink = build(order(f"parquet:{tmp_path}/file"))
    with pytest.raises(SinkError, match="File exists"):
        sink.open([])


def live(folder: Path, options: str) -> Sink:
    sink = build(order(f"parquet:{folder}{options}"))
    sink.live = True
    sink.open([])
    return sink


def test_a_live_file_ends_by_the_clock_and_only_when_flushed(tmp_path: Path) -> None:
    sink = live(tmp_path, "?rotate=1h")
    now_ns = time.time_ns()
    sink.write(BatchId("test", 0), flows.batch())
    sink.tick(now_ns)
    assert not sink.wants_flush()
    sink.tick(now_ns + 3600 * SECOND_NS)
    assert sink.wants_flush()
    sink.write(BatchId("test", 1), flows.batch())
    assert list(sink.safe()) == []
    assert list(sink.flush()) == [BatchId("test", 0), BatchId("test", 1)]
    assert not sink.wants_flush()
    assert len(list(tmp_path.glob("*.parquet"))) == 1
    sink.close()


def test_a_live_file_that_is_large_enough_asks_for_its_end(tmp_path: Path) -> None:
    sink = live(tmp_path, "?rotate=0&max_size=1")
    sink.write(BatchId("test", 0), flows.batch())
    assert sink.wants_flush()
    assert list(sink.flush()) == [BatchId("test", 0)]
    sink.close()


def test_other_kinds_have_folders_of_their_own(tmp_path: Path) -> None:
    options = FlowBatch(flows.batch(2).native, "options")
    sink = build(order(f"parquet:{tmp_path}?kinds=flows,options"))
    sink.open([])
    sink.write(BatchId("test", 0), flows.batch(1))
    sink.write(BatchId("test", 1), options)
    assert list(sink.flush()) == [BatchId("test", 0), BatchId("test", 1)]
    (path,) = (tmp_path / "options").glob("options-*.parquet")
    assert pq.read_metadata(path).num_rows == 2
    assert len(list(tmp_path.glob("flows-*.parquet"))) == 1


def test_batches_of_two_shapes_in_turn_share_a_file(tmp_path: Path) -> None:
    fewer = flows.batch(1).select(["time_end", "octets"])
    (path,) = write(tmp_path, fewer, flows.batch(1), fewer)
    table = pq.read_table(path)
    assert set(table.column_names) == set(flows.batch(0).column_names)
    assert table.column("src_port").null_count == 2
    assert table.column("octets").null_count == 0


def test_columns_that_come_up_after_a_row_group_begin_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 2)
    fewer = flows.batch(2).select(["time_end", "octets"])
    paths = write(tmp_path, fewer, flows.batch(2), fewer, flows.batch(2))
    assert [pq.read_metadata(path).num_rows for path in paths] == [4, 4]
    assert [pq.read_metadata(path).num_columns for path in paths] == [2, 10]
