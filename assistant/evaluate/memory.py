"""``memory``: whether the turns that a question needs are recalled, and what they cost.

A set's scopes are users; each passage is a turn of theirs, each session a conversation. Recall at
k counts the turns that are themselves among the first k; nothing counts for lying beside one.
``tokens@k`` is what the first k put into the prompt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.evaluate import metrics
from assistant.evaluate.corpus import Corpus, open_corpus
from assistant.evaluate.dataset import Dataset, DatasetError, Question
from assistant.evaluate.memory_legs import LEGS, Leg
from assistant.evaluate.progress import progress
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel
from assistant.settings import Settings

AT = (5, 10, 20)
Row = dict[str, Any]


@dataclass(frozen=True)
class Recalled:
    question: Question
    scores: Mapping[str, float]
    ms: float  # of the search alone: the question has a vector anyway


def run(dataset: Dataset, settings: Settings) -> dict[str, Any]:
    """Measure the product's index and the plain ones.

    Raises:
        DatasetError: the set has no corpus.
        ModelError: the embedding model can't be asked.
    """
    if not dataset.passages:
        raise DatasetError(
            "{path} has no corpus.jsonl, so there is nothing to recall.",
            "{path} 没有 corpus.jsonl，没有可回忆的内容。",
            path=dataset.folder,
        )
    embeddings = open_embeddings(settings)
    try:
        corpus = open_corpus(dataset, embeddings)
        vectors = _vectors(dataset.questions, embeddings)
        count = _token_counts(corpus, embeddings)
        rows: list[Row] = []
        for leg in LEGS:
            rows += _rows(leg, _recalled(leg, dataset, corpus, vectors, count))
    finally:
        embeddings.close()
    return {"set": dataset.name, "n": len(dataset.questions), "rows": rows}


def _vectors(questions: Sequence[Question], embeddings: EmbeddingModel) -> dict[str, Any]:
    return {
        question.id: embeddings.embed_questions([question.text])[0]
        for question in progress(questions, "embedding questions")
    }


def _token_counts(corpus: Corpus, embeddings: EmbeddingModel) -> Callable[[str], int]:
    """Tokens of a passage by its id, each counted once."""
    texts = {passage.id: passage.embedding_text for passage in corpus.passages}
    known: dict[str, int] = {}

    def count(id: str) -> int:
        if id not in known:
            known[id] = embeddings.count_tokens(texts[id])
        return known[id]

    return count


def _recalled(
    name: str,
    dataset: Dataset,
    corpus: Corpus,
    vectors: Mapping[str, Any],
    count: Callable[[str], int],
) -> Iterator[Recalled]:
    legs: dict[str, tuple[Leg, list[str]]] = {}
    for question in progress(dataset.questions, f"recalling by {name}"):
        if question.scope not in legs:
            rows = corpus.rows(question.scope)
            passages = [corpus.passages[row] for row in rows]
            leg = LEGS[name](passages, corpus.vectors[rows])
            legs[question.scope] = leg, [passage.id for passage in passages]
        leg, ids = legs[question.scope]
        start = time.perf_counter()
        places = leg(question.text, vectors[question.id])
        ms = 1000 * (time.perf_counter() - start)
        found = [ids[place] for place in places]
        tokens = {f"tokens@{k}": float(sum(map(count, found[:k]))) for k in AT}
        yield Recalled(question, metrics.ranking(question.relevant, found) | tokens, ms)


def _rows(leg: str, recalled: Iterator[Recalled]) -> Iterator[Row]:
    """A row over all questions, then one for each category."""
    everything = list(recalled)
    categories: dict[str, list[Recalled]] = {}
    for one in everything:
        category = str(one.question.metadata.get("category") or "")
        categories.setdefault(category, []).append(one)
    for name, part in [("all", everything), *sorted(categories.items())]:
        if name:
            yield {
                "leg": leg,
                "category": name,
                "n": len(part),
                **metrics.mean([one.scores for one in part]),
                **metrics.percentiles([one.ms for one in part]),
            }
