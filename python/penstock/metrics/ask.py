# SPDX-License-Identifier: Apache-2.0
"""Asking a running collector over its unix socket, and where that is when nobody says."""

from __future__ import annotations

import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any

from penstock.errors import ConfigError


def ask(path: str | None, page: str) -> Any:
    """What a collector answers, as it is read from JSON.

    Args:
        path: its socket; the default one when absent.
        page: such as ``/exporters``.

    Raises:
        ConfigError: nobody answers there.
    """
    where = path or default_socket()
    connection = Connection(where)
    try:
        connection.request("GET", page)
        answer = connection.getresponse()
        octets = answer.read()
    except (OSError, http.client.HTTPException) as error:
        said = getattr(error, "strerror", None) or str(error)
        hint = "" if path else "; a collector elsewhere is named by --socket PATH"
        raise ConfigError(f"no collector answers at {where}: {said.lower()}{hint}") from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise ConfigError(f"{where}: {page}: {answer.status} {answer.reason}")
    return json.loads(octets)


class Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        """Connects to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def default_socket() -> str:
    """Where a collector of this user answers when nobody says: in the user's runtime folder."""
    folder = os.environ.get("XDG_RUNTIME_DIR")
    if folder and Path(folder).is_dir():
        return str(Path(folder) / "penstock.sock")
    if os.geteuid() == 0:
        return "/run/penstock.sock"
    return f"/tmp/penstock-{os.geteuid()}.sock"  # noqa: S108 -- the socket's owner is what counts
