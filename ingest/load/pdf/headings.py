"""Headings: from the outline where the file has one, else by size and weight of their letters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ingest.load.document import Block
from ingest.load.pdf.pieces import Line, Page, wide_length

_DEEPEST = 6
# As wide (half-width columns) a heading may be, and as many lines high.
_LONGEST, _MOST_LINES = 120, 3
# Of the size of the running text: what is larger is a heading, bold ones sooner; bold ones that
# stand alone may be as large.
_LARGER, _LARGER_BOLD, _AS_LARGE = 1.25, 1.1, 0.97
# Of the largest size of a level.
_SAME_LEVEL = 0.93
# A number before the title is often in one of outline and page alone.
_NUMBER_LENGTH = 12
# Of the size: lines nearer to each other are one heading.
_NEAR_LINES = 1.7
# How far above its heading a bookmark may point, and below, in points.
_ABOVE, _BELOW = 80.0, 30.0

#: What stands above the title of a chapter, in a line of its own.
CHAPTER = re.compile(
    r"^(?:第\s?[\d一二三四五六七八九十百]+\s?[章篇部编回卷]|附录\s?\w|(?:chapter|part|appendix)\s+\w+)$",
    re.I,
)
_ENDS_SENTENCE = re.compile(r"[。！？；，、,.!?;:：]$")
_NUMBERED = re.compile(r"^[\dA-Z]+(?:\.\d+)*[.、]?\s")
_NOT_COMPARED = re.compile(r"[\s\"'“”‘’`]+")
_LETTER = re.compile(r"[^\W\d_]")

#: First and last line of a heading and its level, or its size where no level is known yet.
Found = tuple[int, int, float]


def by_outline(page: Page, lines: Sequence[Line]) -> tuple[list[Found], list[tuple[int, str]]]:
    """The headings among ``lines`` that the page's bookmarks name, and bookmarks without one."""
    found: list[Found] = []
    missing: list[tuple[int, str]] = []
    for level, title, y in page.marks:
        taken = {place for first, last, _ in found for place in range(first, last + 1)}
        place = _find(lines, title, y, taken)
        if place:
            found.append((*place, level))
        else:
            missing.append((level, title))
    return sorted(found), missing


def _find(lines: Sequence[Line], title: str, y: float, taken: set[int]) -> tuple[int, int] | None:
    """The lines that show a bookmark's title, those nearest below where it points."""
    wanted = _compact(title)
    best: tuple[float, int, int] | None = None
    for first in range(len(lines)):
        shown = ""
        for last in range(first, min(first + _MOST_LINES, len(lines))):
            shown += _compact(lines[last].text)
            more = len(shown) - len(wanted)
            if last in taken or more > _NUMBER_LENGTH:
                break
            if _shows(shown, wanted) and (last == first or more < len(lines[first].text) / 2):
                away = lines[first].y - y
                distance = abs(away) + (1000 if away < -_BELOW or away > _ABOVE else 0)
                if best is None or distance < best[0]:
                    best = distance, first, last
                break
    return best and _with_chapter(lines, best[1], best[2], taken)


def _with_chapter(lines: Sequence[Line], first: int, last: int, taken: set[int]) -> tuple[int, int]:
    """With the line "Chapter 1" above it."""
    above = first > 0 and first - 1 not in taken and CHAPTER.match(lines[first - 1].text)
    return (first - 1 if above else first), last


def _shows(shown: str, wanted: str) -> bool:
    return shown.endswith(wanted) or (len(shown) > 3 and wanted.endswith(shown))


def _compact(text: str) -> str:
    return _NOT_COMPARED.sub("", text).lower()


def by_size(lines: Sequence[Line], body: float) -> list[Found]:
    """The lines that are clearly larger than the running text, or bold and alone, and short."""
    found: list[Found] = []
    for place in range(len(lines)):
        rank = _rank(lines, place, body)
        if not rank:
            continue
        if found and _goes_on(found[-1], lines, place, rank):
            first, _, above = found[-1]
            found[-1] = first, place, max(rank, above)
        else:
            found.append((place, place, rank))
    return [(first, last, rank) for first, last, rank in found if last - first < _MOST_LINES]


def _goes_on(heading: Found, lines: Sequence[Line], place: int, rank: float) -> bool:
    first, last, above = heading
    before, line = lines[last], lines[place]
    if last != place - 1 or before.zone != line.zone:
        return False
    if first == last and CHAPTER.match(before.text):
        return True
    near = line.y - before.y < _NEAR_LINES * line.size
    return above == rank and near and not _NUMBERED.match(line.text)


def _rank(lines: Sequence[Line], place: int, body: float) -> float:
    """The size of a heading's line, rounded, less a little where it is only bold; else 0."""
    line = lines[place]
    if (
        (line.mono and not line.bold)
        or wide_length(line.text) > _LONGEST
        or not _LETTER.search(line.text)
    ):
        return 0.0
    size = round((line.pieces[0] if line.bold else line).size * 2) / 2
    if line.size >= (_LARGER_BOLD if line.bold else _LARGER) * body:
        return size
    if (
        not all(piece.bold for piece in line.pieces)
        or line.size < _AS_LARGE * body
        or _ENDS_SENTENCE.search(line.text)
    ):
        return 0.0
    above, below = _gaps(lines, place)
    return size - 0.1 if above > 1.5 * line.size and below < 4 * above else 0.0


def _gaps(lines: Sequence[Line], place: int) -> tuple[float, float]:
    """From baseline to baseline, to the lines above and below in the same zone."""
    line = lines[place]
    above = below = 100.0
    if place and lines[place - 1].zone == line.zone:
        above = line.y - lines[place - 1].y
    if place + 1 < len(lines) and lines[place + 1].zone == line.zone:
        below = lines[place + 1].y - line.y
    return above, below


def body_size(sizes: Counter[float]) -> float:
    """The size of most lines and rows of tables."""
    return max(sizes, key=lambda size: (sizes[size], -size), default=10.0)


def count_sizes(page: Page) -> Counter[float]:
    sizes: Counter[float] = Counter()
    for line in page.lines:
        sizes[round(line.size * 2) / 2] += 1
    for table in page.tables:
        sizes[round(table.size * 2) / 2] += len(table.rows)
    return sizes


def with_levels(blocks: Iterable[tuple[Block, float]]) -> list[Block]:
    """Blocks with the levels of headings that were told by size: the largest is the highest."""
    found = list(blocks)
    levels: dict[float, int] = {}
    begins = level = 0.0
    for rank in sorted({rank for _, rank in found if rank}, reverse=True):
        if not level or rank < _SAME_LEVEL * begins:
            begins, level = rank, min(level + 1, _DEEPEST)
        levels[rank] = int(level)
    return [replace(block, level=levels[rank]) if rank else block for block, rank in found]
