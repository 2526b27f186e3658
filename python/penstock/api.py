# SPDX-License-Identifier: Apache-2.0
"""The front door: one call from a capture, or from exporters' datagrams, to flows."""

from __future__ import annotations

import os
import time as clock
from typing import TYPE_CHECKING, Literal

from penstock import _core
from penstock.batch import FlowBatch
from penstock.ledger import Ledger
from penstock.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from penstock.collected import Collected, Decoded, Decoder

    Source = str | os.PathLike[str]
    Plugin = str | tuple[str, Mapping[str, object]]


def meter(  # noqa: PLR0913 -- keyword-only settings, a line each
    source: Source | Sequence[Source],
    *,
    plugins: Sequence[Plugin] = (),
    filter: str | None = None,  # noqa: A002 -- the word that everybody knows it by
    active_timeout: float | str = 300.0,
    idle_timeout: float | str = 30.0,
    uniflow: bool = False,
    tunnel: Literal["inner", "outer"] = "inner",
    key: str | Sequence[str] | None = None,
    max_flows: int = 1_000_000,
    threads: int = 1,
    count: int | None = None,
) -> Flows:
    """Meters one or more captures into flows.

    Args:
        source: a capture file (pcap or pcapng, also .gz and .zst), ``-`` for standard input, or
            several that are read one after another as one stream.
        plugins: what looks into the flows: ``"pstats"``, ``"pstats?includezeroes=true"`` or
            ``("pstats", {"includezeroes": True})``.
        filter: a pcap-filter(7) expression; only packets that match are metered.
        active_timeout: seconds of packet time, or such as ``"5m"``, after which a flow that goes on is
            cut.
        idle_timeout: seconds of packet time without packets after which a flow has ended.
        uniflow: a record for each direction, in place of one for both.
        tunnel: meter the packet inside a tunnel, or the one that carries it.
        key: what makes packets one flow, in place of the default: fields, or their names with commas
            between.
        max_flows: flows held at a time.
        threads: threads that read and meter; the flows are the same for any number.
        count: stop after this many packets.

    Returns:
        The flows, in batches, as they are iterated over or taken as a table.

    Raises:
        ConfigError: an argument cannot be, or a file cannot be opened.
        DecodeError: the file is not a capture.
    """
    from penstock.config import native, shorthand  # noqa: PLC0415 -- pydantic takes its time

    paths = [source] if isinstance(source, (str, os.PathLike)) else source
    graph = shorthand.Shorthand(
        sources=[os.fspath(path) for path in paths],
        plugins=[plugins] if isinstance(plugins, str) else plugins,
        filter=filter,
        active_timeout=active_timeout,
        idle_timeout=idle_timeout,
        uniflow=uniflow,
        tunnel=tunnel,
        key=key.split(",") if isinstance(key, str) else key,
        max_flows=max_flows,
        threads=threads,
        count=count,
    ).graph()
    return Flows(native.meter(graph, graph.caches[0]))


def collect(  # noqa: PLR0913 -- keyword-only settings, a line each
    source: Source | Sequence[Source] = (),
    *,
    listen: str | Sequence[str] = (),
    kinds: str | Sequence[str] = ("flows",),
    workers: int = 1,
    sampling: Mapping[str, float] | None = None,
    default_sampling: float | None = None,
    tunnel: Literal["inner", "outer"] = "inner",
    state: Source | None = None,
    count: int | None = None,
    duration: float | str | None = None,
    **settings: object,
) -> Collected:
    """Collects flow exports: NetFlow v5 and v9, IPFIX, sFlow.

    Args:
        source: files to read in place of listening: captures of exporters' traffic, IPFIX files.
        listen: ``udp://HOST:PORT``, ``tcp://HOST:PORT``, a UDP port; several too. Without it and
            without files: UDP 2055, 4739 and 6343, and TCP 4739.
        kinds: what to give out beside flows: ``"options"``, ``"interface_counters"``, ``"drops"``;
            ``"all"``.
        workers: threads that receive by UDP.
        sampling: rates (1 in N) by exporter address, whatever the exporter says.
        default_sampling: the rate of exporters that do not say one.
        tunnel: of a sampled packet in a tunnel, the packet inside, or the one that carries it.
        state: folder that keeps templates and sequence numbers for the next time.
        count: stop once this many flows have come.
        duration: stop listening after so many seconds, or such as ``"5m"``.
        settings: any other setting of a collector in a configuration file.

    Returns:
        The batches, as they are iterated over or, where that has an end, taken as a table.

    Raises:
        ConfigError: an argument cannot be, a file cannot be opened, or an address is taken.
    """
    from penstock.collected import Collected, kinds_of  # noqa: PLC0415 -- pydantic takes its time
    from penstock.config import shorthand  # noqa: PLC0415
    from penstock.pipeline.collecting import Collecting  # noqa: PLC0415

    paths = [source] if isinstance(source, (str, os.PathLike)) else source
    said = shorthand.CollectShorthand(
        listen=[listen] if isinstance(listen, str) else listen,
        sources=[os.fspath(path) for path in paths],
        sampling=sampling,
        settings={
            "workers": workers,
            "default_sampling": default_sampling,
            "tunnel": tunnel,
            "state": None if state is None else os.fspath(state),
            "count": count,
            "duration": duration,
            **settings,
        },
    )
    return Collected(Collecting(said.graph().collectors[0]), kinds_of(kinds))


