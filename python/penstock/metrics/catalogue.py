# SPDX-License-Identifier: Apache-2.0
"""THE TABLE of metrics: name, type, labels, help.

``prometheus`` fills every row and nothing else; the reference page and the contract tests are made
from it. Names follow Prometheus's rules: base units, ``_total`` for counters.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Metric(NamedTuple):
    """A row of the table."""

    name: str
    type: Literal["counter", "gauge"]
    labels: tuple[str, ...]
    help: str


EXPORTER = ("exporter", "protocol", "domain")
"""Labels of one exporter: its address, what it speaks, its observation domain."""

METRICS = (
    Metric("penstock_build_info", "gauge", ("version",), "Always 1; the label tells the version."),
    Metric("penstock_uptime_seconds", "gauge", (), "How long this run has gone on."),
    Metric(
        "penstock_healthy", "gauge", (), "1 while nothing has failed, 0 once a part of the run has."
    ),
    Metric(
        "penstock_in_total",
        "counter",
        ("stage", "unit"),
        "What came into a stage. Stages are in the order of the way; a sink is a stage by its URI.",
    ),
    Metric("penstock_out_total", "counter", ("stage", "unit"), "What a stage passed on."),
    Metric(
        "penstock_lost_total",
        "counter",
        ("stage", "reason", "unit"),
        "What a stage lost, by reason. Stage network: what sequence numbers say was lost before.",
    ),
    Metric(
        "penstock_noted_total",
        "counter",
        ("stage", "reason", "unit"),
        "What a stage counted aside; it is in what was passed on, too.",
    ),
    Metric(
        "penstock_sink_queue_batches", "gauge", ("sink",), "Batches that wait in front of a sink."
    ),
    Metric("penstock_exporters", "gauge", (), "Exporters that are known."),
    Metric("penstock_templates", "gauge", (), "Templates that are known."),
    Metric(
        "penstock_exporter_datagrams_total",
        "counter",
        EXPORTER,
        "Datagrams, or messages of a stream, from one exporter. All series of exporters are bounded: "
        "beyond the busiest, the exporters are summed up as `other`.",
    ),
    Metric("penstock_exporter_octets_total", "counter", EXPORTER, "Octets in them."),
    Metric("penstock_exporter_records_total", "counter", EXPORTER, "Flow records, or samples."),
    Metric(
        "penstock_exporter_other_records_total",
        "counter",
        EXPORTER,
        "Options records and counter samples.",
    ),
    Metric(
        "penstock_exporter_missing_total",
        "counter",
        (*EXPORTER, "unit"),
        "Units that the sequence numbers say were lost on the way.",
    ),
    Metric(
        "penstock_exporter_refused_total",
        "counter",
        (*EXPORTER, "reason"),
        "Datagrams refused, or used in part.",
    ),
    Metric("penstock_exporter_duplicates_total", "counter", EXPORTER, "Datagrams that came twice."),
    Metric(
        "penstock_exporter_reordered_total",
        "counter",
        EXPORTER,
        "Datagrams that came out of order.",
    ),
    Metric("penstock_exporter_restarts_total", "counter", EXPORTER, "Times that it began anew."),
    Metric("penstock_exporter_templates", "gauge", EXPORTER, "Templates of it that are known."),
    Metric("penstock_exporter_parked", "gauge", EXPORTER, "Data sets that wait for a template."),
    Metric(
        "penstock_exporter_sampling_rate",
        "gauge",
        (*EXPORTER, "origin"),
        "Sampling rate of its last flow, 1 in this many; 0 while unknown. Not for `other`.",
    ),
    Metric(
        "penstock_exporter_clock_skew_seconds",
        "gauge",
        EXPORTER,
        "Receive time less export time. Not for `other`.",
    ),
    Metric(
        "penstock_exporter_last_seen_timestamp_seconds",
        "gauge",
        EXPORTER,
        "When it last sent something, since 1970 in UTC.",
    ),
)

GOFLOW = (
    Metric(
        "flow_traffic_bytes",
        "counter",
        ("remote_ip", "remote_port", "local_ip", "local_port", "type"),
        "Octets received from an exporter; where they were received is not told apart.",
    ),
    Metric(
        "flow_traffic_packets",
        "counter",
        ("remote_ip", "remote_port", "local_ip", "local_port", "type"),
        "Datagrams received from an exporter.",
    ),
    Metric(
        "flow_process_nf_count",
        "counter",
        ("router", "version"),
        "NetFlow and IPFIX messages processed.",
    ),
    Metric(
        "flow_process_nf_errors_count",
        "counter",
        ("router", "error"),
        "NetFlow and IPFIX messages with an error.",
    ),
    Metric(
        "flow_process_nf_flowset_records_sum",
        "counter",
        ("router", "version", "type"),
        "Records in NetFlow and IPFIX messages.",
    ),
    Metric(
        "flow_process_nf_delay_seconds",
        "gauge",
        ("router", "version"),
        "Receive time less export time; in place of a summary of it.",
    ),
    Metric(
        "flow_process_nf_templates_count",
        "counter",
        ("router", "version", "obs_domain_id", "template_id", "type"),
        "Templates known.",
    ),
    Metric(
        "flow_process_sf_count",
        "counter",
        ("router", "agent", "version"),
        "sFlow datagrams processed.",
    ),
    Metric(
        "flow_process_sf_errors_count",
        "counter",
        ("router", "error"),
        "sFlow datagrams with an error.",
    ),
    Metric(
        "flow_process_sf_samples_sum",
        "counter",
        ("router", "agent", "version", "type"),
        "Samples in sFlow datagrams.",
    ),
)
"""GoFlow's names, for dashboards made for them; as much of them as is counted here."""

MOST_EXPORTERS = 1_000
"""Exporters with series of their own; the others are summed up."""

OTHER = "other"
"""Label of those."""
