"""How vectors are stored and compared: metric and precision, one pair for each vector space.

==========  ===========================================  =======  ==============================
precision   stored                                       bytes    score of cosine spaces
==========  ===========================================  =======  ==============================
float32     little-endian floats, unit length (cosine)   4 * d    cosine
int8        -127..127, each vector scaled to its range   d        cosine of the stored integers
binary      the sign of each number, eight to a byte     d / 8    1 - 2 * Hamming distance / d,
                                                                  the cosine of the signs
==========  ===========================================  =======  ==============================

Metric ``ip`` scores by inner product and ``l2`` by the negative squared distance, so that a higher
score is always better; both keep the vectors' lengths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assistant.errors import KnowledgeError

Vectors = NDArray[np.float32]
Stored = NDArray[Any]  # (n, width) as a space holds them: float32, int8 or packed uint8
Ids = NDArray[np.int64]

METRICS = ("cosine", "ip", "l2")
PRECISIONS = ("float32", "int8", "binary")
_TYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "int8": np.dtype("i1"),
    "binary": np.dtype("u1"),
}


@dataclass(frozen=True)
class Form:
    """What the vectors of a space look like.

    Raises:
        KnowledgeError: an unknown metric or precision, or two that don't go together.
    """

    dimension: int
    metric: str = "cosine"
    precision: str = "float32"

    def __post_init__(self) -> None:
        for value, known in ((self.metric, METRICS), (self.precision, PRECISIONS)):
            if value not in known:
                raise KnowledgeError(
                    "{value} is not known for vectors: use one of {known}.",
                    "向量不支持 {value}：请使用 {known} 之一。",
                    value=repr(value),
                    known=", ".join(known),
                )
        if self.precision != "float32" and self.metric != "cosine":
            raise KnowledgeError(
                "Vectors of precision {precision} are compared by cosine, not by {metric}: use "
                "float32, or cosine.",
                "精度为 {precision} 的向量只能用余弦比较，不能用 {metric}："
                "请改用 float32 或 cosine。",
                precision=self.precision,
                metric=self.metric,
            )

    def encode(self, values: ArrayLike, count: int) -> Stored:
        """``values`` as they are stored, shape (count, width).

        Floats are quantised. Integers (int8), signs (binary) and packed bits (binary: uint8, or
        int8 with 128 taken off, an eighth as wide as the dimension) are taken as they are.

        Raises:
            KnowledgeError: another shape, or a row with NaN, infinity or (cosine) only zeros.
        """
        vectors = _array(values, count)
        if not vectors.size:
            return np.empty((0, 0), dtype=_TYPES[self.precision])
        if self.precision == "binary":
            return self._bits(vectors)
        floats = vectors.astype(np.float64)  # no finite float32 overflows when it is squared
        lengths = _checked_lengths(floats, self.metric == "cosine")
        if self.precision == "int8":
            return _integers(floats)
        return (floats / lengths if self.metric == "cosine" else floats).astype("<f4")

    def fitted(self, values: ArrayLike, count: int) -> tuple[Form, Stored]:
        """This form with the dimension of ``values``, and these as it stores them."""
        stored = self.encode(values, count)
        return replace(self, dimension=self.dimension_of(values)), stored

    def dimension_of(self, values: ArrayLike) -> int:
        """The dimension of ``values`` before they are encoded, 0 for none."""
        vectors = np.asarray(values)
        width = vectors.shape[-1] if vectors.size else 0
        is_packed = self.precision == "binary" and vectors.dtype.kind in "iu" and width > 0
        return width * 8 if is_packed and not _are_signs(vectors) else width

    def from_blobs(self, blobs: Sequence[bytes]) -> Stored:
        """(len(blobs), width)."""
        joined: Stored = np.frombuffer(b"".join(blobs), dtype=_TYPES[self.precision])
        return joined.reshape(len(blobs), self.width)

    @property
    def width(self) -> int:
        """Numbers in a stored row."""
        return -(-self.dimension // 8) if self.precision == "binary" else self.dimension

    @property
    def blob_size(self) -> int:
        return self.width * _TYPES[self.precision].itemsize

    def floats(self, stored: Stored) -> Vectors:
        """(n, dimension) float32: numbers that :meth:`encode` makes ``stored`` of again."""
        if self.precision == "binary":
            bits = np.unpackbits(stored, axis=1, count=self.dimension)
            return np.asarray(bits, dtype=np.float32) * 2 - 1
        return np.asarray(stored, dtype=np.float32)

    def scores(self, query: Stored, stored: Stored) -> Vectors:
        """(n,): the score of each row of ``stored`` for one encoded query, shape (width,)."""
        if self.precision == "binary":
            distances = np.bitwise_count(stored ^ query).sum(axis=1)
            return np.asarray(1 - 2 * distances / self.dimension, dtype=np.float32)
        rows, one = stored.astype(np.float32), query.astype(np.float32)
        if self.metric == "l2":
            difference = rows - one
            return np.asarray(-np.einsum("ij,ij->i", difference, difference), dtype=np.float32)
        products: Vectors = rows @ one
        if self.precision == "int8":
            products /= np.linalg.norm(rows, axis=1) * np.linalg.norm(one)
        return products

    def _bits(self, vectors: NDArray[Any]) -> Stored:
        if vectors.dtype.kind in "iu" and not _are_signs(vectors):
            signed = vectors.dtype.kind == "i"
            return (vectors.astype(np.int16) + (128 if signed else 0)).astype(np.uint8)
        _checked_lengths(vectors.astype(np.float64), is_direction=True)
        return np.packbits(vectors > 0, axis=1)


def unit(vectors: Vectors) -> Vectors:
    """Rows with length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def to_blobs(stored: Stored) -> list[bytes]:
    return [row.tobytes() for row in stored]


