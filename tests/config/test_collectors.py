# SPDX-License-Identifier: Apache-2.0
"""Collectors in the graph: as files say them, as command lines are short for them, and mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.config import load
from penstock.config.native import numbered
from penstock.config.shorthand import PORTS, CollectShorthand
from penstock.errors import ConfigError

TOML = """
[[collectors]]
name = "edge"
listen = ["udp://:2055", "tcp://[::1]:4739"]
workers = 2
template_lifetime = "10m"
parked = "1MiB"
state = "state/"

[collectors.sampling]
"192.0.2.1" = 1000
"2001:DB8::1" = 10.5

[[collectors]]
name = "yesterday"
sources = ["pcap:routers.pcap", "probe.ipfix"]

[[exporters]]
name = "files"
sink = "parquet:flows/"
collectors = ["edge"]

[monitoring]
metrics = "127.0.0.1:9090"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "p.toml"
    path.write_text(text)
    return path


def test_a_graph_may_have_collectors_in_place_of_caches(tmp_path: Path) -> None:
    graph = load.load(written(tmp_path, TOML))
    edge, yesterday = graph.collectors
    assert (edge.workers, edge.template_lifetime, edge.parked) == (2, 600.0, 1 << 20)
    assert edge.sampling == {"192.0.2.1": 1000.0, "2001:db8::1": 10.5}
    assert yesterday.sources == ["pcap:routers.pcap", "probe.ipfix"]
    assert graph.monitoring.metrics == "127.0.0.1:9090"


def test_what_is_shown_means_the_same_when_it_is_loaded(tmp_path: Path) -> None:
    made = load.load(written(tmp_path, TOML))
    assert load.load(written(tmp_path, load.dump(made))) == made


def test_a_command_line_is_shown_and_loaded_as_what_it_means(tmp_path: Path) -> None:
    made = CollectShorthand(
        listen=["2055"],
        sinks=["json:"],
        columns="octets",
        sampling={"192.0.2.1": "100"},
        settings={"state": "s", "count": 5, "duration": "10s"},
        monitoring={"metrics": "9090", "metrics_names": "goflow"},
    ).graph()
    assert made.collectors[0].duration == 10.0
    assert made.exporters[0].sink == "json:?columns=octets"
    assert load.load(written(tmp_path, load.dump(made))) == made


def test_nothing_said_is_all_usual_ports() -> None:
    assert CollectShorthand().graph().collectors[0].listen == list(PORTS)
    assert CollectShorthand(sources=["a.pcap"]).graph().collectors[0].listen == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"listen": ["udp:/2055"]}, "'udp:/2055' is no address; allowed: HOST:PORT, [IPV6]:PORT"),
        ({"listen": ["sctp://:4739"]}, "'sctp' is not known; allowed: udp, tcp"),
        ({"listen": ["udp://:70000"]}, "port 70000 is not possible; allowed: 0 to 65535"),
        ({"listen": ["udp://example.org"]}, "'example.org' has no port"),
        ({"sampling": {"example.org": 10}}, "sampling: 'example.org' is no IP address"),
        ({"sampling": {"192.0.2.1": "0.5"}}, "sampling: '0.5' is not possible; allowed: 1"),
        ({"settings": {"default_sampling": "x"}}, "default-sampling: 'x' is not possible"),
        ({"settings": {"workers": 0}}, "workers: 0 is not possible; allowed: 1 or more"),
        ({"settings": {"buffer": "big"}}, "buffer: 'big' is not understood"),
        ({"settings": {"tunnel": "iner"}}, "did you mean 'inner'?"),
        ({"settings": {"nothing": 1}}, "unknown setting 'nothing'"),
        ({"sources": ["a"], "settings": {"state": "s"}}, "state: is only for a collector that"),
        ({"monitoring": {"metrics": "host"}}, "'host' has no port"),
        ({"monitoring": {"metrics_names": "gflow"}}, "did you mean 'goflow'?"),
        ({"sinks": ["ipfix+udp:host"]}, "sink 'ipfix+udp' needs an address: ipfix+udp://HOST:PORT"),
        ({"sinks": ["ipfix:"]}, "sink 'ipfix' needs a file: ipfix:FILE"),
        ({"sinks": ["json:?kinds=flow"]}, "unknown kind 'flow'; did you mean 'flows'?"),
        ({"sources": ["ipfix:./a"], "sinks": ["json:a"]}, "a is a source; flows would overwrite"),
    ],
)
def test_what_cannot_be_is_one_line(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        CollectShorthand(**settings).graph()  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


WRONG = """
[[collectors]]
name = "one"

[[collectors]]
name = "two"
listen = ["udp://:2055"]
sources = ["a.pcap"]

[[collectors]]
name = "two"
listen = ["2055"]

[[exporters]]
name = "out"
sink = "null:"
collectors = ["tow"]
"""


@pytest.mark.parametrize(
    "line",
    [
        "collectors.0.listen: is missing; needed: addresses, or sources in their place",
        "collectors.1.sources: cannot stand beside listen; make it another collector",
        "collectors.2.name: 'two' is the name of another already",
        "exporters.0.collectors.0: unknown collector 'tow'; did you mean 'two'?",
    ],
)
def test_all_mistakes_are_told_at_once_each_with_its_place(tmp_path: Path, line: str) -> None:
    path = written(tmp_path, WRONG)
    with pytest.raises(ConfigError) as caught:
        load.load(path)
    told = str(caught.value).splitlines()
    assert len(told) == 4, told
    assert f"{path}: {line}" in told


def test_caches_need_points(tmp_path: Path) -> None:
    text = '[[caches]]\nname = "c"\n[[exporters]]\nname = "e"\nsink = "null:"\n'
    with pytest.raises(ConfigError, match="observation_points: is missing; needed: where packets"):
        load.load(written(tmp_path, text))


def test_each_worker_keeps_bad_datagrams_in_a_file_of_its_own() -> None:
    assert [numbered("d/bad.pcap", worker) for worker in range(2)] == ["d/bad.pcap", "d/bad-1.pcap"]
