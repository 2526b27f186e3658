# SPDX-License-Identifier: Apache-2.0
"""``penstock collect`` and ``penstock exporters`` from outside."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.circuit import CollectorProcess, parquet_rows, send
from tests.conftest import DEMO, CommandLine, assert_adds_up
from tests.e2e.test_circuit import free_port


@pytest.fixture
def routers(run: CommandLine) -> Path:
    """A capture of eight exporters' traffic, two of each protocol."""
    path = run.folder / "routers.pcap"
    words = ["--protocol", "v5,v9,ipfix,sflow", "--exporters", "8", "--records", "4k"]
    done = run("send", "--to", path, *words, "--sampling", "10", "--truth", run.folder / "truth")
    assert done.status == 0, done.err
    return path


def truth(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "truth").read_text())["exporters"]
    return found


def test_a_capture_gives_every_record_of_every_protocol(run: CommandLine, routers: Path) -> None:
    done = run("collect", "--from", routers, "--to", "json:")
    assert done.status == 0, done.err
    made = truth(run.folder)
    for protocol, kind in (("v5", "netflow5"), ("v9", "netflow9"), ("sflow", "sflow")):
        rows = [row for row in done.rows if row["source_kind"] == kind]
        sent = [one["sent"] for one in made if one["protocol"] == protocol]
        assert len(rows) == sum(one["records"] for one in sent)
        assert sum(row["packets"] for row in rows) == sum(one["packets"] for one in sent)
    assert re.search(r"^flows received +[\d,]+  .*ipfix [\d,]+", done.err, re.MULTILINE)
    assert "does not add up" not in done.err


def test_the_exporters_of_a_capture_are_listed(run: CommandLine, routers: Path) -> None:
    listed = run("exporters", "--from", routers)
    assert listed.status == 0, listed.err
    lines = listed.out.decode().splitlines()
    assert lines[0].split()[:3] == ["EXPORTER", "PROTOCOL", "DOMAIN"]
    assert len(lines) == 9
    rows = json.loads(run("exporters", "--from", routers, "--json").out)
    assert {row["protocol"] for row in rows} == {"netflow5", "netflow9", "ipfix", "sflow"}
    assert sum(row["records"] for row in rows) == sum(
        one["sent"]["records"] for one in truth(run.folder)
    )
    templates = run("exporters", "--from", routers, "--templates").out.decode()
    assert "sourceIPv4Address:4" in templates


def test_rates_that_are_configured_hold(run: CommandLine, routers: Path) -> None:
    addresses = {
        row["exporter_addr"] for row in run("collect", "--from", routers, "--to", "json:").rows
    }
    one = min(addresses)
    done = run("collect", "--from", routers, "--to", "json:", "--sampling", f"{one}=4000")
    mine = {row["sampling_rate"] for row in done.rows if row["exporter_addr"] == one}
    assert mine == {4000}
    assert {row["sampling_rate"] for row in done.rows if row["exporter_addr"] != one} == {10}


def test_other_kinds_come_when_asked_for(run: CommandLine, routers: Path) -> None:
    plain = run("collect", "--from", routers, "--to", "json:")
    done = run("collect", "--from", routers, "--to", "json:?kinds=flows,options")
    assert len(done.rows) > len(plain.rows)
    assert done.ledger is not None
    assert done.ledger.count("json:?kinds=flows,options", "out", unit="rows") > 0


def test_an_ipfix_file_that_is_cut_gives_its_flows_then_names_itself(run: CommandLine) -> None:
    whole = run.folder / "whole.ipfix"
    assert run("probe", DEMO, "--to", f"ipfix:{whole}").status == 0
    flows = len(run("collect", "--from", f"ipfix:{whole}", "--to", "json:").rows)
    cut = run.folder / "cut.ipfix"
    cut.write_bytes(whole.read_bytes()[:-9])
    done = run("collect", "--from", cut, "--to", "json:")
    assert done.status == 1
    assert 0 < len(done.rows) <= flows
    assert "cut.ipfix" in done.err


