# SPDX-License-Identifier: Apache-2.0
"""What tests of all kinds share: the command line, captures, and the ledger that must add up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import penstock
from penstock.ledger import Ledger, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "demo" / "demo.pcapng"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what is now the truth")


@dataclass
class Golden:
    """Compares rows with the JSON lines that were checked in."""

    update: bool

    def check(self, path: Path, rows: Sequence[dict[str, Any]]) -> None:
        text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
        if self.update:
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing; run pytest --update-golden and read it"
        expected = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert [json.loads(line) for line in text.splitlines()] == expected


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(update=request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def real_captures() -> list[Path]:
    """Every capture of the folder that PENSTOCK_CAPTURES names."""
    folder = os.environ.get("PENSTOCK_CAPTURES")
    if not folder:
        pytest.skip("PENSTOCK_CAPTURES is not set: no real captures to read")
    return sorted(path for path in Path(folder, "packets").iterdir() if "pcap" in path.suffix)


@dataclass
class Ran:
    """What a command printed, and how it ended."""

    status: int
    out: bytes
    err: str
    ledger: Ledger | None

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class CommandLine:
    """Runs ``penstock`` as its users do, and remembers every ledger."""

    folder: Path
    ledgers: list[tuple[tuple[str, ...], Ledger]] = field(default_factory=list)

    def __call__(self, *arguments: str | Path, stdin: bytes | None = None) -> Ran:
        words = tuple(str(argument) for argument in arguments)
        place = self.folder / f"ledger-{len(self.ledgers)}.json"
        counts = words[:1] in (("probe",), ("collect",)) and not {
            "--ledger",
            "--show-config",
            "--help",
        } & {*words}
        extra = ("--ledger", str(place)) if counts else ()
        done = subprocess.run(
            [sys.executable, "-m", "penstock", *words, *extra],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
            timeout=120,
            cwd=self.folder,
        )
        ledger = read_ledger(place) if place.exists() else None
        if ledger is not None:
            self.ledgers.append((words, ledger))
        return Ran(done.returncode, done.stdout, done.stderr.decode(), ledger)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[CommandLine]:
    """The command line; after the test, every ledger that it wrote must add up."""
    folder = tmp_path / "cwd"
    folder.mkdir()
    command = CommandLine(folder)
    yield command
    for words, ledger in command.ledgers:
        assert_adds_up(ledger, " ".join(words))


@dataclass
class FrontDoor:
    """Calls ``penstock.meter`` to the end, and checks the ledger against the records themselves."""

    def __call__(self, *sources: str | Path, **settings: Any) -> list[dict[str, Any]]:
        flows = penstock.meter(list(sources), **settings)
        rows = list(flows.rows())
        assert_adds_up(flows.ledger, f"meter({sources}, {settings})")
        packets = sum(row["packets"] + row.get("packets_rev", 0) for row in rows)
        assert packets == flows.ledger.packets_metered
        assert len(rows) == flows.ledger.flows
        return rows


@pytest.fixture
def meter() -> FrontDoor:
    """``penstock.meter`` whose ledger is checked."""
    return FrontDoor()


def assert_adds_up(ledger: Ledger, what: str) -> None:
    wrong = [
        f"{equation.says}: {equation.left} and {equation.right}"
        for equation in ledger.equations()
        if not equation.holds
    ]
    assert not wrong, f"{what}: {wrong}"


def read_ledger(path: Path) -> Ledger:
    return Ledger(Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))["ledger"])
