# SPDX-License-Identifier: Apache-2.0
"""Captures of exporters talking: what is read of them is what tshark shows.

One has data without templates, which neither can read and both count; one has templates only; and
one is sFlow, whose samples tshark shows value by value.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import penstock
from tests.interop.dissection import Datagram, dissect, find, pdml, text
from tests.interop.test_exports_tshark import number_and_length, numbers_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from penstock.collected import Collected

PACKETS = Path(os.environ.get("PENSTOCK_CAPTURES", ""), "packets")
NAMES = ("netflowv9.pcap", "netflow-fritz.pcap", "sflow.pcap")

pytestmark = [
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed"),
    pytest.mark.skipif(
        "PENSTOCK_CAPTURES" not in os.environ,
        reason="PENSTOCK_CAPTURES is not set: no captures of exporters to read",
    ),
]

COUNTERS = {
    "ifindex": "if_index",
    "iftype": "if_type",
    "ifspeed": "if_speed_bps",
    "ifdirection": "if_direction",
    "ifinoct": "in_octets",
    "ifinpkt": "in_unicast_packets",
    "ifinmcast": "in_multicast_packets",
    "ifinbcast": "in_broadcast_packets",
    "ifindisc": "in_discards",
    "ifinerr": "in_errors",
    "ifinunk": "in_unknown_protocols",
    "ifoutoct": "out_octets",
    "ifoutpkt": "out_unicast_packets",
    "ifoutmcast": "out_multicast_packets",
    "ifoutbcast": "out_broadcast_packets",
    "ifoutdisc": "out_discards",
    "ifouterr": "out_errors",
    "ifpromisc": "promiscuous",
}
"""tshark's name of a counter (``sflow_245.…``), and the column."""

SAMPLED = {
    "sflow.flow_sample.sampling_rate": "sampling_rate",
    "sflow.flow_sample.input_interface": "in_if",
    "sflow.flow_sample.output_interface": "out_if",
    "sflow_245.header.frame_length": "l2_octets",
    "vlan.id": "vlan_id",
    "ip.version": "ip_version",
    "ip.len": "octets",
    "ip.id": "fragment_id",
    "ip.ttl": "ttl_min",
    "ip.proto": "protocol",
    "icmp.type": "icmp_type",
    "icmp.code": "icmp_code",
    "icmp.ident": "icmp_id",
}
"""Numbers of a flow sample and of the packet header in it, and their columns."""

SAMPLED_ADDRESSES = {
    "eth.src": "src_mac",
    "eth.dst": "dst_mac",
    "ip.src": "src_addr",
    "ip.dst": "dst_addr",
}


def test_data_without_templates_waits_set_by_set() -> None:
    datagrams = dissect(PACKETS / NAMES[0], (2057,))
    unread = sum(message.unread_sets for one in datagrams for message in one.messages)
    collected = collect(NAMES[0])
    assert list(collected) == []
    assert unread > 0
    assert sum(exporter["parked"] for exporter in collected.exporters()) == unread
    assert_heard_of(collected, datagrams)


def test_templates_without_data_are_learned() -> None:
    datagrams = dissect(PACKETS / NAMES[1], (2055,))
    templates = [
        template for one in datagrams for message in one.messages for template in message.templates
    ]
    collected = collect(NAMES[1])
    assert list(collected) == []
    ours = {
        template["id"]: (
            template["options"],
            [number_and_length(field) for field in template["fields"]],
        )
        for template in collected.templates()
    }
    assert templates
    assert ours == {one.id: (one.scopes > 0, numbers_of(one)) for one in templates}
    assert_heard_of(collected, datagrams)


def test_counter_samples_have_the_values_that_tshark_shows() -> None:
    samples = [
        (packet, sample)
        for packet in pdml(PACKETS / NAMES[2], (6343,), "sflow")
        for sample in packet.iter("field")
        if text(sample, "show").startswith("Counters sample")
    ]
    rows = rows_of("interface_counters")
    assert samples
    assert len(rows) == len(samples)
    for (packet, sample), row in zip(samples, rows, strict=True):
        shown = {name: shown_number(sample, f"sflow_245.{name}") for name in COUNTERS}
        assert {column: row[column] for column in COUNTERS.values()} == {
            column: shown[name] for name, column in COUNTERS.items()
        }
        about = "sflow.counters_sample"
        assert row["sample_sequence"] == shown_number(sample, f"{about}.sequence_number")
        assert row["source_class"] == shown_number(sample, f"{about}.source_id_type")
        assert row["source_index"] == shown_number(sample, f"{about}.source_id_index")
        up = [shown_number(sample, f"sflow_245.if{name}_status") for name in ("admin", "oper")]
        assert row["if_status"] == up[0] + 2 * up[1]
        assert_session(row, packet)


def test_flow_samples_have_the_values_that_tshark_shows() -> None:
    packets = [
        packet
        for packet in pdml(PACKETS / NAMES[2], (6343,), "sflow")
        if any(text(one, "show").startswith("Flow sample") for one in packet.iter("field"))
    ]
    rows = rows_of("flows")
    assert packets
    assert len(rows) == len(packets)
    for packet, row in zip(packets, rows, strict=True):
        sample = next(
            one for one in packet.iter("field") if text(one, "show").startswith("Flow sample")
        )
        assert {column: row[column] for column in SAMPLED.values()} == {
            column: shown_number(sample, name) for name, column in SAMPLED.items()
        }
        assert {column: row[column] for column in SAMPLED_ADDRESSES.values()} == {
            column: text(find(sample, name), "show") for name, column in SAMPLED_ADDRESSES.items()
        }
        assert row["packets"] == 1
        assert_session(row, packet)


def collect(name: str) -> Collected:
    """Reads a capture."""
    return penstock.collect(PACKETS / name, kinds="all")


def rows_of(kind: str) -> list[dict[str, Any]]:
    """Rows of the capture of sFlow."""
    return [row for batch in collect(NAMES[2]) if batch.kind == kind for row in batch.rows()]


def assert_heard_of(collected: Collected, datagrams: list[Datagram]) -> None:
    """Every exporter with its datagrams, none refused."""
    assert {
        (one["addr"], one["port"], one["domain"], one["datagrams"]) for one in collected.exporters()
    } == {
        (
            source,
            port,
            domain,
            sum(
                (one.source, one.port, message.domain) == (source, port, domain)
                for one in datagrams
                for message in one.messages
            ),
        )
        for source, port, domain in {
            (one.source, one.port, message.domain) for one in datagrams for message in one.messages
        }
    }
    assert all(not one["refused"] for one in collected.exporters())


def assert_session(row: dict[str, Any], packet: Element) -> None:
    """Agent, sub-agent and sequence number."""
    assert row["exporter_addr"] == text(find(packet, "sflow_245.agent"), "show")
    assert row["observation_domain"] == shown_number(packet, "sflow_245.sub_agent_id")
    assert row["sequence"] == shown_number(packet, "sflow_245.sequence_number")


def shown_number(element: Element, name: str) -> int:
    """A number as tshark shows it."""
    return int(text(find(element, name), "show"), 0)
