# SPDX-License-Identifier: Apache-2.0
"""The sinks that speak IPFIX: what leaves, what comes back, what is counted as lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import penstock
from penstock.batch import FlowBatch
from penstock.errors import ConfigError, SinkError
from penstock.sinks import build, order
from penstock.sinks.base import BatchId, Sink
from penstock.uri import Address
from tests import flows

ROWS = 100


def sink_to(uri: str, *, live: bool = False) -> Sink:
    sink = build(order(uri))
    sink.live = live
    sink.open(flows.batch(0).column_names)
    return sink


def messages_in(octets: bytes) -> list[bytes]:
    found = []
    while octets:
        length = int.from_bytes(octets[2:4], "big")
        found.append(octets[:length])
        octets = octets[length:]
    return found


def octets_of(batches: list[FlowBatch]) -> list[int]:
    return sorted(row["octets"] for batch in batches for row in batch.rows())


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(2)
        yield made


def datagrams(receiver: socket.socket) -> list[bytes]:
    receiver.settimeout(0.2)
    found = []
    try:
        while True:
            found.append(receiver.recv(1 << 16))
    except TimeoutError:
        return found


def test_by_udp_every_flow_comes_in_messages_no_longer_than_asked(receiver: socket.socket) -> None:
    sink = sink_to(f"ipfix+udp://{Address(*receiver.getsockname())}?mtu=600&odid=7")
    sink.write(BatchId("test", 0), flows.batch(ROWS))
    assert list(sink.safe()) == [BatchId("test", 0)]
    sink.flush()
    sink.close()
    came = datagrams(receiver)
    assert max(len(one) for one in came) <= 600 - 28
    assert {one[12:16] for one in came} == {(7).to_bytes(4, "big")}
    found = penstock.decode(came, exporter="127.0.0.1")
    assert octets_of(list(found)) == [100 + number for number in range(ROWS)]


def test_by_udp_nobody_there_stops_nothing() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        address = Address(*free.getsockname())
    sink = sink_to(f"ipfix+udp://{address}")
    for number in range(5):
        sink.write(BatchId("test", number), flows.batch(ROWS))
    assert len(list(sink.safe())) == 5
    sink.flush()
    sink.close()


def test_a_host_without_address_is_an_error_of_the_sink() -> None:
    with pytest.raises(SinkError, match=r"^ipfix\+udp://nowhere\.invalid: nowhere\.invalid: "):
        sink_to("ipfix+udp://nowhere.invalid")


class Peer:
    """A collector by TCP that can go away and come back."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = Address(*self.server.getsockname())
        self.sessions: list[bytes] = []
        self.connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                made, _ = self.server.accept()
            except OSError:
                return
            self.connections.append(made)
            self.sessions.append(b"")
            threading.Thread(target=self._take, args=(made, len(self.sessions) - 1)).start()

    def _take(self, made: socket.socket, number: int) -> None:
        while True:
            try:
                octets = made.recv(1 << 16)
            except OSError:
                return
            if not octets:
                made.close()
                return
            self.sessions[number] += octets

    def go_away(self) -> None:
        if self.server.fileno() >= 0:
            self.server.shutdown(socket.SHUT_RDWR)
            self.server.close()
        for one in self.connections:
            if one.fileno() >= 0:
                one.shutdown(socket.SHUT_RDWR)

    def come_back(self) -> None:
        self.server = socket.create_server(self.address, reuse_port=False)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.go_away()


def settled(peer: Peer) -> list[bytes]:
    time.sleep(0.3)
    return peer.sessions


def test_by_tcp_every_flow_comes_in_one_session(peer: Peer) -> None:
    sink = sink_to(f"ipfix+tcp://{peer.address}")
    for number in range(3):
        sink.write(BatchId("test", number), flows.batch(ROWS))
    assert len(list(sink.flush())) == 3
    sink.close()
    (session,) = settled(peer)
    assert len(octets_of(list(penstock.decode(messages_in(session))))) == 3 * ROWS


def test_a_live_source_goes_on_without_its_collector_and_sends_once_it_is_back(peer: Peer) -> None:
    sink = sink_to(f"ipfix+tcp://{peer.address}", live=True)
    sink.write(BatchId("test", 0), flows.batch(ROWS))
    settled(peer)
    peer.go_away()
    time.sleep(0.1)
    sink.write(BatchId("test", 1), flows.batch(ROWS))
    sink.write(BatchId("test", 2), flows.batch(ROWS))
    peer.come_back()
    deadline = time.monotonic() + 10
    answered: list[BatchId] = []
    while len(answered) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
        sink.tick(time.time_ns())
        answered += sink.safe()
    lost = sum(sink.lost().values())
    sink.flush()
    sink.close()
    session = settled(peer)[-1]
    assert len(answered) == 3
    assert len(penstock.decode(messages_in(session))) == 2 * ROWS - lost
    assert messages_in(session)[0][8:12] == bytes(4), "a new session counts from 0"


