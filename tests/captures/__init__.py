# SPDX-License-Identifier: Apache-2.0
"""Where captures for tests come from."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "data" / "pcap"
DEMO = ROOT / "demo" / "demo.pcapng"

SUFFIXES = (".pcap", ".pcapng", ".cap", ".gz", ".zst")


def golden_captures() -> list[Path]:
    """Every capture beside its judgement, and the compressed ones."""
    return sorted(path for path in GOLDEN.iterdir() if path.suffix in SUFFIXES)


def real_captures() -> list[Path]:
    """The captures of the folder that PENSTOCK_CAPTURES names; none without it."""
    folder = os.environ.get("PENSTOCK_CAPTURES")
    if not folder:
        return []
    return sorted(path for path in Path(folder, "packets").iterdir() if path.suffix in SUFFIXES)


def made_golden_captures() -> dict[str, bytes]:
    """What the generator makes of each golden capture now, by file name."""
    tools = str(ROOT / "tools")
    if tools not in sys.path:
        sys.path.insert(0, tools)
    cases = import_module("golden.cases").every()
    return {f"{case.name}{case.suffix}": case.content for case in cases}
