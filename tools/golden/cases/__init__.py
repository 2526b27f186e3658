# SPDX-License-Identifier: Apache-2.0
"""Every golden capture: the one list that files, judgements and their README come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from golden.cases import (
    addresses_and_extensions,
    capture_files,
    connections,
    fragments,
    link_layers,
    malformed,
    not_tunnels,
    transports,
    tunnels,
)

if TYPE_CHECKING:
    from golden.case import Case

GROUPS = {
    "Capture files": capture_files,
    "Link layers, tags, labels, and what is not IP": link_layers,
    "IP headers and their extensions": addresses_and_extensions,
    "Fragments": fragments,
    "Tunnels": tunnels,
    "What only looks like a tunnel": not_tunnels,
    "Transports": transports,
    "Malformed and cut packets": malformed,
    "Flows": connections,
}


def by_group() -> dict[str, list[Case]]:
    """The captures in the order of the README."""
    return {title: module.cases() for title, module in GROUPS.items()}


def every() -> list[Case]:
    """All of them; two may share a name only with different suffixes."""
    return [one for group in by_group().values() for one in group]
