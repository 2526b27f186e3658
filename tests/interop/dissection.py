# SPDX-License-Identifier: Apache-2.0
"""Flow exports as tshark dissects them: templates, records, and every field where it is.

A record's fields are found a second time here, by tshark's reading of the template, so that each
of them has its number; what tshark shows is put beside it by place. What the values
mean for Penstock's columns is ``expectation.py``'s business.
"""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET  # what is parsed is tshark's own
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VARIABLE = 65535
NETFLOW9, NETFLOW9_SCOPE = 4_294_967_295, 4_294_967_294
"""In place of an enterprise number, for numbers of NetFlow version 9 only."""

STARTS, ENDS = {"timestart", "abstimestart"}, {"timeend", "abstimeend"}
SHOWN_TIMES = {
    **dict.fromkeys((22, 150, 152, 154, 156, 158), STARTS),
    **dict.fromkeys((21, 151, 153, 155, 157, 159), ENDS),
}
"""Names of lines about elements that are times of a flow's start or end."""

FIELDS_OF_VERSION_5 = [
    *((8, 4), (12, 4), (15, 4), (10, 2), (14, 2), (2, 4), (1, 4), (22, 4), (21, 4), (7, 2)),
    *((11, 2), (210, 1), (6, 1), (4, 1), (5, 1), (16, 2), (17, 2), (9, 1), (13, 1), (210, 2)),
]
"""Element and octets, in the order of the record."""


@dataclass(frozen=True)
class TemplateField:
    """A field as a template announces it."""

    pen: int
    id: int
    length: int


@dataclass(frozen=True)
class Template:
    """A template; with scopes, one of options."""

    id: int
    scopes: int
    fields: tuple[TemplateField, ...]


@dataclass(frozen=True)
class Shown:
    """A line of tshark's, about these octets."""

    name: str
    show: str
    note: str
    place: int
    unmasked: str


@dataclass(frozen=True)
class Field:
    """A field of a record: its number, its octets, and what tshark says of it."""

    pen: int
    id: int
    octets: bytes
    shown: tuple[Shown, ...]


@dataclass(frozen=True)
class Record:
    """A data record."""

    template: Template
    fields: tuple[Field, ...]


@dataclass
class Message:
    """A NetFlow packet or an IPFIX message."""

    version: int
    header: dict[str, str]
    templates: list[Template] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    unread_sets: int = 0
    """Data sets whose template is not known."""

    complaints: list[str] = field(default_factory=list)
    """What tshark thinks is wrong, but for sequence numbers."""

    sequence_complaints: list[str] = field(default_factory=list)

    @property
    def domain(self) -> int:
        """Observation domain, source id, or of version 5 the engine's type and number."""
        if self.version == 5:
            return int(self.header["engine_type"]) << 8 | int(self.header["engine_id"])
        return int(self.header["od_id" if self.version == 10 else "source_id"])


@dataclass
class Datagram:
    """A packet of the capture, and the messages in it."""

    source: str
    port: int
    octets: bytes
    messages: list[Message]


def dissect(capture: Path, ports: tuple[int, ...]) -> list[Datagram]:
    """Every datagram of a capture, those to these ports taken for flow exports."""
    known: dict[tuple[str, int, int, int], Template] = {}
    return [_datagram(packet, known) for packet in pdml(capture, ports, "cflow")]


def pdml(capture: Path, ports: tuple[int, ...], protocol: str) -> Iterator[ET.Element]:
    """Tshark's tree of every packet."""
    command = ["tshark", "-n", "-r", str(capture), "-T", "pdml"]
    for port in ports:
        command += ["-d", f"udp.port=={port},{protocol}"]
    shown = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return iter(ET.fromstring(shown.stdout).findall("packet"))


def find(packet: ET.Element, name: str) -> ET.Element:
    """A field of a packet, that there must be."""
    found = next((one for one in packet.iter("field") if one.get("name") == name), None)
    assert found is not None, f"tshark shows no {name}"
    return found


def text(element: ET.Element, attribute: str) -> str:
    """An attribute, empty if there is none."""
    return element.get(attribute) or ""


def number(element: ET.Element, attribute: str) -> int:
    """An attribute that is a number, 0 if there is none."""
    return int(element.get(attribute) or 0)


def children(element: ET.Element, name: str) -> list[ET.Element]:
    """Fields of that name right below."""
    return [one for one in element if one.get("name") == name]


def _datagram(packet: ET.Element, known: dict[tuple[str, int, int, int], Template]) -> Datagram:
    payload = find(packet, "udp.payload")
    octets = bytes.fromhex(text(payload, "value"))
    source = text(find(packet, "ip.src"), "show")
    frame = _Frame(number(payload, "pos"), octets, source, known)
    protocols = [proto for proto in packet.findall("proto") if proto.get("name") == "cflow"]
    return Datagram(
        source,
        int(text(find(packet, "udp.srcport"), "show")),
        octets,
        [frame.message(proto) for proto in protocols],
    )


