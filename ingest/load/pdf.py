"""PDF by pdfium: the text of each page as paragraphs, with headings from the outline."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

from assistant.errors import DocumentError
from ingest.load.document import Block, Document, RawDocument
from ingest.load.wrapping import join_lines

# pdfium is not thread-safe.
_PDFIUM = threading.Lock()
_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD
# Fewer visible characters a page, on average, are page numbers on scans.
LEAST_CHARACTERS = 8

_SENTENCE_END = re.compile(r"[。！？；.!?:：;][”’\"'）)\]」』]*$")
_ITEM = re.compile(
    r"^\s*(?:[•●▪■◦‣·\-–*]\s|\(?\d{1,3}[.)、]\s?|[（(][一二三四五六七八九十\d]+[)）])"
)
_DIGITS = re.compile(r"\d+")
_NO_TITLE = re.compile(
    r"\(?(?:untitled|anonymous|unspecified)\)?|microsoft word\b.*"
    r"|.*\.(?:docx?|tex|dvi|indd|pdf|odt)",
    re.I,
)

Lines = list[str]


def load_pdf(raw: RawDocument) -> Document:
    """A PDF file; its title is the one in its properties.

    Raises:
        DocumentError: encrypted, broken, without pages, or without text (a scan).
    """
    with _PDFIUM:
        pages, outline, title = _read(raw)
    if sum(len("".join(line.split())) for page in pages for line in page) < (
        LEAST_CHARACTERS * len(pages)
    ):
        raise DocumentError(
            "{name} has no text layer ({pages} pages of pictures, a scan?): run text recognition "
            "(OCR) on it first, for example with ocrmypdf.",
            "{name} 没有文字层（{pages} 页全是图像，可能是扫描件）：请先做文字识别（OCR），"
            "例如用 ocrmypdf。",
            name=raw.label,
            pages=len(pages),
        )
    blocks: list[Block] = []
    for number, lines in enumerate(_without_running_heads(pages), start=1):
        blocks.extend(_page_blocks(lines, number, outline.get(number, [])))
    return Document(title or raw.stem, "pdf", tuple(blocks))


def _read(raw: RawDocument) -> tuple[list[Lines], dict[int, list[tuple[int, str]]], str]:
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(raw.data)
    except pypdfium2.PdfiumError as error:
        raise _unreadable(raw, getattr(error, "err_code", None)) from error
    try:
        pages = [_page_lines(pdf[number]) for number in range(len(pdf))]
        outline = _outline(pdf)
        title = str(pdf.get_metadata_dict().get("Title", "")).strip()
    except (pypdfium2.PdfiumError, ValueError) as error:  # ValueError: names that are no text
        raise _unreadable(raw, None) from error
    finally:
        pdf.close()
    if not pages:
        raise _unreadable(raw, None)
    return pages, outline, "" if _NO_TITLE.fullmatch(title) else title


def _unreadable(raw: RawDocument, code: int | None) -> DocumentError:
    if code == _WRONG_PASSWORD:
        return DocumentError(
            "{name} is encrypted: remove its password and add it again.",
            "{name} 已加密：请去掉密码后重新添加。",
            name=raw.label,
        )
    return DocumentError(
        "{name} is not a readable PDF (broken or cut off): open it in a viewer and save it anew.",
        "{name} 不是可读的 PDF（已损坏或不完整）：请用阅读器打开并另存一份。",
        name=raw.label,
    )


def _page_lines(page: Any) -> Lines:
    text_page = page.get_textpage()
    try:
        text = str(text_page.get_text_range())
    finally:
        text_page.close()
        page.close()
    # pdfium gives U+FFFE or U+0002 for the hyphen of a split word.
    text = re.sub("[\ufffe\x02]\r?\n?", "-\n", text).replace("\0", "")
    return [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]


def _outline(pdf: Any) -> dict[int, list[tuple[int, str]]]:
    """Bookmarks by 1-based page: level (1 for the highest) and title."""
    found: dict[int, list[tuple[int, str]]] = {}
    for mark in pdf.get_toc(max_depth=6):
        target = mark.get_dest()
        page = target.get_index() if target else None
        if page is not None and mark.get_title().strip():
            found.setdefault(page + 1, []).append((mark.level + 1, mark.get_title().strip()))
    return found


def _without_running_heads(pages: list[Lines]) -> Iterator[Lines]:
    """Pages without the first and last lines that stand on half of them, page numbers aside."""
    pages = [[line for line in lines if line] for lines in pages]
    edges: Counter[str] = Counter()
    for lines in pages:
        edges.update({_edge(line) for line in (lines[:1] + lines[-1:])})
    running = {edge for edge, count in edges.items() if count >= max(3, len(pages) / 2)}
    for lines in pages:
        first = 1 if lines and _edge(lines[0]) in running else 0
        last = len(lines) - 1 if len(lines) > first and _edge(lines[-1]) in running else len(lines)
        yield lines[first:last]


def _edge(line: str) -> str:
    return _DIGITS.sub("#", line)


def _page_blocks(lines: Lines, page: int, marks: list[tuple[int, str]]) -> Iterator[Block]:
    widest = max((len(line) for line in lines), default=0)
    paragraph: Lines = []
    for line in lines:
        heading = _mark_of(line, marks)
        if heading or _ITEM.match(line) or (paragraph and _ends(paragraph[-1], widest)):
            yield from _paragraph(paragraph, page)
            paragraph = []
        if heading:
            yield Block(line, "heading", heading, page)
        else:
            paragraph.append(line)
    yield from _paragraph(paragraph, page)


def _paragraph(lines: Lines, page: int) -> Iterator[Block]:
    text = join_lines(lines)
    if text:
        yield Block(text, "paragraph", page=page)


def _ends(line: str, widest: int) -> bool:
    """Whether a paragraph ends here: a short line, or a sentence's end before the margin."""
    return len(line) < 0.6 * widest or (
        len(line) < 0.9 * widest and _SENTENCE_END.search(line) is not None
    )


def _mark_of(line: str, marks: list[tuple[int, str]]) -> int:
    """The level of the bookmark that ``line`` is the heading of, else 0."""
    compact = "".join(line.split())
    for level, title in marks:
        wanted = "".join(title.split())
        # A number before the title is often missing in one of the two.
        if len(compact) <= len(wanted) + 12 and (
            compact.endswith(wanted) or (len(compact) > 3 and wanted.endswith(compact))
        ):
            return level
    return 0
