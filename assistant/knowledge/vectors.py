"""Vectors on their way in: checked, brought to unit length, and as bytes for the database."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assistant.errors import KnowledgeError

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]


def unit_vectors(values: ArrayLike, count: int) -> Vectors:
    """``values`` as a (count, dimension) float32 array of rows with length 1, so that the inner
    product of two is their cosine.

    Raises:
        KnowledgeError: another shape, or a row with NaN, infinity or only zeros.
    """
    vectors = _array(values)
    if count == 0 and vectors.size == 0:
        return np.empty((0, 0), dtype=np.float32)
    if vectors.ndim != 2 or vectors.shape[0] != count or vectors.shape[1] == 0:
        raise KnowledgeError(
            "Expected one vector for each of {count} chunks, got an array of shape {shape}: the "
            "embedding model's answer is incomplete; run it again.",
            "应为 {count} 个片段各有一个向量，实际数组形状为 {shape}：嵌入模型返回不完整，请重试。",
            count=count,
            shape=vectors.shape,
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))
    if bad.size:
        raise KnowledgeError(
            "{bad} of {count} vectors hold NaN, infinity or only zeros (the first is number "
            "{first}): nothing was stored; check the embedding model.",
            "{count} 个向量中有 {bad} 个含 NaN、无穷大或全为零（第一个是第 {first} 个）："
            "未存储任何内容，请检查嵌入模型。",
            bad=bad.size,
            count=count,
            first=bad[0] + 1,
        )
    return np.asarray(vectors / lengths, dtype=np.float32)


def _array(values: ArrayLike) -> NDArray[np.float64]:
    try:
        # In 64 bits no finite float32 overflows when it is squared.
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise KnowledgeError(
            "The vectors are no array of numbers ({reason}): check the embedding model.",
            "向量不是数字数组（{reason}）：请检查嵌入模型。",
            reason=error,
        ) from error


def to_blob(vector: Vectors) -> bytes:
    return vector.astype("<f4").tobytes()


def from_blobs(blobs: Sequence[bytes], dimension: int) -> Vectors:
    """(len(blobs), dimension) float32."""
    joined = np.frombuffer(b"".join(blobs), dtype="<f4").astype(np.float32)
    return joined.reshape(len(blobs), dimension)
