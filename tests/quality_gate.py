"""What the regression gate measures, on the documents and questions of ``tests/quality``: each
measure is a share of 0..1 under a name, and ``floors.json`` has a floor for each name."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from assistant.answerability import Verdict, after, before
from assistant.answerability.calibration import shipped
from assistant.citations import check_citations
from assistant.evaluate import metrics
from assistant.evaluate.dataset import Dataset, Question
from assistant.evaluate.ours import messages_of
from assistant.evaluate.own.live import load_live
from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel
from assistant.passages import Passage, select_passages
from assistant.prompts import load_prompts
from assistant.retrieval import Retriever
from assistant.rewriting.context import Context
from assistant.rewriting.needs import needs_rewriting
from assistant.rewriting.rewriter import Rewriter
from assistant.rewriting.standalone import Standalone
from assistant.settings import Settings
from ingest.events import Finished
from ingest.pipeline import Pipeline

FOLDER = Path(__file__).parent / "quality"
K = 10
#: Smaller than the default: the documents are short, and more pieces make the search harder.
CHUNKS = {"CHUNK_TOKENS": "96", "CHUNK_OVERLAP": "0"}
PASSAGE_TOKENS = 320  # what the embedded chat model has time to read

Measures = dict[str, float]


@dataclass(frozen=True)
class Gate:
    """The documents in a real knowledge base, and the questions with what answers them."""

    knowledge: KnowledgeBase
    embeddings: EmbeddingModel
    dataset: Dataset
    found: dict[Standalone, Any] = field(default_factory=dict)

    def search(self, question: Question, form: str, knowledge: Any = None) -> Any:
        """What the product finds for a form of a question, or finds in ``knowledge`` instead."""
        asked = FORMS[form](question, self.embeddings)
        if knowledge is not None:
            return self._search(knowledge, asked)
        if asked not in self.found:
            self.found[asked] = self._search(self.knowledge, asked)
        return self.found[asked]

    def _search(self, knowledge: Any, asked: Standalone) -> Any:
        return Retriever(knowledge, self.embeddings, K).search(asked)


@contextmanager
def opened(folder: Path) -> Iterator[Gate]:
    """The gate, its documents brought in by the real flow."""
    settings = Settings.load({"DATA_DIR": str(folder), **CHUNKS}, None)
    embeddings = open_embeddings(settings)
    with KnowledgeBase(settings.data_dir, embeddings, embeddings.fingerprint) as knowledge:
        events = list(Pipeline(settings, knowledge, embeddings).add_paths([FOLDER / "documents"]))
        assert isinstance(events[-1], Finished)
        assert events[-1].summary.failed == 0
        live = load_live(FOLDER, "dev", settings)
        assert not live.lost, f"their evidence is in no chunk: {live.lost}"
        assert not live.pending
        yield Gate(knowledge, embeddings, live.dataset)
    embeddings.close()


def _last(question: Question, embeddings: EmbeddingModel) -> Standalone:
    return Standalone(question.text, question.text)


def _gold(question: Question, embeddings: EmbeddingModel) -> Standalone:
    return Standalone(question.text, question.gold or question.text)


def _joined(question: Question, embeddings: EmbeddingModel) -> Standalone:
    """What the product makes of it where the chat model can't rewrite."""
    context = Context(history=messages_of(question))
    if not needs_rewriting(question.text, context):
        return Standalone(question.text, question.text)
    return Rewriter(_nobody, load_prompts(), embeddings.count_tokens).joined(question.text, context)


def _nobody() -> Any:
    raise AssertionError("no chat model is asked here")


FORMS: dict[str, Callable[[Question, EmbeddingModel], Standalone]] = {
    "last": _last,
    "gold": _gold,
    "joined": _joined,
}


def retrieval(gate: Gate, knowledge: Any = None, forms: Sequence[str] = tuple(FORMS)) -> Measures:
    """Recall@5 and nDCG@10 of each form, and of the complete questions of each kind.

    Args:
        knowledge: is searched instead of the gate's own.
    """
    scores: dict[str, list[Mapping[str, float]]] = {}
    for question in gate.dataset.questions:
        for form in forms:
            hits = gate.search(question, form, knowledge).hits
            score = metrics.ranking(question.relevant, [hit.id for hit in hits])
            scores.setdefault(form, []).append(score)
            if form == "gold":
                scores.setdefault(str(question.metadata["kind"]), []).append(score)
    return _means("hybrid", scores)


def legs(gate: Gate) -> Measures:
    """The two legs alone, on the complete questions."""
    scores: dict[str, list[Mapping[str, float]]] = {"dense": [], "keyword": []}
    for question in gate.dataset.questions:
        text = question.gold or question.text
        vector = gate.embeddings.embed_questions([text])[0]
        found = {
            "dense": gate.knowledge.dense(vector, K),
            "keyword": gate.knowledge.keyword(text, K),
        }
        for leg, hits in found.items():
            scores[leg].append(metrics.ranking(question.relevant, [hit.id for hit in hits]))
    return _means("leg", scores)


