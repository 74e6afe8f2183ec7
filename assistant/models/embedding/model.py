"""What an embedding model is to the rest of the program, whatever is behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from assistant.errors import BadAnswer

Vectors = NDArray[np.float32]

#: n texts -> (n, dimension).
Embed = Callable[[Sequence[str]], Vectors]


def _nothing() -> None:
    """For models that hold nothing open and need no loading."""


@dataclass
class EmbeddingModel(Embeddings):
    """Unit-length float32 vectors, whatever the backend gives, under one fingerprint.

    Collections keep the fingerprint of the model that filled them: vectors of two models can't be
    compared. ``passages`` and ``queries`` take n texts and return (n, dimension); ``private`` is
    ``passages`` where that keeps vectors on disk and this does not.
    ``batch_size`` texts are worth handing over at a time; ``close`` lets go of connections,
    ``warm`` loads ahead what the first question needs.
    """

    fingerprint: str
    dimension: int
    passages: Embed
    queries: Embed
    count: Callable[[str], int]
    batch_size: int = 16
    close: Callable[[], None] = _nothing
    warm: Callable[[], None] = _nothing
    private: Embed | None = None

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of documents' texts, shape (n, dimension), unit length.

        Raises:
            ModelError: not all of them could be embedded; says which and why.
        """
        return self._embed(self.passages, texts)

    def embed_private(self, texts: Sequence[str]) -> Vectors:
        """As :meth:`embed_passages`, of what people said: nothing of it is left on disk."""
        return self._embed(self.private or self.passages, texts)

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions, shape (n, dimension), unit length.

        Raises:
            ModelError: as :meth:`embed_passages`.
        """
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return _unit(self.queries(texts))

    def _embed(self, embed: Embed, texts: Sequence[str]) -> Vectors:
        batches = [
            embed(texts[start : start + self.batch_size])
            for start in range(0, len(texts), self.batch_size)
        ]
        if not batches:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return _unit(np.vstack(batches))

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text`` for this model, without the special ones."""
        return self.count(text)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[float(x) for x in row] for row in self.embed_passages(texts)]

    def embed_query(self, text: str) -> list[float]:
        return [float(x) for x in self.embed_questions([text])[0]]


def estimate_tokens(text: str) -> int:
    """Tokens of ``text`` where the model's tokenizer isn't at hand, rather too many than too few:
    one for each CJK character, one for each three others."""
    wide = sum(1 for char in text if char >= "\u2e80")
    return wide + (len(text) - wide + 2) // 3


def usable(vectors: Vectors) -> NDArray[np.bool_]:
    """Which rows have a direction: their numbers are finite and not all zero. Shape (n,)."""
    lengths = np.linalg.norm(vectors, axis=1)
    return np.asarray(np.isfinite(lengths) & (lengths > 0))


def _unit(vectors: Vectors) -> Vectors:
    if not usable(vectors).all():
        raise BadAnswer(
            "The embedding model returned vectors that are zero or not numbers.",
            "嵌入模型返回了全零或非数字的向量。",
        )
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
