# SPDX-License-Identifier: Apache-2.0
"""Configuration files: what is understood, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.config import load, shorthand
from penstock.errors import ConfigError

TOML = """
threads = 2

[[observation_points]]
name = "edge"
sources = ["monday.pcap", "tuesday.pcap"]

[[caches]]
name = "flows"
idle_timeout = "10s"
plugins = ["pstats?includezeroes=true", { name = "basicplus" }]

[[exporters]]
name = "files"
sink = "parquet:flows/?rotate=1h"
"""

YAML = """
threads: 2
observation_points:
  - name: edge
    sources: [monday.pcap, tuesday.pcap]
caches:
  - name: flows
    idle_timeout: 10
    plugins:
      - name: pstats
        options: {includezeroes: true}
      - basicplus
exporters:
  - {name: files, sink: "parquet:flows/?rotate=1h"}
"""

WRONG = """
thread = 2

[[observation_points]]
name = "edge"
sources = []

[[selectors]]
name = "web"
filter = "tcp prot 80"

[[caches]]
name = "flows"
observation_point = "egde"
selector = "wbe"
tunnel = "iner"
idle_timeout = "soon"
max_flows = 0
key = ["src_adr"]
plugins = ["pstat", "pstats?includezeros=true"]

[[caches]]
name = "flows"

[[exporters]]
name = "files"
caches = ["flow"]
sink = "parket:flows/"

[[exporters]]
sink = "json:?biflow=both"
"""


def written(folder: Path, text: str, name: str = "p.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_toml_and_yaml_say_the_same(tmp_path: Path) -> None:
    from_toml = load.load(written(tmp_path, TOML))
    assert from_toml == load.load(written(tmp_path, YAML, "p.yaml"))
    assert from_toml.caches[0].idle_timeout == 10.0
    assert from_toml.caches[0].plugins[0].options == {"includezeroes": "true"}


def test_what_is_shown_means_the_same_when_it_is_loaded(tmp_path: Path) -> None:
    made = load.load(written(tmp_path, TOML))
    assert load.load(written(tmp_path, load.dump(made), "again.toml")) == made


def test_a_command_line_is_shown_and_loaded_as_what_it_means(tmp_path: Path) -> None:
    made = shorthand.Shorthand(
        sources=["a.pcap"],
        plugins=["pstats?includezeroes=true"],
        sinks=["json:", "parquet:flows/"],
        columns="octets,src_addr",
        idle_timeout="10s",
        count=7,
    ).graph()
    assert load.load(written(tmp_path, load.dump(made))) == made


@pytest.mark.parametrize(
    "line",
    [
        "thread: unknown setting 'thread'; did you mean 'threads'?",
        "observation_points.0.sources: [] is not possible; allowed: 1 or more entries",
        "selectors.0.filter: ",
        "caches.0.observation_point: unknown point 'egde'; did you mean 'edge'?",
        "caches.0.selector: unknown selector 'wbe'; did you mean 'web'?",
        "caches.0.tunnel: 'iner' is not known; did you mean 'inner'?; allowed: inner, outer",
        "caches.0.idle_timeout: 'soon' is not understood; allowed: ",
        "caches.0.max_flows: 0 is not possible; allowed: 1 or more",
        "caches.0.key.0: unknown key field 'src_adr'; did you mean 'src_addr'?",
        "caches.0.plugins.0.name: unknown plugin 'pstat'; did you mean 'pstats'?",
        "caches.0.plugins.1: unknown option of plugin 'pstats': 'includezeros'; did you mean 'includezeroes'?",
        "caches.1.name: 'flows' is the name of another already",
        "exporters.0.caches.0: unknown cache 'flow'; did you mean 'flows'?",
        "exporters.0.sink: unknown sink 'parket'; did you mean 'parquet'?",
        "exporters.1.name: is missing; needed: what messages call it",
        "exporters.1.sink: sink 'json': biflow: ",
    ],
)
def test_all_mistakes_are_told_at_once_each_with_its_place(tmp_path: Path, line: str) -> None:
    path = written(tmp_path, WRONG)
    with pytest.raises(ConfigError) as caught:
        load.load(path)
    told = str(caught.value).splitlines()
    assert len(told) == 16, told
    assert [one for one in told if one.startswith(f"{path}: {line}")], told


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("p.toml", "a = ", "not TOML: "),
        (
            "p.yaml",
            "a: [1\nb: {",
            "not YAML: expected ',' or ']', but got ':' (at line 2, column 2)",
        ),
        ("p.toml", "", "caches: is missing"),
        ("p.yaml", "", "None is not possible; allowed: a table"),
        ("p.yaml", "[1]", "allowed: a table"),
    ],
)
def test_a_file_that_is_no_graph_is_refused(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load.load(written(tmp_path, text, name))
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path))


def graph_with(folder: Path, cache: str = "", sink: str = "null:") -> Path:
    text = f"""
    [[observation_points]]
    name = "edge"
    sources = ["a.pcap"]
    [[caches]]
    name = "flows"
    {cache}
    [[exporters]]
    name = "out"
    sink = {sink!r}
    """
    return written(folder, text)


@pytest.mark.parametrize(
    ("cache", "said"),
    [
        ("active_timeout = 0", "active_timeout: 0 is not possible; allowed: from 1ns to 366d"),
        ("idle_timeout = '400d'", "idle_timeout: '400d' is not possible; allowed: from 1ns to"),
        ("key = ['src_addr']", "key.0: 'src_addr' without 'dst_addr' has no reverse direction"),
        ("plugins = ['pstats?skipdup&skip_duplicates']", "is given as 'skipdup' already"),
        ("max_flows = 3000000000", "max_flows: 3000000000 is not possible; allowed: 2147483648"),
    ],
)
def test_what_the_meter_would_refuse_is_told_with_its_place(
    tmp_path: Path, cache: str, said: str
) -> None:
    path = graph_with(tmp_path, cache)
    with pytest.raises(ConfigError) as caught:
        load.load(path)
    assert str(caught.value).startswith(f"{path}: caches.0.")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_key_of_one_end_is_right_for_uniflows(tmp_path: Path) -> None:
    load.load(graph_with(tmp_path, "key = ['src_addr']\nuniflow = true"))


def test_all_mistakes_of_one_sink_are_told(tmp_path: Path) -> None:
    path = graph_with(tmp_path, sink="csv:?columns=octet,packet&biflow=both&heder=no")
    with pytest.raises(ConfigError) as caught:
        load.load(path)
    told = str(caught.value).splitlines()
    assert len(told) == 4
    assert all(line.startswith(f"{path}: exporters.0.sink: ") for line in told)


def test_what_is_needed_is_told_to_the_end_of_the_sentence(tmp_path: Path) -> None:
    path = graph_with(tmp_path)
    path.write_text(path.read_text().replace("sink =", "queue = 1 #"))
    with pytest.raises(ConfigError, match=r"is missing; needed: .*parquet:flows"):
        load.load(path)


def test_the_ending_of_a_name_may_be_in_capitals(tmp_path: Path) -> None:
    assert load.load(written(tmp_path, YAML, "P.YAML")).threads == 2


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml: No such file or directory"):
        load.load(tmp_path / "nothing.toml")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="octet 0: not UTF-8 text"):
        load.load(path)
