# SPDX-License-Identifier: Apache-2.0
"""One version, wherever it is asked for."""

from __future__ import annotations

import tomllib
from importlib.metadata import version

import penstock
from penstock import _core
from tests.conftest import ROOT, CommandLine


def test_package_core_and_workspace_have_the_same_version(run: CommandLine) -> None:
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    expected = manifest["workspace"]["package"]["version"]
    assert penstock.__version__ == version("penstock") == expected
    assert run("--version").out.decode() == f"penstock {expected}\n"
    assert f"## {expected}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_build_that_is_tested_is_the_fast_one() -> None:
    assert not _core.DEBUG_BUILD
