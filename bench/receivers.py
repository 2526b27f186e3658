# SPDX-License-Identifier: Apache-2.0
"""Every program that receives flow exports: how it is started, and where it says what came.

To add one: write a function for its command and one for its count, give it a row in
:data:`RECEIVERS`, and a row in ``loopback.py`` for each protocol that it should be sent.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from programs import PENSTOCK, WrongAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from measure import Finished


@dataclass(frozen=True)
class Site:
    """What a receiver has been given."""

    port: int
    """Of UDP, on 127.0.0.1."""
    scratch: Path
    """An empty folder, thrown away after the run."""

    @property
    def flows(self) -> Path:
        """Where it writes, if it does; a folder that is there."""
        return self.scratch / "flows"

    @property
    def ledger(self) -> Path:
        """Where Penstock says what every stage counted."""
        return self.scratch / "ledger.json"


@dataclass(frozen=True)
class Receiver:
    """One way to run one collector."""

    title: str
    command: Callable[[Site], list[str]]
    count: Callable[[Finished, Site], int]
    """Flow records, or samples, that it gave out."""
    needs: Path | str = PENSTOCK
    """A file, or a command on the path, without which it cannot run."""
    lacks: str = "run `make build`"
    """How to come by that."""
    ours: bool = False
    first_rates: Mapping[str, float] = field(default_factory=dict)
    """Records a second to try first, by protocol: somewhere near what it can do."""

    @property
    def available(self) -> bool:
        """Whether it can run here."""
        if isinstance(self.needs, Path):
            return self.needs.exists()
        return shutil.which(self.needs) is not None


def collect_command(site: Site, sink: str) -> list[str]:
    """Penstock's collector, with one worker as it is by itself."""
    return [
        *(str(PENSTOCK), "collect", "--listen", f"udp://127.0.0.1:{site.port}", "--to", sink),
        *("--ledger", str(site.ledger), "--socket", str(site.scratch / "ask")),
    ]


def ledger_counts(ledger: Path) -> dict[tuple[str, str, str, str], int]:
    """What Penstock's ledger says: stage, kind, unit and reason, then how many."""
    rows = json.loads(ledger.read_text(encoding="utf-8"))["ledger"]
    return {(row["stage"], row["kind"], row["unit"], row["reason"]): row["count"] for row in rows}


def count_ours(finished: Finished, site: Site) -> int:
    """Flows that left the sink.

    Raises:
        WrongAnswer: its own ledger does not add up.
    """
    if "does not add up" in finished.errors:
        raise WrongAnswer(f"penstock said:\n{finished.errors}")
    return sum(
        count
        for (stage, kind, unit, reason), count in ledger_counts(site.ledger).items()
        if stage.startswith(("parquet:", "null:")) and (kind, unit, reason) == ("out", "flows", "")
    )


def _penstock(title: str, sink: str, ipfix: float, sflow: float) -> Receiver:
    def command(site: Site) -> list[str]:
        return collect_command(site, sink.replace("FLOWS", f"{site.flows}/"))

    rates = {"ipfix": ipfix, "sflow": sflow}
    return Receiver(title, command, count_ours, ours=True, first_rates=rates)


def _nfdump(program: str, package: str, how: str, option: str, ipfix: float = 7e5) -> Receiver:
    def command(site: Site) -> list[str]:
        return [
            *(program, "-w", str(site.flows), "-b", "127.0.0.1", "-p", str(site.port)),
            # One file for the whole run, closed at its end.
            *("-B", str(BUFFER_OCTETS), "-t", "3600", option),
        ]

    return Receiver(
        f"{program} to its files, {how}",
        command,
        _count_nfdump,
        needs=program,
        lacks=f"sudo apt-get install {package}",
        first_rates={"ipfix": ipfix, "sflow": 2e5},
    )


def _count_nfdump(finished: Finished, _site: Site) -> int:
    said = finished.output + finished.errors
    flows = [int(count) for count in re.findall(r"Ident: \S+ Flows: (\d+)", said)]
    if not flows:
        raise WrongAnswer(f"it said:\n{said[-400:]}")
    return sum(flows)


def _nfacctd(site: Site) -> list[str]:
    config = site.scratch / "nfacctd.conf"
    # Times are part of the key, so that no two records become one; a purge is a child process that
    # writes what has come since the last.
    config.write_text(
        "daemonize: false\n"
        "plugins: print\n"
        "nfacctd_ip: 127.0.0.1\n"
        f"nfacctd_port: {site.port}\n"
        f"nfacctd_pipe_size: {BUFFER_OCTETS}\n"
        "aggregate: src_host,dst_host,src_port,dst_port,proto,tos,tcpflags,in_iface,out_iface,"
        "src_as,dst_as,src_mask,dst_mask,timestamp_start,timestamp_end,flows\n"
        "plugin_pipe_size: 67108864\n"
        "plugin_buffer_size: 65536\n"
        "print_cache_entries: 65537\n"
        "print_refresh_time: 10\n"
        "print_output: csv\n"
        "print_output_file_append: true\n"
        f"print_output_file: {site.flows}/flows.csv\n",
        encoding="utf-8",
    )
    return ["nfacctd", "-f", str(config)]


def _count_nfacctd(_finished: Finished, site: Site) -> int:
    flows, column = 0, None
    with (site.flows / "flows.csv").open(encoding="utf-8") as file:
        for line in file:
            words = line.rstrip("\n").split(",")
            if "FLOWS" in words:
                column = words.index("FLOWS")
            elif column is not None:
                flows += int(words[column])
    return flows


BUFFER_OCTETS = 33_554_432
"""The receive buffer that each is told to ask for: Penstock's own default."""

RECEIVERS: dict[str, Receiver] = {
    "parquet": _penstock("penstock to parquet:", "parquet:FLOWS", 1.2e6, 3e5),
    "null": _penstock("penstock to null:", "null:", 2e6, 5e5),
    "nfcapd_lz4": _nfdump("nfcapd", "nfdump", "lz4", "-y"),
    "nfcapd_bz2": _nfdump("nfcapd", "nfdump", "bz2", "-j", ipfix=1e5),
    "nfacctd": Receiver(
        "nfacctd to CSV",
        _nfacctd,
        _count_nfacctd,
        needs="nfacctd",
        lacks="sudo apt-get install pmacct",
        first_rates={"ipfix": 1e5},
    ),
    "sfcapd_lz4": _nfdump("sfcapd", "nfdump-sflow", "lz4", "-y"),
    "sfcapd_bz2": _nfdump("sfcapd", "nfdump-sflow", "bz2", "-j"),
}
"""Every receiver by a short name."""
