# SPDX-License-Identifier: Apache-2.0
"""Datagrams of many vendors' exporters decode to the values that tshark shows, field by field.

What tshark cannot read is not compared: sets without a template, and what comes behind a header
that announces too little.
"""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import penstock
from tests.interop.dissection import NETFLOW9_SCOPE, Datagram, Record, Template, dissect
from tests.interop.expectation import Number, differences, elements, expect, export_ns
from tests.interop.exported import PORTS, Exported, exported, write_capture

if TYPE_CHECKING:
    pass

pytestmark = [
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed"),
    pytest.mark.skipif(not exported(), reason="PENSTOCK_CAPTURES is not set: no exports to read"),
]

COUNT_IS_WRONG = {"netflow9_test_invalid01"}
"""The header announces fewer records than there are; tshark stops there."""

SEVERAL_MESSAGES = [one for one in exported() if len(list(one.messages())) > 1]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Datagram]]:
    """Tshark's reading of each file, a datagram for each message in it."""
    capture = tmp_path_factory.mktemp("exports") / "exports.pcap"
    messages = [
        replace(one, octets=with_any_count(one, octets))
        for one in exported()
        for octets in one.messages()
    ]
    write_capture(capture, messages)
    files: dict[str, list[Datagram]] = {}
    for one, datagram in zip(messages, dissect(capture, PORTS), strict=True):
        files.setdefault(one.name, []).append(datagram)
    return files


@pytest.mark.parametrize("file", exported(), ids=lambda one: one.name)
def test_every_record_has_the_values_that_tshark_shows(
    file: Exported, judged: dict[str, list[Datagram]]
) -> None:
    decoder = decoder_with_templates(file, judged)
    messages = [message for one in judged[file.name] for message in one.messages]
    decoded = decode(decoder, file, judged)
    rows = decoded.get("flows", [])
    records = [
        (record, message)
        for message in messages
        for record in message.records
        if not record.template.scopes
    ]
    assert len(rows) == len(records)
    for record, message in records:
        expected = expect(record, message)
        assert not expected.not_shown
        wrong = min((differences(expected, row) for row in rows), key=len)
        assert not wrong, wrong
        rows.remove(next(row for row in rows if not differences(expected, row)))


@pytest.mark.parametrize("file", exported(), ids=lambda one: one.name)
def test_every_options_record_has_the_octets_that_tshark_shows(
    file: Exported, judged: dict[str, list[Datagram]]
) -> None:
    decoder = decoder_with_templates(file, judged)
    rows = decode(decoder, file, judged).get("options", [])
    records = [
        record
        for one in judged[file.name]
        for message in one.messages
        for record in message.records
        if record.template.scopes
    ]
    assert [options_of_row(row) for row in rows] == [options_of(record) for record in records]


@pytest.mark.parametrize("file", exported(), ids=lambda one: one.name)
def test_templates_are_those_that_tshark_shows(
    file: Exported, judged: dict[str, list[Datagram]]
) -> None:
    decoder = penstock.Decoder()
    decode(decoder, file, judged)
    by_tshark = {
        template.id: numbers_of(template)
        for one in judged[file.name]
        for message in one.messages
        for template in message.templates
    }
    ours = {
        template["id"]: [number_and_length(field) for field in template["fields"]]
        for template in decoder.templates()
    }
    assert ours == by_tshark


@pytest.mark.parametrize("file", exported(), ids=lambda one: one.name)
def test_headers_are_those_that_tshark_shows(
    file: Exported, judged: dict[str, list[Datagram]]
) -> None:
    decoder = decoder_with_templates(file, judged)
    messages = [message for one in judged[file.name] for message in one.messages]
    rows = decode(decoder, file, judged).get("flows", [])
    by_tshark = Counter(
        (int(message.header["sequence"]), message.domain)
        for message in messages
        for record in message.records
        if not record.template.scopes
    )
    assert Counter((row["sequence"], row["observation_domain"]) for row in rows) == by_tshark
    assert {row["exporter_addr"] for row in rows} <= {file.source}


@pytest.mark.parametrize("file", SEVERAL_MESSAGES, ids=lambda one: one.name)
def test_messages_behind_the_first_of_a_datagram_are_read_too(
    file: Exported, judged: dict[str, list[Datagram]]
) -> None:
    records = [
        record
        for one in judged[file.name]
        for message in one.messages
        for record in message.records
        if not record.template.scopes
    ]
    decoded = penstock.decode(file.octets, exporter=file.source, port=file.port)
    assert len(decoded) == len(records)


def test_no_datagram_is_refused_and_the_sound_part_of_damaged_ones_is_used(
    judged: dict[str, list[Datagram]],
) -> None:
    files = exported()
    decoder = penstock.Decoder()
    for file in files:
        decode(decoder, file, judged)
    ledger = decoder.ledger
    assert not ledger.reasons("lost", stage="message", unit="datagrams")
    noted = ledger.reasons("noted", stage="message", unit="datagrams")
    cut = [file.name for file in files if file.is_damaged and file.name not in COUNT_IS_WRONG]
    assert noted == {"partly used: count beyond message": len(cut)}


def decode(
    decoder: penstock.Decoder, file: Exported, judged: dict[str, list[Datagram]]
) -> dict[str, list[dict[str, Any]]]:
    """Rows by kind, as received when the exporter says that it sent them."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for octets, datagram in zip(file.messages(), judged[file.name], strict=True):
        for batch in decoder.decode(
            octets,
            exporter=file.source,
            port=file.port,
            time=export_ns(datagram.messages[0]) / 1e9,
            kinds=("flows", "options"),
        ):
            rows.setdefault(batch.kind, []).extend(batch.rows())
    return rows


def decoder_with_templates(file: Exported, judged: dict[str, list[Datagram]]) -> penstock.Decoder:
    """One that has read the files of that device that come before."""
    decoder = penstock.Decoder()
    for before in exported():
        if before.name == file.name:
            break
        if before.source == file.source:
            decode(decoder, before, judged)
    return decoder


def with_any_count(file: Exported, octets: bytes) -> bytes:
    """Tshark stops at the header's count of records, even where it is too low."""
    if file.name not in COUNT_IS_WRONG:
        return octets
    return octets[:2] + b"\x7f\xff" + octets[4:]


def options_of(record: Record) -> tuple[int, list[tuple[int, int, bytes]]]:
    """Template, and every field with its octets."""
    fields = [(one.pen, one.id, one.octets) for one in record.fields if one.id != PADDING]
    return record.template.id, fields


def options_of_row(row: dict[str, Any]) -> tuple[int, list[tuple[int, int, bytes]]]:
    """The same of an options row."""
    fields = [*row["scope"], *row["values"]]
    return row["template_id"], [(one["pen"], one["id"], one["value"]) for one in fields]


def numbers_of(template: Template) -> list[tuple[Number, str]]:
    """A template as Penstock lists it."""
    return [
        ((one.pen, one.id), "v" if one.length == 65_535 else str(one.length))
        for one in template.fields
    ]


def number_and_length(field: str) -> tuple[Number, str]:
    """``name:length`` or ``pen/id:length``."""
    name, length = field.rsplit(":", 1)
    if "/" in name:
        pen, element = name.split("/")
        return (int(pen), int(element)), length
    return NUMBERS[name], length


def test_no_scope_is_taken_for_an_element() -> None:
    assert all(pen != NETFLOW9_SCOPE for pen, _ in elements())


NUMBERS: dict[str, Number] = {
    element["name"].removeprefix("iana:"): number for number, element in elements().items()
}
PADDING = 210
