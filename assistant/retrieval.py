"""The retriever: what a standalone question asks for, by hybrid search and perhaps a reranker."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assistant.errors import AssistantError, ModelError
from assistant.knowledge.filters import Where
from assistant.knowledge.fusion import Searchable, hybrid_of_all
from assistant.knowledge.records import Hit
from assistant.models.embedding.model import EmbeddingModel
from assistant.models.reranking.reranker import Ranked, Reranker
from assistant.models.reranking.timed import TimedReranker
from assistant.repeats import without_repeats
from assistant.rewriting.standalone import Standalone
from assistant.sentences import terms_of

log = logging.getLogger(__name__)

# Hits below this share of the best one's score are left out. On 3,400 questions of five sets this
# loses .007 of recall at most, and leaves 3 of 6 hits where the answer stands in one place.
FLOOR = 0.45
# Fused hits that a reranker reads: beyond them hardly any is relevant, and each takes its time.
RERANKED = 30
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
class Found:
    """What a search found.

    ``hits``: best first, each with its ranks and scores in both legs; ``candidates``: all that
    both legs found; ``dense_best``, ``keyword_best``: the best scores of the legs, 0 where one
    found nothing; ``notice``: why the reranker did not order them.
    """

    hits: tuple[Hit, ...]
    candidates: tuple[Hit, ...] = ()
    dense_best: float = 0.0
    keyword_best: float = 0.0
    notice: AssistantError | None = None


@dataclass(frozen=True)
class Retriever:
    """Finds the chunks that a standalone question asks for.

    At most ``k`` are returned. With a reranker the fused candidates are ordered by it, if it
    answers within ``rerank_seconds``.
    """

    knowledge: Searchable
    embeddings: EmbeddingModel
    k: int
    reranker: Reranker | None = None
    rerank_seconds: float = 2.0

    def search(
        self,
        asked: Standalone,
        where: Where | None = None,
        within: Sequence[Searchable] = (),
    ) -> Found:
        """At most ``k`` chunks, best first; none from an empty knowledge base.

        Args:
            where: what they must match (``knowledge/filters.py``).
            within: the collections to search in place of ``knowledge``.

        Raises:
            ModelError: the question can't be embedded.
            KnowledgeError: the collection is another model's, or the filter can't be used.
        """
        vector = question_vector(self.embeddings, asked)
        return self.search_vector(vector, asked.text, where, within)

    def search_vector(
        self,
        vector: NDArray[np.float32],
        text: str,
        where: Where | None = None,
        within: Sequence[Searchable] = (),
    ) -> Found:
        """As :meth:`search`, with the question's vector at hand."""
        fused = hybrid_of_all(within or (self.knowledge,), vector, text, where=where)
        ordered, notice = self._reranked(text, fused)
        if ordered is None:
            ordered = [hit for hit in fused if hit.score >= FLOOR * fused[0].score]
        return Found(
            hits=tuple(without_repeats(ordered, self.k)),
            candidates=tuple(fused),
            dense_best=_best(hit.dense_score for hit in fused),
            keyword_best=_best(hit.keyword_score for hit in fused),
            notice=notice,
        )

    def _reranked(
        self, question: str, fused: Sequence[Hit]
    ) -> tuple[list[Hit] | None, AssistantError | None]:
        """The best by the reranker, or None and why not."""
        if self._timed is None or not fused:
            return None, None
        read = fused[:RERANKED]
        texts = ["\n".join((*hit.heading_path, hit.text)) for hit in read]
        try:
            ranked = self._timed.rank(question, texts, len(read))
        except ModelError as error:
            log.warning("the passages keep the order of the search: %s", error)
            return None, error
        return _in_order(read, ranked), None

    @cached_property
    def _timed(self) -> TimedReranker | None:
        return TimedReranker(self.reranker, self.rerank_seconds) if self.reranker else None


def _best(scores: Iterable[float | None]) -> float:
    return max((score for score in scores if score is not None), default=0.0)


def _in_order(hits: Sequence[Hit], ranked: Ranked) -> list[Hit]:
    """The hits as a reranker has them, with scores of 0..1."""
    is_share = all(0 <= score <= 1 for _, score in ranked)
    return [
        replace(
            hits[index],
            score=score if is_share else 1 / (1 + math.exp(-max(-50.0, min(score, 50.0)))),
            rerank_rank=rank,
            rerank_score=score,
            kept="rerank",
        )
        for rank, (index, score) in enumerate(ranked, 1)
    ]
