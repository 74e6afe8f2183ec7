"""Blocks to pieces that are not cut further: whole where they fit, else cut at the best place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ingest.load.document import Block
from ingest.load.wrapping import fenced
from ingest.split.sentences import sentences

_CLAUSE = re.compile(r"[，、：,:)）\]】]|\s")
_FENCE = re.compile(r"^(`{3,})([^\n]*)\n(.*)\n\1$", re.S)
_ITEM = re.compile(r"\n(?=(?:[-*+]|\d{1,9}[.)]) )")
_CLOSING_LINE = re.compile(r"\s|[)\]}]|(?:end|else|elif|except|finally|fi|done|esac)\b")


@dataclass(frozen=True)
class Piece:
    """Text that is not cut further. ``glue`` joins it to the piece before it in a chunk."""

    text: str
    tokens: int
    glue: str = "\n\n"
    running: bool = True  # overlaps into the next chunk
    repeated: bool = False  # the overlap with the chunk before


@dataclass(frozen=True)
class Cutter:
    """Cuts blocks into pieces of at most ``budget`` tokens."""

    count: Callable[[str], int]
    budget: int

    def pieces(self, block: Block) -> Iterator[Piece]:
        tokens = self.count(block.text)
        running = block.kind in ("paragraph", "list", "heading")
        if tokens <= self.budget:
            yield Piece(block.text, tokens, running=running)
        elif block.kind == "code":
            yield from self._code(block.text)
        elif block.kind == "table":
            yield from self._table(block.text)
        elif block.kind == "list":
            yield from self._list(block.text)
        else:
            yield from self._sentences(block.text)

    def _sentences(self, text: str, glue: str = "\n\n") -> Iterator[Piece]:
        for sentence in sentences(text):
            for part, tokens in self._cut(sentence, self.budget):
                yield Piece(part, tokens, glue)
                glue = ""

    def _list(self, text: str) -> Iterator[Piece]:
        glue = "\n\n"
        for item in _ITEM.split(text):
            tokens = self.count(item)
            if tokens <= self.budget:
                yield Piece(item, tokens, glue)
            else:
                yield from self._sentences(item, glue)
            glue = "\n"

    def _code(self, text: str) -> Iterator[Piece]:
        found = _FENCE.match(text)
        language, code = (found[2], found[3]) if found else ("", text)
        room = max(self.budget - self.count(fenced("", language)), self.budget // 2)
        for part in self._lines(code.split("\n"), room, _code_break):
            if part.strip():
                whole = fenced(part.strip("\n"), language)
                yield Piece(whole, self.count(whole), running=False)

    def _table(self, text: str) -> Iterator[Piece]:
        lines = text.split("\n")
        header = "\n".join(lines[:2])
        used = self.count(header)
        if used > self.budget // 2:  # too wide to be repeated
            header, used, rows = "", 0, [lines[0], *lines[2:]]
        else:
            rows = lines[2:]
        for part in self._lines(rows, self.budget - used, lambda before, line: 0):
            whole = f"{header}\n{part}".lstrip("\n")
            yield Piece(whole, self.count(whole), running=False)

    def _lines(
        self, lines: Sequence[str], room: int, rank: Callable[[str, str], int]
    ) -> Iterator[str]:
        """Groups of lines of at most ``room`` tokens, cut in their second half where ``rank`` of
        the two lines there is highest."""
        group: list[tuple[str, int]] = []
        total = 0
        for line in lines:
            for part, tokens in self._cut(line, room):
                while group and total + tokens > room:
                    place = _best_break([text for text, _ in group] + [part], rank)
                    yield "\n".join(text for text, _ in group[:place])
                    group = group[place:]
                    total = sum(each for _, each in group)
                group.append((part, tokens))
                total += tokens
        if group:
            yield "\n".join(text for text, _ in group)

    def _cut(self, text: str, budget: int) -> Iterator[tuple[str, int]]:
        """``text`` in parts of at most ``budget`` tokens with their counts: cut in the middle, at
        a comma or space where there is one."""
        tokens = self.count(text)
        if tokens <= budget or len(text) < 2:
            yield text, tokens
            return
        middle = len(text) // 2
        quarter = len(text) // 4
        ends = [m.end() for m in _CLAUSE.finditer(text, quarter, len(text) - quarter)]
        place = min(ends, key=lambda end: abs(end - middle), default=middle)
        yield from self._cut(text[:place], budget)
        yield from self._cut(text[place:], budget)


def _best_break(lines: Sequence[str], rank: Callable[[str, str], int]) -> int:
    """The place before which to cut: the highest rank in the second half, the last of equals."""
    places = range(max(1, len(lines) // 2), len(lines))
    return max(places, key=lambda place: (rank(lines[place - 1], lines[place]), place))


def _code_break(before: str, line: str) -> int:
    """How good a place between two lines of code is to cut: 3 before a new definition."""
    is_outer = bool(line) and not _CLOSING_LINE.match(line)
    return 2 * (not before.strip()) + is_outer
