# SPDX-License-Identifier: Apache-2.0
"""Makes ``demo/demo.pcapng``: real programs talking across a small made-up network.

A client, a router and a server live in network namespaces of their own, joined by
veth pairs, with documentation addresses (RFC 5737, RFC 3849). On the client run curl,
dig, ping and traceroute; on the server dnsmasq, Python's web server with
and without TLS, and a small mail server. dumpcap listens where the client's link ends at
the router.

Needs root and Linux. Nothing leaves the namespaces, and they are gone afterwards.
What the capture says of the machine it was made on (hardware, kernel, program
versions) is taken out; packets stay as they were.
"""

from __future__ import annotations

import argparse
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).resolve().parents[1]

CLIENT, ROUTER, SERVER = "penstock-demo-client", "penstock-demo-router", "penstock-demo-server"
CLIENT_V4, CLIENT_V6 = "192.0.2.10", "2001:db8:1::10"
SERVER_V4, SERVER_V6 = "198.51.100.10", "2001:db8:2::10"
NARROW_MTU_OCTETS = 1400

PROGRAMS = {
    "ip": "iproute2",
    "ethtool": "ethtool",
    "dumpcap": "wireshark-common",
    "curl": "curl",
    "dig": "bind9-dnsutils",
    "dnsmasq": "dnsmasq-base",
    "openssl": "openssl",
    "ping": "iputils-ping",
    "traceroute": "traceroute",
}
"""What must be installed, and the Debian package it comes in."""

SETUP = f"""
ip netns add {CLIENT}
ip netns add {ROUTER}
ip netns add {SERVER}
ip -n {ROUTER} link add to-client address 02:00:00:00:01:01 type veth peer name to-router
ip -n {ROUTER} link set to-router address 02:00:00:00:01:10 netns {CLIENT}
ip -n {ROUTER} link add to-server address 02:00:00:00:02:01 type veth peer name to-router
ip -n {ROUTER} link set to-router address 02:00:00:00:02:10 netns {SERVER}
ip netns exec {CLIENT} ethtool -K to-router tx off tso off gso off gro off
ip netns exec {SERVER} ethtool -K to-router tx off tso off gso off gro off
ip netns exec {ROUTER} ethtool -K to-client tx off tso off gso off gro off
ip netns exec {ROUTER} ethtool -K to-server tx off tso off gso off gro off
ip -n {ROUTER} link set to-server mtu {NARROW_MTU_OCTETS}
ip -n {SERVER} link set to-router mtu {NARROW_MTU_OCTETS}
ip -n {ROUTER} address add 192.0.2.1/24 dev to-client
ip -n {ROUTER} address add 2001:db8:1::1/64 dev to-client nodad
ip -n {ROUTER} address add 198.51.100.1/24 dev to-server
ip -n {ROUTER} address add 2001:db8:2::1/64 dev to-server nodad
ip -n {CLIENT} address add {CLIENT_V4}/24 dev to-router
ip -n {CLIENT} address add {CLIENT_V6}/64 dev to-router nodad
ip -n {SERVER} address add {SERVER_V4}/24 dev to-router
ip -n {SERVER} address add {SERVER_V6}/64 dev to-router nodad
ip -n {CLIENT} link set lo up
ip -n {SERVER} link set lo up
ip -n {ROUTER} link set to-client up
ip -n {ROUTER} link set to-server up
ip -n {CLIENT} link set to-router up
ip -n {SERVER} link set to-router up
ip -n {CLIENT} route add default via 192.0.2.1
ip -n {CLIENT} route add default via 2001:db8:1::1
ip -n {SERVER} route add default via 198.51.100.1
ip -n {SERVER} route add default via 2001:db8:2::1
ip netns exec {ROUTER} sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
"""

DNSMASQ = f"""
dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file=
  --local=/example.com/ --local=/example.net/ --local=/in-addr.arpa/
  --host-record=www.example.com,{SERVER_V4},{SERVER_V6}
  --host-record=mail.example.com,{SERVER_V4},{SERVER_V6}
  --host-record=v6.example.com,{SERVER_V6}
  --cname=files.example.com,www.example.com
  --mx-host=example.com,mail.example.com,10
  --ptr-record=10.100.51.198.in-addr.arpa,www.example.com
  --txt-record=example.com,v=spf1,mx,-all
""".split()

