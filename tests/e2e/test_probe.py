# SPDX-License-Identifier: Apache-2.0
"""``penstock probe`` from outside: what it prints, writes and answers."""

from __future__ import annotations

import csv
import gzip
import io
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import DEMO, CommandLine


def test_flows_are_a_table_on_stdout_and_the_summary_is_on_stderr(run: CommandLine) -> None:
    done = run("probe", DEMO)
    assert done.status == 0
    assert done.ledger is not None
    assert len(done.out.splitlines()) == 1 + done.ledger.flows
    assert re.search(r"^packets read +[\d,]+$", done.err, re.MULTILINE)
    assert "does not add up" not in done.err
    assert f"{'to text:':<24} {done.ledger.flows:>15,}" in done.err


def test_json_is_an_object_a_flow_that_adds_up(run: CommandLine) -> None:
    done = run("probe", DEMO, "--to", "json:")
    assert done.ledger is not None
    assert len(done.rows) == done.ledger.flows
    packets = sum(row["packets"] + row["packets_rev"] for row in done.rows)
    assert packets == done.ledger.packets_metered


def test_quiet_says_nothing_but_flows(run: CommandLine) -> None:
    assert run("probe", DEMO, "--quiet").err == ""


def test_several_sinks_get_the_same_flows(run: CommandLine, tmp_path: Path) -> None:
    done = run(
        "probe",
        DEMO,
        "--to",
        "json:",
        "--to",
        f"csv:{tmp_path}/f.csv",
        "--to",
        f"parquet:{tmp_path}/d",
    )
    lines = list(csv.DictReader(io.StringIO((tmp_path / "f.csv").read_text())))
    table = pq.read_table(tmp_path / "d")
    assert len(done.rows) == len(lines) == table.num_rows
    octets = sum(row["octets"] for row in done.rows)
    assert octets == sum(int(line["octets"]) for line in lines)
    assert octets == sum(table.column("octets").to_pylist())


def test_columns_are_given_out_in_the_order_asked_for(run: CommandLine) -> None:
    done = run("probe", DEMO, "--to", "csv:", "--columns", "octets,src_addr")
    assert done.out.splitlines()[0] == b"octets,src_addr"
    heading = run("probe", DEMO, "--columns", "dst_port,src_port").out.splitlines()[0]
    assert heading.split() == [b"dst_port", b"src_port"]


def test_standard_input_and_compressed_files_give_the_same(
    run: CommandLine, tmp_path: Path
) -> None:
    packed = tmp_path / "demo.pcapng.gz"
    packed.write_bytes(gzip.compress(DEMO.read_bytes()))
    plain = run("probe", DEMO, "--to", "json:").out
    assert run("probe", packed, "--to", "json:").out == plain
    assert run("probe", "-", "--to", "json:", stdin=DEMO.read_bytes()).out == plain


@pytest.mark.parametrize("limit", [["--max-flows", "3"], ["--tunnel", "outer"], ["--uniflow"], []])
def test_any_number_of_threads_gives_the_same_octets(run: CommandLine, limit: list[str]) -> None:
    outputs = {
        run("probe", DEMO, "--to", "json:", "--threads", threads, *limit).out
        for threads in ("1", "2", "3", "8")
    }
    assert len(outputs) == 1


def test_a_filter_leaves_packets_out_and_counts_them(run: CommandLine) -> None:
    done = run("probe", DEMO, "--to", "json:", "--filter", "udp port 53")
    assert done.ledger is not None
    assert {row["protocol"] for row in done.rows} == {17}
    assert done.ledger.lost_packets()["filtered"] > 0


def test_uniflow_has_a_record_for_each_direction(run: CommandLine) -> None:
    rows = run("probe", DEMO, "--to", "json:", "--uniflow").rows
    assert not any("packets_rev" in row for row in rows)


def test_count_stops_early(run: CommandLine) -> None:
    done = run("probe", DEMO, "--to", "null:", "--count", "5")
    assert done.ledger is not None
    assert done.ledger.packets_read == 5


def test_timeouts_take_units(run: CommandLine) -> None:
    short = run("probe", DEMO, "--to", "json:", "--idle-timeout", "1ms")
    assert len(short.rows) > len(run("probe", DEMO, "--to", "json:").rows)


