"""Runs in a process of its own: opens what is there, searches, and prints what that took.

    python -m benchmarks.store.fresh ours|wrapper FOLDER KIND QUERIES.npy STARTED

STARTED is the time (seconds since the epoch) at which the process was asked for.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main() -> None:
    what, folder, kind, queries_file, started = sys.argv[1:]
    # As late as this, to say what they take.
    import numpy as np

    from benchmarks.store import loading, peers

    if what == "wrapper":
        peers.wrapper_class()
    queries = np.load(queries_file)
    figures: dict[str, Any] = {"imports": time.time() - float(started)}
    before = resident()
    peers.single_threaded()
    began = time.perf_counter()
    search: Callable[[Any], Any]
    if what == "ours":
        base = loading.open_base(Path(folder), kind)
        search = lambda query: base.dense(query, 10)  # noqa: E731
    else:
        wrapper = peers.load_wrapper(Path(folder))
        search = lambda query: wrapper.similarity_search_by_vector(query, k=10)  # noqa: E731
    figures["opened"] = time.perf_counter() - began
    assert len(search(queries[0])) == 10
    figures["answered"] = time.perf_counter() - began
    figures["memory_open"] = grown(before)
    for query in queries:
        search(query)
    figures["memory_searched"] = grown(before)
    print(json.dumps(figures), flush=True)
    # At once: nothing is to be published, and a rebuild that runs is not waited for.
    os._exit(0)


def resident() -> dict[str, int]:
    """Bytes of this process in memory, and those that are its own (not mapped from a file)."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    sizes = {line.split(":")[0]: line.split()[1] for line in lines if line.endswith(" kB")}
    return {name: int(sizes[name]) * 1024 for name in ("VmRSS", "RssAnon")}


def grown(before: dict[str, int]) -> dict[str, int]:
    return {name: size - before[name] for name, size in resident().items()}


if __name__ == "__main__":
    main()
