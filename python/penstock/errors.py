# SPDX-License-Identifier: Apache-2.0
"""Every exception that penstock raises on purpose, named after who must act.

Catch :class:`PenstockError` to catch them all; anything else that escapes is a bug in penstock.
The native half raises these same classes.
"""

from __future__ import annotations


class PenstockError(Exception):
    """Base class; never raised itself."""


class ConfigError(PenstockError):
    """The operator asked for something that cannot be done."""

    def __init__(self, problem: str, *, path: str | None = None, at: str | None = None) -> None:
        super().__init__(": ".join(part for part in (path, at, problem) if part))
        self.path = path
        """File that says so, where one does."""
        self.at = at
        """Dotted path of the offending setting, such as ``exporters.0.sink``."""


class DecodeError(PenstockError):
    """The input is not what it claims to be: a cut file, a foreign format."""

    def __init__(self, problem: str, *, file: str | None = None, offset: int | None = None) -> None:
        super().__init__(problem)
        self.file = file
        """File that holds the octets, where one does."""
        self.offset = offset
        """Octet in that file, after decompression, at which reading ended."""


class SinkError(PenstockError):
    """A destination did not take a batch."""

    def __init__(self, problem: str, *, sink: str, retry: bool = False) -> None:
        super().__init__(f"{sink.removesuffix(':')}: {problem}")
        self.sink = sink
        """The sink, as its URI names it."""
        self.retry = retry
        """Whether the same batch may succeed later."""


class InternalError(PenstockError):
    """Penstock itself is wrong; please report it."""