def test_a_shown_configuration_does_the_same_as_its_command_line(
    run: CommandLine, routers: Path
) -> None:
    words = ["collect", "--from", str(routers), "--to", "json:", "--default-sampling", "7"]
    shown = run.folder / "shown.toml"
    shown.write_bytes(run(*words, "--show-config").out)
    assert run("collect", "--config", shown).out == run(*words).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--listen", "udp://nowhere"], "'nowhere' has no port"),
        (["--listen", "http://:80"], "'http' is not known; allowed: udp, tcp"),
        (["--from", "nothing.pcap"], "nothing.pcap: No such file or directory"),
        (["--sampling", "100"], "--sampling '100' is not understood; allowed: ADDR=N"),
        (["--sampling", "host=100"], "sampling: 'host' is no IP address"),
        (["--default-sampling", "0"], "default-sampling: '0' is not possible"),
        (["--for", "soon"], "duration: 'soon' is not understood"),
        (["--to", "ipfix+udp:x"], "sink 'ipfix+udp' needs an address"),
        (["--listen", "udp://127.0.0.1:0", "--state", "/proc/none"], "state: /proc/none: "),
        (["--listen", "udp://127.0.0.1:0", "--keep-bad", "/no/x.pcap"], "/no/x.pcap"),
        (["--listen", "udp://192.0.2.1:0"], "192.0.2.1"),
        (["--listen", "udp://127.0.0.1:0", "--socket", "/no/p.sock"], "socket: /no/p.sock: "),
        (["--config", "nothing.toml"], "nothing.toml: No such file or directory"),
        (["--config", "x.toml", "--to", "json:"], "--to cannot stand beside --config"),
    ],
)
def test_what_cannot_be_is_one_line_and_status_2(
    run: CommandLine, words: list[str], said: str
) -> None:
    done = run("collect", *words)
    assert done.status == 2, done.err
    assert said in done.err
    assert len(done.err.splitlines()) == 1, done.err
    assert done.out == b""


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_port_in_use_is_one_line_and_status_2(run: CommandLine, transport: str) -> None:
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(type=kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if transport == "tcp":
            taken.listen()
        port = taken.getsockname()[1]
        done = run("collect", "--listen", f"{transport}://127.0.0.1:{port}")
    assert done.status == 2
    assert len(done.err.splitlines()) == 1
    assert str(port) in done.err
    assert "in use" in done.err


def test_nobody_to_ask_is_one_line_and_status_2(run: CommandLine) -> None:
    done = run("exporters", "--socket", "none.sock")
    assert done.status == 2
    assert done.err.startswith("penstock: no collector answers at none.sock: ")
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_exports_what_was_received(tmp_path: Path, number: signal.Signals) -> None:
    words = ["--listen", "udp://127.0.0.1:0", "--to", f"parquet:{tmp_path}/flows"]
    with CollectorProcess(tmp_path, *words) as collector:
        made = send(collector.address(), tmp_path, "--records", "5k", "--rate", "50k")
        collector.wait_for(5000)
        status, _, said = collector.stop(number)
    assert status == 0
    assert "interrupted: what was received so far has been exported" in said
    assert parquet_rows(tmp_path / "flows") == sum(one["sent"]["records"] for one in made) == 5000
    assert_adds_up(collector.ledger(), "collect")


def test_a_running_collector_tells_its_exporters_templates_and_metrics(
    run: CommandLine, tmp_path: Path
) -> None:
    metrics = free_port()
    words = ["--listen", "udp://127.0.0.1:0", "--to", "null:", "--metrics", f"127.0.0.1:{metrics}"]
    with CollectorProcess(tmp_path, *words) as collector:
        play = ("--protocol", "v9,ipfix", "--exporters", "4", "--records", "2k", "--rate", "50k")
        send(collector.address(), tmp_path, *play)
        collector.wait_for(2000)
        listed = run("exporters", "--socket", collector.socket).out.decode().splitlines()
        assert len(listed) == 5
        templates = json.loads(
            run("exporters", "--socket", collector.socket, "--templates", "--json").out
        )
        assert {row["protocol"] for row in templates} == {"netflow9", "ipfix"}
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        assert 'penstock_out_total{stage="decode",unit="flows"}' in text
        assert text.count("penstock_exporter_records_total{") == 4
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/healthz", timeout=5) as answer:
            assert json.load(answer)["healthy"] is True
        collector.stop()


def test_it_stops_by_itself_after_a_time_or_a_count(tmp_path: Path) -> None:
    with CollectorProcess(tmp_path, "--listen", "udp://127.0.0.1:0", "--for", "1s") as timed:
        timed.process.communicate(timeout=20)
        assert timed.process.returncode == 0
    words = ["--listen", "udp://127.0.0.1:0", "--count", "100", "--to", "json:"]
    with CollectorProcess(tmp_path, *words) as counted:
        send(counted.address(), tmp_path, "--records", "1k", "--rate", "10k")
        out, _ = counted.process.communicate(timeout=20)
        assert counted.process.returncode == 0
        assert len(out.splitlines()) >= 100


def test_bad_datagrams_are_counted_by_reason_and_kept(run: CommandLine, tmp_path: Path) -> None:
    bad = tmp_path / "bad.pcap"
    words = ["--listen", "udp://127.0.0.1:0", "--to", "null:", "--keep-bad", str(bad)]
    with CollectorProcess(tmp_path, *words) as collector:
        play = ("--records", "5k", "--rate", "50k", "--hostile", "20%")
        send(collector.address(), tmp_path, *play)
        collector.wait_for(5000)
        status, _, said = collector.stop()
    assert status == 0, said
    ledger = collector.ledger()
    assert_adds_up(ledger, "hostile")
    trouble = ledger.count("message", "lost", unit="datagrams") + sum(
        count
        for reason, count in ledger.reasons("noted", stage="message", unit="datagrams").items()
        if reason.startswith("partly")
    )
    assert trouble > 0
    assert bad.stat().st_size > 24
    again = run("collect", "--from", bad, "--to", "null:")
    assert again.status == 0, again.err


def test_a_session_of_nonsense_is_closed_and_the_others_go_on(
    run: CommandLine, tmp_path: Path
) -> None:
    words = ["--listen", "tcp://127.0.0.1:0", "--to", f"json:{tmp_path}/flows.jsonl"]
    with CollectorProcess(tmp_path, *words) as collector:
        address = collector.address("tcp")
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port))) as nonsense:
            nonsense.sendall(b"\x00\x0a\x00\x03" + bytes(60))
            nonsense.settimeout(10)
            assert nonsense.recv(1) == b"", "it is closed"
        assert run("probe", DEMO, "--to", f"ipfix+tcp://{address}").status == 0
        collector.wait_for(1)
        status, _, said = collector.stop()
    assert status == 0, said
    ledger = collector.ledger()
    assert ledger.count("tcp", "in", unit="sessions") == 2
    assert ledger.count("tcp", "noted", "bad octets", unit="sessions") == 1
    assert len((tmp_path / "flows.jsonl").read_text().splitlines()) == ledger.flows > 0
    assert_adds_up(ledger, "tcp")


