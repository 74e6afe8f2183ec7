"""Lines to paragraphs, lists, code and tables, page by page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median

from ingest.load.document import Block
from ingest.load.pdf.headings import CHAPTER, Found
from ingest.load.pdf.pieces import Line, Page, Table, one_line, right_to_left, wide_length
from ingest.load.wrapping import WIDE, fenced, markdown_rows

# Of the usual distance between lines: what is farther apart is another paragraph.
_APART = 1.3
# Of the size of the text: what differs more is another paragraph; fonts don't say it exactly.
_OTHER_SIZE = 0.25
# Of the size of the text: indented by as much, a line begins a paragraph.
_INDENT = 0.8
# Of a column's width: a line that leaves more free ends a paragraph, full stop or not.
_MUCH_ROOM = 0.3
_SENTENCE_END = re.compile(r"[。！？；.!?:：;…][”’\"'）)\]」』]*$")
_ITEM = re.compile(
    r"^\s*(?:(?P<bullet>[•●▪■◦‣·➢◆▶✓\-–—*])\s+"
    r"|(?P<number>\(?\d{1,3}[.)](?=\s)|\d{1,3}、|[（(][一二三四五六七八九十\d]+[)）])\s*)(?=\S)"
)
_LEADERS = re.compile(r"\s*(?:[.·…]\s?){5,}\s*")
_FIRST_WIDE = re.compile(f"[{WIDE}]")


def page_blocks(page: Page, headings: Sequence[Found]) -> Iterator[tuple[Block, float]]:
    """The blocks of a page in reading order; headings with the third of what was found of them."""
    lines = page.lines
    layout = _Layout(lines)
    heading = {
        id(line): (first, rank)
        for first, last, rank in headings
        for line in lines[first : last + 1]
    }
    code = layout.code()
    kinds: list[tuple[str, float, float]] = []
    for item in page.content:
        if isinstance(item, Table):
            kinds.append(("table", len(kinds), 0.0))
        elif id(item) in heading:
            kinds.append(("heading", *heading[id(item)]))
        else:
            kinds.append(("code" if id(item) in code else "text", 0, 0.0))
    pairs = zip(kinds, page.content, strict=True)
    for (kind, _, rank), group in groupby(pairs, key=lambda pair: pair[0]):
        items = [item for _, item in group]
        for block in _blocks(kind, items, layout):
            yield replace(block, page=page.number), rank
    for text in page.asides:
        yield Block(text, page=page.number), 0.0


def _blocks(kind: str, items: Sequence[Line | Table], layout: _Layout) -> Iterator[Block]:
    lines = [item for item in items if isinstance(item, Line)]
    if kind == "table":
        for table in items:
            if isinstance(table, Table):
                yield Block(markdown_rows(table.rows), "table")
    elif kind == "heading":
        yield Block(_heading([line.text for line in lines]), "heading")
    elif kind == "code":
        yield from _code(lines)
    else:
        yield from _text(lines, layout)


def _heading(texts: Sequence[str]) -> str:
    if len(texts) > 1 and CHAPTER.match(texts[0]):
        return f"{texts[0]} {one_line(texts[1:])}"
    return _LEADERS.sub(" ", one_line(texts))


class _Layout:
    """The margins of a page's columns and the distance between its lines."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._left: dict[int, float] = {}
        self._right: dict[int, float] = {}
        for line in lines:
            self._left[line.zone] = min(line.x0, self._left.get(line.zone, line.x0))
            self._right[line.zone] = max(line.x1, self._right.get(line.zone, line.x1))
        for zone, left in self._left.items():  # parts of one column have its margin
            same = [z for z, other in self._left.items() if abs(other - left) < 3 * lines[0].size]
            self._right[zone] = max(self._right[z] for z in same)
        steps = sorted(
            (line.y - before.y) / line.size
            for before, line in pairwise(lines)
            if before.zone == line.zone and 0.5 < (line.y - before.y) / line.size < 3
        )
        self._step = steps[len(steps) // 4] if steps else 1.2

    def begins(self, before: Line, line: Line) -> bool:
        """Whether ``line`` begins a paragraph after ``before``."""
        if abs(line.size - before.size) > _OTHER_SIZE * line.size:
            return True
        if before.zone == line.zone:
            if line.y - before.y > _APART * self._step * line.size:
                return True
            indented = line.x0 - before.x0 > _INDENT * line.size
            if indented and before.x0 - self._left[line.zone] < line.size / 2:
                return _SENTENCE_END.search(before.text) is not None
        return before.text[-1:] != "-" and self._has_room(before, line)

    def _has_room(self, before: Line, line: Line) -> bool:
        """Whether what ``line`` begins with would have fitted behind ``before``."""
        left, right = self._left[before.zone], self._right[before.zone]
        room = right - before.x1
        if right_to_left(line.text):
            room = before.x0 - left
        first = line.text.split(" ", 1)[0]
        need = 2 * line.size if _FIRST_WIDE.match(first) else (len(first) + 1) * line.size * 0.55
        much = room > max(need, _MUCH_ROOM * (right - left))
        return much or (room > need and _SENTENCE_END.search(before.text) is not None)

    def code(self) -> set[int]:
        """The ids of lines of code: all of one width, and not in the middle of a paragraph."""
        found: set[int] = set()
        for number, line in enumerate(self._lines):
            if not line.mono:
                continue
            before = self._lines[number - 1] if number else None
            inside = before is not None and not before.mono and not self.begins(before, line)
            if not inside or before is None or id(before) in found:
                found.add(id(line))
        return found


def _text(lines: Sequence[Line], layout: _Layout) -> Iterator[Block]:
    """Paragraphs and lists, the entries of a list and of a table of contents line by line."""
    entries: list[_Entry] = []
    for before, line in zip([None, *lines], lines, strict=False):
        marker = _marker(before, line, layout)
        leaders = _LEADERS.search(line.text) is not None
        entry = entries[-1] if entries else None
        if entry is None or before is None or marker or leaders or entry.leaders:
            entries.append(_Entry([line], marker, leaders))
        elif entry.marker and line.x0 - entry.lines[0].x0 > 0.3 * line.size:
            hangs = line.y - before.y < 2 * _APART * line.size and before.zone == line.zone
            if hangs or not layout.begins(before, line):
                entry.lines.append(line)
            else:
                entries.append(_Entry([line]))
        elif layout.begins(before, line):
            entries.append(_Entry([line]))
        else:
            entry.lines.append(line)
    for listed, group in groupby(entries, key=lambda e: e.leaders or e.marker is not None):
        if listed:
            yield Block("\n".join(_list_lines(list(group))), "list")
        else:
            yield from (Block(entry.text) for entry in group if entry.text)


@dataclass
class _Entry:
    lines: list[Line]
    marker: re.Match[str] | None = None
    leaders: bool = False

    @property
    def text(self) -> str:
        text = one_line(line.text for line in self.lines)
        return _LEADERS.sub(" … ", text) if self.leaders else text


def _marker(before: Line | None, line: Line, layout: _Layout) -> re.Match[str] | None:
    """The bullet or number that ``line`` begins an entry of a list with."""
    found = _ITEM.match(line.text)
    if found is None or before is None or found["bullet"] in ("•", "●", "▪", "■", "◦", "‣"):
        return found
    return found if layout.begins(before, line) or _ITEM.match(before.text) else None


def _list_lines(entries: Sequence[_Entry]) -> Iterator[str]:
    indents: list[float] = []
    for entry in entries:
        first = entry.lines[0]
        if entry.marker is None:
            yield entry.text
            continue
        while indents and first.x0 < indents[-1] - first.size / 2:
            indents.pop()
        if not indents or first.x0 > indents[-1] + first.size / 2:
            indents.append(first.x0)
        text = entry.text[entry.marker.end() :].strip()
        marker = "-" if entry.marker["bullet"] else entry.marker["number"]
        yield f"{'  ' * (len(indents) - 1)}{marker} {text}"


def _code(lines: Sequence[Line]) -> Iterator[Block]:
    """Fenced code with its indentation; a wide gap ends a block."""
    widths = [(line.x1 - line.x0) / max(1, wide_length(line.text)) for line in lines]
    width = max(median(widths), 0.1)
    steps = [b.y - a.y for a, b in pairwise(lines) if b.y > a.y]
    step = max(min(steps, default=1.0), 0.9 * lines[0].size)
    parts: list[list[Line]] = [[]]
    for line in lines:
        if parts[-1] and not 0 < line.y - parts[-1][-1].y < 3.5 * step:
            parts.append([])
        parts[-1].append(line)
    for part in parts:
        left = min(line.x0 for line in part)
        rows: list[str] = []
        for before, line in zip([None, *part], part, strict=False):
            empty = round((line.y - before.y) / step) - 1 if before else 0
            rows += [""] * empty + [" " * round((line.x0 - left) / width) + line.text]
        yield Block(fenced("\n".join(rows)), "code")
