# SPDX-License-Identifier: Apache-2.0
"""Running a whole graph: several sinks and caches, one of which may fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock.config.check import graph
from penstock.errors import ConfigError, SinkError
from penstock.pipeline.supervise import Outcome, run
from tests.conftest import DEMO, assert_adds_up


def outcome(caches: list[dict[str, object]], exporters: list[dict[str, object]]) -> Outcome:
    found = run(
        graph(
            {
                "observation_points": [{"name": "demo", "sources": [str(DEMO)]}],
                "caches": caches,
                "exporters": exporters,
            }
        )
    )
    assert_adds_up(found.ledger, "run")
    return found


def test_every_sink_gets_every_flow(tmp_path: Path) -> None:
    exporters = [
        {"name": "a", "sink": f"json:{tmp_path}/a"},
        {"name": "b", "sink": f"parquet:{tmp_path}/b"},
        {"name": "c", "sink": "null:"},
    ]
    found = outcome([{"name": "flows"}], exporters)
    flows = found.ledger.flows
    assert flows > 0
    for exporter in exporters:
        assert found.ledger.count(str(exporter["sink"]), "out", unit="flows") == flows
    assert len((tmp_path / "a").read_text().splitlines()) == flows


def test_a_sink_that_fails_leaves_the_others_alone(tmp_path: Path) -> None:
    found = outcome(
        [{"name": "flows"}],
        [{"name": "a", "sink": "json:/dev/full"}, {"name": "b", "sink": f"json:{tmp_path}/b"}],
    )
    assert [type(error) for error in found.errors] == [SinkError]
    assert len((tmp_path / "b").read_text().splitlines()) == found.ledger.flows
    assert found.ledger.reasons("lost", stage="json:/dev/full", unit="flows")


def test_caches_go_to_the_sinks_that_name_them(tmp_path: Path) -> None:
    found = outcome(
        [{"name": "both"}, {"name": "single", "uniflow": True}],
        [
            {"name": "a", "caches": ["both"], "sink": f"json:{tmp_path}/a"},
            {"name": "b", "caches": ["single"], "sink": f"json:{tmp_path}/b"},
            {"name": "all", "sink": f"json:{tmp_path}/all"},
        ],
    )
    lines = {name: len((tmp_path / name).read_text().splitlines()) for name in ("a", "b", "all")}
    assert lines["b"] > lines["a"] > 0
    assert lines["all"] == lines["a"] + lines["b"] == found.ledger.flows


def test_biflows_are_split_for_the_sink_that_wants_them_so(tmp_path: Path) -> None:
    outcome(
        [{"name": "flows"}],
        [
            {"name": "whole", "sink": f"json:{tmp_path}/whole"},
            {"name": "split", "sink": f"json:{tmp_path}/split?biflow=split"},
        ],
    )
    whole = [json.loads(line) for line in (tmp_path / "whole").read_text().splitlines()]
    split = [json.loads(line) for line in (tmp_path / "split").read_text().splitlines()]
    assert len(split) == sum(1 + (row["packets_rev"] > 0) for row in whole)
    total = sum(row["packets"] + row["packets_rev"] for row in whole)
    assert sum(row["packets"] for row in split) == total


def test_a_destination_that_cannot_be_opened_stops_the_run_before_it_begins() -> None:
    with pytest.raises(ConfigError, match="No such file or directory; mend that"):
        outcome([{"name": "flows"}], [{"name": "a", "sink": "json:/nowhere/at/all"}])
