# SPDX-License-Identifier: Apache-2.0
"""What a dissected record must be as a row: every field in its column, or in ``extra``.

The rules are the schema's, written a second time and for one record: a column takes the first of
its elements that the template has; what no column takes is extra; groups are null or set together.
Values are those that tshark shows, not the octets, wherever tshark shows them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from penstock import _core
from tests.interop.dissection import NETFLOW9, Field, Message, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

Number = tuple[int, int]
"""Enterprise and element."""

PADDING: Number = (0, 210)
INITIATORS = {(0, 232): ("octets", (0, 231)), (0, 299): ("packets", (0, 298))}
"""What a responder sent is the reverse of what an initiator sent, and of nothing else."""

UPTIMES: set[Number] = {(0, 21), (0, 22)}
UPTIMES_SHOWN = {"timestart", "timeend", "abstimestart", "abstimeend"}
"""An uptime of zero is shown as the year 1970."""

EVENT: Number = (0, 323)
SECOND_NS, MS_NS = 1_000_000_000, 1_000_000
DAY_NS = 86_400 * SECOND_NS
BY_DIFFERENT_RULES = {"time_start", "time_end", "time_start_rev", "time_end_rev", "sampling_rate"}
LISTS = {"subTemplateMultiList", "subTemplateList", "basicList"}
ICMP, TCP = {1, 58}, 6
WITH_PORTS = {6, 17, 33, 132, 136}
OF_THE_SESSION = {
    *("sampling_rate", "sampling_origin", "source_kind", "exporter_addr", "exporter_port"),
    *("observation_domain", "sequence", "time_received", "time_suspect", "counter_semantics"),
}


@dataclass
class Expected:
    """A row to be, and the fields that tshark was silent of."""

    columns: dict[str, Any] = field(default_factory=dict)
    extra: list[tuple[int, int, bytes]] = field(default_factory=list)
    lists: list[bytes] = field(default_factory=list)
    """Lists of records, whose contents are extra too."""

    not_shown: list[Number] = field(default_factory=list)
    duration_ns: int | None = None
    """By uptimes: what is known even where the uptime of the export is not."""

    is_suspect: bool = False
    """Whether the times cannot be believed, if it was received when it was exported."""


@cache
def elements() -> dict[Number, _core.ElementRow]:
    """Every element, by its number."""
    return {(element["pen"], element["id"]): element for element in _core.elements()}


@cache
def columns() -> dict[str, list[Number]]:
    """The elements of each column, those that are preferred first."""
    numbers: dict[str, Number] = {}
    for number, element in elements().items():
        name = element["name"]
        numbers[name if ":" in name else f"iana:{name}"] = number
    return {
        column["name"]: [numbers[name] for name in column["elements"]] for column in _core.columns()
    }


@cache
def groups() -> dict[str, str]:
    """The group of each column."""
    return {column["name"]: column["group"] for column in _core.columns()}


def expect(record: Record, message: Message) -> Expected:
    """The row that this record must become."""
    expected = Expected()
    found: dict[Number, Field] = {}
    for one in record.fields:
        found.setdefault(_number(one), one)
    taken: set[int] = set()
    for name, preferred in columns().items():
        if name in BY_DIFFERENT_RULES:
            continue
        for number in preferred:
            forward, initiator = INITIATORS.get(number, ("", number))
            if forward in expected.columns and id(found.get(initiator)) not in taken:
                continue
            if number in found and found[number].octets:
                expected.columns[name] = _column_value(name, number, found, expected)
                taken.add(id(found[number]))
                break
    _times(found, message, expected, taken)
    for number in columns()["sampling_rate"]:
        if number in found:
            taken.add(id(found[number]))
    _rest(record, found, expected, taken)
    _icmp_of_ports(message, expected)
    start_ns, end_ns = (expected.columns.get(name) for name in ("time_start", "time_end"))
    if start_ns is not None and end_ns is not None:
        far = abs(end_ns - export_ns(message)) > DAY_NS
        expected.is_suspect = expected.is_suspect or far or start_ns > end_ns
    elif expected.duration_ns is None:
        expected.is_suspect = True
    return expected


def differences(expected: Expected, row: Mapping[str, Any]) -> list[str]:
    """How a row is not what was expected, a line for each column."""
    wrong = []
    for name, value in expected.columns.items():
        ours = row.get(name)
        if ours != value and not (ours is None and _is_null_by_rule(name, value, expected, row)):
            wrong.append(f"{name}: {ours!r}, by tshark {value!r}")
    if row["time_suspect"] != expected.is_suspect:
        wrong.append(f"time_suspect: {row['time_suspect']}")
    if expected.duration_ns is not None:
        ours_ns = row["time_end"] - row["time_start"]
        if ours_ns != expected.duration_ns:
            wrong.append(f"duration: {ours_ns}, by tshark {expected.duration_ns}")
    expected_groups = {groups()[name] for name in expected.columns}
    for name, ours in row.items():
        if name in expected.columns or name in OF_THE_SESSION or name == "extra":
            continue
        if ours and ours not in EMPTY and not _is_derived(name, ours, row, expected):
            wrong.append(f"{name}: {ours!r}, by tshark nothing")
        elif groups()[name] not in {*expected_groups, "base", "icmp", "icmp_id", "addresses"}:
            wrong.append(f"{name}: its group should be null")
    return wrong + _extra_differences(expected, row)


def value_shown(one: Field, number: Number, not_shown: list[Number]) -> Any:
    """What tshark shows of a field, as the element's type has it; else what its octets say."""
    kind = elements()[number]["type"] if number in elements() else "octetArray"
    lines = [line for line in one.shown if line.name not in OF_NO_FIELD]
    if not lines:
        if one.octets:
            not_shown.append(number)
        return read(one.octets, kind)
    if lines[0].name.startswith("appl_id."):
        engine, selector = (line.show for line in lines[:2])
        if ":" in selector:
            return bytes([int(engine)]) + bytes.fromhex(selector.replace(":", ""))
        return bytes([int(engine)]) + int(selector).to_bytes(len(one.octets) - 1)
    line = lines[0]
    if line.name in SHOWN_AS_OCTETS and kind != "macAddress":
        return read(bytes.fromhex(line.show.replace(":", "")), kind)
    if line.unmasked:
        return read(bytes.fromhex(line.unmasked), kind)
    return _parsed(line.show, kind)


