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


class Exporter(Part):
    """Where flows go (RFC 6728, section 4.4)."""

    name: Name
    """What messages call it."""

    caches: list[Name] = []
    """Whose flows it takes; those of every cache where empty."""

    sink: Annotated[str, AfterValidator(words.sink)]
    """The destination, such as `json:flows.jsonl` or `parquet:flows/?rotate=1h`."""

    queue: Annotated[int, Field(ge=1, le=10_000)] = 4
    """Batches that may wait for it; when that many do, reading files waits too."""


class Graph(Part):
    """Everything that one run does."""

    threads: Annotated[int, Field(ge=1, le=256)] = 1
    """Threads that read and meter; the output is the same for any number."""

    observation_points: Annotated[list[ObservationPoint], Field(min_length=1)]
    """Where packets are seen."""

    selectors: list[Selector] = []
    """Which of them are metered."""

    caches: Annotated[list[Cache], Field(min_length=1)]
    """Flow tables."""

    exporters: Annotated[list[Exporter], Field(min_length=1)]
    """Where flows go."""