def decode(  # noqa: PLR0913 -- keyword-only settings, a line each
    datagram: bytes | Iterable[bytes],
    *,
    exporter: str = "0.0.0.0",  # noqa: S104 -- nothing is bound
    port: int = 0,
    time: float | None = None,
    kinds: str | Sequence[str] = ("flows",),
    decoder: Decoder | None = None,
) -> Decoded:
    """The flows in one datagram of NetFlow, IPFIX or sFlow, or in several.

    Args:
        datagram: UDP payload, or several.
        exporter: the address that it came from.
        port: the port that it came from.
        time: when it was received, in seconds since 1970; now when absent.
        kinds: what to give out: see :func:`collect`.
        decoder: what remembers templates from one call to the next; nothing does when absent.

    Raises:
        ConfigError: an argument cannot be.
        DecodeError: one datagram was given, and nothing in it could be used.
    """
    from penstock.collected import Decoder  # noqa: PLC0415 -- pydantic takes its time

    memory = Decoder() if decoder is None else decoder
    return memory.decode(datagram, exporter=exporter, port=port, time=time, kinds=kinds)


class Flows(Tables):
    """The flows of one run: an iterator over batches, once through.

    Taking them as a table reads what has not been iterated over yet. Where the input is cut or
    broken, every flow up to there is given out, and then
    :class:`~penstock.errors.DecodeError` is raised.

    Ctrl-C is heard while packets are read: :class:`KeyboardInterrupt` is raised, reading ends, and
    who catches it finds the flows that were in the table by going on.
    """

    def __init__(self, native: _core.Meter) -> None:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 -- takes its time

        self._native = native
        self._started = clock.perf_counter()
        # The native half hears no signals. So it runs beside the calling thread, which waits.
        self._thread = ThreadPoolExecutor(1, "meter")
        self._next: Future[_core.Batch | None] | None = None

    def __iter__(self) -> Iterator[FlowBatch]:
        return self

    def __next__(self) -> FlowBatch:
        if self._next is None:
            self._next = self._thread.submit(self._native.next_batch)
        try:
            batch = self._next.result()
        except KeyboardInterrupt:
            self._native.stop()
            raise
        finally:
            if self._next.done():
                self._next = None
        if batch is None:
            raise StopIteration
        return FlowBatch(batch)

    def stop(self) -> None:
        """Reads no further; the flows in the table are still given out."""
        self._native.stop()

    @property
    def ledger(self) -> Ledger:
        """What was counted so far; complete once the flows have been taken."""
        return Ledger.of(self._native.ledger())

    def _empty(self) -> FlowBatch:
        return FlowBatch(self._native.empty_batch())

    @property
    def summary(self) -> str:
        """The ledger in words, as the command line shows it."""
        from penstock.pipeline.summary import summary  # noqa: PLC0415

        reading_s = self._native.progress()["seconds"]
        return summary(self.ledger, reading_s, clock.perf_counter() - self._started)


def columns() -> list[_core.ColumnRow]:
    """Every column that a flow can have: name, type, group, information elements, summary."""
    return _core.columns()


def plugins() -> list[_core.PluginRow]:
    """Every plugin of this build: name, summary, columns, options, an example."""
    return _core.plugins()