def read(octets: bytes, kind: str) -> Any:
    """Octets as a value of the element's type."""
    if kind.startswith(("unsigned", "dateTime")) and kind != "unsigned256":
        return int.from_bytes(octets)
    if kind in ("ipv4Address", "ipv6Address"):
        return str(ip_address(octets))
    if kind == "macAddress":
        return octets.hex(":")
    if kind == "string":
        return octets.split(b"\0")[0].decode(errors="replace")
    return octets


def time_ns(shown: str) -> int:
    """A time as tshark writes it."""
    month, day, year, clock = shown.removesuffix(" UTC").split()
    whole, fraction = clock.split(".")
    moment = datetime.strptime(f"{month} {day} {year} {whole} +0000", "%b %d, %Y %H:%M:%S %z")
    return int(moment.timestamp()) * SECOND_NS + int(fraction.ljust(9, "0"))


def export_ns(message: Message) -> int:
    """When the message says that it was exported."""
    return time_ns(message.header["timestamp"])


def around_zero(uptime_ms: int) -> int:
    """The difference of two uptimes, which begin again after 2^32 ms."""
    return (uptime_ms + 2**31) % 2**32 - 2**31


def _number(one: Field) -> Number:
    of_version_9 = (NETFLOW9, one.id)
    return of_version_9 if one.pen == 0 and of_version_9 in elements() else (one.pen, one.id)


def _parsed(show: str, kind: str) -> Any:
    if kind.startswith("dateTime"):
        return time_ns(show)
    if kind.startswith("unsigned") and re.fullmatch(r"0x[0-9a-f]+|\d+", show):
        return int(show, 0)
    if kind == "boolean":
        return show == "1"
    if kind != "macAddress" and re.fullmatch(r"([0-9a-f]{2}:)*[0-9a-f]{2}", show):
        return read(bytes.fromhex(show.replace(":", "")), kind)
    return show


def _column_value(
    name: str, number: Number, found: Mapping[Number, Field], expected: Expected
) -> Any:
    value = value_shown(found[number], number, expected.not_shown)
    if name == "icmp_type" and number in {(0, 32), (0, 139)}:
        return value >> 8
    if name == "icmp_code" and number in {(0, 32), (0, 139)}:
        return value & 0xFF
    if name == "tunnel_id" and number == (0, 351):
        return value & 0xFF_FFFF
    return value