@dataclass
class _Frame:
    """A packet on its way, with the templates seen so far."""

    start: int
    octets: bytes
    source: str
    known: dict[tuple[str, int, int, int], Template]

    def message(self, proto: ET.Element) -> Message:
        header = {
            text(one, "name").removeprefix("cflow."): text(one, "show")
            for one in proto.iter("field")
            if text(one, "name").startswith("cflow.") and one in [*proto, *_below(proto)]
        }
        message = Message(int(header["version"]), header)
        for complaint in proto.iter("field"):
            if complaint.get("name") == "_ws.expert":
                about_sequence = "/Sequence)" in text(complaint, "showname")
                group = message.sequence_complaints if about_sequence else message.complaints
                group.append(text(complaint, "showname"))
        for one in children(proto, ""):
            if message.version == 5:
                message.records.append(self._record(one, VERSION_5))
            else:
                self._set(one, message)
        return message

    def _set(self, element: ET.Element, message: Message) -> None:
        identifiers = children(element, "cflow.flowset_id")
        if not identifiers:
            return
        set_id = int(text(identifiers[0], "show"))
        for one in children(element, ""):
            show = text(one, "show")
            if "Template (" in show:
                template = _template(one, message.version)
                message.templates.append(template)
                self.known[self.source, message.version, message.domain, template.id] = template
            elif show.startswith(("Flow ", "Options ")):
                template = self.known[self.source, message.version, message.domain, set_id]
                message.records.append(self._record(one, template))
            elif "no template found" in show:
                message.unread_sets += 1

    def _record(self, element: ET.Element, template: Template) -> Record:
        lines = [_shown(one) for one in element.iter("field") if one is not element]
        at = number(element, "pos")
        fields = []
        for announced in template.fields:
            prefix, length = self._length(at, announced.length)
            begin, end = at + prefix, at + prefix + length
            octets = self.octets[begin - self.start : end - self.start]
            about = tuple(_about(lines, announced, begin, end))
            fields.append(Field(announced.pen, announced.id, octets, about))
            at = end
        return Record(template, tuple(fields))

    def _length(self, at: int, announced: int) -> tuple[int, int]:
        """Octets in front that tell the length, and the length."""
        if announced != VARIABLE:
            return 0, announced
        short = self.octets[at - self.start]
        if short < 255:
            return 1, short
        return 3, int.from_bytes(self.octets[at - self.start + 1 : at - self.start + 3])


def _about(lines: list[Shown], announced: TemplateField, begin: int, end: int) -> Iterator[Shown]:
    """The lines about a field, by place.

    Start and end are found by name: where the end comes first, tshark misplaces them.
    """
    wanted = SHOWN_TIMES.get(announced.id, ()) if announced.pen == 0 else ()
    for line in lines:
        if wanted:
            if line.name in wanted:
                yield line
        elif line.name and line.name not in STARTS | ENDS and begin <= line.place < end:
            yield line


def _below(proto: ET.Element) -> list[ET.Element]:
    return [one for parent in children(proto, "cflow.timestamp") for one in parent]


def _shown(element: ET.Element) -> Shown:
    return Shown(
        text(element, "name").removeprefix("cflow."),
        text(element, "show"),
        text(element, "showname"),
        number(element, "pos"),
        text(element, "unmaskedvalue"),
    )


def _template(element: ET.Element, version: int) -> Template:
    template_id = int(text(children(element, "cflow.template_id")[0], "show"))
    fields = []
    scopes = 0
    for one in children(element, ""):
        if not text(one, "show").startswith("Field ("):
            continue
        scope = "[Scope]" in text(one, "show")
        scopes += scope
        fields.append(_template_field(one, version, scope=scope))
    return Template(template_id, scopes, tuple(fields))


def _template_field(element: ET.Element, version: int, *, scope: bool) -> TemplateField:
    lines = {text(one, "name").removeprefix("cflow."): text(one, "show") for one in element}
    types = [name for name in lines if name.endswith(("field_type", "field_type_enterprise"))]
    kind = int(lines[types[0]])
    if version == 10:
        pen = int(lines.get("template_ipfix_field_pen", "0"))
    elif scope:
        pen = NETFLOW9_SCOPE
    else:
        pen = NETFLOW9 if kind >= 32768 else 0
    return TemplateField(pen, kind, int(lines["template_field_length"]))


VERSION_5 = Template(
    5, 0, tuple(TemplateField(0, element, length) for element, length in FIELDS_OF_VERSION_5)
)
