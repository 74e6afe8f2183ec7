"""Questions that may be asked next: about the sections that lie around the passages an answer
cites. They are made by plain rules from headings, so they cost a few reads of the database, and
what they ask about is there.

>>> question_about("如何充电", "手册", "zh"), question_about("电池", "手册", "zh")
('如何充电？', '《手册》中关于“电池”是怎么说的？')
>>> question_about("How to charge it", "Manual", "en")
'How do I charge it?'
>>> question_about("Battery", "Manual", "en")
'What does “Manual” say about “Battery”?'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Protocol

from assistant.knowledge.records import Hit

MOST = 3
AROUND = 6  # chunks before and after a passage whose headings are looked at
LOOKED_AT = 3  # passages
LONGEST_TITLE = 40  # characters

_NUMBER = re.compile(
    r"^\s*(?:第\s*[\d一二三四五六七八九十]+\s*[章节部分条]+|[\d.]+[.、)]?(?=\D))\s*[:：]?\s*"
)
_MARKS = re.compile(r"[*_`#]+|\s*[:：]\s*$")
_WORDS = re.compile(r"[^\W\d_]{2,}")
_ZH_ASKS = re.compile(r"^(?:如何|怎么|怎样|为什么|为何|什么是|是否|能否|可以|哪些|哪里|谁)")
_HOW_TO = re.compile(r"^how to\s+", re.IGNORECASE)
_EN_ASKS = re.compile(
    r"^(?:(?:what|why|when|who|where|how)\s+)?(?:is|are|do|does|can|should|will)\b.*\w",
    re.IGNORECASE,
)
#: Headings that say nothing of what stands below them.
_EMPTY = frozenset({
    *("目录", "简介", "介绍", "概述", "概览", "前言", "引言", "摘要", "总结", "小结", "结语"),
    *("附录", "参考", "参考文献", "参考资料", "更多", "其他", "其它", "说明", "注意", "备注"),
    *("contents", "table of contents", "overview", "introduction", "summary", "abstract"),
    *("conclusion", "appendix", "references", "bibliography", "notes", "note", "misc", "other"),
    *("more", "index", "preface", "acknowledgements", "see also", "read more", "further reading"),
})  # fmt: skip


class Shelf(Protocol):
    """The documents that may be asked about."""

    def hits(self, ids: Sequence[str]) -> list[Hit]: ...
    def neighbours(self, hit: Hit, before: int = 1, after: int = 1) -> list[Hit]: ...


def follow_ups(
    shelf: Shelf, cited: Sequence[str], question: str, language: str, most: int = MOST
) -> tuple[str, ...]:
    """At most ``most`` questions.

    Args:
        cited: ids of the chunks that the answer cites, the most important first.
        question: that was answered; nothing that it asked already is asked again.

    Raises:
        KnowledgeError: the documents can't be read.
    """
    order = {id: place for place, id in enumerate(cited)}
    hits = sorted(shelf.hits(list(cited[:LOOKED_AT])), key=lambda hit: order[hit.id])
    known = {_folded(_heading(hit)) for hit in hits} | {""}
    asked = _folded(question)
    found: dict[str, str] = {}
    for heading, title in _alternating([_around(shelf, hit) for hit in hits]):
        key = _folded(heading)
        if key in known or key in _EMPTY or key in asked or not _WORDS.search(heading):
            continue
        known.add(key)
        found[key] = question_about(heading, title, language)
        if len(found) == most:
            break
    return tuple(dict.fromkeys(found.values()))


def question_about(heading: str, title: str, language: str) -> str:
    """A question about the section below ``heading`` of the document ``title``."""
    if heading.endswith(("?", "？")):
        return heading
    if language == "zh":
        if _ZH_ASKS.search(heading):
            return f"{heading}？"
        return f"《{title}》中关于“{heading}”是怎么说的？"
    if _HOW_TO.search(heading):
        return f"How do I {_HOW_TO.sub('', heading)}?"
    if _EN_ASKS.search(heading):
        return f"{heading}?"
    return f"What does “{title}” say about “{heading}”?"


def _around(shelf: Shelf, hit: Hit) -> list[tuple[str, str]]:
    """Headings around ``hit``, those below it first, each with its document's title."""
    near = shelf.neighbours(hit, AROUND, AROUND)
    after = [one for one in near if one.position > hit.position]
    before = [one for one in near if one.position < hit.position]
    title = " ".join(hit.source.title.split())[:LONGEST_TITLE].strip('《》“”"')
    return [(_heading(one), title) for one in (*after, *reversed(before))]


def _alternating(rows: Iterable[Sequence[tuple[str, str]]]) -> Iterator[tuple[str, str]]:
    """One of each, then the next of each."""
    for several in zip_longest(*rows):
        yield from (one for one in several if one is not None)


def _heading(hit: Hit) -> str:
    """The innermost heading in plain words; empty where there is none that a question can name."""
    if not hit.heading_path:
        return ""
    words = " ".join(_MARKS.sub(" ", _NUMBER.sub("", hit.heading_path[-1])).split())
    return words if 2 <= len(words) <= 60 else ""


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
