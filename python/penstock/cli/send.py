# SPDX-License-Identifier: Apache-2.0
"""``penstock send``: flows of exporters that are made up, to a collector or into a capture."""

from __future__ import annotations

import json
import math
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from penstock import _core
from penstock.errors import ConfigError
from penstock.naming import unknown
from penstock.quantity import seconds


def send(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[TARGET]",
            help="A collector: HOST, HOST:PORT or udp://HOST:PORT. Without a port, each protocol "
            "goes to its own: 2055, 4739, 6343.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE.pcap", help="Send nothing; write a capture of it all."),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Of v5, v9, ipfix, sflow. [default: by port, or all]"),
    ] = None,
    exporters: Annotated[
        int | None,
        typer.Option(metavar="N", help="Exporters, in turn of each protocol. [default: one each]"),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(metavar="N", help="Flow records a second, or 'max'. [default: 1k]"),
    ] = None,
    speed: Annotated[
        str | None,
        typer.Option(metavar="Nx", help="How much faster than the clock flows' own time runs."),
    ] = None,
    records: Annotated[
        str | None, typer.Option(metavar="N", help="Stop after so many flow records.")
    ] = None,
    duration: Annotated[
        str | None, typer.Option(metavar="TIME", help="Stop after this long.")
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="Another seed makes other flows.")
    ] = 1,
    flows: Annotated[
        str | None,
        typer.Option(metavar="N", help="Distinct flows to draw from. [default: 16384]"),
    ] = None,
    ipv6: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Records of IPv6. [default: 25%]")
    ] = None,
    sampling: Annotated[
        str | None,
        typer.Option(
            metavar="N,N", help="One packet in N is sampled, say the exporters; 0 says nothing."
        ),
    ] = None,
    sampling_said: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="How, in v9 and IPFIX: usual, interval, sampler, selector, record.",
        ),
    ] = None,
    records_per_datagram: Annotated[
        int | None, typer.Option(metavar="N", help="At most. [default: as many as fit]")
    ] = None,
    message_octets: Annotated[
        int | None, typer.Option(metavar="N", help="Octets of a datagram. [default: 1420]")
    ] = None,
    loss: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Datagrams that are not sent: 1%.")
    ] = None,
    reorder: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Datagrams sent after their next one.")
    ] = None,
    duplicate: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Datagrams that are sent twice.")
    ] = None,
    hostile: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Datagrams that a damaged copy follows.")
    ] = None,
    late_templates: Annotated[
        int | None, typer.Option(metavar="N", help="So many data messages before any template.")
    ] = None,
    lost_templates: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Messages of templates that are not sent.")
    ] = None,
    template_every: Annotated[
        int | None, typer.Option(metavar="N", help="Data messages between them. [default: 200]")
    ] = None,
    change_templates: Annotated[
        int | None, typer.Option(metavar="N", help="Other ones after so many data messages.")
    ] = None,
    more_templates: Annotated[
        int | None, typer.Option(metavar="N", help="Templates that no record has, each exporter.")
    ] = None,
    restart: Annotated[
        int | None, typer.Option(metavar="N", help="Exporters restart after so many messages.")
    ] = None,
    clock_skew: Annotated[
        str | None,
        typer.Option(metavar="TIME,TIME", help="How far exporters' clocks are ahead: 0,90s,-1h."),
    ] = None,
    prebuilt: Annotated[
        int | None,
        typer.Option(metavar="N", help="Make so many messages and send them again and again."),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write what was made and sent, as JSON; '-' allowed."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No summary.")] = False,
) -> int:
    """\b
    Examples:
      penstock send 127.0.0.1                               four exporters, 1000 records a second
      penstock send udp://127.0.0.1:4739 --rate 100k --duration 10s
      penstock send 127.0.0.1 --exporters 100 --sampling 100,1000 --loss 1% --reorder 1%
      penstock send 127.0.0.1:2055 --protocol v9 --late-templates 50 --restart 1000
      penstock send 127.0.0.1 --hostile 0.1% --records 1M --rate max --truth truth.json
      penstock send --to routers.pcap --protocol v5,v9 --records 10k

    Sends what routers would: the same seed, the same octets. What it prints at the end is the
    truth that a collector can be held against.
    """
    collector = None if target is None else Target.read(target)
    protocols = _protocols(protocol, collector)
    pace = Pace.read(rate, speed, records, duration, captured=to is not None)
    settings: dict[str, Any] = {
        "seed": seed,
        "exporters": len(protocols) if exporters is None else exporters,
        "protocols": protocols,
        "records": pace.records,
        "records_per_datagram": records_per_datagram,
        "message_octets": message_octets,
        "flows": None if flows is None else _count(flows, "--flows"),
        "ipv6": _share(ipv6, "--ipv6"),
        "flows_per_second": pace.simulated_rate,
        "start_time_ns": pace.start_time_ns,
        "sampling": None
        if sampling is None
        else [_count(n, "--sampling") for n in _list(sampling)],
        "sampling_said": None if sampling_said is None else _list(sampling_said),
        "template_every": template_every,
        "template_late": late_templates,
        "template_lost": _share(lost_templates, "--lost-templates"),
        "template_change_every": change_templates,
        "more_templates": more_templates,
        "clock_skew_s": None if clock_skew is None else [_skew(skew) for skew in _list(clock_skew)],
        "loss": _share(loss, "--loss"),
        "reorder": _share(reorder, "--reorder"),
        "duplicate": _share(duplicate, "--duplicate"),
        "hostile": _share(hostile, "--hostile"),
        "restart_every": restart,
        "prebuilt": prebuilt,
    }
    traffic = _traffic({name: value for name, value in settings.items() if value is not None})
    if to is not None:
        if collector is not None:
            raise ConfigError("--to writes a capture; it cannot stand beside a target")
        outcome = _capture(traffic, to)
    elif collector is not None:
        outcome = _play(traffic, collector.fanout(protocols), pace)
    else:
        raise ConfigError("no collector is named; try: penstock send 127.0.0.1")
    return _tell(outcome, traffic.truth(), truth, quiet=quiet)


