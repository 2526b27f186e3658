# SPDX-License-Identifier: Apache-2.0
"""The configuration graph, after RFC 6728: a class a part, a docstring a setting.

The reference page is made from the docstrings. Only what a part says by itself is checked here;
what parts say of each other is checked in ``check``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from penstock import quantity
from penstock.config import words

Name = Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9_.-]+$")]
"""What other parts call this one: letters, digits, ``_``, ``-`` and ``.``."""

Timeout = Annotated[float, BeforeValidator(quantity.timeout)]
"""Seconds, or a word such as ``90s``, ``5m``, ``1h``."""

Octets = Annotated[int, BeforeValidator(quantity.octets)]
"""A size in octets, or a word such as ``64MiB``."""

Place = Annotated[str, Field(min_length=1)]
"""A file or folder."""


class Part(BaseModel):
    """What all parts share: nothing unknown is let through, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ObservationPoint(Part):
    """Where packets are seen (RFC 6728, section 4.1)."""

    name: Name
    """What caches call it."""

    sources: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
    """Capture files, read one after another as one stream: `FILE`, `pcap:FILE`, or `-` for standard input."""


class Selector(Part):
    """Which of the packets seen are metered (RFC 6728, section 4.2)."""

    name: Name
    """What caches call it."""

    filter: Annotated[str, AfterValidator(words.filter_expression)] | None = None
    """A pcap-filter(7) expression; only packets that match are metered. Needs libpcap."""

    count: Annotated[int, Field(ge=1, le=(1 << 63) - 1)] | None = None
    """Stop after this many packets have been read, before any filter."""


class PluginUse(Part):
    """A plugin that looks into the flows of a cache."""

    name: Annotated[str, AfterValidator(words.plugin)]
    """Which one; `penstock plugins` lists them."""

    options: dict[str, str] = {}
    """Its options by name; `penstock plugins NAME` lists them."""


class Cache(Part):
    """A flow table (RFC 6728, section 4.3)."""

    name: Name
    """What exporters call it."""

    observation_point: Name | None = None
    """Where its packets come from. May be left out where there is only one point."""

    selector: Name | None = None
    """Which of them it takes; all where absent."""

    key: (
        Annotated[list[Annotated[str, AfterValidator(words.key_field)]], Field(min_length=1)] | None
    ) = None
    """What makes packets one flow; when absent: the two ends, their ports, the protocol, the outermost VLAN and the tunnel."""

    uniflow: bool = False
    """A record for each direction, in place of one for both."""

    active_timeout: Timeout = 300.0
    """A flow this long is cut here and goes on as the next record. In packet time."""

    idle_timeout: Timeout = 30.0
    """A flow without packets for this long has ended. In packet time."""

    fragment_timeout: Timeout = 30.0
    """How long a datagram's first fragment is remembered for the later ones. In packet time."""

    max_flows: Annotated[int, Field(ge=1, le=1 << 31)] = 1_000_000
    """Flows held at a time: each of 256 partitions holds its share, and some more for chance; over it the one nearest its end leaves early, with end reason 5."""

    tunnel: Literal["inner", "outer"] = "inner"
    """Of a packet in a tunnel, meter the packet inside, or the one that carries it."""

    plugins: Annotated[
        list[Annotated[PluginUse, BeforeValidator(words.plugin_use)]],
        AfterValidator(words.plugins_once),
    ] = []
    """Plugins that look into its flows: `pstats`, `pstats?includezeroes=true`, or a table with `name` and `options`."""


