# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - a script, in no package
"""Makes what fuzzing begins with: the project's captures, and those of PENSTOCK_CAPTURES.

The forms of the inputs are those that the targets read; see src/lib.rs. Needs nothing but
Python, and writes into corpus/TARGET/, each file named by its content.
"""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
MOST_OCTETS = 8 << 10
"""Longer captures are left out whole: the fuzzer is the slower the longer its inputs are."""
FRAMES = 12
"""Frames of a capture that become inputs, or parts of one."""
LINKS = (1, 101, 113, 276, 0, 108, 9, 50, 51, 204, 104, 228, 229, 12, 14)
"""Link types in the order of src/lib.rs."""
RULES = (bytes(5), b"\x43\x00\x07\x00\x00", b"\xb4\x40\x7f\x18\x00", b"\x80\x8c\x02\x08\x00")
"""Settings for streams: the usual ones, few flows, short timeouts, further keys and plugins."""


class Frame(NamedTuple):
    """One frame of a capture."""

    link: int
    time_ns: int
    octets: bytes


def main() -> None:
    """Writes the seeds of every target."""
    folders = [HERE.parent / "tests/data/pcap", HERE.parent / "demo"]
    if given := os.environ.get("PENSTOCK_CAPTURES"):
        folders.append(Path(given))
    count = 0
    for path in sorted(path for folder in folders for path in folder.rglob("*.*cap*")):
        if path.suffix in {".json", ".jsonl"} or not path.is_file():
            continue
        with path.open("rb") as file:
            capture = file.read(1 << 20)
        frames = [frame for frame in read(capture) if frame.link in LINKS][:FRAMES]
        for target, seed in [*whole(capture), *parts(frames)]:
            count += write(target, seed)
    for target, seed in [*written(), *exports(), *collections()]:
        count += write(target, seed)
    print(f"{count} new seeds in {HERE.name}/corpus")


def whole(capture: bytes) -> Iterator[tuple[str, bytes]]:
    """A capture as it is, and so that the targets put a beginning to it."""
    if len(capture) > MOST_OCTETS:
        return
    target = "pcapng" if capture[:4] == b"\n\r\r\n" else "pcap"
    if target == "pcapng":
        yield target, b"\x4c\x02\x17\xff\xff" + capture
    for how in (b"\x00\x00\x00\x00", b"\x02\x17\xff\xff", b"\x03\x33\x50\x00"):
        yield target, b"\x01" + how + capture
        yield target, b"\x00" + how + capture


