"""Plots of figures over time as SVG: drawn on the server, some kilobytes each, readable without
scripts (Gradio's own plots load a megabyte of them)."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 380, 150
LEFT, RIGHT, TOP, BOTTOM = 38, 6, 12, 24
MOST_LABELS = 5
LINES = 3  # across, beside the one at 0


@dataclass(frozen=True)
class Series:
    """A value for each place, None where there is none. ``mark`` is "bar" or "line"."""

    name: str
    values: Sequence[float | None]
    mark: str = "bar"
    css: str = ""


@dataclass(frozen=True)
class Plot:
    """``title`` and ``summary`` say what is to be seen, for those who don't see it; ``labels`` are
    those of the places; ``unit`` stands behind each value."""

    title: str
    summary: str
    labels: Sequence[str]
    series: Sequence[Series]
    unit: str = ""


def svg(plot: Plot) -> str:
    """The picture, safe as HTML."""
    top = _nice(max((v for one in plot.series for v in one.values if v is not None), default=0.0))
    drawn = "".join(_mark(one, plot, top) for one in plot.series)
    named = html.escape(f"{plot.title}: {plot.summary}", quote=True)
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{named}">'
        f"{_grid(top, plot.unit)}{drawn}{_axis(plot.labels)}</svg>"
    )


def number(value: float) -> str:
    """
    >>> number(3.0), number(0.254), number(1234.6)
    ('3', '0.25', '1235')
    """
    if value >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2g}"


def _nice(highest: float) -> float:
    """The end of the scale: LINES steps of 1, 2 or 5 (times a power of ten) above the highest."""
    if highest <= 0:
        return float(LINES)
    step = highest / LINES
    power = 10 ** math.floor(math.log10(step))
    return float(next(f * power for f in (1, 2, 5, 10) if f * power >= step * 0.9999) * LINES)


def _x(index: float, count: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (index + 0.5) / max(1, count)


def _y(value: float, top: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(1.0, value / top))


def _grid(top: float, unit: str) -> str:
    rows = []
    for line in range(LINES + 1):
        value = top * line / LINES
        y = _y(value, top)
        shown = html.escape(number(value) + (unit if line == LINES else ""))
        rows.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{shown}</text>'
        )
    return "".join(rows)


def _axis(labels: Sequence[str]) -> str:
    each = max(1, math.ceil(len(labels) / MOST_LABELS))
    return "".join(
        f'<text x="{_x(index, len(labels)):.1f}" y="{HEIGHT - 7}" text-anchor="middle">'
        f"{html.escape(label)}</text>"
        for index, label in enumerate(labels)
        if index % each == each // 2
    )


def _mark(series: Series, plot: Plot, top: float) -> str:
    return (_bars if series.mark == "bar" else _line)(series, plot, top)


def _bars(series: Series, plot: Plot, top: float) -> str:
    count = len(series.values)
    width = max(1.0, (WIDTH - LEFT - RIGHT) / max(1, count) * 0.72)
    bars = []
    for index, value in enumerate(series.values):
        if not value:
            continue
        y = _y(value, top)
        height = HEIGHT - BOTTOM - y
        bars.append(
            f'<rect x="{_x(index, count) - width / 2:.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}" rx="1.5">{_hint(series, plot, index, value)}</rect>'
        )
    return f'<g class="{html.escape(series.css)}">{"".join(bars)}</g>'


def _line(series: Series, plot: Plot, top: float) -> str:
    """A line through neighbours; a lone value is a dot."""
    count = len(series.values)
    pieces: list[list[tuple[float, float]]] = [[]]
    dots = []
    for index, value in enumerate(series.values):
        if value is None:
            pieces.append([])
            continue
        x, y = _x(index, count), _y(value, top)
        pieces[-1].append((x, y))
        hint = _hint(series, plot, index, value)
        dots.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6">{hint}</circle>')
    paths = "".join(
        f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in piece)}"/>'
        for piece in pieces
        if len(piece) > 1
    )
    return f'<g class="{html.escape(series.css)}">{paths}{"".join(dots)}</g>'


def _hint(series: Series, plot: Plot, index: int, value: float) -> str:
    told = f"{plot.labels[index]} · {series.name}: {number(value)}{plot.unit}"
    return f"<title>{html.escape(told)}</title>"
