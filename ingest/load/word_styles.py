"""What the styles and the numbering of a Word file make of a paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingest.load.word_text import attribute, local_name

_HEADING = re.compile(r"^(?:heading|标题|標題) ?([1-9])$", re.I)
_CODE = re.compile(r"\bcode\b|preformatted|verbatim|listing|代码|程序清单", re.I)
_BODY_LEVEL = 9  # of an outline: running text
_LONGEST_CHAIN = 12  # of styles based on each other


@dataclass(frozen=True)
class Numbered:
    """A place in a list: which list, and how deep from 0."""

    list_id: str
    level: int


def child(node: Any, *names: str) -> Any:
    """The element at that path below ``node``, or None."""
    for name in names:
        node = next((each for each in node if local_name(each) == name), None)
        if node is None:
            return None
    return node


def value(node: Any, *names: str) -> str:
    """The ``w:val`` of the element at that path below ``node``, or an empty string."""
    found = child(node, *names)
    return attribute(found, "val") if found is not None else ""


class Styles:
    """The styles by their id; ``root`` is the ``w:styles`` element."""

    def __init__(self, root: Any) -> None:
        self._styles = {
            attribute(style, "styleId"): style for style in root if local_name(style) == "style"
        }
        self._default = next(
            (
                name
                for name, style in self._styles.items()
                if attribute(style, "type") == "paragraph" and attribute(style, "default") == "1"
            ),
            "",
        )

    def name(self, paragraph: Any) -> str:
        return next((value(style, "name") for style in self._chain(paragraph)), "")

    def heading_level(self, paragraph: Any) -> int:
        """1 to 6 for headings, by the paragraph's own outline level, its style's name or outline
        level, or those that the style is based on; 0 for text."""
        for node in (paragraph, *self._chain(paragraph)):
            if found := _HEADING.match(value(node, "name")):
                return min(6, int(found[1]))
            level = value(node, "pPr", "outlineLvl")
            if level.isdigit():
                return min(6, int(level) + 1) if int(level) < _BODY_LEVEL else 0
        return 0

    def is_code(self, paragraph: Any) -> bool:
        return any(_CODE.search(value(style, "name")) for style in self._chain(paragraph))

    def numbered(self, paragraph: Any) -> Numbered | None:
        """The list that a paragraph is an item of."""
        for node in (paragraph, *self._chain(paragraph)):
            if (properties := child(node, "pPr", "numPr")) is not None:
                list_id = value(properties, "numId")
                level = value(properties, "ilvl")
                return Numbered(list_id, int(level or 0)) if list_id != "0" else None
        return None

    def _chain(self, paragraph: Any) -> Iterator[Any]:
        """The paragraph's style and those that it is based on."""
        name = value(paragraph, "pPr", "pStyle") or self._default
        for _ in range(_LONGEST_CHAIN):
            style = self._styles.get(name)
            if style is None:
                return
            yield style
            name = value(style, "basedOn")


class Numbering:
    """Counts the items of lists; ``root`` is the ``w:numbering`` element, or None."""

    def __init__(self, root: Any) -> None:
        parts = [] if root is None else list(root)
        self._abstract = {
            attribute(each, "abstractNumId"): each
            for each in parts
            if local_name(each) == "abstractNum"
        }
        self._lists = {
            attribute(each, "numId"): value(each, "abstractNumId")
            for each in parts
            if local_name(each) == "num"
        }
        self._counts: dict[str, dict[int, int]] = {}

    def marker(self, item: Numbered) -> str:
        """What stands before the item in Markdown: "- ", or its number."""
        level = self._level(item)
        kind = value(level, "numFmt") if level is not None else "bullet"
        if kind in ("bullet", "none", ""):
            return "- "
        start = value(level, "start")
        counts = self._counts.setdefault(item.list_id, {})
        for deeper in [each for each in counts if each > item.level]:
            del counts[deeper]
        first = int(start) if start.isdigit() else 1
        counts[item.level] = counts.get(item.level, first - 1) + 1
        return f"{counts[item.level]}. "

    def _level(self, item: Numbered) -> Any:
        abstract = self._abstract.get(self._lists.get(item.list_id, ""))
        levels = [] if abstract is None else list(abstract)
        return next(
            (
                each
                for each in levels
                if local_name(each) == "lvl" and attribute(each, "ilvl") == str(item.level)
            ),
            None,
        )
