# SPDX-License-Identifier: Apache-2.0
"""``penstock probe``: packets in, flows out."""

from __future__ import annotations

import sys
import time
from pathlib import Path  # noqa: TC003 -- typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from penstock import _core
from penstock.cli.outcome import is_said, status, tell_errors, write_ledger
from penstock.cli.progress import Bar
from penstock.config import check, load, shorthand
from penstock.errors import ConfigError
from penstock.sinks import order

if TYPE_CHECKING:
    from penstock.config.model import Graph
    from penstock.pipeline.supervise import Outcome


def probe(
    context: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE",
            help="Captures, read one after another as one stream; '-' is standard input.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(metavar="SINK", help="Where flows go; may be repeated. [default: text:]"),
    ] = None,
    plugin: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME?OPT=V", help="Look into flows with this; may be repeated."),
    ] = None,
    filter_: Annotated[
        str | None,
        typer.Option("--filter", metavar="EXPR", help="Meter only what matches: pcap-filter(7)."),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="The columns to give out, in this order.")
    ] = None,
    active_timeout: Annotated[
        str | None, typer.Option(metavar="TIME", help="Cut flows this long. [default: 5m]")
    ] = None,
    idle_timeout: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="End flows silent for this long. [default: 30s]"),
    ] = None,
    uniflow: Annotated[
        bool, typer.Option("--uniflow", help="A record for each direction of a flow.")
    ] = False,
    key: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="The columns that make packets one flow.")
    ] = None,
    tunnel: Annotated[
        str | None,
        typer.Option(metavar="inner|outer", help="Which packet of a tunnel. [default: inner]"),
    ] = None,
    max_flows: Annotated[
        int | None, typer.Option(metavar="N", help="Flows held at a time. [default: 1000000]")
    ] = None,
    count: Annotated[
        int | None, typer.Option(metavar="N", help="Stop after this many packets.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(metavar="N", help="Threads that meter. [default: 1]")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Do what this TOML or YAML file says.")
    ] = None,
    show_config: Annotated[
        bool, typer.Option("--show-config", help="Print what would be done, as TOML; do nothing.")
    ] = False,
    ledger: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write what every stage counted, as JSON; '-' allowed."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No summary, no bar.")] = False,
) -> int:
    """\b
    Examples:
      penstock probe capture.pcapng                         a table of flows, then a summary
      penstock probe capture.pcapng --to json:              one JSON object a flow
      penstock probe monday.pcap.gz tuesday.pcap.zst        two files as one stream
      penstock probe big.pcap --to parquet:flows/ --plugin pstats --threads 2
      penstock probe big.pcap --to csv:web.csv --filter 'tcp port 443' --columns src_addr,octets
      penstock probe big.pcap --to 'json:flows.jsonl?biflow=split' --to 'parquet:flows/?rotate=1h'
      tcpdump -w - | penstock probe -                       whatever arrives on standard input
      penstock probe big.pcap --idle-timeout 10s --show-config > probe.toml
      penstock probe --config probe.toml

    Meters captures into flows and hands these to one or more sinks. Ctrl-C ends the reading; what
    was metered so far is exported.
    """
    said = shorthand.Shorthand(
        sources=sources or (),
        plugins=plugin or (),
        sinks=to or ("text:",),
        columns=columns,
        filter=filter_,
        count=count,
        key=None if key is None else key.split(","),
        uniflow=uniflow or None,
        active_timeout=active_timeout,
        idle_timeout=idle_timeout,
        max_flows=max_flows,
        tunnel=tunnel,
        threads=threads,
    )
    graph = _graph(context, config, said)
    if show_config:
        print(load.dump(graph), end="")
        return 0
    return _run(graph, ledger, quiet=quiet)


def _graph(context: typer.Context, config: Path | None, said: shorthand.Shorthand) -> Graph:
    if config is None:
        if not said.sources:
            raise ConfigError("no source is named; try: penstock probe capture.pcapng")
        return said.graph()
    beside = [name for name in ONLY_WITHOUT_CONFIG if is_said(context, name)]
    if beside:
        option = "--" + beside[0].rstrip("_").replace("_", "-")
        raise ConfigError(f"{option} cannot stand beside --config, which says the whole graph")
    graph = load.load(config)
    tables = graph.model_dump(exclude_none=True)
    if said.threads is not None:
        tables["threads"] = said.threads
    if said.sources:
        if len(graph.observation_points) != 1:
            raise ConfigError("sources cannot be named beside a --config of several points")
        tables["observation_points"][0]["sources"] = list(said.sources)
    return check.graph(tables)


def _run(graph: Graph, ledger: str | None, *, quiet: bool) -> int:
    from penstock.pipeline.supervise import run  # noqa: PLC0415 -- not needed to show a config

    to_terminal = sys.stdout.isatty() and any(order(e.sink).to_stdout for e in graph.exporters)
    with Bar(wanted=not (quiet or to_terminal)) as bar:
        outcome = run(graph, bar.update)
    if _core.DEBUG_BUILD and not quiet:
        print("penstock: this is a debug build, many times slower than make build", file=sys.stderr)
    if not quiet and not outcome.readers_gone:
        _tell(outcome)
    tell_errors(outcome)
    if ledger is not None:
        write_ledger(outcome, ledger)
    return status(outcome)


def _tell(outcome: Outcome) -> None:
    from penstock.pipeline.summary import summary  # noqa: PLC0415

    if outcome.interrupted:
        print("interrupted: what was metered so far has been exported", file=sys.stderr)
    text = summary(outcome.ledger, outcome.reading_s, time.perf_counter() - STARTED)
    print("\n" + text, end="", file=sys.stderr)


ONLY_WITHOUT_CONFIG = (
    "to",
    "plugin",
    "filter_",
    "columns",
    "active_timeout",
    "idle_timeout",
    "uniflow",
    "key",
    "tunnel",
    "max_flows",
    "count",
)
"""Options that say a part of the graph."""

STARTED = time.perf_counter() - time.process_time()
"""When the process began, as near as can be told: importing has taken its time by now."""
