"""How many cores this process may use."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores() -> int:
    """Physical cores that this process may use, at least 1: its affinity and, in a container, its
    quota count; the second thread of a core doesn't, for it makes a language model no faster."""
    if not hasattr(os, "sched_getaffinity"):  # macOS
        return os.cpu_count() or 1
    cores = {_core(cpu) for cpu in os.sched_getaffinity(0)}
    return max(1, math.floor(min([len(cores), *_quota()])))


def _core(cpu: int) -> str:
    """The threads that share the core of ``cpu``, such as "0,4"."""
    try:
        return (CPUS / f"cpu{cpu}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)


def _quota() -> Iterable[float]:
    try:
        allowed, _, period = QUOTA.read_text().partition(" ")
    except OSError:
        return []
    return [] if allowed == "max" else [int(allowed) / int(period)]
