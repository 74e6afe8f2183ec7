"""The figures over time as the status page shows them: by the hour, of a day or a week."""

from __future__ import annotations

import html
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assistant.observability.figures import Figures, Minute, merged, quantile
from assistant.ui.plots import Plot, Series, number, svg
from assistant.ui.texts import text

Counts = Callable[[Minute], Counter[int]]

HOUR = 3600
#: Key of the range -> hours that are shown, and hours in one place of a plot.
RANGES = {"day": (24, 1), "week": (7 * 24, 6)}


@dataclass(frozen=True)
class Span:
    """One place of the plots."""

    label: str
    whole: Minute
    hours: int

    def per_hour(self, count: int) -> float:
        return count / self.hours


def spans(figures: Figures, shown: str, now: float) -> list[Span]:
    """The places of a range, oldest first; the last one is still running."""
    hours, each = RANGES[shown]
    size = each * HOUR
    offset = time.localtime(now).tm_gmtoff
    end = (int(now + offset) // size + 1) * size - offset
    begin = end - hours * HOUR
    sorted_in: dict[int, list[Minute]] = {}
    for minute in figures.since(begin):
        sorted_in.setdefault((minute.at - begin) // size, []).append(minute)
    form = "%H:%M" if shown == "day" else "%m-%d %Hh"
    return [
        Span(
            time.strftime(form, time.localtime(begin + place * size)),
            merged(sorted_in.get(place, ())),
            each,
        )
        for place in range(hours // each)
    ]


def usage_html(figures: Figures, shown: str, language: str, now: float | None = None) -> str:
    """The plots of a range (a key of :data:`RANGES`) and the same as a table."""
    places = spans(figures, shown, time.time() if now is None else now)
    if not any(place.whole.questions for place in places):
        return f'<p class="empty">{text("figures_none", language)}</p>'
    plots = "".join(
        f"<figure><figcaption><b>{html.escape(plot.title)}</b> "
        f"<span>{html.escape(plot.summary)}</span></figcaption>{svg(plot)}</figure>"
        for plot in _plots(places, language)
    )
    return f'<div class="plots">{plots}</div>{_table(places, language)}'


def _plots(places: Sequence[Span], language: str) -> list[Plot]:
    labels = [place.label for place in places]
    whole = merged(place.whole for place in places)
    asked = text("figures_questions", language)
    questions = Plot(
        asked,
        text("figures_total", language, n=whole.questions),
        labels,
        [Series(asked, [place.per_hour(place.whole.questions) for place in places], css="bars")],
    )
    wrong = text("figures_errors", language)
    errors = Plot(
        wrong,
        text("figures_total", language, n=whole.errors.total()),
        labels,
        [
            Series(
                wrong,
                [place.per_hour(place.whole.errors.total()) for place in places],
                css="bars bad",
            )
        ],
    )
    first = _waits("figures_first", lambda one: one.first_token, places, whole, language)
    search = _waits("figures_search", lambda one: one.retrieval, places, whole, language)
    return [questions, first, search, errors]


def _waits(key: str, counts: Counts, places: Sequence[Span], whole: Minute, language: str) -> Plot:
    half, most = text("figures_half", language), text("figures_most", language)
    middle = [quantile(counts(place.whole), 0.5) for place in places]
    upper = [quantile(counts(place.whole), 0.95) for place in places]
    return Plot(
        text(key, language),
        _summary(counts(whole), language),
        [place.label for place in places],
        [
            Series(most, upper, "line", "lines soft"),
            Series(half, middle, "line", "lines"),
        ],
        unit=text("n_seconds", language, n=""),
    )


def _summary(counts: Counter[int], language: str) -> str:
    told = []
    for key, share in (("figures_half", 0.5), ("figures_most", 0.95)):
        seconds = quantile(counts, share)
        if seconds is not None:
            shown = text("n_seconds", language, n=number(seconds))
            told.append(f"{text(key, language)} {shown}")
    return " · ".join(told) or "–"


def _table(places: Sequence[Span], language: str) -> str:
    heads = ("figures_hour", "figures_questions", "figures_first", "figures_search")
    named = "".join(
        f'<th scope="col">{text(key, language)}</th>' for key in (*heads, "figures_errors")
    )
    rows = "".join(_row(place) for place in places if place.whole.questions)
    return (
        f'<details class="figures-table"><summary>{text("figures_table", language)}</summary>'
        f'<div class="scrolls" tabindex="0" role="region" '
        f'aria-label="{text("figures_table", language)}">'
        f"<table><thead><tr>{named}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def _row(place: Span) -> str:
    cells = (
        number(place.per_hour(place.whole.questions)),
        _quantiles(place.whole.first_token),
        _quantiles(place.whole.retrieval),
        number(place.per_hour(place.whole.errors.total())),
    )
    return (
        f'<tr><th scope="row">{html.escape(place.label)}</th>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>"
    )


def _quantiles(counts: Counter[int]) -> str:
    values = [quantile(counts, share) for share in (0.5, 0.95)]
    return " / ".join(number(value) for value in values if value is not None) or "–"