@dataclass(frozen=True, slots=True)
class Target:
    """Where datagrams go."""

    host: str
    port: int | None

    @classmethod
    def read(cls, said: str) -> Target:
        """``HOST``, ``HOST:PORT``, ``[V6]:PORT``, each with ``udp://`` before it or not."""
        scheme, separator, rest = said.rpartition("://")
        parts = HOST_AND_PORT.fullmatch(rest.removesuffix("/"))
        if (separator and scheme != "udp") or parts is None:
            raise ConfigError(f"{said!r} is not understood; allowed: HOST:PORT, udp://HOST:PORT")
        port = None if parts["port"] is None else int(parts["port"])
        if port is not None and not 1 <= port <= 65_535:
            raise ConfigError(f"{said!r}: a port is a number from 1 to 65535")
        return cls(parts["bracketed"] or parts["many"] or parts["host"], port)

    def fanout(self, protocols: list[str]) -> _core.UdpFanout:
        """The sockets to send by, one a protocol."""
        targets = [(self.host, self.port or PORTS[name]) for name in protocols]
        return _core.UdpFanout(targets, sources=True)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast, and how much."""

    rate: float
    """Flow records a second; infinite for as many as can be."""
    simulated_rate: float
    """The same by the exporters' clock."""
    records: int | None
    duration_s: float | None
    start_time_ns: int | None

    @classmethod
    def read(
        cls,
        rate: str | None,
        speed: str | None,
        records: str | None,
        duration: str | None,
        *,
        captured: bool,
    ) -> Pace:
        """From the command line's words."""
        if speed is not None and rate == "max":
            raise ConfigError("--speed needs a --rate that is a number")
        number = math.inf if rate == "max" else float(_count(rate or "1k", "--rate"))
        factor = 1.0 if speed is None else _factor(speed)
        if not number > 0:
            raise ConfigError("--rate 0 is not possible; allowed: such as 1k, 1.5M, max")
        simulated = min(number, NOMINAL_RATE) / factor
        length_s = None if duration is None else _duration(duration, "--duration")
        count = None if records is None else _count(records, "--records")
        if length_s is not None and number < math.inf:
            most = round(number * length_s)
            count = most if count is None else min(count, most)
        if captured:
            if count is None:
                raise ConfigError("a capture has an end; say --records, or --duration and --rate")
            return cls(math.inf, simulated, count, None, None)
        start_ns = time.time_ns()
        if count is not None and number < math.inf:
            # Flows' time runs faster than ours and is to arrive at the same end.
            start_ns -= round((count / simulated - count / number) * 1e9)
        return cls(number, simulated, count, length_s, start_ns)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What sending came to."""

    seconds: float
    counts: _core.SendCounts | None
    """What the sockets counted; none of a capture."""
    interrupted: bool


def _traffic(settings: dict[str, Any]) -> _core.Traffic:
    try:
        return _core.Traffic(**settings)
    except OverflowError as error:
        raise ConfigError("a number on the command line is negative or far too large") from error


def _play(traffic: _core.Traffic, fanout: _core.UdpFanout, pace: Pace) -> Outcome:
    interrupted = False
    started = time.perf_counter()
    try:
        _run(traffic, fanout, pace)
    except KeyboardInterrupt:
        interrupted = True
    elapsed_s = time.perf_counter() - started
    return Outcome(elapsed_s, fanout.counts(), interrupted)


def _run(traffic: _core.Traffic, fanout: _core.UdpFanout, pace: Pace) -> None:
    started = zero = time.perf_counter()
    paced = pace.rate < math.inf
    # With a rate the number of records ends it, unless the machine cannot keep up.
    limit_s = math.inf if pace.duration_s is None else pace.duration_s + paced * MOST_BEHIND_S
    while (now := time.perf_counter()) - started < limit_s:
        due = int((now - zero) * pace.rate) if paced else None
        played = traffic.play(fanout, MOST_DATAGRAMS, records=due)
        if played == 0 and (due is None or traffic.records == pace.records):
            return
        if due is not None:
            # What cannot be kept up with is not caught up with later in one burst.
            late_s = (due - traffic.records) / pace.rate
            zero += max(late_s - MOST_BEHIND_S, 0.0)
            if played < MOST_DATAGRAMS:
                time.sleep(SLICE_S)


def _capture(traffic: _core.Traffic, path: Path) -> Outcome:
    started = time.perf_counter()
    interrupted = False
    try:
        while traffic.write_capture(str(path), MOST_DATAGRAMS):
            pass
    except KeyboardInterrupt:
        interrupted = True
    except OSError as error:
        raise ConfigError(f"--to {path}: {error.strerror or error}") from error
    return Outcome(time.perf_counter() - started, None, interrupted)


def _tell(outcome: Outcome, exporters: list[_core.Truth], place: str | None, *, quiet: bool) -> int:
    if not quiet:
        print(_summary(outcome, exporters), end="", file=sys.stderr)
    if place is not None:
        entries = {
            "seconds": outcome.seconds,
            "sockets": outcome.counts,
            "exporters": exporters,
        }
        text = json.dumps(entries, indent=1) + "\n"
        try:
            if place == "-":
                print(text, end="")
            else:
                Path(place).write_text(text, encoding="utf-8")
        except OSError as error:
            if place == "-":
                raise
            raise ConfigError(f"--truth {place}: {error.strerror}") from error
    unsent = 0 if outcome.counts is None else outcome.counts["failed"] + outcome.counts["too_big"]
    return 1 if unsent else 0


def _summary(outcome: Outcome, exporters: list[_core.Truth]) -> str:
    """A table of the truth by protocol, and what the network had to say."""
    rows: list[tuple[str, ...]] = [HEAD]
    for name in dict.fromkeys(row["protocol"] for row in exporters):
        of = [row for row in exporters if row["protocol"] == name]
        datagrams = {
            kind: sum(row["datagrams"][kind] for row in of)
            for kind in ("sent", "lost", "duplicated", "reordered", "hostile")
        }
        sums = [sum(row["sent"][kind] for row in of) for kind in ("records", "packets", "octets")]
        lost = sum(row["lost"]["records"] for row in of)
        rows.append(
            (name, *(f"{n:,}" for n in (len(of), *datagrams.values(), sums[0], lost, *sums[1:])))
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            row[0].ljust(widths[0]),
            *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)),
        ]
        lines.append("  ".join(cells))
    made = sum(row["made"]["records"] for row in exporters)
    rate = made / outcome.seconds if outcome.seconds > 0 else 0.0
    lines.append(f"{made:,} records made in {outcome.seconds:.3f} s, {rate:,.0f} records/s")
    if outcome.interrupted:
        lines.append("interrupted")
    counts = outcome.counts
    if counts is not None and (counts["refused"] or counts["too_big"] or counts["failed"]):
        lines.append(
            f"of {counts['datagrams']:,} datagrams sent at least {counts['refused']:,} were refused; "
            f"{counts['too_big']:,} were too long and {counts['failed']:,} failed: "
            f"{counts['last_error']}"
        )
    return "\n".join(lines) + "\n"


def _protocols(said: str | None, target: Target | None) -> list[str]:
    if said is None:
        port = None if target is None else target.port
        by_port = [name for name, its_port in PORTS.items() if its_port == port]
        return list(PORTS) if port is None else by_port[-1:] or ["ipfix"]
    names = _list(said)
    for name in names:
        if name not in PORTS:
            raise ConfigError(unknown("protocol", name, PORTS))
    return names


def _list(said: str) -> list[str]:
    return [part.strip() for part in said.split(",")]


def _count(said: str, option: str) -> int:
    parts = COUNT.fullmatch(said.strip())
    if parts is None:
        raise ConfigError(f"{option} {said}: not a number such as 500, 100k, 1.5M")
    return round(float(parts[1]) * MULTIPLES[parts[2].lower()])


def _share(said: str | None, option: str) -> float | None:
    if said is None:
        return None
    number, percent = said.strip().removesuffix("%"), said.strip().endswith("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise ConfigError(f"{option} {said}: not a share such as 1% or 0.01")
    return share


def _factor(said: str) -> float:
    try:
        factor = float(said.strip().lower().removesuffix("x"))
    except ValueError:
        factor = math.nan
    if not 0 < factor < math.inf:
        raise ConfigError(f"--speed {said}: not a factor such as 60x")
    return factor


def _duration(said: str, option: str) -> float:
    try:
        return seconds(said)
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from error


def _skew(said: str) -> int:
    sign = -1 if said.startswith("-") else 1
    return sign * round(_duration(said.lstrip("+-"), "--clock-skew"))


PORTS = {"v5": 2055, "v9": 2055, "ipfix": 4739, "sflow": 6343}
"""Every protocol, and where collectors listen for it."""

HEAD = (
    "protocol",
    "exporters",
    "datagrams",
    "lost",
    "twice",
    "late",
    "damaged",
    "records",
    "lost",
    "packets",
    "octets",
)

HOST_AND_PORT = re.compile(
    r"(?:\[(?P<bracketed>[^\]]+)\]|(?P<many>[^\[\]:/]*:[^\[\]/]*:[^\[\]/]*)|(?P<host>[^\[\]:/]+))"
    r"(?::(?P<port>\d+))?"
)
"""An IPv6 address needs brackets only beside a port."""

COUNT = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([kKmMgG]?)")
MULTIPLES = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}

NOMINAL_RATE = 1e6
"""Records a second by the exporters' clocks when ours is no measure."""

SLICE_S = 0.005
MOST_BEHIND_S = 0.25
MOST_DATAGRAMS = 8_192
"""Datagrams that are made in one go: a few milliseconds."""
