# SPDX-License-Identifier: Apache-2.0
"""Many batches as one table, in other libraries' terms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from penstock import _core
from penstock.batch import Addresses, FlowBatch, plain_storage

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    import polars as pl
    import pyarrow as pa


class Tables(ABC):
    """Something that gives out batches, and can be taken as a table."""

    @abstractmethod
    def __iter__(self) -> Iterator[FlowBatch]:
        """The batches."""

    @abstractmethod
    def _empty(self) -> FlowBatch:
        """No rows, of the kind that a table is of; the columns of one without any."""

    def to_arrow(self, *, addresses: Addresses = "text") -> pa.Table:
        """A :class:`pyarrow.Table` of all flows; without any, its columns are still there.

        It has every column that any batch has; what a batch lacks is null. Where flows are not among
        the kinds that were asked for, it is of the first kind that was.
        """
        import pyarrow as pa  # noqa: PLC0415 -- heavy, and only some need it

        empty = self._empty()
        batches = [
            batch.to_arrow(addresses=addresses) for batch in self if batch.kind == empty.kind
        ]
        if not batches:
            batches = [empty.to_arrow(addresses=addresses)]
        if all(batch.schema.equals(batches[0].schema) for batch in batches):
            return pa.Table.from_batches(batches).unify_dictionaries()
        parts = [pa.Table.from_batches([batch]) for batch in batches]
        whole = pa.concat_tables(parts, promote_options="default").unify_dictionaries()
        order = {row["name"]: place for place, row in enumerate(_core.columns())}
        return whole.select(
            sorted(whole.column_names, key=lambda name: order.get(name, len(order)))
        )

    def to_pandas(self, *, addresses: Addresses = "text") -> pd.DataFrame:
        """A :class:`pandas.DataFrame`; needs ``pip install 'penstock[pandas]'``."""
        return self.to_arrow(addresses=addresses).to_pandas()

    def to_polars(self, *, addresses: Addresses = "text") -> pl.DataFrame:
        """A :class:`polars.DataFrame`; needs ``pip install 'penstock[polars]'``."""
        import polars as pl  # noqa: PLC0415 -- an extra

        return pl.DataFrame(pl.from_arrow(plain_storage(self.to_arrow(addresses=addresses))))

    def rows(self, *, addresses: Addresses = "text") -> Iterator[dict[str, object]]:
        """A dict a row; see :meth:`FlowBatch.rows`."""
        for batch in self:
            yield from batch.rows(addresses=addresses)
