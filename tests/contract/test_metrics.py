# SPDX-License-Identifier: Apache-2.0
"""What holds for every metric in the tables."""

from __future__ import annotations

import re

import pytest

from penstock.metrics.catalogue import GOFLOW, METRICS, Metric
from penstock.metrics.prometheus import SETS
from tests.conftest import ROOT
from tests.views import MadeUp, exporter

EVERY_METRIC = pytest.mark.parametrize("metric", [*METRICS, *GOFLOW], ids=lambda row: row.name)


@EVERY_METRIC
def test_its_name_and_help_are_in_order(metric: Metric) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", metric.name)
    assert metric.help.endswith(".")
    if metric.name.startswith("penstock_"):
        assert metric.name.endswith("_total") == (metric.type == "counter")


@EVERY_METRIC
def test_it_is_on_the_page(metric: Metric) -> None:
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    assert f"| `{metric.name}` | {metric.type} |" in page


@pytest.mark.parametrize("names", SETS)
def test_every_row_is_filled_and_nothing_else(names: str) -> None:
    table, fill = SETS[names]
    view = MadeUp([exporter(missing_samples=1), exporter(addr="192.0.2.2", protocol="sflow")])
    found = {(sample.name, len(sample.labels)) for sample in fill(view)}
    assert found == {(row.name, len(row.labels)) for row in table}
