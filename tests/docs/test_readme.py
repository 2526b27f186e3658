# SPDX-License-Identifier: Apache-2.0
"""What README and the other pages say works as it is written."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

import penstock
from tests.conftest import DEMO, ROOT, CommandLine

PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if path.name != "CHANGELOG.md"
)

WRITTEN = [page for page in PAGES if page.parent.name != "reference"]
"""Pages that people write; those that the code makes name the files of its examples."""

MADE = ("bench/data", "bench/.venv")
"""What benchmarks make for themselves, and nobody checks in."""

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    lines = "\n".join(blocks("sh")).splitlines()
    return [line.partition("  #")[0].strip() for line in lines if line.startswith("penstock ")]


@pytest.fixture
def with_captures(run: CommandLine) -> CommandLine:
    for name in ("capture.pcapng", "big.pcap", "monday.pcap", "tuesday.pcap"):
        shutil.copy(DEMO, run.folder / name)
    return run


def test_it_opens_with_the_two_commands() -> None:
    assert re.search(r"```sh\nmake demo .*\nmake test ", README)
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    for task in re.findall(r"^make ([a-z-]+)", "\n".join(blocks("sh")), re.MULTILINE):
        assert f"\n{task}:" in make


@pytest.mark.parametrize("command", commands())
def test_every_command_runs(command: str, with_captures: CommandLine) -> None:
    assert with_captures(*shlex.split(command)[1:]).status == 0


@pytest.mark.parametrize("block", blocks("python"))
def test_every_python_example_runs(
    block: str, with_captures: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(with_captures.folder)
    exec(block, {"penstock": penstock})


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = re.findall(
        r"`((?:crates|python|registry|tests|tools|docs|demo|bench|fuzz)/[\w./-]+)`",
        page.read_text(encoding="utf-8"),
    )
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not [name for name in missing if "NAME" not in name and not name.startswith(MADE)]


def test_the_makefile_runs_what_it_lists() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for task in ("demo", "test", "build", "lint", "fmt", "fuzz", "bench", "docs", "clean"):
        assert f"make {task} " in listed.stdout
