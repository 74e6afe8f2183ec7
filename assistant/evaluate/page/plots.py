"""Plots as inline SVG: a few shapes, coloured by the page's style sheet, light or dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LABELS, VALUES = 720, 150, 64  # pixels: of a plot, of its labels, of the figures
BAR, GAP, GROUP = 14, 3, 12
SIDE, EDGE = 340, 44  # of a curve's square, and of the room for its axes
COLOURS = 6  # classes s0 to s5 of the style sheet

Group = tuple[str, Sequence[tuple[str, float]]]
Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """``points``: both coordinates in 0..1; ``mark``: the one that was chosen."""

    name: str
    points: Sequence[Point]
    mark: Point | None = None


@dataclass(frozen=True)
class Interval:
    """A difference; ``low`` and ``high`` are its interval, the same as it where nobody knows."""

    name: str
    middle: float
    low: float
    high: float


def bars(groups: Sequence[Group], about: str, digits: int = 3) -> str:
    """Horizontal bars, a colour for each name, groups one below the other.

    Args:
        groups: a label, and names with values of 0 or more.
        about: what is shown, for who can't see it.
    """
    names = list(dict.fromkeys(name for _, pairs in groups for name, _ in pairs))
    most = max((value for _, pairs in groups for _, value in pairs), default=0.0) or 1.0
    top = 0
    parts: list[str] = []
    for label, pairs in groups:
        parts.append(_text(LABELS - 8, top + BAR - 2, label, "end"))
        for name, value in pairs:
            width = (WIDTH - LABELS - VALUES) * value / most
            parts.append(
                f'<rect class="{_colour(names, name)}" x="{LABELS}" y="{top}" '
                f'width="{width:.1f}" height="{BAR}" rx="2"><title>{escape(name)}</title></rect>'
            )
            parts.append(_text(LABELS + width + 6, top + BAR - 2, f"{value:.{digits}f}"))
            top += BAR + GAP
        top += GROUP
    return _legend(names) + _svg(WIDTH, top, about, parts)


def curves(drawn: Sequence[Curve], about: str, across: str, up: str) -> str:
    """Curves in a square of 0..1 by 0..1, with the diagonal of pure chance."""
    parts = list(_axes(across, up))
    names = [curve.name for curve in drawn]
    for curve in drawn:
        place = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(_at, sorted(curve.points)))
        colour = _colour(names, curve.name)
        parts.append(f'<polyline class="line {colour}" points="{place}"/>')
        if curve.mark:
            x, y = _at(curve.mark)
            parts.append(f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>')
            told = f"{100 * curve.mark[0]:.1f}% / {100 * curve.mark[1]:.1f}%"
            parts.append(_text(x + 9, y + 4, told))
    return _legend(names) + _svg(SIDE + EDGE + 110, SIDE + EDGE, about, parts)


def intervals(drawn: Sequence[Interval], about: str) -> str:
    """Differences around a line at 0, each with its interval."""
    far = max((abs(v) for one in drawn for v in (one.low, one.high, one.middle)), default=0) or 1.0
    left = 2 * LABELS
    middle, half = left + (WIDTH - left - VALUES) / 2, (WIDTH - left - VALUES) / 2
    parts, top = [], 0
    for one in drawn:
        y = top + BAR / 2
        low, high, dot = (middle + half * v / far for v in (one.low, one.high, one.middle))
        colour = "s2" if one.high < 0 else "s0" if one.low > 0 else "s5"
        parts.append(_text(left - 8, top + BAR - 2, one.name, "end"))
        parts.append(
            f'<line class="line {colour}" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>'
        )
        parts.append(f'<circle class="{colour}" cx="{dot:.1f}" cy="{y}" r="4"/>')
        parts.append(_text(WIDTH - VALUES + 8, top + BAR - 2, f"{one.middle:+.3f}"))
        top += BAR + GAP
    parts.append(f'<line class="axis" x1="{middle}" x2="{middle}" y1="0" y2="{top}"/>')
    return _svg(WIDTH, top, about, parts)


def _axes(across: str, up: str) -> Iterator[str]:
    """The frame, a grid, and what is on the two axes."""
    (left, bottom), (right, top) = _at((0, 0)), _at((1, 1))
    for step in range(6):
        share = step / 5
        x, y = _at((share, share))
        yield f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>'
        yield _text(x, bottom + 16, f"{share:.1f}", "middle")
        yield _text(left - 6, y + 4, f"{share:.1f}", "end")
    yield f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{top}"/>'
    yield _text((left + right) / 2, bottom + 34, across, "middle")
    turned = f'transform="rotate(-90 12 {SIDE / 2})"'
    yield f'<text x="12" y="{SIDE / 2}" text-anchor="middle" {turned}>{escape(up)}</text>'


def _at(point: Point) -> Point:
    """Where a point of a curve lies in the drawing."""
    return EDGE + point[0] * (SIDE - 12), 8 + (1 - point[1]) * (SIDE - 12)


def _legend(names: Sequence[str]) -> str:
    if len(names) < 2:
        return ""
    items = (f'<li class="{_colour(names, name)}">{escape(name)}</li>' for name in names)
    return f'<ul class="legend">{"".join(items)}</ul>'


def _colour(names: Sequence[str], name: str) -> str:
    return f"s{names.index(name) % COLOURS}"


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(width: float, height: float, about: str, parts: Sequence[str]) -> str:
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
    return f'<svg role="img" aria-label="{escape(about)}" {size}>{"".join(parts)}</svg>'
