"""Documents to text with structure: one table of formats, one function a format.

A new format is a function ``RawDocument -> Document`` in a file of this package, a row in
:data:`FORMATS` (:mod:`ingest.load.formats`), and a test that makes such a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from assistant.errors import DocumentError
from ingest.load.archive import MOST_NESTED, Budget
from ingest.load.detect import detect_kind
from ingest.load.document import Block, Document, Loaded, RawDocument, UnknownType
from ingest.load.formats import FORMATS, Format
from ingest.load.opening import raw_file

__all__ = [
    "FORMATS",
    "Block",
    "Document",
    "Loaded",
    "RawDocument",
    "UnknownType",
    "load_all",
    "load_file",
    "load_raw",
]


def load_raw(raw: RawDocument) -> Document:
    """The document in ``raw``; of a mail, without what is attached.

    Raises:
        UnknownType: there is no loader for it, or it is an archive.
        DocumentError: empty, encrypted, broken, or without any text.
    """
    return _document(FORMATS[detect_kind(raw)], raw)


def load_file(path: Path, max_mb: int) -> Document:
    """The document in the file at ``path``, which is read whole into memory.

    Raises:
        UnknownType: there is no loader for it, or it is an archive.
        DocumentError: as :func:`load_raw`; or larger than ``max_mb``, gone, or not readable.
    """
    return load_raw(raw_file(path, max_mb))


def load_all(raw: RawDocument) -> Iterator[Loaded]:
    """The document in ``raw``, or each of those in an archive or a mail, as
    ``NAME!/MEMBER``; errors are in what is yielded.

    An archive unfolds to 2,000 members and 500 MB at most, a member to 100 MB; of archives inside
    archives only the first are opened. The same goes for what is attached to mails.
    """
    yield from _unfold(raw, Budget(), 0)


def _unfold(raw: RawDocument, budget: Budget, depth: int) -> Iterator[Loaded]:
    asked = depth == 0
    try:
        row = FORMATS[detect_kind(raw)]
        if row.load is not None:
            yield Loaded(raw.name, document=_document(row, raw), asked=asked)
        if row.members is not None:
            yield from _members(raw, row, budget, depth)
    except DocumentError as error:
        yield Loaded(raw.name, error=error, asked=asked)


def _members(raw: RawDocument, row: Format, budget: Budget, depth: int) -> Iterator[Loaded]:
    assert row.members is not None  # noqa: S101 - what the caller looked at
    is_empty = row.load is None
    for member in row.members(raw, budget):
        if depth >= MOST_NESTED:
            raise _too_deep(raw)
        unfolded = [member] if isinstance(member, Loaded) else _unfold(member, budget, depth + 1)
        for loaded in unfolded:
            is_empty = is_empty and isinstance(loaded.error, UnknownType)
            yield loaded
    if is_empty:
        raise UnknownType(
            "{name} holds nothing that can be read.",
            "{name} 中没有可读取的文件。",
            name=raw.label,
        )


def _too_deep(raw: RawDocument) -> DocumentError:
    return DocumentError(
        "{name} lies in archives inside archives: what it holds is not opened; unpack the outer "
        "one.",
        "{name} 位于多层嵌套的压缩包中：其内容未打开；请先解压外层。",
        name=raw.label,
    )


def _document(row: Format, raw: RawDocument) -> Document:
    if row.load is None:
        raise UnknownType(
            "{name} is an archive, not a document: unpack it and add what is inside.",
            "{name} 是压缩包而不是文档：请解压后添加其中的文件。",
            name=raw.label,
        )
    document = row.load(raw)
    if not any(block.text.strip() for block in document.blocks):
        raise DocumentError(
            "{name} holds no text that could be read.",
            "{name} 中没有可读取的文字。",
            name=raw.label,
        )
    return replace(document, size=len(raw.data))
