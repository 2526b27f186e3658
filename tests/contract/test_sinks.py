# SPDX-License-Identifier: Apache-2.0
"""What holds for every sink in the table, present and future."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from penstock.batch import FlowBatch
from penstock.errors import ConfigError
from penstock.sinks import SINKS, build, order, settings_class, sink_class
from penstock.sinks.base import ALL_KINDS, BatchId, Sink, SinkSettings
from penstock.uri import Address
from tests import flows
from tests.conftest import DEMO, ROOT, CommandLine

DGRAM = socket.SOCK_DGRAM

Uri = Callable[[str, Path], str]

EVERY_SINK = pytest.mark.parametrize("name", SINKS)


@pytest.fixture(scope="module")
def listener() -> Iterator[Address]:
    """Somebody who takes whatever is sent by TCP, or by UDP to the same port."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(type=DGRAM) as datagrams:
        address = Address(*server.getsockname())
        datagrams.bind(address)

        def take(one: socket.socket) -> None:
            with one:
                while one.recv(1 << 16):
                    pass

        def accept() -> None:
            while True:
                try:
                    made, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=take, args=(made,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield address
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def uri(listener: Address) -> Callable[[str, Path], str]:
    def made(name: str, folder: Path) -> str:
        if SINKS[name].place == "//HOST:PORT":
            return f"{name}://{listener}"
        return f"{name}:{folder / 'out' if SINKS[name].place else ''}"

    return made


def digest(folder: Path) -> str:
    """What all files in a folder hold."""
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(str(path.relative_to(folder)).encode())
        found.update(path.read_bytes())
    return found.hexdigest()


@EVERY_SINK
def test_it_declares_what_it_is(name: str) -> None:
    sink = sink_class(name)
    assert issubclass(sink, Sink)
    assert "flows" in sink.kinds <= ALL_KINDS
    assert sink.delivery in ("best effort", "at least once", "exactly once")
    assert issubclass(settings_class(name), SinkSettings)
    assert SINKS[name].summary


@EVERY_SINK
def test_its_module_is_named_by_the_table_and_by_nothing_else(name: str) -> None:
    module = SINKS[name].module
    assert module.startswith("penstock.sinks.")
    users = [
        path
        for path in (ROOT / "python").rglob("*.py")
        if f"import {module}" in path.read_text() or f"from {module} " in path.read_text()
    ]
    assert not users


@EVERY_SINK
def test_each_option_has_its_docstring_and_a_default(name: str) -> None:
    for option, setting in settings_class(name).model_fields.items():
        assert setting.description, f"{name}: {option}"
        assert not setting.is_required(), f"{name}: {option}"


@EVERY_SINK
def test_an_unknown_option_is_told_with_the_nearest(name: str) -> None:
    place = {"": "", "//HOST:PORT": "//x"}.get(SINKS[name].place, "x")
    with pytest.raises(ConfigError, match=r"unknown option of sink .*did you mean 'biflow'\?"):
        order(f"{name}:{place}?biflw=split")


@EVERY_SINK
def test_batches_are_answered_once(name: str, tmp_path: Path, uri: Uri) -> None:
    sink = build(order(uri(name, tmp_path)))
    sink.open(flows.batch(0).column_names)
    ids = [BatchId("test", number) for number in range(3)]
    answered: list[BatchId] = []
    for batch_id in ids:
        sink.write(batch_id, flows.batch(5))
        sink.tick(flows.START_NS)
        answered += sink.safe()
    answered += sink.flush()
    assert answered == ids
    assert list(sink.flush()) == []
    assert sum(sink.lost().values()) == 0
    sink.close()


@EVERY_SINK
def test_what_it_promises_to_keep_it_does_not_answer_before_it_has_it(
    name: str, tmp_path: Path, uri: Uri
) -> None:
    sink = build(order(uri(name, tmp_path)))
    if sink.delivery == "best effort":
        return
    sink.live = True
    sink.open(flows.batch(0).column_names)
    sink.write(BatchId("test", 0), flows.batch(5))
    assert list(sink.safe()) == []
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name[0] != "."]
    assert list(sink.flush()) == [BatchId("test", 0)]
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.name[0] != "."]
    sink.close()


@EVERY_SINK
def test_it_takes_the_kinds_that_it_says(name: str, tmp_path: Path, uri: Uri) -> None:
    kinds = sink_class(name).kinds
    asked = "?kinds=all" if "kinds" in settings_class(name).model_fields else ""
    sink = build(order(uri(name, tmp_path) + asked))
    assert sink.takes == kinds
    sink.open(flows.batch(0).column_names)
    for number, kind in enumerate(sorted(kinds)):
        sink.write(BatchId("test", number), FlowBatch(flows.batch(2).native, kind))
    assert len(list(sink.safe()) + list(sink.flush())) == len(kinds)
    sink.close()


@EVERY_SINK
def test_nothing_written_is_nothing_wrong(name: str, tmp_path: Path, uri: Uri) -> None:
    sink = build(order(uri(name, tmp_path)))
    sink.open(flows.batch(0).column_names)
    assert list(sink.flush()) == []
    sink.close()


@EVERY_SINK
def test_it_can_be_closed_without_being_opened(name: str, tmp_path: Path, uri: Uri) -> None:
    build(order(uri(name, tmp_path))).close()


@EVERY_SINK
@pytest.mark.parametrize("biflow", ["whole", "split"])
def test_it_gives_the_same_octets_for_any_number_of_threads(
    name: str, biflow: str, tmp_path: Path, run: CommandLine, uri: Uri
) -> None:
    digests = set()
    for threads in (1, 2, 3, 8):
        folder = tmp_path / str(threads)
        folder.mkdir()
        words = ["probe", DEMO, "--to", f"{uri(name, folder)}?biflow={biflow}"]
        assert run(*words, "--plugin", "pstats", "--threads", str(threads)).status == 0
        digests.add(digest(folder))
    assert len(digests) == 1


@EVERY_SINK
def test_the_reference_page_tells_everything(name: str) -> None:
    page = (ROOT / "docs" / "reference" / "sinks.md").read_text()
    section = page.partition(f"\n## `{name}:")[2].partition("\n## ")[0]
    assert SINKS[name].summary in section
    for option in settings_class(name).model_fields:
        assert f"`{option}`" in section
