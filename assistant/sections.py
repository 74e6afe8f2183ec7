"""Joins hits with their neighbours to whole sections, where the model's context has room for them.

A chunk is cut by size: what explains it often stands right before or after it, below the same
headings. First each hit gets its place, the best first; then what is left of the budget lets them
grow, chunk by chunk, up to the ends of their sections. Neighbouring hits become one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from assistant.knowledge.records import Hit, Part

#: Chunks of a section that are looked at before a hit, and as many after it.
AROUND = 8
#: The longest text that a chunk may repeat of the one before it, in characters.
_OVERLAP = 2000
_LEAST_OVERLAP = 8  # shorter ones may be chance

Place = tuple[int, int]  # a chunk's source and its position there
Count = Callable[[str], int]


class Shelf(Protocol):
    def neighbours(self, hit: Hit, before: int = 1, after: int = 1) -> list[Hit]: ...


def sections(knowledge: Shelf, hits: Sequence[Hit], budget: int, count_tokens: Count) -> list[Hit]:
    """``hits``, best first, with longer texts, together at most ``budget`` tokens; those that don't
    fit are left out, but for the best one.

    One that has grown keeps its id, scores and position, and says so (``kept`` is "neighbour").

    Raises:
        KnowledgeError: the neighbours can't be read.
    """
    chosen, left = _chosen(hits, budget, count_tokens)
    taken: set[Place] = set()
    grown: list[Hit] = []
    for place, hit in chosen.items():
        if place in taken:
            continue  # it is within a better one's section
        chunks = [hit]
        for chunk, at_end in _around(knowledge, hit, chosen, taken):
            cost = 0 if _place(chunk) in chosen else count_tokens(chunk.text)
            if cost > left:
                break
            left -= cost
            chunks = [*chunks, chunk] if at_end else [chunk, *chunks]
        taken.update(map(_place, chunks))
        grown.append(_joined(hit, chunks))
    return grown


def _chosen(hits: Sequence[Hit], budget: int, count_tokens: Count) -> tuple[dict[Place, Hit], int]:
    """The hits that fit, by their places, and the tokens that are left."""
    chosen: dict[Place, Hit] = {}
    left = budget
    for hit in hits:
        cost = count_tokens(hit.text)
        if not chosen or cost <= left:
            chosen[_place(hit)] = hit
            left -= cost
    return chosen, max(0, left)


def _around(
    knowledge: Shelf, hit: Hit, chosen: dict[Place, Hit], taken: set[Place]
) -> Iterator[tuple[Hit, bool]]:
    """The chunks of the hit's section that are free, from the nearest on, and whether each comes
    after what came so far: an answer goes on more often than it begins earlier."""
    near = {
        chunk.position: chunk
        for chunk in knowledge.neighbours(hit, AROUND, AROUND)
        if chunk.heading_path == hit.heading_path and _place(chunk) not in taken
    }
    steps = {True: 1, False: -1}
    ends = {True: hit.position, False: hit.position}
    while steps:
        for at_end, step in list(steps.items()):
            ends[at_end] += step
            chunk = near.get(ends[at_end])
            if chunk is None:
                del steps[at_end]
            else:
                yield chosen.get(_place(chunk), chunk), at_end


def _place(hit: Hit) -> Place:
    return hit.source.id, hit.position


def _joined(hit: Hit, chunks: Sequence[Hit]) -> Hit:
    if len(chunks) == 1:
        return hit
    text, parts = "", []
    for chunk in chunks:
        repeated = _repeated(text, chunk.text)
        text += "\n\n" if text and not repeated else ""
        start, text = len(text), text + chunk.text[repeated:]
        parts.append(Part(chunk.position, start, len(text), repeated))
    return replace(hit, text=text, kept="neighbour", parts=tuple(parts))


def _repeated(before: str, text: str) -> int:
    """How many characters at the beginning of ``text`` are the end of ``before``."""
    most = min(len(before), len(text), _OVERLAP)
    return next((n for n in range(most, _LEAST_OVERLAP - 1, -1) if before.endswith(text[:n])), 0)
