# SPDX-License-Identifier: Apache-2.0
"""A batch of flows, and the ways out of it into other libraries' tables.

The rows stay where the native half put them; every ``to_*`` shares them where the other library
allows it. Nothing here loops over rows but :meth:`FlowBatch.rows`, which is for people and tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from penstock import _core
from penstock.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    import polars as pl
    import pyarrow as pa

Addresses = Literal["text", "binary"]
"""How IP and MAC addresses are given: as people write them, or as 16 and 6 octets."""

Kind = Literal["flows", "options", "interface_counters", "drops"]
"""What the rows of a batch are: flows; what exporters say of themselves (options records);
counters of interfaces; packets that a device reports as dropped."""


class FlowBatch:
    """Flows as one Arrow record batch of the normalised schema (``penstock fields`` lists it).

    Anything that reads the Arrow C data interface takes it as it is:
    ``pyarrow.record_batch(batch)``, ``polars.DataFrame(batch)``, DuckDB, pandas.
    """

    __slots__ = ("_kind", "_native")

    def __init__(self, native: _core.Batch, kind: Kind = "flows") -> None:
        self._native = native
        self._kind: Kind = kind

    @classmethod
    def from_arrow(cls, data: object) -> FlowBatch:
        """A batch from anything with ``__arrow_c_array__``, a :class:`pyarrow.RecordBatch` say."""
        return cls(_core.Batch.from_arrow(data))

    @property
    def kind(self) -> Kind:
        """What its rows are; all but ``flows`` have columns of their own."""
        return self._kind

    @property
    def native(self) -> _core.Batch:
        """The native half's own object, for its encoders."""
        return self._native

    @property
    def column_names(self) -> list[str]:
        """The columns that this batch has, in the schema's order."""
        return self._native.column_names

    @property
    def nbytes(self) -> int:
        """Octets of memory that the columns take."""
        return self._native.nbytes

    def select(self, columns: Sequence[str]) -> FlowBatch:
        """The named columns, in that order.

        Raises:
            KeyError: the batch has no such column.
        """
        return FlowBatch(self._native.select(columns), self._kind)

    def split_biflows(self) -> FlowBatch:
        """The same flows with a row for each direction that was seen."""
        return FlowBatch(self._native.split_biflows())

    def to_arrow(self, *, addresses: Addresses = "text") -> pa.RecordBatch:
        """A :class:`pyarrow.RecordBatch`."""
        import pyarrow as pa  # noqa: PLC0415 -- heavy, and only some need it

        return pa.record_batch(self._shown(addresses))

    def to_pandas(self, *, addresses: Addresses = "text") -> pd.DataFrame:
        """A :class:`pandas.DataFrame`; needs ``pip install 'penstock[pandas]'``."""
        return self.to_arrow(addresses=addresses).to_pandas()

    def to_polars(self, *, addresses: Addresses = "text") -> pl.DataFrame:
        """A :class:`polars.DataFrame`; needs ``pip install 'penstock[polars]'``."""
        import polars as pl  # noqa: PLC0415 -- an extra

        return pl.DataFrame(pl.from_arrow(plain_storage(self.to_arrow(addresses=addresses))))

    def rows(self, *, addresses: Addresses = "text") -> Iterator[dict[str, Any]]:
        """A dict a flow, without the columns that are null in it.

        Times and durations are whole nanoseconds (since 1970 in UTC), because Python's own
        ``datetime`` ends at microseconds.
        """
        arrow = self.to_arrow(addresses=addresses)
        whole = arrow.cast(_with_integer_times(arrow.schema))
        for row in whole.to_pylist():
            yield {name: value for name, value in row.items() if value is not None}

    def __len__(self) -> int:
        return self._native.num_rows

    def __repr__(self) -> str:
        return f"<FlowBatch: {len(self)} {self._kind}, {len(self.column_names)} columns>"

    def __arrow_c_schema__(self) -> object:
        return self._native.__arrow_c_schema__()

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        return self._native.__arrow_c_array__(requested_schema)

    def _shown(self, addresses: Addresses) -> _core.Batch:
        if addresses not in get_args(Addresses):
            raise ConfigError(f"addresses: {addresses!r} is not known; allowed: text, binary")
        if addresses == "binary":
            return self._native
        return self._native.with_text_addresses()


def plain_storage(arrow: Any) -> Any:
    """The same Arrow batch or table without field metadata.

    Polars warns of extension types that it does not know; the octets are what is wanted.
    """
    import pyarrow as pa  # noqa: PLC0415

    return arrow.cast(pa.schema([field.remove_metadata() for field in arrow.schema]))


def _with_integer_times(schema: pa.Schema) -> pa.Schema:
    """The schema with every time and duration, however deep in lists, a whole number."""
    import pyarrow as pa  # noqa: PLC0415

    return pa.schema([field.with_type(_integer_times(field.type)) for field in schema])


def _integer_times(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        return pa.int64()
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_integer_times(kind.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([f.with_type(_integer_times(f.type)) for f in kind.fields])
    return kind
