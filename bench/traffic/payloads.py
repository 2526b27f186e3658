# SPDX-License-Identifier: Apache-2.0
"""What applications say: for each of them some made-up exchanges, told apart by a number.

To add one: write a function that answers the octets of one exchange, and give it a row in
:data:`APPLICATIONS`. All exchanges of an application must have the same directions.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from traffic.quic import protected_initial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Exchange = list[tuple[int, bytes]]
    Maker = Callable[[np.random.Generator, int], Exchange]

CLIENT, SERVER = 0, 1
"""Who says a payload."""

TCP, UDP = 6, 17


class Application(NamedTuple):
    """How often an application occurs, where it listens, and what it says."""

    protocol: int
    port: int
    weight: float
    make: Maker
    variants: int


@dataclass
class Payloads:
    """The payloads of some applications in one table: a row each, padded to the longest."""

    names: list[str]
    applications: list[Application]
    first_row: list[int]
    directions: list[list[int]]
    """Of each application, who says each payload of an exchange."""
    lengths: npt.NDArray[np.int64]
    table: npt.NDArray[np.uint8]

    def steps(self, application: int) -> int:
        """Payloads in each exchange of an application."""
        return len(self.directions[application])


def payloads(seed: int, names: Sequence[str]) -> Payloads:
    """The named applications' exchanges; the same seed makes the same ones."""
    rows: list[bytes] = []
    first_row, directions = [], []
    for number, name in enumerate(names):
        application = APPLICATIONS[name]
        random = np.random.Generator(np.random.PCG64([seed, 7, number]))
        made = [application.make(random, variant) for variant in range(application.variants)]
        turns = [who for who, _ in made[0]]
        if any([who for who, _ in exchange] != turns for exchange in made):
            raise ValueError(f"{name}: exchanges differ in their directions")
        first_row.append(len(rows))
        directions.append(turns)
        rows += [payload for exchange in made for _, payload in exchange]
    lengths = np.array([len(row) for row in rows], np.int64)
    table = np.zeros((len(rows), int(lengths.max())), np.uint8)
    for number, row in enumerate(rows):
        table[number, : len(row)] = np.frombuffer(row, np.uint8)
    applications = [APPLICATIONS[name] for name in names]
    return Payloads(list(names), applications, first_row, directions, lengths, table)


def dns(random: np.random.Generator, variant: int) -> Exchange:
    rare = variant % 4 == 0
    record_type = (1, 28, 16, 15, 2, 12, 33)[variant % 7] if rare else (1, 28)[variant % 2]
    name = b"".join(
        bytes([len(label)]) + label.encode() for label in _host(random, variant).split(".")
    )
    transaction = int(random.integers(0, 65536))
    edns = b"\0\0\x29\x10\x00\0\0\x80\0\0\0" if variant % 2 else b""
    question = name + b"\0" + struct.pack(">HH", record_type, 1)
    answers = {
        1: bytes(random.integers(1, 255, 4, dtype=np.uint8)),
        28: b"\x20\x01\x0d\xb8" + bytes(random.integers(0, 255, 12, dtype=np.uint8)),
        16: b"\x11v=spf1 -all txtre",
        15: b"\0\x0a\x04mail\xc0\x0c",
        2: b"\x03ns1\xc0\x0c",
        12: b"\x03ptr\xc0\x0c",
        33: b"\0\1\0\2\x13\xc4\x03srv\xc0\x0c",
    }
    code = 3 if variant % 16 == 5 else 0
    data = answers[record_type]
    answer = b"\xc0\x0c" + struct.pack(">HHIH", record_type, 1, 300, len(data)) + data
    additional = 1 if edns else 0
    asked = struct.pack(">HHHHHH", transaction, 0x0100, 1, 0, 0, additional)
    told = struct.pack(">HHHHHH", transaction, 0x8180 | code, 1, 0 if code else 1, 0, additional)
    return [
        (CLIENT, asked + question + edns),
        (SERVER, told + question + (b"" if code else answer) + edns),
    ]


