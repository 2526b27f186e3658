# SPDX-License-Identifier: Apache-2.0
"""A run's metrics and tables over HTTP: on an address for Prometheus, on a unix socket for its owner.

===============  =====================================================================
``/metrics``     what Prometheus reads
``/healthz``     200 and ``{"healthy": true}``, or 503 and what has gone wrong
``/exporters``   who has sent what, as JSON
``/templates``   every template that is known, as JSON
``/ledger``      every count, as JSON
===============  =====================================================================
"""

from __future__ import annotations

import errno
import json
import os
import socket
import socketserver
import stat
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.errors import ConfigError
from penstock.metrics import prometheus
from penstock.uri import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.metrics.view import View

Answer = tuple[int, str, bytes]
"""Status, type of content, octets."""


class Pages:
    """What is answered to which path."""

    def __init__(self, view: View, names: str) -> None:
        self._view = view
        self._names = names
        self._pages: dict[str, Callable[[], Answer]] = {
            "/metrics": self._metrics,
            "/healthz": self._health,
            "/exporters": lambda: as_json(self._view.exporters()),
            "/templates": lambda: as_json(self._view.templates()),
            "/ledger": lambda: (200, JSON, self._view.ledger().to_json().encode()),
        }

    def answer(self, path: str) -> Answer:
        """The page at a path."""
        page = self._pages.get(path.partition("?")[0])
        if page is None:
            return 404, "text/plain; charset=utf-8", (", ".join(self._pages) + "\n").encode()
        return page()

    def _metrics(self) -> Answer:
        return (
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            prometheus.text(self._view, self._names),
        )

    def _health(self) -> Answer:
        troubles = self._view.troubles()
        return as_json({"healthy": not troubles, "troubles": troubles}, 503 if troubles else 200)


def as_json(data: object, status: int = 200) -> Answer:
    """A JSON document."""
    return status, JSON, json.dumps(data).encode() + b"\n"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server | UnixServer
    timeout = 10

    def do_GET(self) -> None:
        """Answers it."""
        status, kind, octets = self.server.pages.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class's word
        """Says nothing: who asks is no news."""


class Server(ThreadingHTTPServer):
    """On a TCP address."""

    daemon_threads = True

    def __init__(self, address: str, pages: Pages) -> None:
        self.pages = pages
        where = parse_address(f":{address}" if address.isdecimal() else address)
        if ":" in where.host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((where.host, where.port), Handler)
        except OSError as error:
            problem = (error.strerror or str(error)).lower()
            raise ConfigError(f"metrics: {address}: {problem}; name another address") from error

    def server_bind(self) -> None:
        """Binds, without the name lookup of the base class, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """On a unix socket that only its owner can use."""

    daemon_threads = True

    def __init__(self, path: str, pages: Pages) -> None:
        self.pages = pages
        self.path = path
        before = os.umask(0o177)
        try:
            forget_dead(path)
            super().__init__(path, Handler)
        except OSError as error:
            problem = (error.strerror or str(error)).lower()
            raise ConfigError(f"socket: {path}: {problem}; name another one") from error
        finally:
            os.umask(before)

    def get_request(self) -> tuple[Any, Any]:
        """A request, whose peer has no address."""
        request, _ = super().get_request()
        return request, ("", 0)

    def server_close(self) -> None:
        """Takes the socket away."""
        super().server_close()
        Path(self.path).unlink(missing_ok=True)


def forget_dead(path: str) -> None:
    """Removes a socket that nobody listens on any more.

    Raises:
        OSError: something else is there, or somebody listens.
    """
    try:
        if not stat.S_ISSOCK(Path(path).lstat().st_mode):
            raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as trial:
        trial.settimeout(1)
        try:
            trial.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
            return
    raise OSError(errno.EADDRINUSE, "another collector answers there")


def serve(server: Server | UnixServer) -> None:
    """Answers in a thread of its own until ``server.shutdown()``."""
    threading.Thread(target=server.serve_forever, args=(0.2,), name="metrics", daemon=True).start()


JSON = "application/json"
