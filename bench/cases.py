# SPDX-License-Identifier: Apache-2.0
"""What is measured, in the order of each round, and how rounds are run."""

from __future__ import annotations

import shutil
import socket
import statistics
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cores import measured_cores, other_cores
from listening import SCRATCH, listening
from measure import ProgramFailed, run
from programs import PROGRAMS, Place, WrongAnswer
from receivers import RECEIVERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from inputs import Capture
    from listening import Listening
    from programs import Program, Reading

FULL = (
    *("pcap_loop", "null", "parquet", "ipfix", "plugins", "batches", "threads2"),
    *("softflowd", "nfpcapd"),
)

CASES: tuple[tuple[str, str], ...] = (
    *((program, "t1") for program in FULL),
    *((program, "t2") for program in FULL),
    # NFStream takes its time: all that is set beside it reads the same smaller capture.
    *((program, "t1-head") for program in ("nfstream", "batches", "nfstream_pandas")),
    *((program, "t1-head") for program in ("polars", "pandas")),
)
"""Program and capture."""


@dataclass
class Run:
    """One program, once."""

    round: int
    packets_per_s: float
    """By the program's own clock where it has one, else by the whole process's time."""
    process_packets_per_s: float
    """By the time from the start of the process to its end."""
    process_s: float
    cpu_s: float
    peak_octets: int
    """Anonymous memory."""
    packets: int
    """As the program counted them."""
    flows: int | None


@dataclass
class Case:
    """All runs of one program over one capture."""

    program: str
    capture: str
    runs: list[Run] = field(default_factory=list)
    problem: str = ""
    """Why there are none."""
    failed: bool = False
    """Whether it ran, and not as it should."""

    @property
    def rates(self) -> list[float]:
        """Packets a second of each run."""
        return [run.packets_per_s for run in self.runs]

    @property
    def rate(self) -> float:
        """Their median."""
        return statistics.median(self.rates)


Cases = dict[tuple[str, str], Case]


def measure(
    captures: Mapping[str, Capture], wanted: Sequence[tuple[str, str]], rounds: int
) -> Cases:
    """Runs every wanted case once a round, so that a slow minute of the machine hits all alike."""
    cases = {(program, capture): Case(program, capture) for program, capture in wanted}
    for case in cases.values():
        if not PROGRAMS[case.program].available:
            case.problem = f"not here: {PROGRAMS[case.program].lacks}"
        elif _cores(PROGRAMS[case.program]) > len(measured_cores(all_cores=True)):
            case.problem = "this machine has too few cores"
    with drain() as port:
        for number in range(1, rounds + 1):
            for case in cases.values():
                if not case.problem:
                    _once(case, captures[case.capture], number, port)
    return cases


def ratio(cases: Cases, over: tuple[str, str], under: tuple[str, str]) -> float | None:
    """How many times faster one case is: the median over the rounds, each by itself.

    Against a program without a clock of its own, the whole process's time counts on both sides.
    """
    if over not in cases or under not in cases:
        return None
    by_process = "process" in (PROGRAMS[over[0]].basis, PROGRAMS[under[0]].basis)
    below = {run.round: run for run in cases[under].runs}
    ratios = [
        run.process_packets_per_s / below[run.round].process_packets_per_s
        if by_process
        else run.packets_per_s / below[run.round].packets_per_s
        for run in cases[over].runs
        if run.round in below
    ]
    return statistics.median(ratios) if ratios else None


@contextmanager
def drain() -> Iterator[int]:
    """A UDP port of this machine, whose datagrams are received and forgotten."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taker:
        taker.bind(("127.0.0.1", 0))
        taker.settimeout(0.2)
        done = threading.Event()

        def take() -> None:
            buffer = bytearray(65536)
            while not done.is_set():
                try:
                    taker.recv_into(buffer)
                except TimeoutError:
                    continue

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        try:
            yield taker.getsockname()[1]
        finally:
            done.set()
            thread.join()


def _once(case: Case, capture: Capture, number: int, port: int) -> None:
    program = PROGRAMS[case.program]
    capture.warm()
    SCRATCH.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=SCRATCH))
    try:
        with _collector(program) as here:
            place = Place(capture.path, scratch, here.port if here else port)
            finished = run(
                program.command(place),
                cores=measured_cores(all_cores=program.cores > 1),
                folder=scratch,
            )
            reading = program.read(finished, place)
            received = here.conclude()[1] if here else None
        _check(program, reading, capture, received)
    except (ProgramFailed, WrongAnswer) as error:
        case.problem, case.failed = str(error), True
        case.runs.clear()
        print(f"  {program.title}, {capture.name}: {error}")
        return
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    case.runs.append(
        Run(
            round=number,
            packets_per_s=capture.packets / (reading.seconds or finished.wall_s),
            process_packets_per_s=capture.packets / finished.wall_s,
            process_s=finished.wall_s,
            cpu_s=finished.cpu_s,
            peak_octets=finished.peak_octets,
            packets=reading.packets,
            flows=reading.flows,
        )
    )
    told = case.runs[-1].packets_per_s
    print(f"  round {number}: {program.title}, {capture.name}: {told:,.0f} packets/s", flush=True)


@contextmanager
def _collector(program: Program) -> Iterator[Listening | None]:
    """What a program's exports are counted by, if they are."""
    if not program.collected:
        yield None
        return
    with listening(RECEIVERS["null"], cores=other_cores()) as here:
        yield here


def _cores(program: Program) -> int:
    return program.cores + program.collected


def _check(program: Program, reading: Reading, capture: Capture, received: int | None) -> None:
    """Ours must have read every packet, and lost no flow; what others leave out is theirs."""
    if program.ours and reading.packets != capture.packets:
        raise WrongAnswer(f"{reading.packets:,} of {capture.packets:,} packets")
    if received is not None and received != reading.flows:
        raise WrongAnswer(f"the collector received {received:,} of {reading.flows:,} flows")
