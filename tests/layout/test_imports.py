# SPDX-License-Identifier: Apache-2.0
"""Who may use whom, by ARCHITECTURE.md's table."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "python" / "penstock"

LEAVES = {"errors", "naming", "quantity", "refusal", "uri", "_core"}
"""Modules without an opinion, which everything may use."""

MAY_USE = {
    "errors": set(),
    "naming": set(),
    "quantity": set(),
    "refusal": {"naming"},
    "uri": {"errors"},
    "ledger": {"_core"},
    "batch": {"_core", "errors"},
    "tables": {"_core", "batch"},
    "transport": LEAVES,
    "sinks": LEAVES | {"batch", "transport"},
    "config": LEAVES | {"sinks"},
    "metrics": LEAVES | {"ledger"},
    "pipeline": LEAVES | {"batch", "ledger", "sinks", "config", "transport", "metrics"},
    "collected": LEAVES | {"batch", "ledger", "tables", "sinks", "config", "pipeline"},
    "api": LEAVES | {"batch", "ledger", "tables", "collected", "sinks", "config", "pipeline"},
    "cli": LEAVES | {"api", "batch", "ledger", "sinks", "config", "pipeline", "metrics"},
    "__main__": {"cli"},
    "__init__": LEAVES | {"api", "batch", "collected", "ledger"},
}

CRATES = {
    "penstock-elements": set(),
    "penstock-wire": set(),
    "penstock-net": set(),
    "penstock-record": {"penstock-elements"},
    "penstock-codec": {"penstock-elements", "penstock-wire"},
    "penstock-meter": {"penstock-wire", "penstock-record"},
    "penstock-collect": {
        "penstock-codec",
        "penstock-record",
        "penstock-elements",
        "penstock-wire",
    },
    "penstock-export": {"penstock-codec", "penstock-record", "penstock-elements"},
    "penstock-traffic": {"penstock-codec", "penstock-elements"},
    "penstock-python": {
        "penstock-elements",
        "penstock-wire",
        "penstock-net",
        "penstock-codec",
        "penstock-record",
        "penstock-meter",
        "penstock-collect",
        "penstock-export",
        "penstock-traffic",
    },
}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def used_by(path: Path) -> set[str]:
    """The parts of the package that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "penstock":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("penstock."):
            found.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {
                alias.name.split(".")[1]
                for alias in node.names
                if alias.name.startswith("penstock.")
            }
    return found


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_a_module_uses_only_what_its_part_may(path: Path) -> None:
    part = part_of(path)
    forbidden = used_by(path) - MAY_USE[part] - {part}
    assert not forbidden, f"{part} may not use {forbidden}"


def test_sinks_do_not_import_each_other() -> None:
    shared = {"base", "stream", "ipfix", "whole_file", "parquet_encoding", "__init__"}
    for path in (PACKAGE / "sinks").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("penstock.sinks."):
                assert str(node.module).rpartition(".")[2] in shared, path


def test_python_never_imports_the_command_line() -> None:
    users = [
        path
        for path in PACKAGE.rglob("*.py")
        if "cli" in used_by(path) and part_of(path) not in ("cli", "__main__")
    ]
    assert not users


def test_each_crate_uses_only_the_crates_it_may() -> None:
    found = {}
    for manifest in sorted((ROOT / "crates").glob("*/Cargo.toml")):
        crate = tomllib.loads(manifest.read_text(encoding="utf-8"))
        needs = {name for name in crate.get("dependencies", {}) if name.startswith("penstock-")}
        found[crate["package"]["name"]] = needs
    assert set(found) == set(CRATES)
    for name, needs in found.items():
        assert needs <= CRATES[name], f"{name} may not use {needs - CRATES[name]}"


def test_unsafe_is_allowed_only_where_memory_is_handed_over() -> None:
    allowed = {"penstock-net", "penstock-python"}
    for manifest in sorted((ROOT / "crates").glob("*/Cargo.toml")):
        crate = tomllib.loads(manifest.read_text(encoding="utf-8"))
        if crate["package"]["name"] in allowed:
            continue
        lints = crate["lints"]
        own = lints.get("rust", {}).get("unsafe_code")
        assert lints.get("workspace") or own in ("deny", "forbid"), manifest
