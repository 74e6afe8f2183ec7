"""The type of a document: from its content first, then from the HTTP header, then its name."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from assistant.errors import DocumentError
from ingest.load.document import RawDocument, UnknownType
from ingest.load.encoding import MARKS, unmarked_utf16
from ingest.load.formats import FORMATS
from ingest.load.package import member_names

SUFFIXES = {suffix: kind for kind, row in FORMATS.items() for suffix in row.suffixes}
MEDIA_TYPES = {media: kind for kind, row in FORMATS.items() for media in row.media_types}
FILE_NAMES = {name: kind for kind, row in FORMATS.items() for name in row.file_names}
#: As much of the beginning as a type is told from where the rest isn't there yet.
HEAD_BYTES = 8192

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_PICTURES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*")
_GZIP = b"\x1f\x8b\x08"
_HTML = re.compile(
    r"\A\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_CONTROL = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")
_MAIL = re.compile(
    r"^(?:Received|Return-Path|Message-ID|MIME-Version|From|To|Date|Subject): ", re.I | re.M
)
_NOTEBOOK = re.compile(r'"(?:nbformat|cells)"\s*:')
# What only a package of that kind holds.
_PACKAGES = {"word/": "docx", "ppt/": "pptx", "xl/": "xlsx", "META-INF/container.xml": "epub"}
_OPEN_DOCUMENT = re.compile(rb"mimetypeapplication/vnd\.oasis\.opendocument")
_OLE_STREAMS = {"Workbook": "xls", "Book": "xls"}
_OLD_OFFICE = ("WordDocument", "PowerPoint Document", "EncryptedPackage")
_OLD_SUFFIXES = (".doc", ".ppt", ".docx", ".pptx", ".xlsx")


def detect_kind(raw: RawDocument) -> str:
    """The row of ``FORMATS`` for ``raw``, whose data may be its first ``HEAD_BYTES`` alone; a
    package is told from its name then.

    Raises:
        UnknownType: there is no loader for it.
        DocumentError: it is empty, not what its name says, or an old or encrypted Office file.
    """
    head = raw.data[:HEAD_BYTES]
    if len(head) < HEAD_BYTES and not head.strip():
        raise _empty(raw)
    if head.startswith(_ZIP):  # before PDF's mark: a PDF may be packed as it is
        return _zip_kind(raw, head)
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(_GZIP):
        return "gz"
    if head.startswith(_OLE):
        return _ole_kind(raw)
    if _is_picture(raw, head):
        return "image"
    if not _is_text(head):
        named = _named(raw)
        raise _mislabelled(raw) if raw.suffix and named not in (None, "code") else _unknown(raw)
    return _text_kind(raw, _ascii(head))


def _is_picture(raw: RawDocument, head: bytes) -> bool:
    if head.startswith(b"BM"):  # two letters are little evidence
        return raw.suffix == ".bmp"
    return head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def _text_kind(raw: RawDocument, head: str) -> str:
    if _HTML.match(head):
        return "html"
    kind = _named_kind(raw)
    if kind in ("json", "txt") and raw.suffix in ("", ".json") and _is_notebook(raw, head):
        return "ipynb"
    if kind == "txt" and not raw.suffix and len(set(_MAIL.findall(head))) > 2:
        return "eml"
    return kind


def _named_kind(raw: RawDocument) -> str:
    """What the header or the name says, for content that is text."""
    declared = MEDIA_TYPES.get(raw.media_type)
    named = _named(raw)
    # Servers call everything that is text plain text.
    kind = named if declared in (None, "txt") and named else declared
    if kind is None:
        raise _unknown(raw)
    if not FORMATS[kind].is_text:
        raise _mislabelled(raw)
    return kind


def _named(raw: RawDocument) -> str | None:
    name = PurePosixPath(raw.path).name.lower()
    return FILE_NAMES.get(name) or SUFFIXES.get(raw.suffix)


def _zip_kind(raw: RawDocument, head: bytes) -> str:
    if _OPEN_DOCUMENT.search(head):
        raise _unknown(raw)
    names = member_names(raw.data)
    for beginning, kind in _PACKAGES.items():
        if any(name.startswith(beginning) for name in names):
            return kind
    named = SUFFIXES.get(raw.suffix)
    if not names and named in _PACKAGES.values():  # cut off, or not all there yet
        return str(named)
    # Many formats that nobody reads here are zip files: they are not taken for archives.
    if named is None and MEDIA_TYPES.get(raw.media_type) != "zip":
        raise _unknown(raw)
    return "zip"


def _ole_kind(raw: RawDocument) -> str:
    """Of the old Office files, all one format outside: by the streams they hold."""
    found = [name for name in (*_OLD_OFFICE, *_OLE_STREAMS) if _holds(raw.data, name)]
    first = next((name for name in found if name in _OLE_STREAMS), "")
    if (first and (raw.suffix == ".xls" or found[0] == first)) or (
        not found and SUFFIXES.get(raw.suffix) == "xls"
    ):
        return "xls"
    if not found and raw.suffix not in _OLD_SUFFIXES:
        raise _unknown(raw)
    raise DocumentError(
        "{name} is an old .doc or .ppt file or has a password: save it as .docx or .pptx without "
        "a password.",
        "{name} 是旧版 .doc 或 .ppt 文件，或带有密码：请另存为不带密码的 .docx 或 .pptx。",
        name=raw.label,
    )


def _holds(data: bytes, stream: str) -> bool:
    return stream.encode("utf-16-le") + b"\0\0" in data


def _is_notebook(raw: RawDocument, head: str) -> bool:
    """Jupyter writes the version at the end."""
    tail = raw.data[-4096:].decode("latin-1")
    return head.lstrip().startswith("{") and set(_NOTEBOOK.findall(head + tail)) >= {
        '"cells":',
        '"nbformat":',
    }


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
    """Of files that nobody reads, and of code, an empty one is no fault."""
    kind = _named(raw) or MEDIA_TYPES.get(raw.media_type)
    error = UnknownType if kind in (None, "code") else DocumentError
    return error("{name} is empty.", "{name} 是空文件。", name=raw.label)


def _unknown(raw: RawDocument) -> UnknownType:
    known = sorted(suffix for suffix, kind in SUFFIXES.items() if suffix and kind != "code")
    return UnknownType(
        "{name} is of a type that can't be read{type}; these can: {known} and source code",
        "{name} 的类型{type}无法读取；可读取的类型：{known} 以及源代码",
        name=raw.label,
        type=f" ({raw.media_type})" if raw.media_type else "",
        known=" ".join(known),
    )


def _mislabelled(raw: RawDocument) -> DocumentError:
    return DocumentError(
        "{name} is not what its name says: its content is not {kind}.",
        "{name} 与其名称不符：内容不是 {kind}。",
        name=raw.label,
        kind=(_named(raw) or MEDIA_TYPES.get(raw.media_type, "?")).upper(),
    )
