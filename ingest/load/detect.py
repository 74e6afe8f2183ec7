"""The type of a document: from its content first, then from the HTTP header, then its name."""

from __future__ import annotations

import re

from assistant.errors import DocumentError
from ingest.load.document import RawDocument, UnknownType
from ingest.load.encoding import MARKS, unmarked_utf16

SUFFIXES = {
    ".md": "md", ".markdown": "md", ".mdown": "md", ".mkd": "md",
    ".html": "html", ".htm": "html", ".xhtml": "html",
    ".txt": "txt", ".text": "txt", ".log": "txt", "": "txt",
    ".pdf": "pdf", ".docx": "docx",
}  # fmt: skip
MEDIA_TYPES = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/markdown": "md",
    "text/x-markdown": "md",
    "text/plain": "txt",
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
}
#: As much of the beginning as a type is told from.
HEAD_BYTES = 8192

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML = re.compile(
    r"\A\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_CONTROL = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")


def detect_kind(raw: RawDocument) -> str:
    """The name of the loader for ``raw``, whose data may be its first ``HEAD_BYTES`` alone.

    Raises:
        UnknownType: there is no loader for it.
        DocumentError: it is empty, not what its name says, or an old or encrypted Office file.
    """
    head = raw.data[:HEAD_BYTES]
    if len(head) < HEAD_BYTES and not head.strip():
        known = raw.suffix in SUFFIXES or raw.media_type in MEDIA_TYPES
        raise _empty(raw) if known else _unknown(raw)
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(b"PK\x03\x04") and (raw.suffix == ".docx" or b"word/" in head):
        return "docx"
    if head.startswith(_OLE) and raw.suffix in (".doc", ".docx"):
        raise DocumentError(
            "{name} is an old .doc file or a Word file with a password: save it as .docx without "
            "a password.",
            "{name} 是旧版 .doc 文件或带密码的 Word 文件：请另存为不带密码的 .docx。",
            name=raw.label,
        )
    if not _is_text(head):
        raise _mislabelled(raw) if raw.suffix in SUFFIXES and raw.suffix else _unknown(raw)
    if _HTML.match(_ascii(head)):
        return "html"
    return _named_kind(raw)


def _named_kind(raw: RawDocument) -> str:
    """What the header or the name says, for content that is text."""
    declared = MEDIA_TYPES.get(raw.media_type)
    named = SUFFIXES.get(raw.suffix)
    kind = named if declared in (None, "txt") and named else declared
    if kind in ("pdf", "docx"):
        raise _mislabelled(raw)
    if kind is None:
        raise _unknown(raw)
    return kind


def _is_text(head: bytes) -> bool:
    if any(head.startswith(mark) for mark, _ in MARKS):
        return True
    if b"\0" in head and unmarked_utf16(head):
        return True
    # Broken pages hold a NUL here and there; binary formats are full of control characters.
    return len(_CONTROL.findall(head)) <= len(head) / 100


def _ascii(head: bytes) -> str:
    """The beginning as far as ASCII markup shows, whatever the encoding."""
    for mark, _ in MARKS:
        head = head.removeprefix(mark)
    return head.replace(b"\0", b"").decode("latin-1")


def _empty(raw: RawDocument) -> DocumentError:
    return DocumentError("{name} is empty.", "{name} 是空文件。", name=raw.label)


def _unknown(raw: RawDocument) -> UnknownType:
    known = sorted(suffix for suffix in SUFFIXES if suffix)
    return UnknownType(
        "{name} is of a type that can't be read{type}; these can: {known}",
        "{name} 的类型{type}无法读取；可读取的类型：{known}",
        name=raw.label,
        type=f" ({raw.media_type})" if raw.media_type else "",
        known=" ".join(known),
    )


def _mislabelled(raw: RawDocument) -> DocumentError:
    return DocumentError(
        "{name} is not what its name says: its content is not {kind}.",
        "{name} 与其名称不符：内容不是 {kind}。",
        name=raw.label,
        kind=(SUFFIXES.get(raw.suffix) or MEDIA_TYPES.get(raw.media_type, "?")).upper(),
    )
