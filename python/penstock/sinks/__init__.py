# SPDX-License-Identifier: Apache-2.0
"""THE TABLE of sinks, by the name that URIs begin with.

Modules are imported when somebody names their sink, so that a missing client library troubles
only those who asked for it. To add one: write ``sinks/<name>.py``, give it a row here, and run
``make docs``; the contract tests take it from there.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, cast

from penstock.errors import ConfigError
from penstock.naming import unknown
from penstock.refusal import refusal
from penstock.uri import parse_address, parse_sink

if TYPE_CHECKING:
    from penstock.sinks.base import Sink, SinkSettings
    from penstock.uri import Uri


class Entry(NamedTuple):
    """A row of the table."""

    module: str
    """Where the sink lives."""

    sink: str
    """Its class."""

    settings: str
    """The class of its settings."""

    place: str
    """What stands behind the colon of its URI: ``[PATH]``, ``DIR``, ``FILE``, ``//HOST:PORT``, or nothing."""

    summary: str
    """What it does, in half a line."""

    extra: str | None = None
    """What to install for it, when it needs more than penstock itself."""


SINKS = {
    "text": Entry(
        "penstock.sinks.text", "Text", "TextSettings", "[PATH]", "A line a flow, for people"
    ),
    "json": Entry(
        "penstock.sinks.json_lines", "JsonLines", "JsonSettings", "[PATH]", "A JSON object a flow"
    ),
    "csv": Entry("penstock.sinks.csv", "Csv", "CsvSettings", "[PATH]", "A CSV line a flow"),
    "parquet": Entry(
        "penstock.sinks.parquet", "Parquet", "ParquetSettings", "DIR", "Parquet files in a folder"
    ),
    "ipfix+udp": Entry(
        "penstock.sinks.ipfix_udp",
        "IpfixUdp",
        "IpfixUdpSettings",
        "//HOST:PORT",
        "IPFIX messages to a collector, by UDP",
    ),
    "ipfix+tcp": Entry(
        "penstock.sinks.ipfix_tcp",
        "IpfixTcp",
        "IpfixTcpSettings",
        "//HOST:PORT",
        "IPFIX messages to a collector, by TCP",
    ),
    "ipfix": Entry(
        "penstock.sinks.ipfix_file",
        "IpfixFile",
        "IpfixFileSettings",
        "FILE",
        "IPFIX messages in a file (RFC 5655)",
    ),
    "null": Entry("penstock.sinks.null", "Null", "NullSettings", "", "Nowhere, counted"),
}


class Order(NamedTuple):
    """A sink that somebody asked for, checked and not yet made."""

    name: str
    """Its row in the table."""

    place: str
    """Where it is to write; empty for standard output."""

    settings: SinkSettings

    uri: str
    """The words it was asked for with."""

    @property
    def to_stdout(self) -> bool:
        """Whether it writes to standard output."""
        return SINKS[self.name].place == "[PATH]" and not self.place

    @property
    def path(self) -> str | None:
        """The file or folder that it writes to, by its real name; none for standard output or an address."""
        if not self.place or SINKS[self.name].place == "//HOST:PORT":
            return None
        return os.path.realpath(self.place)


def order(text: str) -> Order:
    """Checks a sink's URI without touching the destination.

    Raises:
        ConfigError: the sink, its place or its options cannot be; a line for each mistake.
    """
    from pydantic import ValidationError  # noqa: PLC0415 -- a listing of sinks need not pay for it

    uri = parse_sink(text)
    entry = SINKS.get(uri.name)
    if entry is None:
        raise ConfigError(unknown("sink", uri.name, SINKS))
    place = _place(uri, entry)
    kind = settings_class(uri.name)
    known = kind.model_fields
    problems = [
        unknown(f"option of sink {uri.name!r}:", option, known)
        for option in uri.options
        if option not in known
    ]
    settings = None
    try:
        settings = kind.model_validate(
            {option: value for option, value in uri.options.items() if option in known}
        )
    except ValidationError as error:
        for detail in error.errors():
            at = f"sink {uri.name!r}: {detail['loc'][0]}: "
            problems += [at + line for line in refusal(detail).splitlines()]
    if settings is None or problems:
        raise ConfigError("\n".join(problems))
    return Order(uri.name, place, settings, text)


def _place(uri: Uri, entry: Entry) -> str:
    place = "" if uri.place == "-" and entry.place != "FILE" else uri.place
    if place and not entry.place:
        raise ConfigError(f"sink {uri.name!r} takes no place, and {uri.place!r} is given")
    if entry.place == "//HOST:PORT":
        if not place.startswith("//") or place == "//":
            raise ConfigError(f"sink {uri.name!r} needs an address: {uri.name}://HOST:PORT")
        return str(parse_address(place.removeprefix("//").rstrip("/"), port=IPFIX_PORT))
    if not place and entry.place in ("DIR", "FILE"):
        what = "a folder" if entry.place == "DIR" else "a file"
        raise ConfigError(f"sink {uri.name!r} needs {what}: {uri.name}:{entry.place}")
    return place


def settings_class(name: str) -> type[SinkSettings]:
    """The settings of the sink called ``name``."""
    entry = SINKS[name]
    return cast("type[SinkSettings]", getattr(_load(name, entry), entry.settings))


def sink_class(name: str) -> type[Sink]:
    """The class of the sink called ``name``."""
    entry = SINKS[name]
    return cast("type[Sink]", getattr(_load(name, entry), entry.sink))


def build(asked: Order) -> Sink:
    """Makes a sink, not yet open."""
    return sink_class(asked.name)(asked.uri, asked.settings, asked.place)


def _load(name: str, entry: Entry) -> object:
    try:
        return import_module(entry.module)
    except ModuleNotFoundError as error:
        if entry.extra is None:
            raise
        wanted = f"pip install 'penstock[{entry.extra}]'"
        raise ConfigError(f"sink {name!r} needs {error.name}; {wanted}") from error


IPFIX_PORT = 4739
"""IANA's."""
