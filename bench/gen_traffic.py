# SPDX-License-Identifier: Apache-2.0
"""Makes a packet capture whose octets depend on the arguments alone, and says what is in it.

The truth (packets, octets, flows by protocol) goes to standard output as JSON, or to standard
error where the capture itself goes to standard output. See :mod:`traffic.model` for what the
packets are like.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, fields
from pathlib import Path

from traffic.model import Settings, model
from traffic.writer import write


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("output", help="pcap file to write, or - for standard output")
    for field in fields(Settings):
        option = "--" + field.name.replace("_", "-")
        if isinstance(field.default, bool):
            parser.add_argument(option, action="store_true")
        else:
            parser.add_argument(option, type=type(field.default), default=field.default)
    given = vars(parser.parse_args())
    output = given.pop("output")
    settings = Settings(**given)

    began = time.perf_counter()
    try:
        made = model(settings)
    except ValueError as error:
        parser.error(str(error))
    decided = time.perf_counter()
    if output == "-":
        write(settings, made, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        with Path(output).open("wb", buffering=1 << 20) as file:
            write(settings, made, file)
    truth = made.truth() | {
        "seconds_model": round(decided - began, 2),
        "seconds_write": round(time.perf_counter() - decided, 2),
        "args": asdict(settings),
    }
    print(json.dumps(truth, indent=1), file=sys.stderr if output == "-" else sys.stdout)


if __name__ == "__main__":
    main()
