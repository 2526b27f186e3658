# SPDX-License-Identifier: Apache-2.0
"""IPFIX files (RFC 5655): messages one after another, templates before what needs them.

A file is whole or not there at all. Rotated files can each be read without the others.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import BeforeValidator

from penstock.errors import SinkError
from penstock.quantity import NS_PER_S, nanoseconds, octets, seconds
from penstock.sinks.ipfix import IpfixSettings, IpfixSink
from penstock.sinks.whole_file import WholeFile

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from penstock import _core
    from penstock.batch import FlowBatch
    from penstock.sinks.base import BatchId, Delivery


class IpfixFileSettings(IpfixSettings):
    """Options of ``ipfix:``."""

    rotate: Annotated[float, BeforeValidator(seconds)] = 0.0
    """Time after which another file begins, in seconds or as `5m`; 0 for one file. Their names get time and number before the ending."""

    max_size: Annotated[int, BeforeValidator(octets)] = 0
    """Octets, or such as `64MiB`, after which another file begins; 0 for no limit."""


class IpfixFile(IpfixSink):
    """Export times are the flows' where these come from a capture, so that the same flows give the same octets."""

    delivery: ClassVar[Delivery] = "at least once"
    blocks: ClassVar[bool] = True

    def __init__(self, uri: str, settings: IpfixFileSettings, place: str) -> None:
        super().__init__(uri, settings, place)
        self._path = Path(place)
        self._rotate_ns = nanoseconds(settings.rotate)
        self._max_size = settings.max_size
        self._rotates = bool(self._rotate_ns or self._max_size)
        self._file: WholeFile | None = None
        self._now_ns = 0
        self._begun_ns = 0
        self._in_file: list[BatchId] = []
        self._published = False

    def open(self, columns: Sequence[str]) -> None:
        """Makes sure that the folder can be written to."""
        _ = columns
        if self._path.is_dir():
            raise SinkError("Is a directory", sink=self.uri)
        if not self._path.parent.is_dir():
            raise SinkError("No such file or directory", sink=self.uri)
        if not os.access(self._path.parent, os.W_OK | os.X_OK):
            raise SinkError("the folder cannot be written to", sink=self.uri)

    def now_ns(self) -> int:
        return time.time_ns() if self.live else self._now_ns

    def write(self, batch_id: BatchId, batch: FlowBatch) -> None:
        if not self.live:
            self._now_ns = max(self._now_ns, latest_end_ns(batch))
        self.export(batch)
        self._in_file.append(batch_id)
        if self.wants_flush() and not self.live:
            self._finish()

    def put(self, messages: _core.Messages) -> None:
        try:
            if self._file is None:
                self._file = self._begin()
            self._file.out.write(bytes(messages))
        except OSError as error:
            raise self._failed(error) from error

    def tick(self, now_ns: int) -> None:
        if self.live:
            self._now_ns = max(self._now_ns, now_ns)

    def wants_flush(self) -> bool:
        if self._file is None:
            return False
        old = 0 < self._rotate_ns <= self._now_ns - self._begun_ns
        return old or 0 < self._max_size <= self._file.octets

    def flush(self) -> Collection[BatchId]:
        self._finish()
        return self.safe()

    def close(self) -> None:
        """Gives up what no :meth:`flush` has made a file."""
        if self._file is not None:
            self._file.discard()
            self._file = None

    def _begin(self) -> WholeFile:
        self._begun_ns = self.now_ns()
        moment = datetime.fromtimestamp(self._begun_ns // NS_PER_S, UTC)
        stem = f"{self._path.stem}-{moment:%Y%m%dT%H%M%SZ}"
        return WholeFile(self._path.parent, stem, self._path.suffix)

    def _finish(self) -> None:
        if not self._rotates and not self._published:
            self.begin()  # a capture without flows is a file that says so
            self._unfinished = True
        elif self._file is None:
            return
        self.say_the_end()
        if self._file is None:
            self._file = self._begin()
        try:
            if self._rotates or self._published:
                self._file.publish_numbered()
            else:
                self._file.publish_as(self._path)
        except OSError as error:
            raise self._failed(error) from error
        self._published = True
        self._file = None
        self.begin().restart()
        self._safe += self._in_file
        self._in_file = []

    def _failed(self, error: OSError) -> SinkError:
        self.close()
        return SinkError(error.strerror or str(error), sink=self.uri)


def latest_end_ns(batch: FlowBatch) -> int:
    """When the last of the flows ended."""
    import pyarrow.compute as pc  # noqa: PLC0415 -- heavy, and only some need it

    if not len(batch) or "time_end" not in batch.column_names:
        return 0
    ends = batch.select(["time_end"]).to_arrow().column(0).cast("int64")
    found: int = pc.max(ends).as_py() or 0
    return found
