# SPDX-License-Identifier: Apache-2.0
"""Collectors over loopback, the sender on the other core: what they take without loss, at what cost.

Every trial is a receiver of its own that is sent so many records at a steady rate. None was lost if
it gave out as many as were sent.
"""

from __future__ import annotations

import json
import math
import statistics
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from cores import measured_cores, other_cores
from listening import listening
from measure import ProgramFailed, run
from programs import PENSTOCK, WrongAnswer
from receivers import RECEIVERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CIRCUITS: tuple[tuple[str, str], ...] = (
    *((receiver, "ipfix") for receiver in ("parquet", "null", "nfcapd_lz4", "nfcapd_bz2")),
    ("nfacctd", "ipfix"),
    *((receiver, "v9") for receiver in ("parquet", "null", "nfcapd_lz4")),
    *((receiver, "sflow") for receiver in ("parquet", "null", "sfcapd_lz4", "sfcapd_bz2")),
)
"""Receiver and protocol."""

SEARCHED = ("ipfix", "sflow")
"""Protocols of which the highest rate without loss is looked for; the others are sent at a steady
rate only."""

STEADY_RATES = {"ipfix": 500_000.0, "v9": 500_000.0, "sflow": 200_000.0}
"""Records a second at which processor time is compared. A receiver that cannot take so much is sent
four fifths of what it can."""


@dataclass
class Sent:
    """What a sender says that it did."""

    records: int
    datagrams: int
    seconds: float
    """From its first datagram to its last."""


@dataclass
class Trial:
    """One receiver, once."""

    asked_rate: float
    """Records a second."""
    sent: Sent
    received: int
    """Records given out by the receiver."""
    dropped: int
    """Datagrams that the kernel dropped."""
    took_s: float
    """From the first datagram sent until the receiver had written everything and ended."""
    cpu_s: float
    """Its processor time, without that of its start."""
    written_octets: int
    peak_octets: int
    """Anonymous memory."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was lost."""
        return self.received == self.sent.records

    @property
    def rate(self) -> float:
        """Records sent a second."""
        return self.sent.records / self.sent.seconds

    @property
    def rate_to_the_end(self) -> float:
        """Records received a second until all was written: work that was put off counts here."""
        return self.received / self.took_s

    @property
    def lost_share(self) -> float:
        """Of the records sent."""
        return 1 - self.received / self.sent.records

    @property
    def cpu_s_per_million(self) -> float:
        """Processor seconds a million records received."""
        return self.cpu_s / max(self.received, 1) * 1e6

    @property
    def octets_per_record(self) -> float:
        """Of its files."""
        return self.written_octets / max(self.received, 1)


@dataclass
class Circuit:
    """All trials of one receiver with one protocol."""

    receiver: str
    protocol: str
    search: list[Trial] = field(default_factory=list)
    """For the highest rate without loss, in their order."""
    steady: list[Trial] = field(default_factory=list)
    """At the rate at which processor time is compared, one a round."""
    best: Trial | None = None
    """The longer one at the highest rate that held."""
    sender_bound: bool = False
    """Whether the sender could go no faster: the receiver may well."""
    problem: str = ""
    """Why there is nothing, or no more."""
    failed: bool = False
    """Whether it ran, and not as it should."""

    @property
    def steady_cpu(self) -> float | None:
        """Processor seconds a million records at the steady rate, the median of the rounds."""
        found = [trial.cpu_s_per_million for trial in self.steady]
        return statistics.median(found) if found else None

    @property
    def steady_rate(self) -> float:
        """Records a second that it is compared at."""
        wanted = STEADY_RATES[self.protocol]
        # What it put off until its end it could not go on putting off.
        return (
            wanted if self.best is None else min(wanted, self.best.rate_to_the_end * STEADY_SHARE)
        )

    @property
    def octets_per_record(self) -> float | None:
        """The most that any trial without loss needed."""
        whole = [trial for trial in (*self.search, *self.steady) if trial.is_whole]
        return max((trial.octets_per_record for trial in whole), default=None)

    def as_json(self) -> dict[str, object]:
        """Everything, with what follows from it."""
        return asdict(self) | {
            "best_rate": None if self.best is None else self.best.rate,
            "best_rate_to_the_end": None if self.best is None else self.best.rate_to_the_end,
            "steady_cpu_s_per_million": self.steady_cpu,
            "octets_per_record": self.octets_per_record,
        }


Circuits = dict[tuple[str, str], Circuit]


def loopback(wanted: Sequence[tuple[str, str]], *, rounds: int, quick: bool) -> Circuits:
    """Looks for what each can take, and compares them round by round at a rate that is lower."""
    circuits = {one: Circuit(*one) for one in wanted}
    for circuit in circuits.values():
        if not RECEIVERS[circuit.receiver].available:
            circuit.problem = f"not here: {RECEIVERS[circuit.receiver].lacks}"
        elif not other_cores():
            circuit.problem = "this machine has too few cores"
    for circuit in _sound(circuits.values()):
        if circuit.protocol in SEARCHED:
            _search(circuit, QUICK_S if quick else SEARCH_S, quick=quick)
    for number in range(1, rounds + 1):
        for circuit in _sound(circuits.values()):
            found = _tried(circuit, circuit.steady_rate, QUICK_S if quick else STEADY_S)
            if found is not None:
                circuit.steady.append(found)
                _tell(circuit, f"round {number}", found)
    return circuits


