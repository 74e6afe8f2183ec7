"""Where links lead: the anchors of headings, and the entries of reference pages.

A <dl> whose terms have anchors is a reference: functions, options, terms of a glossary. Each term
is a heading one level below the section it stands in, so that what is said of ``json.dumps`` is
cut, found and linked to as such. Text after the list belongs to the section again: an empty heading
says so.
"""

from __future__ import annotations

from typing import Any

from ingest.load.document import Block

Element = Any  # lxml has no types

LONGEST_ENTRY = 160  # characters; longer terms are no headings
_NO_REFERENCE = frozenset(("footnote", "citation", "field-list", "toc", "docinfo"))
# The parts of a signature that name what it is about, as Sphinx marks them, then and now.
_NAMES = frozenset(("sig-prename", "sig-name", "descclassname", "descname"))
_KINDS = frozenset(("class", "exception", "struct", "enum", "union", "module", "macro"))
_USER_CONTENT = "user-content-"


class Entries:
    """The levels of headings and of the entries below them while a page is read."""

    def __init__(self) -> None:
        self.level = 0  # of the last heading
        self._bases: list[int] = []
        self._open: int | None = None  # the level that text now belongs to

    def enter(self) -> None:
        """A list of entries begins."""
        self._bases.append(self.level)

    def begin(self) -> int:
        """An entry begins; its level as a heading."""
        self.level = self._bases[-1] + 1
        return self.level

    def leave(self) -> None:
        """The list ends: what follows belongs to the section that the list stands in."""
        self.level = self._open = self._bases.pop()

    def closing(self, level: int | None = None) -> list[Block]:
        """What has to stand before the next block (before a heading of ``level``): the end of the
        entries, where a list of them was left and the heading doesn't end them itself."""
        left, self._open = self._open, None
        if left is None or (level is not None and level <= left + 1):
            return []
        return [Block("", "heading", left)]


def has_entries(definitions: Element) -> bool:
    """Whether the terms of a <dl> are to be headings."""
    if not _NO_REFERENCE.isdisjoint(definitions.get("class", "").split()):
        return False
    term = definitions.find("dt")
    if term is None or "label" in term.get("class", "").split() or anchor_of(term) is None:
        return False
    return _signature_name(term) != "" or len("".join(term.itertext())) <= LONGEST_ENTRY


def entry_name(term: Element, text: str) -> str:
    """What the entry of a term is called: ``json.dumps()`` of a whole signature, else all of it."""
    return _signature_name(term) or text[:LONGEST_ENTRY]


def _signature_name(term: Element) -> str:
    names, kind, call = "", "", ""
    for part in term:
        classes = part.get("class", "").split()
        text = "".join(part.itertext())
        if not _NAMES.isdisjoint(classes):
            names += text
        elif "sig-paren" in classes:
            call = "()"
            break
        elif "property" in classes and not names:
            kind = text.strip()
    name = " ".join(names.split())
    if not name or kind not in _KINDS:
        return name + call if name else ""
    return f"{kind} {name}"


def anchor_of(element: Element) -> str | None:
    """The fragment that leads to a heading or a term: its own id, that of an element inside it, or
    that of the link beside it."""
    headline = element.find("span[@class='mw-headline']")  # MediaWiki: after an old one
    inside = element.iter() if headline is None else headline.iter()
    named = (each.get("id") or (each.tag == "a" and each.get("name")) for each in inside)
    own = next((found for found in named if found), None)
    if own is None or own.startswith(_USER_CONTENT):
        # GitHub: the link says what a script makes of the id.
        link = element.find(".//a[@href]")
        link = element.getnext() if link is None else link
        if link is not None and link.tag == "a" and "anchor" in link.get("class", "").split():
            return link.get("href", "").partition("#")[2] or own
    return own
