# SPDX-License-Identifier: Apache-2.0
"""Collectors of a graph: sockets, families, notices, and what comes of trouble."""

from __future__ import annotations

import socket
import struct
import time
from pathlib import Path

import pytest

import penstock
from penstock.config.check import graph
from penstock.config.model import Collector
from penstock.pipeline import collecting as module
from penstock.pipeline.collecting import addresses, everywhere
from penstock.pipeline.feed import Gate
from penstock.pipeline.supervise import run
from penstock.uri import Address
from tests.circuit import collecting
from tests.conftest import assert_adds_up


def netflow5(sequence: int = 0, records: int = 2) -> bytes:
    """A datagram of NetFlow v5 with records of 100 octets each."""
    header = struct.pack(
        "!HHIIIIBBH", 5, records, 60_000, 1_767_225_600, 0, sequence, 0, 0, 0x4000 | 10
    )
    record = struct.pack(
        "!4s4s4sHHIIIIHHBBBBHHBBH",
        *(b"\xc0\x00\x02\x01", b"\xc6\x33\x64\x01", bytes(4), 1, 2),
        *(1, 100, 1000, 2000, 40000, 443, 0, 0x1B, 6, 0, 0, 0, 24, 24, 0),
    )
    return header + record * records


def part(**settings: object) -> Collector:
    tables = {
        "collectors": [{"name": "c", **settings}],
        "exporters": [{"name": "e", "sink": "null:"}],
    }
    return graph(tables).collectors[0]


def send(address: str, *datagrams: bytes, family: int = socket.AF_INET) -> None:
    host, _, port = address.rpartition(":")
    with socket.socket(family, socket.SOCK_DGRAM) as made:
        for one in datagrams:
            made.sendto(one, (host.strip("[]"), int(port)))


def test_no_host_is_all_of_this_machines_of_both_families() -> None:
    udp, tcp = addresses(part(listen=["2055", "tcp://:4739", "udp://192.0.2.1:1", "2055"]))
    assert udp == [Address(host, 2055) for host in everywhere()] + [Address("192.0.2.1", 1)]
    assert tcp == [Address(host, 4739) for host in everywhere()]


@pytest.mark.skipif(len(everywhere()) == 1, reason="no IPv6 here")
def test_both_families_are_received() -> None:
    with collecting("udp://127.0.0.1:0", "udp://[::1]:0") as receiving:
        four, six = (one.removeprefix("udp://") for one in receiving.collected.addresses)
        send(four, netflow5())
        send(six, netflow5(), family=socket.AF_INET6)
        receiving.wait_for(4)
        rows = receiving.rows()
    assert {row["exporter_addr"] for row in rows} == {"127.0.0.1", "::1"}


def test_a_buffer_that_the_system_limits_is_said_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = module.Collecting(part(listen=["udp://127.0.0.1:0"], buffer=1 << 20))

    class Small:
        granted_octets = 212_992

    monkeypatch.setattr(found, "_listener", Small())
    assert found.notices() == [
        f"listening on {found.addresses[0]}",
        "the system grants a receive buffer of 212,992 octets, not 1,048,576; "
        "for more: sysctl -w net.core.rmem_max=1048576",
    ]
    found.close()


def test_several_workers_share_a_port_and_lose_nothing() -> None:
    with collecting("udp://127.0.0.1:0", workers=3) as receiving:
        address = receiving.address()
        for exporter in range(1, 9):
            with socket.socket(type=socket.SOCK_DGRAM) as made:
                made.bind((f"127.0.0.{exporter}", 0))
                host, _, port = address.rpartition(":")
                for number in range(20):
                    made.sendto(netflow5(sequence=2 * number), (host, int(port)))
        receiving.wait_for(320)
        rows = receiving.rows()
        exporters = receiving.collected.exporters()
    assert len(rows) == 320
    assert len(exporters) == 8, "an exporter stays with one worker"
    assert sum(row["missing"] for row in exporters) == 0
    assert_adds_up(receiving.collected.ledger, "workers")


def test_a_file_and_a_capture_of_packets_run_beside_each_other(tmp_path: Path) -> None:
    tables = {
        "observation_points": [{"name": "p", "sources": ["demo/demo.pcapng"]}],
        "caches": [{"name": "flows"}],
        "exporters": [{"name": "e", "sink": f"ipfix:{tmp_path}/flows.ipfix"}],
    }
    metered = run(graph(tables)).ledger.flows
    tables["collectors"] = [{"name": "again", "sources": [f"{tmp_path}/flows.ipfix"]}]
    tables["exporters"] = [
        {"name": "one", "sink": f"json:{tmp_path}/metered", "caches": ["flows"]},
        {"name": "two", "sink": f"json:{tmp_path}/collected", "collectors": ["again"]},
        {"name": "all", "sink": f"json:{tmp_path}/all"},
    ]
    outcome = run(graph(tables))
    assert not outcome.errors
    assert_adds_up(outcome.ledger, "both")
    lines = {
        name: len((tmp_path / name).read_text().splitlines())
        for name in ("metered", "collected", "all")
    }
    assert lines == {"metered": metered, "collected": metered, "all": 2 * metered}


def test_a_sink_that_fails_stops_a_collector_that_has_no_other() -> None:
    tables = {
        "collectors": [{"name": "c", "listen": ["udp://127.0.0.1:0"], "duration": 20}],
        "exporters": [{"name": "e", "sink": "json:/dev/full"}],
        "monitoring": {"socket": "/nonexistent/p.sock"},
    }
    with pytest.raises(penstock.ConfigError, match=r"socket: /nonexistent/p\.sock"):
        run(graph(tables))


def test_a_gate_closes_by_count_by_time_and_by_hand() -> None:
    woken: list[bool] = []
    by_count = Gate(10, None)
    by_count.on_stop.append(lambda: woken.append(True))
    by_count.count(9)
    assert by_count.is_open
    by_count.count(1)
    assert not by_count.is_open
    assert woken == [True]
    by_time = Gate(None, 0.05)
    by_time.begin()
    assert by_time.is_open
    time.sleep(0.06)
    assert not by_time.is_open
