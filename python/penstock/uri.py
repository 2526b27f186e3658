# SPDX-License-Identifier: Apache-2.0
"""Sources, sinks and plugins as people write them: ``name:place?option=value&option=value``.

The one place that takes these apart and puts them together. What the words mean is said by the
tables of sinks and plugins, not here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from penstock.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Uri:
    """One such word, taken apart."""

    name: str
    """What stands before the colon: the kind of sink or source, or the plugin."""

    place: str = ""
    """What stands behind it: a file, a folder, ``-``, or nothing."""

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


SAFE = "/-_.,:~"
"""Characters that need no escape in a place or a value."""