def test_a_reader_that_leaves_early_ends_it_without_error(tmp_path: Path, routers: Path) -> None:
    command = (
        f"'{sys.executable}' -m penstock collect --from '{routers}' '--to' json: 2>'{tmp_path}/err'"
        " | head -n 1 >/dev/null; echo ${PIPESTATUS[0]}"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
    assert (tmp_path / "err").read_text() == ""


def test_only_one_collector_has_a_folder_of_state(run: CommandLine, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    with CollectorProcess(tmp_path, "--listen", "udp://127.0.0.1:0", "--state", state):
        done = run("collect", "--listen", "udp://127.0.0.1:0", "--state", state)
        assert done.status == 2
        assert "another collector has this folder" in done.err


def test_templates_survive_a_restart(tmp_path: Path) -> None:
    words = ["--listen", f"udp://127.0.0.1:{free_port()}", "--state", str(tmp_path / "state")]
    words += ["--to", "null:"]
    play = ("--protocol", "v9", "--exporters", "1", "--rate", "10k", "--records", "1k")
    with CollectorProcess(tmp_path, *words) as first:
        send(first.address(), tmp_path, *play)
        first.wait_for(1000)
        kept = tmp_path / "state" / "templates-0-of-1"
        deadline = time.monotonic() + 10
        while not kept.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        first.kill()
    with CollectorProcess(tmp_path, *words) as second:
        late = ("--late-templates", "1000", "--template-every", "100000")
        made = send(second.address(), tmp_path, *play, *late)
        second.wait_for(1000)
        second.stop()
    assert second.ledger().flows == made[0]["sent"]["records"] == 1000
