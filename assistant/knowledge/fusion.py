"""Hybrid search: dense and keyword hits fused into one ranking.

The two legs are joined by a convex combination of min-max normalised scores, which keeps how sure
each leg is (rank fusion throws that away and loses to the better leg where the other is weak).
Theoretical minima are used, as in Bruch, Gai and Ingber, "An Analysis of Fusion Functions for
Hybrid Retrieval" (ACM TOIS 2023): 0 for BM25, and for E5, whose cosines of unrelated texts lie
around 0.7, the lowest cosine among the candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.knowledge.filters import Where
from assistant.knowledge.records import Hit

CANDIDATES = 50  # hits of each leg that are fused
DENSE_WEIGHT = 0.5
KEYWORD_WEIGHT = 1 - DENSE_WEIGHT


class Searchable(Protocol):
    """The two legs of a knowledge base."""

    def dense(
        self, vector: NDArray[np.float32], k: int, where: Where | None = None
    ) -> list[Hit]: ...
    def keyword(self, text: str, k: int, where: Where | None = None) -> list[Hit]: ...


@dataclass(frozen=True)
class Scale:
    """What one search's scores are measured by: each leg's share of its best hit, 0..1."""

    dense_low: float
    dense_high: float
    keyword_high: float

    @classmethod
    def of(cls, hits: Sequence[Hit]) -> Scale:
        """The scale of all the candidates, or of the whole list that :func:`fuse` made of them."""
        dense = [hit.dense_score for hit in hits if hit.dense_score is not None]
        keyword = [hit.keyword_score for hit in hits if hit.keyword_score is not None]
        return cls(min(dense, default=0.0), max(dense, default=0.0), max(keyword, default=0.0))

    def dense(self, score: float) -> float:
        spread = self.dense_high - self.dense_low
        return (score - self.dense_low) / spread if spread > 0 else 1.0

    def keyword(self, score: float) -> float:
        return score / self.keyword_high if self.keyword_high > 0 else 0.0


def hybrid(
    knowledge: Searchable,
    vector: NDArray[np.float32],
    text: str,
    candidates: int = CANDIDATES,
    where: Where | None = None,
) -> list[Hit]:
    """The chunks near ``vector``, or with words of ``text``, best first.

    Args:
        vector: of the question, shape (dimension,).
        candidates: hits of each leg.
        where: what the hits of both legs must match (``filters.py``).

    Raises:
        KnowledgeError: the collection is another model's, or the filter can't be used.
    """
    return fuse(
        knowledge.dense(vector, candidates, where), knowledge.keyword(text, candidates, where)
    )


def fuse(dense: Sequence[Hit], keyword: Sequence[Hit]) -> list[Hit]:
    """One ranking of both legs' hits, each with its ranks and scores in the legs; its own score
    lies in 0..1."""
    legs = [replace(hit, dense_rank=n, dense_score=hit.score) for n, hit in enumerate(dense, 1)]
    found = {hit.id: hit for hit in legs}
    for rank, hit in enumerate(keyword, 1):
        known = found.get(hit.id, hit)
        found[hit.id] = replace(known, keyword_rank=rank, keyword_score=hit.score)
    scale = Scale.of(list(found.values()))
    fused = [replace(hit, score=sum(parts(hit, scale))) for hit in found.values()]
    return sorted(fused, key=lambda hit: -hit.score)


def parts(hit: Hit, scale: Scale) -> tuple[float, float]:
    """What the dense and the keyword leg give to a hit's fused score."""
    dense = 0.0 if hit.dense_score is None else scale.dense(hit.dense_score)
    keyword = 0.0 if hit.keyword_score is None else scale.keyword(hit.keyword_score)
    return DENSE_WEIGHT * dense, KEYWORD_WEIGHT * keyword
