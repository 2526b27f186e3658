# SPDX-License-Identifier: Apache-2.0
"""Pages over HTTP, on an address and on a unix socket."""

from __future__ import annotations

import json
import socket
import stat
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

from penstock.errors import ConfigError
from penstock.metrics.ask import ask, default_socket
from penstock.metrics.serve import Pages, Server, UnixServer, serve
from tests.views import MadeUp


@pytest.fixture
def view() -> MadeUp:
    return MadeUp()


@pytest.fixture
def base(view: MadeUp) -> Iterator[str]:
    server = Server("127.0.0.1:0", Pages(view, "penstock"))
    serve(server)
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def path(view: MadeUp, tmp_path: Path) -> Iterator[Path]:
    where = tmp_path / "p.sock"
    server = UnixServer(str(where), Pages(view, "penstock"))
    serve(server)
    yield where
    server.shutdown()
    server.server_close()
    assert not where.exists()


def get(url: str) -> tuple[str, bytes]:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.headers["Content-Type"], answer.read()


def test_prometheus_finds_its_text(base: str) -> None:
    kind, octets = get(f"{base}/metrics")
    assert kind.startswith("text/plain; version=0.0.4")
    assert b"# TYPE penstock_exporter_records_total counter" in octets


@pytest.mark.parametrize(("page", "rows"), [("exporters", 1), ("templates", 2)])
def test_tables_are_json(base: str, page: str, rows: int) -> None:
    kind, octets = get(f"{base}/{page}")
    assert kind == "application/json"
    assert len(json.loads(octets)) == rows


def test_health_has_a_status_of_its_own(base: str, view: MadeUp) -> None:
    assert json.loads(get(f"{base}/healthz")[1]) == {"healthy": True, "troubles": []}
    view.wrong.append("disk full")
    with pytest.raises(HTTPError) as caught:
        get(f"{base}/healthz")
    assert caught.value.code == 503
    assert json.loads(caught.value.read())["troubles"] == ["disk full"]
    caught.value.close()


def test_another_page_is_not_found_and_the_pages_are_named(base: str) -> None:
    with pytest.raises(HTTPError) as caught:
        get(f"{base}/nothing")
    assert caught.value.code == 404
    assert b"/metrics" in caught.value.read()
    caught.value.close()


def test_the_socket_answers_the_same_to_its_owner_only(path: Path) -> None:
    assert ask(str(path), "/exporters")[0]["addr"] == "192.0.2.1"
    assert "ledger" in ask(str(path), "/ledger")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_socket_that_somebody_answers_on_is_not_taken(path: Path, view: MadeUp) -> None:
    with pytest.raises(ConfigError, match="another collector answers there; name another one"):
        UnixServer(str(path), Pages(view, "penstock"))


def test_a_socket_that_was_left_behind_is(tmp_path: Path, view: MadeUp) -> None:
    where = tmp_path / "p.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(where))
    UnixServer(str(where), Pages(view, "penstock")).server_close()


def test_a_file_in_its_place_is_left_alone(tmp_path: Path, view: MadeUp) -> None:
    where = tmp_path / "precious"
    where.write_text("data")
    with pytest.raises(ConfigError, match="file exists"):
        UnixServer(str(where), Pages(view, "penstock"))
    assert where.read_text() == "data"


def test_an_address_in_use_is_one_line(base: str, view: MadeUp) -> None:
    with pytest.raises(ConfigError, match=r"^metrics: .*: address already in use; name another"):
        Server(base.removeprefix("http://"), Pages(view, "penstock"))


def test_nobody_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert default_socket() == str(tmp_path / "penstock.sock")
    with pytest.raises(ConfigError, match=r"no collector answers at .*--socket PATH") as caught:
        ask(None, "/exporters")
    assert "\n" not in str(caught.value)