def http(random: np.random.Generator, variant: int) -> Exchange:
    method = ("GET", "GET", "GET", "POST", "HEAD", "PUT")[variant % 6]
    body = b"k=v&n=%d" % variant if method in ("POST", "PUT") else b""
    request = (
        f"{method} /path/{random.integers(0, 99999)}/index.html?id={variant} HTTP/1.1\r\n"
        f"Host: {_host(random, variant)}\r\n"
        f"User-Agent: Mozilla/5.0 (X11; Linux x86_64) Gen/{variant % 20}.0\r\nAccept: */*\r\n"
        f"Referer: http://{_host(random, variant + 1)}/\r\nContent-Length: {len(body)}\r\n"
        "Connection: keep-alive\r\n\r\n"
    )
    statuses = (
        "200 OK", "200 OK", "304 Not Modified", "404 Not Found", "302 Found", "500 Oops"
    )  # fmt: skip
    page = bytes(random.integers(97, 123, 200, dtype=np.uint8))
    response = (
        f"HTTP/1.1 {statuses[(variant // 6) % 6]}\r\nServer: gen/{variant % 9}\r\n"
        f"Content-Type: text/html; charset=utf-8\r\nSet-Cookie: sid={variant}; path=/\r\n"
        f"Content-Length: {len(page)}\r\n\r\n"
    )
    return [(CLIENT, request.encode() + body), (SERVER, response.encode() + page)]


def tls(random: np.random.Generator, variant: int) -> Exchange:
    hello = _client_hello(random, variant, over_quic=False)
    extensions = b"\0\x10\0\x05\0\x03\x02h2\xff\x01\0\1\0"
    if variant % 2:
        extensions = b"\0\x2b\0\2\x03\x04\0\x33\0\x24\0\x1d\0\x20" + _octets(random, 32)
    suite = b"\x13\x01" if variant % 2 else b"\xc0\x2f"
    body = b"\x03\x03" + _octets(random, 32) + b"\x20" + _octets(random, 32) + suite + b"\0"
    body += struct.pack(">H", len(extensions)) + extensions
    answer = b"\2" + struct.pack(">I", len(body))[1:] + body
    after = b"\x14\x03\x03\0\1\1\x17\x03\x03\0\x40" + bytes(64)
    return [
        (CLIENT, b"\x16\x03\x01" + struct.pack(">H", len(hello)) + hello),
        (SERVER, b"\x16\x03\x03" + struct.pack(">H", len(answer)) + answer + after),
    ]


def quic(random: np.random.Generator, variant: int) -> Exchange:
    destination_id, source_id = _octets(random, 8), _octets(random, 8)
    hello = _client_hello(random, variant, over_quic=True)
    answer = b"\xc0\0\0\0\1" + b"\x08" + source_id + b"\x08" + destination_id + b"\0\x44\x00"
    return [
        (CLIENT, protected_initial(hello, destination_id, source_id)),
        (SERVER, answer + _octets(random, 1024)),
    ]


def ntp(random: np.random.Generator, variant: int) -> Exchange:
    stamp = struct.pack(">II", 3913056000 + variant, int(random.integers(0, 2**32)))
    question = bytes([0x23, 0, 6, 0xEC]) + bytes(36) + stamp
    answer = bytes([0x24, 1 + variant % 3, 6, 0xE9]) + struct.pack(">II", 0x0100, 0x0200)
    return [(CLIENT, question), (SERVER, answer + b"GPS\0" + stamp * 4)]


def sip(random: np.random.Generator, variant: int) -> Exchange:
    call = f"{variant:x}{random.integers(0, 2**31):x}@gen"
    head = (
        f"Via: SIP/2.0/UDP 192.0.2.{variant % 250}:5060;branch=z9hG4bK{variant}\r\n"
        f"From: <sip:a{variant}@gen.example>;tag=1\r\nTo: <sip:b{variant}@gen.example>\r\n"
        f"Call-ID: {call}\r\nCSeq: {variant % 100 + 1} INVITE\r\n"
    )
    invite = (
        f"INVITE sip:b{variant}@gen.example SIP/2.0\r\n{head}User-Agent: gen/{variant % 7}\r\n"
        "Content-Length: 0\r\n\r\n"
    )
    status = (180, 200, 404, 486)[variant % 4]
    answer = f"SIP/2.0 {status} X\r\n{head}Content-Length: 0\r\n\r\n"
    return [(CLIENT, invite.encode()), (SERVER, answer.encode())]


