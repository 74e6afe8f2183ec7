"""Hybrid search: dense and keyword hits fused into one ranking.

The two legs are joined by a convex combination of min-max normalised scores, which keeps how sure
each leg is (rank fusion throws that away and loses to the better leg where the other is weak).
Theoretical minima are used, as in Bruch, Gai and Ingber, "An Analysis of Fusion Functions for
Hybrid Retrieval" (ACM TOIS 2023): 0 for BM25, and for E5, whose cosines of unrelated texts lie
around 0.7, the lowest cosine among the candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.knowledge.records import Hit

CANDIDATES = 50  # hits of each leg that are fused
DENSE_WEIGHT = 0.5


class Searchable(Protocol):
    """The two legs of a knowledge base."""

    def dense(self, vector: NDArray[np.float32], k: int) -> list[Hit]: ...
    def keyword(self, text: str, k: int) -> list[Hit]: ...


def hybrid(
    knowledge: Searchable, vector: NDArray[np.float32], text: str, candidates: int = CANDIDATES
) -> list[Hit]:
    """The chunks near ``vector``, or with words of ``text``, best first.

    Args:
        vector: of the question, shape (dimension,).
        candidates: hits of each leg.
    """
    return fuse(knowledge.dense(vector, candidates), knowledge.keyword(text, candidates))


def fuse(dense: Sequence[Hit], keyword: Sequence[Hit]) -> list[Hit]:
    """One ranking of both legs' hits, each with its ranks; a chunk's score lies in 0..1."""
    low = min((hit.score for hit in dense), default=0.0)
    high = max((hit.score for hit in dense), default=0.0)
    top_keyword = max((hit.score for hit in keyword), default=0.0)
    fused: dict[str, Hit] = {}
    for rank, hit in enumerate(dense, 1):
        spread = (hit.score - low) / (high - low) if high > low else 1.0
        fused[hit.id] = replace(hit, score=DENSE_WEIGHT * spread, dense_rank=rank)
    for rank, hit in enumerate(keyword, 1):
        share = hit.score / top_keyword if top_keyword > 0 else 0.0
        known = fused.get(hit.id, replace(hit, score=0.0))
        total = known.score + (1 - DENSE_WEIGHT) * share
        fused[hit.id] = replace(known, score=total, keyword_rank=rank)
    return sorted(fused.values(), key=lambda hit: -hit.score)
