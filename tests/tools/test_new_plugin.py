# SPDX-License-Identifier: Apache-2.0
"""The template of a plugin builds and passes its own test, and so do the tables that it goes into."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import new_plugin


@pytest.mark.slow
def test_what_it_writes_builds_and_passes(tmp_path: Path) -> None:
    for name in ("Cargo.toml", "Cargo.lock", "clippy.toml", "rustfmt.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for folder in ("crates", "registry"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    new_plugin.start("look_inside", tmp_path)
    cargo = ["cargo", "test", "-q", "-p", "penstock-meter", "--lib", "look_inside"]
    done = subprocess.run(
        cargo,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        # Shares what does not change with the project's own build.
        env={**os.environ, "CARGO_TARGET_DIR": str(ROOT / "target")},
    )
    assert done.returncode == 0, done.stderr
    assert "1 passed" in done.stdout
    formatted = subprocess.run(
        ["cargo", "fmt", "--check", "-p", "penstock-meter"], cwd=tmp_path, check=False
    )
    assert formatted.returncode == 0


@pytest.mark.parametrize("name", ["", "Wireguard", "wire-guard", "_x", "ntp "])
def test_a_name_that_no_module_can_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="lower-case words"):
        new_plugin.start(name, tmp_path)
