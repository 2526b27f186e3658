# SPDX-License-Identifier: Apache-2.0
"""UDP ports of this machine as the kernel sees them: what waits there, and what it dropped."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import NamedTuple


class Port(NamedTuple):
    """All sockets of one port together."""

    waiting_octets: int
    """Of memory that received datagrams take up."""
    dropped: int
    """Datagrams for which there was no room."""


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def look(port: int) -> Port | None:
    """The port's state (proc(5), /proc/net/udp); nothing if no one listens."""
    found = []
    for table in (Path("/proc/net/udp"), Path("/proc/net/udp6")):
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            words = line.split()
            if int(words[1].rpartition(":")[2], 16) == port:
                found.append(Port(int(words[4].partition(":")[2], 16), int(words[-1])))
    if not found:
        return None
    return Port(sum(one.waiting_octets for one in found), sum(one.dropped for one in found))


def wait_until_empty(port: int, limit_s: float) -> Port | None:
    """Waits until all that came has been taken, or for so long; how it is then."""
    ends = time.monotonic() + limit_s
    while (state := look(port)) is not None and state.waiting_octets and time.monotonic() < ends:
        time.sleep(0.005)
    return state


def largest_buffer() -> int:
    """The receive buffer, in octets, that the system grants anyone."""
    return int(Path("/proc/sys/net/core/rmem_max").read_text())
