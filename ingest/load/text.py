"""Plain text: paragraphs between empty lines, kept as they are, under the chapters of a book."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.load.document import Block, Document, RawDocument
from ingest.load.encoding import decode

_EMPTY_LINES = re.compile(r"\n[^\S\n]*\n\s*")
_NUMBER = r"第[ 　]?[〇零一二三四五六七八九十百千两\d]{1,7}[ 　]?"
# A line of its own that names a part, a chapter or a section of a Chinese book. After 回 and 节 a
# space is needed: 第四回合 and 第三节课 are no titles.
_CHAPTER = re.compile(
    rf"^[^\S\n]*({_NUMBER}([部卷篇编章回节])"
    r"(?:[ 　:：、.．·—-][^\n。！？；]{0,38}|(?<=[部卷篇编章])[^\n\s。，！？；：、]{1,20}|))"
    r"[^\S\n]*$",
    re.M,
)
_LEVELS = (("部卷篇编", 1), ("章回", 2), ("节", 3))
# One such line alone may be anything.
LEAST_CHAPTERS = 2


def load_text(raw: RawDocument) -> Document:
    """Paragraphs of a text file; its title is the file's name without extension. Lines such as
    "第三章 安装" are headings, where there are several."""
    text = decode(raw.data, raw.charset).replace("\r\n", "\n").replace("\r", "\n")
    if len(_CHAPTER.findall(text)) < LEAST_CHAPTERS:
        return Document(raw.stem, "txt", tuple(paragraphs(text)))
    return Document(raw.stem, "txt", tuple(_chapters(text)))


def paragraphs(text: str) -> Iterator[Block]:
    """The paragraphs of a text whose lines end with ``\\n``."""
    for part in _EMPTY_LINES.split(text):
        if part.strip():
            yield Block(part.strip("\n").rstrip())


def _chapters(text: str) -> Iterator[Block]:
    found = list(_CHAPTER.finditer(text))
    kinds = [next(level for marks, level in _LEVELS if one[2] in marks) for one in found]
    levels = {kind: number for number, kind in enumerate(sorted(set(kinds)), start=1)}
    start = 0
    for heading, kind in zip(found, kinds, strict=True):
        yield from paragraphs(text[start : heading.start()])
        yield Block(" ".join(heading[1].split()), "heading", levels[kind])
        start = heading.end()
    yield from paragraphs(text[start:])
