# SPDX-License-Identifier: Apache-2.0
"""Who runs on which processor: what is measured on one, all that serves it on another."""

from __future__ import annotations

import os


def measured_cores(*, all_cores: bool = False) -> list[int]:
    """The processors that programs run on; this process keeps to another where there is one."""
    cores = sorted(AFFINITY)
    return cores[-2:] if all_cores else cores[-1:]


def other_cores() -> list[int]:
    """The rest: for this process, for what sends to a measured program or takes what it sends."""
    return sorted(AFFINITY - set(measured_cores()))


def step_aside() -> None:
    """Leaves the core that is measured on to the programs."""
    others = other_cores()
    if others:
        os.sched_setaffinity(0, others)


AFFINITY = os.sched_getaffinity(0)
"""The processors that this process may use, as it was started."""
