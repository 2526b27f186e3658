# SPDX-License-Identifier: Apache-2.0
"""Penstock: flow monitoring. Packets and flow exports go in, flows come out.

>>> import penstock
>>> penstock.meter("capture.pcapng").to_polars()  # doctest: +SKIP
>>> for batch in penstock.collect(listen="udp://:2055"):  # doctest: +SKIP
...     print(batch)

Names are looked up when they are first used, so that ``import penstock`` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.api import Flows, collect, columns, decode, meter, plugins
    from penstock.batch import FlowBatch
    from penstock.collected import Collected, Decoded, Decoder
    from penstock.errors import (
        ConfigError,
        DecodeError,
        InternalError,
        PenstockError,
        SinkError,
    )
    from penstock.ledger import Ledger

    __version__: str

__all__ = [
    "Collected",
    "ConfigError",
    "DecodeError",
    "Decoded",
    "Decoder",
    "FlowBatch",
    "Flows",
    "InternalError",
    "Ledger",
    "PenstockError",
    "SinkError",
    "__version__",
    "collect",
    "columns",
    "decode",
    "meter",
    "plugins",
]

_HOMES = {
    "Flows": "api",
    "collect": "api",
    "columns": "api",
    "decode": "api",
    "meter": "api",
    "plugins": "api",
    "FlowBatch": "batch",
    "Collected": "collected",
    "Decoded": "collected",
    "Decoder": "collected",
    "Ledger": "ledger",
    "ConfigError": "errors",
    "DecodeError": "errors",
    "InternalError": "errors",
    "PenstockError": "errors",
    "SinkError": "errors",
    "__version__": "_core",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'penstock' has no attribute {name!r}")
    value = getattr(import_module(f"penstock.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
