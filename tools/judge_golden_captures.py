# SPDX-License-Identifier: Apache-2.0
"""Lets tshark read every golden capture and stores what it saw, in named fields.

Beside each capture comes ``NAME.tshark.json``: for every packet its times, lengths and
the stack of headers, outermost first, as tshark took them apart. What a header quotes
(the packet inside an ICMP error) is no part of the stack. Fragments are not put
together and streams not followed, so that every packet speaks for itself.

``tests/data/pcap/README.md`` is written from the same table as the captures.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from golden.cases import by_group, every

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from golden.case import Case

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests" / "data" / "pcap"

EACH_PACKET_FOR_ITSELF = [
    *("-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"),
    *("-o", "tcp.desegment_tcp_streams:FALSE", "-o", "ip.tso_support:TRUE"),
    *("-o", "gtp.dissect_tpdu_as:TPDU Heuristic"),
]

NS_PER_S = 1_000_000_000


def number(text: str) -> int:
    """A field's value as tshark shows it: decimal, hexadecimal, or a word for a bit."""
    words = {"True": 1, "False": 0}
    return words[text] if text in words else int(text, 0)


def nanoseconds(text: str) -> int:
    """Seconds with up to nine decimals."""
    whole, _, rest = text.partition(".")
    return int(whole) * NS_PER_S + int(rest.ljust(9, "0")[:9])


ETHERNET = {"eth.src": "src", "eth.dst": "dst", "eth.type": "type"}
PORTS = {"srcport": "src_port", "dstport": "dst_port"}
FIELDS: dict[str, dict[str, str]] = {
    "eth": ETHERNET,
    "vlan": {"vlan.id": "id"},
    "ieee8021ad": {"ieee8021ad.id": "id"},
    "mpls": {"mpls.label": "label", "mpls.exp": "class", "mpls.ttl": "ttl"},
    "ip": {
        "ip.src": "src",
        "ip.dst": "dst",
        "ip.len": "octets",
        "ip.proto": "protocol",
        "ah.next_header": "protocol",
        "ip.dsfield": "tos",
        "ip.ttl": "ttl",
        "ip.id": "identification",
        "ip.flags.df": "dont_fragment",
        "ip.flags.mf": "more_fragments",
        "ip.frag_offset": "fragment_offset",
    },
    "ipv6": {
        "ipv6.src": "src",
        "ipv6.dst": "dst",
        "ipv6.plen": "payload_octets",
        "ipv6.opt.jumbo": "jumbo_octets",
        "ipv6.tclass": "tos",
        "ipv6.hlim": "ttl",
        "ipv6.flow": "flow_label",
        "ipv6.nxt": "protocol",
        "ipv6.hopopts.nxt": "protocol",
        "ipv6.routing.nxt": "protocol",
        "ipv6.dstopts.nxt": "protocol",
        "ipv6.fraghdr.nxt": "protocol",
        "shim6.nxt": "protocol",
        "ah.next_header": "protocol",
        "mip6.nextheader": "protocol",
        "ipv6.fraghdr.ident": "identification",
        "ipv6.fraghdr.more": "more_fragments",
        "ipv6.fraghdr.offset": "fragment_offset",
    },
    "tcp": {**{f"tcp.{key}": name for key, name in PORTS.items()}, "tcp.flags": "flags"},
    "udp": {f"udp.{key}": name for key, name in PORTS.items()},
    "udplite": {f"udp.{key}": name for key, name in PORTS.items()},
    "sctp": {f"sctp.{key}": name for key, name in PORTS.items()},
    "dccp": {f"dccp.{key}": name for key, name in PORTS.items()},
    "icmp": {"icmp.type": "type", "icmp.code": "code", "icmp.ident": "identifier"},
    "icmpv6": {
        "icmpv6.type": "type",
        "icmpv6.code": "code",
        "icmpv6.echo.identifier": "identifier",
    },
    "gre": {"gre.key": "key", "gre.proto": "protocol", "gre.key.call_id": "call"},
    "erspan": {"erspan.spanid": "session", "erspan.version": "version"},
    "etherip": {},
    "vxlan": {"vxlan.vni": "vni"},
    "geneve": {"geneve.vni": "vni"},
    "gtp": {"gtp.teid": "teid", "gtp.message": "message"},
    "teredo": {},
    "pppoes": {"pppoe.session_id": "session"},
    "ah": {"ah.next_header": "protocol"},
    "esp": {"esp.spi": "spi"},
    "igmp": {"igmp.type": "type"},
    "arp": {"arp.opcode": "operation"},
}
"""What is kept of which header, and by which name. Headers without a row are named only."""

EXTENSIONS = {"ah", "mipv6", "hip", "shim6"}
"""Headers that belong to the IP header they follow."""

