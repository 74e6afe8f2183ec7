"""The glyphs of a page as pieces of text: their places, sizes and fonts, asked of pdfium.

Each question to pdfium costs as much as some lines of Python, so it is asked for words, not for
glyphs: the boxes of the first and the last glyph, and the text object and font of the first.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ingest.load.pdf.pieces import Piece, right_to_left
from ingest.load.pdf.signs import clean
from ingest.load.wrapping import WIDE

#: Glyphs of one page that are read; a page of a book has 2,000.
MOST_GLYPHS = 200_000

# pdfium puts a space into every gap, and U+FFFE or U+0002 for the hyphen of a split word.
_WORD = re.compile("[^\\s\0\x02\ufffe]+")
# Of the height of a glyph's box: a gap that may part columns or cells.
_WIDE_GAP = 0.75
_INVISIBLE = (3, 7)
_FIXED_PITCH, _FORCE_BOLD = 1, 1 << 18
_MONO_NAME = re.compile(rb"mono|courier|consol|menlo|typewriter|cmtt|sourcecode", re.I)
_BOLD_NAME = re.compile(rb"bold|black|heavy|semib|demib|cmbx|-bd|-medi$", re.I)
_COMMENT = re.compile(r"#|//|/\*|--\s|;|<!--")
_WIDE = re.compile(f"[{WIDE}]")


@dataclass
class Font:
    """``named_mono``: by its name; ``mono``: it says so, which fonts for Chinese do falsely."""

    above: float = 1.0  # the part of a box that is above the baseline
    height: float = 1.0  # of a box, for text of size 1
    mono: bool = False
    named_mono: bool = False
    bold: bool = False


_VERTICAL = Font()
_LINE_END = re.compile("[\n\x02\ufffe]")
_BOX_OF = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class Style(NamedTuple):
    """What the words of one text object share."""

    shape: int  # address of the text object
    font: Font
    quarter: int  # quarter turns against the clock; 4 for anything else
    hidden: bool
    unmapped: bool  # the font doesn't say which characters its glyphs are


class Word(NamedTuple):
    """Glyphs without a space between, with y counted downwards."""

    start: int
    end: int
    x0: float
    top: float
    x1: float
    bottom: float
    quarter: int
    style: Style


@dataclass(frozen=True)
class Glyphs:
    """``aside``: text that doesn't run as most of the page does. ``unmapped``: its part, of 1."""

    pieces: list[Piece]
    aside: list[Piece]
    unmapped: float
    upright: bool  # places are those of the page, not turned


def read_glyphs(page: Any, text_page: Any) -> Glyphs:
    """The text of an open page of pypdfium2."""
    text = _text(text_page)
    words = list(_words(text_page, text, page.get_bbox()))
    quarters: Counter[int] = Counter()
    for word in words:
        quarters[word.quarter] += word.end - word.start
    main = max(quarters, key=lambda quarter: quarters[quarter], default=0)
    unmapped = sum(word.end - word.start for word in words if word.style.unmapped)
    pieces: list[Piece] = []
    aside: list[Piece] = []
    for group in _groups(text, words):
        (pieces if group[0].quarter == main else aside).append(_piece(text, group))
    return Glyphs(pieces, aside, unmapped / max(1, quarters.total()), main == 0)


def _text(text_page: Any) -> str:
    """One character a glyph."""
    import pypdfium2.raw as pdfium

    count = min(text_page.count_chars(), MOST_GLYPHS)
    text = str(text_page.get_text_range(0, count)) if count else ""
    if len(text) == count:
        return text
    codes = [pdfium.FPDFText_GetUnicode(text_page.raw, place) for place in range(count)]
    return "".join(chr(code) if code <= 0x10FFFF else "\ufffd" for code in codes)


def _words(text_page: Any, text: str, page: tuple[float, float, float, float]) -> Iterator[Word]:
    """The words on the page in pdfium's order."""
    import pypdfium2.raw as pdfium

    styles = _Styles(text_page)
    box_of = _function(pdfium.FPDFText_GetLooseCharBox, *_BOX_OF)
    shape_of, handle, style = styles.shape_of, styles.handle, Style(-1, Font(), 0, False, False)
    first, last = pdfium.FS_RECTF(), pdfium.FS_RECTF()
    first_at, last_at = ctypes.addressof(first), ctypes.addressof(last)
    left, bottom, right, top = page
    for found in _WORD.finditer(text):
        start, end = found.span()
        shape = shape_of(handle, start)
        if shape and shape != style.shape:
            style = styles.of(shape, start)
        if style.font.mono and _WIDE.match(text, start):
            style.font.mono = style.font.named_mono
        box_of(handle, start, first_at)
        box_of(handle, end - 1, last_at)
        x0, y0 = first.left, first.bottom
        if not (left <= x0 <= right and bottom <= y0 <= top):
            continue  # printers' marks beside the page
        if end - start > 1 and style.quarter == 0 and _is_vertical(first, last, end - start):
            yield Word(start, end, *_turned(first, last, 1), 1, style._replace(font=_VERTICAL))
        elif style.quarter == 0 and x0 <= last.left:
            yield Word(start, end, x0, -first.top, last.right, -y0, 0, style)
        else:
            yield Word(start, end, *_turned(first, last, style.quarter), style.quarter, style)


