# SPDX-License-Identifier: Apache-2.0
"""How fast datagrams in memory become Arrow batches: the collector without sockets or Python.

What is measured is a test of the collector's crate that only this asks for; it is built here.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cores import measured_cores
from measure import ProgramFailed, run

PROTOCOLS = {
    "netflow5": "NetFlow v5",
    "netflow9": "NetFlow v9, 20 fields",
    "ipfix": "IPFIX, 20 fields",
    "sflow": "sFlow samples, 128 octets of header",
}
"""Names of the measurements, and what they are of."""


@dataclass
class Fed:
    """One measurement, once."""

    round: int
    records: int
    """Flow records, or samples."""
    datagrams: int
    octets: int
    seconds: float
    cpu_s: float
    """The part of them that it had a processor."""

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds


@dataclass
class Decoding:
    """All measurements of one protocol."""

    protocol: str
    runs: list[Fed] = field(default_factory=list)
    problem: str = ""
    """Why there are none."""

    @property
    def rate(self) -> float:
        """Records a second, the median of the rounds."""
        return statistics.median(run.rate for run in self.runs)

    def as_json(self) -> dict[str, object]:
        """Everything, with what follows from it."""
        return asdict(self) | {"rate": self.rate if self.runs else None}


def decode(rounds: int) -> dict[str, Decoding]:
    """Measures every protocol once a round."""
    found = {protocol: Decoding(protocol) for protocol in PROTOCOLS}
    try:
        program = _build()
    except ProgramFailed as error:
        print(f"  {error}")
        return {name: Decoding(name, problem=str(error)) for name in PROTOCOLS}
    for number in range(1, rounds + 1):
        for protocol, decoding in found.items():
            if decoding.problem:
                continue
            try:
                fed = _once(program, protocol, number)
            except ProgramFailed as error:
                decoding.problem = str(error)
                decoding.runs.clear()
                print(f"  {PROTOCOLS[protocol]}: {error}")
                continue
            decoding.runs.append(fed)
            print(f"  round {number}: {PROTOCOLS[protocol]}: {fed.rate:,.0f} records/s", flush=True)
    return found


def _build() -> Path:
    """The test's program, up to date.

    Raises:
        ProgramFailed: it cannot be built.
    """
    command = ["cargo", "test", "-q", "--release", "-p", "penstock-collect"]
    command += ["--test", "rate_decode", "--no-run", "--message-format", "json"]
    try:
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ProgramFailed("cargo: not here") from error
    for line in answer.stdout.splitlines():
        told = json.loads(line)
        if told.get("executable") and told["target"]["name"] == "rate_decode":
            return Path(told["executable"])
    raise ProgramFailed(f"{' '.join(command)}:\n{answer.stderr.strip()[-600:]}")


def _once(program: Path, protocol: str, number: int) -> Fed:
    words = ["--ignored", "--nocapture", "--test-threads", "1", "--exact", protocol]
    finished = run([str(program), *words], cores=measured_cores(), limit_s=120)
    line = re.search(r"^\{.*\}$", finished.output, re.MULTILINE)
    if line is None:
        raise ProgramFailed(f"it said:\n{finished.output[-400:]}")
    told = json.loads(line[0])
    return Fed(
        round=number,
        records=told["records"],
        datagrams=told["datagrams"],
        octets=told["octets"],
        seconds=told["seconds"],
        cpu_s=told["cpu_s"],
    )


ROOT = Path(__file__).parents[1]