class Collector(Part):
    """Where flow exports are received, or read from files (RFC 6728, section 4.5)."""

    name: Name
    """What exporters call it."""

    listen: list[Annotated[str, AfterValidator(words.listen)]] = []
    """Addresses: `udp://HOST:PORT`, `tcp://HOST:PORT`, a bare port for UDP. Without a host: all of this machine's, IPv4 and IPv6. Any port takes any protocol."""

    sources: list[Place] = []
    """In place of `listen`: files, read one after another: `pcap:FILE` for captures of exporters' traffic, `ipfix:FILE` for IPFIX files, or `FILE`, which is told by its content."""

    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Threads that receive and decode; an exporter's datagrams always go to the same one."""

    buffer: Annotated[Octets, Field(ge=1 << 12, le=1 << 30)] = 32 << 20
    """Receive buffer of each UDP socket in octets; the system may grant less."""

    max_sessions: Annotated[int, Field(ge=1, le=1 << 20)] = 512
    """TCP sessions open at a time; more are closed at once, and counted."""

    session_timeout: Timeout = 1800.0
    """A TCP session that brings nothing for this long is closed."""

    template_lifetime: Timeout = 1800.0
    """A template that came by UDP and was not repeated for this long is forgotten."""

    max_exporters: Annotated[int, Field(ge=1, le=1 << 24)] = 65_536
    """Exporters (by session and observation domain) remembered at a time, by each worker."""

    max_templates: Annotated[int, Field(ge=1, le=65_280)] = 4_096
    """Templates of one exporter; more are refused, and counted."""

    max_fields: Annotated[int, Field(ge=1, le=65_535)] = 1_024
    """Fields of one template; one with more is refused, and counted."""

    parked: Octets = 16 << 20
    """Octets of data kept until its template comes, by each worker; what is over it is refused, and counted."""

    parked_time: Timeout = 600.0
    """How long data waits for its template."""

    default_sampling: Annotated[float, Field(ge=1)] | None = None
    """Sampling rate (1 in N) of flows whose exporter does not say one. Unknown where absent."""

    sampling: dict[
        Annotated[str, AfterValidator(words.ip_address)], Annotated[float, Field(ge=1)]
    ] = {}
    """Sampling rates (1 in N) by exporter address, whatever the exporter says."""

    ignore_source_port: bool = False
    """IPFIX over UDP: sessions of one address that differ only in the port are one exporter."""

    tunnel: Literal["inner", "outer"] = "inner"
    """Of a sampled packet in a tunnel, describe the packet inside, or the one that carries it."""

    enterprise: Annotated[int, Field(ge=1, le=(1 << 32) - 1)] = 32473
    """Enterprise number under which other Penstocks export columns without an IANA element."""

    state: Place | None = None
    """Folder that keeps templates, sampling rates and sequence numbers over a restart. Forgotten at the end where absent."""

    keep_bad: Place | None = None
    """Capture file that datagrams with mistakes are kept in."""

    keep_bad_size: Octets = 64 << 20
    """Octets at which that file ends."""

    count: Annotated[int, Field(ge=1, le=(1 << 63) - 1)] | None = None
    """Stop once this many flows have come; a batch that is begun is finished."""

    duration: Timeout | None = None
    """Stop listening after this long."""


class Monitoring(Part):
    """How a run that listens can be looked at while it goes on."""

    metrics: Annotated[str, AfterValidator(words.address)] | None = None
    """`HOST:PORT` to serve Prometheus metrics on, at `/metrics`; beside it `/healthz`, `/exporters` and `/templates` as JSON."""

    metrics_names: Literal["penstock", "goflow"] = "penstock"
    """Whose names the metrics have."""

    socket: Place | None = None
    """Unix socket that serves the same; `penstock exporters` asks there. Only its owner can. When absent one in the user's runtime folder, unless another collector has that."""


class Exporter(Part):
    """Where flows go (RFC 6728, section 4.4)."""

    name: Name
    """What messages call it."""

    caches: list[Name] = []
    """Whose flows it takes. Those of every cache and collector where both lists are empty."""

    collectors: list[Name] = []
    """Likewise, of collectors."""

    sink: Annotated[str, AfterValidator(words.sink)]
    """The destination, such as `json:flows.jsonl` or `parquet:flows/?rotate=1h`."""

    queue: Annotated[int, Field(ge=1, le=10_000)] = 4
    """Batches that may wait for it (of a collector: all that came together); when that many do, reading files waits too. What is received as it happens is then lost, and counted, unless the sink makes the reader wait."""


class Graph(Part):
    """Everything that one run does."""

    threads: Annotated[int, Field(ge=1, le=256)] = 1
    """Threads that read and meter; the output is the same for any number."""

    observation_points: list[ObservationPoint] = []
    """Where packets are seen."""

    selectors: list[Selector] = []
    """Which of them are metered."""

    caches: list[Cache] = []
    """Flow tables."""

    collectors: list[Collector] = []
    """Where flow exports come in."""

    exporters: Annotated[list[Exporter], Field(min_length=1)]
    """Where flows go."""

    monitoring: Monitoring = Monitoring()
    """How the run can be looked at."""
