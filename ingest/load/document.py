"""What every loader takes and returns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit

from assistant.errors import DocumentError

#: Between the name of an archive and that of its member.
INSIDE = "!/"

BlockKind = Literal["paragraph", "heading", "code", "table", "list"]


class UnknownType(DocumentError):
    """No loader reads this type of document."""

    kind = "unknown_type"


@dataclass(frozen=True)
class RawDocument:
    """A document as it came.

    Args:
        name: absolute file path or URL; used for messages, the title and as a hint of the type.
        data: the whole content.
        content_type: the HTTP header of that name, where the document came by HTTP.
    """

    name: str
    data: bytes
    content_type: str = ""

    @property
    def is_url(self) -> bool:
        return self.name.startswith(("http://", "https://"))

    @property
    def label(self) -> str:
        """The name in messages: the URL, or the file's name without its folders; of a member of
        an archive, that of the archive with the path inside."""
        if self.is_url:
            return self.name
        outer, mark, inner = self.name.partition(INSIDE)
        return PurePosixPath(outer).name + mark + inner

    @property
    def path(self) -> str:
        """Where it lies: in the file system, on its server, or in its archive."""
        _, mark, inner = self.name.rpartition(INSIDE)
        if mark:
            return inner
        return urlsplit(self.name).path if self.is_url else self.name

    @property
    def suffix(self) -> str:
        """Lower-case file extension with its dot, or an empty string."""
        return PurePosixPath(self.path).suffix.lower()

    @property
    def stem(self) -> str:
        """A title for want of a better one."""
        if not self.is_url or INSIDE in self.name:
            return PurePosixPath(self.path).stem
        return unquote(PurePosixPath(self.path).stem) or urlsplit(self.name).netloc

    @property
    def media_type(self) -> str:
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def charset(self) -> str:
        """The encoding that the HTTP header declares, or an empty string."""
        for part in self.content_type.split(";")[1:]:
            key, _, value = part.partition("=")
            if key.strip().lower() == "charset":
                return value.strip().strip("\"'")
        return ""


@dataclass(frozen=True)
class Block:
    """A piece of a document that reads on its own, in reading order.

    ``text`` is Markdown for tables (rows), code (fenced) and lists, plain text otherwise. A
    heading's ``level`` is 1 for the highest; ``anchor`` is the fragment that leads to it. A heading
    without text ends the sections below its ``level``: what follows belongs to that level again.
    """

    text: str
    kind: BlockKind = "paragraph"
    level: int = 0
    page: int | None = None  # 1-based
    anchor: str | None = None


@dataclass(frozen=True)
class Document:
    """A document as text with its structure. ``kind`` is one of the names in ``FORMATS``.

    ``language`` is what the document says of itself (BCP 47, such as "zh-CN"), or empty.
    ``warnings`` tell what of it could not be read, such as pages that are pictures.
    """

    title: str
    kind: str
    blocks: tuple[Block, ...]
    size: int = 0  # bytes of the original
    language: str = ""
    warnings: tuple[DocumentError, ...] = ()

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of everything that the chunks are made of."""
        rows = [[b.kind, b.level, b.page, b.anchor, b.text] for b in self.blocks]
        canonical = json.dumps([self.title, self.kind, rows], ensure_ascii=False)
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Loaded:
    """What became of one document of a file: itself, or why it can't be read.

    ``name`` is that of the file, or ``FILE!/MEMBER`` for what an archive or a mail holds.
    ``asked``: it was named itself, not come upon in an archive.
    """

    name: str
    document: Document | None = None
    error: DocumentError | None = None
    asked: bool = True


def first_heading(blocks: Iterable[Block], level: int = 1) -> str:
    """The text of the first heading of ``level``, or an empty string."""
    return next((b.text for b in blocks if b.kind == "heading" and b.level == level), "")
