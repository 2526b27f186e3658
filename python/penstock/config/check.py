# SPDX-License-Identifier: Apache-2.0
"""Every mistake in a graph, found together: what each is, where it stands, what is allowed there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError

from penstock import _core
from penstock.config.model import Graph
from penstock.errors import ConfigError
from penstock.naming import unknown
from penstock.refusal import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails


class Problem(NamedTuple):
    """One mistake."""

    at: str
    """Dotted path of the setting, such as ``caches.0.tunnel``."""

    problem: str
    """What is wrong, and what is allowed, in half a line."""


def graph(data: Any) -> Graph:
    """The graph that ``data`` describes.

    Raises:
        MistakesError: with everything that is wrong in it.
    """
    problems: list[Problem] = []
    made = None
    try:
        made = Graph.model_validate(data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            problems += _explained(detail)
    problems += _references(data)
    if made is not None and not problems:
        return made
    raise MistakesError(problems)


class MistakesError(ConfigError):
    """A graph with mistakes."""

    def __init__(self, problems: list[Problem], path: str | None = None) -> None:
        lines = [
            ": ".join(part for part in (path, at, problem) if part) for at, problem in problems
        ]
        super().__init__("\n".join(lines))
        self.problems = problems


def _explained(detail: ErrorDetails) -> list[Problem]:
    at = ".".join(str(part) for part in detail["loc"])
    return [Problem(at, line) for line in _problem(detail).splitlines()]


def _problem(detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        return unknown("setting", str(detail["loc"][-1]), _fields_at(detail["loc"][:-1]))
    if detail["type"] == "missing":
        return f"is missing; needed: {_summary(detail['loc'])}"
    return refusal(detail)


def _fields_at(loc: tuple[int | str, ...]) -> list[str]:
    """The settings of the part at ``loc``."""
    model: type[BaseModel] = Graph
    for step in loc:
        if isinstance(step, str) and step in model.model_fields:
            model = _model_in(model.model_fields[step].annotation) or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        found = _model_in(inner)
        if found is not None:
            return found
    return None


def _summary(loc: tuple[int | str, ...]) -> str:
    model: type[BaseModel] = Graph
    text = ""
    for step in loc:
        if isinstance(step, str) and step in model.model_fields:
            setting = model.model_fields[step]
            text = setting.description or ""
            model = _model_in(setting.annotation) or model
    sentence = text.partition(". ")[0].rstrip(".")
    return sentence[:1].lower() + sentence[1:]


def _references(data: Any) -> Iterator[Problem]:
    """What is wrong between parts; parts of a wrong shape are somebody else's mistake."""
    points, selectors = _names(data, "observation_points"), _names(data, "selectors")
    for table in ("observation_points", "selectors", "caches", "collectors", "exporters"):
        yield from _twice(table, data)
    yield from _nothing_to_do(data)
    for at, cache in _parts(data, "caches"):
        point = cache.get("observation_point")
        if isinstance(point, str) and point not in points:
            yield Problem(f"{at}.observation_point", unknown("point", point, points))
        if point is None and len(points) > 1:
            allowed = ", ".join(points)
            yield Problem(f"{at}.observation_point", f"is missing; allowed: {allowed}")
        selector = cache.get("selector")
        if isinstance(selector, str) and selector not in selectors:
            yield Problem(f"{at}.selector", unknown("selector", selector, selectors))
    for at, collector in _parts(data, "collectors"):
        yield from _ways_in(at, collector)
    for at, exporter in _parts(data, "exporters"):
        for table, what in (("caches", "cache"), ("collectors", "collector")):
            wanted, known = exporter.get(table), _names(data, table)
            for number, name in enumerate(wanted if isinstance(wanted, list) else []):
                if isinstance(name, str) and name not in known:
                    yield Problem(f"{at}.{table}.{number}", unknown(what, name, known))
    yield from _one_sided(data)
    yield from _same_place(data)
    yield from _read_twice(data)


