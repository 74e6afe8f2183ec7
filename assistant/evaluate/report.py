"""Results as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: Columns in their order; a column that no row has is left out.
COLUMNS = (
    "form",
    "leg",
    "category",
    "n",
    "recall@1",
    "recall@5",
    "recall@10",
    "recall@20",
    "ndcg@10",
    "mrr",
    "em",
    "rouge_l",
    "tokens@5",
    "tokens@10",
    "tokens@20",
    "p50_ms",
    "p95_ms",
    "model",
)


def table(result: Mapping[str, Any]) -> list[str]:
    """The lines of a result: its rows, then what each row says beyond its columns."""
    rows: Sequence[Mapping[str, Any]] = result["rows"]
    names = [name for name in COLUMNS if any(name in row for row in rows)]
    cells = [names, *([_cell(name, row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(names))]
    lines = [f"{result['set']}: {result['n']}"]
    lines += ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]
    for row in rows:
        more = {name: value for name, value in row.items() if name not in COLUMNS}
        label = " ".join(str(row[name]) for name in ("form", "leg") if name in row)
        lines += [f"{label} {name}: {_flat(value)}" for name, value in more.items()]
    return lines


def _cell(name: str, value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.1f}" if name.endswith("_ms") or "tokens" in name else f"{value:.3f}"
    return "" if value is None else str(value)


def _flat(value: Any) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    parts = (
        f"{name} ({_flat(v)})" if isinstance(v, Mapping) else f"{name} {v}"
        for name, v in value.items()
    )
    return ", ".join(parts)
