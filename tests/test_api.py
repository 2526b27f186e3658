# SPDX-License-Identifier: Apache-2.0
"""The front door."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import penstock
from tests.conftest import DEMO, FrontDoor


def test_every_public_name_is_there() -> None:
    for name in penstock.__all__:
        assert getattr(penstock, name) is not None
    assert set(dir(penstock)) == set(penstock.__all__)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'flow'"):
        _ = penstock.flow


def test_iterating_gives_batches_once() -> None:
    found = penstock.meter(DEMO)
    batches = list(found)
    assert all(isinstance(batch, penstock.FlowBatch) for batch in batches)
    assert list(found) == []
    assert sum(len(batch) for batch in batches) == found.ledger.flows


@pytest.mark.parametrize("way", ["to_arrow", "to_pandas", "to_polars"])
def test_tables_have_every_flow(way: str) -> None:
    found = penstock.meter(DEMO)
    table = getattr(found, way)()
    assert len(table) == found.ledger.flows > 0


def test_a_capture_without_flows_is_a_table_with_columns() -> None:
    table = penstock.meter(DEMO, filter="net 203.0.113.255/32").to_arrow()
    assert table.num_rows == 0
    assert {"src_addr", "octets"} <= set(table.column_names)


def test_plugins_are_named_in_three_ways() -> None:
    ways = ["pstats", "pstats?includezeroes=false", ("pstats", {"includezeroes": False})]
    tables = [penstock.meter(DEMO, plugins=[way]).to_arrow() for way in ways]
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])
    assert "pstats_lengths" in tables[0].column_names


def test_settings_reach_the_meter(meter: FrontDoor) -> None:
    whole = meter(DEMO)
    assert len(meter(DEMO, uniflow=True)) > len(whole)
    assert len(meter(DEMO, filter="tcp")) < len(whole)
    assert len(meter(DEMO, key=["protocol"])) < len(whole)
    assert sum(row["packets"] + row["packets_rev"] for row in meter(DEMO, count=10)) <= 10
    assert meter(DEMO, threads=2) == whole


def test_a_key_may_be_one_text() -> None:
    fields = ["src_addr", "dst_addr"]
    assert (
        penstock.meter(DEMO, key=",".join(fields))
        .to_arrow()
        .equals(penstock.meter(DEMO, key=fields).to_arrow())
    )


def test_addresses_are_text_or_binary_and_nothing_else() -> None:
    with pytest.raises(penstock.ConfigError, match="addresses: 'hex' is not known"):
        penstock.meter(DEMO).to_arrow(addresses="hex")  # type: ignore[arg-type]


INTERRUPTED = """
import penstock, sys
flows = penstock.meter("-", threads=int(sys.argv[1]))
print("begun", flush=True)
try:
    next(flows)
except KeyboardInterrupt:
    print(sum(len(batch) for batch in flows))
"""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_an_interrupt_is_heard_while_the_input_waits(threads: str) -> None:
    words = [sys.executable, "-c", INTERRUPTED, threads]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(DEMO.read_bytes())
        process.stdin.flush()  # and the pipe stays open
        assert process.stdout.readline() == b"begun\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert int(out) > 0, "what was in the table is given out by going on"


def test_several_captures_are_one_stream(meter: FrontDoor) -> None:
    once = sum(row["packets"] + row["packets_rev"] for row in meter(DEMO))
    assert sum(row["packets"] + row["packets_rev"] for row in meter(DEMO, DEMO)) == 2 * once


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"plugins": ["pstat"]}, "unknown plugin 'pstat'; did you mean 'pstats'?"),
        ({"plugins": ["pstats?zeroes=true"]}, "unknown option of plugin 'pstats': 'zeroes'"),
        ({"plugins": ["pstats?includezeroes=maybe"]}, "allowed: true, false"),
        ({"tunnel": "iner"}, "did you mean 'inner'?"),
        ({"key": ["src_adr"]}, "unknown key field 'src_adr'; did you mean 'src_addr'?"),
        ({"idle_timeout": "soon"}, "idle-timeout: 'soon' is not understood"),
        ({"max_flows": 0}, "max-flows: 0 is not possible; allowed: 1 or more"),
        ({"threads": 0}, "threads: 0 is not possible"),
        ({"filter": "tpc port 80"}, "tpc port 80"),
    ],
)
def test_what_cannot_be_is_a_configuration_error(settings: dict[str, object], said: str) -> None:
    with pytest.raises(penstock.ConfigError) as caught:
        penstock.meter(DEMO, **settings)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(penstock.PenstockError, match=r"nothing-here\.pcap"):
        list(penstock.meter("nothing-here.pcap"))


def test_a_cut_file_gives_its_flows_before_the_error(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(DEMO.read_bytes()[:-7])
    found = penstock.meter(cut)
    seen = 0
    with pytest.raises(penstock.DecodeError, match=r"cut\.pcapng.*octet \d+"):
        for batch in found:
            seen += len(batch)
    assert seen == found.ledger.flows > 0


def test_columns_and_plugins_can_be_listed() -> None:
    assert "src_addr" in {row["name"] for row in penstock.columns()}
    assert {"basicplus", "pstats", "community_id"} <= {row["name"] for row in penstock.plugins()}


def test_the_summary_adds_up() -> None:
    found = penstock.meter(DEMO)
    list(found)
    assert "does not add up" not in found.summary


@pytest.mark.parametrize(
    ("words", "limit_ms"), [(["-c", "import penstock"], 60), (["-m", "penstock", "--version"], 150)]
)
def test_starting_is_quick(words: list[str], limit_ms: float) -> None:
    bare = min(_milliseconds(["-c", "pass"]) for _ in range(5))
    own = min(_milliseconds(words) for _ in range(5))
    assert own - bare < limit_ms, f"{own:.0f} ms, of which the interpreter {bare:.0f} ms"


def test_importing_takes_no_heavy_library_along() -> None:
    heavy = {"pyarrow", "pydantic", "typer", "polars", "pandas", "rich", "yaml"}
    code = "import sys, penstock; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not heavy & set(loaded.stdout.split())


def _milliseconds(words: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    return (time.perf_counter() - start) * 1000
