# SPDX-License-Identifier: Apache-2.0
"""Measures Penstock beside other programs, and says which of its promises it keeps.

    .venv/bin/python bench/run.py              everything; the results are kept
    .venv/bin/python bench/run.py --quick      a tenth of it, to see that all works

What is measured and how is in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path

import peers
from cases import CASES, measure
from cores import other_cores, step_aside
from crowd import crowd
from decode import decode
from inputs import capture
from loopback import CIRCUITS, loopback
from machine import Stolen, machine
from measure import ProgramFailed
from memory import endless, flow_cost
from programs import PROGRAMS, WrongAnswer
from receivers import RECEIVERS
from report import as_json, page
from startup import startup
from targets import Measured, failures, judge

PARTS = ("speed", "memory", "startup", "decode", "loopback", "crowd")
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Runs the command line; the status is 1 where a promise was broken."""
    given = _arguments()
    here = machine()
    if here.load_before > 0.5:
        print(
            f"warning: this machine is busy (load {here.load_before:.2f}); so will the figures be"
        )
    step_aside()
    peers.prepare()
    wanted = [
        (program, name)
        for program, name in CASES
        if "speed" in given.parts
        and (not given.programs or program in given.programs)
        and (not given.captures or name in given.captures)
    ]
    captures = {
        name: capture(name, quick=given.quick) for name in dict.fromkeys(name for _, name in wanted)
    }
    stolen = Stolen()
    measured = Measured(
        cases=measure(captures, wanted, given.rounds),
        flow_costs=[],
        endless=None,
        startup=None,
    )
    if "memory" in given.parts:
        _memory(measured, quick=given.quick)
    if "startup" in given.parts:
        measured.startup = startup(5 if given.quick else 20)
    _collecting(measured, given)
    here.stolen = stolen.share()
    here.programs |= peers.versions()
    libpcap = peers.libpcap_version(capture("turn", quick=given.quick).path)
    if libpcap:
        here.programs["libpcap"] = libpcap

    when = datetime.datetime.now(datetime.UTC).date().isoformat()
    chosen = given.quick or given.programs or given.captures or given.receivers
    whole = not chosen and set(given.parts) == set(PARTS)
    title = f"Benchmarks of {when}" if whole else "A part of the benchmarks: not a result"
    text = page(measured, here, captures, when, title)
    print("\n" + text)
    if whole:
        RESULTS.mkdir(exist_ok=True)
        stem = RESULTS / f"{when}-{here.kind}"
        for suffix, content in (("json", as_json(measured, here, when)), ("md", text)):
            path = Path(f"{stem}.{suffix}")
            path.write_text(content, encoding="utf-8")
            print(f"written: {path}")
    broken = [verdict for verdict in judge(measured) if verdict.kept is False]
    return 1 if (broken or failures(measured)) and whole else 0


def _memory(measured: Measured, *, quick: bool) -> None:
    rounds = 1 if quick else 3
    print("  memory a flow")
    few = capture("few", quick=quick)
    # The second bound leaves the partitions room for a million, which the default cannot hold: its
    # partitions are never equally full.
    for name, max_flows in (("many", 1_000_000), ("million", 1_250_000)):
        many = capture(name, quick=quick)
        measured.flow_costs.append(flow_cost(few, many, max_flows=max_flows, rounds=rounds))
    print("  memory over an endless input", flush=True)
    measured.endless = endless(capture("turn", quick=quick), 9.0 if quick else 90.0)


def _collecting(measured: Measured, given: argparse.Namespace) -> None:
    if "decode" in given.parts:
        measured.decoding = decode(given.rounds)
    if "loopback" in given.parts:
        wanted = [one for one in CIRCUITS if not given.receivers or one[0] in given.receivers]
        rounds = 1 if given.quick else 3
        measured.circuits = loopback(wanted, rounds=rounds, quick=given.quick)
    if "crowd" in given.parts and other_cores():
        print("  memory of a collector with 10,000 exporters", flush=True)
        try:
            measured.crowd = crowd(given.minutes * 60, given.crowd_rate)
        except (ProgramFailed, WrongAnswer) as error:
            print(f"  {error}")
            measured.crowd_problem = str(error)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help="captures a tenth as large, two rounds"
    )
    parser.add_argument("--rounds", type=int, help="how often each case is run [5]")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART")
    parser.add_argument("--programs", nargs="+", choices=sorted(PROGRAMS), metavar="PROGRAM")
    parser.add_argument(
        "--captures", nargs="+", choices=sorted({name for _, name in CASES}), metavar="CAPTURE"
    )
    parser.add_argument("--receivers", nargs="+", choices=sorted(RECEIVERS), metavar="RECEIVER")
    parser.add_argument("--minutes", type=float, help="of 10,000 exporters' traffic [1]")
    parser.add_argument(
        "--crowd-rate", type=float, default=1e6, help="records a second of that traffic [1e6]"
    )
    given = parser.parse_args()
    given.rounds = given.rounds or (2 if given.quick else 5)
    given.minutes = given.minutes or (0.25 if given.quick else 1.0)
    return given


if __name__ == "__main__":
    sys.exit(main())
