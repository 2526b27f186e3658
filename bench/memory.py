# SPDX-License-Identifier: Apache-2.0
"""What a flow costs in memory, and whether memory stays flat over an input that does not end."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cores import measured_cores
from measure import run
from programs import PENSTOCK, WrongAnswer

if TYPE_CHECKING:
    from inputs import Capture

HERE = Path(__file__).parent


@dataclass
class FlowCost:
    """Anonymous memory of a run with very many flows at a time beside one with few."""

    flows: int
    """At a time, in the larger run."""
    max_flows: int
    """The bound that it was given."""
    peak_octets: int
    peak_octets_few: int
    few: int
    """Flows of the smaller run."""

    @property
    def octets_per_flow(self) -> float:
        """What each further flow took, the table's growth included."""
        return (self.peak_octets - self.peak_octets_few) / (self.flows - self.few)


@dataclass
class Endless:
    """Anonymous memory over an input that goes on and on."""

    seconds: float
    packets: int
    flows: int
    early_octets: int
    """Median of the second third of the time; the first third is for warming up."""
    late_octets: int
    """Median of the last third."""
    samples: int

    @property
    def growth(self) -> float:
        """Late over early."""
        return self.late_octets / self.early_octets


def flow_cost(few: Capture, many: Capture, *, max_flows: int, rounds: int) -> FlowCost:
    """Measures what a flow costs: the median peak of several runs each.

    Raises:
        WrongAnswer: not all flows were in the table together.
    """
    peaks_few, peaks_many = [], []
    for _ in range(rounds):
        peaks_few.append(_peak(few, max_flows, exactly=None))
        peaks_many.append(_peak(many, max_flows, exactly=many.flows))
    return FlowCost(
        flows=many.flows,
        max_flows=max_flows,
        peak_octets=int(statistics.median(peaks_many)),
        peak_octets_few=int(statistics.median(peaks_few)),
        few=few.flows,
    )


def endless(turn: Capture, seconds: float) -> Endless:
    """Feeds Penstock one capture over and over through standard input, for so long."""
    command = [sys.executable, str(HERE / "endless.py"), str(turn.path)]
    command += ["--seconds", str(seconds), "--shift", str(int(turn.settings.duration))]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdout=subprocess.PIPE) as feeder,
    ):
        ledger = Path(folder) / "ledger.json"
        finished = run(
            [str(PENSTOCK), "probe", "-", "--to", "null:", "--ledger", str(ledger)],
            cores=measured_cores(),
            source=feeder.stdout,
            sample_s=SAMPLE_S,
            limit_s=seconds + 120,
        )
        counts = _counts(ledger)
    third = seconds / 3
    early = [octets for at, octets in finished.anonymous if third < at <= 2 * third]
    late = [octets for at, octets in finished.anonymous if 2 * third < at <= seconds]
    return Endless(
        seconds=seconds,
        packets=counts["source", "in", "packets"],
        flows=counts["meter", "out", "flows"],
        early_octets=int(statistics.median(early)),
        late_octets=int(statistics.median(late)),
        samples=len(finished.anonymous),
    )


def _peak(capture: Capture, max_flows: int, *, exactly: int | None) -> int:
    capture.warm()
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger.json"
        finished = run(
            [
                *(str(PENSTOCK), "probe", str(capture.path), "--to", "null:"),
                *("--max-flows", str(max_flows), "--ledger", str(ledger)),
            ],
            cores=measured_cores(),
            sample_s=SAMPLE_S,
        )
        flows = _counts(ledger)["meter", "out", "flows"]
    # A flow that left early for want of room would have come back as another record.
    if exactly is not None and flows != exactly:
        raise WrongAnswer(f"{flows:,} records in place of {exactly:,} from {capture.name}")
    return finished.peak_octets


def _counts(ledger: Path) -> dict[tuple[str, str, str], int]:
    rows = json.loads(ledger.read_text(encoding="utf-8"))["ledger"]
    return {
        (row["stage"], row["kind"], row["unit"]): row["count"] for row in rows if not row["reason"]
    }


SAMPLE_S = 0.02
"""How often memory is looked at."""
