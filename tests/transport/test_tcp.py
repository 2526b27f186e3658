# SPDX-License-Identifier: Apache-2.0
"""TCP both ways, over loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from penstock.errors import ConfigError
from penstock.transport import tcp
from penstock.transport.tcp import Connection, Event, Sessions
from penstock.uri import Address

HOME = Address("127.0.0.1", 0)


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    made = Sessions([HOME], idle_s=60, max_sessions=2)
    yield made
    made.close()


def until(sessions: Sessions, what: str, timeout_s: float = 5) -> list[Event]:
    """Events up to the first of that kind."""
    found: list[Event] = []
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found += sessions.poll(0.05)
        if any(event.what == what for event in found):
            return found
    raise AssertionError(f"no {what}: {found}")


def test_what_is_sent_comes_out_in_order(sessions: Sessions) -> None:
    connection = Connection(sessions.addresses[0])
    connection.open()
    assert until(sessions, "opened")[0].session == 1
    octets = bytes(range(256)) * 4096
    sender = threading.Thread(target=connection.send, args=(octets,))
    sender.start()
    received = b""
    while len(received) < len(octets):
        received += b"".join(event.octets for event in until(sessions, "octets"))
    sender.join()
    assert received == octets
    connection.close()
    assert until(sessions, "closed")[-1].reason == "ended"


def test_more_sessions_than_allowed_are_closed_at_once(sessions: Sessions) -> None:
    made = [socket.create_connection(sessions.addresses[0]) for _ in range(3)]
    closed = until(sessions, "closed")
    assert [event.reason for event in closed if event.what == "closed"] == ["too many sessions"]
    assert made[2].recv(1) == b""
    for one in made:
        one.close()


def test_an_idle_session_is_closed() -> None:
    sessions = Sessions([HOME], idle_s=0.2, max_sessions=2)
    with socket.create_connection(sessions.addresses[0]):
        assert until(sessions, "closed")[-1].reason == "idle"
    sessions.close()


def test_a_session_that_we_end_tells_nothing_more(sessions: Sessions) -> None:
    with socket.create_connection(sessions.addresses[0]) as made:
        (opened,) = until(sessions, "opened")
        sessions.end(opened.session)
        assert made.recv(1) == b""
        assert list(sessions.poll(0.05)) == []


def test_polling_ends_when_woken(sessions: Sessions) -> None:
    threading.Timer(0.1, sessions.wake).start()
    begun = time.monotonic()
    assert list(sessions.poll(30)) == []
    assert time.monotonic() - begun < 10


def test_a_port_in_use_is_one_line(sessions: Sessions) -> None:
    with pytest.raises(
        ConfigError, match=r"^tcp://127\.0\.0\.1:\d+: address already in use; stop "
    ):
        Sessions(sessions.addresses, idle_s=1, max_sessions=1)


def test_an_address_that_is_not_here_is_one_line() -> None:
    with pytest.raises(ConfigError, match="this machine has no such address"):
        Sessions([Address("192.0.2.1", 0)], idle_s=1, max_sessions=1)


def test_nobody_there_is_an_error_and_each_attempt_waits_longer() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        connection = Connection(Address(*free.getsockname()))
        waits = []
        for _ in range(3):
            with pytest.raises(OSError, match="refused"):
                connection.open()
            waits.append(connection.wait_s)
    assert waits[0] < waits[1] < waits[2]
    assert waits[0] == pytest.approx(tcp.FIRST_DELAY_S, abs=0.05)


def test_a_peer_that_has_left_is_noticed_before_octets_are_lost(sessions: Sessions) -> None:
    connection = Connection(sessions.addresses[0])
    connection.open()
    (opened,) = until(sessions, "opened")
    sessions.end(opened.session)
    time.sleep(0.1)
    assert connection.send(b"lost") == 0
    assert not connection.is_open
    connection.open()
    assert connection.send(b"there") == 5
    connection.close()
