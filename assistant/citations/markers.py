"""Markers of citations as models write them, and what only looks like one.

Every marker becomes ``[n]``: ``[1,3]``, ``【1】``, ``[[1]]``, ``[^1]``, ``(资料1)``.
Inline code, links, formulas, footnotes with a definition and elements of arrays are set aside
first, as one private character each, and put back as they were at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_OPEN, _CLOSE = r"[\[【［〔]", r"[\]】］〕]"
_WORD = (
    r"(?:编号|资料|来源|出处|文档|段落|参考|引用|passages?|sources?|documents?|docs?|refs?"
    r"|references?|citations?)"
)
_NUMBER = rf"(?:{_WORD}\s{{0,2}}[:：#.]?\s{{0,2}})?\^?\d{{1,3}}(?:†[^\[\]【】\n]{{0,40}})?(?!\d)"
_AND = r"(?:[,，、;；&和与及]|and\b|or\b|[-–—~至])"
_MORE = (
    rf"\s{{0,2}}(?:[)）\]】］〕]{{0,3}}\s{{0,2}}{_AND}\s{{0,2}}[(（\[【［〔]{{0,3}}|{_OPEN})"
    r"\s{0,2}"
)
_SQUARE = (
    rf"{_OPEN}{{1,4}}[(（]?\s{{0,2}}{_NUMBER}(?:{_MORE}{_NUMBER}){{0,15}}\s{{0,2}}[)）]?"
    rf"{_CLOSE}{{1,4}}"
)
_SEE = r"(?:参见|详见|见|来自|摘自|根据|依据|see|cf\.?|from|per)?\s{0,2}"
# In round brackets a bare number is no marker: "(1)" begins a list, "(12)" counts.
_ROUND = (
    rf"[(（]\s{{0,2}}{_SEE}{_WORD}\s{{0,2}}[:：#.]?\s{{0,2}}(?:{_NUMBER}|{_SQUARE})"
    rf"(?:\s{{0,2}}{_AND}\s{{0,2}}(?:{_NUMBER}|{_SQUARE})){{0,9}}\s{{0,2}}[)）]"
    rf"|[(（]\s{{0,2}}{_SEE}{_SQUARE}(?:\s{{0,2}}{_AND}?\s{{0,2}}{_SQUARE}){{0,9}}\s{{0,2}}[)）]"
)
# "[1](https://...)": the address is the model's own, so it goes.
_MARKER = re.compile(
    rf"(?P<definition>^[^\S\n]*\[\d{{1,3}}\]:[^\S\n]+\S*://\S*[^\n]*\n?)"
    rf"|(?:{_ROUND}|{_SQUARE})(?:\([^()\s]*\))?",
    re.IGNORECASE | re.MULTILINE,
)
# A passage named in the text: its number goes, it is a marker.
_NAMED = re.compile(
    r"(?P<zh>(?:编号|资料|文档|段落))\s?"
    r"(?P<n1>\d{1,3}(?:\s?(?:[、,，和与及])\s?(?:资料)?\s?\d{1,3})*)(?![\d.%％年月日个])"
    r"|\b(?P<en>(?:the )?(?:passages?|sources?))\s"
    r"(?P<n2>\d{1,3}(?:(?:, | and |, and )\d{1,3})*)\b",
    re.IGNORECASE,
)
_RANGE = re.compile(r"(\d{1,3})\s?[-–—~至]\s?\^?(\d{1,3})")
_DIGITS = re.compile(r"(?<!\d)\d{1,3}(?!\d)")
_DAGGER = re.compile(r"†[^\[\]【】\n]*")
WRITTEN = re.compile(r"[^\S\n]*\[(\d{1,3})\]")

_CODE = r"(?P<code>(?P<ticks>(?<!`)`{1,3})(?!`)[^\n]{1,2000}?(?<!`)(?P=ticks)(?!`))"
_MATH = r"\$\$[^$]+\$\$|\\\([^\n]+?\\\)|\\\[[^\n]+?\\\]|\$[^$\n]*[\\_^][^$\n]*\$"
_LINK = (
    r"(?:!\[|\[(?!\^?\d{1,3}\]\())[^\[\]\n]*\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)?(?:\s[^()\n]*)?\)"
)
_INDEX = r"(?P<index>(?<![\w])[A-Za-z_][\w.]*(?:\[\d{1,3}\])+)(?P<after>\s?(?:[=+*/<]|-=|\.\w|\())?"
_NOTE = r"(?P<note>\[\^[^\]\s]{1,40}\])"
_ASIDE = re.compile(f"{_CODE}|{_MATH}|{_LINK}|{_INDEX}|{_NOTE}")
_NOTE_DEFINED = re.compile(r"^[^\S\n]{0,3}(\[\^[^\]\s]{1,40}\]):", re.MULTILINE)
_FIRST, _LAST = 0xF0000, 0xFFFFD
_PRIVATE = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]")


class Aside:
    """Pieces of an answer that are left alone, each with the private character in its place.

    Args:
        quoted: texts in which an element of an array, such as ``a[1]``, or a number of a passage,
            such as "source 1", is a part of what they say.
    """

    def __init__(self, quoted: Iterable[str] = ()) -> None:
        self._quoted = "\n".join(quoted)
        self._pieces: list[str] = []

    def plain(self, text: str) -> str:
        """``text`` with all markers in the form ``[n]`` and what only looks like one set aside."""
        notes = set(_NOTE_DEFINED.findall(text))
        text = _PRIVATE.sub("", text)
        text = _ASIDE.sub(lambda found: self._set_aside(found, notes), text)
        text = _MARKER.sub(_canonical, text)
        return _NAMED.sub(self._named, text)

    def back(self, text: str) -> str:
        """``text`` with what was set aside in its place again."""
        return _PRIVATE.sub(lambda found: self._pieces[ord(found[0]) - _FIRST], text)

    def _set_aside(self, found: re.Match[str], notes: set[str]) -> str:
        if found["note"] and found["note"] not in notes:
            return found[0]
        if found["index"] and not found["after"] and found["index"] not in self._quoted:
            return found[0]
        if len(self._pieces) > _LAST - _FIRST:
            return found[0]
        self._pieces.append(found[0])
        return chr(_FIRST + len(self._pieces) - 1)

    def _named(self, found: re.Match[str]) -> str:
        if found[0].casefold() in self._quoted.casefold():
            return found[0]
        name, numbers = (found["zh"], found["n1"]) if found["zh"] else (found["en"], found["n2"])
        if not found["zh"] and not name.lower().startswith("the "):
            name = f"The {name.lower()}" if name[0].isupper() else f"the {name}"
        return name + "".join(f"[{n}]" for n in _DIGITS.findall(numbers))


def numbers_of(text: str) -> frozenset[int]:
    """The numbers of the markers in a text of :meth:`Aside.plain`."""
    return frozenset(int(n) for n in WRITTEN.findall(text))


def unmarked(text: str) -> str:
    """A text of :meth:`Aside.plain` without its markers and the space before them."""
    bare = WRITTEN.sub("", text)
    return bare.lstrip(" \t:：") if WRITTEN.match(text) else bare


def without_marks(text: str) -> str:
    """``text`` with blanks in place of its markers, as long as before."""
    return _MARKER.sub(lambda found: " " * len(found[0]), text)


def _canonical(found: re.Match[str]) -> str:
    """``[n]`` for each passage that a marker names."""
    if found["definition"]:
        return ""
    text = _DAGGER.sub("", found[0].partition("](")[0])
    numbers = [int(n) for n in _DIGITS.findall(text)]
    for first, last in _RANGE.findall(text):
        numbers += range(int(first) + 1, min(int(last), int(first) + 20))
    return "".join(f"[{n}]" for n in sorted(set(numbers)))
