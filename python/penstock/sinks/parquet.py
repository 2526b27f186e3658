# SPDX-License-Identifier: Apache-2.0
"""Parquet files in a folder, complete or not there at all.

A file is written under a hidden name ending in ``.part`` and gets its own name once it is whole
and on the disk, so that readers of ``*.parquet`` never meet half of one. A name is never used
again: what a folder holds already stays. The same flows give the same octets.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from penstock.errors import SinkError
from penstock.quantity import NS_PER_S, nanoseconds, octets, seconds
from penstock.sinks.base import BatchId, Columns, Delivery, Sink, SinkSettings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pyarrow as pa

    from penstock.batch import FlowBatch


class ParquetSettings(SinkSettings):
    """Options of ``parquet:``."""

    rotate: Annotated[float, BeforeValidator(seconds)] = 300.0
    """Packet time that one file covers, in seconds or as ``5m``; 0 for no limit."""

    max_size: Annotated[int, BeforeValidator(octets)] = 256 << 20
    """Octets, or such as ``64MiB``, at which a file is full; 0 for no limit."""

    addresses: Literal["binary", "text"] = "binary"
    """IP addresses as 16 octets and MACs as 6, or both as people write them."""

    columns: Columns | None = None
    """Which columns; all that the batch has when absent."""

    compression_level: Annotated[int, Field(ge=1, le=22)] = 1
    """Zstandard's level: higher is smaller and slower."""