def parts(frames: list[Frame]) -> Iterator[tuple[str, bytes]]:
    """Frames one by one, and as streams."""
    stream = b""
    before_ns = frames[0].time_ns if frames else 0
    for frame in frames:
        octets = frame.octets[:1600]
        link = bytes([LINKS.index(frame.link)])
        yield "packets", link + b"\x00" + struct.pack("<H", len(octets) * 3 // 4) + octets
        yield "filter", TCP_PORT_80 + octets
        step = min(max(frame.time_ns - before_ns, 0) // 1_000_000, 63)
        before_ns = frame.time_ns
        head = b"\x00" + bytes([step]) + link + b"\x00" + struct.pack("<H", len(octets))
        if len(stream) < MOST_OCTETS // 2:
            stream += head + octets
    if stream:
        # Source addresses and ports of many hosts, as well as the same frames once more.
        flood = b"\x02\x01" + struct.pack("<HB", 29, 200) + b"\x02\x01" + struct.pack("<HB", 35, 99)
        again = b"\x03\x50\x02" + b"\x03\x84\x01"
        for rules in RULES:
            yield "flows", rules + stream + again
        yield "flows", RULES[1] + stream + flood


def written() -> Iterator[tuple[str, bytes]]:
    """Settings, and many flows before and after a leap of packet time: no capture has them."""
    octets = bytes.fromhex("4500001c0000000040110000c0000201c6336407138813890008d0eb")
    for rules in RULES:
        for leap in (b"\xc1", b"\xc4", b"\xff"):
            frames = (b"\x00" + step + b"\x01\x00\x1c\x00" + octets for step in (b"\x00", leap))
            yield "flows", rules + b"".join(frame + b"\x02\x00\x0e\x00\xfa" for frame in frames)
    usual = bytes(4)
    yield "settings", usual + b"key src_addr dst_addr src_port dst_port protocol vlan_id tunnel"
    yield "settings", b"\x01" + usual[1:] + b"key dst_addr tos mpls_labels src_mac tcp_flags"
    yield "settings", usual + b"pstats include_zeroes=true skip_duplicates=false packets=30"
    yield "settings", usual + b"basicplus\ncommunity_id seed=65535\npstats skipdup=true"


def exports() -> Iterator[tuple[str, bytes]]:
    """Flow exports: examples of the specifications, and the datagrams of PENSTOCK_CAPTURES."""
    for digits in EXPORTS:
        yield from export(bytes.fromhex(digits))
    for kind, digits in LISTS:
        yield "lists", bytes([kind]) + bytes.fromhex(digits)
    if given := os.environ.get("PENSTOCK_CAPTURES"):
        for path in sorted(Path(given).glob("exports/*.dat")):
            yield from export(path.read_bytes())
        for path in sorted(Path(given).glob("**/sflow*.pcap")):
            # Behind Ethernet, IPv4 without options, and UDP.
            yield from (("sflow", frame.octets[42:]) for frame in read(path.read_bytes()))
    for sample, octets in SFLOW_SAMPLES.items():
        for record in SFLOW_RECORDS:
            yield "sflow", sflow(sample, octets, record)


def sflow(sample: int, octets: int, record: int) -> bytes:
    """A datagram with a sample that has a record; most fields are 1, and so are lengths and counts."""
    body = struct.pack(">2I", record, 96) + b"\0\0\0\1" * 24
    body = b"\0\0\0\1" * (octets // 4) + body
    header = struct.pack(">IIIIIII", 5, 1, 0xC0000201, 0, 7, 1000, 1)
    return header + struct.pack(">2I", sample, len(body)) + body


def export(octets: bytes) -> Iterator[tuple[str, bytes]]:
    """A datagram, alone and twice, for the protocol whose number it begins with."""
    target = {5: "netflow5", 9: "netflow9", 10: "ipfix"}.get(int.from_bytes(octets[:2], "big"))
    if octets[:4] == b"\0\0\0\5":
        target = "sflow"
    if target:
        yield target, octets
        yield target, octets * 2


def collections() -> Iterator[tuple[str, bytes]]:
    """Examples as they come to a collector, what it keeps of them, and flows for its exporters."""
    examples = [bytes.fromhex(digits) for digits in EXPORTS]
    steps = [b"\x00\x04" + struct.pack("<H", len(octets)) + octets for octets in examples]
    take, go_on, second = b"\x05", b"\x06", b"\x02\x42"
    for settings in (b"\0\0", b"\xbf\x15", b"\x6a\x9a"):
        yield "collect", settings + b"".join(steps) + take
        yield "collect", settings + b"".join(steps[::-1]) + second + go_on + b"".join(steps)
        for step in steps:
            yield "collect", settings + step + b"\x03\x00\x07" + second + b"\x04\x00\x20" + take
    messages = b"".join(octets for octets in examples if octets[:2] == b"\0\x0a")
    for how in (2, 3):
        yield "streams", bytes([how, 9]) + messages
        yield "streams", bytes([how, 200]) + messages[:300] + b"?" + messages
    for how in (0, 1, 64):
        yield "streams", bytes([how, 30]) + b"\x00" + MESSAGE + b"\x00" + MESSAGE
    yield "kept", b"\x01" + KEPT
    yield "kept", b"\x0d" + KEPT
    yield "kept", b"\x02\x00" + b"\x02" + MESSAGE + b"\x01" + MESSAGE
    for how, protocol in ((0, 0), (5, 2), (42, 65), (64, 68)):
        rows = bytes([20]) + bytes(range(40))
        yield "exported", bytes([how]) + FULL + b"\x00" + FULL + bytes([protocol]) + rows


MESSAGE = bytes([0, 1, 0, 1, 0, 0, 2, 0, 3, 30, 0, 0, 31, 0, 0, 5, 0, 0, 1, 2, 1, 20]) + bytes(
    [*range(1, 21), 4]
)
"""A template and two records of it, in the form of src/messages.rs without the protocol."""
FULL = b"\xff" * 8
"""All groups of columns."""
KEPT = b"".join(
    (
        struct.pack(">I", 1),
        bytes(10) + b"\xff\xff\xc0\0\x02\x01" + struct.pack(">HBIQ", 4739, 10, 1, 17 * 10**17),
        # One template, one rate, one sequence.
        struct.pack(">IQHHIIHHIHH", 1, 17 * 10**17, 256, 0, 2, 0, 8, 4, 0, 82, 65535),
        struct.pack(">IBQdQ", 1, 1, 7, 100.0, 17 * 10**17),
        struct.pack(">IQBIII", 1, 0, 5, 1000, 0, 1_700_000_000),
    )
)
"""What a collector keeps of one exporter, without what stands before and behind it."""


SFLOW_SAMPLES = {1: 32, 2: 12, 3: 44, 4: 16, 5: 32}
"""Kinds of sample, and octets of each before its records; the last four are their number, 1."""
SFLOW_RECORDS = (
    *(1, 2, 3, 4, 1001, 1002, 1003, 1006, 1007, 1012, 1020, 1023, 1024, 1025, 1026),
    *(1029, 1030, 1038, 1041, 1042, 1043, 9 << 12 | 1),
)
"""Formats of records that are read, and one of somebody else's."""


def write(target: str, seed: bytes) -> int:
    """Puts a seed where the fuzzer looks; answers how many files are new."""
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(seed).hexdigest()[:40]
    if path.exists():
        return 0
    path.write_bytes(seed)
    return 1


def read(capture: bytes) -> Iterator[Frame]:
    """The frames of a capture that is in one of the usual forms; none of another."""
    for order in "<>":
        if capture[:4] in {struct.pack(order + "I", magic) for magic in (0xA1B2C3D4, 0xA1B23C4D)}:
            yield from read_pcap(capture, order)
        if capture[:4] == b"\n\r\r\n" and capture[8:12] == struct.pack(order + "I", 0x1A2B3C4D):
            yield from read_pcapng(capture, order)


def read_pcap(capture: bytes, order: str) -> Iterator[Frame]:
    """The frames of a pcap file; the unit of its fractions is taken for microseconds."""
    if len(capture) < 24:
        return
    link = struct.unpack_from(order + "I", capture, 20)[0] & 0xFFFF
    at = 24
    while at + 16 <= len(capture):
        seconds, fraction, captured, _ = struct.unpack_from(order + "4I", capture, at)
        at += 16
        yield Frame(link, seconds * 10**9 + fraction * 1000, capture[at : at + captured])
        at += captured


def read_pcapng(capture: bytes, order: str) -> Iterator[Frame]:
    """The enhanced packets of a pcapng file's first section; times are taken for microseconds."""
    links: list[int] = []
    at = 0
    while at + 12 <= len(capture):
        kind, length = struct.unpack_from(order + "2I", capture, at)
        if length < 12 or (kind == 0x0A0D0D0A and at > 0):
            return
        body = capture[at + 8 : at + length - 4]
        if kind == 1:
            links.append(struct.unpack_from(order + "H", body)[0])
        if kind == 6 and len(body) >= 20:
            interface, high, low, captured = struct.unpack_from(order + "4I", body)
            if interface < len(links):
                time_ns = (high << 32 | low) * 1000
                yield Frame(links[interface], time_ns, body[20 : 20 + captured])
        at += length


# `tcp port 80` of a raw frame of Ethernet and IPv4, as instructions of targets/filter.rs: load or
# compare (an index into its table), distances if it holds and if not, and a constant.
TCP_PORT_80 = bytes([9, 0]) + b"".join(
    struct.pack("<3BH", *instruction)
    for instruction in (
        (2, 0, 0, 12),  # ldh [12]
        (37, 0, 6, 0x800),  # jeq #0x800
        (3, 0, 0, 23),  # ldb [23]
        (37, 0, 4, 6),  # jeq #6
        (12, 0, 0, 14),  # ldxb 4*([14]&0xf)
        (5, 0, 0, 16),  # ldh [x + 16]
        (37, 0, 1, 80),  # jeq #80
        (45, 0, 0, 1),  # ret #1
        (45, 0, 0, 0),  # ret #0
    )
)

EXPORTS = (
    # sFlow: a sampled header and the VLANs of its packet.
    "0000000500000001c000020a00000000000000070001e24000000001"
    "00000001000000880000000c000000030000020000f0000000000000000000030000000400000002"
    "0000000100000048000000010000004e0000000400000036000c29b1c2d3001b21aabbcc0800"
    "4500003c1c4640004006b1e6ac100a63ac100a0cd4310050a1b2c3d4000000005002faf0000000000000"
    "000003e9000000100000000a000000000000001400000000",
    # Version 5: one record of the thirty announced, and one of one.
    "0005001e01a181685790d37d1eb13d20007c351200000000"
    "0a000d01c0a80062c0a80062000d0032000000020000006801a1455e01a1455e"
    "146ccdfe001006000000000000000000",
    "0005000101a181685790d37d1eb13d20007c351200004064"
    "0a000d01c0a80062c0a80062000d0032000000020000006801a1455e01a1455e"
    "146ccdfe001006000000000000000000",
    # Version 9: RFC 3954 section 11; a scope and fields without octets; filled up with zeroes.
    "00090007000123456553f1000000000100000100"
    "0000001c0100000500080004000c0004000f00040002000400010004"
    "01000040c6a8010c0a050cfec0a801010000139100518c81c6a8011b0a050c17c0a80101000002ec0005ef46"
    "c6a801380a050c41c0a801010000000500001986"
    "000100180101000400080003000200290002002a00020000"
    "010100100001015927d9000202b24fb2",
    "00090003000123456553f1000000000100000100"
    "0001001801000004000800010000002300010022000400000100000c0200000001000000",
    "00090002000123456553f1000000000100000100"
    "0000001c01000005000100049c40000a00000001000000000052ffff"
    "010000180000000161616161616161616161000261620000"
    "00000000000000000000000000000000",
    # IPFIX: a biflow, type information, the list of RFC 6313, lists in lists, withdrawals.
    "000a004c6553f1000000000000000001"
    "000200240100000600080004000c0004000400010002000280020002000072790052ffff"
    "01000018c0000201c633640706012c012b04657468300000",
    "000a00776553f1000000000000000001"
    "0003002e010100090002015a0004012f000201530001015800010159000201560008015700080155ffff0154ffff"
    "0101003900001f7903e904030002000000000000000000000000000000000762797465735570"
    "126f63746574732066726f6d20636c69656e74",
    "000a004c6553f1000000000000000001"
    "0002001801000004000a000400080004000c00040123ffff"
    "0100002400000009c00002c9e9fc0001ff001103000e0004000000010000000400000008",
    "000a00616553f1000000000000000001"
    "0002001c010000020124ffff0125ffff01010002000400010123ffff"
    "010000350c0401010607ff000400011100ff0021ff0101000f0609030052ffff01610162"
    "010100000101000d11ff0005ff00040001",
    "000a00286553f1000000000000000001000200080100000000020008000200000003000800030000",
)
"""Messages, see crates/codec/src/samples.rs."""

LISTS = (
    (0, "03000e0004000000010000000400000008"),
    (0, "ff0052ffff02616200ff000163"),
    (0, "0483f5ffff00001f79"),
    (0, "ff0123ffff0703000e0001010207ff0123ffff0101"),
    (1, "0401010607ff000400011100"),
    (1, "ff0102110aff00040001"),
    (2, "ff0101000f0609030052ffff01610162010100000101000d11ff0005ff00040001"),
    (2, "ff010000000000000401020004"),
)
"""Values of basicList, subTemplateList and subTemplateMultiList fields."""

if __name__ == "__main__":
    main()
