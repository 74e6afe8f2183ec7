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
from assistant.sentences import terms_of

# Hits below this share of the best one's score are left out. On 600 questions of four sets this
# loses .004 of recall at most, and leaves 2 of 6 hits where the answer stands in one place.
FLOOR = 0.5
# How many of the newest messages are joined with the question as typed, and what their vector
# weighs beside the standalone question's: the more, the larger the share of its terms that come
# from the conversation (Chinese dialogues are rich in ellipsis, English ones ask more fully). On
# 150 Chinese and 93 English questions this gains .017 and .006 of nDCG over a constant weight,
# and gains on both halves of each.
MESSAGES, LEAST_WEIGHT, WEIGHT = 6, 0.2, 1.2


def history_weight(asked: Standalone) -> float:
    """What the conversation's vector weighs beside the standalone question's."""
    terms = terms_of(asked.text)
    added = len(terms - terms_of(asked.question)) / len(terms) if terms else 0.0
    return LEAST_WEIGHT + WEIGHT * added


def question_vector(embeddings: EmbeddingModel, asked: Standalone) -> NDArray[np.float32]:
    """What the dense leg searches for, shape (dimension,), unit length.

    The vector of the question joined with the newest messages is added to the standalone
    question's, for what a rewrite by a small model lost.

    Raises:
        ModelError: the texts can't be embedded.
    """
    if not asked.background:
        return np.asarray(embeddings.embed_questions([asked.text])[0])
    joined = " ".join([*asked.background[-MESSAGES:], asked.question])
    own, history = embeddings.embed_questions([asked.text, joined])
    mixed = own + history_weight(asked) * history
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
