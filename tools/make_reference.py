#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes docs/reference from the code, or with ``--check`` says which page is out of date.

Run by ``make docs``. Pages are made from the same tables and docstrings that the program uses, and
a test fails when one was forgotten; edit those, never the pages.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

from penstock import _core
from penstock.cli.fields import numbered
from penstock.config import model
from penstock.metrics.catalogue import GOFLOW, METRICS
from penstock.sinks import SINKS, settings_class, sink_class

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

PAGES = Path(__file__).parents[1] / "docs" / "reference"

NOTE = "<!-- Made by `make docs` from the code; edit that instead. -->\n"

PARTS = {
    "": model.Graph,
    "observation_points": model.ObservationPoint,
    "selectors": model.Selector,
    "caches": model.Cache,
    "caches.plugins": model.PluginUse,
    "collectors": model.Collector,
    "exporters": model.Exporter,
    "monitoring": model.Monitoring,
}

TABLES = ("monitoring",)
"""Parts of which there is one."""

COMMANDS = ("", "probe", "collect", "exporters", "send", "plugins", "fields")
"""Every command, the program itself first."""

EXAMPLE = """\
```toml
[[observation_points]]
name = "edge"
sources = ["monday.pcap", "tuesday.pcap.zst"]

[[selectors]]
name = "web"
filter = "tcp port 443"

[[caches]]
name = "web-flows"
selector = "web"
idle_timeout = "10s"
plugins = ["pstats?includezeroes=true", "community_id"]

[[exporters]]
name = "files"
sink = "parquet:flows/?rotate=1h"
```
"""


def pages() -> dict[str, str]:
    """Every page by its file name."""
    return {
        "cli.md": cli(),
        "columns.md": columns(),
        "configuration.md": configuration(),
        "metrics.md": metrics(),
        "plugins.md": plugins(),
        "sinks.md": sinks(),
    }


def configuration() -> str:
    """The configuration graph."""
    text = [
        "# Configuration\n",
        NOTE,
        "`penstock probe --config FILE` and `penstock collect --config FILE` do what a TOML or YAML file "
        "says: a graph of named parts, after RFC 6728. A command line is short for a graph with one part of each kind, and "
        "`--show-config` prints that graph.\n",
        EXAMPLE,
        "A mistake is told with file, dotted path and what is allowed there, and all mistakes at once.\n",
    ]
    for path, part in PARTS.items():
        brackets = f"[{path}]" if path in TABLES else f"[[{path}]]"
        title = f"`{brackets}`" if path else "The file"
        text.append(f"## {title}\n\n{_paragraph(part)}\n\n{settings(part)}")
    return "\n".join(text)


def cli() -> str:
    """What --help says, word for word."""
    text = ["# Command line\n", NOTE]
    for command in COMMANDS:
        words = f"penstock {command}".strip()
        text.append(f"## `{words}`\n\n```\n{help_page(command.split())}```\n")
    text.append(
        "## Exit status\n\n"
        "| status | meaning |\n|---|---|\n"
        "| 0 | done; also when interrupted once, or when the reader of the output left early |\n"
        "| 1 | the input was cut or broken, or a destination failed; what could be exported was |\n"
        "| 2 | the command line or configuration asks for something that cannot be |\n"
        "| 130 | interrupted twice: ended at once, what was not exported is lost |\n"
    )
    return "\n".join(text)


