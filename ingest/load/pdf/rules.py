"""Ruled lines of a page, and the grids that they make."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

#: Drawings of one page that are looked at, and segments of one drawing.
MOST_SHAPES, MOST_SEGMENTS = 5000, 2000

_PATH, _LINE_TO, _MOVE_TO = 2, 0, 2
_THIN = 3.0
_SHORTEST = 8.0
# Lines as far apart count as one; so do the ends of lines that make one grid.
_NEAR = 3.0


class Rule(NamedTuple):
    """A straight line at ``at``, from ``start`` to ``end`` on the other axis."""

    at: float
    start: float
    end: float


@dataclass
class Grid:
    """A table's lines: the places of all its columns, and band by band those that part it there.

    Places in points, y counted downwards. ``parts[n]`` belongs to ``ys[n]`` to ``ys[n + 1]``.
    """

    xs: list[float]
    ys: list[float]
    parts: list[list[float]]


def grids(page: Any) -> list[Grid]:
    """The grids on an upright page of pypdfium2, each with a line between two columns at least."""
    across: list[Rule] = []
    down: list[Rule] = []
    for x0, y0, x1, y1 in _lines(page):
        if y1 - y0 < _THIN and x1 - x0 > _SHORTEST:
            across.append(Rule(-(y0 + y1) / 2, x0, x1))
        elif x1 - x0 < _THIN and y1 - y0 > _SHORTEST / 2:
            down.append(Rule((x0 + x1) / 2, -y1, -y0))
    if len(across) < 2 or not down:
        return []
    return list(_grids(_merged(across), _merged(down)))


def _grids(across: Sequence[Rule], down: Sequence[Rule]) -> Iterator[Grid]:
    """Of horizontal lines that begin and end together, as far as vertical ones join them."""
    rest = list(across)
    while rest:
        left, right = rest[0].start, rest[0].end
        frame = [rule for rule in rest if _near(rule.start, left) and _near(rule.end, right)]
        rest = [rule for rule in rest if rule not in frame]
        if len(frame) < 2:
            continue
        inside = [rule for rule in down if left + _NEAR < rule.at < right - _NEAR]
        ys = [
            rule.at
            for rule in across
            if frame[0].at <= rule.at <= frame[-1].at
            and 2 * (min(rule.end, right) - max(rule.start, left)) >= right - left
        ]
        yield from _joined(left, right, sorted(ys), inside)


def _joined(
    left: float, right: float, ys: Sequence[float], inside: Sequence[Rule]
) -> Iterator[Grid]:
    grid = Grid([], [], [])
    for top, bottom in [*pairwise(ys), (0.0, 0.0)]:
        parts = [
            rule.at
            for rule in inside
            if rule.start <= top + _NEAR and rule.end >= bottom - _NEAR and top < bottom
        ]
        if parts:
            grid.ys = grid.ys or [top]
            grid.ys.append(bottom)
            grid.parts.append([left, *parts, right])
        elif grid.parts:
            grid.xs = sorted({at for part in grid.parts for at in part})
            yield grid
            grid = Grid([], [], [])


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= _NEAR


def _merged(found: Iterable[Rule]) -> list[Rule]:
    """Lines that go on from each other, or lie on each other, as one."""
    merged: list[Rule] = []
    places: list[list[Rule]] = []
    for rule in sorted(found):
        if places and rule.at - places[-1][0].at < _NEAR:
            places[-1].append(rule)
        else:
            places.append([rule])
    for place in places:
        place.sort(key=lambda rule: rule.start)
        start, end = place[0].start, place[0].end
        for rule in place[1:]:
            if rule.start > end + _NEAR:
                merged.append(Rule(place[0].at, start, end))
                start = rule.start
            end = max(end, rule.end)
        merged.append(Rule(place[0].at, start, end))
    return merged


def _lines(page: Any) -> Iterator[tuple[float, float, float, float]]:
    """Left, bottom, right and top of everything straight; the sides of rectangles singly."""
    import pypdfium2.raw as pdfium

    sides = [ctypes.c_float() for _ in range(4)]
    for place in range(min(pdfium.FPDFPage_CountObjects(page.raw), MOST_SHAPES)):
        shape = pdfium.FPDFPage_GetObject(page.raw, place)
        if pdfium.FPDFPageObj_GetType(shape) != _PATH:
            continue
        if not pdfium.FPDFPageObj_GetBounds(shape, *sides):
            continue
        x0, y0, x1, y1 = (side.value for side in sides)
        if x1 - x0 < _THIN or y1 - y0 < _THIN:
            yield x0, y0, x1, y1
        else:
            yield from _segments(shape)


def _segments(shape: Any) -> Iterator[tuple[float, float, float, float]]:
    import pypdfium2.raw as pdfium

    count = pdfium.FPDFPath_CountSegments(shape)
    if not 2 <= count <= MOST_SEGMENTS:
        return
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(shape, matrix)
    x, y = ctypes.c_float(), ctypes.c_float()
    before = start = (0.0, 0.0)
    for place in range(count):
        segment = pdfium.FPDFPath_GetPathSegment(shape, place)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        point = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        if kind == _MOVE_TO:
            start = point
        elif kind == _LINE_TO:
            yield _box(before, point)
        if pdfium.FPDFPathSegment_GetClose(segment):
            yield _box(point, start)
        before = point


def _box(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float, float, float]:
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[0], other[0]),
        max(one[1], other[1]),
    )