def _nothing_to_do(data: Any) -> Iterator[Problem]:
    if not isinstance(data, dict):
        return
    if not data.get("caches") and not data.get("collectors"):
        yield Problem("caches", "is missing; needed: flow tables, or collectors")
    if data.get("caches") and not data.get("observation_points"):
        yield Problem("observation_points", "is missing; needed: where packets are seen")


def _ways_in(at: str, collector: dict[str, Any]) -> Iterator[Problem]:
    """A collector listens or reads files; what is only for one way is a mistake with the other."""
    listens, reads = bool(collector.get("listen")), bool(collector.get("sources"))
    if not listens and not reads:
        yield Problem(f"{at}.listen", "is missing; needed: addresses, or sources in their place")
    if listens and reads:
        yield Problem(f"{at}.sources", "cannot stand beside listen; make it another collector")
    for name in ("state", "duration"):
        if reads and collector.get(name) is not None:
            yield Problem(f"{at}.{name}", "is only for a collector that listens")


def _twice(table: str, data: Any) -> Iterator[Problem]:
    names = _names(data, table)
    for number, name in enumerate(names):
        if name in names[:number]:
            yield Problem(f"{table}.{number}.name", f"{name!r} is the name of another already")


def _one_sided(data: Any) -> Iterator[Problem]:
    """A biflow's key needs both ends of a field, or neither: else nothing is its reverse."""
    for at, cache in _parts(data, "caches"):
        key = cache.get("key")
        if cache.get("uniflow") or not isinstance(key, list):
            continue
        for number, name in enumerate(key):
            other = OTHER_END.get(str(name)[:4], "") + str(name)[4:]
            if other in _core.key_fields() and other not in key:
                yield Problem(
                    f"{at}.key.{number}",
                    f"{name!r} without {other!r} has no reverse direction; "
                    f"allowed: both, or uniflow",
                )


def _same_place(data: Any) -> Iterator[Problem]:
    """Two sinks in one file would overwrite each other, and a sink in a capture that capture."""
    from penstock.sinks import order  # noqa: PLC0415 -- the table, not any sink

    read = _files_read(data)
    taken: dict[str, str] = {}
    for at, exporter in _parts(data, "exporters"):
        try:
            asked = order(exporter["sink"])
        except (ConfigError, KeyError, AttributeError, TypeError):
            continue
        place = "-" if asked.to_stdout else asked.path or ""
        shown = asked.place or "standard output"
        if place in read:
            yield Problem(f"{at}.sink", f"{shown} is a source; flows would overwrite it")
        elif place in taken:
            yield Problem(f"{at}.sink", f"{shown} is written to by {taken[place]!r} already")
        elif place:
            taken[place] = exporter["sink"]


def _files_read(data: Any) -> set[str]:
    found = set()
    for _, part in (*_parts(data, "observation_points"), *_parts(data, "collectors")):
        sources = part.get("sources")
        for source in sources if isinstance(sources, list) else []:
            if isinstance(source, str) and source not in ("-", ""):
                path = source.removeprefix("pcap:").removeprefix("ipfix:")
                found.add(os.path.realpath(path))
    return found


def _read_twice(data: Any) -> Iterator[Problem]:
    """Standard input is gone once one cache has read it."""
    points = [part for _, part in _parts(data, "observation_points")]
    once = {part.get("name") for part in points if "-" in (part.get("sources") or ())}
    read: set[object] = set()
    for at, cache in _parts(data, "caches"):
        point = cache.get("observation_point") or (points[0].get("name") if points else None)
        if point in once and point in read:
            yield Problem(f"{at}.observation_point", "standard input can be read by one cache only")
        read.add(point)


def _parts(data: Any, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
    parts = data.get(table) if isinstance(data, dict) else None
    for number, part in enumerate(parts if isinstance(parts, list) else []):
        if isinstance(part, dict):
            yield f"{table}.{number}", part


def _names(data: Any, table: str) -> list[str]:
    found = [part.get("name") for _, part in _parts(data, table)]
    return [name for name in found if isinstance(name, str)]


OTHER_END = {"src_": "dst_", "dst_": "src_"}
"""How the name of a field begins, and that of the same field of the other end."""