def _is_vertical(first: Any, last: Any, length: int) -> bool:
    """Whether the glyphs stand upright below each other; that reads as if turned clockwise."""
    return bool(first.bottom - last.bottom > 0.5 * (length - 1) * (first.top - first.bottom) > 0)


def _turned(first: Any, last: Any, quarter: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom as the reader sees them; as high as the first glyph."""
    if quarter == 1:
        return -max(first.top, last.top), -first.right, -min(first.bottom, last.bottom), -first.left
    if quarter == 3:
        return min(first.bottom, last.bottom), first.left, max(first.top, last.top), first.right
    x0, x1 = min(first.left, last.left), max(first.right, last.right)
    if quarter == 2:
        return -x1, first.bottom, -x0, first.top
    return x0, -first.top, x1, -first.bottom


class _Styles:
    """The styles of a page's text objects."""

    def __init__(self, text_page: Any) -> None:
        import pypdfium2.raw as pdfium

        word, integer = ctypes.c_void_p, ctypes.c_int
        self.handle = ctypes.cast(text_page.raw, word).value
        self.shape_of = _function(pdfium.FPDFText_GetTextObject, word, word, integer)
        self._font_of = _function(pdfium.FPDFTextObj_GetFont, word, word)
        self._mode_of = _function(pdfium.FPDFTextObj_GetTextRenderMode, integer, word)
        self._angle_of = _function(pdfium.FPDFText_GetCharAngle, ctypes.c_float, word, integer)
        self._unmapped = _function(pdfium.FPDFText_HasUnicodeMapError, integer, word, integer)
        self._fonts: dict[int, Font] = {0: Font()}

    def of(self, shape: int, place: int) -> Style:
        """The style of the text object at address ``shape``, which the glyph at ``place`` is of."""
        address = self._font_of(shape) or 0
        if address not in self._fonts:
            self._fonts[address] = _font(address)
        angle = self._angle_of(self.handle, place)
        return Style(
            shape,
            self._fonts[address],
            _quarter(angle) if angle else 0,
            self._mode_of(shape) in _INVISIBLE,
            self._unmapped(self.handle, place) == 1,
        )


def _function(function: Any, result: Any, *arguments: Any) -> Any:
    """One of pdfium's functions that takes and gives addresses as plain numbers."""
    return ctypes.cast(function, ctypes.CFUNCTYPE(result, *arguments))


def _font(address: int) -> Font:
    import pypdfium2.raw as pdfium

    font = ctypes.cast(address, pdfium.FPDF_FONT)
    name = ctypes.create_string_buffer(200)
    pdfium.FPDFFont_GetBaseFontName(font, name, len(name))
    flags = max(0, pdfium.FPDFFont_GetFlags(font))
    ascent, descent = ctypes.c_float(), ctypes.c_float()
    pdfium.FPDFFont_GetAscent(font, 1.0, ascent)
    pdfium.FPDFFont_GetDescent(font, 1.0, descent)
    height = ascent.value - descent.value
    named = _MONO_NAME.search(name.value) is not None
    return Font(
        ascent.value / height if height > 0 else 1.0,
        height if height > 0 else 1.0,
        named or bool(flags & _FIXED_PITCH),
        named,
        bool(flags & _FORCE_BOLD) or _BOLD_NAME.search(name.value) is not None,
    )


def _quarter(angle: float) -> int:
    """Quarter turns of text at ``angle`` radians; a scan may lean a little."""
    turns = angle / (math.pi / 2)
    return round(turns) % 4 if abs(turns - round(turns)) < 0.1 else 4


def _groups(text: str, words: Iterable[Word]) -> Iterator[list[Word]]:
    """Words of one line without a wide gap between them."""
    group: list[Word] = []
    for word in words:
        if group and _part(text, group[-1], word):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _part(text: str, before: Word, word: Word) -> bool:
    between = text[before.end : word.start]
    if (between != " " and _LINE_END.search(between)) or before.quarter != word.quarter:
        return True
    wide = _WIDE_GAP * (word.bottom - word.top)
    if before.x1 - word.x0 > wide or word.x0 - before.x1 > wide:
        return not right_to_left(text[before.start : word.end])  # its order is pdfium's
    return False


def _piece(text: str, words: list[Word]) -> Piece:
    main = max(words, key=lambda word: word.end - word.start) if len(words) > 1 else words[0]
    font, last = main.style.font, words[-1].end
    height = main.bottom - main.top
    single = len(words) == 1
    shown = clean(text[words[0].start : last])
    if text[last : last + 1] in ("\ufffe", "\x02"):
        shown += "-"
    return Piece(
        shown,
        main.x0 if single else min(word.x0 for word in words),
        main.x1 if single else max(word.x1 for word in words),
        main.top + font.above * height,
        max(height / font.height, 0.1),
        mono=_is_mono(text, words),
        bold=all(word.style.font.bold for word in words),
        hidden=main.style.hidden,
    )


def _is_mono(text: str, words: list[Word]) -> bool:
    """Whether it is code: in a font of one width, but for a comment in Chinese."""
    if not words[0].style.font.mono and not words[-1].style.font.mono:
        return False
    mono = plain = 0
    for word in words:
        if text[word.start : word.end].isascii():
            length = word.end - word.start
            mono, plain = (mono + length, plain) if word.style.font.mono else (mono, plain + length)
    comment = _COMMENT.match(text, words[0].start) is not None
    return mono > 0 and plain == 0 and (comment or 2 * mono >= words[-1].end - words[0].start)
