# SPDX-License-Identifier: Apache-2.0
"""JSON lines: one object a flow, nulls left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from penstock import _core
from penstock.sinks.base import ALL_KINDS, Columns, SinkOfKindsSettings
from penstock.sinks.stream import StreamSink

if TYPE_CHECKING:
    from penstock.batch import FlowBatch, Kind


class JsonSettings(SinkOfKindsSettings):
    """Options of ``json:``."""

    columns: Columns | None = None
    """Which columns, in which order; all that the batch has when absent."""


class JsonLines(StreamSink):
    """Columns by name, addresses as text, times RFC 3339 with nanoseconds in UTC."""

    kinds: ClassVar[frozenset[Kind]] = ALL_KINDS

    def __init__(self, uri: str, settings: JsonSettings, place: str) -> None:
        super().__init__(uri, settings, place)
        self._columns = settings.columns

    def encode(self, batch: FlowBatch) -> bytes:
        """A line a row."""
        columns = self._columns if batch.kind == "flows" else None
        return _core.encode_json(batch.native, columns=columns)
