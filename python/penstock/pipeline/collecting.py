# SPDX-License-Identifier: Apache-2.0
"""Collectors of a graph while they run: threads that receive, decode and hand batches to stages.

Nothing is done here for a single datagram. The native half receives and decodes for a fraction of a
second at a time; here its rows are taken, given to whoever takes their kind, and time goes on.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from penstock import _core
from penstock.batch import FlowBatch
from penstock.config import native
from penstock.errors import ConfigError, DecodeError, InternalError, PenstockError
from penstock.ledger import Ledger, Row
from penstock.pipeline.feed import Feed, Gate, Second
from penstock.pipeline.sessions import TcpSessions
from penstock.pipeline.state import Cuts, Folder
from penstock.uri import Address, parse_listen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.config.model import Collector
    from penstock.pipeline.feed import Taker
    from penstock.pipeline.stage import Stage


ROWS = 65_536
"""Rows that are enough for a batch."""


class Collecting:
    """One collector of the graph, its sockets bound and its files found."""

    def __init__(self, part: Collector, *, rows: int = ROWS) -> None:
        """Binds and opens.

        Raises:
            ConfigError: an address or a folder cannot be used; one line.
        """
        self.name = part.name
        self.live = bool(part.listen)
        self.addresses: list[str] = []
        """What is listened on, as URIs; ports that were asked for as 0 are known here."""
        self.errors: list[PenstockError] = []
        """What went wrong while it ran."""
        self._part, self._rows = part, rows
        self._gate = Gate(part.count, part.duration)
        self._listener: _core.UdpListener | None = None
        self._tcp: TcpSessions | None = None
        self._folder: Folder | None = None
        self._cuts: Cuts | None = None
        self._feeds: list[Feed] = []
        self._threads: list[threading.Thread] = []
        self._save_due_s: dict[int, float] = {}
        self.started_s = time.monotonic()
        self.ended_s: float | None = None
        udp, tcp = addresses(part)
        for source in part.sources:
            look_at(source)
        try:
            if part.state is not None:
                self._folder = Folder(part.state, part.workers)
            if udp:
                self._listener = _core.UdpListener(
                    [(one.host, one.port) for one in udp],
                    workers=part.workers,
                    buffer_octets=part.buffer,
                )
                self.addresses += [f"udp://{Address(*one)}" for one in self._listener.addresses]
                self._gate.on_stop.append(self._listener.stop)
            if tcp:
                self._tcp = TcpSessions(part, tcp)
                self.addresses += [f"tcp://{one}" for one in self._tcp.addresses]
                self._gate.on_stop.append(self._tcp.wake)
            self._collectors = self._decoders()
        except BaseException:
            self.close()
            raise

    def _decoders(self) -> list[_core.Collector]:
        """A decoder for each worker, and the last one for TCP; for files just one."""
        workers = self._part.workers if self._listener is not None else 0
        count = workers + (self._tcp is not None) or 1
        made = [
            native.collector(self._part, worker=number, rows=self._rows) for number in range(count)
        ]
        if self._folder is not None:
            for worker in range(workers):
                self._folder.restore(made[worker], worker, time.time_ns())
        return made

    def empty_batch(self) -> FlowBatch:
        """No rows; the columns that flows can have."""
        return FlowBatch(_core.Collector.empty_batch("flows"))

    @property
    def clock_ns(self) -> int:
        """The latest time at which anything was received; a file's own."""
        return max(collector.clock_ns for collector in self._collectors)

    def notices(self) -> list[str]:
        """What an operator should know at the start, a line each."""
        lines = []
        if self.live:
            lines.append("listening on " + ", ".join(self.addresses))
        if self._listener is not None and self._listener.granted_octets < self._part.buffer:
            granted = self._listener.granted_octets
            lines.append(
                f"the system grants a receive buffer of {granted:,} octets, not {self._part.buffer:,}; "
                f"for more: sysctl -w net.core.rmem_max={self._part.buffer}"
            )
        return lines

    def start(self, takers: Sequence[Taker], stages: Sequence[Stage] = ()) -> None:
        """Begins, in threads of its own.

        Args:
            takers: who is given the batches.
            stages: those of them that are stages, whose safety the state goes by.
        """
        self.started_s = time.monotonic()
        self._gate.begin()
        tcp = self._tcp is not None
        for number, collector in enumerate(self._collectors):
            is_tcp = tcp and number == len(self._collectors) - 1
            stream = f"{self.name}/{'tcp' if is_tcp else number}"
            self._feeds.append(Feed(stream, collector, takers, self._gate))
        workers = self._feeds[: len(self._feeds) - tcp]
        if self._folder is not None and workers:
            self._cuts = Cuts(self._folder, [feed.stream for feed in workers], stages)
        acts: list[Callable[[], None]] = []
        if self.live:
            acts += [self._worker(number, feed) for number, feed in enumerate(workers)]
            if self._tcp is not None:
                acts.append(self._tcp_worker(self._tcp, self._feeds[-1]))
        else:
            acts.append(self._reader(self._feeds[0]))
        self._threads = [
            threading.Thread(
                target=self._guarded, args=(act,), name=f"{self.name} {number}", daemon=True
            )
            for number, act in enumerate(acts)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Receives no more; what has been received is still given out. May be called from a signal."""
        self._gate.stop()

    def join(self, timeout_s: float) -> bool:
        """Waits for the end; whether it has come."""
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        ended = not any(thread.is_alive() for thread in self._threads)
        if ended and self.ended_s is None:
            self.ended_s = time.monotonic()
        return ended

    def conclude(self) -> None:
        """Writes how far it came; called once the stages have finished."""
        if self._cuts is not None:
            workers = self._feeds[: len(self._feeds) - (self._tcp is not None)]
            self._cuts.end(
                {
                    number: (feed.next_number, feed.collector.saved_sequences())
                    for number, feed in enumerate(workers)
                }
            )

    def close(self) -> None:
        """Lets go of sockets and folder."""
        self._gate.on_stop.clear()
        self._listener = None  # which closes its sockets, since nobody else has it
        if self._tcp is not None:
            self._tcp.close()
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    @property
    def seconds(self) -> float:
        """How long it has run, or ran."""
        return (self.ended_s or time.monotonic()) - self.started_s

    def ledger(self) -> Ledger:
        """What was counted so far."""
        found = Ledger(self._tcp.ledger() if self._tcp is not None else ())
        for collector in self._collectors:
            own = Ledger.of(collector.ledger())
            if "socket" not in own.stages:
                # What came by a stream, or from a file, came by no socket that loses anything.
                came = own.count("message", "in", unit="datagrams")
                found += Ledger(
                    [Row("socket", kind, "", "datagrams", came) for kind in ("in", "out")]
                )
            found += own
        return found

    def exporters(self) -> list[_core.ExporterRow]:
        """Who has sent what."""
        return [row for collector in self._collectors for row in collector.exporters()]

    def templates(self) -> list[_core.TemplateRow]:
        """Every template that is known."""
        return [row for collector in self._collectors for row in collector.templates()]

    def _guarded(self, act: Callable[[], None]) -> None:
        """A worker that fails ends the collector; what the others have is given out."""
        try:
            act()
        except PenstockError as error:
            self.errors.append(error)
            self._gate.stop()
        except Exception as error:  # noqa: BLE001 -- told to the operator
            problem = InternalError(f"{self.name}: {type(error).__name__}: {error}")
            problem.__cause__ = error
            self.errors.append(problem)
            self._gate.stop()

    def _worker(self, number: int, feed: Feed) -> Callable[[], None]:
        listener = self._listener
        assert listener is not None  # noqa: S101 -- there are no workers without one

        def run() -> None:
            second = Second()
            while self._gate.is_open:
                feed.collector.listen(listener, number, SLICE_MS)
                passed = second.passed()
                if feed.collector.is_full or (passed and feed.collector.waiting):
                    feed.take(time.time_ns())
                if passed:
                    feed.tick(time.time_ns())
                    self._save_templates(number, feed)
                if self._cuts is not None and self._cuts.wanted():
                    feed.take(time.time_ns())
                    self._cuts.arrive(number, feed.next_number, feed.collector.saved_sequences())
            feed.take(time.time_ns())
            self._save_due_s.clear()
            self._save_templates(number, feed)

        return run

    def _save_templates(self, number: int, feed: Feed) -> None:
        if self._folder is None or time.monotonic() < self._save_due_s.get(number, 0.0):
            return
        begun_s = time.monotonic()
        octets = feed.collector.saved_templates()
        if octets is not None:
            self._folder.write_templates(number, octets)
        # Many exporters make this slow: then it is done less often, and takes a twentieth at most.
        took_s = time.monotonic() - begun_s
        self._save_due_s[number] = begun_s + 20 * took_s

    def _tcp_worker(self, tcp: TcpSessions, feed: Feed) -> Callable[[], None]:
        def run() -> None:
            second = Second()
            while self._gate.is_open:
                tcp.poll(feed.collector, SLICE_MS / 1000)
                passed = second.passed()
                if feed.collector.is_full or (passed and feed.collector.waiting):
                    feed.take(time.time_ns())
                if passed:
                    feed.tick(time.time_ns())
            feed.take(time.time_ns())

        return run

    def _reader(self, feed: Feed) -> Callable[[], None]:
        def run() -> None:
            for source in self._part.sources:
                before = self._octets_skipped()
                try:
                    while self._gate.is_open and feed.collector.read(source):
                        self._give_out(feed)
                except DecodeError as error:
                    self.errors.append(error)
                self._give_out(feed)
                skipped = self._octets_skipped() - before
                if skipped:
                    problem = f"{source}: {skipped:,} octets are no messages; it is cut or damaged"
                    self.errors.append(DecodeError(problem, file=source))

        return run

    def _octets_skipped(self) -> int:
        """What files hold beside messages."""
        return self.ledger().count("message", "noted", "between messages", unit="octets")

    def _give_out(self, feed: Feed) -> None:
        now_ns = feed.collector.clock_ns
        feed.take(now_ns)
        feed.tick(now_ns)


def look_at(source: str) -> None:
    """Finds out whether a file is there before anything is begun.

    Raises:
        ConfigError: it is not, or may not be read.
    """
    path = source.removeprefix("pcap:").removeprefix("ipfix:")
    try:
        Path(path).stat()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    if not os.access(path, os.R_OK):
        raise ConfigError(f"{path}: Permission denied")


def addresses(part: Collector) -> tuple[list[Address], list[Address]]:
    """UDP's and TCP's; without a host those of both families, where the machine has them."""
    udp: list[Address] = []
    tcp: list[Address] = []
    for text in part.listen:
        asked = parse_listen(text)
        hosts = [asked.address.host] if asked.address.host else everywhere()
        wanted = udp if asked.transport == "udp" else tcp
        wanted += [Address(host, asked.address.port) for host in hosts]
    return list(dict.fromkeys(udp)), list(dict.fromkeys(tcp))


def everywhere() -> list[str]:
    """The addresses that stand for all of this machine's."""
    hosts = ["0.0.0.0"]  # noqa: S104 -- what was asked for by naming no host
    if socket.has_ipv6:
        try:
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as trial:
                trial.bind(("::", 0))
            hosts.append("::")
        except OSError:
            LOG.debug("no IPv6 here")
    return hosts


LOG = logging.getLogger("penstock.collect")

LAST_S = 1.0
"""How long a worker empties its sockets at the end, where exporters do not cease."""

SLICE_MS = 200
"""How long a worker receives at a time: short enough for a prompt end and for cuts, no cost."""
