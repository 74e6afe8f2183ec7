"""The passages of a set with their vectors, and which of them a question may search."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.evaluate.dataset import Dataset, Passage
from assistant.evaluate.progress import progress
from assistant.models.embedding.model import EmbeddingModel

log = logging.getLogger(__name__)

LEAST_ALIKE = 0.98  # cosine of a given vector to the model's own, where it is the same model's
Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Corpus:
    """``vectors``: shape (passages, dimension), unit length."""

    passages: Sequence[Passage]
    vectors: Vectors
    scopes: Mapping[str, Rows]

    def rows(self, scope: str) -> Rows:
        """The rows that a question of ``scope`` searches; all where it has none."""
        if not scope:
            return np.arange(len(self.passages))
        return self.scopes.get(scope, np.zeros(0, dtype=np.int64))


def open_corpus(dataset: Dataset, embeddings: EmbeddingModel) -> Corpus:
    """The set's passages with vectors: those beside the set in ``vectors/SET.npy`` where they are
    this model's, else made now.

    Raises:
        ModelError: the model can't embed.
    """
    scopes: dict[str, list[int]] = {}
    for row, passage in enumerate(dataset.passages):
        scopes.setdefault(passage.scope, []).append(row)
    path = dataset.folder.resolve().parent / "vectors" / f"{dataset.name}.npy"
    vectors = _given(path, dataset.passages, embeddings)
    if vectors is None:
        vectors = _made(dataset.passages, embeddings)
    return Corpus(
        dataset.passages,
        vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        {scope: np.array(rows, dtype=np.int64) for scope, rows in scopes.items()},
    )


def _given(path: Path, passages: Sequence[Passage], embeddings: EmbeddingModel) -> Vectors | None:
    if not path.exists():
        return None
    try:
        vectors: Vectors = np.load(path, allow_pickle=False).astype(np.float32)
    except (OSError, ValueError) as error:
        log.warning("%s can't be read, so the passages are embedded: %s", path, error)
        return None
    if vectors.shape != (len(passages), embeddings.dimension):
        log.warning("%s has the shape %s: the passages are embedded", path, vectors.shape)
        return None
    first = embeddings.embed_passages([passages[0].embedding_text])[0]
    if float(first @ vectors[0]) / float(np.linalg.norm(vectors[0])) < LEAST_ALIKE:
        log.warning("%s is of another model: the passages are embedded", path)
        return None
    return vectors


def _made(passages: Sequence[Passage], embeddings: EmbeddingModel) -> Vectors:
    texts = [passage.embedding_text for passage in passages]
    size = embeddings.batch_size
    batches = [
        embeddings.embed_passages(texts[start : start + size])
        for start in progress(range(0, len(texts), size), "embedding passages")
    ]
    return np.vstack(batches)
