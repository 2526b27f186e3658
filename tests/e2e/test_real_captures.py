# SPDX-License-Identifier: Apache-2.0
"""Real captures, where there are any: the ledger adds up and threads change nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import penstock
from penstock.config.shorthand import Shorthand
from penstock.pipeline.supervise import run
from tests.conftest import ROOT, assert_adds_up

GOLDEN = sorted(
    path
    for path in (ROOT / "tests" / "data" / "pcap").glob("*")
    if path.suffix in (".pcap", ".pcapng", ".gz", ".zst")
)

LIMITS = [{}, {"max_flows": 1000}, {"uniflow": True, "tunnel": "outer"}]


def outcome_digest(capture: Path, folder: Path, threads: int, **limits: object) -> str:
    """What JSON and Parquet hold after a run, and every count of it."""
    folder.mkdir()
    found = run(
        Shorthand(
            sources=[str(capture)],
            plugins=[row["name"] for row in penstock.plugins()],
            sinks=[f"json:{folder}/flows.jsonl", f"parquet:{folder}/flows"],
            threads=threads,
            **limits,
        ).graph()
    )
    assert_adds_up(found.ledger, f"{capture.name}, {threads} threads, {limits}")
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    counts = [
        (row.stage, row.kind, row.reason, row.count)
        for row in found.ledger
        if not row.stage.startswith(("json:", "parquet:"))
    ]
    return f"{digest.hexdigest()} {counts} {[str(error) for error in found.errors]}"


def assert_same_for_any_threads(capture: Path, folder: Path) -> None:
    for number, limits in enumerate(LIMITS):
        outcomes = {
            threads: outcome_digest(capture, folder / f"{number}-{threads}", threads, **limits)
            for threads in (1, 2, 3, 8)
        }
        assert len(set(outcomes.values())) == 1, f"{capture.name}, {limits}: {outcomes}"


@pytest.mark.skipif(not GOLDEN, reason="the golden captures have not been made")
@pytest.mark.parametrize("capture", GOLDEN, ids=lambda path: path.name)
def test_a_golden_capture_is_the_same_for_any_number_of_threads(
    capture: Path, tmp_path: Path
) -> None:
    assert_same_for_any_threads(capture, tmp_path)


def test_every_real_capture_is_the_same_for_any_number_of_threads(
    real_captures: list[Path], tmp_path: Path
) -> None:
    assert real_captures
    for capture in real_captures:
        folder = tmp_path / capture.name
        folder.mkdir()
        assert_same_for_any_threads(capture, folder)
