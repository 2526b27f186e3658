# SPDX-License-Identifier: Apache-2.0
"""The sinks that write octets one after another: text, JSON, CSV."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from penstock.batch import FlowBatch
from penstock.errors import SinkError
from penstock.sinks import build, order
from penstock.sinks.base import BatchId
from tests import flows


def written(uri: str, path: Path, *batches: FlowBatch) -> str:
    sink = build(order(uri.replace("PATH", str(path))))
    sink.open(flows.batch(0).column_names)
    ids = [BatchId("test", number) for number in range(len(batches))]
    for batch_id, batch in zip(ids, batches, strict=True):
        sink.write(batch_id, batch)
    assert list(sink.flush()) == ids
    sink.close()
    return path.read_text()


def test_json_has_an_object_a_flow_across_batches(tmp_path: Path) -> None:
    text = written("json:PATH", tmp_path / "f", flows.batch(2), flows.batch(1))
    rows = [json.loads(line) for line in text.splitlines()]
    assert [row["octets"] for row in rows] == [100, 101, 100]
    assert rows[1]["src_addr"] == "192.0.2.1"
    assert rows[1]["time_start"] == "2026-01-01T00:00:00.001000000Z"


def test_json_has_the_columns_that_were_asked_for(tmp_path: Path) -> None:
    text = written("json:PATH?columns=octets,src_addr", tmp_path / "f", flows.batch(1))
    assert list(json.loads(text)) == ["octets", "src_addr"]


def test_csv_has_one_heading_and_every_column_on_every_line(tmp_path: Path) -> None:
    text = written("csv:PATH", tmp_path / "f", flows.batch(2), flows.batch(1))
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == flows.batch(0).column_names
    assert [len(row) for row in rows] == [10, 10, 10, 10]


def test_csv_leaves_a_column_empty_that_a_batch_lacks(tmp_path: Path) -> None:
    text = written("csv:PATH?columns=octets,vlan_id", tmp_path / "f", flows.batch(1))
    assert text.split() == ["octets,vlan_id", "100,"]


def test_csv_without_flows_is_its_heading(tmp_path: Path) -> None:
    text = written("csv:PATH?columns=octets", tmp_path / "f")
    assert text.split() == ["octets"]


def test_csv_leaves_its_heading_out_when_told(tmp_path: Path) -> None:
    text = written("csv:PATH?columns=octets&header=false", tmp_path / "f", flows.batch(1))
    assert text.split() == ["100"]


def test_text_names_protocols_and_has_one_heading(tmp_path: Path) -> None:
    text = written(
        "text:PATH?columns=protocol,src_addr,dst_port",
        tmp_path / "f",
        flows.batch(1),
        flows.batch(1),
    )
    assert len(text.splitlines()) == 3
    assert text.splitlines()[1].split() == ["tcp", "192.0.2.0", "443"]


def test_text_has_colours_only_when_told(tmp_path: Path) -> None:
    assert "\x1b[" not in written("text:PATH", tmp_path / "plain", flows.batch(1))
    assert "\x1b[" in written("text:PATH?color=always", tmp_path / "bright", flows.batch(1))


@pytest.mark.parametrize("name", ["json", "csv", "text"])
def test_a_path_that_cannot_be_opened_is_not_worth_a_retry(tmp_path: Path, name: str) -> None:
    sink = build(order(f"{name}:{tmp_path}"))
    with pytest.raises(SinkError, match=f"^{name}:.*: Is a directory") as caught:
        sink.open(["octets"])
    assert not caught.value.retry


@pytest.mark.parametrize("name", ["json", "csv", "text"])
def test_a_full_disk_is_an_error_of_the_sink(name: str) -> None:
    sink = build(order(f"{name}:/dev/full"))
    with pytest.raises(SinkError, match="No space left on device"):
        sink.open(["octets"])
        sink.write(BatchId("test", 0), flows.batch(1))
    sink.close()
