# SPDX-License-Identifier: Apache-2.0
"""A collector that runs beside a test, and what must be equal when flows have gone round."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pyarrow.parquet as pq

import penstock
from penstock.ledger import Ledger, Row
from penstock.metrics.ask import ask
from tests.conftest import read_ledger

SESSION = {
    "source_kind",
    "sampling_origin",
    "exporter_addr",
    "exporter_port",
    "observation_domain",
    "sequence",
    "time_received",
    "time_stored",
    "time_suspect",
}
"""Columns that are the session's, not the record's."""


def comparable(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Rows without the session's columns, in an order of their own."""
    return sorted(
        json.dumps(
            {name: value for name, value in row.items() if name not in SESSION},
            sort_keys=True,
            default=lambda octets: octets.hex(),
        )
        for row in rows
    )


@contextmanager
def collecting(*listen: str, **settings: Any) -> Iterator[Receiving]:
    """A collector in this process."""
    with penstock.collect(listen=listen, **settings) as collected:
        receiving = Receiving(collected)
        yield receiving
        receiving.end()


class Receiving:
    """Takes batches in a thread until it is told to end."""

    def __init__(self, collected: penstock.Collected) -> None:
        self.collected = collected
        self.batches: list[penstock.FlowBatch] = []
        self._thread = threading.Thread(target=self._take)
        self._thread.start()

    def address(self, transport: str = "udp") -> str:
        """Where it listens, as ``HOST:PORT``."""
        (found,) = (one for one in self.collected.addresses if one.startswith(transport))
        return found.partition("://")[2]

    def wait_for(self, flows: int, timeout_s: float = 20) -> None:
        """Until so many have come."""
        deadline = time.monotonic() + timeout_s
        while self.flows < flows and time.monotonic() < deadline:
            time.sleep(0.02)

    @property
    def flows(self) -> int:
        return self.collected.ledger.count("decode", "in", unit="records")

    def end(self) -> None:
        """Ends the reception; what was received is then in ``batches``."""
        self.collected.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def rows(self) -> list[dict[str, Any]]:
        """Every row, once it has ended."""
        self.end()
        return [row for batch in self.batches for row in batch.rows()]

    def _take(self) -> None:
        for batch in self.collected:
            self.batches.append(batch)


class CollectorProcess:
    """``penstock collect`` in a process of its own, which can be killed."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.socket = folder / "p.sock"
        self.ledger_path = folder / "collect.json"
        command = [sys.executable, "-m", "penstock", "collect", *words]
        command += ["--socket", str(self.socket), "--ledger", str(self.ledger_path)]
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder, text=True
        )
        self.said: list[str] = []
        self.addresses = self._addresses()

    def _addresses(self) -> list[str]:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if "listening on" in line:
                return re.findall(r"(?:udp|tcp)://[^\s,]+", line)
        raise AssertionError(f"it ended: {self.said}")

    def address(self, transport: str = "udp") -> str:
        """Where it listens, as ``HOST:PORT``."""
        return next(one.partition("://")[2] for one in self.addresses if one.startswith(transport))

    def exporters(self) -> list[dict[str, Any]]:
        """What it says of them."""
        found: list[dict[str, Any]] = ask(str(self.socket), "/exporters")
        return found

    def ledger_now(self) -> Ledger:
        """What it has counted so far."""
        return Ledger(Row(**row) for row in ask(str(self.socket), "/ledger")["ledger"])

    def wait_for(self, flows: int, timeout_s: float = 20) -> None:
        """Until so many flows have come."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.ledger_now().count("decode", "in", unit="records") >= flows:
                return
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str, str]:
        """Ends it; its status, and what it printed."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, "".join(self.said) + err

    def ledger(self) -> Ledger:
        """What it had counted when it ended."""
        return read_ledger(self.ledger_path)

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self.process.kill()
        self.process.communicate(timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate(timeout=30)


def send(address: str, folder: Path, *words: str) -> list[dict[str, Any]]:
    """Plays exporters with ``penstock send``; what it says that it has sent, an exporter each."""
    truth = folder / f"truth-{os.getpid()}-{time.monotonic_ns()}.json"
    command = [sys.executable, "-m", "penstock", "send", f"udp://{address}", *words]
    subprocess.run([*command, "--truth", str(truth)], check=True, capture_output=True, timeout=120)
    found = json.loads(truth.read_text())
    return found["exporters"] if isinstance(found, dict) else found


def parquet_rows(folder: Path) -> int:
    """How many rows the files of a folder hold."""
    return sum(pq.read_metadata(path).num_rows for path in sorted(folder.glob("*.parquet")))
