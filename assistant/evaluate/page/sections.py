"""What is shown of a result: each section looks for what it needs, and is left out without it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from assistant.evaluate.compare import LABELS
from assistant.evaluate.details import KEY, MISSED
from assistant.evaluate.page.plots import Curve, Interval, bars, curves, intervals
from assistant.evaluate.report import columns, shown_cell

WORST = 20  # questions that are shown
PLOTTED = ("ndcg@10", "recall@5")
TIMES = ("p50_ms", "p95_ms")
#: Shares of answers: of citations, of refusals.
_RATE = re.compile(r"precision|(?<!@)recall$|refused|cited|support|silent|auroc")
_NAMES = (*LABELS, "measure")

Result = Mapping[str, Any]
Words = Mapping[str, str]
Row = Mapping[str, Any]
Section = Callable[[Result, Words], str]


def measures(result: Result, words: Words) -> str:
    """Bars of what is found, for each form and leg."""
    parts = []
    for measure in PLOTTED:
        rows = [row for row in result["rows"] if _is_share(row.get(measure))]
        if rows:
            parts.append(f"<h2>{escape(words[measure])}</h2>")
            parts.append(bars(_grouped(rows, measure), words[measure]))
    return "".join(parts)


def _grouped(rows: Sequence[Row], measure: str) -> list[tuple[str, list[tuple[str, float]]]]:
    """Bars by form (or category), one for each leg (and model)."""
    groups: dict[str, list[tuple[str, float]]] = {}
    for row in rows:
        label = str(row.get("form") or row.get("category") or "")
        name = " ".join(str(row[key]) for key in ("leg", "model") if row.get(key))
        groups.setdefault(label, []).append((name, float(row[measure])))
    return list(groups.items())


def answers(result: Result, words: Words) -> str:
    """Bars of the shares that answers are measured by."""
    groups = []
    for row in result["rows"]:
        rates = [
            (name, float(value))
            for name, value in row.items()
            if _RATE.search(name) and _is_share(value)
        ]
        if rates:
            groups.append((_label(row), rates))
    if not groups:
        return ""
    return f"<h2>{escape(words['answers'])}</h2>{bars(groups, words['answers'])}"


def trade_off(result: Result, words: Words) -> str:
    """The curve of the no-answer decision, with the threshold in use.

    A result has ``curves``: each with a name, ``points`` of threshold, refused and false_refused,
    and the ``threshold`` in use.
    """
    drawn = [_curve(one) for one in result.get("curves") or ()]
    if not drawn:
        return ""
    plot = curves(drawn, words["curve"], words["false_refused"], words["refused"])
    return f"<h2>{escape(words['curve'])}</h2>{_note(words['curve_note'])}{plot}"


def _curve(one: Mapping[str, Any]) -> Curve:
    points = [
        (point["threshold"], point["false_refused"], point["refused"]) for point in one["points"]
    ]
    chosen = one.get("threshold")
    mark = None
    if chosen is not None and points:
        _, across, up = min(points, key=lambda point: abs(point[0] - chosen))
        mark = across, up
    return Curve(str(one.get("name", "")), [(across, up) for _, across, up in points], mark)


def times(result: Result, words: Words) -> str:
    groups = [
        (_label(row), [(words[name], float(row[name])) for name in TIMES])
        for row in result["rows"]
        if all(isinstance(row.get(name), int | float) for name in TIMES)
    ]
    if not groups:
        return ""
    return f"<h2>{escape(words['time'])}</h2>{bars(groups, words['time'], digits=1)}"


def differences(result: Result, words: Words) -> str:
    """Of two results: each difference with its interval."""
    drawn = [
        Interval(
            f"{_label(row)} {row['measure']}",
            row["difference"],
            row.get("low", row["difference"]),
            row.get("high", row["difference"]),
        )
        for row in result["rows"]
        if "difference" in row and not row["measure"].endswith("_ms")
    ]
    if not drawn:
        return ""
    plot = intervals(drawn, words["compared"])
    return f"<h2>{escape(words['compared'])}</h2>{_note(words['compared_note'])}{plot}"


def table(result: Result, words: Words) -> str:
    """All rows with all their columns."""
    rows: Sequence[Row] = result["rows"]
    names = columns(rows)
    head = "".join(f"<th{_word(name)}>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_word(name)}>{escape(shown_cell(name, row.get(name)))}</td>" for name in names
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<h2>{escape(words["all"])}</h2><div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _word(name: str) -> str:
    return ' class="word"' if name in _NAMES else ""


def worst(result: Result, words: Words) -> str:
    """The questions that the last leg of the last form did worst on, with what was found."""
    details = result.get(KEY) or {}
    chosen = _worst_of(details.get("scores") or ())
    if not chosen:
        return ""
    passages: Mapping[str, str] = details.get("passages") or {}
    articles = "".join(
        _article(row, details["questions"][row["id"]], passages, words) for row in chosen
    )
    label = escape(_label(chosen[0]))
    return (
        f"<h2>{escape(words['worst'])} <small>{label}</small></h2>"
        f"{_note(words['worst_note'])}{articles}"
    )


def _worst_of(scores: Sequence[Row]) -> list[Row]:
    if not scores:
        return []
    last = _label(scores[-1])
    missed = [row for row in scores if _label(row) == last and row.get(MISSED, 1.0) < 1]
    return sorted(missed, key=lambda row: (row[MISSED], row.get("ndcg@10", 0.0)))[:WORST]


def _article(
    row: Row, question: Mapping[str, Any], passages: Mapping[str, str], words: Words
) -> str:
    lines = [
        *_passages(words["wanted"], question["relevant"][:1], passages, words),
        *_passages(words["found"], row["found"], passages, words),
    ]
    return f"<article><h3>{escape(question['text'])}</h3>{''.join(lines)}</article>"


def _passages(
    label: str, ids: Sequence[str], passages: Mapping[str, str], words: Words
) -> Iterator[str]:
    for id in ids or [""]:
        text = passages.get(id, id) or words["nothing"]
        yield f"<p><b>{escape(label)}</b>{escape(text)}</p>"


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def _label(row: Row) -> str:
    return " ".join(str(row[name]) for name in _NAMES[:-1] if row.get(name)) or "-"


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


SECTIONS: tuple[Section, ...] = (
    differences,
    measures,
    answers,
    trade_off,
    times,
    table,
    worst,
)
