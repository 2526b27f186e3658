# SPDX-License-Identifier: Apache-2.0
"""How each column is laid out in a Parquet file: encoding, codec, statistics.

Goes by the columns' types and by a sample of the first rows; the schema never depends on it. Why
these, and what they cost, is in docs/decisions/0022. Writing is not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def writer_options(schema: pa.Schema, first: pa.RecordBatch, level: int) -> dict[str, Any]:
    """What ``pyarrow.parquet.ParquetWriter`` is told for a file that begins with those rows.

    ``level`` is Zstandard's. At the fastest, numbers and times in rows of a collector have LZ4: encoded
    as they are, Zstandard would win little more room for much more time.
    """
    fast = level == FASTEST and COLLECTED in first.schema.names
    dictionary: list[str] = []
    encoding: dict[str, str] = {}
    codec: dict[str, str] = {}
    for field in schema:
        name, kind = field.name, field.type
        if is_number(kind) and not (is_wide(kind) and has_few_values(first, name)):
            encoding[name] = "BYTE_STREAM_SPLIT"
        elif is_time(kind):
            encoding[name] = "DELTA_BINARY_PACKED"
        elif name not in ADDRESSES or repeats(first, name):
            dictionary.append(name)
        lz4 = fast and name in encoding
        codec.update(dict.fromkeys(leaves(field), "lz4" if lz4 else "zstd"))
    return {
        "use_dictionary": dictionary,
        "column_encoding": encoding,
        "compression": codec,
        "compression_level": {leaf: level for leaf, name in codec.items() if name == "zstd"},
        "write_statistics": [name for name in schema.names if name in SKIPPED_BY],
        "data_page_version": "2.0",
    }


def is_number(kind: pa.DataType) -> bool:
    """Whether Parquet keeps it in four or eight octets of which often only the low ones vary."""
    import pyarrow.types as kinds  # noqa: PLC0415

    is_one: bool = kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_duration(kind)
    return is_one


def is_time(kind: pa.DataType) -> bool:
    """Whether it is a moment, of which the next is seldom far away."""
    import pyarrow.types as kinds  # noqa: PLC0415

    is_one: bool = kinds.is_timestamp(kind)
    return is_one


def is_wide(kind: pa.DataType) -> bool:
    """Whether more than one octet of a number can vary."""
    wide: bool = kind.bit_width > OCTET_BITS
    return wide


def has_few_values(first: pa.RecordBatch, name: str) -> bool:
    """Whether a column of whole numbers has few values, but larger ones than fit into an octet."""
    import pyarrow.compute as pc  # noqa: PLC0415
    import pyarrow.types as kinds  # noqa: PLC0415

    sample = sampled(first, name)
    if sample is None or not kinds.is_integer(sample.type):
        return False
    largest = pc.max(sample).as_py() or 0
    return largest >> OCTET_BITS != 0 and 1 < len(pc.unique(sample)) <= FEW


def repeats(first: pa.RecordBatch, name: str) -> bool:
    """Whether the values of a column come up again within few rows."""
    import pyarrow.compute as pc  # noqa: PLC0415

    sample = sampled(first, name)
    return sample is not None and 2 * len(pc.unique(sample)) < len(sample)


def sampled(first: pa.RecordBatch, name: str) -> pa.Array | None:
    """The beginning of a column, if it is there."""
    if name not in first.schema.names:
        return None
    return first.column(name).slice(0, SAMPLE_ROWS)


def leaves(field: pa.Field, above: str = "") -> list[str]:
    """The paths by which Parquet knows what a column consists of; one, unless it is nested."""
    import pyarrow.types as kinds  # noqa: PLC0415

    if kinds.is_list(field.type):
        element = field.type.value_field.with_name("element")
        return leaves(element, f"{above}{field.name}.list.")
    if kinds.is_struct(field.type):
        parts = (leaves(part, f"{above}{field.name}.") for part in field.type.fields)
        return [leaf for part in parts for leaf in part]
    return [above + field.name]


FASTEST = 1
"""The level at which time matters more than room."""

COLLECTED = "time_received"
"""A column that only a collector's rows have. What it receives does not wait for it; what a probe
reads is hundreds of octets a row, beside which those of the row do not count."""

OCTET_BITS = 8

SAMPLE_ROWS = 8_192
"""Enough to tell a network's own addresses from those of everybody."""

FEW = 128
"""Of a sample, values that cost less to look up than their octets cost to compress."""

ADDRESSES = frozenset({"src_addr", "dst_addr"})
"""Columns that repeat themselves in some networks and not in others; looking for repetitions is either
half the time and room, or time and room lost."""

SKIPPED_BY = frozenset({"time_start", "time_end", "vlan_id"})
"""Columns whose least and greatest value in a row group let readers skip it. Others, addresses among
them, spread over all their range in any row group, and finding out would cost up to a sixth of the
writing."""
