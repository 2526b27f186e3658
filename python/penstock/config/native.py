# SPDX-License-Identifier: Apache-2.0
"""A cache of the graph as the native half's meter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock import _core
from penstock.quantity import nanoseconds

if TYPE_CHECKING:
    from penstock.config.model import Cache, Graph, ObservationPoint, Selector


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


def _point(graph: Graph, cache: Cache) -> ObservationPoint:
    if cache.observation_point is None:
        return graph.observation_points[0]
    return next(
        point for point in graph.observation_points if point.name == cache.observation_point
    )


def _selector(graph: Graph, cache: Cache) -> Selector | None:
    return next((one for one in graph.selectors if one.name == cache.selector), None)
