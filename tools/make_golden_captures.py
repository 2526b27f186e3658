# SPDX-License-Identifier: Apache-2.0
"""Writes the golden captures of ``tests/data/pcap``, the same octets each time.

``--check`` writes nothing and fails where a file is missing or differs.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from golden.cases import every

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests" / "data" / "pcap"
ALSO_AS_ZSTD = "file-us-le.pcap"


def main() -> int:
    """Writes or checks every file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare only")
    check: bool = parser.parse_args().check
    FOLDER.mkdir(parents=True, exist_ok=True)
    wrong = []
    made = {f"{case.name}{case.suffix}": case.content for case in every()}
    for name, content in made.items():
        path = FOLDER / name
        if check:
            if not path.exists() or path.read_bytes() != content:
                wrong.append(name)
        else:
            path.write_bytes(content)
    if not check:
        compress(FOLDER / ALSO_AS_ZSTD)
    print(f"{len(made)} captures, {sum(map(len, made.values()))} octets")
    if wrong:
        print("not what the generator makes: " + ", ".join(wrong))
    return 1 if wrong else 0


def compress(path: Path) -> None:
    """Zstandard's octets differ between its versions, so this file is never compared."""
    if shutil.which("zstd") is None:
        print("missing: zstd; apt-get install zstd", file=sys.stderr)
        return
    target = path.with_suffix(path.suffix + ".zst")
    subprocess.run(["zstd", "-q", "-f", "--no-progress", str(path), "-o", str(target)], check=True)


if __name__ == "__main__":
    sys.exit(main())
