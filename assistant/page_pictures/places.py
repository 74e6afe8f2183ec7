"""Finds words of a chunk among the characters of the page that it was read from.

Reading changes a page's text: lines are joined, hyphens and ligatures undone, columns put into
order. So letters and digits alone are compared, and what is found has to stand there in one run.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.page_pictures.layout import Box, Layout

Span = tuple[int, int]  # begin and end in a text

#: Characters beside a span that tell it from the same words elsewhere; the most first.
_CONTEXTS = (60, 24, 8, 0)
#: A span that is not on the page in one run is looked for in such pieces.
_PIECE = 12
#: Of the runs of a chunk that have to be on its page.
_ENOUGH = 0.8


@dataclass(frozen=True)
class _Squeezed:
    """The letters and digits of a text, and where each comes from."""

    text: str
    places: tuple[int, ...]

    def span(self, begin: int, end: int) -> Span:
        """A span of the text as one of the letters."""
        inside = [at for at, place in enumerate(self.places) if begin <= place < end]
        return (inside[0], inside[-1] + 1) if inside else (0, 0)


def _squeezed(text: str) -> _Squeezed:
    letters, places = [], []
    for place, char in enumerate(text):
        for letter in unicodedata.normalize("NFKC", char).casefold():
            if letter.isalnum():
                letters.append(letter)
                places.append(place)
    return _Squeezed("".join(letters), tuple(places))


def boxes_of(layout: Layout, text: str, spans: Sequence[Span]) -> list[Box]:
    """Where ``spans`` of a chunk's ``text`` stand on its page: a box for each part of a line,
    in order. Nothing for what isn't found."""
    page, chunk = _squeezed(layout.text), _squeezed(text)
    boxes: list[Box] = []
    for begin, end in spans:
        for first, last in _found(page.text, chunk.text, *chunk.span(begin, end)):
            boxes += _lines([layout.boxes[place] for place in page.places[first:last]])
    return list(dict.fromkeys(boxes))


def _found(page: str, chunk: str, begin: int, end: int) -> Iterator[Span]:
    whole = _in_context(page, chunk, begin, end)
    if whole is not None:
        yield whole
        return
    for first in range(begin, end, _PIECE):
        last = min(first + _PIECE, end)
        piece = _in_context(page, chunk, first, last)
        if piece is not None:
            yield piece


def _in_context(page: str, chunk: str, begin: int, end: int) -> Span | None:
    """The span on the page, told from others like it by what stands beside it in the chunk; None
    where it isn't there, or can't be told."""
    if begin >= end:
        return None
    for most in _CONTEXTS:
        before, after = max(0, begin - most), min(len(chunk), end + most)
        for left, right in ((before, after), (before, end), (begin, after)):
            wanted = chunk[left:right]
            at = page.find(wanted)
            if at >= 0 and page.find(wanted, at + 1) < 0:
                return at + begin - left, at + end - left
    return None


def _lines(boxes: Sequence[Box]) -> Iterator[Box]:
    """One box for all that follow each other in a line."""
    line: Box | None = None
    for box in boxes:
        if box[0] >= box[2] or box[1] >= box[3]:
            continue
        if line is not None and _is_beside(line, box):
            line = (
                min(line[0], box[0]), min(line[1], box[1]),
                max(line[2], box[2]), max(line[3], box[3]),
            )  # fmt: skip
            continue
        if line is not None:
            yield line
        line = box
    if line is not None:
        yield line


def _is_beside(line: Box, box: Box) -> bool:
    """Whether the box goes on with the line: beside it, or below or above it where the page is
    turned, and there only just as wide, since the next line stands there otherwise."""
    return _is_next(line, box, 0.5) or _is_next(_turned(line), _turned(box), 0.8)


def _turned(box: Box) -> Box:
    return box[1], box[0], box[3], box[2]


def _is_next(line: Box, box: Box, part: float) -> bool:
    """Whether they share ``part`` of the higher one's height, without a gap of twice of it."""
    height = max(line[3] - line[1], box[3] - box[1])
    shared = min(line[3], box[3]) - max(line[1], box[1])
    gap = max(box[0] - line[2], line[0] - box[2])
    return shared > part * height and gap < 2 * height


def holds(layout: Layout, texts: Sequence[str]) -> bool:
    """Whether a page has the text that was read from it; False where that can't be told."""
    page = _squeezed(layout.text).text
    runs = [
        letters[at : at + _PIECE]
        for letters in (_squeezed(text).text for text in texts)
        for at in range(0, len(letters) - _PIECE + 1, _PIECE)
    ]
    found = sum(run in page for run in runs)
    return bool(runs) and found >= _ENOUGH * len(runs)
