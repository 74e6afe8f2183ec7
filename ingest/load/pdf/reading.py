"""Pages one after the other: their text in reading order, what they show besides, their notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from ingest.load.pdf.columns import zones
from ingest.load.pdf.file import Marks
from ingest.load.pdf.glyphs import Glyphs, read_glyphs
from ingest.load.pdf.headings import count_sizes
from ingest.load.pdf.notes import notes
from ingest.load.pdf.pieces import Item, Line, Page, Piece, Table, rows
from ingest.load.pdf.rules import grids
from ingest.load.pdf.signs import garbage, reads_as_words
from ingest.load.pdf.tables import aligned_tables, ruled_tables

#: Pages of one file that are read.
MOST_PAGES = 20_000
#: Fewer visible characters on a page that shows a picture are stamps and page numbers on a scan.
LEAST_CHARACTERS = 8
# So much of a page's text being garbage, there is no text.
_GARBAGE = 0.3
# As many shapes are a drawing, be it of letters.
_DRAWING = 20
_TEXT, _PATH, _IMAGE = 1, 2, 3


class Reading:
    """The pages of an open file, read one by one; what was met on the way."""

    def __init__(self, pdf: Any, marks: Marks) -> None:
        self._pdf = pdf
        self._marks = marks
        #: Lines and rows of tables by the size of their letters.
        self.sizes: Counter[float] = Counter()
        self.damaged: list[int] = []

    def pages(self) -> Iterator[Page]:
        from pypdfium2 import PdfiumError

        for number in range(1, min(len(self._pdf), MOST_PAGES) + 1):
            try:
                page = self._page(number)
            except PdfiumError:
                self.damaged.append(number)
                page = Page(number, [], picture=True)
            self.sizes.update(count_sizes(page))
            yield page

    def _page(self, number: int) -> Page:
        page = self._pdf[number - 1]
        try:
            text_page = page.get_textpage()
            try:
                glyphs = read_glyphs(page, text_page)
            finally:
                text_page.close()
            pieces = _readable(glyphs)
            found = Page(number, arranged(pieces, page if glyphs.upright else None))
            found.asides = [" ".join(p.text for p in glyphs.aside)] if glyphs.aside else []
            found.asides += notes(self._pdf, page)
            found.picture = found.visible < 20 * LEAST_CHARACTERS and _shows_picture(page)
            found.marks = self._marks.get(number, [])
            return found
        finally:
            page.close()


def arranged(pieces: Sequence[Piece], page: Any) -> list[Line | Table]:
    """Lines and tables in reading order; ruled lines are looked for on ``page``."""
    tables: list[Table] = []
    if page is not None and _may_have_table(pieces):
        tables, pieces = ruled_tables(grids(page), pieces)
    items: list[Item] = [*pieces, *tables]
    content: list[Line | Table] = []
    for number, zone in enumerate(zones(items)):
        lines = [Line(row, number) for row in rows(i for i in zone if isinstance(i, Piece))]
        found = [*aligned_tables(lines), *(i for i in zone if isinstance(i, Table))]
        content += sorted(found, key=lambda item: item.y)
    return content


def _may_have_table(pieces: Sequence[Piece]) -> bool:
    """Whether two rows that follow each other are in parts; only then lines are looked for."""
    before = False
    for row in rows(pieces):
        parted = len(row) > 1 and not row[0].mono
        if parted and before:
            return True
        before = parted
    return False


def _readable(glyphs: Glyphs) -> list[Piece]:
    """The pieces without those drawn twice; none where they are garbage."""
    text = "".join(piece.text for piece in glyphs.pieces)
    # Fonts that don't say which characters their glyphs are often have them right all the same.
    is_unmapped = glyphs.unmapped > _GARBAGE and not reads_as_words(text)
    if is_unmapped or garbage(text) > _GARBAGE:
        return []
    return _once(_seen(glyphs.pieces))


def _seen(pieces: Sequence[Piece]) -> list[Piece]:
    """Without a text layer that repeats, invisibly, what stands there visibly."""
    shown = [piece for piece in pieces if not piece.hidden]
    if not shown or len(shown) == len(pieces):
        return list(pieces)
    places = {(round(piece.y / 10) + step, round(x / 20)) for piece in shown for step in (-1, 0, 1)
              for x in range(int(piece.x0), int(piece.x1) + 1, 10)}  # fmt: skip
    return [
        piece
        for piece in pieces
        if not piece.hidden or (round(piece.y / 10), round(piece.x0 / 20)) not in places
    ]


def _once(pieces: Sequence[Piece]) -> list[Piece]:
    """Without what is drawn again at nearly the same place, as shadows and false bold are."""
    places: dict[str, list[Piece]] = {}
    kept: list[Piece] = []
    for piece in pieces:
        same = places.setdefault(piece.text, [])
        near = 0.3 * piece.size
        if not any(abs(p.x0 - piece.x0) < near and abs(p.y - piece.y) < near for p in same):
            same.append(piece)
            kept.append(piece)
    return kept


def _shows_picture(page: Any) -> bool:
    import pypdfium2.raw as pdfium

    paths = 0
    for place in range(min(pdfium.FPDFPage_CountObjects(page.raw), 1000)):
        kind = pdfium.FPDFPageObj_GetType(pdfium.FPDFPage_GetObject(page.raw, place))
        if kind not in (_TEXT, _PATH):
            return True
        paths += kind == _PATH
    return paths >= _DRAWING
