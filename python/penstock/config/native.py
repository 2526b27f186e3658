# SPDX-License-Identifier: Apache-2.0
"""Parts of the graph as the native half's objects: a cache as a meter, a collector as decoders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from penstock import _core
from penstock.quantity import nanoseconds

if TYPE_CHECKING:
    from penstock.config.model import Cache, Collector, Graph, ObservationPoint, Selector


def meter(graph: Graph, cache: Cache) -> _core.Meter:
    """The meter that fills ``cache``; its first source is opened by this.

    Raises:
        ConfigError: a source cannot be opened.
        DecodeError: the first source is not a capture.
    """
    selector = _selector(graph, cache)
    return _core.Meter(
        _point(graph, cache).sources,
        filter=selector.filter if selector else None,
        tunnel=cache.tunnel,
        key=cache.key,
        uniflow=cache.uniflow,
        active_timeout_ns=nanoseconds(cache.active_timeout),
        idle_timeout_ns=nanoseconds(cache.idle_timeout),
        max_flows=cache.max_flows,
        fragment_timeout_ns=nanoseconds(cache.fragment_timeout),
        plugins=[(use.name, use.options) for use in cache.plugins],
        threads=graph.threads,
        count=selector.count if selector else None,
    )


def collector(part: Collector, *, worker: int = 0, rows: int = 65_536) -> _core.Collector:
    """The decoder and the memory of one worker of ``part``.

    Args:
        part: the collector.
        worker: which of its workers; each keeps bad datagrams in a file of its own.
        rows: rows that are enough for a batch.

    Raises:
        ConfigError: the file for bad datagrams cannot be made.
    """
    return _core.Collector(
        template_lifetime_s=max(1, round(part.template_lifetime)),
        max_exporters=part.max_exporters,
        max_templates=part.max_templates,
        max_fields=part.max_fields,
        parked_octets=part.parked,
        parked_s=max(1, round(part.parked_time)),
        rows=rows,
        default_sampling=part.default_sampling,
        sampling=list(part.sampling.items()),
        ignore_source_port=part.ignore_source_port,
        tunnel=part.tunnel,
        enterprise=part.enterprise,
        keep_bad=part.keep_bad and numbered(part.keep_bad, worker),
        keep_bad_octets=part.keep_bad_size,
    )


def numbered(path: str, worker: int) -> str:
    """``bad.pcap`` for the first worker, ``bad-1.pcap`` for the next."""
    if worker == 0:
        return path
    whole = Path(path)
    return str(whole.with_name(f"{whole.stem}-{worker}{whole.suffix}"))


def _point(graph: Graph, cache: Cache) -> ObservationPoint:
    if cache.observation_point is None:
        return graph.observation_points[0]
    return next(
        point for point in graph.observation_points if point.name == cache.observation_point
    )


def _selector(graph: Graph, cache: Cache) -> Selector | None:
    return next((one for one in graph.selectors if one.name == cache.selector), None)
