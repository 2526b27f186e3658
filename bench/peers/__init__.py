# SPDX-License-Identifier: Apache-2.0
"""The programs that Penstock is measured beside, as far as they must be made here first."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BUILD = HERE.parent / "build"
VENV = HERE.parent / ".venv-peers"

NFSTREAM = "nfstream==6.6.0"
"""Named by version, so that results can be compared."""


def prepare() -> None:
    """Builds the libpcap loop and installs NFStream; says what cannot be had and goes on."""
    BUILD.mkdir(exist_ok=True)
    source, loop = HERE / "pcap_loop.c", BUILD / "pcap_loop"
    if not loop.exists() or loop.stat().st_mtime < source.stat().st_mtime:
        loop.unlink(missing_ok=True)
        _try(["cc", "-O2", "-Wall", "-Wextra", "-o", str(loop), str(source), "-lpcap"])
    python, stamp = VENV / "bin" / "python", VENV / "installed"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != NFSTREAM:
        shutil.rmtree(VENV, ignore_errors=True)
        print(f"installing {NFSTREAM} into {VENV.name}")
        made = _try([sys.executable, "-m", "venv", str(VENV)]) and _try(
            [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", NFSTREAM]
        )
        if made:
            stamp.write_text(NFSTREAM, encoding="utf-8")
        else:
            shutil.rmtree(VENV, ignore_errors=True)


def versions() -> dict[str, str]:
    """What of them is here, by name."""
    found = {}
    if shutil.which("softflowd"):
        found["softflowd"] = _first(r"version ([\d.]+\d)", ["softflowd", "-h"])
    if shutil.which("nfpcapd"):
        found["nfpcapd"] = _first(r"Version: ([\d.]+\d)", ["nfpcapd", "-V"])
    for program in ("nfcapd", "sfcapd"):
        if shutil.which(program):
            found[program] = _first(r"Version: ([\d.]+\d)", [program, "-V"])
    if shutil.which("nfacctd"):
        found["nfacctd"] = _first(r"Daemon, nfacctd ([\d.]+\d)", ["nfacctd", "-V"])
    if (VENV / "installed").exists():
        found["NFStream"] = NFSTREAM.partition("==")[2]
    return found


def libpcap_version(capture: Path) -> str | None:
    """The libpcap that the loop is run with; any small capture will do."""
    loop = BUILD / "pcap_loop"
    if not loop.exists():
        return None
    answer = subprocess.run([str(loop), str(capture)], capture_output=True, text=True, check=True)
    return _find(r"version ([\d.]+\d)", json.loads(answer.stdout)["version"])


def _try(command: list[str]) -> bool:
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        print(f"{command[0]}: not here")
        return False
    if answer.returncode:
        print(f"{' '.join(command)}:\n{answer.stderr.strip()[-600:]}")
    return answer.returncode == 0


def _first(pattern: str, command: list[str]) -> str:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return _find(pattern, answer.stdout + answer.stderr)


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else "unknown"
