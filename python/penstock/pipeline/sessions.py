# SPDX-License-Identifier: Apache-2.0
"""TCP sessions of exporters: octets from the sockets to the decoder, and sessions ended by either."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from penstock.errors import DecodeError
from penstock.ledger import Row
from penstock.transport.tcp import Sessions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock import _core
    from penstock.config.model import Collector
    from penstock.uri import Address


class TcpSessions:
    """The sessions of one collector. Used from one thread, but for :meth:`wake` and :meth:`ledger`."""

    def __init__(self, part: Collector, listen: Sequence[Address]) -> None:
        """Binds.

        Raises:
            ConfigError: an address cannot be listened on.
        """
        self._sessions = Sessions(
            listen, idle_s=part.session_timeout, max_sessions=part.max_sessions
        )
        self.addresses = self._sessions.addresses
        """As bound."""
        self._native: dict[int, int] = {}
        self._opened = 0
        self._ended: dict[str, int] = {}

    def poll(self, collector: _core.Collector, timeout_s: float) -> None:
        """Gives the decoder what has come."""
        for event in self._sessions.poll(timeout_s):
            if event.what == "opened":
                self._opened += 1
                self._native[event.session] = collector.open_stream(
                    event.peer.host, event.peer.port, time.time_ns()
                )
            elif event.what == "octets":
                self._read(collector, event.session, event.octets, event.peer)
            else:
                self._end(event.reason)
                self._forget(collector, event.session)

    def wake(self) -> None:
        """Lets :meth:`poll` return."""
        self._sessions.wake()

    def close(self) -> None:
        """Closes everything."""
        self._sessions.close()

    def ledger(self) -> list[Row]:
        """Sessions that began, and those that ended, by reason."""
        rows = [Row("tcp", "in", "", "sessions", self._opened)]
        return rows + [
            Row("tcp", "noted", reason, "sessions", count)
            for reason, count in list(self._ended.items())
        ]

    def _read(self, collector: _core.Collector, session: int, octets: bytes, peer: Address) -> None:
        number = self._native.get(session)
        if number is None:
            return
        try:
            collector.stream(number, octets, time.time_ns())
        except DecodeError as error:
            LOG.warning("tcp session of %s ended: %s", peer, error)
            self._end("bad octets")
            self._sessions.end(session)
            self._forget(collector, session)

    def _forget(self, collector: _core.Collector, session: int) -> None:
        number = self._native.pop(session, None)
        if number is not None:
            collector.close_stream(number, time.time_ns())

    def _end(self, reason: str) -> None:
        self._ended[reason] = self._ended.get(reason, 0) + 1


LOG = logging.getLogger("penstock.collect")
