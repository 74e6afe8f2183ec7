"""Formulas as TeX, where a page says them so beside what it shows."""

from __future__ import annotations

import re
from typing import Any

Element = Any  # lxml has no types

_STYLE = re.compile(r"^\{\\(?:display|text)style\s+(.*)\}$", re.S)


def show_tex(root: Element) -> None:
    """Put the TeX source of each formula in its place. Other MathML keeps its text."""
    for script in list(root.iter("script")):
        kind = script.get("type", "")
        if kind.startswith("math/tex"):
            _put(script, script.text or "", is_display="mode=display" in kind)
    for math in list(root.iter("math")):
        tex = math.get("alttext") or _annotation(math)
        if tex:
            _put(_shown(math), tex, is_display=math.get("display") == "block")


def _annotation(math: Element) -> str:
    for note in math.iter("annotation"):
        if "tex" in note.get("encoding", "").lower():
            return str(note.text or "")
    return ""


def _shown(math: Element) -> Element:
    """What stands for the formula: on MediaWiki a hidden MathML and a picture together."""
    for parent in math.iterancestors("span"):
        if "mwe-math-element" in parent.get("class", "").split():
            return parent
    return math


def _put(place: Element, tex: str, *, is_display: bool) -> None:
    tex = " ".join(tex.split())
    tex = _STYLE.sub(r"\1", tex).strip()
    tail = place.tail
    place.clear()
    place.tag = "span"
    place.text = f"$${tex}$$" if is_display else f"${tex}$"
    place.tail = tail
