# SPDX-License-Identifier: Apache-2.0
"""IPFIX by UDP (RFC 7011, section 10.3): nobody answers, so nothing is waited for."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field

from penstock import _core
from penstock.errors import ConfigError, SinkError
from penstock.quantity import seconds
from penstock.sinks.ipfix import LOG, IpfixSettings, IpfixSink
from penstock.uri import parse_address

if TYPE_CHECKING:
    from collections.abc import Sequence


class IpfixUdpSettings(IpfixSettings):
    """Options of ``ipfix+udp:``."""

    mtu: Annotated[int, Field(ge=576, le=65_535)] = 1420
    """Octets of an IP packet; less where the path takes less."""

    refresh: Annotated[float, BeforeValidator(seconds)] = 60.0
    """Templates are sent again after this time, in seconds or as `10m`; 0 for never."""

    refresh_messages: Annotated[int, Field(ge=0, le=(1 << 32) - 1)] = 4_096
    """Templates are sent again after this many messages; 0 for never."""

    source: str | None = None
    """Address of this machine to send from."""


class IpfixUdp(IpfixSink):
    """Sends best effort: what the system does not take is counted as lost, what the network loses shows in the collector's sequence numbers."""

    def __init__(self, uri: str, settings: IpfixUdpSettings, place: str) -> None:
        super().__init__(uri, settings, place)
        self._settings = settings
        self._sender: _core.UdpSender | None = None
        self._headers = IPV4_AND_UDP
        self._trouble = ""

    def open(self, columns: Sequence[str]) -> None:
        """Finds the collector's address."""
        _ = columns
        to = parse_address(self.place)
        try:
            found = socket.getaddrinfo(to.host or "localhost", to.port, type=socket.SOCK_DGRAM)[0]
            self._sender = _core.UdpSender(str(found[4][0]), to.port, source=self._settings.source)
        except socket.gaierror as error:
            raise SinkError(f"{to.host}: {error.strerror}", sink=self.uri) from error
        except ConfigError as error:
            raise SinkError(str(error), sink=self.uri) from error
        self._headers = IPV6_AND_UDP if found[0] == socket.AF_INET6 else IPV4_AND_UDP
        self.message_octets = self._room()
        self.refresh = (
            round(self._settings.refresh) or None,
            self._settings.refresh_messages or None,
        )

    def put(self, messages: _core.Messages) -> None:
        if self._sender is None or not messages.count:
            return
        sent = self._sender.send(messages)
        self.lose("not sent", sent["lost_records"])
        if sent["lost"] and self.encoder is not None:
            # The path may have turned out to be narrower than it was known to be.
            self.encoder.set_message_octets(self._room())
        if sent["error"] != self._trouble:
            self._trouble = sent["error"]
            if self._trouble:
                LOG.warning("%s: %s", self.uri, self._trouble)

    def close(self) -> None:
        self._sender = None

    def _room(self) -> int:
        """Octets of the longest message, by what is known of the path now."""
        path = self._sender.path_mtu if self._sender is not None else None
        return min(self._settings.mtu, path or MOST, MOST) - self._headers


IPV4_AND_UDP = 28
"""Octets of the headers in front of a message."""

IPV6_AND_UDP = 48

MOST = 65_535
"""Octets of any IP packet."""
