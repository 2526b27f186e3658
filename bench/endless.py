# SPDX-License-Identifier: Apache-2.0
"""A capture without an end, on standard output: one capture again and again, each time later.

Each turn begins where the one before ended, so that time only goes forward and every flow of the
turn before ends by itself.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np

HEADER_OCTETS = 24
RECORD_OCTETS = 16


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("capture", type=Path, help="classic pcap, microseconds, little endian")
    parser.add_argument("--seconds", type=float, default=60.0, help="of wall time; then it ends")
    parser.add_argument("--shift", type=int, required=True, help="seconds of packet time a turn")
    given = parser.parse_args()
    try:
        repeat(given.capture, given.seconds, given.shift)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def repeat(capture: Path, seconds: float, shift: int) -> None:
    """Writes the capture over and over until the time is up."""
    octets = np.fromfile(capture, np.uint8)
    records = np.array(record_offsets(octets.tobytes()), np.int64)
    stamp_at = records[:, None] + np.arange(4)
    stamps = octets[stamp_at].view("<u4").ravel()
    out = sys.stdout.buffer
    out.write(octets[:HEADER_OCTETS].tobytes())
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        out.write(octets[HEADER_OCTETS:].data)
        stamps = stamps + np.uint32(shift)
        octets[stamp_at] = stamps.astype("<u4").view(np.uint8).reshape(-1, 4)
    out.flush()


def record_offsets(capture: bytes, most: int | None = None) -> list[int]:
    """Where each packet's record begins, of the first ``most`` packets or of all."""
    found: list[int] = []
    at = HEADER_OCTETS
    while at + RECORD_OCTETS <= len(capture) and len(found) != most:
        found.append(at)
        at += RECORD_OCTETS + int.from_bytes(capture[at + 8 : at + 12], "little")
    return found


if __name__ == "__main__":
    main()