class Parquet(Sink):
    """Rotates by packet time and by size."""

    delivery: ClassVar[Delivery] = "at least once"

    def __init__(self, uri: str, settings: ParquetSettings, place: str) -> None:
        super().__init__(uri, settings, place)
        self._settings = settings
        self._folder = Path(place)
        self._rotate_ns = nanoseconds(settings.rotate)
        self._clock_ns = 0
        self._window: int | None = None
        self._file: PartFile | None = None
        self._pending: list[pa.RecordBatch] = []
        self._in_file: list[BatchId] = []
        self._safe: list[BatchId] = []

    def open(self, columns: object) -> None:
        """Makes the folder, where it is missing."""
        # Now, because loading it while packets are read would hold these up.
        import pyarrow.compute  # noqa: PLC0415
        import pyarrow.parquet  # noqa: PLC0415, F401

        _ = columns
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failed(error) from error
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise SinkError("the folder cannot be written to", sink=self.uri)

    def write(self, batch_id: BatchId, batch: FlowBatch) -> None:
        try:
            for window, rows in self._by_window(self._arrow(batch)):
                if window != self._window:
                    self._finish()
                    self._window = window
                self._append(rows)
        except OSError as error:
            raise self._failed(error) from error
        # Where the last row filled a file, none is open and all of the batch is safe.
        (self._safe if self._file is None else self._in_file).append(batch_id)

    def safe(self) -> Collection[BatchId]:
        """The batches in files that are whole."""
        safe, self._safe = self._safe, []
        return safe

    def flush(self) -> Collection[BatchId]:
        """Ends the file that is open."""
        try:
            self._finish()
        except OSError as error:
            raise self._failed(error) from error
        return self.safe()

    def close(self) -> None:
        """Gives up what no :meth:`flush` has made a file."""
        self._pending.clear()
        if self._file is not None:
            self._file.discard()
            self._file = None

    def _arrow(self, batch: FlowBatch) -> pa.RecordBatch:
        arrow = batch.to_arrow(addresses=self._settings.addresses)
        if self._settings.columns is not None:
            # The time is needed for rotation; it is dropped again in PartFile's schema.
            wanted = [name for name in self._settings.columns if name in arrow.schema.names]
            extra = [] if CLOCK in wanted else [CLOCK]
            arrow = arrow.select(wanted + extra)
        return arrow

    def _by_window(self, arrow: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
        """The batch cut where the time that flows have reached enters another window."""
        if not arrow.num_rows:
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

    def _append(self, rows: pa.RecordBatch) -> None:
        if self._settings.columns is not None and CLOCK not in self._settings.columns:
            rows = rows.select([name for name in rows.schema.names if name != CLOCK])
        if self._file is not None and self._file.schema != rows.schema:
            self._finish()
        if self._file is None:
            first_ns = (self._window or 0) * self._rotate_ns or self._clock_ns
            self._file = PartFile(self._folder, first_ns, rows.schema, self._settings)
        self._pending.append(rows)
        held = sum(part.nbytes for part in self._pending)
        limit = self._settings.max_size
        full = bool(limit) and self._file.octets + held >= limit
        if full or sum(part.num_rows for part in self._pending) >= ROW_GROUP_ROWS:
            self._put_row_group()
        if limit and self._file.octets >= limit:
            self._finish()

    def _put_row_group(self) -> None:
        if self._file is not None and self._pending:
            self._file.write(self._pending)
        self._pending = []

    def _finish(self) -> None:
        if self._file is None:
            return
        self._put_row_group()
        self._file.publish()
        self._file = None
        self._safe += self._in_file
        self._in_file = []

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


class PartFile:
    """One Parquet file on its way to its name."""

    def __init__(
        self, folder: Path, first_ns: int, schema: pa.Schema, settings: ParquetSettings
    ) -> None:
        from pyarrow import parquet  # noqa: PLC0415

        moment = datetime.fromtimestamp(first_ns // NS_PER_S, UTC)
        self._stem = f"flows-{moment:%Y%m%dT%H%M%SZ}"
        self._folder = folder
        self._part = folder / f".{self._stem}.{os.getpid()}.part"
        self.schema = schema
        self._out = self._part.open("wb")
        self._writer: Any = parquet.ParquetWriter(
            self._out,
            schema,
            compression="zstd",
            compression_level=settings.compression_level,
            use_dictionary=[field.name for field in schema if field.name not in PLAIN],
            write_statistics=[field.name for field in schema if field.name in SKIPPED_BY],
        )

    @property
    def octets(self) -> int:
        """Octets written so far; the footer comes on top."""
        return self._out.tell()

    def write(self, batches: list[pa.RecordBatch]) -> None:
        """Appends one row group."""
        import pyarrow as pa  # noqa: PLC0415

        table = pa.Table.from_batches(batches)
        self._writer.write_table(table, row_group_size=table.num_rows)

    def publish(self) -> None:
        """Makes the file whole, safe on the disk, and visible."""
        self._writer.close()
        self._out.flush()
        os.fsync(self._out.fileno())
        self._out.close()
        self._take_name()
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _take_name(self) -> None:
        number = 1
        while True:
            name = self._folder / f"{self._stem}-{number:04}.parquet"
            try:
                # A link, unlike a rename, refuses to replace what is there.
                name.hardlink_to(self._part)
            except FileExistsError:
                number += 1
                continue
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.ENOTSUP) or name.exists():
                    raise
                self._part.rename(name)  # a file system without links
            self._part.unlink(missing_ok=True)
            return

    def discard(self) -> None:
        """Leaves nothing behind."""
        with suppress(OSError):
            self._writer.close()
        self._out.close()
        self._part.unlink(missing_ok=True)


CLOCK = "time_end"
"""The column that rotation goes by."""

ROW_GROUP_ROWS = 131_072
"""Enough for columns to compress and be skipped well, few enough to hold in memory."""

PLAIN = frozenset(
    {
        "time_start",
        "time_end",
        "time_start_rev",
        "time_end_rev",
        "src_addr",
        "src_port",
        "fragment_id",
    }
)
"""Columns whose values hardly repeat, for which looking for repetitions is time and room lost."""

SKIPPED_BY = frozenset({"time_start", "time_end", "src_addr", "dst_addr", "vlan_id"})
"""Columns whose least and greatest value in a row group let readers skip it. Others spread over
all their range in any row group, and finding out would cost a sixth of the writing."""
