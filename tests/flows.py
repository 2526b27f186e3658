# SPDX-License-Identifier: Apache-2.0
"""Batches of made-up flows, for tests of what comes after the meter."""

from __future__ import annotations

import pyarrow as pa

from penstock.batch import FlowBatch

START_NS = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z
MAPPED = bytes(10) + b"\xff\xff"


def batch(rows: int = 3, *, start_ns: int = START_NS, step_ns: int = 1_000_000) -> FlowBatch:
    """Flows ``step_ns`` apart from 192.0.2.x to 198.51.100.1."""
    return FlowBatch.from_arrow(arrow(rows, start_ns=start_ns, step_ns=step_ns))


def arrow(rows: int = 3, *, start_ns: int = START_NS, step_ns: int = 1_000_000) -> pa.RecordBatch:
    """The same as pyarrow's."""
    times = [start_ns + number * step_ns for number in range(rows)]
    return pa.record_batch(
        {
            "time_start": pa.array(times, pa.timestamp("ns", "UTC")),
            "time_end": pa.array(times, pa.timestamp("ns", "UTC")),
            "src_addr": pa.array(
                [MAPPED + bytes([192, 0, 2, number % 256]) for number in range(rows)],
                pa.binary(16),
            ),
            "dst_addr": pa.array([MAPPED + bytes([198, 51, 100, 1])] * rows, pa.binary(16)),
            "ip_version": pa.array([4] * rows, pa.uint8()),
            "protocol": pa.array([6] * rows, pa.uint8()),
            "src_port": pa.array([40000 + number % 1000 for number in range(rows)], pa.uint16()),
            "dst_port": pa.array([443] * rows, pa.uint16()),
            "octets": pa.array([100 + number for number in range(rows)], pa.uint64()),
            "packets": pa.array([1] * rows, pa.uint64()),
        },
        schema=pa.schema(
            [
                pa.field("time_start", pa.timestamp("ns", "UTC")),
                pa.field("time_end", pa.timestamp("ns", "UTC")),
                pa.field("src_addr", pa.binary(16), metadata=IP),
                pa.field("dst_addr", pa.binary(16), metadata=IP),
                pa.field("ip_version", pa.uint8()),
                pa.field("protocol", pa.uint8()),
                pa.field("src_port", pa.uint16()),
                pa.field("dst_port", pa.uint16()),
                pa.field("octets", pa.uint64()),
                pa.field("packets", pa.uint64()),
            ]
        ),
    )


IP = {"ARROW:extension:name": "penstock.ip", "ARROW:extension:metadata": ""}
