"""Why a search found what it found: each candidate with its ranks and scores, and what became of
it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.errors import AssistantError
from assistant.knowledge.records import Hit
from assistant.library import Library
from assistant.repeats import repeated_by
from assistant.retrieval import FLOOR, Retriever
from assistant.rewriting.standalone import Standalone

#: What became of a candidate: it is given to the model; it says what a better one says; its score
#: is too far below the best one's; there were enough better ones.
Fate = Literal["kept", "repeat", "far", "beyond"]
SHOWN = 30  # candidates


@dataclass(frozen=True)
class Traced:
    """``repeats``: the number (1-based) of the better candidate that says the same, 0 for none."""

    n: int
    hit: Hit
    fate: Fate
    repeats: int = 0


@dataclass(frozen=True)
class Trace:
    """``rows``: best first, :data:`SHOWN` at most; ``candidates``: how many there were;
    ``notice``: why the reranker did not order them."""

    rows: tuple[Traced, ...]
    candidates: int
    seconds: float
    notice: AssistantError | None = None


def trace(retriever: Retriever, library: Library, question: str) -> Trace:
    """Search for ``question`` as it stands.

    Raises:
        ModelError: it can't be embedded.
        KnowledgeError: the collection is another model's.
    """
    began = time.perf_counter()
    found = library.search(retriever, Standalone(question, question))
    seconds = time.perf_counter() - began
    kept = {hit.id: hit for hit in found.hits}
    # Those that are kept bear the reranker's order; the others stand as both legs left them.
    rest = [hit for hit in found.candidates if hit.id not in kept]
    ordered = [*found.hits, *rest]
    best = found.candidates[0].score if found.candidates else 0.0
    is_ranked = any(hit.rerank_rank is not None for hit in found.hits)
    rows = tuple(
        _traced(n, hit, ordered[: len(kept)], len(kept), None if is_ranked else FLOOR * best)
        for n, hit in enumerate(ordered[:SHOWN], 1)
    )
    return Trace(rows, len(found.candidates), seconds, found.notice)


def _traced(n: int, hit: Hit, kept: Sequence[Hit], count: int, floor: float | None) -> Traced:
    if n <= count:
        return Traced(n, hit, "kept")
    if floor is not None and hit.score < floor:
        return Traced(n, hit, "far")
    better = repeated_by(hit, kept)
    return Traced(n, hit, "repeat" if better else "beyond", better)
