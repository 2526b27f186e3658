# SPDX-License-Identifier: Apache-2.0
"""What the sinks that speak IPFIX have in common: their settings, the encoder, what it lost.

Not a sink itself: ``ipfix_udp``, ``ipfix_tcp`` and ``ipfix_file`` say where messages go. Making
messages of rows is the native half's.
"""

from __future__ import annotations

import logging
import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field

from penstock import _core
from penstock.sinks.base import BatchId, Sink, SinkSettings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from penstock.batch import FlowBatch


def interface_names(value: object) -> object:
    """Names of interfaces by number, as ``1:eth0,2:eth1``.

    Raises:
        ValueError: an entry has no number, or no name.
    """
    if not isinstance(value, str):
        return value
    found = []
    for entry in value.split(","):
        number, colon, name = entry.strip().partition(":")
        if not (colon and name and number.isdecimal()):
            raise ValueError(f"{entry!r} is not a number and a name, such as 1:eth0")
        found.append((int(number), name, ""))
    return tuple(found)


def native_is_whole(value: object) -> object:
    """RFC 5103 keeps a biflow in one record, which is what ``whole`` means here."""
    return "whole" if value == "native" else value


class IpfixSettings(SinkSettings):
    """Options of all sinks that speak IPFIX."""

    biflow: Annotated[Literal["whole", "split"], BeforeValidator(native_is_whole)] = "whole"
    """A record for both directions of a flow (RFC 5103; also called `native`), or one for each that was seen."""

    odid: Annotated[int, Field(ge=0, le=(1 << 32) - 1)] = 1
    """Observation domain id. The same over restarts, and another for each exporter of one address."""

    times: Literal["ns", "us", "ms"] = "ns"
    """Flow times as flowStart/EndNanoseconds, which keeps them whole, or Microseconds or Milliseconds."""

    enterprise: Annotated[int, Field(ge=1, le=(1 << 32) - 1)] = 32473
    """Enterprise number for what IANA has no element for. 32473 is the one for documentation; who has their own uses that."""

    pad: bool = False
    """Sets are padded to a multiple of four octets."""

    compat: Literal["ipfixprobe"] | None = None
    """Elements, order and widths of that probe, for collectors made for it; what these cannot hold is left out."""

    dir: Annotated[int, Field(ge=0, le=(1 << 16) - 1)] = 0
    """With `compat=ipfixprobe`: the interface number that every record carries."""

    interfaces: Annotated[
        tuple[tuple[Annotated[int, Field(ge=0, le=(1 << 32) - 1)], str, str], ...],
        BeforeValidator(interface_names),
    ] = ()
    """Names that options records give to interface numbers (elements 10, 82 and 83): `1:eth0,2:eth1`."""


class IpfixSink(Sink):
    """Turns batches into messages; where these go is said by :meth:`put`."""

    message_octets = 16_384
    """The longest message."""

    refresh: tuple[int | None, int | None] = (None, None)
    """Seconds and messages after which templates are repeated; sessions that lose nothing need not."""

    def __init__(self, uri: str, settings: IpfixSettings, place: str) -> None:
        super().__init__(uri, settings, place)
        self._ipfix = settings
        self.encoder: _core.IpfixEncoder | None = None
        self._safe: list[BatchId] = []
        self._lost: dict[str, int] = {}
        self._unencoded = dict.fromkeys(UNENCODED, 0)
        self._unfinished = False

    @abstractmethod
    def put(self, messages: _core.Messages) -> None:
        """Sends messages; what does not leave is told by :meth:`lose`."""

    def now_ns(self) -> int:
        """What messages give as their export time."""
        return time.time_ns()

    def begin(self) -> _core.IpfixEncoder:
        """The encoder, made at the first call."""
        if self.encoder is None:
            seconds, messages = self.refresh
            self.encoder = _core.IpfixEncoder(
                observation_domain=self._ipfix.odid,
                message_octets=self.message_octets,
                times=self._ipfix.times,
                enterprise=self._ipfix.enterprise,
                pad=self._ipfix.pad,
                compat=self._ipfix.compat,
                refresh_s=seconds,
                refresh_messages=messages,
                direction=self._ipfix.dir,
                interfaces=self._ipfix.interfaces,
            )
        return self.encoder

    def write(self, batch_id: BatchId, batch: FlowBatch) -> None:
        self.export(batch)
        self._safe.append(batch_id)

    def export(self, batch: FlowBatch) -> None:
        """Encodes a batch and puts its messages."""
        encoder = self.begin()
        messages = encoder.encode(batch.native, self.now_ns())
        self._unfinished = True
        self._count_unencoded(encoder.counts())
        self.put(messages)

    def tick(self, now_ns: int) -> None:
        _ = now_ns  # what goes out now is stamped by the clock
        if self.encoder is not None:
            self.put(self.encoder.tick(self.now_ns()))

    def say_the_end(self) -> None:
        """Puts the statistics of all that was exported, once."""
        if self.encoder is not None and self._unfinished:
            self._unfinished = False
            self.put(self.encoder.finish(self.now_ns()))

    def safe(self) -> Collection[BatchId]:
        safe, self._safe = self._safe, []
        return safe

    def flush(self) -> Collection[BatchId]:
        self.say_the_end()
        return self.safe()

    def lose(self, reason: str, records: int) -> None:
        """Counts records that did not leave, here and in what the messages say of themselves."""
        if records:
            self._lost[reason] = self._lost.get(reason, 0) + records
            if self.encoder is not None:
                self.encoder.lost(records, self.now_ns())

    def _count_unencoded(self, counts: _core.EncoderCounts) -> None:
        """Rows that became no record; the messages say so by themselves."""
        now = {"too long for a message": counts["too_long"]}
        now["too many templates"] = counts["too_many_templates"]
        for reason, count in now.items():
            more = count - self._unencoded[reason]
            if more:
                self._lost[reason] = self._lost.get(reason, 0) + more
        self._unencoded = now

    def lost(self) -> Mapping[str, int]:
        lost, self._lost = self._lost, {}
        return lost


UNENCODED = ("too long for a message", "too many templates")
"""Why a row becomes no record."""

LOG = logging.getLogger("penstock.sinks")
"""Where a sink says that its destination went away or came back."""
