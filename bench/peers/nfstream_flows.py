# SPDX-License-Identifier: Apache-2.0
"""NFStream without dissection and without statistics: a capture to flows, or to a DataFrame.

Runs in a virtual environment of its own, where Penstock is not. Prints what it counted and how long
that took, importing left out, as JSON.
"""

from __future__ import annotations

import json
import sys
import time

from nfstream import NFStreamer


def main() -> None:
    """Runs the command line: the capture, then ``flows`` or ``pandas``."""
    capture, wanted = sys.argv[1:]
    began = time.perf_counter()
    streamer = NFStreamer(
        source=capture,
        statistical_analysis=False,
        n_dissections=0,
        n_meters=1,
        idle_timeout=30,
        active_timeout=300,
    )
    if wanted == "pandas":
        frame = streamer.to_pandas()
        flows, packets = len(frame), int(frame["bidirectional_packets"].sum())
    else:
        flows = packets = 0
        for flow in streamer:
            flows += 1
            packets += flow.bidirectional_packets
    took_s = time.perf_counter() - began
    print(json.dumps({"packets": packets, "flows": flows, "seconds": took_s}))


# NFStream starts processes, which import this file again where they cannot be forked.
if __name__ == "__main__":
    main()
