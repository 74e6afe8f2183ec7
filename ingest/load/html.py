"""HTML: the main content as blocks, without navigation, scripts and what is hidden.

One pass over the tree: inline text gathers in a buffer, block elements flush it, and headings,
code, tables and lists have a handler each. Nothing recurses: broken pages nest deeply.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from bs4 import BeautifulSoup
from bs4.dammit import EncodingDetector
from bs4.element import NavigableString, PageElement, PreformattedString, Tag

from ingest.load.document import Block, BlockKind, Document, RawDocument, first_heading
from ingest.load.encoding import decode
from ingest.load.wrapping import fenced, markdown_rows, unwrap

DROPPED_TAGS = [
    "script", "style", "noscript", "template", "nav", "iframe", "svg", "canvas", "object",
    "button", "input", "select", "textarea", "dialog", "head", "map", "audio", "video",
]  # fmt: skip
DROPPED_ROLES = {"navigation", "banner", "contentinfo", "search", "menu", "menubar", "dialog"}
# Class names and ids by which documentation tools mark what surrounds the content.
DROPPED_NAMES = {
    "navheader", "navfooter", "navbar", "navigation", "sphinxsidebar", "related", "breadcrumb",
    "breadcrumbs", "footer", "site-footer", "site-header", "toc", "headerlink", "linenos",
    "lineno", "mw-editsection", "mw-jump-link", "skip-link", "noprint", "sr-only",
}  # fmt: skip
# The elements that stand for paragraphs of their own.
BLOCK_TAGS = {
    "address", "article", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6",
    "header", "hgroup", "hr", "html", "li", "main", "ol", "p", "pre", "section", "summary", "table",
    "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
}  # fmt: skip
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_LANGUAGE = re.compile(r"^(?:language|lang|highlight)-(?!default|none|text|source)(\w+)$")
_XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*>")
_LINE = "\u2028"  # a <br>, while other line breaks still count as spaces


def load_html(raw: RawDocument) -> Document:
    """A page; its title is the first heading's where ``<title>`` holds it, else ``<title>``."""
    declared = EncodingDetector.find_declared_encoding(
        raw.data, is_html=True, search_entire_document=False
    )
    soup = _parse(decode(raw.data, raw.charset or declared or ""))
    title = unwrap(soup.title.get_text()) if soup.title else ""
    blocks = tuple(_Converter().convert(_main(soup)))
    heading = first_heading(blocks)
    if not title or (heading and heading in title):
        title = heading or title
    return Document(title or raw.stem, "html", blocks)


def html_blocks(fragment: str) -> list[Block]:
    """The blocks of a piece of HTML inside another document."""
    return _Converter().convert(_parse(fragment))


def _parse(text: str) -> BeautifulSoup:
    # Without its declaration XHTML is not taken for XML; with a line break no short text is
    # taken for a file's name.
    return BeautifulSoup(_XML_DECLARATION.sub("", text) + "\n", "lxml")


def _main(soup: BeautifulSoup) -> Tag:
    """The element that holds the content; the whole page where none is marked as such."""
    for candidates in (soup.select("main, [role=main]"), soup.select("article")):
        known = set(map(id, candidates))
        outermost = [tag for tag in candidates if known.isdisjoint(map(id, tag.parents))]
        if len(outermost) == 1 and outermost[0].get_text(strip=True):
            return outermost[0]
    return soup.body or soup


def _dropped(tag: Tag) -> bool:
    if tag.name in DROPPED_TAGS or tag.has_attr("hidden") or tag.get("aria-hidden") == "true":
        return True
    if tag.name in ("header", "footer", "aside") and not tag.find_parent(["article", "main"]):
        return True
    if tag.get("role") in DROPPED_ROLES or _HIDDEN_STYLE.search(str(tag.get("style", ""))):
        return True
    names = {*_classes(tag), str(tag.get("id", ""))}
    return not names.isdisjoint(DROPPED_NAMES)


def _classes(tag: Tag) -> list[str]:
    return [str(name) for name in tag.get_attribute_list("class") if name]


