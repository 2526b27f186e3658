# SPDX-License-Identifier: Apache-2.0
"""The contract that every sink keeps, and the settings that all of them have.

A sink is used from one thread. It does not queue, retry, count or split biflows: the pipeline
does that for all sinks alike, going by what the sink declares of itself here. Encoding is the
native half's; a sink never loops over rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict

from penstock import _core
from penstock.batch import Kind
from penstock.naming import unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from penstock.batch import FlowBatch

ALL_KINDS: frozenset[Kind] = frozenset(get_args(Kind))
"""Kinds of batch there are."""

Delivery = Literal["best effort", "at least once", "exactly once"]
"""What a sink promises about a batch that :meth:`Sink.flush` has answered."""


class BatchId(NamedTuple):
    """Names a batch for as long as anybody may ask for it again."""

    stream: str
    """Where it came from: the cache's name, or the collector's and its worker's."""

    number: int
    """Its place in that stream, from 0."""


class SinkSettings(BaseModel):
    """What can be said of every sink, behind the question mark of its URI."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    biflow: Literal["whole", "split"] = "whole"
    """A row for both directions of a flow, or one for each that was seen."""


def kind_names(value: object) -> object:
    """Checks kinds of batch, given as a list or with commas between; ``all`` is every one.

    Raises:
        ValueError: there is no such kind; a line for each.
    """
    names = [word.strip() for word in value.split(",")] if isinstance(value, str) else value
    if isinstance(names, (list, tuple)):
        if "all" in names:
            return tuple(get_args(Kind))
        known = get_args(Kind)
        wrong = [unknown("kind", str(name), known) for name in names if name not in known]
        if wrong:
            raise ValueError("\n".join(wrong))
        return tuple(names)
    return value


Kinds = Annotated[tuple[Kind, ...], BeforeValidator(kind_names)]
"""Kinds of batch; ``flows,options`` in a URI."""


class SinkOfKindsSettings(SinkSettings):
    """What can be said of a sink that takes more than flows."""

    kinds: Kinds = ("flows",)
    """Which kinds of batch it takes: `flows`, `options`, `interface_counters`, `drops`, or `all`."""


class Sink(ABC):
    """Somewhere that batches end up."""

    kinds: ClassVar[frozenset[Kind]] = frozenset({"flows"})
    """Kinds of batch it can take."""

    delivery: ClassVar[Delivery] = "best effort"
    """What it promises."""

    blocks: ClassVar[bool] = False
    """Whether a full queue in front of it makes the reader wait, even of a live source."""

    def __init__(self, uri: str, settings: SinkSettings, place: str) -> None:
        self.uri = uri
        """As the operator named it, for messages."""
        self.biflow = settings.biflow
        """Whether the pipeline splits biflows before they come here."""
        self.place = place
        """The file, folder or address; empty for standard output."""
        self.takes: frozenset[Kind] = (
            frozenset(settings.kinds)
            if isinstance(settings, SinkOfKindsSettings)
            else frozenset({"flows"})
        )
        """Kinds of batch that it is given."""
        self.live = False
        """Whether batches come as things happen; the pipeline says so before :meth:`open`."""

    def open(self, columns: Sequence[str]) -> None:  # noqa: B027 -- not all need it
        """Acquire what :meth:`write` needs. Called once, before any batch.

        Args:
            columns: the columns that the batches of flows will have; of a collector, those that all
                of them have.

        Raises:
            SinkError: the destination cannot be written to.
        """

    @abstractmethod
    def write(self, batch_id: BatchId, batch: FlowBatch) -> None:
        """Take one batch.

        Raises:
            SinkError: it was not taken; where ``retry`` is set it is offered again, whole.
            SinkClosed: the destination wants no more, which is nobody's fault.
        """

    def tick(self, now_ns: int) -> None:  # noqa: B027 -- not all need it
        """Time has come to ``now_ns``, with or without traffic: rotate, refresh, retry.

        Args:
            now_ns: nanoseconds since 1970: the clock's of a live source, else the packets'.
        """

    def wants_flush(self) -> bool:
        """Whether what is held back is to be pushed out now, since a file is old or large enough.

        Asked between batches of a live source. Where the source remembers over a restart how far it
        came, the flush happens once all its workers are at a point that they can go on from.
        """
        return False

    def safe(self) -> Collection[BatchId]:
        """The batches that became safe since this or :meth:`flush` was last asked; pushes nothing.

        Asked after every batch, so that what is remembered of an endless input stays little.
        """
        return ()

    @abstractmethod
    def flush(self) -> Collection[BatchId]:
        """Push out what is held back; the batches that became safe at the destination by now.

        Each batch is answered once, here or by :meth:`safe`.
        """

    def lost(self) -> Mapping[str, int]:
        """Rows of batches answered as safe that did not leave all the same, by reason.

        Those that were found since this was last asked: one record too long for a message, say,
        does not make its batch fail.
        """
        return {}

    def close(self) -> None:  # noqa: B027 -- not all need it
        """Let go of what :meth:`open` acquired. Called once, even after errors."""


class SinkClosed(Exception):  # noqa: N818 -- not an error: ``| head`` has seen enough
    """The reader at the other end has gone."""


def column_names(value: object) -> object:
    """Checks names of columns, given as a list or with commas between.

    Raises:
        ValueError: there is no such column; a line for each.
    """
    names = [word.strip() for word in value.split(",")] if isinstance(value, str) else value
    if isinstance(names, (list, tuple)):
        known = [row["name"] for row in _core.columns()]
        wrong = [unknown("column", str(name), known) for name in names if name not in known]
        if wrong:
            raise ValueError("\n".join(wrong))
        if not names:
            raise ValueError("no column is named; leave the option out for all")
        return tuple(names)
    return value


Columns = Annotated[tuple[str, ...], BeforeValidator(column_names)]
"""Column names in the order that is wanted; ``a,b,c`` in a URI."""
