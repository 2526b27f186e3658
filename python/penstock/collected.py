# SPDX-License-Identifier: Apache-2.0
"""Flow exports in Python: a collector to iterate over, and a decoder for octets that came otherwise."""

from __future__ import annotations

import ipaddress
import queue
import time
from typing import TYPE_CHECKING, Any, Self, cast

from penstock import _core
from penstock.batch import FlowBatch
from penstock.errors import ConfigError, DecodeError
from penstock.ledger import Ledger
from penstock.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from penstock.batch import Kind
    from penstock.pipeline.collecting import Collecting
    from penstock.sinks.base import BatchId


class Handover:
    """Where workers put batches for who iterates; they wait while nobody takes any."""

    def __init__(self, kinds: Collection[Kind]) -> None:
        self._kinds = frozenset(kinds)
        self._queue: queue.Queue[FlowBatch] = queue.Queue(WAITING_BATCHES)
        self.wants_more = True

    def offer_together(self, batches: Sequence[tuple[BatchId, FlowBatch]], now_ns: int) -> None:
        """Takes the batches that are wanted, or waits until there is room, or nobody is there."""
        _ = now_ns
        for _, batch in batches:
            while self.wants_more and batch.kind in self._kinds:
                try:
                    self._queue.put(batch, timeout=0.2)
                except queue.Full:
                    continue
                break

    def tick(self, now_ns: int) -> None:
        """Time is of no interest here."""

    def next(self, timeout_s: float) -> FlowBatch | None:
        """The next batch, if one comes in time."""
        try:
            return self._queue.get(timeout=timeout_s) if timeout_s else self._queue.get_nowait()
        except queue.Empty:
            return None


class Collected(Tables):
    """What a collector receives: an iterator over batches, once through.

    Sockets are bound when it is made, and receive from then on. A live one goes on until :meth:`stop` is
    called, from another thread or in the loop; then what was received is still given out. It is also
    a context manager, which stops at its end. Ctrl-C raises :class:`KeyboardInterrupt`, and reception ends.
    """

    def __init__(self, collecting: Collecting, kinds: Collection[Kind]) -> None:
        self._collecting = collecting
        self._handover = Handover(kinds)
        self._table_kind = table_kind(kinds)
        self._ended = False
        collecting.start([self._handover])

    def __iter__(self) -> Iterator[FlowBatch]:
        return self

    def __next__(self) -> FlowBatch:
        try:
            while True:
                batch = self._handover.next(LOOK_S)
                if batch is not None:
                    return batch
                if self._collecting.join(0):
                    break
        except KeyboardInterrupt:
            self.stop()
            raise
        batch = self._handover.next(0)  # what came between the look and the end
        if batch is not None:
            return batch
        self._end()
        raise StopIteration

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def stop(self) -> None:
        """Receives no more; what was received is still given out."""
        self._collecting.stop()

    def close(self) -> None:
        """Receives no more, and forgets what was received and not given out."""
        self._handover.wants_more = False
        self._collecting.stop()
        while not self._collecting.join(LOOK_S):
            continue
        if not self._ended:
            self._ended = True
            self._collecting.close()

    @property
    def addresses(self) -> list[str]:
        """What is listened on, as URIs; ports that were asked for as 0 are known here."""
        return self._collecting.addresses

    @property
    def ledger(self) -> Ledger:
        """What was counted so far; complete once the batches have been taken."""
        return self._collecting.ledger()

    @property
    def clock_ns(self) -> int:
        """The latest time at which anything was received; a file's own."""
        return self._collecting.clock_ns

    @property
    def summary(self) -> str:
        """The ledger in words, as the command line shows it."""
        from penstock.pipeline.summary import summary  # noqa: PLC0415

        seconds = self._collecting.seconds
        return summary(self.ledger, seconds, seconds, self.exporters())

    def exporters(self) -> list[_core.ExporterRow]:
        """Who has sent what."""
        return self._collecting.exporters()

    def templates(self) -> list[_core.TemplateRow]:
        """Every template that is known."""
        return self._collecting.templates()

    def _empty(self) -> FlowBatch:
        return empty_batch(self._table_kind)

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._collecting.close()
            if self._collecting.errors:
                raise self._collecting.errors[0]


