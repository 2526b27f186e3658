# SPDX-License-Identifier: Apache-2.0
"""What can be seen of a run while it goes on; the pipeline shows it, metrics and pages are made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from penstock import _core
    from penstock.ledger import Ledger


class View(Protocol):
    """A run that goes on. Every method may be called from any thread."""

    def ledger(self) -> Ledger:
        """What every stage counted so far."""

    def exporters(self) -> list[_core.ExporterRow]:
        """Who has sent what."""

    def templates(self) -> list[_core.TemplateRow]:
        """Every template that is known."""

    def queues(self) -> dict[str, int]:
        """Batches that wait, by sink."""

    def troubles(self) -> list[str]:
        """What has gone wrong so far, a line each; empty for a healthy run."""

    @property
    def seconds(self) -> float:
        """How long it has run."""
