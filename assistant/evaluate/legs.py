"""The ways of searching that are measured: one visible table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.evaluate.corpus import Corpus
from assistant.evaluate.metrics import DEPTH


@dataclass(frozen=True)
class Asked:
    """A question in one form. ``vector``: unit length, shape (dimension,)."""

    text: str
    vector: NDArray[np.float32]
    scope: str = ""


#: A set's passages and a question -> ids of passages, best first, at most ``DEPTH``.
Leg = Callable[[Corpus, Asked], list[str]]


def dense(corpus: Corpus, asked: Asked) -> list[str]:
    """Exact search by inner product."""
    rows = corpus.rows(asked.scope)
    scores = (corpus.vectors if not asked.scope else corpus.vectors[rows]) @ asked.vector
    best = np.argsort(-scores, kind="stable")[:DEPTH]
    return [corpus.passages[rows[place]].id for place in best]


LEGS: dict[str, Leg] = {"dense": dense}
