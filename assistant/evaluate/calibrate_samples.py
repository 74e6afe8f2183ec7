"""What the no-answer decision sees of a set's questions: features of each search, and of the
answer where one was kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.answerability.answered import answer_features, is_no_answer
from assistant.answerability.retrieved import retrieval_features
from assistant.errors import InternalError
from assistant.evaluate.answers_bank import answer_bank
from assistant.evaluate.dataset import Dataset, Question
from assistant.evaluate.library import open_library
from assistant.evaluate.ours import messages_of
from assistant.evaluate.progress import progress
from assistant.models.embedding.model import EmbeddingModel
from assistant.models.reranking.choice import open_reranker
from assistant.prompts import load_prompts
from assistant.retrieval import Retriever
from assistant.rewriting.context import Context
from assistant.rewriting.needs import needs_rewriting
from assistant.rewriting.rewriter import Rewriter
from assistant.rewriting.standalone import Standalone
from assistant.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from assistant.retrieval import Found


@dataclass(frozen=True)
class Sample:
    """A question with its features: ``sought`` of the search; ``told`` of the answer, None where
    none was kept; ``is_none``: the answer says itself that there is none."""

    set: str
    id: str
    answerable: bool
    sought: Mapping[str, float]
    told: Mapping[str, float] | None = None
    is_none: bool = False


def samples_of(dataset: Dataset, settings: Settings, embeddings: EmbeddingModel) -> list[Sample]:
    """The set's questions, answerable and not. The chat model is not asked: a follow-up is joined
    with the question before it, and answers are those that ``answers`` kept.

    A human's rewrites are not used: sets have them for answerable questions alone, and so the
    wording would give the truth away.

    Raises:
        DatasetError: the set has no corpus.
        ModelError, KnowledgeError: it can't be searched.
    """
    questions = [*dataset.questions, *dataset.unanswerable]
    told = _told(dataset, settings, questions)
    return [
        Sample(
            dataset.name,
            question.id,
            question.answerable,
            retrieval_features(asked.text, found.candidates),
            *told.get(question.id, (None, False)),
        )
        for question, asked, found in _searched(dataset, settings, embeddings, questions)
    ]


def _searched(
    dataset: Dataset,
    settings: Settings,
    embeddings: EmbeddingModel,
    questions: Sequence[Question],
) -> list[tuple[Question, Standalone, Found]]:
    rewriter = Rewriter(_nobody, load_prompts(), embeddings.count_tokens)
    reranker = open_reranker(settings)
    library = open_library(dataset, settings, embeddings)
    try:
        found = []
        for question in progress(questions, "searching"):
            knowledge = library.knowledge(question.scope)
            retriever = Retriever(knowledge, embeddings, settings.retrieve_k, reranker)
            asked = _asked(question, rewriter)
            found.append((question, asked, retriever.search(asked)))
        return found
    finally:
        library.close()


def _asked(question: Question, rewriter: Rewriter) -> Standalone:
    context = Context(history=messages_of(question))
    if needs_rewriting(question.text, context):
        return rewriter.joined(question.text, context)
    return Standalone(question.text, question.text)


def _told(
    dataset: Dataset, settings: Settings, questions: Sequence[Question]
) -> dict[str, tuple[Mapping[str, float], bool]]:
    return {
        one.question.id: (
            answer_features(one.asked.text, one.found.candidates, one.passages, one.checked),
            is_no_answer(one.checked),
        )
        for one in answer_bank(dataset, settings, questions, ask=False)
    }


def _nobody() -> BaseChatModel:
    raise InternalError(RuntimeError("the chat model is not asked here"))
