# SPDX-License-Identifier: Apache-2.0
"""Parquet files in a folder, complete or not there at all.

A name is never used again: what a folder holds already stays. The same flows give the same octets.
Flows are in the folder itself, other kinds of batch in a folder each below it. Batches that differ in
their columns share a file, in which null stands for what one lacks; only columns that come up after the
first row group was written begin another file.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from penstock import _core
from penstock.errors import SinkError
from penstock.quantity import NS_PER_S, nanoseconds, octets, seconds
from penstock.sinks.base import (
    ALL_KINDS,
    BatchId,
    Columns,
    Delivery,
    Sink,
    SinkOfKindsSettings,
)
from penstock.sinks.parquet_encoding import writer_options
from penstock.sinks.whole_file import WholeFile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pyarrow as pa

    from penstock.batch import FlowBatch, Kind


class ParquetSettings(SinkOfKindsSettings):
    """Options of ``parquet:``."""

    rotate: Annotated[float, BeforeValidator(seconds)] = 300.0
    """Time that one file covers, in seconds or as `5m`; 0 for no limit. Of captures it is the packets' time, of what is received as it happens the clock's."""

    max_size: Annotated[int, BeforeValidator(octets)] = 256 << 20
    """Octets, or such as `64MiB`, at which a file is full; 0 for no limit."""

    addresses: Literal["binary", "text"] = "binary"
    """IP addresses as 16 octets and MACs as 6, or both as people write them."""

    columns: Columns | None = None
    """Which columns of flows; all that the batch has when absent."""

    compression_level: Annotated[int, Field(ge=1, le=22)] = 1
    """Zstandard's level: higher is smaller and slower. At 1, collected flows are laid out for speed, partly with LZ4, and older readers (DuckDB 1.4) need 2."""