def cpu_ratio(circuits: Circuits, over: tuple[str, str], under: tuple[str, str]) -> float | None:
    """How many times the processor time one takes: the median over the rounds, each by itself."""
    if over not in circuits or under not in circuits:
        return None
    pairs = zip(circuits[over].steady, circuits[under].steady, strict=False)
    ratios = [one.cpu_s_per_million / other.cpu_s_per_million for one, other in pairs]
    return statistics.median(ratios) if ratios else None


def send_command(port: int, protocol: str, *words: str) -> list[str]:
    """Penstock's sender, to a port of this machine."""
    target = f"udp://127.0.0.1:{port}"
    return [str(PENSTOCK), "send", target, "--protocol", protocol, "--quiet", *words]


def read_truth(truth: Path) -> Sent:
    """What a sender wrote about what it sent."""
    told = json.loads(truth.read_text(encoding="utf-8"))
    exporters = told["exporters"]
    return Sent(
        records=sum(one["sent"]["records"] for one in exporters),
        datagrams=sum(one["datagrams"]["sent"] for one in exporters),
        seconds=told["seconds"],
    )


def trial(receiver: str, protocol: str, rate: float, seconds: float) -> Trial:
    """Sends to a receiver at a rate for so long.

    Raises:
        ProgramFailed: one of the two did not end well.
        WrongAnswer: one of the two does not say what it did.
    """
    with (
        listening(RECEIVERS[receiver], cores=measured_cores()) as here,
        tempfile.TemporaryDirectory() as folder,
    ):
        cpu_before_s = here.program.cpu_s
        truth = Path(folder) / "truth.json"
        words = ["--exporters", str(EXPORTERS), "--template-every", str(TEMPLATE_EVERY)]
        words += ["--rate", str(round(rate)), "--records", str(round(rate * seconds))]
        command = send_command(here.port, protocol, *words, "--truth", str(truth))
        run(command, cores=other_cores(), limit_s=seconds * 20 + 60)
        sent = read_truth(truth)
        began = perf_counter() - sent.seconds
        finished, received = here.conclude()
        return Trial(
            asked_rate=rate,
            sent=sent,
            received=received,
            dropped=here.dropped,
            took_s=perf_counter() - began,
            cpu_s=finished.cpu_s - cpu_before_s,
            written_octets=here.written_octets,
            peak_octets=finished.peak_octets,
        )


def _search(circuit: Circuit, seconds: float, *, quick: bool) -> None:
    """Doubles or halves until one rate holds and one does not, goes between, and confirms."""
    receiver = RECEIVERS[circuit.receiver]
    near = 1.5 if quick else NEAR_OURS if receiver.ours else NEAR_OTHERS
    held: Trial | None = None
    low, high = 0.0, math.inf
    rate = receiver.first_rates[circuit.protocol]
    while rate >= LEAST_RATE and high > low * near:
        found = _searched(circuit, rate, seconds)
        if found is None:
            return
        at_its_end = found.rate < rate * LEAST_PACE
        if found.is_whole:
            low, held = rate, found
            if at_its_end:
                circuit.sender_bound = True
                break
        else:
            # What a sender cannot do is no rate to go on from.
            high = min(rate, found.rate)
        rate = _next_rate(low, high)
    if held is not None:
        _confirm(circuit, held, seconds * CONFIRM_TIMES, near)


def _next_rate(low: float, high: float) -> float:
    if math.isinf(high):
        return low * 2
    return math.sqrt(low * high) if low else high / 2


def _confirm(circuit: Circuit, held: Trial, seconds: float, step: float) -> None:
    """A rate that held once may have been lucky; down from there, the first that holds for longer."""
    rate = held.asked_rate
    while rate >= LEAST_RATE:
        found = _searched(circuit, rate, seconds)
        if found is None:
            return
        if found.is_whole:
            circuit.best = found
            return
        circuit.sender_bound = False
        rate /= step


def _searched(circuit: Circuit, rate: float, seconds: float) -> Trial | None:
    found = _tried(circuit, rate, seconds)
    if found is not None:
        circuit.search.append(found)
        _tell(circuit, f"at {rate:,.0f}/s", found)
    return found


def _tried(circuit: Circuit, rate: float, seconds: float) -> Trial | None:
    try:
        return trial(circuit.receiver, circuit.protocol, rate, seconds)
    except (ProgramFailed, WrongAnswer) as error:
        circuit.problem, circuit.failed = str(error), True
        print(f"  {RECEIVERS[circuit.receiver].title}, {circuit.protocol}: {error}")
        return None


def _sound(circuits: Iterable[Circuit]) -> list[Circuit]:
    return [circuit for circuit in circuits if not circuit.problem]


def _tell(circuit: Circuit, when: str, trial: Trial) -> None:
    lost = "nothing lost" if trial.is_whole else f"{trial.lost_share:.2%} lost"
    print(
        f"  {when}: {RECEIVERS[circuit.receiver].title}, {circuit.protocol}: "
        f"{trial.rate:,.0f} records/s, {lost}, {trial.cpu_s_per_million:.2f} CPU s a million",
        flush=True,
    )


EXPORTERS = 8
TEMPLATE_EVERY = 2_000
"""Data messages between templates: often enough to matter to nobody's figures."""

STEADY_SHARE = 0.8

STEADY_S = 8.0
SEARCH_S = 6.0
CONFIRM_TIMES = 2
QUICK_S = 2.0

NEAR_OURS, NEAR_OTHERS = 1.04, 1.15
"""How near each other the highest rate that held and the lowest that did not must come."""

LEAST_RATE = 5_000.0

LEAST_PACE = 0.95
"""A sender that gets less far than this share of what was asked of it is at its end."""
