# SPDX-License-Identifier: Apache-2.0
"""Other programs beside a test: collectors that listen on a port of their own until all has reached them.

When a collector has read everything is seen from its socket: its queue is empty. Programs are ended
by process id, and must end in time.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import penstock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from penstock import _core
    from penstock.ledger import Ledger

LOOPBACK = "127.0.0.1"
TIMEOUT_S = 20.0
PLUGINS_ARE_DONE_S = 1.0
"""What nfacctd's core hands to its plugin is in a pipe that nobody can look into."""


def needs(program: str) -> pytest.MarkDecorator:
    """Skips tests where the program is missing."""
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


@dataclass(frozen=True)
class Totals:
    """What every collector can add up."""

    flows: int
    packets: int
    octets: int


@dataclass(frozen=True)
class Received:
    """What our collector made of an exporter's datagrams."""

    rows: list[dict[str, Any]]
    ledger: Ledger
    exporters: list[_core.ExporterRow]

    @property
    def totals(self) -> Totals:
        return totals(self.rows)


def totals(rows: list[dict[str, Any]]) -> Totals:
    """Sums over rows of one direction each."""
    return Totals(
        len(rows), sum(row["packets"] for row in rows), sum(row["octets"] for row in rows)
    )


def received(export: Callable[[int], None]) -> Received:
    """Lets something export to our collector, over UDP."""
    with penstock.collect(listen=f"udp://{LOOPBACK}:0") as collected:
        port = int(collected.addresses[0].rpartition(":")[2])
        export(port)
        wait_until_read(port)
        collected.stop()
        rows = [row for batch in collected for row in batch.rows()]
        return Received(rows, collected.ledger, collected.exporters())


@contextlib.contextmanager
def nfcapd(folder: Path) -> Iterator[int]:
    """The collector of nfdump; its port. What it received is in the folder afterwards."""
    folder.mkdir()
    port = free_port()
    command = ["nfcapd", "-p", str(port), "-b", LOOPBACK, "-w", str(folder), "-B", "4000000"]
    with running(command, port, signal.SIGTERM):
        yield port


def nfdump(folder: Path) -> list[dict[str, Any]]:
    """Flows that nfcapd stored."""
    command = ["nfdump", "-R", str(folder), "-q", "-o", "json"]
    shown = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT_S,
        env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
    )
    decoder, text, at = json.JSONDecoder(), shown.stdout, 0
    flows = []
    while (at := text.find("{", at)) >= 0:
        flow, at = decoder.raw_decode(text, at)
        flows.append(flow)
    return flows


def nfcapd_totals(folder: Path) -> Totals:
    """What nfcapd itself counted."""
    shown = subprocess.run(
        ["nfdump", "-R", str(folder), "-I"],
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT_S,
    )
    counted = dict(line.split(": ", 1) for line in shown.stdout.splitlines() if ": " in line)
    return Totals(*(int(counted[name]) for name in ("Flows", "Packets", "Bytes")))


@contextlib.contextmanager
def nfacctd(folder: Path) -> Iterator[int]:
    """The collector of pmacct; its port. What it received is in the folder afterwards."""
    folder.mkdir()
    port = free_port()
    settings = folder / "nfacctd.conf"
    settings.write_text(
        f"daemonize: false\nnfacctd_ip: {LOOPBACK}\nnfacctd_port: {port}\n"
        "plugins: print\naggregate: src_host,dst_host,src_port,dst_port,proto\n"
        f"print_output: json\nprint_output_file: {folder}/flows.json\nprint_refresh_time: 3600\n"
    )
    with running(["nfacctd", "-f", str(settings)], port, signal.SIGINT):
        yield port
        wait_until_read(port)
        time.sleep(PLUGINS_ARE_DONE_S)


def nfacctd_flows(folder: Path) -> list[dict[str, Any]]:
    """Sums by ends, ports and protocol."""
    return [json.loads(line) for line in (folder / "flows.json").read_text().splitlines()]


@contextlib.contextmanager
def running(command: list[str], port: int, ending: signal.Signals) -> Iterator[None]:
    """A program that listens on a port, until all that was sent there has been read."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            wait_until(lambda: process.poll() is not None or socket_of(port) is not None)
            assert process.poll() is None, process.communicate()[0]
            yield
            wait_until_read(port)
        finally:
            process.send_signal(ending)
            try:
                process.communicate(timeout=TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def free_port() -> int:
    """A UDP port that nobody had a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        trial.bind((LOOPBACK, 0))
        return int(trial.getsockname()[1])


def wait_until_read(port: int) -> None:
    """Until nothing is in the queue of that port; nothing may have been dropped there."""

    def is_read() -> bool:
        found = socket_of(port)
        return found is not None and found[0] == 0

    wait_until(is_read)
    time.sleep(0.2)
    found = socket_of(port)
    assert found == (0, 0), f"octets waiting and datagrams dropped on port {port}: {found}"


def socket_of(port: int) -> tuple[int, int] | None:
    """Octets that wait in the sockets bound to a UDP port, and datagrams dropped there."""
    found = None
    for table in ("udp", "udp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            parts = line.split()
            if int(parts[1].rpartition(":")[2], 16) == port:
                waiting, dropped = found or (0, 0)
                queued = int(parts[4].partition(":")[2], 16)
                found = waiting + queued, dropped + int(parts[12])
    return found


def wait_until(is_so: Callable[[], bool]) -> None:
    """Looks until it is so, and fails if that takes too long."""
    end = time.monotonic() + TIMEOUT_S
    while not is_so():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
