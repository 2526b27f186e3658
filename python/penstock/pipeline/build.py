# SPDX-License-Identifier: Apache-2.0
"""From a graph to what runs: a meter for each cache, a stage for each exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from penstock import sinks
from penstock.batch import FlowBatch
from penstock.config import native
from penstock.pipeline.stage import Stage, finish_all

if TYPE_CHECKING:
    from penstock import _core
    from penstock.config.model import Exporter, Graph


class Metering(NamedTuple):
    """One cache, ready to run."""

    cache: str
    """Its name."""

    meter: _core.Meter
    """What fills it."""

    stages: list[Stage]
    """Where its flows go."""


class Built(NamedTuple):
    """A graph, ready to run."""

    meterings: list[Metering]
    """Caches, in the order in which they run."""

    stages: list[Stage]
    """Every sink once, open."""


def build(graph: Graph) -> Built:
    """Makes and opens everything that ``graph`` names.

    Raises:
        ConfigError: a source or sink cannot be used as asked.
        DecodeError: a source is not a capture.
        SinkError: a destination cannot be written to.
    """
    meters = {cache.name: native.meter(graph, cache) for cache in graph.caches}
    stages: list[tuple[Exporter, Stage]] = []
    try:
        for exporter in graph.exporters:
            sink = sinks.build(sinks.order(exporter.sink))
            stage = Stage(sink, queue_batches=exporter.queue)
            first = exporter.caches[0] if exporter.caches else graph.caches[0].name
            stage.open(FlowBatch(meters[first].empty_batch()))
            stages.append((exporter, stage))
    except BaseException:
        finish_all([stage for _, stage in stages])
        raise
    meterings = [
        Metering(
            name,
            meter,
            [stage for exporter, stage in stages if name in exporter.caches or not exporter.caches],
        )
        for name, meter in meters.items()
    ]
    return Built(meterings, [stage for _, stage in stages])
