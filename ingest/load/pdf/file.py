"""A PDF file opened by pdfium: its errors, outline and title."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from assistant.errors import DocumentError
from ingest.load.document import RawDocument

_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD
_DEEPEST = 6
_NO_TITLE = re.compile(
    r"\(?(?:untitled|anonymous|unspecified|无标题)\)?\d*|microsoft (?:word|powerpoint|excel)\b.*"
    r"|.*\.(?:docx?|xlsx?|pptx?|tex|dvi|indd|pdf|odt|rtf|md|html?)|(?:幻灯片|slide) ?\d+",
    re.I,
)

#: Bookmarks by 1-based page: level (1 for the highest), title, and y counted downwards.
Marks = dict[int, list[tuple[int, str, float]]]


@contextmanager
def opened(raw: RawDocument) -> Iterator[Any]:
    """The ``PdfDocument`` of pypdfium2, with its form if it has one.

    Raises:
        DocumentError: encrypted, broken, or without pages; also for damage met in the block.
    """
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(raw.data)
    except pypdfium2.PdfiumError as error:
        raise unreadable(raw, getattr(error, "err_code", None)) from error
    try:
        if len(pdf) == 0:
            raise unreadable(raw)
        if pdf.get_formtype():
            pdf.init_forms()
        yield pdf
    except (pypdfium2.PdfiumError, ValueError) as error:  # ValueError: names that are no text
        raise unreadable(raw) from error
    finally:
        pdf.close()


def outline(pdf: Any) -> Marks:
    found: Marks = {}
    for mark in pdf.get_toc(max_depth=_DEEPEST):
        target = mark.get_dest()
        page = target.get_index() if target else None
        title = " ".join(mark.get_title().split())
        if page is None or not title:
            continue
        _, view = target.get_view()
        y = -view[1] if len(view) > 1 else -100_000.0
        found.setdefault(page + 1, []).append((mark.level + 1, title, y))
    return found


def title_of(pdf: Any) -> str:
    """The title in the file's properties, if it is one."""
    title = str(pdf.get_metadata_dict().get("Title", "")).replace("\0", "").strip()
    return "" if _NO_TITLE.fullmatch(title) else title


def unreadable(raw: RawDocument, code: int | None = None) -> DocumentError:
    # The code may be that of a file before this one; the mark is in the clear in any case.
    if code == _WRONG_PASSWORD and b"/Encrypt" in raw.data:
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
