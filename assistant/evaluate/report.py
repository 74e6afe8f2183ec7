"""Results as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: Columns in their order; a column that no row has is left out.
COLUMNS = (
    "form",
    "leg",
    "category",
    "part",
    "stage",
    "fitted",
    "measure",
    "a",
    "b",
    "difference",
    "low",
    "high",
    "better",
    "worse",
    "p",
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
    names = columns(rows)
    cells = [names, *([shown_cell(name, row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(names))]
    lines = [f"{result['set']}: {result['n']}"]
    lines += ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]
    for row in rows:
        more = {name: value for name, value in row.items() if name not in names}
        label = " ".join(str(row[name]) for name in ("form", "leg") if name in row)
        lines += [f"{label} {name}: {_flat(value)}".strip() for name, value in more.items()]
    return lines


def columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the rows' columns: the known ones in their order, then other figures and
    words. What has parts is no column."""
    plain = [
        name
        for row in rows
        for name, value in row.items()
        if value is None or isinstance(value, str | int | float)
    ]
    known = [name for name in COLUMNS if name in plain]
    return list(dict.fromkeys([*known, *plain]))


def shown_cell(name: str, value: Any) -> str:
    """A figure or a word as a table has it."""
    if isinstance(value, float):
        return f"{value:.1f}" if name.endswith("_ms") or "tokens" in name else f"{value:.3f}"
    return "" if value is None else _flat(value)


def _flat(value: Any) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    parts = (
        f"{name} ({_flat(v)})" if isinstance(v, Mapping) else f"{name} {v}"
        for name, v in value.items()
    )
    return ", ".join(parts)
