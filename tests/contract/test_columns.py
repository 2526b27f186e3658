# SPDX-License-Identifier: Apache-2.0
"""What holds for every column of the schema."""

from __future__ import annotations

import re

import pyarrow as pa

import penstock
from tests.conftest import DEMO, ROOT, CommandLine

COLUMNS = {row["name"]: row for row in penstock.columns()}
PLUGINS = [row["name"] for row in penstock.plugins()]

ARROW = {
    "bool": pa.bool_(),
    "u8": pa.uint8(),
    "u16": pa.uint16(),
    "u32": pa.uint32(),
    "u64": pa.uint64(),
    "i8": pa.int8(),
    "f64": pa.float64(),
    "ip": pa.binary(16),
    "mac": pa.binary(6),
    "timestamp_ns": pa.timestamp("ns", "UTC"),
    "timestamp_s": pa.timestamp("s", "UTC"),
    "duration_ns": pa.duration("ns"),
    "text": pa.string(),
    "dictionary": pa.dictionary(pa.uint8(), pa.string()),
    "binary": pa.binary(),
}


def test_names_are_words_joined_by_underscores() -> None:
    for name in COLUMNS:
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)


def test_every_column_has_a_summary_and_a_place_in_the_store() -> None:
    for name, column in COLUMNS.items():
        assert column["summary"], name
        assert column["clickhouse"], name


def test_what_a_meter_gives_has_the_declared_types_in_the_declared_order() -> None:
    for uniflow in (False, True):
        flows = penstock.meter(DEMO, plugins=PLUGINS, uniflow=uniflow)
        schema = flows.to_arrow(addresses="binary").schema
        order = [name for name in COLUMNS if name in schema.names]
        assert schema.names == order
        for field in schema:
            declared = COLUMNS[field.name]["type"]
            if declared in ARROW:
                assert field.type == ARROW[declared], field.name


def test_every_column_is_in_the_listing_and_on_its_page(run: CommandLine) -> None:
    told = run("fields").out.decode()
    page = (ROOT / "docs" / "reference" / "columns.md").read_text()
    for name in COLUMNS:
        assert re.search(rf"^{name} ", told, re.MULTILINE), name
        assert f"`{name}`" in page
