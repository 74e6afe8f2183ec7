"""Tells lasting statements and wishes from all else: a linear classifier over a clause's features
and its sentence vector, whose weights ``python -m benchmarks.memory_month.train`` learned."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.memory.facts.features import Piece, features
from assistant.models.embedding.model import Embed

Floats = NDArray[np.float32]

WEIGHTS = Path(__file__).with_name("weights.npz")
#: Features are known by their hash of so many bits.
BITS = 16
#: What a clause may be; a column of the weights each.
KINDS = ("", "fact", "preference")


@dataclass(frozen=True)
class Rows:
    """Features of n clauses: those of clause i are the entries where ``row`` is i."""

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    value: Floats
    count: int


@dataclass(frozen=True)
class Weights:
    """``sparse`` (2 ** BITS, 3), ``dense`` (2 * dimension, 3) of the vectors of the clause and of
    its sentence, ``bias`` (3,)."""

    sparse: Floats
    dense: Floats
    bias: Floats

    def probabilities(self, rows: Rows, vectors: Floats) -> Floats:
        """Of each of :data:`KINDS`, shape (n, 3)."""
        scores = vectors @ self.dense + self.bias
        for kind in range(len(KINDS)):
            values = rows.value * self.sparse[rows.column, kind]
            scores[:, kind] += np.bincount(rows.row, values, minlength=rows.count)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)

    def save(self, path: Path) -> None:
        """Write them, a byte for each weight of a feature."""
        scale = np.abs(self.sparse).max(axis=0) / 127
        np.savez_compressed(
            path,
            sparse=np.round(self.sparse / scale).astype(np.int8),
            scale=scale.astype(np.float32),
            dense=self.dense.astype(np.float16),
            bias=self.bias.astype(np.float32),
        )


@cache
def shipped() -> Weights:
    """The weights of the package, read once."""
    with np.load(WEIGHTS) as saved:
        sparse = saved["sparse"].astype(np.float32) * saved["scale"]
        return Weights(sparse, saved["dense"].astype(np.float32), saved["bias"])


def rows_of(found: Sequence[Mapping[str, float]]) -> Rows:
    """Named features as rows."""
    sizes = [len(one) for one in found]
    names = [name for one in found for name in one]
    mask = (1 << BITS) - 1
    return Rows(
        np.repeat(np.arange(len(found)), sizes),
        np.array([zlib.crc32(name.encode()) & mask for name in names], dtype=np.int64),
        np.array([value for one in found for value in one.values()], dtype=np.float32),
        len(found),
    )


def vectors_of(told: Sequence[Piece], embed: Embed) -> Floats:
    """The vectors of each clause and of its sentence, side by side: (n, 2 * dimension)."""
    texts = [text for piece in told for text in (piece.clause.text, piece.sentence.text.strip())]
    fresh = list(dict.fromkeys(texts))
    known = dict(zip(fresh, embed(fresh), strict=True))
    return np.stack([known[text] for text in texts]).reshape(len(told), -1)


def classify(told: Sequence[Piece], embed: Embed) -> Floats:
    """How likely each clause of a message is each of :data:`KINDS`: (n, 3).

    Args:
        embed: texts to vectors of the embedded model, whichever one searches documents.
    """
    return shipped().probabilities(rows_of(features(told)), vectors_of(told, embed))