class Parquet(Sink):
    """Rotates by time and by size."""

    kinds: ClassVar[frozenset[Kind]] = ALL_KINDS
    delivery: ClassVar[Delivery] = "at least once"
    blocks: ClassVar[bool] = True

    def __init__(self, uri: str, settings: ParquetSettings, place: str) -> None:
        super().__init__(uri, settings, place)
        self._settings = settings
        self._folder = Path(place)
        self._rotate_ns = nanoseconds(settings.rotate)
        self._clock_ns = 0
        self._now_ns = 0
        self._windows: dict[Kind, int] = {}
        self._known: dict[Kind, dict[str, pa.Field]] = {}
        self._files: dict[Kind, list[OpenFile]] = {}
        self._safe: list[BatchId] = []

    def open(self, columns: object) -> None:
        """Makes the folders, where they are missing."""
        # Now, because loading it while packets are read would hold these up.
        import pyarrow.compute  # noqa: PLC0415
        import pyarrow.parquet  # noqa: PLC0415, F401

        _ = columns
        try:
            for kind in sorted(self.takes):
                self._folder_of(kind).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failed(error) from error
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise SinkError("the folder cannot be written to", sink=self.uri)
        if self.live:
            self._now_ns = time.time_ns()

    def write(self, batch_id: BatchId, batch: FlowBatch) -> None:
        held_by = None
        try:
            for window, rows in self._by_window(batch.kind, self._arrow(batch)):
                if window != self._windows.get(batch.kind):
                    self._finish_all(batch.kind)
                    self._windows[batch.kind] = window
                held_by = self._append(batch.kind, rows)
        except OSError as error:
            raise self._failed(error) from error
        # Where the last row filled a file, none is open and all of the batch is safe.
        (self._safe if held_by is None else held_by.batches).append(batch_id)

    def tick(self, now_ns: int) -> None:
        self._now_ns = max(self._now_ns, now_ns)

    def wants_flush(self) -> bool:
        window = self._now_ns // self._rotate_ns if self._rotate_ns else 0
        return any(
            (self._rotate_ns and self._windows.get(kind) != window) or self._is_full(file)
            for kind, files in self._files.items()
            for file in files
        )

    def safe(self) -> Collection[BatchId]:
        """The batches in files that are whole."""
        safe, self._safe = self._safe, []
        return safe

    def flush(self) -> Collection[BatchId]:
        """Ends the files that are open."""
        try:
            self._finish_all()
        except OSError as error:
            raise self._failed(error) from error
        return self.safe()

    def close(self) -> None:
        """Gives up what no :meth:`flush` has made a file."""
        for files in self._files.values():
            for file in files:
                file.discard()
        self._files.clear()

    def _folder_of(self, kind: Kind) -> Path:
        return self._folder if kind == "flows" else self._folder / kind

    def _arrow(self, batch: FlowBatch) -> pa.RecordBatch:
        arrow = batch.to_arrow(addresses=self._settings.addresses)
        if self._settings.columns is not None and batch.kind == "flows":
            # The time is needed for rotation; it is dropped again in _append.
            wanted = [name for name in self._settings.columns if name in arrow.schema.names]
            extra = [] if CLOCK in wanted else [CLOCK]
            arrow = arrow.select(wanted + extra)
        return arrow

    def _by_window(self, kind: Kind, arrow: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
        """The batch cut where the time that flows have reached enters another window.

        Live batches stay whole, since a file then ends only where :meth:`flush` is asked for.
        """
        if not arrow.num_rows:
            return
        if self.live or kind != "flows":
            known = self._windows.get(kind) if self.live and self._files.get(kind) else None
            here = self._now_ns // self._rotate_ns if self._rotate_ns else 0
            yield here if known is None else known, arrow
            return
        ends = arrow.column(CLOCK).cast("int64")
        if not self._rotate_ns:
            self._clock_ns = max(self._clock_ns, ends[0].as_py())
            yield 0, arrow
            return
        start, rows = 0, arrow.num_rows
        while start < rows:
            self._clock_ns = max(self._clock_ns, ends[start].as_py())
            window = self._clock_ns // self._rotate_ns
            end = first_reaching(ends, start, (window + 1) * self._rotate_ns)
            self._clock_ns = max(self._clock_ns, latest(ends, start, end))
            yield window, arrow.slice(start, end - start)
            start = end

    def _append(self, kind: Kind, rows: pa.RecordBatch) -> OpenFile | None:
        """Puts rows into a file that has their columns; the file, if it is still open then."""
        columns = self._settings.columns
        if kind == "flows" and columns is not None and CLOCK not in columns:
            rows = rows.select([name for name in rows.schema.names if name != CLOCK])
        known = self._known.setdefault(kind, {})
        known.update((field.name, field) for field in rows.schema if field.name not in known)
        files = self._files.setdefault(kind, [])
        file = next((one for one in files if one.can_hold(rows.schema)), None)
        if file is None:
            clock_ns = self._now_ns if self.live or kind != "flows" else self._clock_ns
            first_ns = (self._windows.get(kind) or 0) * self._rotate_ns or clock_ns
            file = OpenFile(self._folder_of(kind), kind, first_ns, known, self._settings)
            files.append(file)
        file.append(rows, full_at=self._settings.max_size)
        if self._is_full(file) and not self.live:
            self._finish(kind, file)
            return None
        return file

    def _is_full(self, file: OpenFile) -> bool:
        return 0 < self._settings.max_size <= file.octets

    def _finish(self, kind: Kind, file: OpenFile) -> None:
        file.publish()
        self._files[kind].remove(file)
        self._safe += file.batches

    def _finish_all(self, kind: Kind | None = None) -> None:
        for one, files in self._files.items():
            if kind in (None, one):
                for file in list(files):
                    self._finish(one, file)

    def _failed(self, error: OSError) -> SinkError:
        self.close()
        return SinkError(error.strerror or str(error), sink=self.uri)


def first_reaching(times_ns: pa.Int64Array, start: int, limit_ns: int) -> int:
    """The first row from ``start`` on whose time is ``limit_ns`` or later; else how many rows there are.

    Halves the rows by their latest time. Comparing them all with a number would be shorter, but
    pyarrow imports pandas, where that is installed, to make its scalar of a number.
    """
    low, high = start, len(times_ns)
    if latest(times_ns, low, high) < limit_ns:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if latest(times_ns, low, middle) < limit_ns:
            low = middle
        else:
            high = middle
    return low


def latest(times_ns: pa.Int64Array, start: int, end: int) -> int:
    """The latest of the times from ``start`` to before ``end``."""
    import pyarrow.compute as pc  # noqa: PLC0415

    found: int = pc.max(times_ns.slice(start, end - start)).as_py()
    return found


class OpenFile:
    """One Parquet file on its way to its name."""

    def __init__(
        self,
        folder: Path,
        kind: Kind,
        first_ns: int,
        known: dict[str, pa.Field],
        settings: ParquetSettings,
    ) -> None:
        moment = datetime.fromtimestamp(first_ns // NS_PER_S, UTC)
        self._file = WholeFile(folder, f"{kind}-{moment:%Y%m%dT%H%M%SZ}", ".parquet")
        self._known = known
        self._level = settings.compression_level
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0
        self._pending_octets = 0
        self._schema: pa.Schema | None = None
        self._writer: Any = None
        self.batches: list[BatchId] = []
        """Batches that are safe once this file is."""

    @property
    def octets(self) -> int:
        """Octets written so far; the footer comes on top."""
        return self._file.octets

    def can_hold(self, schema: pa.Schema) -> bool:
        """Whether it has those columns, or may still get them."""
        names = set(self._known if self._schema is None else self._schema.names)
        return all(
            field.name in names and self._known[field.name].equals(field) for field in schema
        )

    def append(self, rows: pa.RecordBatch, *, full_at: int) -> None:
        """Holds the rows until there are enough for a row group."""
        self._pending.append(rows)
        self._pending_rows += rows.num_rows
        self._pending_octets += rows.nbytes
        full = bool(full_at) and self.octets + self._pending_octets >= full_at
        if full or self._pending_rows >= ROW_GROUP_ROWS:
            self._put_row_group()

    def publish(self) -> None:
        """Makes the file whole, safe on the disk, and visible."""
        if self._pending:
            self._put_row_group()
        self._writer.close()
        self._file.publish_numbered()

    def discard(self) -> None:
        """Leaves nothing behind."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
        self._file.discard()

    def _put_row_group(self) -> None:
        import pyarrow as pa  # noqa: PLC0415

        if self._schema is None:
            self._begin()
        table = pa.Table.from_batches([widened(part, self._schema) for part in self._pending])
        self._writer.write_table(table, row_group_size=table.num_rows)
        self._pending, self._pending_rows, self._pending_octets = [], 0, 0

    def _begin(self) -> None:
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415

        fields = list(self._known.values())
        if any(part.num_columns < len(fields) for part in self._pending):
            order = {row["name"]: place for place, row in enumerate(_core.columns())}
            fields.sort(key=lambda field: order.get(field.name, len(order)))
        self._schema = pa.schema(fields)
        options = writer_options(self._schema, self._pending[0], self._level)
        self._writer = parquet.ParquetWriter(self._file.out, self._schema, **options)


def widened(rows: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The same rows with all the columns of ``schema``; those that it lacks are null."""
    import pyarrow as pa  # noqa: PLC0415

    if rows.schema.names == schema.names:
        return rows
    columns = [
        rows.column(field.name)
        if field.name in rows.schema.names
        else nulls(field.type, rows.num_rows)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def nulls(kind: pa.DataType, rows: int) -> pa.Array:
    """So many nulls, without making them anew each time."""
    import pyarrow as pa  # noqa: PLC0415

    if kind not in NULLS or len(NULLS[kind]) < rows:
        NULLS[kind] = pa.nulls(max(rows, ROW_GROUP_ROWS), kind)
    return NULLS[kind].slice(0, rows)


CLOCK = "time_end"
"""The column that rotation goes by."""

ROW_GROUP_ROWS = 262_144
"""Enough for columns to compress and be skipped well, few enough to hold in memory."""

NULLS: dict[Any, Any] = {}
"""Columns of nulls by type, as long as was ever needed."""
