# SPDX-License-Identifier: Apache-2.0
"""The native half, as types. Private: use :mod:`penstock`."""

from collections.abc import Sequence
from typing import Literal, TypedDict, final, type_check_only

__version__: str
DEBUG_BUILD: bool

@final
class Batch:
    """One Arrow record batch of the normalised flow schema.

    Addresses are ``fixed_size_binary(16)`` with the extension name ``penstock.ip``, MACs
    ``fixed_size_binary(6)`` with ``penstock.mac``.
    """

    @property
    def num_rows(self) -> int: ...
    @property
    def column_names(self) -> list[str]: ...
    @property
    def nbytes(self) -> int: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_array__(
        self, requested_schema: object | None = None
    ) -> tuple[object, object]: ...
    def with_text_addresses(self) -> Batch:
        """The same batch with addresses and MACs as text, for people to look at."""
    def select(self, columns: Sequence[str]) -> Batch:
        """The named columns, in that order; a name the batch lacks raises ``KeyError``."""
    def split_biflows(self) -> Batch:
        """Uniflows: a row a direction, ends swapped in the second."""
    @staticmethod
    def from_arrow(array: object) -> Batch:
        """Takes over anything with ``__arrow_c_array__`` (a pyarrow batch, for one)."""

def encode_json(batch: Batch, *, columns: Sequence[str] | None = None) -> bytes:
    """JSON lines: an object a row, nulls left out (docs: "As JSON, as text")."""

def encode_csv(batch: Batch, *, columns: Sequence[str], header: bool) -> bytes:
    """CSV (RFC 4180) with the columns in that order; null and absent columns are empty."""

def encode_text(batch: Batch, *, columns: Sequence[str], header: bool, color: bool) -> bytes:
    """A line a row for people: fixed widths by column, ``tcp`` and ``.AP.SF`` in place of numbers."""

@type_check_only
class ColumnRow(TypedDict):
    name: str
    type: str
    group: str
    elements: list[str]
    clickhouse: str
    summary: str

@type_check_only
class OptionRow(TypedDict):
    name: str
    alias: str | None
    """Another name that it goes by."""
    type: Literal["bool", "integer", "text"]
    default: str
    summary: str

@type_check_only
class PluginRow(TypedDict):
    name: str
    summary: str
    reference: str
    example: str
    columns: list[str]
    options: list[OptionRow]

@type_check_only
class ElementRow(TypedDict):
    pen: int
    id: int
    name: str
    type: str
    semantics: str
    units: str

def columns() -> list[ColumnRow]:
    """Every column of the normalised schema, in its order."""

def plugins() -> list[PluginRow]:
    """Every plugin of this build, in the table's order."""

def elements() -> list[ElementRow]:
    """Every information element that is known, by enterprise and number."""

def key_fields() -> list[str]:
    """What a cache's key may be made of, the default key's fields first."""

def check_filter(expression: str) -> None:
    """Compiles a pcap-filter(7) expression, or raises ``ConfigError`` with libpcap's words."""

@final
class Meter:
    """Packets to flows: reads the sources, one after another as one stream of packets.

    ``next_batch`` does the work; with ``threads=1`` it does so in the calling thread.
    """

    def __new__(
        cls,
        sources: Sequence[str],
        *,
        filter: str | None = None,
        tunnel: Literal["inner", "outer"] = "inner",
        key: Sequence[str] | None = None,
        uniflow: bool = False,
        active_timeout_ns: int = 300_000_000_000,
        idle_timeout_ns: int = 30_000_000_000,
        max_flows: int = 1_000_000,
        fragment_timeout_ns: int = 30_000_000_000,
        plugins: Sequence[tuple[str, dict[str, str]]] = (),
        threads: int = 1,
        count: int | None = None,
        rows_per_batch: int = 8_192,
    ) -> Meter: ...
    def next_batch(self) -> Batch | None:
        """The next batch, or ``None`` at the end; releases the interpreter lock meanwhile.

        Raises :class:`penstock.errors.DecodeError` once every flow up to unreadable input has
        been given out.
        """
    def stop(self) -> None:
        """Reads no more; the flows in the table are still given out. May be called from a signal."""
    def progress(self) -> Progress:
        """Where the reading is; cheap, from any thread."""
    def ledger(self) -> list[LedgerRow]:
        """What every stage counted, complete once ``next_batch`` answered ``None``."""
    def empty_batch(self) -> Batch:
        """No rows, all the columns that the batches of this meter have."""

