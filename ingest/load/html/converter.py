"""A tree of HTML to blocks, in one walk without recursion: broken pages nest deeply.

Inline text gathers in a buffer, block elements flush it, and headings, code, tables, lists and
definitions have a handler each.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lxml import etree

from ingest.load.document import Block, BlockKind
from ingest.load.html.code import code_language, code_text
from ingest.load.html.entries import Entries, anchor_of, entry_name, has_entries
from ingest.load.html.tables import is_layout, table_rows
from ingest.load.wrapping import fenced, markdown_rows, unwrap

Element = Any  # lxml has no types

# The elements that stand for paragraphs of their own.
BLOCK_TAGS = frozenset((
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6",
    "header", "hgroup", "hr", "html", "legend", "li", "main", "menu", "ol", "option", "p", "pre",
    "search", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
    "caption",
))  # fmt: skip
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_NOT_PLAIN = BLOCK_TAGS | {"br", "img", "sup", "input"}
_SECTIONS = frozenset(("section", "div", "article"))
_LISTS = frozenset(("ul", "ol", "menu", "dl"))
_LINE = "\u2028"  # a <br>, while other line breaks still count as spaces
_DEEPEST_INDENT = 8
# DocBook: who wrote it, in the size of a heading.
_NO_TITLES = frozenset(("author", "subtitle", "editor", "corpauthor", "othercredit", "releaseinfo"))
_IMAGE_NAME = re.compile(r"\.(?:png|jpe?g|gif|svg|webp)$", re.I)
_POWER = re.compile(r"^[-−+]?(?:\d{1,4}|[a-zA-Z])$")
_NOTE = re.compile(r"^\[\w{1,4}\]$")
_MARK = re.compile(r"^\[?(\w{1,4})\]?$")


class Converter:
    """Turns a tree into blocks. One use each. ``flat`` takes all elements for running text."""

    def __init__(self, *, flat: bool = False) -> None:
        self.blocks: list[Block] = []
        self.inline: list[str] = []
        self.lists: list[int | None] = []  # open ones; the number of the last item of an <ol>
        self.marker = ""  # of an item whose text is still to come
        self.items: list[str] = []
        self.anchors: dict[bool, str] = {}  # since the last text: of a section, of anything else
        self.entries = Entries()
        self.definitions: list[bool] = []  # open <dl>; whether their terms are headings
        inline: dict[str, Callable[[Element], bool]] = {
            "br": self._break,
            "img": self._image,
            "sup": self._raised,
            "input": self._box,
        }
        blocks: dict[str, Callable[[Element], bool]] = {
            **dict.fromkeys(_HEADINGS, self._heading),
            **dict.fromkeys(_LISTS, self._list),
            "li": self._item,
            "dt": self._term,
            "dd": self._definition,
            "pre": self._code,
            "table": self._table,
            "div": self._division,
        }
        #: Each says whether the children are still to be read.
        self.handlers = inline if flat else inline | blocks

    def convert(self, root: Element) -> list[Block]:
        """The blocks of what is inside ``root``."""
        walk = etree.iterwalk(root, events=("start", "end"))
        inline, handlers = self.inline, self.handlers
        for event, element in walk:
            tag = element.tag
            if event == "end":
                if tag in BLOCK_TAGS:
                    self._leave(tag)
                if element.tail and element is not root:
                    inline.append(element.tail)
                continue
            if tag in BLOCK_TAGS:
                self._flush()
            if anchor := element.get("id") or (tag == "a" and element.get("name")):
                self.anchors[tag in _SECTIONS] = anchor
            handler = handlers.get(tag) if element is not root else None
            if handler is not None and not handler(element):
                walk.skip_subtree()
            elif element.text:
                inline.append(element.text)
        self._flush(is_last=True)
        self._end_list()
        return self.blocks

    def _leave(self, tag: str) -> None:
        self._flush()
        if tag in _LISTS:
            self._leave_list(tag)

    def _flush(self, *, is_last: bool = False) -> None:
        if not self.inline:
            return
        text = _inline_text("".join(self.inline))
        self.inline.clear()
        if not text:
            return
        if _NOTE.match(text) and not is_last:
            self.inline.append(f"{text} ")  # the mark of a footnote stands before it
            return
        self.anchors.clear()
        if self.lists:
            self._add_to_list(text)
        else:
            self._add(text)

    def _add_to_list(self, text: str) -> None:
        indent = "  " * min(len(self.lists) - 1, _DEEPEST_INDENT)
        start = self.marker or "  "
        self.marker = ""
        if start == ": " and self.items:
            term = self.items[-1].rstrip(":：")
            self.items[-1] = f"{term}: {text}".replace("\n", f"\n{indent}  ")
        else:
            start = "  " if start == ": " else start
            self.items.append((indent + start + text).replace("\n", f"\n{indent}  "))

    def _end_list(self) -> None:
        if self.items:
            items, self.items = self.items, []
            self._add("\n".join(items), "list")

    def _add(self, text: str, kind: BlockKind = "paragraph") -> None:
        if text:
            self._end_list()
            self.blocks += self.entries.closing()
            self.blocks.append(Block(text, kind))
            self.anchors.clear()

    def _add_heading(self, text: str, level: int, anchor: str | None) -> None:
        self._end_list()
        self.blocks += self.entries.closing(level)
        self.blocks.append(Block(text, "heading", level, anchor=anchor))
        self.anchors.clear()

    def _heading(self, tag: Element) -> bool:
        if not _NO_TITLES.isdisjoint(tag.get("class", "").split()):
            return True
        text = " ".join(text_of(tag).split())
        if text:
            level = int(tag.tag[1])
            self.entries.level = level
            self._add_heading(text, level, anchor_of(tag) or self._nearest_anchor())
        return False

    def _nearest_anchor(self) -> str | None:
        return self.anchors.get(True) or self.anchors.get(False)

    def _division(self, tag: Element) -> bool:
        """Elements that other tools use for <h1> and <pre>."""
        names = tag.get("class", "").split()
        if tag.get("role") == "heading" or (names == ["title"] and _is_doxygen_title(tag)):
            level = tag.get("aria-level", "1")
            text = " ".join(text_of(tag).split())
            if text:
                self.entries.level = int(level) if level.isascii() and level.isdigit() else 1
                self._add_heading(
                    text, self.entries.level, anchor_of(tag) or self._nearest_anchor()
                )
            return False
        return self._code(tag) if "fragment" in names and tag.find("div") is not None else True

    def _code(self, tag: Element) -> bool:
        code = code_text(tag)
        if code.strip():
            self._add(fenced(code, code_language(tag)), "code")
        return False

    def _table(self, tag: Element) -> bool:
        if is_layout(tag):
            for image in tag.iter("img"):
                image.attrib.pop("alt", None)
            return True
        rows = table_rows(tag, text_of)
        if max(map(len, rows), default=0) < 2:
            return True
        caption = tag.find("caption")
        if caption is not None:
            self._add(text_of(caption))
        self._add(markdown_rows(rows), "table")
        return False

    def _list(self, tag: Element) -> bool:
        if tag.tag == "dl":
            is_reference = not self.lists and has_entries(tag)
            self.definitions.append(is_reference)
            if is_reference:
                self.entries.enter()
                return True
        self.lists.append(0 if tag.tag == "ol" else None)
        return True

    def _leave_list(self, tag: str) -> None:
        if tag == "dl" and self.definitions and self.definitions.pop():
            self.entries.leave()
        elif self.lists:
            self.lists.pop()
            if not self.lists:
                self._end_list()

    def _item(self, tag: Element) -> bool:
        if self.lists:
            number = self.lists[-1]
            self.lists[-1] = None if number is None else number + 1
            self.marker = "- " if number is None else f"{number + 1}. "
        return True

    def _term(self, tag: Element) -> bool:
        if self.lists:
            self.marker = "- "
            return True
        if not (self.definitions and self.definitions[-1]):
            return True
        before = tag.getprevious()
        if before is not None and before.tag == "dt":  # another form of the same entry
            return True
        signature = " ".join(text_of(tag).split())
        name = entry_name(tag, signature)
        if name:
            self._add_heading(name, self.entries.begin(), anchor_of(tag) or self._nearest_anchor())
            self._add(signature if signature != name else "")
        return False

    def _definition(self, tag: Element) -> bool:
        before = tag.getprevious()
        if self.lists and not self.marker and before is not None and before.tag == "dt":
            self.marker = ": "
        return True

    def _break(self, tag: Element) -> bool:
        self.inline.append(_LINE)
        return False

    def _image(self, tag: Element) -> bool:
        alt = tag.get("alt", "")
        if alt and not _IMAGE_NAME.search(alt):
            names = tag.get("class", "").split()
            self.inline.append(f" ${alt}$ " if "math" in names or "tex" in names else f" {alt} ")
        return False

    def _raised(self, tag: Element) -> bool:
        """Powers stay powers; the marks of footnotes stay apart from the word before."""
        text = "".join(tag.itertext()).strip()
        if tag.find(".//a") is not None and (mark := _MARK.match(text)):
            text = f"[{mark[1]}]"
        elif _POWER.match(text) and self.inline and self.inline[-1][-1:].strip():
            text = f"^{text}"
        self.inline.append(text)
        return False

    def _box(self, tag: Element) -> bool:
        if tag.get("type") == "checkbox" and self.lists:
            self.inline.append("[x] " if tag.get("checked") is not None else "[ ] ")
        return False


def text_of(element: Element) -> str:
    """The visible text of an element as one paragraph."""
    if any(inner.tag in _NOT_PLAIN for inner in element.iterdescendants()):
        return "\n".join(block.text for block in Converter(flat=True).convert(element))
    return _inline_text("".join(element.itertext()))


def _inline_text(text: str) -> str:
    if _LINE not in text:
        return unwrap(text)
    lines = (unwrap(line) for line in text.split(_LINE))
    return "\n".join(line for line in lines if line)


def _is_doxygen_title(tag: Element) -> bool:
    return "headertitle" in tag.getparent().get("class", "").split()
