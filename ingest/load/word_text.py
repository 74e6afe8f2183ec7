"""The text of one paragraph of a Word file, with what Word hides in it: changes, notes, boxes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ingest.load.word_math import equation

# Deleted or moved away; the field's code; the reading above a character; what stands twice.
_LEFT_OUT = {
    "del", "moveFrom", "delText", "instrText", "delInstrText", "rt", "pPr", "rPr", "sdtPr",
    "sdtEndPr", "sectPr", "Fallback", "fldData",
}  # fmt: skip
_SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
_NOTES = {"footnoteReference": "footnote", "endnoteReference": "endnote",
          "commentReference": "comment"}  # fmt: skip

_GUESSED = re.compile(r"\s*AI(?:-generated content may be incorrect\.| ?生成的内容可能不正确。)$")


@dataclass
class Text:
    """What a paragraph holds.

    ``boxes`` are the elements of text boxes anchored in it; ``notes`` (kind, id) are referred to
    from it: "footnote", "endnote" or "comment".
    """

    parts: list[str] = field(default_factory=list)
    boxes: list[Any] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts).strip()


def read_paragraph(paragraph: Any) -> Text:
    """The text of a ``w:p``: with insertions and without deletions, equations and the
    descriptions of pictures in their places, footnotes as ``[1]``."""
    found = Text()
    # An explicit stack: files may nest thousands of elements.
    stack: list[Iterator[Any]] = [iter(paragraph)]
    while stack:
        node = next(stack[-1], None)
        if node is None:
            stack.pop()
        elif _take(node, found):
            stack.append(iter(node))
    return found


def _take(node: Any, found: Text) -> bool:
    """Take what the element says; whether its children are still to be read."""
    name = local_name(node)
    if name in _LEFT_OUT:
        # The second form of a box, for old programs: all there is where the first is empty.
        return name == "Fallback" and not _has_choice(node)
    if name == "t":
        found.parts.append(node.text or "")
    elif name in _SIGNS:
        found.parts.append(_SIGNS[name])
    elif name in _NOTES:
        _note(node, _NOTES[name], found)
    elif name == "txbxContent":
        found.boxes.append(node)
    elif name == "oMath":
        found.parts.append(equation(node).strip())
    elif name == "docPr":
        found.parts.append(_description(node))
    else:
        return True
    return False


def local_name(node: Any) -> str:
    """The element's name without its namespace; '' of comments and the like."""
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _has_choice(fallback: Any) -> bool:
    parent = fallback.getparent()
    return parent is not None and any(local_name(each) == "Choice" and len(each) for each in parent)


def _note(node: Any, kind: str, found: Text) -> None:
    identity = attribute(node, "id")
    found.notes.append((kind, identity))
    if kind != "comment":
        found.parts.append(f"[{identity}]")


def _description(node: Any) -> str:
    """What a picture is said to show, without Word's warning of its own guesses."""
    said = _GUESSED.sub("", " ".join(str(node.get("descr") or "").split()))
    return f" {said} " if said else ""


def attribute(node: Any, name: str) -> str:
    """The value of an attribute of Word's own namespace, or an empty string."""
    return next((str(v) for key, v in node.items() if key.rpartition("}")[2] == name), "")
