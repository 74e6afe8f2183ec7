"""From a file to a document."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assistant.errors import DocumentError
from ingest.load.document import Block, Document, RawDocument
from ingest.load.ocr import MOST_PAGES as MOST_RECOGNISED
from ingest.load.ocr import MOST_SECONDS, Budget, advice, is_installed, recognise, scale
from ingest.load.pdf.blocks import page_blocks
from ingest.load.pdf.file import Marks, opened, outline, title_of, unreadable
from ingest.load.pdf.headings import body_size, by_outline, by_size, with_levels
from ingest.load.pdf.pictures import ocr_pieces
from ingest.load.pdf.pieces import Line, Page, Table
from ingest.load.pdf.reading import LEAST_CHARACTERS, MOST_PAGES, Reading, arranged
from ingest.load.pdf.running import without_running_heads

# pdfium is not thread-safe.
_PDFIUM = threading.Lock()


def load_pdf(raw: RawDocument) -> Document:
    """A PDF file; its title is the one in its properties, or the largest heading of page 1.

    Pages are read one by one and held nine at a time, beside the blocks that are made of them.
    Bounds: 20,000 pages, 200,000 glyphs and 5,000 drawings a page; those of OCR are in
    :mod:`ingest.load.ocr`. ``warnings`` name the pages that could not be read.

    Raises:
        DocumentError: encrypted, broken, without pages, or without text on any page (a scan).
    """
    with _PDFIUM, opened(raw) as pdf:
        marks = outline(pdf)
        state = _State(raw, Reading(pdf, marks), Budget())
        blocks = with_levels(_blocks(pdf, state, marks))
        title = title_of(pdf) or _first_title(blocks, marks)
        count = len(pdf)
    if not state.read:
        raise unreadable(raw) if state.reading.damaged else state.nothing(count)
    return Document(title or raw.stem, "pdf", tuple(blocks), warnings=tuple(state.warnings(count)))


@dataclass
class _State:
    raw: RawDocument
    reading: Reading
    budget: Budget
    read: int = 0  # pages with text
    pictures: list[int] = field(default_factory=list)
    unfinished: list[int] = field(default_factory=list)  # by OCR, for want of time

    def nothing(self, count: int) -> DocumentError:
        """The error for a file that no text was found in."""
        return DocumentError(
            "{name} has no text layer ({pages} pages of pictures, a scan?). {en}",
            "{name} 没有文字层（{pages} 页全是图像，可能是扫描件）。{zh}",
            name=self.raw.label,
            pages=count,
            **advice(),
        )

    def warnings(self, count: int) -> Iterator[DocumentError]:
        name = self.raw.label
        if self.pictures:
            yield DocumentError(
                "Pages {pages} of {name} hold no text (pictures). {en}",
                "{name} 的第 {pages} 页没有文字（全是图像）。{zh}",
                name=name,
                pages=ranges(self.pictures),
                **advice(),
            )
        if self.unfinished:
            yield DocumentError(
                "Pages {pages} of {name} hold no text, and more than {most} pages or {seconds} "
                "seconds of text recognition are too much for one file: split it.",
                "{name} 的第 {pages} 页没有文字；单个文件的文字识别上限为 {most} 页或 {seconds} "
                "秒：请拆分后再添加。",
                name=name,
                pages=ranges(self.unfinished),
                most=MOST_RECOGNISED,
                seconds=MOST_SECONDS,
            )
        if self.reading.damaged:
            yield DocumentError(
                "Pages {pages} of {name} are damaged and were left out: save it anew in a viewer.",
                "{name} 的第 {pages} 页已损坏，未能读取：请用阅读器打开并另存一份。",
                name=name,
                pages=ranges(self.reading.damaged),
            )
        if count > MOST_PAGES:
            yield DocumentError(
                "{name} has {count} pages; only the first {most} were read: split it.",
                "{name} 有 {count} 页，只读取了前 {most} 页：请拆分后再添加。",
                name=name,
                count=count,
                most=MOST_PAGES,
            )


def _blocks(pdf: Any, state: _State, marks: Marks) -> Iterator[tuple[Block, float]]:
    for read in without_running_heads(state.reading.pages()):
        page = _with_text(pdf, read, state)
        lines = page.lines
        if marks:
            found, missing = by_outline(page, lines)
            yield from ((Block(t, "heading", level, page.number), 0.0) for level, t in missing)
            yield from ((replace(b, level=int(at)), 0.0) for b, at in page_blocks(page, found))
            continue
        body = body_size(state.reading.sizes)
        sized = [] if page.recognised else by_size(lines, body)
        yield from page_blocks(page, sized)


def _with_text(pdf: Any, page: Page, state: _State) -> Page:
    """The page, or what OCR reads on it where it has no text."""
    shown = page.visible + sum(map(len, page.asides))
    if page.picture and shown < LEAST_CHARACTERS and page.number not in state.reading.damaged:
        if not is_installed():
            state.pictures.append(page.number)
        elif not state.budget.take():
            state.unfinished.append(page.number)
        else:
            page = replace(page, content=_recognised(pdf, page), recognised=True)
            shown = page.visible
    state.read += shown >= LEAST_CHARACTERS
    return page


def _recognised(pdf: Any, page: Page) -> list[Line | Table]:
    shown = pdf[page.number - 1]
    try:
        width, height = shown.get_size()
        pixels = scale(width, height)
        picture = shown.render(scale=pixels).to_numpy()
    finally:
        shown.close()
    return arranged(ocr_pieces(recognise(picture), pixels), None)


def _first_title(blocks: Sequence[Block], marks: Marks) -> str:
    """The highest heading of the first page, where the file has no outline."""
    if marks:
        return ""
    first = (b.text for b in blocks if b.kind == "heading" and b.level == 1 and b.page == 1)
    return next(first, "")


def ranges(numbers: Iterable[int]) -> str:
    """Ascending numbers in few words.

    >>> ranges([3, 5, 6, 7])
    '3, 5-7'
    """
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ", ".join("-".join(map(str, part)) for part in parts)
