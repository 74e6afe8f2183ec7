"""``rewrite``: how well each form of a question finds what answers it, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.evaluate import metrics
from assistant.evaluate.corpus import Corpus, open_corpus
from assistant.evaluate.dataset import Dataset, Question
from assistant.evaluate.details import KEY, Details
from assistant.evaluate.forms import FORMS, LAST, OURS
from assistant.evaluate.journal import Journal
from assistant.evaluate.legs import LEGS, Asked, Leg
from assistant.evaluate.ours import Ours, QuestionVectors, Rewritten, folder
from assistant.evaluate.progress import progress
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel
from assistant.rewriting.standalone import Standalone
from assistant.settings import Settings

Row = dict[str, Any]
BREAKDOWN = ("recall@5", f"ndcg@{metrics.NDCG_AT}")


@dataclass(frozen=True)
class Prepared:
    """A question in one form. ``ms``: what it took to have its text and, with a corpus, its
    vector; ``rewritten`` only of the product's own form."""

    question: Question
    asked: Standalone
    ms: float
    rewritten: Rewritten | None = None


def run(dataset: Dataset, settings: Settings, models: Sequence[str]) -> dict[str, Any]:
    """Measure every form, and the product's own once for each of ``models``.

    Raises:
        SettingsError: no such model.
        ModelError: a model can't be asked; what was done so far is kept for the next run.
    """
    embeddings = open_embeddings(settings)
    try:
        embeddings.warm()  # so that no question's time has the loading in it
        if dataset.passages:
            details = Details()
            result = _result(dataset, _searched(dataset, settings, embeddings, models, details))
            return result | {KEY: details.as_json(dataset.passages)}
        return _result(dataset, _compared(dataset, settings, embeddings, models))
    finally:
        embeddings.close()


def _result(dataset: Dataset, rows: Iterator[Row]) -> dict[str, Any]:
    return {"set": dataset.name, "n": len(dataset.questions), "rows": list(rows)}


def _searched(
    dataset: Dataset,
    settings: Settings,
    embeddings: EmbeddingModel,
    models: Sequence[str],
    details: Details,
) -> Iterator[Row]:
    """A row for each form and leg."""
    corpus = open_corpus(dataset, embeddings)
    vectors = QuestionVectors(embeddings, Journal(folder(settings) / "vectors.jsonl"))
    for label, prepare in _forms(dataset, settings, embeddings.count_tokens, models):
        prepared = list(prepare())
        for name, leg in LEGS.items() if prepared else ():
            row = label | {"leg": name}
            yield row | _measured(row, prepared, corpus, vectors, leg, details=details)


def _compared(
    dataset: Dataset, settings: Settings, embeddings: EmbeddingModel, models: Sequence[str]
) -> Iterator[Row]:
    """Without a corpus: each form beside the rewrite by a human."""
    for label, prepare in _forms(dataset, settings, embeddings.count_tokens, models):
        if label["form"] not in (LAST, OURS):
            continue
        prepared = list(prepare())
        scores = [
            {
                "em": metrics.exact_match(one.asked.text, one.question.gold),
                "rouge_l": metrics.rouge_l(one.asked.text, one.question.gold),
            }
            for one in prepared
        ]
        yield label | metrics.mean(scores) | {"n": len(prepared)} | _rewriting(prepared)


def _forms(
    dataset: Dataset, settings: Settings, count: Callable[[str], int], models: Sequence[str]
) -> Iterator[tuple[Row, Callable[[], Iterator[Prepared]]]]:
    """Each form's label, and what makes its questions."""
    for name, form in FORMS.items():

        def plain(form: Any = form) -> Iterator[Prepared]:
            for question in dataset.questions:
                if text := form(question, count):
                    yield Prepared(question, Standalone(question.text, text), 0.0)

        yield {"form": name}, plain
    for model in models:
        ours = Ours(settings, model, count)
        try:
            yield (
                {"form": OURS, "model": ours.model},
                lambda ours=ours: _rewritten(ours, dataset.questions),  # type: ignore[misc]
            )
        finally:
            ours.close()


def _rewritten(ours: Ours, questions: Sequence[Question]) -> Iterator[Prepared]:
    for question in progress(questions, f"rewriting by {ours.model}"):
        rewritten = ours.rewrite(question)
        yield Prepared(question, rewritten.standalone, rewritten.ms, rewritten)


def _measured(
    label: Row,
    prepared: Sequence[Prepared],
    corpus: Corpus,
    vectors: QuestionVectors,
    leg: Leg,
    *,
    details: Details,
) -> Row:
    """The measures of one form on one leg; times are from the text as typed to the hits."""
    scores, times = [], []
    for one in progress(prepared, f"searching by {label['form']}"):
        vector, ms = vectors.of(one.asked)
        start = time.perf_counter()
        found = leg(corpus, Asked(one.asked.text, vector, one.question.scope))
        times.append(one.ms + ms + 1000 * (time.perf_counter() - start))
        scores.append(metrics.ranking(one.question.relevant, found))
        details.add(label, one.question, scores[-1], found)
    questions = [one.question for one in prepared]
    return {
        **metrics.mean(scores),
        **metrics.percentiles(times),
        "n": len(prepared),
        **_breakdowns(questions, scores),
        **_rewriting(prepared),
    }


def needs_history(question: Question) -> bool | None:
    """Whether it can't be understood alone: as the set says, else where a human's rewrite has
    other words; None if nobody knows."""
    told = question.metadata.get("needs_history")
    if isinstance(told, bool):
        return told
    if not question.gold:
        return None
    return metrics.words(question.gold) != metrics.words(question.text)


def _breakdowns(questions: Sequence[Question], scores: Sequence[Mapping[str, float]]) -> Row:
    """The same measures on parts of the questions: by need of history, and those with gold."""
    needs = [needs_history(question) for question in questions]
    parts = {
        "yes": [score for need, score in zip(needs, scores, strict=True) if need],
        "no": [score for need, score in zip(needs, scores, strict=True) if need is False],
    }
    found: Row = {"needs_history": {name: _brief(part) for name, part in parts.items() if part}}
    pairs = zip(questions, scores, strict=True)
    if gold := [score for question, score in pairs if question.gold]:
        found["on_gold"] = _brief(gold)
    return {name: value for name, value in found.items() if value}


def _brief(scores: Sequence[Mapping[str, float]]) -> Row:
    means = metrics.mean(scores)
    return {"n": len(scores), **{name: means[name] for name in BREAKDOWN}}


def _rewriting(prepared: Sequence[Prepared]) -> Row:
    """What the rewriting did and cost: how often the model was not asked, in all and where the
    question needed or didn't need its history; how each text came; times of all questions and of
    those that the model was asked for."""
    done = [(one.question, one.rewritten) for one in prepared if one.rewritten]
    if not done:
        return {}
    skipped: Row = {"all": _share([not one.called for _, one in done])}
    for name, need in (("needs_history", True), ("stands_alone", False)):
        part = [not one.called for question, one in done if needs_history(question) is need]
        if part:
            skipped[name] = _share(part)
    ways: dict[str, int] = {}
    for _, one in done:
        ways[one.standalone.way] = ways.get(one.standalone.way, 0) + 1
    asked = [one.ms for _, one in done if one.called]
    return {
        "skipped": skipped,
        "ways": ways,
        **metrics.percentiles([one.ms for _, one in done], "rewrite_"),
        **(metrics.percentiles(asked, "rewrite_asked_") if asked else {}),
    }


def _share(values: Sequence[bool]) -> float:
    return round(sum(values) / len(values), 4)
