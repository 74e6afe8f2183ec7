"""The ways of searching that are measured: one visible table for each of two places to search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.evaluate.corpus import Corpus
from assistant.evaluate.library import Library
from assistant.evaluate.metrics import DEPTH
from assistant.knowledge.fusion import hybrid
from assistant.knowledge.records import Hit


@dataclass(frozen=True)
class Asked:
    """A question in one form. ``vector``: unit length, shape (dimension,)."""

    text: str
    vector: NDArray[np.float32]
    scope: str = ""


#: A set's passages and a question -> ids of passages, best first, at most ``DEPTH``.
Leg = Callable[[Corpus, Asked], list[str]]
#: The same on the product's own knowledge bases.
Search = Callable[[Library, Asked], Sequence[Hit]]


def dense(corpus: Corpus, asked: Asked) -> list[str]:
    """Exact search by inner product."""
    rows = corpus.rows(asked.scope)
    scores = (corpus.vectors if not asked.scope else corpus.vectors[rows]) @ asked.vector
    best = np.argsort(-scores, kind="stable")[:DEPTH]
    return [corpus.passages[rows[place]].id for place in best]


#: Of ``rewrite``, which compares forms of a question: a leg without the product's other parts.
LEGS: dict[str, Leg] = {"dense": dense}

#: Of ``retrieval``, which compares legs.
SEARCHES: dict[str, Search] = {
    "dense": lambda library, asked: library.knowledge(asked.scope).dense(asked.vector, DEPTH),
    "keyword": lambda library, asked: library.knowledge(asked.scope).keyword(asked.text, DEPTH),
    "hybrid": lambda library, asked: hybrid(
        library.knowledge(asked.scope), asked.vector, asked.text
    ),
}