def help_page(command: list[str]) -> str:
    """The help of one command, for a terminal of 100 columns."""
    done = subprocess.run(
        [sys.executable, "-m", "penstock", *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1", "PATH": ""},
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines()) + "\n"


def sinks() -> str:
    """Every sink."""
    text = [
        "# Sinks\n",
        NOTE,
        "Where flows go is a URI: `--to json:flows.jsonl?biflow=split`. `--to` may be repeated; every "
        "sink has a queue of its own. Without a path, or with `-`, a sink that takes a path writes to "
        "standard output.\n",
    ]
    for name, entry in SINKS.items():
        sink, options = sink_class(name), settings_class(name)
        text.append(
            f"## `{name}:{entry.place}`\n\n{entry.summary}. {_paragraph(sink)}\n\n"
            f"Takes {', '.join(sorted(sink.kinds))}; delivery: {sink.delivery}; "
            f"{WHEN_FULL[sink.blocks]}.\n\n{settings(options)}"
        )
    return "\n".join(text)


def metrics() -> str:
    """Every metric."""
    text = [
        "# Metrics\n",
        NOTE,
        "`penstock collect --metrics HOST:PORT` serves them at `/metrics` for Prometheus. Beside it: "
        "`/healthz` (200, or 503 once a part of the run has failed), `/exporters`, `/templates` and `/ledger` "
        "as JSON. The same pages are on the collector's unix socket, for its owner.\n",
    ]
    for title, table in (("", METRICS), ("With `--metrics-names goflow`", GOFLOW)):
        if title:
            text.append(f"\n## {title}\n")
        text.append("| metric | type | labels | meaning |\n|---|---|---|---|")
        for row in table:
            labels = ", ".join(f"`{label}`" for label in row.labels) or "–"
            text.append(f"| `{row.name}` | {row.type} | {labels} | {_cell(row.help)} |")
    return "\n".join(text) + "\n"


def plugins() -> str:
    """Every plugin."""
    text = ["# Plugins\n", NOTE, "Plugins look into flows: `--plugin NAME?OPTION=VALUE`.\n"]
    known = {row["name"]: row for row in _core.columns()}
    for plugin in _core.plugins():
        text.append(f"## `{plugin['name']}`\n\n{plugin['summary']}. {plugin['reference']}\n")
        text.append("| column | type | information elements | meaning |\n|---|---|---|---|")
        for name in plugin["columns"]:
            row = known[name]
            elements = ", ".join(numbered(row["elements"])) or "–"
            text.append(f"| `{name}` | `{row['type']}` | {elements} | {_cell(row['summary'])} |")
        if plugin["options"]:
            text.append("\n| option | type | default | meaning |\n|---|---|---|---|")
            text += [
                f"| `{o['name']}`{_also(o['alias'])} | {o['type']} | {o['default'] or '–'} | {_cell(o['summary'])} |"
                for o in plugin["options"]
            ]
        text.append(f"\nExample: `{plugin['example']}`\n")
    return "\n".join(text)


def _also(alias: str | None) -> str:
    return f", `{alias}`" if alias else ""


def columns() -> str:
    """Every column."""
    text = [
        "# Columns\n",
        NOTE,
        "A batch carries those columns that its source can fill. A group is null as a whole or set as a "
        "whole. `penstock fields NAME` tells the same.\n",
        "| column | type | group | information elements | meaning |\n|---|---|---|---|---|",
    ]
    for row in _core.columns():
        elements = ", ".join(numbered(row["elements"])) or "–"
        cells = [
            f"`{row['name']}`",
            f"`{row['type']}`",
            row["group"],
            elements,
            _cell(row["summary"]),
        ]
        text.append("| " + " | ".join(cells) + " |")
    return "\n".join(text) + "\n"


def settings(part: type[BaseModel]) -> str:
    """The settings of one class as a table."""
    rows = ["| setting | allowed | default | meaning |", "|---|---|---|---|"]
    for name, setting in part.model_fields.items():
        cells = [
            f"`{name}`",
            _allowed(setting),
            _default(setting),
            _cell(setting.description or ""),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def _allowed(setting: FieldInfo) -> str:
    validators = [getattr(one, "func", None) for one in setting.metadata]
    for function, words in WORDS.items():
        if any(getattr(validator, "__name__", "") == function for validator in validators):
            return words
    text = _type_words(setting.annotation)
    for one in setting.metadata:
        if getattr(one, "ge", None) is not None:
            text += f", {one.ge} or more"
        if getattr(one, "le", None) is not None:
            text += f", {one.le} or less"
    return text


def _type_words(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is list:
        return f"list of {_type_words(inner[0])}"
    if origin is dict:
        return "table"
    if inner and all(isinstance(word, str) for word in inner):
        return ", ".join(f"`{word}`" for word in inner)
    if hasattr(annotation, "__metadata__"):
        names = {
            getattr(getattr(one, "func", None), "__name__", "") for one in annotation.__metadata__
        }
        for function, words in WORDS.items():
            if function in names:
                return words
        return _type_words(annotation.__origin__)
    if inner:
        return " or ".join(_type_words(one) for one in inner if one is not type(None))
    if annotation in TYPES:
        return TYPES[annotation]
    return "table" if hasattr(annotation, "model_fields") else "text"


TYPES = {bool: "true, false", int: "whole number", float: "number", str: "text"}

WORDS = {
    "seconds": "seconds, or such as `90s`, `5m`, `1h`",
    "timeout": "seconds, or such as `90s`, `5m`, `1h`",
    "octets": "octets, or such as `64MiB`, `1GB`",
    "native_is_whole": "`whole`, `native`, `split`",
    "kind_names": "`flows`, `options`, `interface_counters`, `drops`, `all`, with commas between",
    "listen": "`udp://HOST:PORT`, `tcp://HOST:PORT`, a UDP port",
    "address": "`HOST:PORT`, `[IPV6]:PORT`, a port",
    "ip_address": "an IP address",
    "column_names": "names of columns",
    "filter_expression": "a pcap-filter(7) expression",
    "sink": "the URI of a sink",
    "plugin": "name of a plugin",
    "plugin_use": "plugins",
    "key_field": ", ".join(f"`{name}`" for name in _core.key_fields()),
}
"""Checks by the name of their function, and how to say what passes them."""


WHEN_FULL = {
    True: "a full queue makes even a live source wait",
    False: "a full queue makes files wait, and loses what is live, counted",
}
"""By whether the sink makes the reader wait."""


def _default(setting: FieldInfo) -> str:
    if setting.is_required():
        return "needed"
    value = setting.get_default(call_default_factory=True)
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, tuple):
        value = ",".join(value)
    if isinstance(value, bool):
        value = str(value).lower()
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _paragraph(documented: type) -> str:
    return " ".join((documented.__doc__ or "").split("\n\n")[0].split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Writes the pages, or compares them."""
    stale = []
    for name, text in pages().items():
        path = PAGES / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in sys.argv[1:]:
            stale.append(name)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote docs/reference/{name}")
    if stale:
        print(f"out of date, run make docs: {', '.join(stale)}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