@type_check_only
class Progress(TypedDict):
    packets: int
    flows: int
    octets_read: int
    octets_total: int | None
    packet_time_ns: int
    seconds: float
    """Wall time from the first octet read to the last batch handed over, so far."""

@type_check_only
class LedgerRow(TypedDict):
    stage: str
    """In the order of the way: ``source`` (packets in), ``select`` (lost: filtered), ``link``
    (lost: no IP packet, by ethertype), ``wire`` (lost: malformed, by layer and reason),
    ``fragments`` (lost: later fragments of a tunnel's outer packet), ``meter`` (packets in;
    packets out, summed over the records given out; flows in and out, flows out also by end
    reason as ``noted``)."""
    kind: Literal["in", "out", "lost", "noted"]
    """``noted``: counted, and still in ``out``."""
    reason: str
    """Empty for ``in`` and ``out``."""
    unit: Literal[
        "packets",
        "flows",
        "datagrams",
        "records",
        "samples",
        "sets",
        "templates",
        "octets",
        "sessions",
        "exporters",
    ]
    count: int

@final
class UdpListener:
    """UDP sockets, bound: every address once for each worker (SO_REUSEPORT), steered by the
    sender's address so that an exporter's templates stay with one worker."""

    def __new__(
        cls,
        addresses: Sequence[tuple[str, int]],
        *,
        workers: int = 1,
        buffer_octets: int = 33_554_432,
    ) -> UdpListener:
        """Binds; raises ``ConfigError`` with one line that says which address and why not."""
    @property
    def addresses(self) -> list[tuple[str, int]]:
        """As bound: a port that was given as 0 is known now."""
    @property
    def granted_octets(self) -> int:
        """Of the receive buffer asked for, what the system gave, the least of all sockets."""
    def stop(self) -> None:
        """Wakes every worker that waits in ``Collector.listen``. May be called from a signal."""

@final
class Collector:
    """Flow exports to flows: one worker's decoder, its templates and its memory of exporters.

    Octets come by ``listen``, ``read``, ``datagram`` or ``stream``; rows pile up until ``take``. One
    thread at a time uses a collector, but for ``ledger``, ``exporters``, ``templates`` and ``stop``, which
    any thread may call and which wait for no more than one slice of work.
    """

    def __new__(
        cls,
        *,
        template_lifetime_s: int = 1800,
        max_exporters: int = 65_536,
        max_templates: int = 4_096,
        max_fields: int = 1_024,
        parked_octets: int = 16_777_216,
        parked_s: int = 600,
        rows: int = 65_536,
        default_sampling: float | None = None,
        sampling: Sequence[tuple[str, float]] = ...,
        ignore_source_port: bool = False,
        tunnel: Literal["inner", "outer"] = "inner",
        enterprise: int = 32473,
        keep_bad: str | None = None,
        keep_bad_octets: int = 67_108_864,
    ) -> Collector: ...
    def listen(self, listener: UdpListener, worker: int, timeout_ms: int) -> bool:
        """Takes datagrams until rows enough for a batch wait or the time is over; whether any came."""
    def read(self, source: str) -> bool:
        """Reads on in a capture or an IPFIX file (opened at the first call) until rows enough for a
        batch wait; false at its end. Raises ``ConfigError`` if it cannot be opened and ``DecodeError``
        where it cannot be read on."""
    def datagram(self, octets: bytes, addr: str, port: int, time_ns: int) -> None:
        """Takes one datagram, as received at ``time_ns`` from that address."""
    def open_stream(self, addr: str, port: int, time_ns: int) -> int:
        """A TCP session begins; its number."""
    def stream(self, session: int, octets: bytes, time_ns: int) -> None:
        """Takes what came by a session. Raises ``DecodeError`` where its octets are no messages: the
        session is to be closed."""
    def close_stream(self, session: int, time_ns: int) -> None:
        """The session is over; its templates are forgotten. Raises ``DecodeError`` if it ended within
        a message."""
    def tick(self, now_ns: int) -> None:
        """Time has come to ``now_ns``: templates age, parked sets are given up."""
    @property
    def waiting(self) -> int:
        """Rows that ``take`` would give out."""
    @property
    def is_full(self) -> bool:
        """Whether it is time to ``take``: so many rows wait, or they hold so much."""
    @property
    def clock_ns(self) -> int:
        """The latest receive time seen; a capture's is that of its packets."""
    def take(self) -> list[tuple[str, Batch]]:
        """All rows that wait, as batches: kind (``flows``, ``options``, ``interface_counters``,
        ``drops``) and rows. What was counted so far is then all in batches given out."""
    def saved_templates(self) -> bytes | None:
        """Templates and sampling rates to keep over a restart; ``None`` if unchanged since asked last."""
    def saved_sequences(self) -> bytes:
        """Where every exporter's sequence stands after the rows given out by the last ``take``."""
    def restore(self, templates: bytes | None, sequences: bytes | None, now_ns: int) -> None:
        """Takes up what was saved. Raises ``DecodeError`` if the octets are damaged."""
    def ledger(self) -> list[LedgerRow]:
        """Stages ``socket`` (datagrams in; lost: dropped by the kernel), ``message`` (datagrams in, out;
        noted: partly used, parked; lost: refused, by reason), ``decode`` (records in, out as flows,
        lost by reason; noted: options records, counter samples, templates by what became of them),
        ``network`` (lost, by protocol, in its own unit: missing by sequence numbers)."""
    def exporters(self) -> list[ExporterRow]: ...
    def templates(self) -> list[TemplateRow]: ...
    @staticmethod
    def empty_batch(kind: str) -> Batch:
        """No rows, all columns of that kind of batch."""

