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

    ``level`` is Zstandard's. At the fastest, numbers and times in rows of a collector are laid out
    for speed and have LZ4: Zstandard would win little more room for much more time.
    """
    fast = level == FASTEST and COLLECTED in first.schema.names
    layout = fast_layout if fast else small_layout
    layouts = {field.name: layout(field, sampled(first, field.name)) for field in schema}
    codecs = {
        leaf: "lz4" if layouts[field.name] == SPLIT else "zstd"
        for field in schema
        for leaf in leaves(field)
    }
    return {
        "use_dictionary": [name for name, how in layouts.items() if how == DICTIONARY],
        "column_encoding": {name: how for name, how in layouts.items() if how in (DELTA, SPLIT)},
        "compression": codecs,
        "compression_level": {leaf: level for leaf, codec in codecs.items() if codec == "zstd"},
        "write_statistics": [name for name in schema.names if name in SKIPPED_BY],
        "data_page_version": "2.0",
    }


def small_layout(field: pa.Field, sample: pa.Array | None) -> str:
    """How a column takes little room, in ways that any reader knows."""
    import pyarrow.types as kinds  # noqa: PLC0415

    if kinds.is_timestamp(field.type):
        return DELTA
    if field.name in UNLIKE or (field.name in ADDRESSES and not repeats(sample)):
        return PLAIN
    return DICTIONARY


def fast_layout(field: pa.Field, sample: pa.Array | None) -> str:
    """How a column takes little time, which is without looking up values where that can be."""
    import pyarrow.types as kinds  # noqa: PLC0415

    if kinds.is_timestamp(field.type) or kinds.is_floating(field.type):
        return SPLIT
    if kinds.is_integer(field.type):
        return DICTIONARY if has_few_values(sample) else SPLIT
    return small_layout(field, sample)


def has_few_values(sample: pa.Array | None) -> bool:
    """Whether whole numbers have few values, but larger ones than an octet holds."""
    import pyarrow.compute as pc  # noqa: PLC0415

    if sample is None or not 1 < len(pc.unique(sample)) <= FEW:
        return False
    largest: int = pc.max(sample).as_py()
    return largest >> OCTET_BITS != 0


def repeats(sample: pa.Array | None) -> bool:
    """Whether values come up again within few rows."""
    import pyarrow.compute as pc  # noqa: PLC0415

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


PLAIN, DICTIONARY, DELTA = "PLAIN", "RLE_DICTIONARY", "DELTA_BINARY_PACKED"
"""Encodings by Parquet's names, which any reader knows."""

SPLIT = "BYTE_STREAM_SPLIT"
"""All first octets of the values, then all second ones, and so on. Of whole numbers it is new to
readers, and of addresses many do not know it."""

FASTEST = 1
"""The level at which time matters more than room."""

COLLECTED = "time_received"
"""A column that only a collector's rows have. They come as fast as exporters send; a probe has read
whole packets for each of its rows, and time at the end is little beside that."""

OCTET_BITS = 8

SAMPLE_ROWS = 8_192
"""Enough to tell a network's own addresses from those of everybody."""

FEW = 128
"""Of a sample, so many values that looking them up costs less than compressing their octets."""

ADDRESSES = frozenset({"src_addr", "dst_addr"})
"""Columns that repeat themselves in some networks and not in others; looking for repetitions is
either half the time and room, or time and room lost."""

UNLIKE = frozenset({"src_port", "fragment_id"})
"""Columns whose values hardly repeat, for which a dictionary is time and room lost."""

SKIPPED_BY = frozenset({"time_start", "time_end", "vlan_id"})
"""Columns whose least and greatest value in a row group let readers skip it. Others, addresses among
them, spread over all their range in any row group, and finding out would cost up to a sixth of the
writing."""
