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
    unit: Literal["packets", "flows"]
    count: int
