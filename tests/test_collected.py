# SPDX-License-Identifier: Apache-2.0
"""Collecting and decoding in Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import penstock
from penstock.config.shorthand import Shorthand
from penstock.pipeline.supervise import run
from tests.conftest import DEMO, assert_adds_up
from tests.pipeline.test_collecting import netflow5, send


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "demo.ipfix"
    run(Shorthand(sources=[str(DEMO)], sinks=[f"ipfix:{path}"]).graph())
    return path


@pytest.mark.parametrize("way", ["to_arrow", "to_pandas", "to_polars"])
def test_a_file_is_a_table_with_every_column_of_any_batch(exported: Path, way: str) -> None:
    found = penstock.collect(exported)
    table = getattr(found, way)()
    assert len(table) == found.ledger.flows > 0
    columns = list(getattr(table, "column_names", None) or table.columns)
    order = [row["name"] for row in penstock.columns()]
    assert columns == sorted(columns, key=order.index)
    assert_adds_up(found.ledger, "file")


def test_batches_are_of_the_kinds_that_were_asked_for(exported: Path) -> None:
    assert {batch.kind for batch in penstock.collect(exported)} == {"flows"}
    assert {batch.kind for batch in penstock.collect(exported, kinds="all")} == {"flows", "options"}


def test_a_live_collector_ends_when_it_is_stopped_in_the_loop() -> None:
    collected = penstock.collect(listen="udp://127.0.0.1:0")
    send(collected.addresses[0].removeprefix("udp://"), netflow5())
    seen = 0
    for batch in collected:
        seen += len(batch)
        collected.stop()
    assert seen == 2
    assert list(collected) == []
    assert "flows received" in collected.summary


def test_leaving_the_block_ends_it_whatever_waits() -> None:
    with penstock.collect(listen="udp://127.0.0.1:0") as collected:
        address = collected.addresses[0].removeprefix("udp://")
        send(address, netflow5())
    with penstock.collect(listen=f"udp://{address}"):
        pass


def test_a_count_ends_it() -> None:
    collected = penstock.collect(listen="udp://127.0.0.1:0", count=2)
    send(collected.addresses[0].removeprefix("udp://"), netflow5())
    assert sum(len(batch) for batch in collected) == 2


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"source": "nothing.pcap"}, r"nothing\.pcap: No such file or directory"),
        ({"listen": "udp://x"}, "'x' has no port"),
        ({"listen": "udp://127.0.0.1:0", "kinds": "flow"}, "did you mean 'flows'"),
        ({"listen": "udp://127.0.0.1:0", "worker": 2}, "did you mean 'workers'"),
    ],
)
def test_what_cannot_be_is_a_config_error(settings: dict[str, object], said: str) -> None:
    with pytest.raises(penstock.ConfigError, match=said):
        penstock.collect(**settings)  # type: ignore[arg-type]


def test_a_datagram_is_decoded_by_itself() -> None:
    found = penstock.decode(netflow5(), exporter="192.0.2.9", time=1_767_225_600.5)
    (first, second) = found.rows()
    assert (first["octets"], first["dst_port"]) == (100, 443)
    assert first["exporter_addr"] == "192.0.2.9"
    assert first["sampling_rate"] == 10
    assert first["time_received"] == 1_767_225_600_500_000_000
    assert len(found) == found.to_arrow().num_rows == 2
    assert second["src_addr"] == "192.0.2.1"


def test_a_decoder_remembers_from_one_call_to_the_next() -> None:
    decoder = penstock.Decoder(default_sampling=5)
    penstock.decode(netflow5(0), decoder=decoder)
    penstock.decode([netflow5(2), netflow5(6)], decoder=decoder)
    (row,) = decoder.exporters()
    assert (row["datagrams"], row["records"], row["missing"]) == (3, 6, 2)
    assert_adds_up_without_sockets(decoder.ledger)


def assert_adds_up_without_sockets(ledger: penstock.Ledger) -> None:
    wrong = [one.says for one in ledger.equations() if not one.holds and "arrived" not in one.says]
    assert not wrong


def test_one_datagram_of_nonsense_is_an_error_and_several_are_counted() -> None:
    with pytest.raises(penstock.DecodeError, match="unknown version"):
        penstock.decode(b"nonsense")
    decoder = penstock.Decoder()
    assert len(decoder.decode([b"nonsense", netflow5()])) == 2
    assert decoder.ledger.count("message", "lost", unit="datagrams") == 1


def test_every_cut_of_a_datagram_is_an_error_or_a_result() -> None:
    whole = netflow5()
    for length in range(len(whole)):
        try:
            penstock.decode(whole[:length])
        except penstock.DecodeError:
            continue


@pytest.mark.parametrize("settings", [{"exporter": "host"}, {"port": 70_000}, {"kinds": "x"}])
def test_arguments_that_cannot_be_are_config_errors(settings: dict[str, object]) -> None:
    with pytest.raises(penstock.ConfigError):
        penstock.decode(netflow5(), **settings)  # type: ignore[arg-type]
