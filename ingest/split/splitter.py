"""The splitter: what goes into one chunk."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

from assistant.knowledge.records import NewChunk
from assistant.settings import Settings
from ingest.load.document import Block, Document
from ingest.split.pieces import Cutter, Piece
from ingest.split.sections import Section, section_tree
from ingest.split.sentences import sentences

#: Raised with each change of the rules, so that documents are split anew.
VERSION = 2
# Shares of a chunk's room.
_SMALL_SECTION = 4  # a quarter: with small neighbours in one chunk
_SMALL_REST = 8  # an eighth: not a chunk of its own at a section's end


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
        # Blocks are counted for each section that may be one chunk, and again inside it.
        once = replace(self, count_tokens=lru_cache(maxsize=None)(self.count_tokens))
        return list(once._section(section_tree(document)))

    def _section(self, section: Section) -> Iterator[NewChunk]:
        budget = self._budget(section.path)
        if not section.body and not section.children:
            if section.heading:
                yield NewChunk(section.heading, section.path[:-1], section.page, section.anchor)
        elif self._is_one_chunk(section, budget):
            yield _chunk(section, section.blocks())
        elif not section.children:
            for page, blocks in groupby(section.body, key=lambda block: block.page):
                for text in self._pack(list(blocks), budget):
                    yield NewChunk(text, section.path, page, section.anchor)
        else:
            for parts in self._together(section.parts(), budget):
                if len(parts) == 1:
                    yield from self._section(parts[0])
                else:
                    blocks = (block for part in parts for block in part.whole())
                    yield _chunk(replace(section, anchor=parts[0].anchor), blocks)

    def _budget(self, path: Sequence[str]) -> int:
        headings = sum(self.count_tokens(heading) for heading in path)
        return max(self.chunk_tokens - headings, self.chunk_tokens // 2)

    def _is_one_chunk(self, section: Section, budget: int) -> bool:
        """Whether a section with subsections is small. Where it has no text of its own and one
        subsection, that one is the better place."""
        if not section.children or (not section.body and len(section.children) == 1):
            return False
        return self._tokens(section.blocks(), budget) <= budget

    def _tokens(self, blocks: Iterator[Block], most: int) -> int:
        """The tokens of ``blocks`` as far as they are wanted; too many where they span pages."""
        total = 0
        pages = set()
        for block in blocks:
            pages.add(block.page)
            # A token holds a few characters at most; long sections need no counting.
            if len(pages) > 1 or len(block.text) > 32 * most:
                return most + 1
            total += self.count_tokens(block.text)
            if total > most:
                break
        return total

    def _together(self, parts: Sequence[Section], budget: int) -> Iterator[Sequence[Section]]:
        """Parts of a section that make a chunk: small neighbours on a page, and each other part
        alone. They are parted where the headings say and not where a chunk is full, so that a
        change in one moves none of the others."""
        small = budget // _SMALL_SECTION
        sizes = [self._tokens(part.whole(), small) for part in parts]
        marks = [zlib.crc32(part.heading.encode("utf-8", "replace")) for part in parts]
        pending = [range(len(parts))]
        while pending:
            group = pending.pop()
            pages = {parts[number].page for number in group}
            largest = max(sizes[number] for number in group)
            total = sum(sizes[number] for number in group)
            if len(group) == 1 or (largest <= small and total <= budget and len(pages) == 1):
                yield [parts[number] for number in group]
                continue
            quarter = len(group) // 4
            middle = group[max(1, quarter) : max(2, len(group) - quarter)]
            place = max(middle, key=lambda number: marks[number])
            pending += [range(place, group.stop), range(group.start, place)]

    def _pack(self, blocks: Sequence[Block], budget: int) -> Iterator[str]:
        """The texts of chunks: as many pieces in each as fit."""
        cutter = Cutter(self.count_tokens, budget)
        chunks: list[list[Piece]] = [[]]
        room = budget
        for piece in (piece for block in blocks for piece in cutter.pieces(block)):
            current = chunks[-1]
            if current and piece.tokens > room:
                chunks.append(self._beginning(current, piece, budget))
                current = chunks[-1]
                room = budget - _total(current)
            current.append(piece)
            room -= piece.tokens
        return map(_joined, self._without_rest(chunks, budget))

    def _beginning(self, before: list[Piece], piece: Piece, budget: int) -> list[Piece]:
        """What stands before ``piece`` in a new chunk: the line that introduces it, taken from the
        chunk before, or else an overlap with that chunk."""
        last = before[-1]
        introduces = last.text.rstrip().endswith((":", "：")) and not last.repeated
        small = min(budget // _SMALL_REST, budget - piece.tokens)
        if introduces and len(before) > 1 and last.tokens <= small:
            return [before.pop()]
        return self._overlap(before, budget - piece.tokens)

    def _without_rest(self, chunks: list[list[Piece]], budget: int) -> list[list[Piece]]:
        """``chunks``, the last of which is no tiny rest: it joins the chunk before it, or takes
        some of it over."""
        if len(chunks) < 2:
            return chunks
        small = budget // _SMALL_REST
        before, rest = (_own(chunk) for chunk in chunks[-2:])
        if _total(rest) >= small:
            return chunks
        if _total(before) + _total(rest) <= budget:
            return [*chunks[:-2], before + rest]
        kept = list(chunks[-2])
        while _total(rest) < small and len(_own(kept)) > 1:
            if _total(rest) + kept[-1].tokens > budget:
                break
            rest.insert(0, kept.pop())
        return [*chunks[:-2], kept, [*self._overlap(kept, budget - _total(rest)), *rest]]

    def _overlap(self, pieces: Sequence[Piece], room: int) -> list[Piece]:
        """The last sentences of a chunk, as an overlap for the next."""
        tail = ""
        total = 0
        most = min(self.overlap, room)
        for piece in reversed(pieces):
            if not piece.running:
                break
            whole = total + piece.tokens <= most
            for sentence in [piece.text] if whole else reversed(sentences(piece.text)):
                tokens = piece.tokens if whole else self.count_tokens(sentence)
                if total + tokens > most:
                    return _repeated(tail, total)
                tail, total = sentence + tail, total + tokens
            if piece.glue == "\n\n":  # the beginning of its paragraph
                break
            tail = piece.glue + tail
        return _repeated(tail, total)


def _repeated(text: str, tokens: int) -> list[Piece]:
    return [Piece(text.lstrip("\n"), tokens, repeated=True)] if text.strip() else []


def _own(chunk: Sequence[Piece]) -> list[Piece]:
    return [piece for piece in chunk if not piece.repeated]


def _total(pieces: Sequence[Piece]) -> int:
    return sum(piece.tokens for piece in pieces)


def _chunk(section: Section, blocks: Iterator[Block]) -> NewChunk:
    texts = list(blocks)
    text = "\n\n".join(block.text for block in texts)
    return NewChunk(text, section.path, texts[0].page, section.anchor)


def _joined(pieces: Sequence[Piece]) -> str:
    text = pieces[0].text
    for piece in pieces[1:]:
        text = text.rstrip() + piece.glue + piece.text if piece.glue else text + piece.text
    return text.strip()
