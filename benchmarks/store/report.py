"""Figures for people: progress, percentiles and tables."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Figures = Mapping[str, Any]


def note(text: str) -> None:
    """Progress, beside the tables."""
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def timing(seconds: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile in ms."""
    p50, p95 = np.percentile(np.asarray(seconds) * 1000, (50, 95)).tolist()
    return {"p50": p50, "p95": p95}


def show(result: Figures) -> None:
    """All tables of one size and kind."""
    about = f"{result['size']:,} chunks, index {result['kind']}"
    print(f"\n# {about} (recall {result['measured_recall']:.3f} when it was built)\n")
    search = result["search"]
    _table("search at k=10", ("p50 ms", "p95 ms"), _timings(search["waits"]))
    _table("ratio of p50", ("",), {name: [f"{r:.2f}"] for name, r in search["ratios"].items()})
    _table("recall@10", ("",), {name: [f"{r:.4f}"] for name, r in search["recall"].items()})
    if "keywords" in result:
        _table(
            "keyword search", ("p50 ms", "p95 ms", "chunks", "recall"), _timings(result["keywords"])
        )
        _table(
            "search with a filter",
            ("p50 ms", "p95 ms", "share", "recall"),
            _timings(result["filters"]),
        )
        writes = dict(result["writes"])
        ratio = writes.pop("ratio", None)
        _table("100 chunks, one document", ("p50 ms", "p95 ms"), _timings(writes))
        if ratio is not None:
            print(f"wrapper's add and save / our durable add: {ratio:.0f}x\n")
    print(f"one full publish(): {result['publish']:.1f} s\n")
    _openings(result["opening"])
    _table("disk, bytes a chunk", ("",), {k: [f"{v:.0f}"] for k, v in result["disk"].items()})
    load = result["load"]
    print(
        f"loaded with {load['add_embedded_per_s']:.0f} chunks/s by add_embedded, "
        f"{load['add_texts_per_s']:.0f} by add_texts; {load['text_bytes_per_chunk']:.0f} bytes of "
        "text a chunk"
    )


def show_growth(results: Sequence[Figures]) -> None:
    """What adding and deleting costs, side by side for all sizes."""
    by_size = {f"{one['size']:,}": one["writes"] for one in results if "writes" in one}
    names = [name for name in next(iter(by_size.values()), {}) if name.startswith("ours")]
    print("\n# What 100 chunks cost, by size\n")
    _table(
        "p50 ms",
        tuple(by_size),
        {name: [f"{one[name]['p50']:.1f}" for one in by_size.values()] for name in names},
    )


def _openings(opening: Figures) -> None:
    rows = {
        name: [
            f"{one['imports']:.2f}",
            f"{one['opened']:.3f}",
            f"{one['answered']:.3f}",
            *(
                f"{one[when][kind] / 1e6:.0f}"
                for when in ("memory_open", "memory_searched")
                for kind in ("VmRSS", "RssAnon")
            ),
        ]
        for name, one in opening.items()
    }
    heads = ("imports s", "open s", "+ search s", "RSS MB", "own MB", "RSS 100", "own 100")
    _table("fresh process: after the first search, and after 100", heads, rows)


def _timings(timings: Mapping[str, Mapping[str, float]]) -> dict[str, list[str]]:
    return {name: [_number(value) for value in one.values()] for name, one in timings.items()}


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3f}" if value < 10 else f"{value:.1f}"


def _table(title: str, heads: Sequence[str], rows: Mapping[str, Sequence[str]]) -> None:
    first = max(len(title), *(len(name) for name in rows)) if rows else len(title)
    print(f"| {title:<{first}} | " + " | ".join(f"{head:>9}" for head in heads) + " |")
    print(f"|{'-' * (first + 2)}|" + "|".join("-" * 10 + ":" for _ in heads) + "|")
    for name, cells in rows.items():
        print(f"| {name:<{first}} | " + " | ".join(f"{cell:>9}" for cell in cells) + " |")
    print()
