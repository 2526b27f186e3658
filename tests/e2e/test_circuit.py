# SPDX-License-Identifier: Apache-2.0
"""The circuit: packets to flows, out as IPFIX, in again, and equal."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import penstock
from penstock.config.shorthand import Shorthand
from penstock.pipeline.supervise import run
from tests.circuit import CollectorProcess, collecting, comparable, parquet_rows, send
from tests.conftest import DEMO, ROOT, assert_adds_up

GOLDEN = sorted(
    path
    for path in (ROOT / "tests" / "data" / "pcap").glob("*")
    if path.suffix in (".pcap", ".pcapng")
)

PLUGINS = [row["name"] for row in penstock.plugins()]


def once_round(capture: Path, folder: Path, **settings: Any) -> dict[str, list[str]]:
    """What came back by each way, beside what went out."""
    sent = list(penstock.meter(capture, plugins=PLUGINS, **settings).rows())
    with collecting("udp://127.0.0.1:0", "tcp://127.0.0.1:0") as both:
        sinks = [
            f"ipfix:{folder}/flows.ipfix",
            f"ipfix+tcp://{both.address('tcp')}?odid=2",
            f"ipfix+udp://{both.address('udp')}?odid=1",
        ]
        graph = Shorthand(sources=[str(capture)], plugins=PLUGINS, sinks=sinks, **settings).graph()
        outcome = run(graph)
        both.wait_for(2 * outcome.ledger.flows)
        rows = both.rows()
        assert_adds_up(both.collected.ledger, str(capture))
        assert not any(row["missing"] for row in both.collected.exporters())
    assert_adds_up(outcome.ledger, str(capture))
    return {
        "sent": comparable(sent),
        "file": comparable(penstock.collect(folder / "flows.ipfix").rows()),
        "udp": comparable(row for row in rows if row["observation_domain"] == 1),
        "tcp": comparable(row for row in rows if row["observation_domain"] == 2),
    }


def assert_equal(ways: dict[str, list[str]], what: str) -> None:
    for way in ("file", "udp", "tcp"):
        different = [
            pair for pair in zip(ways["sent"], ways[way], strict=False) if len(set(pair)) > 1
        ]
        assert not different, f"{what} by {way}: {different[0]}"
        assert len(ways[way]) == len(ways["sent"]), f"{what} by {way}"


@pytest.mark.parametrize("settings", [{}, {"uniflow": True}, {"tunnel": "outer"}], ids=str)
def test_the_demo_comes_back_equal_by_file_udp_and_tcp(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    assert_equal(once_round(DEMO, tmp_path, **settings), "demo")


@pytest.mark.skipif(not GOLDEN, reason="the golden captures have not been made")
@pytest.mark.parametrize("capture", GOLDEN, ids=lambda path: path.name)
def test_a_golden_capture_comes_back_equal(tmp_path: Path, capture: Path) -> None:
    if whole(capture):
        assert_equal(once_round(capture, tmp_path), capture.name)


def test_every_real_capture_comes_back_equal(real_captures: list[Path], tmp_path: Path) -> None:
    for capture in real_captures:
        folder = tmp_path / capture.name
        folder.mkdir()
        if whole(capture):
            assert_equal(once_round(capture, folder), capture.name)


def whole(capture: Path) -> bool:
    """Whether it can be read to its end."""
    try:
        list(penstock.meter(capture))
    except penstock.DecodeError:
        return False
    return True


def free_port() -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


@pytest.mark.parametrize("protocol", ["v5", "ipfix"])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_after_a_kill_and_a_restart_what_is_missing_is_told_exactly(
    tmp_path: Path, protocol: str, workers: str
) -> None:
    words = [
        *("--listen", f"udp://127.0.0.1:{free_port()}"),
        *("--to", f"parquet:{tmp_path}/flows?rotate=1s&kinds=all"),
        *("--state", str(tmp_path / "state"), "--workers", workers),
    ]
    play = ["--protocol", protocol, "--exporters", "6", "--rate", "10k", "--records", "60k"]
    made: list[dict[str, Any]] = []
    with CollectorProcess(tmp_path, *words) as first:
        address = first.address()

        def killed() -> None:
            time.sleep(3.3)
            first.kill()

        killer = Later(killed)
        restarted = Later(lambda: time.sleep(4))
        player = Later(lambda: made.extend(send(address, tmp_path, *play)))
        killer.join()
        restarted.join()
        with CollectorProcess(tmp_path, *words) as second:
            player.join()
            time.sleep(1.5)
            status, _, said = second.stop()
    assert status == 0, said
    assert_adds_up(second.ledger(), "second run")
    missing = second.ledger().count("network", "lost", unit="records")
    stored = parquet_rows(tmp_path / "flows") + parquet_rows(tmp_path / "flows" / "options")
    sent = sum(one["made"]["records"] + one["options"]["made"] for one in made)
    assert missing > 0
    assert stored + missing == sent


class Later:
    """Something that is done beside the test."""

    def __init__(self, act: Any) -> None:
        self._thread = threading.Thread(target=act)
        self._thread.start()

    def join(self) -> None:
        self._thread.join()
