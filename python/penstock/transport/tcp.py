# SPDX-License-Identifier: Apache-2.0
"""TCP, both ways: a connection that comes back after a break, and sessions that others open.

Nothing is known here of messages. UDP is not here either: what happens for every datagram is the
native half's.
"""

from __future__ import annotations

import select
import selectors
import socket
import time
from typing import TYPE_CHECKING, Literal, NamedTuple

from penstock.errors import ConfigError
from penstock.uri import Address

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Connection:
    """A way out that is opened again after a break, later each time it fails."""

    def __init__(self, to: Address, *, source: str | None = None) -> None:
        self._to = to
        self._source = source
        self._socket: socket.socket | None = None
        self._delay_s = FIRST_DELAY_S
        self._not_before = 0.0

    @property
    def is_open(self) -> bool:
        """Whether octets can be sent."""
        return self._socket is not None

    @property
    def wait_s(self) -> float:
        """Seconds until :meth:`open` should be tried again; not above 0 if it may be now."""
        return self._not_before - time.monotonic()

    def open(self) -> None:
        """Connects.

        Raises:
            OSError: nobody answered; the next attempt should wait.
        """
        try:
            made = socket.create_connection(
                (self._to.host or "localhost", self._to.port),
                timeout=CONNECT_S,
                source_address=(self._source, 0) if self._source else None,
            )
        except OSError:
            self._not_before = time.monotonic() + self._delay_s
            self._delay_s = min(2 * self._delay_s, LAST_DELAY_S)
            raise
        made.settimeout(SEND_S)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._socket = made
        self._delay_s = FIRST_DELAY_S

    def send(self, octets: bytes) -> int:
        """Hands octets to the system; how many it took, all of them unless the connection broke."""
        if self._socket is None:
            return 0
        rest = memoryview(octets)
        try:
            self._look_for_an_end()
            while rest:
                rest = rest[self._socket.send(rest) :]
        except OSError:
            self.close()
            self._not_before = time.monotonic() + self._delay_s
        return len(octets) - len(rest)

    def close(self) -> None:
        """Ends the connection; what the system has still goes out."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _look_for_an_end(self) -> None:
        """Raises if the other end has gone: a first send after that would seem to succeed."""
        assert self._socket is not None  # noqa: S101 -- the caller has looked
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        if poll.poll(0) and not self._socket.recv(1, socket.MSG_PEEK):
            raise ConnectionResetError


class Event(NamedTuple):
    """What happened to a session."""

    what: Literal["opened", "octets", "closed"]
    session: int
    """Its number; none is used twice."""
    peer: Address
    octets: bytes = b""
    """What came."""
    reason: str = ""
    """Why it is over."""


class Session:
    """A connection that somebody else opened."""

    def __init__(self, number: int, made: socket.socket, peer: Address, now_s: float) -> None:
        self.number = number
        self.socket = made
        self.peer = peer
        self.heard_s = now_s


class Sessions:
    """Sockets that listen, and the sessions that came by them. Used from one thread."""

    def __init__(
        self, addresses: Sequence[Address], *, idle_s: float, max_sessions: int, backlog: int = 128
    ) -> None:
        """Binds.

        Raises:
            ConfigError: an address cannot be listened on; one line.
        """
        self.idle_s = idle_s
        self.max_sessions = max_sessions
        self._selector = selectors.DefaultSelector()
        self._sessions: dict[int, Session] = {}
        self._numbers = 0
        self._looked_s = 0.0
        self._listening: list[socket.socket] = []
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_out.settimeout(0)
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        try:
            for address in addresses:
                self._listening.append(listening(address, backlog))
        except ConfigError:
            self.close()
            raise
        for one in self._listening:
            self._selector.register(one, selectors.EVENT_READ)

    @property
    def addresses(self) -> list[Address]:
        """As bound: a port that was given as 0 is known now."""
        return [Address(*one.getsockname()[:2]) for one in self._listening]

    def wake(self) -> None:
        """Lets :meth:`poll` return; from any thread, or a signal."""
        self._wake_in.send(b"!")

    def poll(self, timeout_s: float) -> Iterator[Event]:
        """What happened, once something did or the time is over."""
        for key, _ in self._selector.select(timeout_s):
            if key.data is not None:
                yield from self._read(key.data)
            elif key.fileobj is self._wake_out:
                self._wake_out.recv(64)
            elif isinstance(key.fileobj, socket.socket):
                yield from self._accept(key.fileobj)
        yield from self._idle()

    def end(self, session: int) -> None:
        """Closes a session; no event tells of it."""
        known = self._sessions.pop(session, None)
        if known is not None:
            self._selector.unregister(known.socket)
            known.socket.close()

    def close(self) -> None:
        """Closes everything."""
        for session in list(self._sessions):
            self.end(session)
        self._selector.close()
        for one in (*self._listening, self._wake_in, self._wake_out):
            one.close()

    def _accept(self, listener: socket.socket) -> Iterator[Event]:
        try:
            made, peer = listener.accept()
        except OSError:
            time.sleep(BREATH_S)  # it went away again, or there are no descriptors left
            return
        address = Address(peer[0].partition("%")[0], peer[1])
        self._numbers += 1
        if len(self._sessions) >= self.max_sessions:
            made.close()
            yield Event("closed", self._numbers, address, reason="too many sessions")
            return
        made.settimeout(0)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        session = Session(self._numbers, made, address, time.monotonic())
        self._sessions[session.number] = session
        self._selector.register(made, selectors.EVENT_READ, session)
        yield Event("opened", session.number, address)

    def _read(self, session: Session) -> Iterator[Event]:
        if session.number not in self._sessions:
            return  # ended since the selector looked
        reason = ""
        try:
            octets = session.socket.recv(CHUNK_OCTETS)
        except BlockingIOError:
            return
        except OSError as error:
            octets, reason = b"", (error.strerror or "broken").lower()
        if octets:
            session.heard_s = time.monotonic()
            yield Event("octets", session.number, session.peer, octets)
        else:
            self.end(session.number)
            yield Event("closed", session.number, session.peer, reason=reason or "ended")

    def _idle(self) -> Iterator[Event]:
        now_s = time.monotonic()
        if now_s - self._looked_s < 1 or not self.idle_s:
            return
        self._looked_s = now_s
        for session in list(self._sessions.values()):
            if now_s - session.heard_s >= self.idle_s:
                self.end(session.number)
                yield Event("closed", session.number, session.peer, reason="idle")


def listening(address: Address, backlog: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        ConfigError: it cannot.
    """
    try:
        found = socket.getaddrinfo(
            address.host or None,
            address.port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )[0]
        made = socket.socket(found[0], found[1])
    except OSError as error:
        raise ConfigError(f"tcp://{address}: {error.strerror or error}") from error
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if found[0] == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(found[4])
        made.listen(backlog)
    except OSError as error:
        made.close()
        raise ConfigError(f"tcp://{address}: {why(error)}") from error
    made.settimeout(0)
    return made


def why(error: OSError) -> str:
    """Why an address cannot be listened on, and what to do."""
    said = (error.strerror or str(error)).lower()
    if "in use" in said:
        return f"{said}; stop what listens there, or name another port"
    if "permission" in said:
        return f"{said}; ports below 1024 need CAP_NET_BIND_SERVICE, others do not"
    if "cannot assign" in said:
        return f"{said}; this machine has no such address"
    return said


FIRST_DELAY_S = 0.1
"""Before the second attempt to connect; each failure doubles it."""

LAST_DELAY_S = 30.0
"""The longest that an attempt is waited for."""

CONNECT_S = 5.0
"""How long an answer to a connection request is waited for."""

SEND_S = 30.0
"""How long a peer may take nothing before the connection counts as broken."""

BREATH_S = 0.05
"""Keeps a listener that cannot accept from being asked without end."""

CHUNK_OCTETS = 1 << 18
"""Most octets taken from a session in one go, so that none starves the others."""
