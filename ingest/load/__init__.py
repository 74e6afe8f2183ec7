"""Documents to text with structure: one table of formats, one function a format.

A new format is a function ``RawDocument -> Document`` in a file of this package, a row in
:data:`FORMATS`, its suffixes and media types in :mod:`ingest.load.detect`, and a file in
``tests/samples/``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from assistant.errors import DocumentError
from ingest.load.detect import HEAD_BYTES, detect_kind
from ingest.load.document import Block, Document, RawDocument, UnknownType
from ingest.load.docx import load_docx
from ingest.load.html import load_html
from ingest.load.markdown import load_markdown
from ingest.load.pdf import load_pdf
from ingest.load.text import load_text
from ingest.reasons import os_reason

__all__ = ["FORMATS", "Block", "Document", "RawDocument", "UnknownType", "load_file", "load_raw"]

FORMATS: Mapping[str, Callable[[RawDocument], Document]] = {
    "md": load_markdown,
    "html": load_html,
    "txt": load_text,
    "pdf": load_pdf,
    "docx": load_docx,
}


def load_raw(raw: RawDocument) -> Document:
    """The document in ``raw``.

    Raises:
        UnknownType: there is no loader for it.
        DocumentError: empty, encrypted, broken, or without any text.
    """
    document = FORMATS[detect_kind(raw)](raw)
    if not any(block.text.strip() for block in document.blocks):
        raise DocumentError(
            "{name} holds no text that could be read.",
            "{name} 中没有可读取的文字。",
            name=raw.label,
        )
    return replace(document, size=len(raw.data))


def load_file(path: Path, max_mb: int) -> Document:
    """The document in the file at ``path``, which is read whole into memory.

    Raises:
        UnknownType: there is no loader for it.
        DocumentError: as :func:`load_raw`; or larger than ``max_mb``, gone, or not readable.
    """
    raw = RawDocument(str(path), b"")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            raw = replace(raw, data=file.read(HEAD_BYTES))
            detect_kind(raw)
            if size > max_mb * 1024 * 1024:
                raise _too_large(raw, size, max_mb)
            raw = replace(raw, data=raw.data + file.read(max_mb * 1024 * 1024))
    except OSError as error:
        raise DocumentError(
            "{name} can't be read: {reason}.",
            "{name} 无法读取：{reason_zh}。",
            name=path,
            **os_reason(error),
        ) from error
    return load_raw(raw)


def _too_large(raw: RawDocument, size: int, max_mb: int) -> DocumentError:
    return DocumentError(
        "{name} is {size} MB, more than {limit}: split it, or raise MAX_FILE_MB in .env.",
        "{name} 有 {size} MB，超过 {limit} MB 的上限：请拆分，或在 .env 中调大 MAX_FILE_MB。",
        name=raw.label,
        size=round(size / 1024 / 1024, 1),
        limit=max_mb,
    )
