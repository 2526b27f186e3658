# SPDX-License-Identifier: Apache-2.0
"""CSV (RFC 4180): a heading, then one line a flow; null is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock import _core
from penstock.sinks.base import Columns, SinkSettings
from penstock.sinks.stream import StreamSink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.batch import FlowBatch


class CsvSettings(SinkSettings):
    """Options of ``csv:``."""

    columns: Columns | None = None
    """Which columns, in which order; when absent, all that the first batch can have."""

    header: bool = True
    """Whether the first line names the columns."""


class Csv(StreamSink):
    """The same columns on every line, whatever a batch lacks."""

    def __init__(self, uri: str, settings: CsvSettings, place: str) -> None:
        super().__init__(uri, settings, place)
        self._settings = settings
        self._columns: Sequence[str] = settings.columns or ()

    def begin(self, columns: Sequence[str]) -> bytes:
        """The heading, which a capture without flows has too."""
        self._columns = self._settings.columns or tuple(columns)
        if not self._settings.header:
            return b""
        return (",".join(self._columns) + "\r\n").encode()

    def encode(self, batch: FlowBatch) -> bytes:
        """A line a row."""
        return _core.encode_csv(batch.native, columns=self._columns, header=False)
