"""The product's own form of a question: its rewriter and its question vector, timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from numpy.typing import NDArray

from assistant.evaluate.dataset import Question
from assistant.evaluate.journal import Journal, digest
from assistant.evaluate.replay import ReplayedChat
from assistant.models.chat.choice import open_chat
from assistant.models.embedding.model import EmbeddingModel
from assistant.prompts import load_prompts
from assistant.retrieval import question_vector
from assistant.rewriting.context import Context
from assistant.rewriting.rewriter import Rewriter
from assistant.rewriting.standalone import Standalone
from assistant.settings import Settings

Vector = NDArray[np.float32]


def folder(settings: Settings) -> Path:
    """Where the journals are kept."""
    return settings.data_dir / "evaluate"


@dataclass(frozen=True)
class Rewritten:
    """``ms``: what the rewriting took when it was first done; ``called``: the model was asked."""

    standalone: Standalone
    ms: float
    called: bool


class Ours:
    """The rewriter of the product with the chat model ``model``.

    Raises:
        SettingsError: there is no such model.
    """

    def __init__(self, settings: Settings, model: str, count: Callable[[str], int]) -> None:
        self._chat = open_chat(settings, model, "--model")
        self.model = self._chat.name
        self._replayed = ReplayedChat(
            name_of_model=self.model,
            journal=Journal(folder(settings) / "rewriting.jsonl"),
            source=self._chat.model,
        )
        self._rewriter = Rewriter(lambda: self._replayed, load_prompts(), count)

    def rewrite(self, question: Question) -> Rewritten:
        """Complete ``question`` from its conversation, as the product does.

        Raises:
            ModelError: the model can't be asked.
        """
        calls, saved = self._replayed.calls, self._replayed.saved_ms
        start = time.perf_counter()
        standalone = self._rewriter.rewrite(question.text, Context(history=messages_of(question)))
        elapsed = 1000 * (time.perf_counter() - start)
        ms = elapsed + self._replayed.saved_ms - saved
        return Rewritten(standalone, ms, self._replayed.calls > calls)

    def close(self) -> None:
        self._chat.close()


def messages_of(question: Question) -> Sequence[BaseMessage]:
    return [
        HumanMessage(turn["content"]) if turn["role"] == "user" else AIMessage(turn["content"])
        for turn in question.turns
    ]


@dataclass(frozen=True)
class QuestionVectors:
    """The product's vectors of questions, and how long each took when it was first made."""

    embeddings: EmbeddingModel
    journal: Journal = field(repr=False)

    def of(self, asked: Standalone) -> tuple[Vector, float]:
        """The vector, unit length, shape (dimension,), and milliseconds."""
        start = time.perf_counter()
        vector = question_vector(self.embeddings, asked)
        ms = 1000 * (time.perf_counter() - start)
        key = digest(self.embeddings.fingerprint, asked.text, asked.background)
        known = self.journal.get(key)
        if known is None:
            self.journal.put(key, {"ms": ms})
        return vector, ms if known is None else float(known["ms"])
