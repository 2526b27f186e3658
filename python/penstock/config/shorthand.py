# SPDX-License-Identifier: Apache-2.0
"""A command line, or a Python call, as the graph that it is short for: one part of each kind."""

from __future__ import annotations

from dataclasses import dataclass, field
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
        return _graph(self._tables())

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
        tables = {
            "threads": self.threads,
            "observation_points": [{"name": "packets", "sources": list(self.sources)}],
            "selectors": [_said({"name": "selected", "filter": self.filter, "count": self.count})],
            "caches": [_said(cache)],
            "exporters": _exporters(self.sinks, self.columns, {"caches": ["flows"]}),
        }
        return _said(tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectShorthand:
    """The same for a collector; without ``listen`` and ``sources`` it listens on :data:`PORTS`."""

    listen: Sequence[str] = ()
    sources: Sequence[str] = ()
    sinks: Sequence[str] = ("null:",)
    columns: str | None = None
    sampling: Mapping[str, object] | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    """Any other setting of a collector by its name; ``None`` leaves it at its default."""
    monitoring: Mapping[str, object] = field(default_factory=dict)
    """Any setting of the monitoring likewise."""

    def graph(self) -> Graph:
        """The graph.

        Raises:
            ConfigError: with a line for each mistake.
        """
        listen = list(self.listen)
        if not listen and not self.sources:
            listen = list(PORTS)
        collector = {
            "name": "exports",
            "listen": listen or None,
            "sources": list(self.sources) or None,
            "sampling": dict(self.sampling) if self.sampling else None,
            **self.settings,
        }
        tables = {
            "collectors": [_said(collector)],
            "exporters": _exporters(self.sinks, self.columns, {"collectors": ["exports"]}),
            "monitoring": _said(dict(self.monitoring)) or None,
        }
        return _graph(_said(tables))


def _graph(tables: dict[str, Any]) -> Graph:
    try:
        return graph(tables)
    except MistakesError as error:
        # The words themselves are named; a path in a graph that nobody wrote would not help.
        lines = [_without_path(at, problem) for at, problem in error.problems]
        raise ConfigError("\n".join(lines)) from None


def _exporters(
    sinks: Sequence[str], columns: str | None, of: dict[str, list[str]]
) -> list[dict[str, Any]]:
    """One for each sink, all of the same source."""
    return [
        {"name": f"export-{number}", **of, "sink": sink}
        for number, sink in enumerate(_with_columns_where_taken(sinks, columns), start=1)
    ]


def _with_columns_where_taken(sinks: Sequence[str], columns: str | None) -> list[str]:
    if columns is None:
        return list(sinks)
    takes = [_takes_columns(sink) for sink in sinks]
    if not any(takes):
        raise ConfigError("--columns has no sink that takes columns")
    return [
        _with_columns(sink, columns) if wanted else sink
        for sink, wanted in zip(sinks, takes, strict=True)
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
    if setting == "sampling" or at.partition(".")[2].partition(".")[2].startswith("sampling."):
        return f"sampling: {problem}"
    if named or setting.isdecimal():
        return problem
    return f"{setting.replace('_', '-')}: {problem}"


PORTS = ("udp://:2055", "udp://:4739", "udp://:6343", "tcp://:4739")
"""Where exporters send by default: NetFlow, IPFIX, sFlow, and IPFIX by TCP."""
