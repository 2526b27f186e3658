# SPDX-License-Identifier: Apache-2.0
"""Parquet's encodings: all columns have one, and other programs can read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penstock.sinks.parquet_encoding import COLLECTED, leaves, writer_options

ROWS = 10_000

COLUMNS = {
    "time_end": pa.array(range(ROWS), pa.timestamp("ns", "UTC")),
    "src_addr": pa.array([n.to_bytes(16) for n in range(ROWS)], pa.binary(16)),
    "next_hop": pa.array([(n % 9).to_bytes(16) for n in range(ROWS)], pa.binary(16)),
    "src_mac": pa.array([(n % 9).to_bytes(6) for n in range(ROWS)], pa.binary(6)),
    "protocol": pa.array([(6, 17)[n % 2] for n in range(ROWS)], pa.uint8()),
    "src_port": pa.array(range(ROWS), pa.uint16()),
    "src_as": pa.array([64_496 + n % 16 for n in range(ROWS)], pa.uint32()),
    "octets": pa.array([n if n % 3 else None for n in range(ROWS)], pa.uint64()),
    "sampling_rate": pa.array([100.0] * ROWS, pa.float64()),
    "time_suspect": pa.array([n == 5 for n in range(ROWS)], pa.bool_()),
    "tls_sni": pa.array([f"{n % 99}.example" for n in range(ROWS)], pa.string()),
    "nothing": pa.nulls(ROWS, pa.uint32()),
    "wait": pa.array(range(ROWS), pa.duration("ns")),
    "labels": pa.array([[n] for n in range(ROWS)], pa.list_(pa.uint32())),
    "extra": pa.array(
        [[{"id": n, "value": b"x"}] for n in range(ROWS)],
        pa.list_(pa.struct({"id": pa.uint16(), "value": pa.binary()})),
    ),
}


def write(path: Path, level: int, **more: pa.Array) -> pa.RecordBatch:
    columns = COLUMNS | more
    batch = pa.record_batch(list(columns.values()), names=list(columns))
    with pq.ParquetWriter(path, batch.schema, **writer_options(batch.schema, batch, level)) as out:
        out.write_batch(batch)
    return batch


def chunks(path: Path) -> dict[str, Any]:
    group = pq.read_metadata(path).row_group(0)
    found = [group.column(number) for number in range(group.num_columns)]
    return {chunk.path_in_schema: chunk for chunk in found}


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("more", [{}, {COLLECTED: COLUMNS["time_end"]}], ids=["probe", "collector"])
def test_every_type_is_read_again_by_two_programs(
    tmp_path: Path, level: int, more: dict[str, pa.Array]
) -> None:
    batch = write(tmp_path / "a.parquet", level, **more)
    assert pq.read_table(tmp_path / "a.parquet").equals(pa.Table.from_batches([batch]))
    theirs = pl.read_parquet(tmp_path / "a.parquet")
    expected = pl.DataFrame(pl.from_arrow(batch))
    assert theirs.equals(expected)


def test_paths_of_nested_columns_are_those_of_the_file(tmp_path: Path) -> None:
    batch = write(tmp_path / "a.parquet", 1)
    assert [leaf for field in batch.schema for leaf in leaves(field)] == list(
        chunks(tmp_path / "a.parquet")
    )


def test_nothing_is_left_uncompressed(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", 1)
    assert {chunk.compression for chunk in chunks(tmp_path / "a.parquet").values()} == {"ZSTD"}


def test_lz4_is_for_numbers_of_collected_rows_at_the_fastest_level(tmp_path: Path) -> None:
    write(tmp_path / "fast.parquet", 1, **{COLLECTED: COLUMNS["time_end"]})
    write(tmp_path / "small.parquet", 2, **{COLLECTED: COLUMNS["time_end"]})
    fast, small = chunks(tmp_path / "fast.parquet"), chunks(tmp_path / "small.parquet")
    assert {name for name, chunk in fast.items() if chunk.compression == "LZ4"} == {
        *("time_end", "protocol", "src_port", "octets", "sampling_rate", "nothing"),
        COLLECTED,
    }
    assert {chunk.compression for chunk in small.values()} == {"ZSTD"}


def encodings(path: Path) -> set[str]:
    return {one for chunk in chunks(path).values() for one in chunk.encodings}


def test_only_what_is_collected_at_the_fastest_level_needs_new_readers(tmp_path: Path) -> None:
    write(tmp_path / "fast.parquet", 1, **{COLLECTED: COLUMNS["time_end"]})
    write(tmp_path / "small.parquet", 2, **{COLLECTED: COLUMNS["time_end"]})
    write(tmp_path / "probe.parquet", 1)
    assert "BYTE_STREAM_SPLIT" in encodings(tmp_path / "fast.parquet")
    assert "BYTE_STREAM_SPLIT" not in encodings(tmp_path / "small.parquet")
    assert "BYTE_STREAM_SPLIT" not in encodings(tmp_path / "probe.parquet")


def test_addresses_are_never_split_since_few_programs_could_read_them(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", 1, **{COLLECTED: COLUMNS["time_end"]})
    found = chunks(tmp_path / "a.parquet")
    split = {name for name, chunk in found.items() if "BYTE_STREAM_SPLIT" in chunk.encodings}
    assert {"src_port", "octets", "time_end"} <= split
    assert not split & {"src_addr", "next_hop", "src_mac"}


def test_a_collectors_values_go_by_dictionary_where_that_pays(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", 1, **{COLLECTED: COLUMNS["time_end"]})
    found = chunks(tmp_path / "a.parquet")
    by_dictionary = {name for name, chunk in found.items() if chunk.has_dictionary_page}
    assert by_dictionary == {"next_hop", "src_mac", "src_as", "tls_sni", "wait"}
