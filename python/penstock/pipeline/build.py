# SPDX-License-Identifier: Apache-2.0
"""From a graph to what runs: a meter for each cache, sockets for each collector, a stage for each exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from penstock import sinks
from penstock.batch import FlowBatch
from penstock.config import native
from penstock.pipeline.collecting import Collecting
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

    collectings: list[tuple[Collecting, list[Stage]]]
    """Collectors, which run beside one another, and where their batches go."""

    stages: list[Stage]
    """Every sink once, open."""


def build(graph: Graph) -> Built:
    """Makes and opens everything that ``graph`` names.

    Raises:
        ConfigError: a source, an address or a sink cannot be used as asked.
        DecodeError: a source is not a capture.
        SinkError: a destination cannot be written to.
    """
    meters = {cache.name: native.meter(graph, cache) for cache in graph.caches}
    collectings: dict[str, Collecting] = {}
    stages: list[tuple[Exporter, Stage]] = []
    try:
        for part in graph.collectors:
            collectings[part.name] = Collecting(part)
        for exporter in graph.exporters:
            sources = [name for name in collectings if takes(exporter, collector=name)]
            live = any(collectings[name].live for name in sources)
            stage = Stage(
                sinks.build(sinks.order(exporter.sink)), queue_batches=exporter.queue, live=live
            )
            caches = [name for name in meters if takes(exporter, cache=name)]
            if caches:
                columns = FlowBatch(meters[caches[0]].empty_batch())
            else:
                columns = collectings[sources[0]].empty_batch()
            stage.open(columns)
            stages.append((exporter, stage))
    except BaseException:
        finish_all([stage for _, stage in stages])
        for collecting in collectings.values():
            collecting.close()
        raise
    return Built(
        [
            Metering(name, meter, [one for exporter, one in stages if takes(exporter, cache=name)])
            for name, meter in meters.items()
        ],
        [
            (collecting, [one for exporter, one in stages if takes(exporter, collector=name)])
            for name, collecting in collectings.items()
        ],
        [stage for _, stage in stages],
    )


def takes(exporter: Exporter, *, cache: str = "", collector: str = "") -> bool:
    """Whether an exporter takes what that cache or collector gives; one that names none takes all."""
    if not exporter.caches and not exporter.collectors:
        return True
    return cache in exporter.caches or collector in exporter.collectors