class Decoded(Tables):
    """What was in some datagrams: batches, as often as wanted."""

    def __init__(self, batches: list[FlowBatch], empty: FlowBatch) -> None:
        self._batches = batches
        self._nothing = empty

    def __iter__(self) -> Iterator[FlowBatch]:
        return iter(self._batches)

    def __len__(self) -> int:
        """How many flows."""
        return sum(len(batch) for batch in self._batches if batch.kind == "flows")

    def __repr__(self) -> str:
        return f"<Decoded: {len(self)} flows>"

    def _empty(self) -> FlowBatch:
        return self._nothing


class Decoder:
    """Turns datagrams into flows and remembers what that takes: templates, sampling rates, sequences.

    Args:
        settings: those of a collector in a configuration file, such as ``default_sampling=1000``.
    """

    def __init__(self, **settings: Any) -> None:
        from penstock.config import native, shorthand  # noqa: PLC0415 -- pydantic takes its time

        said = shorthand.CollectShorthand(listen=["udp://localhost:0"], settings=settings)
        self._native = native.collector(said.graph().collectors[0])

    def decode(
        self,
        datagram: bytes | Iterable[bytes],
        *,
        exporter: str = "0.0.0.0",  # noqa: S104 -- nothing is bound
        port: int = 0,
        time: float | None = None,
        kinds: str | Sequence[str] = ("flows",),
    ) -> Decoded:
        """The flows in one datagram or several, and whatever waited for the templates in them.

        Args:
            datagram: UDP payload: NetFlow v5 or v9, IPFIX or sFlow.
            exporter: the address that it came from.
            port: the port that it came from.
            time: when it was received, in seconds since 1970; now when absent.
            kinds: what to give out: see :func:`penstock.collect`.

        Raises:
            ConfigError: an argument cannot be.
            DecodeError: one datagram was given, and nothing in it could be used.
        """
        wanted = kinds_of(kinds)
        if port not in range(1 << 16):
            raise ConfigError(f"port: {port!r} is not possible; allowed: 0 to 65535")
        try:
            addr = str(ipaddress.ip_address(exporter))
        except ValueError as error:
            raise ConfigError(f"exporter: {exporter!r} is no IP address") from error
        when_ns = now_ns() if time is None else round(time * 1e9)
        single = isinstance(datagram, (bytes, bytearray, memoryview))
        before = self.ledger if single else None
        datagrams = (
            [bytes(cast("bytes", datagram))] if single else cast("Iterable[bytes]", datagram)
        )
        batches: list[FlowBatch] = []
        for octets in datagrams:
            self._native.datagram(octets, addr, port, when_ns)
            if self._native.is_full:
                batches += self._take()
        batches += self._take()
        if before is not None:
            self._complain(before)
        batches = [batch for batch in batches if batch.kind in wanted]
        return Decoded(batches, empty_batch(table_kind(wanted)))

    @property
    def ledger(self) -> Ledger:
        """What was counted so far."""
        return Ledger.of(self._native.ledger())

    def exporters(self) -> list[_core.ExporterRow]:
        """Whose datagrams there were."""
        return self._native.exporters()

    def templates(self) -> list[_core.TemplateRow]:
        """Every template that is known."""
        return self._native.templates()

    def _take(self) -> list[FlowBatch]:
        return [FlowBatch(rows, cast("Kind", kind)) for kind, rows in self._native.take()]

    def _complain(self, before: Ledger) -> None:
        old = before.reasons("lost", stage="message", unit="datagrams")
        for reason, count in self.ledger.reasons("lost", stage="message", unit="datagrams").items():
            if count > old.get(reason, 0):
                raise DecodeError(reason)


def table_kind(kinds: Collection[Kind]) -> Kind:
    """The kind that a table of batches of these kinds is of."""
    return "flows" if "flows" in kinds else next(iter(kinds), "flows")


def empty_batch(kind: Kind) -> FlowBatch:
    """No rows, all columns of that kind."""
    return FlowBatch(_core.Collector.empty_batch(kind), kind)


def kinds_of(names: str | Sequence[str]) -> tuple[Kind, ...]:
    """Kinds of batch, as a caller names them.

    Raises:
        ConfigError: there is no such kind.
    """
    from penstock.sinks.base import kind_names  # noqa: PLC0415 -- pydantic takes its time

    try:
        return cast("tuple[Kind, ...]", kind_names(names if isinstance(names, str) else [*names]))
    except ValueError as error:
        raise ConfigError(str(error)) from error


def now_ns() -> int:
    """The clock."""
    return time.time_ns()


WAITING_BATCHES = 4
"""Batches that wait for who iterates."""

LOOK_S = 0.1
"""How often to look whether the end has come."""
