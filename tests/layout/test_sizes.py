# SPDX-License-Identifier: Apache-2.0
"""Files and functions that a reader can hold in mind. Raising a limit is a decision record."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.conftest import ROOT

HARD_LINES = 800
"""No file is longer."""

FUNCTION_LINES = 60
"""No function is longer, docstring and all."""

LONG_FUNCTIONS = {
    "python/penstock/cli/probe.py:probe": "one parameter an option is how typer is told",
    "python/penstock/cli/collect.py:collect": "likewise",
    "python/penstock/cli/send.py:send": "likewise",
    "python/penstock/api.py:collect": "a parameter a setting, each with its line",
}
"""Exceptions, each with its reason."""

TABLES = "tools/golden/cases/"
"""Folder whose functions are tables of captures: data, with nothing to hold in mind."""

BAD_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


def sources() -> list[Path]:
    found: list[Path] = []
    for folder, ending in (
        ("python", "py"),
        ("tests", "py"),
        ("tools", "py"),
        ("bench", "py"),
        ("crates", "rs"),
        ("fuzz", "rs"),
    ):
        found += (ROOT / folder).rglob(f"*.{ending}")
    return sorted(path for path in found if not is_built(path.relative_to(ROOT)))


def is_built(path: Path) -> bool:
    """Whether a file was made by a tool: an environment, a build, a cache."""
    return any(part.startswith(".") or part in ("target", "__pycache__") for part in path.parts)


def test_no_file_is_too_long() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > HARD_LINES
    }
    assert not long


def test_no_python_function_is_too_long() -> None:
    long = {}
    for path in sources():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or 0) - node.lineno + 1
                name = f"{path.relative_to(ROOT)}:{node.name}"
                is_table = name.startswith(TABLES)
                if lines > FUNCTION_LINES and name not in LONG_FUNCTIONS and not is_table:
                    long[name] = lines
    assert not long


def test_no_rust_function_is_too_long() -> None:
    long = {}
    for path in sources():
        if path.suffix == ".rs":
            for name, lines in rust_functions(path.read_text(encoding="utf-8")):
                if lines > FUNCTION_LINES:
                    long[f"{path.relative_to(ROOT)}:{name}"] = lines
    assert not long


def test_no_module_is_a_drawer() -> None:
    drawers = [
        path for path in sources() if path.stem in BAD_NAMES or path.parent.name in BAD_NAMES
    ]
    assert not drawers


def test_every_source_file_names_its_licence() -> None:
    nameless = [
        str(path.relative_to(ROOT))
        for path in sources()
        if "SPDX-License-Identifier: Apache-2.0"
        not in "\n".join(path.read_text(encoding="utf-8").splitlines()[:3])
    ]
    assert not nameless


def rust_functions(text: str) -> list[tuple[str, int]]:
    """Names and lengths, going by rustfmt's indentation."""
    found = []
    lines = text.splitlines()
    for start, line in enumerate(lines):
        head = FUNCTION.match(line)
        if head is None:
            continue
        closing = head[1] + "}"
        for end in range(start, len(lines)):
            if lines[end] == closing:
                found.append((head[2], end - start + 1))
                break
            if lines[end].endswith(";") and lines[end].startswith(head[1]) and end == start:
                break
    return found


FUNCTION = re.compile(
    r"^(\s*)(?:pub(?:\([a-z]+\))? )?(?:const )?(?:unsafe )?(?:extern \"C\" )?fn (\w+)"
)
