# SPDX-License-Identifier: Apache-2.0
"""The captures that are measured with: made once, kept between runs, made anew when they change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from endless import record_offsets
from traffic.model import Settings

HERE = Path(__file__).parent
DATA = HERE / "data"

QUICK = 10
"""How many times smaller captures are for a quick look."""


@dataclass(frozen=True)
class Capture:
    """One capture on disk."""

    name: str
    path: Path
    packets: int
    flows: int
    """Flows that were put in; by timeouts a probe may well make more records of them."""
    settings: Settings

    def warm(self) -> None:
        """Reads the file once, so that no program waits for the disk where another did not."""
        with self.path.open("rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
            while file.read(1 << 22):
                pass


def capture(name: str, *, quick: bool) -> Capture:
    """The capture called so in :data:`SETTINGS`, made first where it is missing."""
    if name == "t1-head":
        return _head(capture("t1", quick=quick), 1_000_000 // (QUICK if quick else 1))
    settings = SETTINGS[name]
    if quick:
        settings = replace(
            settings, packets=settings.packets // QUICK, flows=max(1_000, settings.flows // QUICK)
        )
    path = DATA / f"{name}{'-quick' if quick else ''}.pcap"
    told = path.with_suffix(".json")
    if not _up_to_date(path, told, settings):
        print(f"making {path.name}: {settings.packets:,} packets, {settings.flows:,} flows")
        _generate(path, told, settings)
    return Capture(name, path, settings.packets, settings.flows, settings)


def _generate(path: Path, told: Path, settings: Settings) -> None:
    DATA.mkdir(exist_ok=True)
    words = []
    for key, value in asdict(settings).items():
        option = "--" + key.replace("_", "-")
        words += ([option] if value else []) if isinstance(value, bool) else [option, str(value)]
    partial = path.with_suffix(".partial")
    # A process of its own gives back the gigabytes that this takes.
    made = subprocess.run(
        [sys.executable, str(HERE / "gen_traffic.py"), str(partial), *words],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    partial.rename(path)
    told.write_text(made.stdout, encoding="utf-8")


def _up_to_date(path: Path, told: Path, settings: Settings) -> bool:
    if not (path.exists() and told.exists()):
        return False
    known = json.loads(told.read_text(encoding="utf-8"))
    return bool(known["args"] == asdict(settings))


def _head(whole: Capture, packets: int) -> Capture:
    """The first packets of a capture, for a program that has no way to stop early."""
    name = "t1-head"
    path = DATA / whole.path.name.replace("t1", name)
    if not path.exists() or path.stat().st_mtime < whole.path.stat().st_mtime:
        most = 24 + packets * (16 + whole.settings.snaplen)
        with whole.path.open("rb") as file:
            octets = file.read(most)
        offsets = record_offsets(octets, packets + 1)
        path.write_bytes(octets[: offsets[packets]] if len(offsets) > packets else octets)
    return Capture(name, path, packets, whole.flows, whole.settings)


SETTINGS = {
    "t1": Settings(packets=10_000_000, flows=100_000),
    "t2": Settings(packets=10_000_000, flows=2_000_000),
    # Three packets a flow, the second of TCP in answer, and none that ends one: within 25 s no
    # flow idles out either, so all are in the table together at the end.
    "few": Settings(packets=2_700_000, flows=1_000, alpha=0.0, icmp=0.0, duration=25.0),
    "many": Settings(packets=2_700_000, flows=900_000, alpha=0.0, icmp=0.0, duration=25.0),
    "million": Settings(packets=3_000_000, flows=1_000_000, alpha=0.0, icmp=0.0, duration=25.0),
    "turn": Settings(packets=1_000_000, flows=50_000, duration=120.0),
}
"""Every capture by its name; ``t1-head`` is the first million packets of ``t1``."""
