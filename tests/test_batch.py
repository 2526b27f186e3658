# SPDX-License-Identifier: Apache-2.0
"""The ways out of a batch."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest

from penstock.batch import FlowBatch
from tests import flows


def test_rows_have_addresses_as_text_and_times_as_nanoseconds() -> None:
    row = next(iter(flows.batch(1).rows()))
    assert row["src_addr"] == "192.0.2.0"
    assert row["time_start"] == flows.START_NS


def test_rows_leave_nulls_out() -> None:
    arrow = flows.arrow(1)
    empty = pa.array([None], pa.uint16())
    arrow = arrow.set_column(arrow.schema.get_field_index("src_port"), "src_port", empty)
    assert "src_port" not in next(iter(FlowBatch.from_arrow(arrow).rows()))


def test_binary_addresses_are_sixteen_octets() -> None:
    table = flows.batch(2).to_arrow(addresses="binary")
    assert table.column("src_addr")[1].as_py() == flows.MAPPED + bytes([192, 0, 2, 1])


@pytest.mark.parametrize("addresses", ["text", "binary"])
def test_every_library_sees_the_same_rows(addresses: str) -> None:
    batch = flows.batch(5)
    arrow = batch.to_arrow(addresses=addresses)
    assert batch.to_pandas(addresses=addresses)["octets"].tolist() == [100, 101, 102, 103, 104]
    frame = batch.to_polars(addresses=addresses)
    assert frame["octets"].to_list() == [100, 101, 102, 103, 104]
    assert frame["src_addr"].to_list() == arrow.column("src_addr").to_pylist()


def test_anything_that_reads_arrow_takes_a_batch_as_it_is() -> None:
    batch = flows.batch(4)
    assert pa.record_batch(batch).num_rows == 4
    assert pl.DataFrame(batch.select(["octets"])).height == 4


def test_columns_are_selected_in_the_order_asked_for() -> None:
    assert flows.batch().select(["octets", "src_addr"]).column_names == ["octets", "src_addr"]


def test_a_column_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        flows.batch().select(["tls_sni"])


def test_it_says_how_large_it_is() -> None:
    batch = flows.batch(7)
    assert len(batch) == 7
    assert repr(batch) == "<FlowBatch: 7 flows, 10 columns>"
    assert batch.nbytes > 0
