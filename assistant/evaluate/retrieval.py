"""``retrieval``: what each way of searching finds, for each form of a question.

The ways are the product's own code on real knowledge bases of the set's passages. Times are those
of the search alone: the question has its vector then.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from assistant.evaluate import metrics
from assistant.evaluate.dataset import Dataset, Question
from assistant.evaluate.details import KEY, Details
from assistant.evaluate.forms import FORMS, OURS
from assistant.evaluate.legs import SEARCHES, Asked, Search
from assistant.evaluate.library import Library, open_library
from assistant.evaluate.ours import Ours, Vector
from assistant.evaluate.progress import progress
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel
from assistant.models.reranking.choice import open_reranker
from assistant.retrieval import Retriever, question_vector
from assistant.rewriting.standalone import Standalone
from assistant.settings import Settings

Row = dict[str, Any]
JOINED = ("concat_user", "concat_all")  # forms that need earlier messages


@dataclass(frozen=True)
class Prepared:
    """A question in one form, with its vector."""

    question: Question
    asked: Standalone
    vector: Vector


def run(dataset: Dataset, settings: Settings, *, ours: bool = False) -> dict[str, Any]:
    """Measure every leg with every form that the set has.

    Args:
        ours: also the form that the product's own rewriter makes, which asks the chat model for
            what it hasn't asked before.

    Raises:
        DatasetError: the set has no corpus.
        SettingsError: no such model.
        ModelError: a model can't be asked.
        KnowledgeError: DATA_DIR can't be used.
    """
    details = Details()
    rows: list[Row] = []
    with (
        closing(open_embeddings(settings)) as embeddings,
        closing(open_library(dataset, settings, embeddings)) as library,
    ):
        searches = _searches(settings, embeddings)
        for form, prepared in _forms(dataset, settings, embeddings, ours=ours):
            rows += _rows(form, prepared, library, searches, details)
    return {
        "set": dataset.name,
        "n": len(dataset.questions),
        "rows": rows,
        KEY: details.as_json(dataset.passages),
    }


def _searches(settings: Settings, embeddings: EmbeddingModel) -> dict[str, Search]:
    """The legs that there are; with a reranker, that one, too."""
    reranker = open_reranker(settings)
    if reranker is None:
        return SEARCHES

    def reranked(library: Library, asked: Asked) -> Sequence[Any]:
        knowledge = library.knowledge(asked.scope)
        retriever = Retriever(
            knowledge, embeddings, metrics.DEPTH, reranker, settings.rerank_seconds
        )
        return retriever.search_vector(asked.vector, asked.text).hits

    return {**SEARCHES, "rerank": reranked}


def _forms(
    dataset: Dataset, settings: Settings, embeddings: EmbeddingModel, *, ours: bool
) -> Iterator[tuple[str, list[Prepared]]]:
    """Each form that the set has, with its questions."""
    has_turns = any(question.turns for question in dataset.questions)
    for name, form in FORMS.items():
        if name in JOINED and not has_turns:
            continue
        texts = [(one, form(one, embeddings.count_tokens)) for one in dataset.questions]
        asked = [(one, Standalone(one.text, text)) for one, text in texts if text]
        yield name, _prepared(name, asked, embeddings)
    if ours:
        yield OURS, _prepared(OURS, _rewritten(dataset, settings, embeddings), embeddings)


def _rewritten(
    dataset: Dataset, settings: Settings, embeddings: EmbeddingModel
) -> list[tuple[Question, Standalone]]:
    model = settings.rewrite_model or settings.chat_model
    with closing(Ours(settings, model, embeddings.count_tokens)) as rewriter:
        questions = progress(dataset.questions, f"rewriting by {rewriter.model}")
        return [(one, rewriter.rewrite(one).standalone) for one in questions]


def _prepared(
    name: str, asked: Sequence[tuple[Question, Standalone]], embeddings: EmbeddingModel
) -> list[Prepared]:
    return [
        Prepared(question, standalone, question_vector(embeddings, standalone))
        for question, standalone in progress(asked, f"embedding questions ({name})")
    ]


def _rows(
    form: str,
    prepared: Sequence[Prepared],
    library: Library,
    searches: Mapping[str, Search],
    details: Details,
) -> Iterator[Row]:
    for leg, search in searches.items() if prepared else ():
        label = {"form": form, "leg": leg}
        scores, times = [], []
        _warm(search, library, prepared)
        for one in progress(prepared, f"{leg}, {form}"):
            asked = Asked(one.asked.text, one.vector, one.question.scope)
            start = time.perf_counter()
            hits = search(library, asked)
            times.append(1000 * (time.perf_counter() - start))
            found = [library.passage_id(hit) for hit in hits]
            scores.append(metrics.ranking(one.question.relevant, found))
            details.add(label, one.question, scores[-1], found)
        yield {
            **label,
            "n": len(prepared),
            **metrics.mean(scores),
            **metrics.percentiles(times),
        }


def _warm(search: Search, library: Library, prepared: Sequence[Prepared]) -> None:
    """So that no question's time has in it the making and loading of a collection."""
    first = {one.question.scope: one for one in reversed(prepared)}
    for scope, one in first.items():
        search(library, Asked(one.asked.text, one.vector, scope))