ONE_ANSWER_TOO_LONG = [
    "--txt-record=long.example.com," + ",".join(f"part-{part:02}-" + "x" * 180 for part in range(8))
]


def main() -> None:
    """Makes the capture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("output", nargs="?", type=Path, default=ROOT / "demo" / "demo.pcapng")
    output: Path = parser.parse_args().output
    complain_of_what_is_missing()
    with tempfile.TemporaryDirectory(prefix="penstock-demo-") as name:
        directory = Path(name)
        raw = directory / "raw.pcapng"
        with network(), ExitStack() as running:
            start_servers(running, directory)
            running.enter_context(
                process(ROUTER, ["dumpcap", "-q", "-i", "to-client", "-w", str(raw)])
            )
            wait_until(lambda: raw.exists() and raw.stat().st_size > 0)
            talk(directory)
            time.sleep(1)
        output.write_bytes(without_traces_of_the_machine(raw.read_bytes()))
    print(f"{output}: {output.stat().st_size} octets")


def complain_of_what_is_missing() -> None:
    """Ends with the names of the packages to install, or of the right to acquire."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        packages = " ".join(PROGRAMS[program] for program in missing)
        sys.exit(f"missing: {', '.join(missing)}; apt-get install {packages}")
    if os.geteuid() != 0:
        sys.exit("network namespaces need root: run this with sudo")


@contextmanager
def network() -> Iterator[None]:
    """The three namespaces and their links, with a resolver file for the client."""
    resolver = Path("/etc/netns") / CLIENT
    try:
        resolver.mkdir(parents=True)
        (resolver / "resolv.conf").write_text(f"nameserver {SERVER_V4}\n")
        for line in SETUP.strip().splitlines():
            subprocess.run(line.split(), check=True, stdout=subprocess.DEVNULL)
        yield
    finally:
        for name in (CLIENT, ROUTER, SERVER):
            subprocess.run(["ip", "netns", "delete", name], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(resolver, ignore_errors=True)


def start_servers(running: ExitStack, directory: Path) -> None:
    """Starts what listens in the server's namespace."""
    site = directory / "site"
    site.mkdir()
    (site / "index.html").write_text("<!doctype html><title>Demo</title><p>It flows.</p>\n" * 20)
    (site / "sluice.bin").write_bytes(bytes(range(256)) * 150)
    make_certificate(directory)
    web = [sys.executable, "-m", "http.server", "--bind", "::", "--directory", str(site), "80"]
    mail = [sys.executable, str(Path(__file__).with_name("demo_servers.py"))]
    tls = [*mail, "--site", str(site)]
    tls += ["--certificate", str(directory / "cert.pem"), "--key", str(directory / "key.pem")]
    for command in (DNSMASQ + ONE_ANSWER_TOO_LONG, web, tls, mail):
        running.enter_context(process(SERVER, command, cwd=site))
    for port in (53, 80, 443, 25):
        wait_until(partial(listens, port))


def make_certificate(directory: Path) -> None:
    """A key and a certificate for it that the client is told to trust."""
    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=www.example.com"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-addext", "subjectAltName=DNS:www.example.com,DNS:v6.example.com"]
    command += ["-keyout", str(directory / "key.pem"), "-out", str(directory / "cert.pem")]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def talk(directory: Path) -> None:
    """Runs the client's programs, one after another."""
    letter = directory / "letter.txt"
    letter.write_text(
        "From: Ada <ada@example.com>\r\nTo: Grace <grace@example.net>\r\n"
        "Subject: How much water\r\n\r\nAsk the penstock.\r\n"
    )
    curl = ["curl", "--silent", "--show-error", "--output", "/dev/null", "--max-time", "10"]
    curl += ["--user-agent", "penstock-demo", "--cacert", str(directory / "cert.pem")]
    mail = ["--mail-from", "ada@example.com", "--mail-rcpt", "grace@example.net"]
    dig = ["dig", "+nocookie", "+tries=1", "+time=2"]
    trace = ["traceroute", "-n", "-q", "1", "-w", "1", "-m", "3"]
    for command in (
        ["ping", "-n", "-c", "3", "-i", "0.2", SERVER_V4],
        ["ping", "-n", "-c", "3", "-i", "0.2", SERVER_V6],
        ["ping", "-n", "-c", "1", "-M", "dont", "-s", "3000", SERVER_V4],
        ["ping", "-n", "-c", "2", "-i", "1.2", "-s", "3000", SERVER_V6],
        [*dig, "www.example.com", "A", "www.example.com", "AAAA", "example.com", "MX"],
        [*dig, "example.com", "TXT", "nothing.example.com", "A", "-x", SERVER_V4],
        [*dig, f"@{SERVER_V6}", "files.example.com", "AAAA"],
        [*dig, "+bufsize=512", "long.example.com", "TXT"],
        [*curl, "--ipv4", "http://www.example.com/", "http://www.example.com/none"],
        [*curl, "--ipv6", "http://files.example.com/sluice.bin"],
        [*curl, "--ipv4", "https://www.example.com/index.html"],
        [*curl, "--ipv6", "https://v6.example.com/sluice.bin"],
        [*curl, "--ipv4", "--tls-max", "1.2", "https://www.example.com/sluice.bin"],
        [*curl, "--ipv4", "smtp://mail.example.com", *mail, "--upload-file", str(letter)],
        [*curl, "--ipv4", "http://www.example.com:8080/"],
        [*trace, SERVER_V4],
        [*trace, "-6", SERVER_V6],
        ["ping", "-n", "-c", "1", "-W", "1", "-M", "do", "-s", "1452", SERVER_V4],
        ["ping", "-n", "-c", "1", "-W", "1", "-s", "1200", "-t", "1", SERVER_V6],
    ):
        done = subprocess.run(
            ["ip", "netns", "exec", CLIENT, *command],
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            text=True,
        )
        print(f"{command[0]} {command[-1]}: {done.returncode} {done.stderr.strip()}")


