"""Pages that nest deeper than the tree can hold: their headings and paragraphs in their order.

Such pages come from unclosed tags by the thousand. One pass without a tree, so depth costs nothing.
"""

from __future__ import annotations

from html.parser import HTMLParser

from ingest.load.document import Block
from ingest.load.wrapping import unwrap

_SILENT = ("script", "style", "template", "noscript", "title")
_INLINE = (
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "dfn", "em", "font", "i", "kbd",
    "mark", "q", "ruby", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u",
    "var", "wbr",
)  # fmt: skip
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


def flat_blocks(text: str) -> list[Block]:
    """The blocks of a page, by its tags alone."""
    parser = _Flat()
    # The parser stops at marked sections that it doesn't know.
    parser.feed(text.replace("<![", "&lt;!["))
    parser.close()
    parser.flush()
    return parser.blocks


class _Flat(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._text: list[str] = []
        self._heading = ("", 0)  # its anchor and level
        self._silent = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT and not self._silent:
            self._silent = tag
        if tag not in _INLINE:
            self.flush()
        if tag in _HEADINGS:
            self._heading = (dict(attrs).get("id") or "", int(tag[1]))

    def handle_endtag(self, tag: str) -> None:
        if tag == self._silent:
            self._silent = ""
        if tag not in _INLINE:
            self.flush()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._text.append(data)

    def flush(self) -> None:
        """End the paragraph."""
        text = unwrap("".join(self._text))
        self._text.clear()
        anchor, level = self._heading
        if text and level:
            self.blocks.append(Block(text, "heading", level, anchor=anchor or None))
            self._heading = ("", 0)
        elif text:
            self.blocks.append(Block(text))