TEXTS = {"eth.src", "eth.dst", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst"}


def main() -> int:
    """Judges everything, two captures at a time, then writes the README."""
    if shutil.which("tshark") is None:
        print("missing: tshark; apt-get install tshark", file=sys.stderr)
        return 1
    shown = subprocess.run(["tshark", "--version"], capture_output=True, text=True, check=True)
    version = " ".join(shown.stdout.split()[:3])
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(partial(judge, version), every()))
    (FOLDER / "README.md").write_text(readme())
    return 0


def judge(version: str, case: Case) -> None:
    """Stores what tshark sees in one capture."""
    path = FOLDER / f"{case.name}{case.suffix}"
    command = ["tshark", "-n", "-r", str(path), *EACH_PACKET_FOR_ITSELF, *case.judge, "-T", "pdml"]
    run = subprocess.run(command, capture_output=True, check=False)
    packets = [packet_row(packet) for packet in whole_packets(run.stdout) if holds_frame(packet)]
    head = {"judge": version, "capture": path.name, "arguments": list(case.judge)}
    if case.unjudged:
        head["unjudged"] = case.unjudged
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in packets)
    start = json.dumps(head, indent=1)[:-2]
    target = FOLDER / f"{path.name}.tshark.json"
    target.write_text(f'{start},\n "packets": [\n{lines}\n]}}\n')


def whole_packets(pdml: bytes) -> Iterator[ElementTree.Element]:
    """The packets of a PDML document, which lacks its end where the capture does."""
    text = pdml.decode().rstrip()
    if not text.endswith("</pdml>"):
        text += "</pdml>"
    yield from ElementTree.fromstring(text).iter("packet")


def holds_frame(packet: ElementTree.Element) -> bool:
    """Whether this is a packet: tshark numbers custom blocks of pcapng along with them."""
    names = (field.get("name") for field in packet.findall("proto")[1].iter("field"))
    return "frame.encap_type" in names


def packet_row(packet: ElementTree.Element) -> dict[str, Any]:
    """One packet's lengths, time, and headers from the outermost in."""
    protos = packet.findall("proto")
    frame = {field.get("name"): field.get("show", "") for field in protos[1].iter("field")}
    row: dict[str, Any] = {
        "number": int(frame["frame.number"]),
        "octets": int(frame["frame.len"]),
        "captured": int(frame["frame.cap_len"]),
    }
    if "frame.time_epoch" in frame:
        row["time_ns"] = nanoseconds(frame["frame.time_epoch"])
    stacked = [proto for proto in protos[2:] if proto.get("name") != "fake-field-wrapper"]
    row["stack"] = [layer_row(proto) for proto in stacked]
    return row


def layer_row(proto: ElementTree.Element) -> dict[str, Any]:
    """One header by its name and the fields that are kept of it."""
    name = proto.get("name", "")
    wanted = FIELDS.get(name, {})
    layer: dict[str, Any] = {"layer": "malformed" if name.startswith("_ws.malformed") else name}
    for field in own_fields(proto):
        key = wanted.get(field.get("name", ""))
        # An extension chain names many next headers: the last is the packet's protocol.
        if key is not None and (key not in layer or key == "protocol"):
            convert: Callable[[str], Any] = str if field.get("name") in TEXTS else number
            layer[key] = convert(field.get("show", ""))
    return layer


def own_fields(element: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """Fields at any depth, except those of a header that is only quoted."""
    for child in element:
        if child.tag == "field":
            yield child
            yield from own_fields(child)
        elif child.get("name", "").startswith("ipv6.") or child.get("name") in EXTENSIONS:
            yield from own_fields(child)


def readme() -> str:
    """The table of captures as people read it."""
    lines = [
        "# Golden captures",
        "",
        "Made by `tools/make_golden_captures.py` (the same octets each time) and read by tshark through",
        "`tools/judge_golden_captures.py`, which writes this page and, beside each capture, what tshark saw in",
        "it: `NAME.tshark.json`. Addresses are those kept for documentation. To change a capture, change",
        "its row in `tools/golden/cases/` and run both.",
        "",
        "*Judge* is `tshark` where it reads the capture as Penstock means to; otherwise it says what tshark",
        "cannot say, and the tests hold that to the documents instead.",
    ]
    for title, cases in by_group().items():
        lines += ["", f"## {title}", "", "| capture | shows | judge |", "|---|---|---|"]
        for case in cases:
            opinion = f"tshark, but not {case.unjudged}" if case.unjudged else "tshark"
            if case.judge:
                opinion += f" (`{' '.join(case.judge)}`)"
            lines.append(f"| `{case.name}{case.suffix}` | {case.shows} | {opinion} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