def test_what_waits_for_a_collector_is_bounded_and_what_is_over_it_counted(peer: Peer) -> None:
    sink = sink_to(f"ipfix+tcp://{peer.address}?buffer=1", live=True)
    peer.go_away()
    time.sleep(0.1)
    for number in range(4):
        sink.write(BatchId("test", number), flows.batch(ROWS))
    lost = dict(sink.lost())
    assert sum(lost.values()) >= 2 * ROWS
    assert set(lost) <= {"connection broke", "collector away"}
    sink.close()


def test_nobody_there_is_told_at_once_for_a_file_and_borne_when_live() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = Address(*free.getsockname())
    with pytest.raises(SinkError, match="Connection refused"):
        sink_to(f"ipfix+tcp://{address}")
    sink_to(f"ipfix+tcp://{address}", live=True).close()


def test_records_of_messages_that_did_not_wholly_leave_are_counted() -> None:
    encoder = penstock._core.IpfixEncoder(message_octets=512, refresh_s=None, refresh_messages=None)
    encoder.encode(flows.batch(1).native, flows.START_NS)
    messages = encoder.encode(flows.batch(ROWS).native, flows.START_NS)
    octets = bytes(messages)
    first = int.from_bytes(octets[2:4], "big")
    second = int.from_bytes(octets[first + 8 : first + 12], "big")
    in_first = second - int.from_bytes(octets[8:12], "big")
    assert messages.records_behind(0) == ROWS
    assert messages.records_behind(first - 1) == ROWS
    assert messages.records_behind(first) == ROWS - in_first
    assert messages.records_behind(len(octets) - 1) < ROWS
    assert messages.records_behind(len(octets)) == 0


def test_a_file_is_there_once_it_is_whole_and_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "flows.ipfix"
    sink = sink_to(f"ipfix:{path}")
    sink.write(BatchId("test", 0), flows.batch(ROWS))
    assert not path.exists()
    assert list(sink.flush()) == [BatchId("test", 0)]
    sink.close()
    assert [one.name for one in tmp_path.iterdir()] == ["flows.ipfix"]
    assert octets_of(list(penstock.collect(path))) == [100 + number for number in range(ROWS)]


def test_rotated_files_can_each_be_read_alone(tmp_path: Path) -> None:
    sink = sink_to(f"ipfix:{tmp_path / 'flows.ipfix'}?rotate=5m")
    for minute in (0, 1, 9, 20):
        sink.write(BatchId("test", minute), flows.batch(1, start_ns=at(minute)))
    sink.flush()
    sink.close()
    paths = sorted(tmp_path.iterdir())
    assert [path.name for path in paths] == [
        "flows-20260101T000000Z-0001.ipfix",
        "flows-20260101T002000Z-0001.ipfix",
    ]
    assert sum(len(batch) for path in paths for batch in penstock.collect(path)) == 4


def test_a_file_ends_where_it_is_large_enough(tmp_path: Path) -> None:
    sink = sink_to(f"ipfix:{tmp_path / 'flows.ipfix'}?max_size=1")
    for number in range(3):
        sink.write(BatchId("test", number), flows.batch(1))
    assert len(list(sink.safe())) == 3
    sink.close()
    assert len(list(tmp_path.iterdir())) == 3


def at(minute: int) -> int:
    return flows.START_NS + minute * 60_000_000_000


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("ipfix:{folder}", "Is a directory"),
        ("ipfix:{folder}/none/flows.ipfix", "No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_is_told_before_anything_is_read(
    tmp_path: Path, uri: str, said: str
) -> None:
    with pytest.raises(SinkError, match=said):
        sink_to(uri.format(folder=tmp_path))


def test_native_is_another_word_for_whole() -> None:
    assert order("ipfix:x?biflow=native").settings.biflow == "whole"
    assert order("ipfix:x?biflow=split").settings.biflow == "split"


def test_interfaces_are_named_in_options_records(tmp_path: Path) -> None:
    path = tmp_path / "named.ipfix"
    sink = sink_to(f"ipfix:{path}?interfaces=1:eth0,2:uplink")
    sink.write(BatchId("test", 0), flows.batch(1))
    sink.flush()
    sink.close()
    options = penstock.collect(path, kinds=["options"]).to_arrow().to_pylist()
    values = [value for row in options for value in row["values"] if value["id"] == IF_NAME]
    assert [value["value"] for value in values] == [b"eth0", b"uplink"]


def test_a_nameless_interface_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="'eth0' is not a number and a name, such as 1:eth0"):
        order("ipfix+udp://127.0.0.1:4739?interfaces=eth0")


IF_NAME = 82
