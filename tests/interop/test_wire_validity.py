# SPDX-License-Identifier: Apache-2.0
"""Our IPFIX of all captures, with every plugin, as tshark dissects it: nothing malformed, nothing missing.

Each capture is an exporter of its own, all in one capture for tshark, which checks sequence numbers too.
"""

from __future__ import annotations

import shutil
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

import penstock
from penstock import _core
from tests.captures import DEMO, golden_captures, real_captures
from tests.interop.dissection import Datagram, dissect
from tests.interop.expectation import expect
from tests.interop.exported import FIRST_ADDRESS, IPFIX_PORT, Exported, write_capture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

CAPTURES = [DEMO, *golden_captures(), *real_captures()]
NOW_NS = 1_767_225_600_000_000_000
LONGEST_OCTETS = 1_392
PLUGINS = [plugin["name"] for plugin in _core.plugins()]

WAYS: dict[str, dict[str, Any]] = {
    "default": {},
    "padded": {"pad": True},
    "milliseconds": {"times": "ms"},
    "as ipfixprobe": {"compat": "ipfixprobe"},
}
"""Settings of the encoder."""


@dataclass
class Sent:
    """What an encoder said of a capture, and the messages that it made."""

    messages: list[bytes] = field(default_factory=list)
    counts: _core.EncoderCounts | None = None


@dataclass
class Case:
    """One way of encoding, and tshark's reading of it by capture."""

    sent: dict[str, Sent]
    dissected: dict[str, list[Datagram]]


@pytest.fixture(scope="module", params=WAYS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    sent = {path.name: encode(path, WAYS[request.param]) for path in CAPTURES}
    path = tmp_path_factory.mktemp("wire") / "ipfix.pcap"
    datagrams = [
        Exported(name, str(FIRST_ADDRESS + number), message)
        for number, (name, one) in enumerate(sent.items())
        for message in one.messages
    ]
    write_capture(path, datagrams)
    dissected: dict[str, list[Datagram]] = {name: [] for name in sent}
    for datagram, read in zip(datagrams, dissect(path, (IPFIX_PORT,)), strict=True):
        dissected[datagram.name].append(read)
    return Case(sent, dissected)


def test_nothing_is_malformed_and_every_set_has_its_template(case: Case) -> None:
    wrong = [
        (name, message.complaints, message.unread_sets)
        for name, datagrams in case.dissected.items()
        for one in datagrams
        for message in one.messages
        if message.complaints or message.unread_sets
    ]
    assert not wrong
    assert all(len(one.messages) == 1 for read in case.dissected.values() for one in read)


def test_as_many_records_are_dissected_as_were_encoded(case: Case) -> None:
    assert sum(len(one.messages) for one in case.sent.values()) > len(CAPTURES)
    for name, sent in case.sent.items():
        counts = sent.counts
        assert counts is not None
        assert counts["too_long"] == counts["too_many_templates"] == 0
        records = [
            record.template.scopes > 0
            for one in case.dissected[name]
            for message in one.messages
            for record in message.records
        ]
        assert (records.count(False), records.count(True)) == (
            counts["records"],
            counts["options_records"],
        ), name


def test_sequence_numbers_count_the_records_before_the_message(case: Case) -> None:
    for name, datagrams in case.dissected.items():
        before = 0
        for one in datagrams:
            message = one.messages[0]
            assert int(message.header["sequence"]) == before, name
            assert not message.sequence_complaints
            before += len(message.records)


def test_fields_that_tshark_knows_show_what_was_metered(
    case: Case, request: pytest.FixtureRequest
) -> None:
    way = request.node.callspec.params["case"]
    if way == "as ipfixprobe":
        pytest.skip("that probe's forms are compared with that probe's")
    tolerance_ns = 999_999 if way == "milliseconds" else 1  # tshark rounds NTP's fractions down
    rows = [row for batch in penstock.meter(DEMO, plugins=PLUGINS) for row in batch.rows()]
    records = [
        (record, message)
        for one in case.dissected[DEMO.name]
        for message in one.messages
        for record in message.records
        if not record.template.scopes
    ]
    assert len(records) == len(rows)
    for record, message in records:
        shown = expect(record, message).columns
        assert len(shown) > 10
        wrong = min((unlike(shown, row, tolerance_ns) for row in rows), key=len)
        assert not wrong
        rows.remove(next(row for row in rows if not unlike(shown, row, tolerance_ns)))


def test_messages_are_no_longer_than_allowed_and_say_how_long(case: Case) -> None:
    for sent in case.sent.values():
        for message in sent.messages:
            assert len(message) <= LONGEST_OCTETS
            assert len(message) == struct.unpack_from("!H", message, 2)[0]


def test_padded_sets_end_on_four_octets(case: Case, request: pytest.FixtureRequest) -> None:
    if request.node.callspec.params["case"] != "padded":
        pytest.skip("only where padding was asked for")
    lengths = [
        length
        for sent in case.sent.values()
        for message in sent.messages
        for length in set_lengths(message)
    ]
    assert lengths
    assert not [length for length in lengths if length % 4]


def encode(path: Path, settings: dict[str, Any]) -> Sent:
    """Meters a capture with all plugins and encodes its flows."""
    encoder = _core.IpfixEncoder(message_octets=LONGEST_OCTETS, **settings)
    sent = Sent()
    try:
        for batch in penstock.meter(path, plugins=PLUGINS):
            sent.messages += split(bytes(encoder.encode(batch.native, NOW_NS)))
    except penstock.DecodeError:
        pass  # some captures are cut; the flows up to there are given out
    sent.messages += split(bytes(encoder.finish(NOW_NS)))
    sent.counts = encoder.counts()
    return sent


def unlike(shown: dict[str, Any], row: dict[str, Any], tolerance_ns: int) -> list[str]:
    """Columns that are not what tshark shows."""
    return [
        f"{name}: metered {row.get(name)!r}, shown {value!r}"
        for name, value in shown.items()
        if row.get(name) != value
        and not (name in ("time_start", "time_end") and 0 <= row[name] - value <= tolerance_ns)
    ]


def split(octets: bytes) -> Iterator[bytes]:
    """Messages that lie end to end."""
    while octets:
        length = struct.unpack_from("!H", octets, 2)[0]
        yield octets[:length]
        octets = octets[length:]


def set_lengths(message: bytes) -> Iterator[int]:
    """The lengths that the sets say they have."""
    at = 16
    while at < len(message):
        length = struct.unpack_from("!H", message, at + 2)[0]
        yield length
        at += length