def smtp(random: np.random.Generator, variant: int) -> Exchange:
    host = _host(random, variant)
    return [
        (SERVER, f"220 mx.{host} ESMTP\r\n".encode()),
        (CLIENT, f"EHLO {host}\r\n".encode()),
        (SERVER, b"250-mx\r\n250 SIZE 1000000\r\n"),
        (CLIENT, f"MAIL FROM:<a{variant}@{host}>\r\n".encode()),
        (SERVER, b"250 OK\r\n"),
        (CLIENT, f"RCPT TO:<b{variant}@{host}>\r\n".encode()),
        (SERVER, b"250 OK\r\n"),
    ]


def rtsp(random: np.random.Generator, variant: int) -> Exchange:
    question = (
        f"DESCRIBE rtsp://{_host(random, variant)}/s{variant} RTSP/1.0\r\nCSeq: {variant}\r\n"
        "User-Agent: gen\r\n\r\n"
    )
    answer = f"RTSP/1.0 200 OK\r\nCSeq: {variant}\r\nServer: gen\r\nContent-Type: application/sdp\r\n\r\n"
    return [(CLIENT, question.encode()), (SERVER, answer.encode())]


def ssdp(_random: np.random.Generator, variant: int) -> Exchange:
    search = (
        'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 2\r\n'
        f"ST: urn:schemas-upnp-org:device:Gen{variant % 9}:1\r\nUSER-AGENT: gen/{variant % 5}"
        "\r\n\r\n"
    )
    return [(CLIENT, search.encode())]


def mdns(_random: np.random.Generator, variant: int) -> Exchange:
    service = b"\x04_ipp\x04_tcp\x05local\0"
    name = b"\x05gen%02d" % (variant % 100) + service
    question = struct.pack(">HHHHHH", 0, 0, 1, 0, 0, 0) + service + b"\0\x0c\0\1"
    place = struct.pack(">HHH", 0, 0, 631) + b"\x04host\x05local\0"
    text = b"\x09txtvers=1\x05qt=1a"
    answer = struct.pack(">HHHHHH", 0, 0x8400, 0, 2, 0, 0)
    answer += name + struct.pack(">HHIH", 33, 1, 120, len(place)) + place
    answer += name + struct.pack(">HHIH", 16, 1, 120, len(text)) + text
    return [(CLIENT, question), (CLIENT, answer)]


def netbios(_random: np.random.Generator, variant: int) -> Exchange:
    name = f"HOST{variant % 10000}".ljust(15)[:15].encode() + bytes([variant % 3 * 16])
    halves = b"".join(bytes([65 + (octet >> 4), 65 + (octet & 15)]) for octet in name)
    head = struct.pack(">HHHHHH", variant & 0xFFFF, 0x0110, 1, 0, 0, 0)
    return [(CLIENT, head + b"\x20" + halves + b"\0\0\x20\0\1")]


def mqtt(_random: np.random.Generator, variant: int) -> Exchange:
    client = b"client%d" % variant
    connect = b"\0\4MQTT\4\2\0\x3c" + struct.pack(">H", len(client)) + client
    topic = b"gen/t%d" % (variant % 50)
    publish = struct.pack(">H", len(topic)) + topic + b"hello"
    return [
        (CLIENT, b"\x10" + bytes([len(connect)]) + connect),
        (SERVER, b"\x20\2\0\0"),
        (CLIENT, b"\x30" + bytes([len(publish)]) + publish),
    ]


def wireguard(random: np.random.Generator, _variant: int) -> Exchange:
    ours, theirs = (struct.pack("<I", int(random.integers(1, 2**32))) for _ in range(2))
    counter = bytes(8)
    return [
        (CLIENT, b"\1\0\0\0" + ours + _octets(random, 140)),
        (SERVER, b"\2\0\0\0" + theirs + ours + _octets(random, 80)),
        (CLIENT, b"\4\0\0\0" + theirs + counter + _octets(random, 16)),
        (SERVER, b"\4\0\0\0" + ours + counter + _octets(random, 16)),
    ]


