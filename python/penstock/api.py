# SPDX-License-Identifier: Apache-2.0
"""The front door: one call from a capture to flows."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Literal

from penstock import _core
from penstock.batch import Addresses, FlowBatch, plain_storage
from penstock.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future

    import pandas as pd
    import polars as pl
    import pyarrow as pa

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


class Flows:
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
        self._started = time.perf_counter()
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

    def to_arrow(self, *, addresses: Addresses = "text") -> pa.Table:
        """A :class:`pyarrow.Table` of all flows; without any, its columns are still there."""
        import pyarrow as pa  # noqa: PLC0415 -- heavy, and only some need it

        batches = [batch.to_arrow(addresses=addresses) for batch in self]
        if not batches:
            batches = [FlowBatch(self._native.empty_batch()).to_arrow(addresses=addresses)]
        return pa.Table.from_batches(batches).unify_dictionaries()

    def to_pandas(self, *, addresses: Addresses = "text") -> pd.DataFrame:
        """A :class:`pandas.DataFrame`; needs ``pip install 'penstock[pandas]'``."""
        return self.to_arrow(addresses=addresses).to_pandas()

    def to_polars(self, *, addresses: Addresses = "text") -> pl.DataFrame:
        """A :class:`polars.DataFrame`; needs ``pip install 'penstock[polars]'``."""
        import polars as pl  # noqa: PLC0415 -- an extra

        return pl.DataFrame(pl.from_arrow(plain_storage(self.to_arrow(addresses=addresses))))

    def rows(self, *, addresses: Addresses = "text") -> Iterator[dict[str, object]]:
        """A dict a flow; see :meth:`FlowBatch.rows`."""
        for batch in self:
            yield from batch.rows(addresses=addresses)

    def stop(self) -> None:
        """Reads no further; the flows in the table are still given out."""
        self._native.stop()

    @property
    def ledger(self) -> Ledger:
        """What was counted so far; complete once the flows have been taken."""
        return Ledger.of(self._native.ledger())

    @property
    def summary(self) -> str:
        """The ledger in words, as the command line shows it."""
        from penstock.pipeline.summary import summary  # noqa: PLC0415

        reading_s = self._native.progress()["seconds"]
        return summary(self.ledger, reading_s, time.perf_counter() - self._started)


def columns() -> list[_core.ColumnRow]:
    """Every column that a flow can have: name, type, group, information elements, summary."""
    return _core.columns()


def plugins() -> list[_core.PluginRow]:
    """Every plugin of this build: name, summary, columns, options, an example."""
    return _core.plugins()
