# SPDX-License-Identifier: Apache-2.0
"""``penstock collect``: flow exports in, flows out."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path  # noqa: TC003 -- typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from penstock import _core
from penstock.cli.outcome import is_said, status, tell_errors, write_ledger
from penstock.config import check, load, shorthand
from penstock.errors import ConfigError

if TYPE_CHECKING:
    from penstock.config.model import Graph


def collect(
    context: typer.Context,
    listen: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URI",
            help="udp://HOST:PORT, tcp://HOST:PORT or a UDP port; may be repeated. "
            "[default: UDP 2055, 4739, 6343 and TCP 4739]",
        ),
    ] = None,
    from_: Annotated[
        list[str] | None,
        typer.Option(
            "--from", metavar="FILE", help="Read this capture or IPFIX file; may be repeated."
        ),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(metavar="SINK", help="Where flows go; may be repeated. [default: text:]"),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="The columns to give out, in this order.")
    ] = None,
    sampling: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDR=N", help="This exporter samples 1 in N; may be repeated."),
    ] = None,
    default_sampling: Annotated[
        str | None, typer.Option(metavar="N", help="So does one that does not say.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Threads that receive by UDP. [default: 1]")
    ] = None,
    buffer: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Receive buffer of a socket. [default: 32MiB]"),
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Keep templates and sequence numbers over a restart."),
    ] = None,
    keep_bad: Annotated[
        str | None, typer.Option(metavar="FILE", help="Keep bad datagrams in this capture.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Serve Prometheus metrics there.")
    ] = None,
    metrics_names: Annotated[
        str | None,
        typer.Option(metavar="penstock|goflow", help="Whose names these have. [default: penstock]"),
    ] = None,
    socket: Annotated[
        str | None, typer.Option(metavar="PATH", help="Where `penstock exporters` asks.")
    ] = None,
    for_: Annotated[
        str | None,
        typer.Option("--for", "--duration", metavar="TIME", help="Stop after this long."),
    ] = None,
    count: Annotated[
        int | None, typer.Option(metavar="N", help="Stop once this many flows have come.")
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
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No summary, no notices.")] = False,
) -> int:
    """\b
    Examples:
      penstock collect                                      all usual ports, a table of flows
      penstock collect --to parquet:flows/ --state state/   files, and nothing forgotten at a restart
      penstock collect --listen 9995 --to json: | jq .      NetFlow on another port
      penstock collect --listen tcp://[::1]:4739            IPFIX by TCP
      penstock collect --from routers.pcap --to json:       exporters' traffic from a capture
      penstock collect --from probe.ipfix --to csv:         an IPFIX file
      penstock collect --sampling 192.0.2.1=1000            the rate of an exporter that is silent of it
      penstock collect --to 'ipfix+tcp://192.0.2.9:4739' --metrics :9090

    Receives NetFlow v5 and v9, IPFIX and sFlow on any of its ports, and hands the flows to one or more
    sinks. Ctrl-C ends the reception; what was received is exported.
    """
    settings = {
        "default_sampling": default_sampling,
        "workers": workers,
        "buffer": buffer,
        "state": state,
        "keep_bad": keep_bad,
        "duration": for_,
        "count": count,
    }
    said = shorthand.CollectShorthand(
        listen=listen or (),
        sources=from_ or (),
        sinks=to or ("text:",),
        columns=columns,
        sampling=rates(sampling or ()),
        settings=settings,
        monitoring={"metrics": metrics, "metrics_names": metrics_names, "socket": socket},
    )
    graph = _graph(context, config, said)
    if show_config:
        print(load.dump(graph), end="")
        return 0
    return _run(graph, ledger, quiet=quiet)


def rates(words: list[str] | tuple[()]) -> dict[str, object]:
    """``192.0.2.1=1000`` as an address and a rate."""
    found: dict[str, object] = {}
    for word in words:
        address, said, rate = word.rpartition("=")
        if not said or not address:
            raise ConfigError(f"--sampling {word!r} is not understood; allowed: ADDR=N")
        found[address.strip("[]")] = rate
    return found


def _graph(context: typer.Context, config: Path | None, said: shorthand.CollectShorthand) -> Graph:
    if config is None:
        return said.graph()
    beside = [name for name in ONLY_WITHOUT_CONFIG if is_said(context, name)]
    if beside:
        option = "--" + beside[0].rstrip("_").replace("_", "-")
        raise ConfigError(f"{option} cannot stand beside --config, which says the whole graph")
    tables = load.load(config).model_dump(exclude_none=True)
    if not tables["collectors"]:
        raise ConfigError(f"{config}: collectors: is missing; needed: where flow exports come in")
    own = {name: said.settings[name] for name in ("workers", "duration", "count")}
    for collector in tables["collectors"]:
        collector.update({name: value for name, value in own.items() if value is not None})
    return check.graph(tables)


def _run(graph: Graph, ledger: str | None, *, quiet: bool) -> int:
    from penstock.pipeline.supervise import run  # noqa: PLC0415 -- not needed to show a config

    logging.basicConfig(
        stream=sys.stderr,
        level=logging.ERROR if quiet else logging.WARNING,
        format="penstock: %(message)s",
    )

    def tell(line: str) -> None:
        if not quiet:
            print(f"penstock: {line}", file=sys.stderr, flush=True)

    outcome = run(graph, tell=tell)
    if _core.DEBUG_BUILD:
        tell("this is a debug build, many times slower than make build")
    if not quiet and not outcome.readers_gone:
        from penstock.pipeline.summary import summary  # noqa: PLC0415

        if outcome.interrupted:
            tell("interrupted: what was received so far has been exported")
        process_s = time.perf_counter() - STARTED
        text = summary(outcome.ledger, outcome.reading_s, process_s, outcome.exporters)
        print("\n" + text, end="", file=sys.stderr)
    tell_errors(outcome)
    if ledger is not None:
        write_ledger(outcome, ledger)
    return status(outcome)


ONLY_WITHOUT_CONFIG = (
    "listen",
    "from_",
    "to",
    "columns",
    "sampling",
    "default_sampling",
    "buffer",
    "state",
    "keep_bad",
    "metrics",
    "metrics_names",
    "socket",
)
"""Options that say a part of the graph."""

STARTED = time.perf_counter() - time.process_time()
"""When the process began, as near as can be told: importing has taken its time by now."""