@contextmanager
def process(namespace: str, command: Sequence[str], cwd: Path | None = None) -> Iterator[None]:
    """Runs a program in a namespace until the block ends."""
    with subprocess.Popen(
        ["ip", "netns", "exec", namespace, *command],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as started:
        try:
            yield
        finally:
            started.terminate()
            started.wait(10)


def listens(port: int) -> bool:
    """Whether a server has its TCP port open."""
    show = ["ip", "netns", "exec", SERVER, "ss", "-Hltn", f"sport = :{port}"]
    return bool(subprocess.run(show, capture_output=True, check=True).stdout)


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits for what the programs just started must bring about."""
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("a program of the demonstration did not start")
        time.sleep(0.05)


def without_traces_of_the_machine(capture: bytes) -> bytes:
    """The blocks that hold packets, with no option but names and clocks of interfaces."""
    section_header, interface, packet = 0x0A0D0D0A, 1, 6
    kept = bytearray()
    at = 0
    while at < len(capture):
        kind, length = struct.unpack_from("<II", capture, at)
        if kind == section_header:
            kept += struct.pack("<IIIHHqI", kind, 28, 0x1A2B3C4D, 1, 0, -1, 28)
        elif kind == interface:
            body = capture[at + 8 : at + 16] + kept_options(capture[at + 16 : at + length - 4])
            kept += struct.pack("<II", kind, len(body) + 12) + body
            kept += struct.pack("<I", len(body) + 12)
        elif kind == packet:
            kept += capture[at : at + length]
        at += length
    return bytes(kept)


def kept_options(options: bytes) -> bytes:
    """The options of an interface that describe its clock and its made-up name."""
    end, if_name, if_tsresol = 0, 2, 9
    kept = bytearray()
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from("<HH", options, at)
        whole = 4 + (length + 3) // 4 * 4
        if code in (if_name, if_tsresol, end):
            kept += options[at : at + whole]
        at += whole
    return bytes(kept)


if __name__ == "__main__":
    main()
