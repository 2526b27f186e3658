# SPDX-License-Identifier: Apache-2.0
"""Columns of words below one another, as wide as the terminal is."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]], *, width: int | None = None) -> str:
    """Rows with their cells aligned; the last cell is wrapped under itself.

    Args:
        rows: cells, all rows of the same length.
        width: columns of the terminal; its own when absent.
    """
    if not rows:
        return ""
    total = width or shutil.get_terminal_size((100, 24)).columns
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    indent = sum(widths) + 2 * len(widths)
    lines: list[str] = []
    for row in rows:
        head = "".join(f"{cell:<{size}}  " for cell, size in zip(row, widths, strict=False))
        lines += textwrap.wrap(
            row[-1],
            width=max(total, indent + 24),
            initial_indent=head,
            subsequent_indent=" " * indent,
            break_on_hyphens=False,
        ) or [head.rstrip()]
    return "\n".join(lines)
