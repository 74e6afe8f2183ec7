"""Documents to chunks: by headings first, then whole blocks, then sentences.

1. Headings make a tree of sections. A section that fits into one chunk with all its subsections
   becomes one; otherwise its own text and each subsection are split for themselves. So a change
   in one section touches no chunk outside it and the small section that it may be part of.
2. Inside a section, paragraphs, lists, tables and code are kept whole where they fit; larger ones
   are cut at sentences, rows and lines, with the table's header and the code's fence repeated.
3. Running text overlaps from one chunk of a section to the next. No chunk spans two pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from assistant.knowledge.records import NewChunk
from assistant.settings import Settings
from ingest.load.document import Block, Document
from ingest.load.wrapping import fenced

#: Raised with each change of the rules, so that documents are split anew.
VERSION = 1
# Longer "headings" are paragraphs in disguise.
LONGEST_HEADING = 200

_SENTENCE = re.compile(
    r".+?(?:[。！？；…]+[”’」』）】》)\"']*|[.!?;]+[\"')\]”’]*(?=\s)|\n|\Z)\s*", re.S
)
_CLAUSE = re.compile(r"[，、：,:)）\]】]|\s")
_FENCE = re.compile(r"^(`{3,})([^\n]*)\n(.*)\n\1$", re.S)


def sentences(text: str) -> list[str]:
    """The sentences of Chinese or English text with what follows them: joined they are ``text``.

    >>> sentences("先安装。再运行！ Then ask. Done")
    ['先安装。', '再运行！ ', 'Then ask. ', 'Done']
    """
    return _SENTENCE.findall(text)


@dataclass
class _Section:
    level: int
    path: tuple[str, ...]
    anchor: str | None = None
    page: int | None = None
    heading: str = ""
    body: list[Block] = field(default_factory=list)
    children: list[_Section] = field(default_factory=list)

    def blocks(self) -> Iterator[Block]:
        """Its body and all that is below it, headings included."""
        yield from self.body
        for child in self.children:
            yield Block(f"{'#' * child.level} {child.heading}", "heading", page=child.page)
            yield from child.blocks()


@dataclass(frozen=True)
class _Piece:
    """Text that is not cut further. ``glue`` joins it to the piece before it in a chunk."""

    text: str
    tokens: int
    glue: str = "\n\n"
    running: bool = True  # overlaps into the next chunk


@dataclass(frozen=True)
class Splitter:
    """Splits documents into chunks of at most ``chunk_tokens``, headings included.

    Args:
        count_tokens: counts as the embedding model does.
        chunk_tokens: the most tokens of a chunk's ``embedding_text``. Headings that take more than
            half of it may exceed it.
        overlap: the most tokens of running text that a chunk repeats of the one before it.
    """

    count_tokens: Callable[[str], int]
    chunk_tokens: int
    overlap: int

    @classmethod
    def from_settings(cls, settings: Settings, count_tokens: Callable[[str], int]) -> Splitter:
        return cls(count_tokens, settings.chunk_tokens, settings.chunk_overlap)

    @property
    def signature(self) -> str:
        """Changes where the same document would be split in another way."""
        return f"split-{VERSION};{self.chunk_tokens};{self.overlap}"

    def split(self, document: Document) -> list[NewChunk]:
        """The chunks of ``document`` in reading order; the same for the same document."""
        return list(self._section(_tree(document)))

    def _section(self, section: _Section) -> Iterator[NewChunk]:
        budget = self._budget(section.path)
        if not section.body and not section.children:
            yield NewChunk(section.heading, section.path[:-1], section.page, section.anchor)
        elif self._is_one_chunk(section, budget):
            yield self._chunk(section, list(section.blocks()))
        else:
            for page, blocks in groupby(section.body, key=lambda block: block.page):
                for text in self._pack(list(blocks), budget):
                    yield NewChunk(text, section.path, page, section.anchor)
            for child in section.children:
                yield from self._section(child)

    def _budget(self, path: Sequence[str]) -> int:
        headings = sum(self.count_tokens(heading) for heading in path)
        return max(self.chunk_tokens - headings, self.chunk_tokens // 2)

    def _is_one_chunk(self, section: _Section, budget: int) -> bool:
        """Whether a section with subsections is small. Where it has no text of its own and one
        subsection, that one is the better place."""
        if not section.children or (not section.body and len(section.children) == 1):
            return False
        left = budget
        pages = set()
        for block in section.blocks():
            pages.add(block.page)
            # A token holds a few characters at most; long sections need no counting.
            if len(pages) > 1 or len(block.text) > 32 * left:
                return False
            left -= self.count_tokens(block.text)
            if left < 0:
                return False
        return True

    def _chunk(self, section: _Section, blocks: Sequence[Block]) -> NewChunk:
        text = "\n\n".join(block.text for block in blocks)
        return NewChunk(text, section.path, blocks[0].page, section.anchor)

    def _pack(self, blocks: Sequence[Block], budget: int) -> Iterator[str]:
        """The texts of chunks: as many pieces in each as fit."""
        current: list[_Piece] = []
        room = budget
        for piece in (piece for block in blocks for piece in self._pieces(block, budget)):
            if current and piece.tokens > room:
                yield _joined(current)
                current = self._tail(current, budget - piece.tokens)
                room = budget - sum(each.tokens for each in current)
            current.append(piece)
            room -= piece.tokens
        if current:
            yield _joined(current)

    def _pieces(self, block: Block, budget: int) -> Iterator[_Piece]:
        tokens = self.count_tokens(block.text)
        running = block.kind in ("paragraph", "list")
        if tokens <= budget:
            yield _Piece(block.text, tokens, running=running)
        elif block.kind == "code":
            yield from self._code(block.text, budget)
        elif block.kind == "table":
            yield from self._table(block.text, budget)
        else:
            yield from self._sentences(block.text, budget)

    def _sentences(self, text: str, budget: int) -> Iterator[_Piece]:
        glue = "\n\n"
        for sentence in sentences(text):
            for part, tokens in self._cut(sentence, budget):
                yield _Piece(part, tokens, glue)
                glue = ""

    def _code(self, text: str, budget: int) -> Iterator[_Piece]:
        found = _FENCE.match(text)
        language, code = (found[2], found[3]) if found else ("", text)
        frame = self.count_tokens(fenced("", language))
        for part in self._lines(code.split("\n"), max(budget - frame, budget // 2)):
            whole = fenced(part, language)
            yield _Piece(whole, self.count_tokens(whole), running=False)

    def _table(self, text: str, budget: int) -> Iterator[_Piece]:
        lines = text.split("\n")
        header = "\n".join(lines[:2])
        used = self.count_tokens(header)
        if used > budget // 2:  # too wide to be repeated
            header, used, rows = "", 0, lines
        else:
            rows = lines[2:]
        for part in self._lines(rows, budget - used):
            whole = f"{header}\n{part}".lstrip("\n")
            yield _Piece(whole, self.count_tokens(whole), running=False)

    def _lines(self, lines: Iterable[str], budget: int) -> Iterator[str]:
        """Groups of lines of at most ``budget`` tokens."""
        group: list[str] = []
        room = budget
        for line in lines:
            for part, tokens in self._cut(line, budget):
                if group and tokens > room:
                    yield "\n".join(group)
                    group, room = [], budget
                group.append(part)
                room -= tokens
        if group:
            yield "\n".join(group)

    def _cut(self, text: str, budget: int) -> Iterator[tuple[str, int]]:
        """``text`` in parts of at most ``budget`` tokens with their counts: cut in the middle, at
        a comma or space where there is one."""
        tokens = self.count_tokens(text)
        if tokens <= budget or len(text) < 2:
            yield text, tokens
            return
        middle = len(text) // 2
        quarter = len(text) // 4
        ends = [m.end() for m in _CLAUSE.finditer(text, quarter, len(text) - quarter)]
        place = min(ends, key=lambda end: abs(end - middle), default=middle)
        yield from self._cut(text[:place], budget)
        yield from self._cut(text[place:], budget)

    def _tail(self, pieces: Sequence[_Piece], room: int) -> list[_Piece]:
        """The last sentences of a chunk, as an overlap for the next."""
        tail = ""
        total = 0
        for piece in reversed(pieces):
            if not piece.running:
                break
            for sentence in reversed(sentences(piece.text)):
                tokens = self.count_tokens(sentence)
                if total + tokens > min(self.overlap, room):
                    return [_Piece(tail, total)] if tail else []
                tail, total = sentence + tail, total + tokens
            if piece.glue:  # the beginning of its paragraph
                break
        return [_Piece(tail, total)] if tail else []


def _joined(pieces: Sequence[_Piece]) -> str:
    text = pieces[0].text
    for piece in pieces[1:]:
        text = text.rstrip() + piece.glue + piece.text if piece.glue else text + piece.text
    return text.strip()


def _tree(document: Document) -> _Section:
    """The sections of a document under one root that stands for the document itself."""
    root = _Section(0, (document.title,) if document.title else ())
    open_sections = [root]
    for block in document.blocks:
        if block.kind == "heading" and len(block.text) <= LONGEST_HEADING:
            while open_sections[-1].level >= max(1, block.level):
                open_sections.pop()
            parent = open_sections[-1]
            section = _child(parent, block, document.title)
            parent.children.append(section)
            open_sections.append(section)
        elif block.text.strip():
            open_sections[-1].body.append(block)
    return root


def _child(parent: _Section, block: Block, title: str) -> _Section:
    # The title stands first unless the first heading says it again.
    repeats = parent.level == 0 and (block.text in title or title in block.text)
    path = (block.text,) if repeats else (*parent.path, block.text)
    anchor = block.anchor or parent.anchor
    return _Section(max(1, block.level), path, anchor, block.page, block.text)
