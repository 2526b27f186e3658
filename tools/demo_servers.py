# SPDX-License-Identifier: Apache-2.0
"""The two servers of the demonstration capture that no installed program is.

A mail server that accepts every message and keeps none (RFC 5321), and a web server
over TLS. They do just enough for the exchanges in the capture and are no servers for
anything else.
"""

from __future__ import annotations

import argparse
import socket
import socketserver
import ssl
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NAME = "mail.example.com"


class Session(socketserver.StreamRequestHandler):
    """One client, from greeting to QUIT."""

    def handle(self) -> None:
        """Answers each command with the one reply that lets the client go on."""
        self._say(f"220 {NAME} ESMTP")
        while line := self.rfile.readline():
            verb = line.split(maxsplit=1)[0].upper() if line.strip() else b""
            if verb == b"EHLO":
                self._say(f"250-{NAME}", "250-8BITMIME", "250 SIZE 1000000")
            elif verb in (b"HELO", b"MAIL", b"RCPT", b"RSET", b"NOOP"):
                self._say("250 OK")
            elif verb == b"DATA":
                self._say("354 End with a line that holds a dot only")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                self._say("250 Accepted")
            elif verb == b"QUIT":
                self._say("221 Bye")
                return
            else:
                self._say("502 Not here")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


class Mail(socketserver.ThreadingTCPServer):
    """Listens on both address families."""

    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True


class Web(ThreadingHTTPServer):
    """Likewise, with TLS on every connection."""

    address_family = socket.AF_INET6

    def __init__(self, site: Path, certificate: Path, key: Path) -> None:
        super().__init__(("::", 443), partial(SimpleHTTPRequestHandler, directory=str(site)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.set_alpn_protocols(["http/1.1"])
        self.socket = context.wrap_socket(self.socket, server_side=True)


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, help="folder to serve over TLS; mail without it")
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--key", type=Path)
    arguments = parser.parse_args()
    server: socketserver.BaseServer
    if arguments.site is None:
        server = Mail(("::", 25), Session)
    else:
        server = Web(arguments.site, arguments.certificate, arguments.key)
    server.serve_forever()


if __name__ == "__main__":
    main()
