# SPDX-License-Identifier: Apache-2.0
"""Every program that is measured: how it is started, and where it says what it did.

To add one: write a function for its command and one for its reading, give it a row in
:data:`PROGRAMS`, and a row in ``cases.py`` for each capture that it should read.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from measure import Finished

HERE = Path(__file__).parent
PENSTOCK = Path(sys.executable).with_name("penstock")
PCAP_LOOP = HERE / "build" / "pcap_loop"
PEERS_PYTHON = HERE / ".venv-peers" / "bin" / "python"


@dataclass(frozen=True)
class Place:
    """What a run has been given."""

    capture: Path
    scratch: Path
    """An empty folder, thrown away after the run."""
    sink_port: int
    """A UDP port of this machine that takes everything; Penstock's own collector counts at it where
    the program asks for that."""


@dataclass(frozen=True)
class Reading:
    """What a program says that it did."""

    packets: int
    flows: int | None
    seconds: float | None
    """From the first octet read to the last flow handed over; absent where it does not say."""


class WrongAnswer(Exception):  # noqa: N818 -- what happened, not what class it is
    """A program did not do the work that it was to be measured by."""


@dataclass(frozen=True)
class Program:
    """One way to run one program."""

    title: str
    command: Callable[[Place], list[str]]
    read: Callable[[Finished, Place], Reading]
    basis: Literal["reading", "process"] = "reading"
    """Whether it times its own reading; of the others the whole process counts."""
    cores: int = 1
    needs: Path | str = PENSTOCK
    """A file, or a command on the path, without which it cannot run."""
    lacks: str = "run `make build`"
    """How to come by that."""
    ours: bool = False
    collected: bool = False
    """Whether Penstock's collector, on another core, must receive every flow that it exports."""

    @property
    def available(self) -> bool:
        """Whether it can run here."""
        if isinstance(self.needs, Path):
            return self.needs.exists()
        return shutil.which(self.needs) is not None


def _probe(title: str, *words: str, cores: int = 1, collected: bool = False) -> Program:
    def command(place: Place) -> list[str]:
        here = {"SCRATCH": str(place.scratch), "PORT": str(place.sink_port)}
        given = list(words)
        for name, value in here.items():
            given = [word.replace(name, value) for word in given]
        ledger = ["--ledger", str(place.scratch / "ledger.json")]
        return [str(PENSTOCK), "probe", str(place.capture), *given, *ledger]

    return Program(title, command, _read_probe, cores=cores, ours=True, collected=collected)


def _read_probe(finished: Finished, place: Place) -> Reading:
    rate = re.search(r"reading and metering, ([\d,]+) packets/s", finished.errors)
    if rate is None or "does not add up" in finished.errors:
        raise WrongAnswer(f"penstock said:\n{finished.errors}")
    rows = json.loads((place.scratch / "ledger.json").read_text(encoding="utf-8"))["ledger"]
    counts = {
        (row["stage"], row["kind"], row["unit"]): row["count"] for row in rows if not row["reason"]
    }
    packets = counts["source", "in", "packets"]
    # The summary's seconds are rounded for people, its rate is not.
    seconds = packets / float(rate[1].replace(",", ""))
    return Reading(packets, counts["meter", "out", "flows"], seconds)


def _python(title: str, wanted: str) -> Program:
    def command(place: Place) -> list[str]:
        return [sys.executable, str(HERE / "python_api.py"), str(place.capture), wanted]

    return Program(title, command, _read_json, ours=True)


def _nfstream(title: str, wanted: str) -> Program:
    def command(place: Place) -> list[str]:
        script = HERE / "peers" / "nfstream_flows.py"
        return [str(PEERS_PYTHON), str(script), str(place.capture), wanted]

    return Program(
        title,
        command,
        _read_json,
        needs=PEERS_PYTHON,
        lacks="it comes from PyPI, which could not be reached",
    )


def _read_json(finished: Finished, _place: Place) -> Reading:
    counted = json.loads(finished.output.strip().splitlines()[-1])
    return Reading(counted["packets"], counted.get("flows"), counted["seconds"])


def _pcap_loop(place: Place) -> list[str]:
    return [str(PCAP_LOOP), str(place.capture)]


def _softflowd(place: Place) -> list[str]:
    # Reading a file, it ends flows only where it must make room; its bound is set to Penstock's.
    return [
        *("softflowd", "-r", str(place.capture), "-n", f"127.0.0.1:{place.sink_port}"),
        *("-v", "9", "-m", "1000000", "-c", "none", "-p", str(place.scratch / "pid")),
    ]


def _read_softflowd(finished: Finished, _place: Place) -> Reading:
    packets = re.search(r"Packets processed: (\d+)", finished.output + finished.errors)
    flows = re.search(r"Flows expired: (\d+)", finished.output + finished.errors)
    if packets is None or flows is None:
        raise WrongAnswer(f"softflowd said:\n{finished.output}{finished.errors}")
    return Reading(int(packets[1]), int(flows[1]), None)


def _nfpcapd(place: Place) -> list[str]:
    # Active and idle timeout as Penstock has them.
    return ["nfpcapd", "-r", str(place.capture), "-w", str(place.scratch), "-e", "300,30"]


def _read_nfpcapd(finished: Finished, _place: Place) -> Reading:
    said = finished.output + finished.errors
    packets = re.search(r"Total: Processed: (\d+)", said)
    if packets is None:
        raise WrongAnswer(f"nfpcapd said:\n{said}")
    flows = sum(int(count) for count in re.findall(r"Ident: \S+ Flows: (\d+)", said))
    return Reading(int(packets[1]), flows, None)


PROGRAMS: dict[str, Program] = {
    "pcap_loop": Program(
        "libpcap read loop",
        _pcap_loop,
        _read_json,
        needs=PCAP_LOOP,
        lacks="install what it is built with: sudo apt-get install gcc libpcap-dev",
    ),
    "null": _probe("penstock to null:", "--to", "null:"),
    "plugins": _probe(
        "penstock, basicplus and pstats",
        *("--to", "null:", "--plugin", "basicplus", "--plugin", "pstats"),
    ),
    "parquet": _probe("penstock to parquet:", "--to", "parquet:SCRATCH/flows/"),
    "ipfix": _probe("penstock to ipfix+udp:", "--to", "ipfix+udp://127.0.0.1:PORT", collected=True),
    "threads2": _probe(
        "penstock to null:, two threads", "--to", "null:", "--threads", "2", cores=2
    ),
    "batches": _python("penstock.meter to batches", "batches"),
    "polars": _python("penstock.meter to polars", "polars"),
    "pandas": _python("penstock.meter to pandas", "pandas"),
    "softflowd": Program(
        "softflowd, NetFlow 9 over UDP",
        _softflowd,
        _read_softflowd,
        basis="process",
        needs="softflowd",
        lacks="sudo apt-get install softflowd",
    ),
    "nfpcapd": Program(
        "nfpcapd to its files",
        _nfpcapd,
        _read_nfpcapd,
        basis="process",
        needs="nfpcapd",
        lacks="sudo apt-get install nfdump",
    ),
    "nfstream": _nfstream("NFStream to flows", "flows"),
    "nfstream_pandas": _nfstream("NFStream to pandas", "pandas"),
}
"""Every program by a short name."""