def openvpn(random: np.random.Generator, _variant: int) -> Exchange:
    ours, theirs = _octets(random, 8), _octets(random, 8)
    return [
        (CLIENT, b"\x38" + ours + bytes(5)),
        (SERVER, b"\x40" + theirs + b"\1\0\0\0\0" + ours + bytes(4)),
        (CLIENT, b"\x28" + ours + b"\1\0\0\0\0" + theirs),
        (CLIENT, b"\x20" + ours + b"\0\0\0\0\1" + b"\x16\x03\x01\0\x40\x01" + bytes(63)),
    ]


def _client_hello(random: np.random.Generator, variant: int, *, over_quic: bool) -> bytes:
    host = _host(random, variant).encode()
    grease = 0x0A0A + 0x1010 * int(random.integers(0, 15))
    protocols = (b"http/1.1",) if variant % 3 == 0 else (b"h2", b"http/1.1")
    if over_quic:
        protocols = (b"h3",)
    listed = b"".join(bytes([len(name)]) + name for name in protocols)
    extensions = [
        (0, struct.pack(">HBH", len(host) + 3, 0, len(host)) + host),
        (10, b"\0\x08" + struct.pack(">HHHH", grease, 29, 23, 24)),
        (11, b"\1\0"),
        (13, b"\0\x10\x04\x03\x08\x04\x04\x01\x05\x03\x08\x05\x05\x01\x08\x06\x06\x01"),
        (16, struct.pack(">H", len(listed)) + listed),
        (23, b""),
    ]
    if variant % 2 or over_quic:
        share = struct.pack(">HHH", 36, 29, 32) + _octets(random, 32)
        extensions += [(43, b"\4\x03\x04\x03\x03"), (51, share)]
    if over_quic:
        agent = b"Gen QUIC/%d" % (variant % 5)
        idle = b"\x01\x04\x80\x00\x75\x30"
        extensions.append((57, idle + b"\x71\x29" + bytes([len(agent)]) + agent))
    if variant % 4 == 0:
        extensions.insert(0, (grease, b""))
    packed = b"".join(struct.pack(">HH", kind, len(data)) + data for kind, data in extensions)
    suites = struct.pack(">8H", grease, *CIPHER_SUITES)
    body = b"\x03\x03" + _octets(random, 32)
    body += b"\0" if over_quic else b"\x20" + _octets(random, 32)
    body += struct.pack(">H", len(suites)) + suites + b"\1\0"
    body += struct.pack(">H", len(packed)) + packed
    return b"\1" + struct.pack(">I", len(body))[1:] + body


def _host(random: np.random.Generator, variant: int) -> str:
    word = ("www", "api", "cdn", "static", "mail", "img", "login", "video")[variant % 8]
    top = ("example", "test", "invalid")[variant % 3]
    return f"{word}{variant}.site{random.integers(0, 10000)}.{top}"


def _octets(random: np.random.Generator, count: int) -> bytes:
    return bytes(random.integers(0, 256, count, dtype=np.uint8))


CIPHER_SUITES = (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0x009C)

APPLICATIONS = {
    "dns": Application(UDP, 53, 40, dns, 2048),
    "tls": Application(TCP, 443, 25, tls, 1024),
    "http": Application(TCP, 80, 15, http, 1024),
    "quic": Application(UDP, 443, 8, quic, 48),
    "ntp": Application(UDP, 123, 3, ntp, 64),
    "sip": Application(UDP, 5060, 1, sip, 64),
    "smtp": Application(TCP, 25, 2, smtp, 64),
    "rtsp": Application(TCP, 554, 1, rtsp, 64),
    "ssdp": Application(UDP, 1900, 1, ssdp, 64),
    "mdns": Application(UDP, 5353, 1, mdns, 100),
    "netbios": Application(UDP, 137, 1, netbios, 64),
    "mqtt": Application(TCP, 1883, 1, mqtt, 64),
    "wg": Application(UDP, 51820, 0.5, wireguard, 64),
    "ovpn": Application(UDP, 1194, 0.5, openvpn, 64),
}
"""Every application that captures can have, by the name that ``--l7-kinds`` uses."""

SINGLE_EXCHANGE = frozenset({"dns", "ntp", "ssdp", "mdns", "netbios"})
"""Applications whose flows are one exchange and nothing more."""
