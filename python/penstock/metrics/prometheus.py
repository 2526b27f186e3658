# SPDX-License-Identifier: Apache-2.0
"""A view of a run as Prometheus reads it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from penstock import _core
from penstock.metrics.catalogue import GOFLOW, METRICS, MOST_EXPORTERS, OTHER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client.core import Metric as Family

    from penstock.ledger import Ledger
    from penstock.metrics.catalogue import Metric
    from penstock.metrics.view import View


class Sample(NamedTuple):
    """A value of one metric; series with the same labels are summed up."""

    name: str
    labels: tuple[str, ...]
    value: float


def text(view: View, names: str = "penstock") -> bytes:
    """What ``/metrics`` answers.

    Args:
        view: the run.
        names: ``penstock`` or ``goflow``.
    """
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 -- takes time

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Families(view, names))
    return generate_latest(registry)


class Families:
    """Answers what the client library asks of a collector."""

    def __init__(self, view: View, names: str) -> None:
        self._view = view
        self._table, self._samples = SETS[names]

    def collect(self) -> Iterator[Family]:
        """Every row of the table with its values."""
        from prometheus_client.core import Metric as Family  # noqa: PLC0415

        values: dict[str, dict[tuple[str, ...], float]] = defaultdict(lambda: defaultdict(float))
        for sample in self._samples(self._view):
            values[sample.name][sample.labels] += sample.value
        for row in self._table:
            # A counter's family is named without the ending that its series have. GoFlow's
            # counters have none, and only an unknown type may then stand beside them.
            counts = row.type == "counter" and row.name.endswith("_total")
            kind = "unknown" if row.type == "counter" and not counts else row.type
            family = Family(row.name.removesuffix("_total") if counts else row.name, row.help, kind)
            for labels, value in values[row.name].items():
                family.add_sample(row.name, dict(zip(row.labels, labels, strict=True)), value)
            yield family


def penstock_samples(view: View) -> Iterator[Sample]:
    """Values of :data:`METRICS`."""
    exporters, templates = view.exporters(), view.templates()
    yield Sample("penstock_build_info", (_core.__version__,), 1)
    yield Sample("penstock_uptime_seconds", (), view.seconds)
    yield Sample("penstock_healthy", (), not view.troubles())
    yield Sample("penstock_exporters", (), len(exporters))
    yield Sample("penstock_templates", (), len(templates))
    for sink, batches in view.queues().items():
        yield Sample("penstock_sink_queue_batches", (sink,), batches)
    yield from of_ledger(view.ledger())
    busiest, rest = by_business(exporters)
    for row in busiest:
        labels = (row["addr"], row["protocol"], str(row["domain"]))
        yield from of_exporter(row, labels)
        yield from only_of_one(row, labels)
    for row in rest:
        yield from of_exporter(row, (OTHER, row["protocol"], OTHER))


def of_ledger(ledger: Ledger) -> Iterator[Sample]:
    """Every count of the ledger."""
    for row in ledger:
        if row.kind in ("in", "out"):
            yield Sample(f"penstock_{row.kind}_total", (row.stage, row.unit), row.count)
        else:
            labels = (row.stage, row.reason, row.unit)
            yield Sample(f"penstock_{row.kind}_total", labels, row.count)


def of_exporter(row: _core.ExporterRow, labels: tuple[str, ...]) -> Iterator[Sample]:
    """What can be summed up."""
    numbers: Mapping[str, int] = {
        "datagrams_total": row["datagrams"],
        "octets_total": row["octets"],
        "records_total": row["records"],
        "other_records_total": row["other_records"],
        "duplicates_total": row["duplicates"],
        "reordered_total": row["reordered"],
        "restarts_total": row["restarts"],
        "templates": row["templates"],
        "parked": row["parked"],
    }
    for name, value in numbers.items():
        yield Sample(f"penstock_exporter_{name}", labels, value)
    missing = "penstock_exporter_missing_total"
    yield Sample(missing, (*labels, row["missing_unit"]), row["missing"])
    if row["missing_samples"]:
        yield Sample(missing, (*labels, "samples"), row["missing_samples"])
    for reason, count in row["refused"].items():
        yield Sample("penstock_exporter_refused_total", (*labels, reason), count)


def only_of_one(row: _core.ExporterRow, labels: tuple[str, ...]) -> Iterator[Sample]:
    """What cannot be summed up."""
    rate = (*labels, row["sampling_origin"])
    yield Sample("penstock_exporter_sampling_rate", rate, row["sampling_rate"])
    skew_s = row["clock_skew_ms"] / 1000
    yield Sample("penstock_exporter_clock_skew_seconds", labels, skew_s)
    last_s = row["last_ns"] / 1e9
    yield Sample("penstock_exporter_last_seen_timestamp_seconds", labels, last_s)


def by_business(
    exporters: list[_core.ExporterRow],
) -> tuple[list[_core.ExporterRow], list[_core.ExporterRow]]:
    """The exporters that have series of their own, and the others.

    Exporters that differ only in the port are one series, and one exporter here.
    """
    sums: dict[tuple[str, str, int], int] = defaultdict(int)
    for row in exporters:
        sums[row["addr"], row["protocol"], row["domain"]] += row["records"] + row["datagrams"]
    if len(sums) <= MOST_EXPORTERS:
        return exporters, []
    first = sorted(sums, key=lambda key: (-sums[key], key))[:MOST_EXPORTERS]
    chosen = set(first)
    own: list[_core.ExporterRow] = []
    others: list[_core.ExporterRow] = []
    for row in exporters:
        key = (row["addr"], row["protocol"], row["domain"])
        (own if key in chosen else others).append(row)
    return own, others


def goflow_samples(view: View) -> Iterator[Sample]:
    """Values of :data:`GOFLOW`."""
    busiest, rest = by_business(view.exporters())
    for row in (*busiest, *rest):
        router = OTHER if rest and row in rest else row["addr"]
        yield from goflow_exporter(row, router)
    known = {(row["addr"], row["domain"]) for row in busiest}
    for template in view.templates():
        if (template["addr"], template["domain"]) in known:
            kind = "options_template" if template["options"] else "template"
            labels = (
                template["addr"],
                VERSIONS.get(template["protocol"], ""),
                str(template["domain"]),
                str(template["id"]),
                kind,
            )
            yield Sample("flow_process_nf_templates_count", labels, 1)


def goflow_exporter(row: _core.ExporterRow, router: str) -> Iterator[Sample]:
    """What one exporter adds to GoFlow's metrics."""
    version = VERSIONS.get(row["protocol"], "")
    is_sflow = row["protocol"] == "sflow"
    port = "" if router == OTHER else str(row["port"])
    traffic = (router, port, "", "", "sFlow" if is_sflow else "NetFlow")
    yield Sample("flow_traffic_bytes", traffic, row["octets"])
    yield Sample("flow_traffic_packets", traffic, row["datagrams"])
    if is_sflow:
        agent = (router, router, version)
        yield Sample("flow_process_sf_count", agent, row["datagrams"])
        yield Sample("flow_process_sf_samples_sum", (*agent, "FlowSample"), row["records"])
        other = (*agent, "CounterSample")
        yield Sample("flow_process_sf_samples_sum", other, row["other_records"])
        errors = "flow_process_sf_errors_count"
    else:
        yield Sample("flow_process_nf_count", (router, version), row["datagrams"])
        sets = "flow_process_nf_flowset_records_sum"
        yield Sample(sets, (router, version, "DataFlowSet"), row["records"])
        yield Sample(sets, (router, version, "OptionsDataFlowSet"), row["other_records"])
        if router != OTHER:
            skew_s = row["clock_skew_ms"] / 1000
            yield Sample("flow_process_nf_delay_seconds", (router, version), skew_s)
        errors = "flow_process_nf_errors_count"
    for reason, count in row["refused"].items():
        yield Sample(errors, (router, reason.replace(" ", "_")), count)


SETS: dict[str, tuple[tuple[Metric, ...], Callable[[View], Iterable[Sample]]]] = {
    "penstock": (METRICS, penstock_samples),
    "goflow": (GOFLOW, goflow_samples),
}
"""Tables by the names that they have, and what fills them."""

VERSIONS = {"netflow5": "5", "netflow9": "9", "ipfix": "10", "sflow": "5"}
"""What GoFlow calls the protocols."""
