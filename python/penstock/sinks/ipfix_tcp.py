# SPDX-License-Identifier: Apache-2.0
"""IPFIX by TCP (RFC 7011, section 10.4).

TCP tells nobody what the program at the other end has read: what the system still held when a
connection broke may have arrived or not. So a sender can promise no more than its best, and sends
nothing twice. What certainly did not leave is counted.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator

from penstock.errors import SinkError
from penstock.quantity import octets
from penstock.sinks.ipfix import LOG, IpfixSettings, IpfixSink
from penstock.transport.tcp import Connection
from penstock.uri import parse_address

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from penstock import _core
    from penstock.batch import FlowBatch
    from penstock.sinks.base import BatchId


class IpfixTcpSettings(IpfixSettings):
    """Options of ``ipfix+tcp:``."""

    source: str | None = None
    """Address of this machine to connect from."""

    buffer: Annotated[int, BeforeValidator(octets)] = 64 << 20
    """Octets of flows that wait while the collector of a live source is away; the oldest over it are lost, and counted. Captures wait instead."""


class IpfixTcp(IpfixSink):
    """Connects again after a break, at first after 0.1 s, at last every 30 s, and begins a new session then: templates first."""

    def __init__(self, uri: str, settings: IpfixTcpSettings, place: str) -> None:
        super().__init__(uri, settings, place)
        self._connection = Connection(parse_address(place), source=settings.source)
        self._buffer_octets = settings.buffer
        self._held: deque[tuple[BatchId, FlowBatch]] = deque()
        self._held_octets = 0

    def open(self, columns: Sequence[str]) -> None:
        """Connects; to a live source's collector also later."""
        _ = columns
        try:
            self._connection.open()
        except OSError as error:
            if not self.live:
                raise SinkError(reason(error), sink=self.uri) from error
            LOG.warning("%s: %s; trying again", self.uri, reason(error))

    def write(self, batch_id: BatchId, batch: FlowBatch) -> None:
        self._held.append((batch_id, batch))
        self._held_octets += batch.nbytes
        self._send_held(patience_s=0.0 if self.live else PATIENCE_S)
        while self._held_octets > self._buffer_octets and len(self._held) > 1:
            self._give_up("collector away")

    def tick(self, now_ns: int) -> None:
        if self._held:
            self._send_held(patience_s=0.0)
        if self._connection.is_open:
            super().tick(now_ns)

    def put(self, messages: _core.Messages) -> None:
        if not messages.count:
            return
        all_octets = bytes(messages)
        sent = self._connection.send(all_octets)
        if sent < len(all_octets):
            LOG.warning("%s: the connection broke; trying again", self.uri)
            self.lose("connection broke", messages.records_behind(sent))

    def flush(self) -> Collection[BatchId]:
        if self._held:
            self._send_held(patience_s=LAST_PATIENCE_S if self.live else PATIENCE_S)
        while self._held:
            self._give_up("collector away")
        if self._connection.is_open:
            self.say_the_end()
        return self.safe()

    def close(self) -> None:
        self._connection.close()

    def _send_held(self, patience_s: float) -> None:
        """Exports what waits, oldest first, while there is a connection or patience for one."""
        give_up_at = time.monotonic() + patience_s
        while self._held:
            if not self._connection.is_open and not self._connect(give_up_at):
                return
            batch_id, batch = self._held.popleft()
            self._held_octets -= batch.nbytes
            self.export(batch)
            self._safe.append(batch_id)

    def _connect(self, give_up_at: float) -> bool:
        while True:
            wait_s = self._connection.wait_s
            if wait_s > 0:
                if time.monotonic() + wait_s > give_up_at:
                    return self._refused_for_good() if not self.live else False
                time.sleep(wait_s)
            try:
                self._connection.open()
            except OSError:
                continue
            LOG.warning("%s: connected", self.uri)
            if self.encoder is not None:
                self.encoder.restart()
            return True

    def _refused_for_good(self) -> bool:
        if self._held:
            raise SinkError(f"no connection for {PATIENCE_S:.0f} s", sink=self.uri)
        return False

    def _give_up(self, why: str) -> None:
        batch_id, batch = self._held.popleft()
        self._held_octets -= batch.nbytes
        self._safe.append(batch_id)
        self.lose(why, len(batch))


def reason(error: OSError) -> str:
    """What went wrong, in the system's words."""
    return error.strerror or str(error) or type(error).__name__


PATIENCE_S = 30.0
"""How long a capture waits for a collector that went away."""

LAST_PATIENCE_S = 2.0
"""How long the end of a live run waits for it."""
