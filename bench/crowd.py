# SPDX-License-Identifier: Apache-2.0
"""Whether a collector's memory stays flat while very many exporters send to it."""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from cores import measured_cores, other_cores
from listening import listening
from loopback import read_truth, send_command
from measure import run
from receivers import RECEIVERS, ledger_counts


@dataclass
class Crowd:
    """Anonymous memory of a collector while it works."""

    seconds: float
    exporters: int
    templates: int
    """Learned by the collector, those of options included."""
    sent: int
    """Records."""
    received: int
    dropped: int
    """Datagrams that the kernel dropped."""
    cpu_share: float
    """Of one core, that the collector took."""
    early_octets: int
    """Median of the second third of the time; the first third is for warming up."""
    late_octets: int
    """Median of the last third."""
    samples: int

    @property
    def growth(self) -> float:
        """Late over early."""
        return self.late_octets / self.early_octets

    def as_json(self) -> dict[str, object]:
        """Everything, with what follows from it."""
        return asdict(self) | {"growth": self.growth}


def crowd(seconds: float, rate: float) -> Crowd:
    """Sends from 10,000 exporters with 100,000 templates of flows for so long.

    Args:
        seconds: how long.
        rate: records a second, as many as the collector can take.

    Raises:
        ProgramFailed: the sender or the collector did not end well.
        WrongAnswer: the collector's ledger does not add up.
    """
    with (
        listening(RECEIVERS["null"], cores=measured_cores()) as here,
        tempfile.TemporaryDirectory() as folder,
    ):
        truth = Path(folder) / "truth.json"
        words = ["--exporters", str(EXPORTERS), "--more-templates", str(MORE_TEMPLATES)]
        words += ["--rate", str(round(rate)), "--duration", f"{seconds}s", "--truth", str(truth)]
        before_s = here.program.age_s
        cpu_before_s = here.program.cpu_s
        sender = run(
            send_command(here.port, "v9,ipfix", *words),
            cores=other_cores(),
            sample_s=1.0,
            limit_s=seconds * 2 + 120,
        )
        sent = read_truth(truth)
        # Its sending ended a moment before its process, and what came before is its making ready.
        began_s = before_s + sender.wall_s - sent.seconds
        finished, received = here.conclude()
        counts = ledger_counts(here.site.ledger)
        third = sent.seconds / 3
        at = [(when - began_s, octets) for when, octets in finished.anonymous]
        early = [octets for when, octets in at if third < when <= 2 * third]
        late = [octets for when, octets in at if 2 * third < when <= sent.seconds]
        return Crowd(
            seconds=sent.seconds,
            exporters=EXPORTERS,
            templates=counts.get(("decode", "noted", "templates", "templates learned"), 0),
            sent=sent.records,
            received=received,
            dropped=here.dropped,
            cpu_share=(finished.cpu_s - cpu_before_s) / sent.seconds,
            early_octets=int(statistics.median(early)),
            late_octets=int(statistics.median(late)),
            samples=len(at),
        )


EXPORTERS = 10_000
MORE_TEMPLATES = 8
"""Beside the two of each exporter's flows: ten in all."""