def test_a_cut_file_gives_its_flows_then_names_file_and_octet(
    run: CommandLine, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(DEMO.read_bytes()[:-9])
    done = run("probe", cut, "--to", "json:")
    assert done.status == 1
    assert len(done.rows) > 0
    assert re.search(r"^penstock: .*cut\.pcapng: octet \d+: ", done.err, re.MULTILINE)


def test_a_failing_sink_is_told_and_the_others_finish(run: CommandLine, tmp_path: Path) -> None:
    done = run("probe", DEMO, "--to", "json:/dev/full", "--to", f"json:{tmp_path}/good")
    assert done.status == 1
    assert done.ledger is not None
    assert "penstock: json:/dev/full: No space left on device" in done.err
    assert len((tmp_path / "good").read_text().splitlines()) == done.ledger.flows


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["probe", "x", "--plugin", "pstat"], "unknown plugin 'pstat'; did you mean 'pstats'?"),
        (["probe", "x", "--to", "jsn:"], "unknown sink 'jsn'; did you mean 'json'?"),
        (["probe", "x", "--columns", "octet"], "unknown column 'octet'; did you mean 'octets'?"),
        (["probe", "x", "--filtr", "tcp"], "unknown option --filtr; did you mean --filter?"),
        (["probe", "x", "--to", "csv:?colums=octets"], "did you mean 'columns'?"),
        (["probe", "x", "--plugin", "pstats?includezeros=true"], "did you mean 'includezeroes'?"),
        (["prob", "x"], "unknown command 'prob'; did you mean 'probe'?"),
        (["probe"], "no source is named"),
        (["probe", "x", "--threads", "two"], "--threads"),
        (["probe", "x", "--tunnel", "iner"], "did you mean 'inner'?"),
        (["plugins", "pstat"], "unknown plugin 'pstat'; did you mean 'pstats'?"),
        (["fields", "src_adr"], "unknown field 'src_adr'; did you mean 'src_addr'?"),
        (["probe", "--config", "nothing.toml"], "nothing.toml: No such file or directory"),
        (["probe", "--config", "x.toml", "--uniflow"], "--uniflow cannot stand beside --config"),
    ],
)
def test_what_cannot_be_is_one_line_and_status_2(
    run: CommandLine, words: list[str], said: str
) -> None:
    done = run(*words)
    assert done.status == 2
    assert said in done.err
    assert len(done.err.splitlines()) == 1
    assert done.out == b""


@pytest.mark.parametrize("option", [["--count", "0"], ["--filter", ""], ["--key", ""]])
def test_an_option_beside_a_configuration_is_never_passed_over(
    run: CommandLine, option: list[str]
) -> None:
    done = run("probe", "--config", "x.toml", *option)
    assert done.status == 2
    assert f"{option[0]} cannot stand beside --config" in done.err


def test_a_filter_that_no_packet_of_the_capture_can_be_tried_with_is_status_2(
    run: CommandLine,
) -> None:
    done = run("probe", DEMO, "--to", "null:", "--filter", "inbound")
    assert done.status == 2
    assert 'penstock: filter "inbound": ' in done.err


def test_a_ledger_that_cannot_be_written_hides_nothing_else(run: CommandLine) -> None:
    done = run("probe", DEMO, "--to", "null:", "--ledger", "/nowhere/at/all")
    assert done.status == 2
    assert "packets read" in done.err
    assert done.err.endswith("penstock: --ledger /nowhere/at/all: No such file or directory\n")


@pytest.mark.parametrize(
    "words", ["fields", "plugins pstats", "--help", "--version", f"probe '{DEMO}' --show-config"]
)
def test_a_full_disk_is_one_line(words: str) -> None:
    command = f"'{sys.executable}' -m penstock {words} > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "penstock: standard output: No space left on device\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_a_closed_stream_is_no_trouble(closed: str, tmp_path: Path) -> None:
    command = f"'{sys.executable}' -m penstock probe '{DEMO}' --to 'json:{tmp_path}/out' {closed}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "out").read_text().splitlines()) > 0


def test_a_shown_configuration_does_the_same_as_its_command_line(
    run: CommandLine, tmp_path: Path
) -> None:
    words = ["probe", str(DEMO), "--to", "json:", "--plugin", "pstats", "--idle-timeout", "5s"]
    shown = tmp_path / "shown.toml"
    shown.write_bytes(run(*words, "--show-config").out)
    assert run("probe", "--config", shown).out == run(*words).out
    assert run("probe", "--config", shown, DEMO, "--threads", "2").out == run(*words).out


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    command = f"'{sys.executable}' -m penstock probe '{DEMO}' '{DEMO}' --to json: 2>'{tmp_path}/err' | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1] == "0"
    assert "Traceback" not in (tmp_path / "err").read_text()
    assert "penstock:" not in (tmp_path / "err").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_exports_what_was_metered(tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "flows.jsonl"
    words = [sys.executable, "-m", "penstock", "probe", "-", "--to", f"json:{out}"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(DEMO.read_bytes())
        process.stdin.flush()  # and the pipe stays open: only the signal can end this
        time.sleep(2.5)
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert b"interrupted" in err
    assert len(out.read_text().splitlines()) > 0


def test_on_a_terminal_a_bar_shows_packets_a_second() -> None:
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "penstock", "probe", "-", "--to", "null:"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        assert process.stdin is not None
        process.stdin.write(DEMO.read_bytes())
        process.stdin.flush()
        time.sleep(2)
        process.stdin.close()
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
    os.close(ours)
    assert process.returncode == 0
    assert b"packets/s" in shown
