# SPDX-License-Identifier: Apache-2.0
"""A command line, or a Python call, as the graph that it is short for: one part of each kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from penstock.config.check import MistakesError, graph
from penstock.errors import ConfigError
from penstock.sinks import SINKS, settings_class
from penstock.uri import options_text, split_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.config.model import Graph

Plugin: TypeAlias = "str | tuple[str, Mapping[str, object]]"
"""``"pstats"``, ``"pstats?includezeroes=true"`` or ``("pstats", {"includezeroes": True})``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shorthand:
    """What can be said in short; ``None`` leaves a setting at its default."""

    sources: Sequence[str]
    plugins: Sequence[Plugin] = ()
    sinks: Sequence[str] = ("null:",)
    columns: str | None = None
    filter: str | None = None
    count: int | None = None
    key: Sequence[str] | None = None
    uniflow: bool | None = None
    active_timeout: float | str | None = None
    idle_timeout: float | str | None = None
    max_flows: int | None = None
    tunnel: str | None = None
    threads: int | None = None

    def graph(self) -> Graph:
        """The graph.

        Raises:
            ConfigError: with a line for each mistake.
        """
        try:
            return graph(self._tables())
        except MistakesError as error:
            # The words themselves are named; a path in a graph that nobody wrote would not help.
            lines = [_without_path(at, problem) for at, problem in error.problems]
            raise ConfigError("\n".join(lines)) from None

    def _tables(self) -> dict[str, Any]:
        cache = {
            "name": "flows",
            "observation_point": "packets",
            "selector": "selected",
            "plugins": [_plugin(plugin) for plugin in self.plugins],
            "key": None if self.key is None else list(self.key),
            "uniflow": self.uniflow,
            "active_timeout": self.active_timeout,
            "idle_timeout": self.idle_timeout,
            "max_flows": self.max_flows,
            "tunnel": self.tunnel,
        }
        exporters = [
            {"name": f"export-{number}", "caches": ["flows"], "sink": sink}
            for number, sink in enumerate(self._sinks_with_columns(), start=1)
        ]
        tables = {
            "threads": self.threads,
            "observation_points": [{"name": "packets", "sources": list(self.sources)}],
            "selectors": [_said({"name": "selected", "filter": self.filter, "count": self.count})],
            "caches": [_said(cache)],
            "exporters": exporters,
        }
        return _said(tables)

    def _sinks_with_columns(self) -> list[str]:
        if self.columns is None:
            return list(self.sinks)
        takes = [_takes_columns(sink) for sink in self.sinks]
        if not any(takes):
            raise ConfigError("--columns has no sink that takes columns")
        return [
            _with_columns(sink, self.columns) if wanted else sink
            for sink, wanted in zip(self.sinks, takes, strict=True)
        ]


def _plugin(plugin: Plugin) -> object:
    if isinstance(plugin, str):
        return plugin
    name, options = plugin
    return {"name": name, "options": dict(options)}


def _takes_columns(sink: str) -> bool:
    name = split_options(sink)[0].partition(":")[0]
    return name in SINKS and "columns" in settings_class(name).model_fields


def _with_columns(sink: str, columns: str) -> str:
    head, options = split_options(sink)
    return head + options_text({"columns": columns, **options})


def _said(table: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if value is not None}


def _without_path(at: str, problem: str) -> str:
    setting = at.rpartition(".")[2]
    named = problem.startswith(("unknown ", "sink ", "option ", "plugin ", "filter"))
    if named or setting.isdecimal():
        return problem
    return f"{setting.replace('_', '-')}: {problem}"
