"""Answers of the product to a set's questions, kept so that no question is asked twice.

The flow is the product's own without memory: a standalone question (the set's rewrite by a human
where there is one, else the product's), retrieval, the choice of passages, the chat model and the
check of its citations. What the model said is kept by the messages it was given: it is asked again
only where the question, the passages or the prompt changed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assistant.answering import passage_document, stuffed_messages
from assistant.citations import Checked, check_citations
from assistant.errors import AssistantError
from assistant.evaluate.dataset import Dataset, Question
from assistant.evaluate.journal import Journal, digest
from assistant.evaluate.library import Library, chunk_of, open_library
from assistant.evaluate.ours import folder, messages_of
from assistant.evaluate.progress import progress
from assistant.evaluate.replay import ReplayedChat
from assistant.knowledge.records import Hit, Source
from assistant.models.chat.choice import open_chat
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.embedded import meanings
from assistant.models.embedding.model import EmbeddingModel
from assistant.models.reranking.choice import open_reranker
from assistant.passages import Passage, select_passages
from assistant.prompts import load_prompts
from assistant.retrieval import Retriever
from assistant.rewriting.context import Context
from assistant.rewriting.rewriter import Rewriter
from assistant.rewriting.standalone import Standalone
from assistant.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from assistant.retrieval import Found

#: What a model that reads 60 tokens a second gets within the default FIRST_TOKEN_SECONDS. Fixed
#: here: by the machine's own speed each run would have other passages.
PASSAGE_TOKENS = 320


@dataclass(frozen=True)
class Answered:
    """``raw``: the answer as the model wrote it; ``seconds``: what retrieval, the model and the
    check took when they were first done."""

    question: Question
    asked: Standalone
    found: Found
    passages: Sequence[Passage]
    raw: str
    checked: Checked
    seconds: float


class _Unknown(AssistantError):
    """The journal has no reply, and the model is not to be asked."""


def answer_bank(
    dataset: Dataset, settings: Settings, questions: Sequence[Question], *, ask: bool = True
) -> Iterator[Answered]:
    """The product's answers to ``questions``, in their order.

    Args:
        ask: False: the chat model is never asked. A question whose passages have changed since is
            given with those that its answer was made of; one that was never answered is left out.

    Raises:
        DatasetError: the set has no corpus.
        SettingsError, ModelError: a model can't be asked; what was done is kept for the next run.
    """
    embeddings = open_embeddings(settings)
    try:
        embeddings.warm()
        library = open_library(dataset, settings, embeddings)
        try:
            bank = _Bank(dataset, settings, embeddings, library, ask)
            try:
                for question in progress(questions, f"answering by {bank.model}"):
                    answered = bank.answer(question)
                    if answered is not None:
                        yield answered
            finally:
                bank.close()
        finally:
            library.close()
    finally:
        embeddings.close()


class _Bank:
    """The parts of the flow, with a chat model whose replies are kept."""

    def __init__(
        self,
        dataset: Dataset,
        settings: Settings,
        embeddings: EmbeddingModel,
        library: Library,
        ask: bool,
    ) -> None:
        self._set, self._settings = dataset, settings
        self._embeddings, self._library = embeddings, library
        self._by_id = {passage.id: passage for passage in dataset.passages}
        self._chat = open_chat(settings, settings.chat_model, "CHAT_MODEL")
        self.model = self._chat.name
        source = self._chat.model if ask else _nobody
        self._prompts = load_prompts()
        self._replies = self._replayed("answers", source)
        rewrites = self._replayed("rewriting", source)
        self._rewriter = Rewriter(lambda: rewrites, self._prompts, embeddings.count_tokens)
        self._given = Journal(folder(settings) / "given.jsonl")
        self._reranker = open_reranker(settings)

    def _replayed(self, name: str, source: Any) -> ReplayedChat:
        journal = Journal(folder(self._settings) / f"{name}.jsonl")
        return ReplayedChat(name_of_model=self.model, journal=journal, source=source)

    def answer(self, question: Question) -> Answered | None:
        try:
            asked = self._standalone(question)
        except _Unknown:
            return None
        retriever = Retriever(
            self._library.knowledge(question.scope),
            self._embeddings,
            self._settings.retrieve_k,
            self._reranker,
        )
        start = time.perf_counter()
        found = retriever.search(asked)
        passages: Sequence[Passage] = self._passages(found, asked)
        took = time.perf_counter() - start
        key = digest(self._set.name, question.id, self.model)
        try:
            raw, seconds = self._reply(asked, passages)
            self._keep(key, raw, seconds, passages)
        except _Unknown:
            kept = self._given.get(key)
            if kept is None:
                return None
            passages, raw, seconds = self._as_given(kept), kept["raw"], kept["seconds"]
        start = time.perf_counter()
        checked = check_citations(raw, passages, asked.text, meanings(self._embeddings))
        took += time.perf_counter() - start
        return Answered(question, asked, found, passages, raw, checked, took + seconds)

    def _standalone(self, question: Question) -> Standalone:
        if question.gold:
            return Standalone(question.text, question.gold, way="edited")
        return self._rewriter.rewrite(question.text, Context(history=messages_of(question)))

    def _passages(self, found: Found, asked: Standalone) -> list[Passage]:
        budget = self._settings.context_tokens or PASSAGE_TOKENS
        return select_passages(found.hits, asked.text, budget, self._embeddings.count_tokens)

    def _reply(self, asked: Standalone, passages: Sequence[Passage]) -> tuple[str, float]:
        """The model's answer and its seconds; nothing where there is nothing to answer from."""
        if not passages:
            return "", 0.0
        context = [passage_document(passage) for passage in passages]
        asking: dict[str, object] = {"input": asked.text, "context": context}
        raw = stuffed_messages(self._replies, self._prompts).invoke(asking).text
        return str(raw), self._replies.last_ms / 1000

    def _keep(self, key: str, raw: str, seconds: float, passages: Sequence[Passage]) -> None:
        given = [[Library.passage_id(one.hit), one.quote] for one in passages]
        known = self._given.get(key)
        if known is None or (known["raw"], known["given"]) != (raw, given):
            self._given.put(key, {"raw": raw, "seconds": round(seconds, 3), "given": given})

    def _as_given(self, kept: Mapping[str, Any]) -> list[Passage]:
        return [
            Passage(n, self._hit(id), quote)
            for n, (id, quote) in enumerate(kept["given"], 1)
            if id in self._by_id
        ]

    def _hit(self, id: str) -> Hit:
        """A passage of the set as if it were found, without its ranks."""
        passage = self._by_id[id]
        chunk = chunk_of(passage)
        size = len(passage.text.encode("utf-8", "surrogatepass"))
        source = Source(0, "default", id, passage.title, "txt", 1, size, "", 0.0, 0.0)
        return Hit(id, chunk.text, 0.0, source, 0, chunk.heading_path)

    def close(self) -> None:
        self._chat.close()


def _nobody() -> BaseChatModel:
    raise _Unknown("The model is not asked.", "不调用模型。")
