# SPDX-License-Identifier: Apache-2.0
"""Every mistake in a graph, found together: what each is, where it stands, what is allowed there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError

from penstock.config.model import Graph
from penstock.errors import ConfigError
from penstock.naming import nearest, unknown

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
        problems += [_explained(detail) for detail in error.errors(include_url=False)]
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


def _explained(detail: ErrorDetails) -> Problem:
    at = ".".join(str(part) for part in detail["loc"])
    return Problem(at, _problem(detail))


def _problem(detail: ErrorDetails) -> str:
    kind, value = detail["type"], detail["input"]
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = _fields_at(detail["loc"][:-1])
        return unknown("setting", str(detail["loc"][-1]), known)
    if kind == "missing":
        return f"is missing; needed: {_summary(detail['loc'])}"
    if kind == "literal_error":
        allowed = str(context["expected"]).replace(" or ", ", ").replace("'", "")
        guess = nearest(str(value), allowed.split(", "))
        meant = f"; did you mean {guess!r}?" if guess else ""
        return f"{value!r} is not known{meant}; allowed: {allowed}"
    if kind == "refused":
        return str(detail["msg"])
    if kind == "value_error":
        return str(detail["msg"]).removeprefix("Value error, ")
    allowed = ALLOWED.get(kind, str(detail["msg"])).format(**context)
    return f"{_shown(value)} is not possible; allowed: {allowed}"


ALLOWED = {
    "bool_parsing": "true, false",
    "bool_type": "true, false",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "too_short": "{min_length} or more entries",
    "string_too_short": "text that is not empty",
    "string_pattern_mismatch": "letters, digits, '_', '-' and '.'",
}
"""What may stand where pydantic's check of that name failed."""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


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
    return text.split(".")[0][:1].lower() + text.split(".")[0][1:]


def _references(data: Any) -> Iterator[Problem]:
    """What is wrong between parts; parts of a wrong shape are somebody else's mistake."""
    points, selectors = _names(data, "observation_points"), _names(data, "selectors")
    caches = _names(data, "caches")
    for table in ("observation_points", "selectors", "caches", "exporters"):
        yield from _twice(table, data)
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
    for at, exporter in _parts(data, "exporters"):
        wanted = exporter.get("caches")
        for number, cache in enumerate(wanted if isinstance(wanted, list) else []):
            if isinstance(cache, str) and cache not in caches:
                yield Problem(f"{at}.caches.{number}", unknown("cache", cache, caches))
    yield from _same_place(data)
    yield from _read_twice(data)


def _twice(table: str, data: Any) -> Iterator[Problem]:
    names = _names(data, table)
    for number, name in enumerate(names):
        if name in names[:number]:
            yield Problem(f"{table}.{number}.name", f"{name!r} is the name of another already")


def _same_place(data: Any) -> Iterator[Problem]:
    """Two sinks in one file would overwrite each other."""
    from penstock.sinks import order  # noqa: PLC0415 -- the table, not any sink

    taken: dict[str, str] = {}
    for at, exporter in _parts(data, "exporters"):
        try:
            asked = order(exporter["sink"])
        except (ConfigError, KeyError, AttributeError, TypeError):
            continue
        place = "standard output" if asked.to_stdout else asked.place
        if place in taken:
            yield Problem(f"{at}.sink", f"{place} is written to by {taken[place]!r} already")
        elif place:
            taken[place] = exporter["sink"]


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