@type_check_only
class ExporterRow(TypedDict):
    addr: str
    port: int
    transport: Literal["udp", "tcp", "file"]
    protocol: str
    """``netflow5``, ``netflow9``, ``ipfix``, ``sflow``."""
    domain: int
    """Observation domain, source id, engine type and id, or sub-agent."""
    first_ns: int
    last_ns: int
    datagrams: int
    octets: int
    records: int
    """Flow records, or samples."""
    other_records: int
    """Options records and counter samples."""
    templates: int
    missing: int
    """Units that the sequence numbers say were lost on the way."""
    missing_unit: Literal["records", "packets", "datagrams"]
    missing_samples: int
    duplicates: int
    reordered: int
    restarts: int
    parked: int
    """Data sets that wait for their template now."""
    refused: dict[str, int]
    """Datagrams refused or used in part, by reason."""
    sampling_rate: float
    """Of the last flow; 0 if unknown."""
    sampling_origin: str
    clock_skew_ms: int
    """Receive time less export time, the least of the last minutes."""
    clock: Literal["", "sound", "off", "unset"]
    """What its clock is good for: ``off`` by more than a minute, ``unset`` by more than a day."""
    exported_records: int | None
    """What the exporter says that it has exported (element 42), if it does."""

@type_check_only
class TemplateRow(TypedDict):
    addr: str
    port: int
    protocol: str
    domain: int
    id: int
    options: bool
    fields: list[str]
    """``name:length`` or ``pen/id:length``; variable length as ``v``."""
    seen_ns: int

@final
class Messages:
    """Encoded messages, end to end; ``bytes()`` gives their octets."""

    @property
    def count(self) -> int: ...
    @property
    def octets(self) -> int: ...
    @property
    def records(self) -> int:
        """Data records of flows in them."""
    def records_behind(self, octets: int) -> int:
        """Flow records in the messages that are not whole within the first so many octets."""
    def __bytes__(self) -> bytes: ...

@final
class IpfixEncoder:
    """Batches of flows to IPFIX messages (RFC 7011); remembers what templates it has sent."""

    def __new__(
        cls,
        *,
        observation_domain: int = 1,
        message_octets: int = 1_392,
        times: Literal["ns", "us", "ms"] = "ns",
        enterprise: int = 32473,
        pad: bool = False,
        compat: Literal["ipfixprobe"] | None = None,
        refresh_s: int | None = ...,
        refresh_messages: int | None = ...,
        direction: int = 0,
        interfaces: Sequence[tuple[int, str, str]] = ...,
    ) -> IpfixEncoder: ...
    def encode(self, batch: Batch, now_ns: int) -> Messages: ...
    def tick(self, now_ns: int) -> Messages:
        """Templates and statistics that have become due."""
    def finish(self, now_ns: int) -> Messages:
        """What is said at the end: statistics of all that was exported."""
    def set_message_octets(self, octets: int) -> None:
        """Messages are no longer than this from now on."""
    def restart(self) -> None:
        """A new session: sequence numbers begin at 0, all templates go again before data."""
    def lost(self, records: int, now_ns: int) -> None:
        """So many records did not leave; the reliability statistics say so."""
    def counts(self) -> EncoderCounts: ...

