"""The sections of a document: a tree made of its headings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ingest.load.document import Block, Document

# Longer "headings" are paragraphs in disguise.
LONGEST_HEADING = 200
_DEEPEST_MARK = 6


@dataclass
class Section:
    """A heading with the text below it. ``heading`` is empty for the document itself and for text
    that goes on after a section's subsections."""

    level: int
    path: tuple[str, ...]
    anchor: str | None = None
    page: int | None = None
    heading: str = ""
    body: list[Block] = field(default_factory=list)
    children: list[Section] = field(default_factory=list)

    def blocks(self) -> Iterator[Block]:
        """Its body and all that is below it, headings included."""
        yield from self.body
        for child in self.children:
            yield from child.whole()

    def whole(self) -> Iterator[Block]:
        """Its heading as Markdown, and all that is below it."""
        if self.heading:
            mark = "#" * min(self.level, _DEEPEST_MARK)
            yield Block(f"{mark} {self.heading}", "heading", page=self.page)
        yield from self.blocks()

    def parts(self) -> list[Section]:
        """Its own text and its subsections, in their order."""
        own = replace(self, heading="", children=[])
        return [own, *self.children] if self.body else self.children


def section_tree(document: Document) -> Section:
    """The sections of a document under one root that stands for the document itself."""
    root = Section(0, (document.title,) if document.title else ())
    open_sections = [root]
    for block in document.blocks:
        if block.kind == "heading" and len(block.text) <= LONGEST_HEADING:
            # An empty heading ends the sections below its level.
            level = max(1, block.level) if block.text else block.level + 1
            while open_sections[-1].level >= max(1, level):
                open_sections.pop()
            if block.text:
                _open(open_sections, _child(open_sections[-1], block, document.title))
        elif block.text.strip():
            parent = open_sections[-1]
            if parent.children:
                _open(open_sections, replace(_empty(parent), page=block.page))
            open_sections[-1].body.append(block)
    return root


def _open(open_sections: list[Section], section: Section) -> None:
    open_sections[-1].children.append(section)
    open_sections.append(section)


def _empty(parent: Section) -> Section:
    """Where the text of a section goes on after its subsections."""
    return Section(parent.level + 1, parent.path, parent.anchor)


def _child(parent: Section, block: Block, title: str) -> Section:
    # The title stands first unless the first heading says it again.
    repeats = parent.level == 0 and (block.text in title or title in block.text)
    path = (block.text,) if repeats else (*parent.path, block.text)
    anchor = block.anchor or parent.anchor
    return Section(max(1, block.level), path, anchor, block.page, block.text)
