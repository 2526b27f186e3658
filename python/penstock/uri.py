# SPDX-License-Identifier: Apache-2.0
"""Sources, sinks, plugins and addresses as people write them: ``name:place?option=value&option=value``.

The one place that takes these apart and puts them together. What the words mean is said by the
tables of sinks and plugins, not here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, NamedTuple
from urllib.parse import quote, unquote

from penstock.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Uri:
    """One such word, taken apart."""

    name: str
    """What stands before the colon: the kind of sink or source, or the plugin."""

    place: str = ""
    """What stands behind it: a file, a folder, ``//HOST:PORT``, ``-``, or nothing."""

    options: dict[str, str] = field(default_factory=dict)
    """What follows the question mark, values decoded."""

    def __str__(self) -> str:
        """The word again; parsing it gives an equal :class:`Uri`."""
        shown = f"{self.name}:{quote(self.place, safe=SAFE)}"
        return shown + options_text(self.options)


def parse_sink(text: str) -> Uri:
    """``json:flows.jsonl?biflow=split``; a bare ``json`` is ``json:``."""
    head, options = split_options(text)
    name, _, place = head.partition(":")
    return Uri(name, unquote(place), options)


def parse_plugin(text: str) -> Uri:
    """``pstats?includezeroes=true``."""
    name, options = split_options(text)
    return Uri(name, "", options)


def split_options(text: str) -> tuple[str, dict[str, str]]:
    """What stands before the question mark, and the options behind it.

    An option that is only named, as in ``pstats?includezeroes``, is meant to be true.

    Raises:
        ConfigError: an option has no name, or is given twice.
    """
    head, _, query = text.partition("?")
    options: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        name, said, value = pair.partition("=")
        if not name:
            raise ConfigError(f"{text!r}: options are written name=value, joined by '&'")
        if name in options:
            raise ConfigError(f"{text!r}: option {name!r} is given twice")
        options[name] = unquote(value) if said else "true"
    return head, options


def options_text(options: dict[str, str]) -> str:
    """``?a=1&b=2``, or nothing where there are no options."""
    if not options:
        return ""
    return "?" + "&".join(f"{name}={quote(value, safe=SAFE)}" for name, value in options.items())


class Address(NamedTuple):
    """An end of a connection."""

    host: str
    """A name, an IPv4 or an IPv6 address without brackets; empty for all of this machine's."""

    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Listen(NamedTuple):
    """What a collector listens on."""

    transport: Literal["udp", "tcp"]
    address: Address

    def __str__(self) -> str:
        return f"{self.transport}://{self.address}"


def parse_address(text: str, *, port: int | None = None) -> Address:
    """``HOST:PORT``, ``[::1]:PORT``, ``:PORT``, or, where there is a default ``port``, ``HOST``.

    Raises:
        ConfigError: it is none of these.
    """
    parts = ADDRESS.fullmatch(text)
    if parts is None:
        raise ConfigError(f"{text!r} is no address; allowed: HOST:PORT, [IPV6]:PORT")
    host = parts["six"] or parts["host"] or ""
    if parts["port"] is None and port is None:
        raise ConfigError(f"{text!r} has no port; allowed: HOST:PORT, [IPV6]:PORT")
    found = int(parts["port"]) if parts["port"] is not None else port or 0
    if found > MAX_PORT:
        raise ConfigError(f"{text!r}: port {found} is not possible; allowed: 0 to {MAX_PORT}")
    return Address(host, found)


def parse_listen(text: str) -> Listen:
    """``udp://HOST:PORT``, ``tcp://HOST:PORT``, ``HOST:PORT`` or a bare port (both UDP).

    Raises:
        ConfigError: it is none of these.
    """
    transport, said, rest = text.partition("://")
    if not said:
        return Listen("udp", parse_address(f":{text}" if text.isdecimal() else text))
    if transport == "udp":
        return Listen("udp", parse_address(rest))
    if transport == "tcp":
        return Listen("tcp", parse_address(rest))
    raise ConfigError(f"{text!r}: {transport!r} is not known; allowed: udp, tcp")


SAFE = "/-_.,:~[]"
"""Characters that need no escape in a place or a value."""

ADDRESS = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^\s:/\[\]]*))(?::(?P<port>\d{1,5}))?"
)

MAX_PORT = 65_535