def _times(
    found: Mapping[Number, Field], message: Message, expected: Expected, taken: set[int]
) -> None:
    uptimes_ms: dict[str, int] = {}
    for name in ("time_start", "time_end"):
        number = next((number for number in columns()[name] if number in found), None)
        if number is None:
            continue
        one = found[number]
        taken.add(id(one))
        if number not in UPTIMES:
            expected.columns[name] = value_shown(one, number, expected.not_shown)
            continue
        line = next(line for line in one.shown if line.name in UPTIMES_SHOWN)
        uptimes_ms[name] = round(float(line.show) * 1000) if "UTC" not in line.show else 0
        if "sysuptime" in message.header:
            uptime_ms = round(float(message.header["sysuptime"]) * 1000)
            before_ms = around_zero(uptime_ms - uptimes_ms[name])
            expected.columns[name] = export_ns(message) - before_ms * MS_NS
    if len(uptimes_ms) == 2:
        duration_ms = around_zero(uptimes_ms["time_end"] - uptimes_ms["time_start"])
        _uptimes_checked(duration_ms * MS_NS, message, expected)
    if EVENT in found and "time_end" not in expected.columns:
        taken.add(id(found[EVENT]))
        expected.columns["time_end"] = value_shown(found[EVENT], EVENT, expected.not_shown)
        expected.columns.setdefault("time_start", expected.columns["time_end"])


def _uptimes_checked(duration_ns: int, message: Message, expected: Expected) -> None:
    """Days from the export, uptimes are not believed: the duration is kept, and ends there."""
    expected.duration_ns = duration_ns
    end_ns = expected.columns.get("time_end")
    if end_ns is not None and abs(end_ns - export_ns(message)) > DAY_NS:
        expected.columns["time_end"] = export_ns(message)
        expected.duration_ns = max(duration_ns, 0)
        expected.columns["time_start"] = export_ns(message) - expected.duration_ns
        expected.is_suspect = True


def _icmp_of_ports(message: Message, expected: Expected) -> None:
    """Exporters without elements for ICMP put type and code into a port; in IPFIX zero says nothing."""
    columns = expected.columns
    if columns.get("protocol") not in ICMP or {"icmp_type", "icmp_code"} & columns.keys():
        return
    told = columns.get("dst_port") or columns.get("src_port")
    if told is not None and (told or message.version != 10):
        columns["icmp_type"], columns["icmp_code"] = divmod(told, 256)


def _rest(
    record: Record, found: Mapping[Number, Field], expected: Expected, taken: set[int]
) -> None:
    for one, announced in zip(record.fields, record.template.fields, strict=True):
        number = _number(one)
        if id(one) in taken or number == PADDING or announced.length == 0:
            continue
        expected.extra.append((*number, one.octets))
        kind = elements()[number]["type"] if number in elements() else "octetArray"
        if kind in LISTS:
            expected.lists.append(one.octets)
        shown = value_shown(one, number, expected.not_shown)
        meant = read(one.octets, kind)
        if kind.startswith("dateTimeMilli") and shown != meant:
            meant *= MS_NS
        if isinstance(shown, bytes) != isinstance(meant, bytes) and number not in elements():
            continue
        same = shown == meant or str(shown).rstrip("\0") == str(meant)
        assert same, f"{number}: tshark shows {shown!r}, {kind} is {meant!r}"


def _is_null_by_rule(name: str, value: Any, expected: Expected, row: Mapping[str, Any]) -> bool:
    """Ports of protocols that have none, flags of what is not TCP, a flow label of IPv4."""
    protocol = expected.columns.get("protocol")
    if name in ("src_port", "dst_port"):
        return protocol in ICMP or (protocol not in WITH_PORTS and not value)
    if name in ("icmp_type", "icmp_code"):
        return protocol not in ICMP
    if name.startswith("tcp_flags"):
        return protocol != TCP and not value
    if name == "ipv6_flow_label":
        return row.get("ip_version") == 4 and not value
    if name.startswith("mpls_"):
        return not value
    return name.endswith("_rev") and not row.get("packets_rev") and not row.get("octets_rev")


def _is_derived(name: str, ours: Any, row: Mapping[str, Any], expected: Expected) -> bool:
    """Columns that follow from other fields than their own."""
    if name == "ip_version":
        addresses = [row[end] for end in ("src_addr", "dst_addr") if end in row]
        return bool(addresses) and {ip_address(one).version for one in addresses} == {ours}
    if name == "icmp_id":
        # Cisco's ASA has it in a port, beside elements for type and code.
        return ours in (expected.columns.get("dst_port"), expected.columns.get("src_port"))
    return name in ("time_start", "time_end")


def _extra_differences(expected: Expected, row: Mapping[str, Any]) -> list[str]:
    ours = [(one["pen"], one["id"], one["value"]) for one in row.get("extra", [])]
    wrong = [f"extra lacks {one}" for one in expected.extra if one not in ours]
    for one in ours:
        in_a_list = any(one[2] in octets for octets in expected.lists)
        if one not in expected.extra and not in_a_list:
            wrong.append(f"extra has {one}")
    return wrong


EMPTY = {"::", "0.0.0.0", "00:00:00:00:00:00"}
OF_NO_FIELD = {"timedelta", "string_len_short", "string_len_long"}
SHOWN_AS_OCTETS = {"enterprise_private_entry", "unknown_field_type"}
