# SPDX-License-Identifier: Apache-2.0
"""A run that can be looked at while it goes on: who serves it, and what it shows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from penstock.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock import _core
    from penstock.config.model import Graph
    from penstock.ledger import Ledger
    from penstock.metrics.serve import Server, UnixServer
    from penstock.pipeline.collecting import Collecting
    from penstock.pipeline.stage import Stage


class Runner(Protocol):
    """What goes on."""

    @property
    def collectings(self) -> Sequence[Collecting]:
        """The collectors."""

    @property
    def stages(self) -> Sequence[Stage]:
        """Every sink."""

    def ledger(self) -> Ledger:
        """What every stage counted so far."""


class Monitor:
    """The servers of one run, and its view."""

    def __init__(self, runner: Runner) -> None:
        self.notices: list[str] = []
        """What an operator should know."""
        self._runner = runner
        self._servers: list[Server | UnixServer] = []
        self._started_s = time.monotonic()

    def serve(self, graph: Graph) -> None:
        """Begins to answer.

        Raises:
            ConfigError: an address or a socket cannot be had.
        """
        from penstock.metrics.ask import default_socket  # noqa: PLC0415 -- only live runs need them
        from penstock.metrics.serve import Pages, Server, UnixServer, serve  # noqa: PLC0415

        asked = graph.monitoring
        pages = Pages(self, asked.metrics_names)
        if asked.metrics is not None:
            server = Server(asked.metrics, pages)
            self._servers.append(server)
            self.notices.append(f"metrics at http://{asked.metrics}/metrics")
        if asked.socket is not None:
            self._servers.append(UnixServer(asked.socket, pages))
        elif any(collecting.live for collecting in self._runner.collectings):
            try:
                self._servers.append(UnixServer(default_socket(), pages))
            except ConfigError as error:
                self.notices.append(f"penstock exporters cannot ask this one: {error}")
        for made in self._servers:
            serve(made)

    def close(self) -> None:
        """Answers no more."""
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def ledger(self) -> Ledger:
        """What every stage counted so far."""
        return self._runner.ledger()

    def exporters(self) -> list[_core.ExporterRow]:
        """Who has sent what."""
        return [row for one in self._runner.collectings for row in one.exporters()]

    def templates(self) -> list[_core.TemplateRow]:
        """Every template that is known."""
        return [row for one in self._runner.collectings for row in one.templates()]

    def queues(self) -> dict[str, int]:
        """Batches that wait, by sink."""
        return {stage.sink.uri: stage.waiting for stage in self._runner.stages}

    def troubles(self) -> list[str]:
        """What has gone wrong so far."""
        found = [str(error) for one in self._runner.collectings for error in one.errors]
        return found + [str(stage.error) for stage in self._runner.stages if stage.error]

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self._started_s


def begin(graph: Graph, runner: Runner) -> Monitor | None:
    """Serves the run if that is asked for, or if it listens.

    Raises:
        ConfigError: an address or a socket cannot be had.
    """
    asked = graph.monitoring
    live = any(collecting.live for collecting in runner.collectings)
    if not live and asked.metrics is None and asked.socket is None:
        return None
    monitor = Monitor(runner)
    try:
        monitor.serve(graph)
    except BaseException:
        for server in monitor._servers:  # noqa: SLF001 -- none of them answers yet
            server.server_close()
        raise
    return monitor
