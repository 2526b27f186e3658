# SPDX-License-Identifier: Apache-2.0
"""A table for people: one line a flow."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from penstock import _core
from penstock.sinks.base import Columns, SinkSettings
from penstock.sinks.stream import StreamSink

if TYPE_CHECKING:
    from penstock.batch import FlowBatch

DEFAULT_COLUMNS = (
    "time_start",
    "protocol",
    "src_addr",
    "src_port",
    "dst_addr",
    "dst_port",
    "packets",
    "octets",
    "packets_rev",
    "octets_rev",
    "tcp_flags",
    "end_reason",
)


class TextSettings(SinkSettings):
    """Options of ``text:``."""

    columns: Columns = DEFAULT_COLUMNS
    """Which columns, in which order."""

    header: bool = True
    """Whether the first line names the columns."""

    color: Literal["auto", "always", "never"] = "auto"
    """Colours: on a terminal unless NO_COLOR is set, always, or never."""


class Text(StreamSink):
    """Columns below one another; protocols and flags by name."""

    def __init__(self, uri: str, settings: TextSettings, place: str) -> None:
        super().__init__(uri, settings, place)
        self._settings = settings
        self._header_due = settings.header

    def encode(self, batch: FlowBatch) -> bytes:
        """A line a row, below a heading the first time."""
        header, self._header_due = self._header_due, False
        return _core.encode_text(
            batch.native, columns=self._settings.columns, header=header, color=self._color()
        )

    def _color(self) -> bool:
        if self._settings.color == "auto":
            return self.to_terminal and not os.environ.get("NO_COLOR")
        return self._settings.color == "always"