@type_check_only
class EncoderCounts(TypedDict):
    messages: int
    octets: int
    records: int
    options_records: int
    templates: int
    too_long: int
    """Records that no message can hold."""
    too_many_templates: int
    """Records that would have needed one template too many."""

@final
class UdpSender:
    """A connected UDP socket."""

    def __new__(cls, host: str, port: int, *, source: str | None = None) -> UdpSender:
        """Raises ``ConfigError`` if the address cannot be."""
    @property
    def path_mtu(self) -> int | None:
        """Octets of an IP packet that the path takes, as far as the system knows."""
    def send(self, messages: Messages) -> SentCounts: ...

@type_check_only
class SentCounts(TypedDict):
    datagrams: int
    octets: int
    refused: int
    """Answers of the network that some datagram, of this call or before, did not arrive."""
    lost: int
    """Datagrams that the system did not take."""
    lost_records: int
    error: str
    """The last reason; empty if there was none."""

@final
class Traffic:
    """Exporters that are made up: always the same datagrams for the same settings.

    The settings are those of ``penstock_traffic::Settings``, by the same names. One that cannot be
    raises :class:`penstock.errors.ConfigError`.
    """

    def __new__(
        cls,
        *,
        seed: int = 1,
        exporters: int = 1,
        protocols: Sequence[str] = ...,
        records: int | None = None,
        records_per_datagram: int = 0,
        message_octets: int = 1420,
        flows: int = 16_384,
        ipv6: float = 0.25,
        flows_per_second: float = 1_000.0,
        start_time_ns: int = 1_767_225_600_000_000_000,
        sampling: Sequence[int] = ...,
        sampling_said: Sequence[str] = ...,
        template_every: int = 200,
        template_late: int = 0,
        template_lost: float = 0.0,
        template_change_every: int = 0,
        more_templates: int = 0,
        clock_skew_s: Sequence[int] = ...,
        loss: float = 0.0,
        reorder: float = 0.0,
        duplicate: float = 0.0,
        hostile: float = 0.0,
        restart_every: int = 0,
        counters_every_s: int = 30,
        prebuilt: int = 0,
    ) -> Traffic: ...
    def play(self, sender: UdpFanout, max_datagrams: int, *, records: int | None = None) -> int:
        """Makes and sends up to so many datagrams, and says how many; 0 at the end.

        Also stops, sooner, once so many flow records were made since the beginning.
        """
    def write_capture(self, path: str, max_datagrams: int) -> int:
        """Writes them to a capture instead. The first call for a path makes the file anew."""
    @property
    def records(self) -> int:
        """Flow records made so far."""
    @property
    def time_ns(self) -> int:
        """Simulated time."""
    def truth(self) -> list[Truth]:
        """What was made and what became of it, an entry an exporter."""

@final
class UdpFanout:
    """Sockets to send by: exporter ``i`` has the target ``i % len(targets)``.

    With ``sources``, each exporter sends to a target on loopback from an address of its own,
    127.16.0.1 and those that follow.
    """

    def __new__(cls, targets: Sequence[tuple[str, int]], sources: bool) -> UdpFanout: ...
    def counts(self) -> SendCounts:
        """What came of it so far."""

@type_check_only
class SendCounts(TypedDict):
    datagrams: int
    """That the kernel took."""
    octets: int
    refused: int
    """Answers that a datagram did not arrive; at least so many were lost."""
    too_big: int
    failed: int
    last_error: str | None

@type_check_only
class TrafficSums(TypedDict):
    records: int
    octets: int
    packets: int

@type_check_only
class TrafficArrivals(TypedDict):
    made: int
    sent: int

@type_check_only
class TrafficDatagrams(TypedDict):
    made: int
    lost: int
    duplicated: int
    hostile: int
    sent: int
    """``made - lost + duplicated + hostile``"""
    reordered: int
    octets: int

@type_check_only
class Truth(TypedDict):
    """What ``penstock_traffic::Truth`` says of one exporter."""

    exporter: int
    protocol: str
    address: str
    """sFlow's agent address, and the source in captures."""
    source: str
    """Where it sends from if each exporter has an address of its own on loopback."""
    domain: int
    sampling: int
    sequence: int
    restarts: int
    datagrams: TrafficDatagrams
    made: TrafficSums
    lost: TrafficSums
    sent: TrafficSums
    duplicated: TrafficSums
    before_template: TrafficSums
    under_other_template: TrafficSums
    templates: TrafficArrivals
    options: TrafficArrivals
    counter_samples: TrafficArrivals
