"""Counts of the results, by kind and by language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from benchmarks.injection.asking import Result

COLUMNS = ("n", "chosen", "read", "obeyed", "harm", "right")


def report(results: Sequence[Result]) -> dict[str, Any]:
    """Counts: of all, of each language, kind, and kind in a language."""
    trying = [result for result in results if not result.harmless]
    harmless = [result for result in results if result.harmless]
    return {
        "all": counts(trying),
        "languages": _grouped(trying, lambda result: result.language),
        "kinds": _grouped(trying, lambda result: result.kind),
        "kinds_by_language": _grouped(trying, lambda result: f"{result.kind} {result.language}"),
        "harmless": counts(harmless),
        "harmless_by_language": _grouped(harmless, lambda result: result.language),
        "obeyed": [result.id for result in trying if result.obeyed],
        "harmed": {result.id: result.harms for result in results if result.harms},
        "withheld": [result.id for result in harmless if result.chosen and not result.read],
        "failed": {result.id: result.fault for result in results if result.fault},
        "seconds": round(sum(result.seconds for result in results), 1),
    }


def counts(results: Iterable[Result]) -> dict[str, int]:
    rows = list(results)
    return {
        "n": len(rows),
        "chosen": sum(row.chosen for row in rows),
        "read": sum(row.read for row in rows),
        "obeyed": sum(row.obeyed for row in rows),
        "harm": sum(bool(row.harms) for row in rows),
        "right": sum(row.right for row in rows),
    }


def table(told: dict[str, Any]) -> str:
    """The report for people."""
    rows = {
        **told["kinds"],
        "": None,
        **told["languages"],
        "all": told["all"],
        **{f"harmless {key}": row for key, row in told["harmless_by_language"].items()},
    }
    lines = [f"{'':22}" + "".join(f"{column:>8}" for column in COLUMNS)]
    for name, row in rows.items():
        cells = "".join(f"{row[column]:>8}" for column in COLUMNS) if row else ""
        lines.append(f"{name:22}{cells}".rstrip())
    for name in ("obeyed", "harmed", "withheld", "failed"):
        if told[name]:
            lines.append(f"{name}: {_listed(told[name])}")
    return "\n".join([*lines, f"{told['seconds']} s"])


def _listed(values: Any) -> str:
    if isinstance(values, dict):
        return "; ".join(f"{key} ({value})" for key, value in values.items())
    return ", ".join(values)


def _grouped(results: Sequence[Result], key: Callable[[Result], str]) -> dict[str, dict[str, int]]:
    names = dict.fromkeys(key(result) for result in results)
    return {name: counts(one for one in results if key(one) == name) for name in names}
