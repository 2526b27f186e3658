# SPDX-License-Identifier: Apache-2.0
"""A run as Prometheus reads it."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from penstock.metrics import prometheus
from penstock.metrics.prometheus import text
from tests.views import MadeUp, exporter

ONE = {"exporter": "192.0.2.1", "protocol": "netflow9", "domain": "5"}


def samples(view: MadeUp, names: str = "penstock") -> dict[tuple[str, frozenset[object]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text(view, names).decode())
        for sample in family.samples
    }


def value(found: dict[tuple[str, frozenset[object]], float], name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def test_the_ledger_and_every_exporter_are_there() -> None:
    found = samples(MadeUp())
    assert value(found, "penstock_in_total", stage="message", unit="datagrams") == 11
    lost = {"stage": "message", "reason": "refused: cut short", "unit": "datagrams"}
    assert value(found, "penstock_lost_total", **lost) == 1
    assert value(found, "penstock_exporter_records_total", **ONE) == 300
    assert value(found, "penstock_exporter_missing_total", unit="packets", **ONE) == 4
    assert value(found, "penstock_exporter_sampling_rate", origin="options", **ONE) == 100
    assert value(found, "penstock_exporter_clock_skew_seconds", **ONE) == 1.5
    assert value(found, "penstock_sink_queue_batches", sink="parquet:flows/") == 2
    assert value(found, "penstock_healthy") == 1


def test_a_run_with_trouble_is_not_healthy() -> None:
    view = MadeUp()
    view.wrong.append("parquet: No space left on device")
    assert value(samples(view), "penstock_healthy") == 0


def test_exporters_that_differ_only_in_the_port_are_one_series() -> None:
    found = samples(MadeUp([exporter(), exporter(port=50001)]))
    assert value(found, "penstock_exporter_records_total", **ONE) == 600


def test_series_are_bounded_and_the_rest_is_summed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "MOST_EXPORTERS", 2)
    view = MadeUp([exporter(addr=f"192.0.2.{n}", records=n * 10) for n in range(1, 6)])
    found = samples(view)
    name = "penstock_exporter_records_total"
    own = {dict(labels)["exporter"]: count for (one, labels), count in found.items() if one == name}  # type: ignore[call-overload]
    assert own == {"192.0.2.5": 50, "192.0.2.4": 40, "other": 60}
    assert not [
        labels
        for one, labels in found
        if one == "penstock_exporter_sampling_rate" and ("exporter", "other") in labels
    ]


def test_goflow_dashboards_find_their_names() -> None:
    view = MadeUp(
        [exporter(), exporter(addr="192.0.2.2", protocol="sflow", refused={"bad xdr": 2})]
    )
    found = samples(view, "goflow")
    assert value(found, "flow_process_nf_count", router="192.0.2.1", version="9") == 10
    records = "flow_process_nf_flowset_records_sum"
    assert value(found, records, router="192.0.2.1", version="9", type="DataFlowSet") == 300
    errors = {"router": "192.0.2.2", "error": "bad_xdr"}
    assert value(found, "flow_process_sf_errors_count", **errors) == 2
    agent = {"router": "192.0.2.2", "agent": "192.0.2.2", "version": "5"}
    assert value(found, "flow_process_sf_count", **agent) == 10
    assert not [name for name, _ in found if name.startswith("penstock")]
