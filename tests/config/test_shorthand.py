# SPDX-License-Identifier: Apache-2.0
"""A command line as a graph."""

from __future__ import annotations

import pytest

from penstock.config.shorthand import Shorthand
from penstock.errors import ConfigError


def test_it_means_a_graph_with_one_part_of_each_kind() -> None:
    graph = Shorthand(sources=["a.pcap"], filter="tcp", sinks=["json:"]).graph()
    assert graph.observation_points[0].sources == ["a.pcap"]
    assert graph.selectors[0].filter == "tcp"
    assert graph.caches[0].selector == graph.selectors[0].name
    assert graph.exporters[0].caches == [graph.caches[0].name]


def test_what_is_not_said_has_the_default() -> None:
    cache = Shorthand(sources=["a.pcap"]).graph().caches[0]
    assert (cache.active_timeout, cache.idle_timeout) == (300.0, 30.0)
    assert (cache.max_flows, cache.tunnel, cache.uniflow) == (1_000_000, "inner", False)


def test_columns_go_to_the_sinks_that_take_them() -> None:
    graph = Shorthand(
        sources=["a.pcap"], sinks=["csv:x?header=false", "null:"], columns="octets,packets"
    ).graph()
    assert [exporter.sink for exporter in graph.exporters] == [
        "csv:x?columns=octets%2Cpackets&header=false".replace("%2C", ","),
        "null:",
    ]


@pytest.mark.parametrize(
    ("sinks", "columns", "said"),
    [
        (["null:"], "octets", "--columns has no sink that takes columns"),
        (["csv:"], "octet", "unknown column 'octet'; did you mean 'octets'?"),
        (["json:", "csv:"], None, "standard output is written to by 'json:' already"),
        (["json:a", "csv:a"], None, "a is written to by 'json:a' already"),
        (["json:a", "csv:./a"], None, "./a is written to by 'json:a' already"),
        (["parquet:a", "parquet:a/"], None, "a/ is written to by 'parquet:a' already"),
        (["json:./a.pcap"], None, "./a.pcap is a source; flows would overwrite it"),
        (["parquet:d?compression_level=23"], None, "'23' is not possible; allowed: 22 or less"),
        (["null:x"], None, "sink 'null' takes no place"),
        (["parquet:"], None, "sink 'parquet' needs a folder: parquet:DIR"),
        (["parquet:d?rotat=1h"], None, "did you mean 'rotate'?"),
        (["parquet:d?rotate=often"], None, "sink 'parquet': rotate: 'often' is not understood"),
    ],
)
def test_what_cannot_be_is_one_line(sinks: list[str], columns: str | None, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Shorthand(sources=["a.pcap"], sinks=sinks, columns=columns).graph()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
