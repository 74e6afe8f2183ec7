"""``compare``: two kept results of one command on one set, row by row.

Where the questions' own measures were kept (``details``), each difference of means has a paired
bootstrap interval, and a sign test of how many questions got better and how many worse.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assistant.evaluate.dataset import DatasetError
from assistant.evaluate.details import KEY

RESAMPLES = 2000
SEED = 20  # the same resamples each time
INTERVAL = (2.5, 97.5)  # percent
#: What tells rows of one result apart.
LABELS = ("form", "leg", "category", "part", "fitted", "stage", "model")
#: Measures of which more is not better.
COSTS = ("_ms", "tokens@", "false_refused", "unsupported", "silent", "sentences", "by_set")
#: A fall of a mean that counts where the single questions are not known.
FALL = 0.01

Result = Mapping[str, Any]
Row = dict[str, Any]


def read(path: Path) -> Result:
    """A result that ``--out`` kept.

    Raises:
        DatasetError: it isn't one.
    """
    try:
        result = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(
            "{path} can't be read as a result: {why}",
            "{path} 无法作为评测结果读取：{why}",
            path=path,
            why=error,
        ) from error
    if not isinstance(result, dict) or not _are_rows(result.get("rows")) or "set" not in result:
        raise DatasetError(
            "{path} is not a result: keep one with --out FILE.json.",
            "{path} 不是评测结果：请用 --out FILE.json 保存。",
            path=path,
        )
    return result


def _are_rows(rows: Any) -> bool:
    return isinstance(rows, list) and all(isinstance(row, dict) for row in rows)


def run(one: Path, other: Path) -> dict[str, Any]:
    """Compare the results in two files: ``other`` less ``one``.

    Raises:
        DatasetError: a file is no result, or they are of different sets.
    """
    first, second = read(one), read(other)
    if first["set"] != second["set"]:
        raise DatasetError(
            "{one} is of the set {a}, {other} of {b}: only results of one set can be compared.",
            "{one} 的数据集是 {a}，{other} 的是 {b}：只能比较同一数据集的结果。",
            one=one,
            a=first["set"],
            other=other,
            b=second["set"],
        )
    rows = list(_rows(first, second))
    return {
        "set": first["set"],
        "n": second.get("n"),
        "command": "compare",
        "a": {"file": str(one), "n": first.get("n")},
        "b": {"file": str(other), "n": second.get("n")},
        "rows": rows,
        "worse": [_label_text(row) + row["measure"] for row in rows if _is_worse(row)],
    }


def _rows(first: Result, second: Result) -> Iterator[Row]:
    """A row for each label and measure that both results have."""
    before = {_label(row): row for row in first["rows"]}
    for row in second["rows"]:
        known = before.get(_label(row))
        if known is None:
            continue
        paired = _paired(first, second, _label(row))
        for measure in _measures(known, row):
            yield {
                **dict(_label(row)),
                "measure": measure,
                "a": known[measure],
                "b": row[measure],
                "difference": round(row[measure] - known[measure], 4),
                **paired.get(measure, {}),
            }


def _label(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(row[name])) for name in LABELS if row.get(name) is not None)


def _label_text(row: Mapping[str, Any]) -> str:
    return "".join(f"{row[name]} " for name in LABELS if name in row)


def _measures(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return [
        name
        for name, value in other.items()
        if name not in LABELS and name != "n" and _is_number(value) and _is_number(one.get(name))
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _paired(first: Result, second: Result, label: tuple[tuple[str, str], ...]) -> dict[str, Row]:
    """By measure: what the questions that both runs measured say of the difference."""
    one, other = _by_question(first, label), _by_question(second, label)
    both = [id for id in other if id in one]
    if not both:
        return {}
    names = _measures(one[both[0]], other[both[0]])
    deltas = np.array([[other[id][name] - one[id][name] for name in names] for id in both])
    low, high = _intervals(deltas)
    return {
        name: {
            "low": round(float(low[place]), 4),
            "high": round(float(high[place]), 4),
            "better": int((deltas[:, place] > 0).sum()),
            "worse": int((deltas[:, place] < 0).sum()),
            "p": _sign_test(deltas[:, place]),
        }
        for place, name in enumerate(names)
    }


def _by_question(result: Result, label: tuple[tuple[str, str], ...]) -> dict[str, Row]:
    scores: Sequence[Row] = (result.get(KEY) or {}).get("scores") or ()
    return {str(row["id"]): row for row in scores if _label(row) == label}


def _intervals(deltas: Any) -> Any:
    """Bootstrap percentiles of the mean of each column; shape (2, columns)."""
    count = len(deltas)
    chance = np.random.default_rng(SEED)
    drawn = chance.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    return np.percentile(drawn @ deltas / count, INTERVAL, axis=0)


def _sign_test(deltas: Any) -> float:
    """The two-sided probability of so uneven a split by chance.

    >>> _sign_test(np.array([1.0, 1.0, 1.0, 1.0, 0.0]))
    0.125
    """
    better, worse = int((deltas > 0).sum()), int((deltas < 0).sum())
    total, fewer = better + worse, min(better, worse)
    ways = sum(math.comb(total, count) for count in range(fewer + 1))
    return float(f"{min(1.0, 2 * ways / 2**total):.3g}")


def _is_worse(row: Mapping[str, Any]) -> bool:
    """Whether a measure of quality surely fell: its interval lies below 0, or, where the single
    questions are not known, it fell by more than :data:`FALL`. Times depend on the machine."""
    if any(cost in row["measure"] for cost in COSTS):
        return False
    if "high" in row:
        return bool(row["high"] < 0)
    return bool(row["difference"] < -FALL)