class _Converter:
    """Turns a tree into blocks. One use each. ``flat`` takes all elements for running text."""

    def __init__(self, *, flat: bool = False) -> None:
        self.flat = flat
        self.blocks: list[Block] = []
        self.inline: list[str] = []
        self.lists: list[int | None] = []  # open ones; the number of the last item of an <ol>
        self.marker = ""  # of an item whose text is still to come
        self.items: list[str] = []
        self.handlers: dict[str, Callable[[Tag], bool]] = {
            **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), self._heading),
            **dict.fromkeys(("ul", "ol"), self._list),
            "li": self._item,
            "pre": self._code,
            "table": self._table,
        }

    def convert(self, root: Tag) -> list[Block]:
        # An explicit stack: broken pages nest thousands of elements.
        stack = [(iter(root.children), root)]
        while stack:
            children, tag = stack[-1]
            child = next(children, None)
            if child is None:
                stack.pop()
                self._leave(tag)
            elif not isinstance(child, Tag):
                self._text(child)
            elif not _dropped(child) and self._enter(child):
                stack.append((iter(child.children), child))
        self._flush()
        self._end_list()
        return self.blocks

    def _enter(self, tag: Tag) -> bool:
        """Begin an element; says whether its children are still to be read."""
        if tag.name in BLOCK_TAGS:
            self._flush()
        if tag.name == "br":
            self.inline.append(_LINE)
        elif tag.name == "img":
            self.inline.append(f" {tag.get('alt') or ''} ")
        elif not self.flat and tag.name in self.handlers:
            return self.handlers[tag.name](tag)
        return True

    def _leave(self, tag: Tag) -> None:
        if tag.name in BLOCK_TAGS:
            self._flush()
        if tag.name in ("ul", "ol") and self.lists:
            self.lists.pop()
            if not self.lists:
                self._end_list()

    def _text(self, node: PageElement) -> None:
        # Comments, doctypes and the like are preformatted strings.
        if isinstance(node, NavigableString) and not isinstance(node, PreformattedString):
            self.inline.append(str(node))

    def _flush(self) -> None:
        text = _inline_text("".join(self.inline))
        self.inline.clear()
        if text and self.lists:
            indent = "  " * min(len(self.lists) - 1, 8)
            start = self.marker or "  "
            self.items.append((indent + start + text).replace("\n", f"\n{indent}  "))
            self.marker = ""
        else:
            self._add(text)

    def _end_list(self) -> None:
        if self.items:
            self.blocks.append(Block("\n".join(self.items), "list"))
            self.items = []

    def _add(self, text: str, kind: BlockKind = "paragraph") -> None:
        if text:
            self._end_list()
            self.blocks.append(Block(text, kind))

    def _heading(self, tag: Tag) -> bool:
        text = " ".join(_text_of(tag).split())
        if text:
            self._end_list()
            self.blocks.append(Block(text, "heading", int(tag.name[1]), anchor=_anchor(tag)))
        return False

    def _code(self, tag: Tag) -> bool:
        for line_break in tag.find_all("br"):
            line_break.replace_with("\n")
        for number in tag.select(".lineno, .linenos"):
            number.decompose()
        code = tag.get_text().strip("\n")
        if code.strip():
            self._add(fenced(code, _language(tag)), "code")
        return False

    def _table(self, tag: Tag) -> bool:
        if tag.find(["pre", "table"]):
            return True  # a table for layout
        rows = list(_rows(tag))
        if max(map(len, rows), default=0) < 2:
            return True
        if caption := tag.find("caption"):
            self._add(_text_of(caption))
        self._add(markdown_rows(rows), "table")
        return False

    def _list(self, tag: Tag) -> bool:
        self.lists.append(0 if tag.name == "ol" else None)
        return True

    def _item(self, tag: Tag) -> bool:
        if self.lists:
            number = self.lists[-1]
            self.lists[-1] = None if number is None else number + 1
            self.marker = "- " if number is None else f"{number + 1}. "
        return True


def _inline_text(text: str) -> str:
    lines = (unwrap(line) for line in text.split(_LINE))
    return "\n".join(line for line in lines if line)


def _text_of(tag: Tag) -> str:
    """The visible text of an element as one paragraph."""
    return "\n".join(block.text for block in _Converter(flat=True).convert(tag))


def _rows(table: Tag) -> Iterator[list[str]]:
    for row in table.find_all("tr"):
        cells: list[str] = []
        for cell in row.find_all(["td", "th"], recursive=False):
            span = str(cell.get("colspan", "1"))
            blanks = min(int(span) - 1, 50) if span.isdigit() else 0
            cells += [_text_of(cell), *[""] * blanks]
        if any(cells):
            yield cells


def _anchor(heading: Tag) -> str | None:
    """The fragment that leads to a heading: its own id, that of an element inside it, or that of
    a section that it opens."""
    inside = heading.find(
        lambda tag: tag.has_attr("id") or (tag.name == "a" and tag.has_attr("name"))
    )
    for tag in (heading, inside):
        if isinstance(tag, Tag) and (found := tag.get("id") or tag.get("name")):
            return str(found)
    if link := heading.select_one("a.headerlink[href^='#'], a.anchor[href^='#']"):
        return str(link["href"])[1:] or None
    for parent in list(heading.parents)[:4]:
        if parent.name in ("section", "div", "article") and parent.get("id"):
            opens = parent.find(heading.name) is heading
            return str(parent["id"]) if opens else None
    return None


def _language(pre: Tag) -> str:
    code = pre.find("code", recursive=False)
    places = [pre, *([code] if isinstance(code, Tag) else []), *list(pre.parents)[:2]]
    for place in places:
        for name in _classes(place):
            if found := _LANGUAGE.match(name):
                return found[1]
    return ""
