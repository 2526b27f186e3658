# SPDX-License-Identifier: Apache-2.0
"""Penstock from Python: a capture to batches, or to a DataFrame.

Prints what was counted and how long that took as JSON: from the call of :func:`penstock.meter` to
the last batch, or to the DataFrame. Importing is left out, as it is for the programs beside it.
"""

from __future__ import annotations

import json
import sys
import time

import penstock


def main() -> None:
    """Runs the command line: the capture, then ``batches``, ``polars`` or ``pandas``."""
    capture, wanted = sys.argv[1:]
    # The first call imports what the later ones only use.
    take(penstock.meter(capture, count=1), wanted)
    began = time.perf_counter()
    flows = penstock.meter(capture)
    rows = take(flows, wanted)
    took_s = time.perf_counter() - began
    counted = {"packets": flows.ledger.packets_read, "flows": rows, "seconds": took_s}
    print(json.dumps(counted))


def take(flows: penstock.Flows, wanted: str) -> int:
    """Has all flows as they are wanted, and says how many there were."""
    if wanted == "polars":
        return len(flows.to_polars())
    if wanted == "pandas":
        return len(flows.to_pandas())
    return sum(len(batch) for batch in flows)


if __name__ == "__main__":
    main()
