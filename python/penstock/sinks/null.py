# SPDX-License-Identifier: Apache-2.0
"""Nowhere: batches are counted and forgotten, which is what measuring the meter needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from penstock.sinks.base import ALL_KINDS, BatchId, Sink, SinkOfKindsSettings

if TYPE_CHECKING:
    from collections.abc import Collection

    from penstock.batch import FlowBatch, Kind


class NullSettings(SinkOfKindsSettings):
    """Options of ``null:``."""


class Null(Sink):
    """Takes everything and keeps nothing."""

    kinds: ClassVar[frozenset[Kind]] = ALL_KINDS

    def __init__(self, uri: str, settings: NullSettings, place: str) -> None:
        super().__init__(uri, settings, place)
        self._taken: list[BatchId] = []

    def write(self, batch_id: BatchId, batch: FlowBatch) -> None:
        _ = batch
        self._taken.append(batch_id)

    def safe(self) -> Collection[BatchId]:
        return self.flush()

    def flush(self) -> Collection[BatchId]:
        taken, self._taken = self._taken, []
        return taken
