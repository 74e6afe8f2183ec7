"""Searching for each of the things that are compared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Protocol

from assistant.asking.kinds import Asking
from assistant.knowledge.filters import Where
from assistant.knowledge.records import Hit
from assistant.rewriting.standalone import Standalone

if TYPE_CHECKING:
    from assistant.retrieval import Found

# What asks for the comparison, and says nothing about the things.
_COMPARES = re.compile(
    r"有什么|有何|哪些|之间|区别|不同之处|不同点|不同|差异|差别|异同|对比|比较|相比|一下|哪个|更|"
    r"\b(?:what(?:'s| is| are)?|the|differences?|between|among|compare[ds]?|contrast|versus|"
    r"vs\.?|which|is|"
    r"are|better|than|differs?|different|from|how|does|do|and|or)\b|[?？]",
    re.IGNORECASE,
)


class Searches(Protocol):
    def search(self, asked: Standalone, where: Where | None = None) -> Found: ...


def compared(
    retriever: Searches, asking: Asking, asked: Standalone, where: Where | None = None
) -> Found:
    """What is found for each of the things that are compared, in turn, then for the question as a
    whole; each passage once, at most as many as the longest of the searches found for each.

    Raises:
        ModelError, KnowledgeError: as the retriever.
    """
    whole = retriever.search(asked, where)
    parts = [
        retriever.search(Standalone(asked.question, text), where)
        for text in _texts(asking.subjects, asked.text)
    ]
    every = [*parts, whole]
    return replace(
        whole,
        hits=_in_turn([found.hits for found in every])[: max(len(found.hits) for found in every)],
        candidates=_in_turn([found.candidates for found in every]),
        dense_best=max(found.dense_best for found in every),
        keyword_best=max(found.keyword_best for found in every),
    )


def _texts(things: Sequence[str], question: str) -> list[str]:
    """A search for each thing: the thing, and what the question says besides the things."""
    rest = question
    for thing in sorted(things, key=len, reverse=True):
        rest = rest.replace(thing, " ")
    aspect = " ".join(_COMPARES.sub(" ", rest).split()).strip(" 和与跟、的,，")
    return [f"{thing} {aspect}".strip() if len(aspect) > 1 else thing for thing in things]


def _in_turn(lists: Sequence[Sequence[Hit]]) -> tuple[Hit, ...]:
    """The first of each list, then the second of each..., each hit once."""
    rows = zip_longest(*lists)
    return tuple({hit.id: hit for row in rows for hit in row if hit is not None}.values())
