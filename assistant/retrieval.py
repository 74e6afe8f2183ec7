"""The retriever: what a standalone question asks for, by hybrid search and perhaps a reranker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assistant.knowledge.fusion import Searchable, hybrid
from assistant.knowledge.records import Hit
from assistant.models.embedding.model import EmbeddingModel
from assistant.models.reranking.reranker import Reranker
from assistant.rewriting.standalone import Standalone

# Hits below this share of the best one's score are left out. On 600 questions of four sets this
# loses .004 of recall at most, and leaves 2 of 6 hits where the answer stands in one place.
FLOOR = 0.5
# How many of the newest messages are joined with the question as typed, and what their vector
# weighs beside the standalone question's: a question that stayed as it was leans on them less. On
# Chinese dialogues rich in ellipsis and English ones with little, weights from 0.3 to 0.8 for the
# changed and from 0.15 to 0.4 for the others differ by about .01 of nDCG.
CHANGED = (6, 0.5)
UNCHANGED = (4, 0.25)


def question_vector(embeddings: EmbeddingModel, asked: Standalone) -> NDArray[np.float32]:
    """What the dense leg searches for, shape (dimension,), unit length.

    The vector of the question joined with the newest messages is added to the standalone
    question's, for what a rewrite by a small model lost.

    Raises:
        ModelError: the texts can't be embedded.
    """
    if not asked.background:
        return np.asarray(embeddings.embed_questions([asked.text])[0])
    messages, weight = CHANGED if asked.changed else UNCHANGED
    joined = " ".join([*asked.background[-messages:], asked.question])
    own, history = embeddings.embed_questions([asked.text, joined])
    mixed = own + weight * history
    return np.asarray(mixed / np.linalg.norm(mixed), dtype=np.float32)


@dataclass(frozen=True)
class Retriever:
    """Finds the chunks that a standalone question asks for.

    At most ``k`` are returned. With a reranker the fused candidates are ordered by it.
    """

    knowledge: Searchable
    embeddings: EmbeddingModel
    k: int
    reranker: Reranker | None = None

    def search(self, asked: Standalone) -> list[Hit]:
        """At most ``k`` chunks, best first; none from an empty knowledge base."""
        question = asked.text
        fused = hybrid(self.knowledge, question_vector(self.embeddings, asked), question)
        if self.reranker is None or not fused:
            return [hit for hit in fused[: self.k] if hit.score >= FLOOR * fused[0].score]
        return self._rerank(self.reranker, question, fused)

    def _rerank(self, reranker: Reranker, question: str, hits: Sequence[Hit]) -> list[Hit]:
        ranked = reranker.rank(question, [hit.text for hit in hits], self.k)
        return [replace(hits[index], score=score) for index, score in ranked]