def _are_signs(vectors: NDArray[Any]) -> bool:
    return bool(np.isin(vectors, (-1, 1)).all())


def _integers(floats: NDArray[np.float64]) -> Stored:
    are_integers = (floats == np.rint(floats)).all(axis=1) & (np.abs(floats) <= 128).all(axis=1)
    scale = np.where(are_integers, 1.0, 127 / np.abs(floats).max(axis=1))
    return np.clip(np.rint(floats * scale[:, np.newaxis]), -128, 127).astype(np.int8)


def _array(values: ArrayLike, count: int) -> NDArray[Any]:
    try:
        vectors = np.asarray(values)
        if vectors.dtype.kind == "c":
            raise TypeError("complex numbers")
        if vectors.dtype.kind not in "iuf":
            vectors = vectors.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise KnowledgeError(
            "The vectors are no array of numbers ({reason}): check the embedding model.",
            "向量不是数字数组（{reason}）：请检查嵌入模型。",
            reason=error,
        ) from error
    if count == 0 and vectors.size == 0:
        return vectors
    if vectors.ndim != 2 or vectors.shape[0] != count or vectors.shape[1] == 0:
        raise KnowledgeError(
            "Expected one vector for each of {count} chunks, got an array of shape {shape}: the "
            "embedding model's answer is incomplete; run it again.",
            "应为 {count} 个片段各有一个向量，实际数组形状为 {shape}：嵌入模型返回不完整，请重试。",
            count=count,
            shape=vectors.shape,
        )
    return vectors


def _checked_lengths(floats: NDArray[np.float64], is_direction: bool) -> NDArray[np.float64]:
    """Lengths, shape (n, 1). Where only the direction counts, a row may not be all zeros; where the
    length does, too, its square must be a float32."""
    with np.errstate(over="ignore"):
        lengths: NDArray[np.float64] = np.linalg.norm(floats, axis=1, keepdims=True)
    most = np.inf if is_direction else np.sqrt(np.finfo(np.float32).max)
    bad = np.flatnonzero(~((lengths < most) & ((lengths > 0) | (not is_direction))))
    if bad.size:
        raise KnowledgeError(
            "{bad} of {count} vectors hold NaN, infinity or only zeros (the first is number "
            "{first}): nothing was stored; check the embedding model.",
            "{count} 个向量中有 {bad} 个含 NaN、无穷大或全为零（第一个是第 {first} 个）："
            "未存储任何内容，请检查嵌入模型。",
            bad=bad.size,
            count=len(floats),
            first=bad[0] + 1,
        )
    return lengths
