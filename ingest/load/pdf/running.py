"""Running heads, running feet and page numbers: told by coming back on the pages around."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from ingest.load.pdf.headings import body_size, count_sizes
from ingest.load.pdf.pieces import Line, Page

#: How many pages before and behind are compared: as many are held in memory at a time.
NEIGHBOURS = 4
# On how many of them a line has to come back: left and right pages may have their own.
_TWICE = 2
_EDGE_ROWS = 2
_SAME_PLACE = 3.0
_DIGITS = re.compile(r"[0-9]{1,9}")
_ROMAN = re.compile(r"\b[ivxlc]+\b")
_NUMBER = re.compile(r"^\W*(\d{1,4})\W*$")
# Larger than the text of the page by as much, a line is a slide's title.
_TITLE = 1.25


def without_running_heads(pages: Iterable[Page]) -> Iterator[Page]:
    """The pages without what repeats at their edges, and without notes aside that repeat."""
    source = iter(pages)
    around: deque[_Edges] = deque(maxlen=2 * NEIGHBOURS + 1)
    waiting: deque[_Edges] = deque()
    while True:
        page = next(source, None)
        if page is not None:
            around.append(_Edges(page))
            waiting.append(around[-1])
            if len(waiting) <= NEIGHBOURS:
                continue
        if not waiting:
            return
        yield _cleared(waiting.popleft(), around)


class _Shown(NamedTuple):
    y: float
    words: str  # without the numbers
    numbers: tuple[int, ...]


class _Edges:
    """A page with the lines at its edges, and what these show."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.lines = edges(page)
        self.shown = [_shown(line) for line in self.lines]


def _cleared(own: _Edges, around: Iterable[_Edges]) -> Page:
    page = own.page
    others = [other for other in around if other is not own]
    title = _TITLE * body_size(count_sizes(page))
    gone = {
        id(line)
        for line, shown in zip(own.lines, own.shown, strict=True)
        if line.size < title and _returns(shown, page.number, others)
    }
    if len(page.content) > 1:
        lines = sorted(page.lines, key=lambda line: line.y)
        gone |= {id(i) for i in (*lines[:1], *lines[-1:]) if _is_page_number(i, page.number)}
    asides = [a for a in page.asides if sum(a in o.page.asides for o in others) < _TWICE]
    return replace(page, content=[i for i in page.content if id(i) not in gone], asides=asides)


def edges(page: Page) -> list[Line]:
    """The lines of the first and the last rows of a page, but never all of a page of text."""
    lines = sorted(page.lines, key=lambda line: line.y)
    most = _EDGE_ROWS if page.picture else min(_EDGE_ROWS, (len(lines) - 1) // 2)
    found: list[Line] = []
    for way in (lines, lines[::-1]):
        rows = 0
        for number, line in enumerate(way):
            rows += number == 0 or abs(line.y - way[number - 1].y) > _SAME_PLACE
            if rows > most:
                break
            found.append(line)
    return found


def _returns(line: _Shown, page: int, others: Iterable[_Edges]) -> bool:
    """Whether it stands on other pages, too, with the numbers that it would have there."""
    times = sum(
        any(_is_same(line, shown, other.page.number - page) for shown in other.shown)
        for other in others
    )
    return times >= _TWICE


def _is_same(line: _Shown, other: _Shown, pages: int) -> bool:
    """Whether they differ in nothing but a page number, ``pages`` higher on the other one."""
    return (
        line.words == other.words
        and abs(line.y - other.y) <= _SAME_PLACE
        and all(b in (a, a + pages) for a, b in zip(line.numbers, other.numbers, strict=True))
    )


def _shown(line: Line) -> _Shown:
    text = line.text.lower()
    return _Shown(
        line.y,
        "".join(_ROMAN.sub("#", _DIGITS.sub("0", text)).split()),
        tuple(int(digits) for digits in _DIGITS.findall(text)),
    )


def _is_page_number(line: Line, page: int) -> bool:
    number = _NUMBER.match(line.text)
    return number is not None and int(number[1]) == page