def _means(label: str, scores: Mapping[str, Sequence[Mapping[str, float]]]) -> Measures:
    measured: Measures = {}
    for name, part in scores.items():
        means = metrics.mean(part)
        for measure in ("recall@5", "ndcg@10"):
            measured[f"{label} {name} {measure}"] = means[measure]
    return measured


def rewriting(gate: Gate, rule: Callable[[str, Context], bool] = needs_rewriting) -> Measures:
    """How many follow-ups the rule sends to the model, and how many complete questions it leaves
    alone in the midst of another conversation."""
    questions = [*gate.dataset.questions, *gate.dataset.unanswerable]
    follow_ups = [one for one in questions if one.metadata["needs_history"]]
    others = [one for one in follow_ups if one.turns]
    asked = [rule(one.text, Context(history=messages_of(one))) for one in follow_ups]
    complete = [one.gold for one in follow_ups]
    left = [
        not rule(text, Context(history=messages_of(others[place % len(others)])))
        for place, text in enumerate(complete)
    ]
    return {
        "rewriting follow-ups sent to the model": _share(asked),
        "rewriting complete questions left alone": _share(left),
    }


#: Of a written answer whether it is right; the others must not be borne out. Those that are
#: ``MADE_UP`` or ``ADMITTED`` (that the passages don't tell) are to questions without an answer.
RIGHT, MADE_UP, ADMITTED = "right", "made up", "admitted"


def citations(gate: Gate, check: Callable[..., Any] = check_citations) -> Measures:
    """Written answers with known truth: right ones must be cited by a passage that answers, wrong
    ones by none."""
    good: dict[str, list[bool]] = {}
    for row, question in _answers(gate):
        passages = passages_of(gate, question)
        checked = check(row["answer"], passages, question.gold or question.text)
        cited = {passages[n - 1].hit.id for n in checked.cited}
        is_right = row["truth"] == RIGHT
        good.setdefault(row["truth"], []).append(
            bool(cited & set(question.relevant)) if is_right else not cited
        )
    names = {truth: "cited" if truth == RIGHT else "not cited" for truth in good}
    return {f"citations {truth} {names[truth]}": _share(part) for truth, part in good.items()}


def passages_of(gate: Gate, question: Question) -> list[Passage]:
    """The passages that the chat model would be given."""
    text = question.gold or question.text
    hits = gate.search(question, "gold").hits
    return select_passages(hits, text, PASSAGE_TOKENS, gate.embeddings.count_tokens)


def no_answer(
    gate: Gate,
    first: Callable[..., Verdict] = before,
    second: Callable[..., Verdict] = after,
    check: Callable[..., Any] = check_citations,
) -> Measures:
    """The decision that the documents hold no answer, ``first`` before the chat model is asked and
    ``second`` after it answered as written."""
    embeddings = gate.embeddings
    calibration = shipped(embeddings.fingerprint)
    kept, refused = (
        [
            first(one.gold or one.text, gate.search(one, "gold"), calibration).answered
            for one in part
        ]
        for part in (gate.dataset.questions, gate.dataset.unanswerable)
    )
    answered: dict[str, list[bool]] = {}
    for row, question in _answers(gate):
        passages = passages_of(gate, question)
        text = question.gold or question.text
        checked = check(row["answer"], passages, text, embeddings.embed_questions)
        verdict = second(text, gate.search(question, "gold"), passages, checked, calibration)
        answered.setdefault(row["truth"], []).append(verdict.answered)
    return {
        "no answer before the model answerable kept": _share(kept),
        "no answer before the model unanswerable refused": round(1 - _share(refused), 4),
        "no answer after the model right answers kept": _share(answered[RIGHT]),
        "no answer after the model made-up answers refused": round(
            1 - _share(answered[MADE_UP]), 4
        ),
        "no answer after the model admitted ones refused": round(1 - _share(answered[ADMITTED]), 4),
    }


def _answers(gate: Gate) -> Iterator[tuple[dict[str, str], Question]]:
    questions = {one.id: one for one in (*gate.dataset.questions, *gate.dataset.unanswerable)}
    for line in (FOLDER / "answers.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        yield row, questions[row["question"]]


def _share(values: Sequence[bool]) -> float:
    return round(float(np.mean(values)), 4)


@dataclass(frozen=True)
class Broken:
    """A knowledge base of which one leg finds nothing, or what it should not."""

    knowledge: KnowledgeBase
    without_keywords: bool = False
    shuffled: bool = False

    def dense(self, vector: Any, k: int, where: Any = None) -> Any:
        turned = np.roll(vector, 7) if self.shuffled else vector
        return self.knowledge.dense(turned, k, where)

    def keyword(self, text: str, k: int, where: Any = None) -> Any:
        return [] if self.without_keywords else self.knowledge.keyword(text, k, where)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.knowledge, name)


MEASURES: tuple[Callable[[Gate], Measures], ...] = (
    legs,
    retrieval,
    rewriting,
    citations,
    no_answer,
)


if __name__ == "__main__":  # python -m tests.quality_gate: what floors may be set by
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as gate:
        print(
            json.dumps({k: v for measure in MEASURES for k, v in measure(gate).items()}, indent=1)
        )
