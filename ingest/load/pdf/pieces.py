"""What stands on a page: pieces of text with their places, and the rows and lines they make.

All places are in points of 1/72 inch, with y counted downwards, as the reader holds the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from ingest.load.wrapping import WIDE, join_lines

# Of the size of the text: what lies on one baseline, and a gap that shows a space.
_SAME_BASELINE = 0.4
_SPACE = 0.2
_BREAKS_NO_WORD = re.compile(rf"[{WIDE}]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")


class Piece(NamedTuple):
    """Glyphs of one line that follow each other without a wide gap. ``y`` is the baseline."""

    text: str
    x0: float
    x1: float
    y: float
    size: float
    mono: bool = False
    bold: bool = False
    hidden: bool = False  # drawn invisibly, as text recognition does over a scan


class Table(NamedTuple):
    """Rows of cells, a block of the page. ``y`` is where it begins."""

    rows: list[list[str]]
    x0: float
    x1: float
    y: float
    size: float = 10.0  # of its letters


Item = Piece | Table
Row = list[Piece]


@dataclass(slots=True)
class Line:
    """The pieces of one column on one baseline, from left to right."""

    pieces: Row
    zone: int = 0  # lines of one zone stand below each other
    text: str = field(init=False)
    size: float = field(init=False)
    mono: bool = field(init=False)
    bold: bool = field(init=False)  # as it begins; fonts for Chinese have no bold letters

    def __post_init__(self) -> None:
        self.text = joined(self.pieces)
        self.size = max(self.pieces, key=lambda piece: len(piece.text)).size
        self.mono = all(piece.mono for piece in self.pieces)
        self.bold = self.pieces[0].bold

    @property
    def x0(self) -> float:
        return self.pieces[0].x0

    @property
    def x1(self) -> float:
        return self.pieces[-1].x1

    @property
    def y(self) -> float:
        return self.pieces[0].y


@dataclass(slots=True)
class Page:
    """What was read of a page, in reading order."""

    number: int  # 1-based
    content: list[Line | Table]
    asides: list[str] = field(default_factory=list)  # rotated text, form values, notes
    picture: bool = False  # shows something that is no text
    recognised: bool = False  # its text comes from a picture
    marks: list[tuple[int, str, float]] = field(default_factory=list)  # bookmarks: level, title, y

    @property
    def lines(self) -> list[Line]:
        return [item for item in self.content if isinstance(item, Line)]

    @property
    def tables(self) -> list[Table]:
        return [item for item in self.content if isinstance(item, Table)]

    @property
    def visible(self) -> int:
        """Visible characters, as far as they count."""
        texts = [line.text for line in self.lines]
        texts += [cell for table in self.tables for cell in cells(table)]
        return sum(len("".join(text.split())) for text in texts)


def cells(table: Table) -> Iterable[str]:
    return (cell for row in table.rows for cell in row)


def rows(pieces: Iterable[Piece]) -> list[Row]:
    """The pieces by baseline from top to bottom, each row from left to right."""
    found: list[Row] = []
    for piece in sorted(pieces, key=lambda piece: piece.y):
        if found and _on_baseline(found[-1][0], piece):
            found[-1].append(piece)
        else:
            found.append([piece])
    for row in found:
        row.sort(key=lambda piece: piece.x0)
    return found


def _on_baseline(first: Piece, other: Piece) -> bool:
    return other.y - first.y <= _SAME_BASELINE * max(first.size, other.size)


def joined(row: Sequence[Piece]) -> str:
    """The text of a row, with a space wherever a gap shows one."""
    if len(row) == 1:
        return row[0].text
    if any(right_to_left(piece.text) for piece in row):
        row = row[::-1]
    if all(piece.mono for piece in row):
        return _in_columns(row)
    text = row[0].text
    for before, piece in pairwise(row):
        apart = max(piece.x0 - before.x1, before.x0 - piece.x1)
        parted = apart > _SPACE * piece.size or _is_note(before, piece)
        text += (" " if parted else "") + piece.text
    return text


def _is_note(before: Piece, piece: Piece) -> bool:
    """Whether a small number follows a large one, as the mark of a footnote."""
    smaller = min(before.size, piece.size) < 0.8 * max(before.size, piece.size)
    return smaller and before.text[-1:].isdigit() and piece.text[:1].isdigit()


def _in_columns(row: Sequence[Piece]) -> str:
    """Text of one width a glyph, with as many spaces as fit between."""
    text = row[0].text
    for before, piece in pairwise(row):
        width = (piece.x1 - piece.x0) / max(1, wide_length(piece.text))
        text += " " * max(1, round((piece.x0 - before.x1) / max(width, 0.1))) + piece.text
    return text


def right_to_left(text: str) -> bool:
    """Whether it holds Hebrew, Arabic or their presentation forms."""
    return not text.isascii() and _RIGHT_TO_LEFT.search(text) is not None


def one_line(lines: Iterable[str]) -> str:
    """The lines of a paragraph or cell as one."""
    found = list(lines)
    return join_lines(found) if len(found) > 1 else "".join(found).strip()


def wide_length(text: str) -> int:
    """Its width in half-width columns: two for each Chinese character."""
    return len(text) if text.isascii() else len(text) + len(_BREAKS_NO_WORD.findall(text))
