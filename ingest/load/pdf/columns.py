"""Reading order: columns found by the gutters between them, whatever the order in the file.

A gutter is a place across the page that text stands on both sides of and that only titles, wide
tables and figures cross. What crosses it parts the page into bands; each band is read column by
column, and a column may have gutters of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from ingest.load.pdf.pieces import Item, Piece, Row, rows, wide_length

_DEPTH = 3
# The fewest pieces of a column, and of a band of columns together.
_FEWEST, _FEWEST_TOGETHER = 2, 8
# Written row by row as tables are, columns must show more clearly that they are none.
_FEWEST_INTERLEAVED, _LEAST_LENGTH_INTERLEAVED = 6, 24
# Running text has lines as long as this (half-width columns), which fill their column.
_LEAST_LENGTH = 16
_CANDIDATES = 8
# Gaps inside justified lines, of the size of the text.
_LOOSE = 1.6


def zones(items: Sequence[Item], depth: int = _DEPTH) -> Iterator[list[Item]]:
    """The parts of a page in reading order; what is in one part stands below each other."""
    edge = _gutter(items, depth) if depth else None
    if edge is None:
        if items:
            yield list(items)
        return
    for band, parted in _bands(items, edge, depth):
        if parted:
            yield from zones([item for item in band if item.x0 < edge], depth - 1)
            yield from zones([item for item in band if item.x0 >= edge], depth - 1)
        else:
            yield band


def _gutter(items: Sequence[Item], depth: int) -> float | None:
    """Where the column to the right of the best gutter begins."""
    texts = [item for item in items if isinstance(item, Piece)]
    if len(texts) < _FEWEST_TOGETHER:
        return None
    leftmost = min(piece.x0 for piece in texts)
    begins = Counter(round(piece.x0 / 2) for piece in texts if piece.x0 > leftmost + piece.size)
    best, edge = 0, None
    for begin, count in begins.most_common(_CANDIDATES):
        if count < _FEWEST:
            break
        place = 2 * begin - 1.5
        score = sum(len(band) for band, parted in _bands(items, place, depth) if parted)
        if score > best:
            best, edge = score, place
    return edge


def _bands(items: Sequence[Item], edge: float, depth: int) -> Iterator[tuple[list[Item], bool]]:
    """The bands from top to bottom, each with whether ``edge`` parts it in two columns."""
    written = {id(item): place for place, item in enumerate(items)}
    whole: list[Item] = []
    band: list[Item] = []
    for item in [*sorted(items, key=lambda item: item.y), None]:
        if item and not (item.x0 < edge - 1 and item.x1 > edge + 1):
            band.append(item)
            continue
        if _is_parted(band, edge, depth, written):
            if whole:
                yield whole, False
            yield sorted(band, key=lambda item: written[id(item)]), True
            whole = []
        else:
            whole += band
        band = []
        if item:
            whole.append(item)
    if whole:
        yield whole, False


def _is_parted(band: Sequence[Item], edge: float, depth: int, written: dict[int, int]) -> bool:
    band = sorted(band, key=lambda item: written[id(item)])
    left = [item for item in band if item.x0 < edge]
    right = [item for item in band if item.x0 >= edge]
    if min(len(left), len(right)) < _FEWEST or len(band) < _FEWEST_TOGETHER:
        return False
    if not _beside(left, right):
        return False
    least = _LEAST_LENGTH
    if _is_interleaved(band, edge):
        least = _LEAST_LENGTH_INTERLEAVED
        if min(len(left), len(right)) < _FEWEST_INTERLEAVED:
            return False
    return _is_text(left, depth, least) and _is_text(right, depth, least)


def _beside(left: Sequence[Item], right: Sequence[Item]) -> bool:
    """Whether they stand side by side, not below each other."""
    tops = min(item.y for item in left), min(item.y for item in right)
    ends = max(item.y for item in left), max(item.y for item in right)
    return max(tops) < min(ends)


def _is_interleaved(band: Sequence[Item], edge: float) -> bool:
    """Whether the file has the two sides by turns, not one after the other."""
    sides = [item.x0 < edge for item in band]
    turns = sum(side != other for side, other in pairwise(sides))
    return 2 * turns > min(sides.count(True), sides.count(False))


def _is_text(items: Sequence[Item], depth: int, least: int) -> bool:
    """Whether these are lines of running text; rows of a table are short or in parts."""
    lines = rows(item for item in items if isinstance(item, Piece))
    if not lines:
        return True  # a table in a column of its own
    if 2 * sum(line[0].mono for line in lines) > len(lines):
        return False  # code, whose columns are its own
    whole = [line for line in lines if _is_whole(line)]
    if 5 * len(whole) < 3 * len(lines):
        return depth > 1 and _gutter(items, depth - 1) is not None
    length = median(sum(_letters(piece.text) for piece in line) for line in whole)
    margin = max(line[-1].x1 for line in whole)
    width = margin - min(line[0].x0 for line in whole)
    filled = sum(line[-1].x1 > margin - 0.25 * width for line in whole)
    return length >= least and 2 * filled >= len(whole)


def _letters(text: str) -> int:
    return wide_length("".join(sign for sign in text if sign.isalnum()))


def _is_whole(line: Row) -> bool:
    pairs = pairwise(line)
    return all(piece.x0 - before.x1 < _LOOSE * piece.size for before, piece in pairs)
