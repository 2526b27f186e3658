# SPDX-License-Identifier: Apache-2.0
"""What to say about a name that nothing has: which one was probably meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, allowed: Iterable[str]) -> str | None:
    """The allowed name that ``name`` was probably meant to be, if any is close."""
    from difflib import get_close_matches  # noqa: PLC0415 -- only mistakes pay for the import

    plain = {word.lower().replace("-", "_"): word for word in allowed}
    close = get_close_matches(name.lower().replace("-", "_"), plain, n=1, cutoff=0.5)
    return plain[close[0]] if close else None


def unknown(what: str, name: str, allowed: Iterable[str]) -> str:
    """One line for a name that is not among ``allowed``: the nearest one, or all of a few."""
    names = list(allowed)
    guess = nearest(name, names)
    if guess is not None:
        return f"unknown {what} {name!r}; did you mean {guess!r}?"
    if not names:
        return f"unknown {what} {name!r}; there is none"
    listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"unknown {what} {name!r}; allowed: {listed}"
