# SPDX-License-Identifier: Apache-2.0
"""What the sinks that write octets one after another have in common: a file, or standard output.

Not a sink itself: ``text``, ``json`` and ``csv`` say how a batch becomes octets.
"""

from __future__ import annotations

import errno
import os
import sys
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from penstock.errors import SinkError
from penstock.sinks.base import BatchId, Delivery, Sink, SinkClosed, SinkSettings

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from penstock.batch import FlowBatch


class StreamSink(Sink):
    """Writes encoded batches to one file, made anew, or to standard output."""

    delivery: ClassVar[Delivery] = "best effort"

    def __init__(self, uri: str, settings: SinkSettings, place: str) -> None:
        super().__init__(uri, settings, place)
        self._path = Path(place) if place else None
        self._descriptor = -1
        self._written: list[BatchId] = []

    @abstractmethod
    def encode(self, batch: FlowBatch) -> bytes:
        """The octets of one batch."""

    def begin(self, columns: Sequence[str]) -> bytes:
        """The octets before any batch, a heading say."""
        _ = columns
        return b""

    def open(self, columns: Sequence[str]) -> None:
        if self._path is None:
            self._descriptor = sys.__stdout__.fileno() if sys.__stdout__ else 1
        else:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            try:
                self._descriptor = os.open(self._path, flags, 0o666)
            except OSError as error:
                raise self._failed(error) from error
        self._put(self.begin(columns))

    @property
    def to_terminal(self) -> bool:
        """Whether a person is looking."""
        return self._path is None and sys.stdout.isatty()

    def write(self, batch_id: BatchId, batch: FlowBatch) -> None:
        self._put(self.encode(batch))
        self._written.append(batch_id)

    def safe(self) -> Collection[BatchId]:
        return self.flush() if len(self._written) >= FLUSH_BATCHES else ()

    def flush(self) -> Collection[BatchId]:
        if self._path is not None:
            try:
                os.fsync(self._descriptor)
            except OSError as error:
                # A device such as /dev/null or a pipe has nothing to sync, and says so.
                if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                    raise self._failed(error) from error
        safe, self._written = self._written, []
        return safe

    def close(self) -> None:
        if self._path is not None and self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _put(self, octets: bytes) -> None:
        # Straight to the descriptor: Python's own buffer would try again at exit what a closed
        # pipe refused, and complain.
        rest = memoryview(octets)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except BrokenPipeError as error:
            raise SinkClosed from error
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> SinkError:
        return SinkError(error.strerror or str(error), sink=self.uri)


FLUSH_BATCHES = 256
"""Batches after which the disk is asked to hold them: seldom enough to cost nothing."""
