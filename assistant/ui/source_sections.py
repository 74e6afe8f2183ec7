"""A chunk's text as a rendered section, its marked words still exactly marked.

The text is what ingest wrote: paragraphs are plain text, and tables, lists, code and headings are
Markdown. So a few forms are all that there is to read, each character of what is shown is one of
the text, and marks are told by its characters. Everything is escaped: nothing of a document is
HTML, an address, or a picture.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

Span = tuple[int, int]  # begin and end in the text

#: Kinds whose text is as its author set it: lines stay lines, and nothing is Markdown.
PLAIN = ("txt", "text", "json", "jsonl")

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[^`\n]*$")
_HEADING = re.compile(r"(#{1,6})[ \t]+(?=\S)")
_RULE = re.compile(r"\s*\|(?:\s*:?-+:?\s*\|)+\s*$")
_ROW = re.compile(r"\s*\|.*\|\s*$")
_ITEM = re.compile(r"([ \t]*)(?:[-*+]|(\d{1,9})[.)])[ \t]+")
_QUOTE = re.compile(r"[ \t]*>[ \t]?")
_CELL_END = re.compile(r"(?<!\\)\|")
_INLINE = re.compile(
    r"(?P<ticks>`+)(?!`)(?P<code>.{1,400}?)(?<!`)(?P=ticks)(?!`)"
    r"|(?P<stars>\*\*|__)(?=\S)(?P<strong>.{1,400}?)(?<=\S)(?P=stars)",
    re.DOTALL,
)


@dataclass(frozen=True)
class _Line:
    begin: int
    end: int
    text: str


def section_html(text: str, marks: Sequence[Span], kind: str) -> str:
    """The text as HTML. ``marks``: in order and apart; each is there once, whole, in as many
    ``<mark>`` as the form of the text makes of it."""
    if kind in PLAIN:
        return f'<div class="text">{_Marked(text, marks).plain(0, len(text))}</div>'
    return "".join(_Blocks(text, marks).html())


@dataclass(frozen=True)
class _Marked:
    """The text, and which of it is marked."""

    text: str
    marks: Sequence[Span]

    def plain(self, begin: int, end: int) -> str:
        pieces, last = [], begin
        for mark in self.marks:
            first, stop = max(mark[0], begin), min(mark[1], end)
            if first < stop:
                pieces.append(html.escape(self.text[last:first]))
                pieces.append(f"<mark>{html.escape(self.text[first:stop])}</mark>")
                last = stop
        return "".join([*pieces, html.escape(self.text[last:end])])

    def inline(self, begin: int, end: int, *, is_plain: bool = False) -> str:
        """With code spans, and what is strong where it is not ``is_plain``."""
        pieces, last = [], begin
        for found in _INLINE.finditer(self.text, begin, end):
            if found["strong"] and is_plain:
                continue
            group, tag = ("code", "code") if found["code"] else ("strong", "strong")
            inner = self.plain(*found.span(group))
            pieces += [self.plain(last, found.start()), f"<{tag}>{inner}</{tag}>"]
            last = found.end()
        return "".join([*pieces, self.plain(last, end)])


class _Blocks:
    """The blocks of a text, line by line."""

    def __init__(self, text: str, marks: Sequence[Span]) -> None:
        self._marked = _Marked(text, marks)
        begin, lines = 0, []
        for line in text.split("\n"):
            lines.append(_Line(begin, begin + len(line), line))
            begin += len(line) + 1
        self._lines = lines
        self._at = 0

    def html(self) -> Iterator[str]:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line.text.strip():
                self._at += 1
            elif _FENCE.match(line.text):
                yield self._code(line)
            elif _ROW.match(line.text):
                yield self._table()
            elif heading := _HEADING.match(line.text):
                self._at += 1
                level = min(6, len(heading[1]) + 2)
                inner = self._marked.inline(line.begin + heading.end(), line.end)
                yield f"<h{level}>{inner}</h{level}>"
            elif _ITEM.match(line.text):
                yield self._list(self._run(_is_of_list))
            elif _QUOTE.match(line.text):
                yield self._quote(self._run(lambda line: bool(_QUOTE.match(line.text))))
            else:
                yield self._paragraph()

    def _run(self, belongs: Callable[[_Line], bool]) -> list[_Line]:
        """The lines from here on that belong together."""
        first = self._at
        while self._at < len(self._lines) and belongs(self._lines[self._at]):
            self._at += 1
        return self._lines[first : self._at]

    def _code(self, opening: _Line) -> str:
        found = _FENCE.match(opening.text)
        fence = found[1] if found else "```"
        self._at += 1
        first = self._at
        closing = re.compile(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}\s*$")
        while self._at < len(self._lines) and not closing.match(self._lines[self._at].text):
            self._at += 1
        inside = self._lines[first : self._at]
        self._at += 1
        code = self._marked.plain(inside[0].begin, inside[-1].end) if inside else ""
        return f'<pre tabindex="0"><code>{code}</code></pre>'

    def _table(self) -> str:
        rows = self._run(lambda line: bool(_ROW.match(line.text)))
        has_head = len(rows) > 1 and _RULE.match(rows[1].text) is not None
        shown = []
        for number, row in enumerate(rows):
            if _RULE.match(row.text):
                continue
            tag = 'th scope="col"' if has_head and number == 0 else "td"
            cells = "".join(f"<{tag}>{cell}</{tag[:2]}>" for cell in self._cells(row))
            shown.append(f"<tr>{cells}</tr>")
        return f'<div class="table" tabindex="0"><table>{"".join(shown)}</table></div>'

    def _cells(self, row: _Line) -> Iterator[str]:
        bars = [row.begin + found.start() for found in _CELL_END.finditer(row.text)]
        for left, right in pairwise(bars):
            begin, end = left + 1, right
            while begin < end and self._marked.text[begin].isspace():
                begin += 1
            while begin < end and self._marked.text[end - 1].isspace():
                end -= 1
            yield self._marked.inline(begin, end).replace("\\|", "|")

    def _list(self, lines: Sequence[_Line]) -> str:
        """Items within items by their indents."""
        pieces: list[str] = []
        open_lists: list[tuple[int, str]] = []
        for line in lines:
            item = _ITEM.match(line.text)
            if item is None:
                pieces.append(f"<br>{self._marked.inline(_first(line), line.end)}")
                continue
            indent = len(item[1].expandtabs(4))
            while len(open_lists) > 1 and indent < open_lists[-1][0]:
                pieces.append(f"</li></{open_lists.pop()[1]}>")
            if not open_lists or indent > open_lists[-1][0] + 1:
                tag = "ol" if item[2] else "ul"
                start = f' start="{int(item[2])}"' if item[2] and int(item[2]) != 1 else ""
                open_lists.append((indent, tag))
                pieces.append(f"<{tag}{start}>")
            else:
                pieces.append("</li>")
            pieces.append(f"<li>{self._marked.inline(line.begin + item.end(), line.end)}")
        pieces += [f"</li></{tag}>" for _, tag in reversed(open_lists)]
        return "".join(pieces)

    def _quote(self, lines: Sequence[_Line]) -> str:
        shown = []
        for line in lines:
            found = _QUOTE.match(line.text)
            shown.append(self._marked.inline(line.begin + (found.end() if found else 0), line.end))
        return f"<blockquote>{'<br>'.join(shown)}</blockquote>"

    def _paragraph(self) -> str:
        first = self._lines[self._at]
        last = first
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line.text.strip() or (line is not first and _begins_other(line)):
                break
            last = line
            self._at += 1
        return f"<p>{self._marked.inline(first.begin, last.end, is_plain=True)}</p>"


def _is_of_list(line: _Line) -> bool:
    """An item, or the indented text that goes on with it."""
    return bool(_ITEM.match(line.text)) or bool(line.text.strip() and line.text[0] in " \t")


def _begins_other(line: _Line) -> bool:
    forms = (_FENCE, _ROW, _HEADING)
    return any(form.match(line.text) for form in forms)


def _first(line: _Line) -> int:
    """Where the line's text begins."""
    return line.begin + len(line.text) - len(line.text.lstrip())
