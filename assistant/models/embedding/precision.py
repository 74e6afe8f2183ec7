"""Vectors of fewer bits, as ``sentence-transformers`` names them, comparable across calls.

The library's own ``int8`` and ``uint8`` stretch the numbers of each call over its own smallest and
largest, dimension by dimension: the same text gets other numbers in other company, and vectors of
two calls can't be compared. Here the range is fixed: of a unit vector with d numbers none is
expected beyond ``8 / sqrt(d)``, eight times their root mean square; those that are, are cut.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Precision = Literal["float32", "int8", "uint8", "binary", "ubinary"]
#: Those whose fixed range holds for unit vectors only.
SCALED = ("int8", "uint8")
STEPS = 127


def quantized(vectors: NDArray[np.float32], precision: Precision) -> NDArray[Any]:
    """``vectors``, shape (n, d), in ``precision``: (n, d) int8 or uint8 of unit vectors, or the
    signs in bits, (n, ceil(d / 8)), as int8 (``binary``) or uint8 (``ubinary``).
    """
    if precision in SCALED:
        steps = np.rint(vectors * (STEPS / _range(vectors.shape[1])))
        found: NDArray[np.int8] = np.clip(steps, -STEPS, STEPS).astype(np.int8)
        return found if precision == "int8" else (found.astype(np.int16) + 128).astype(np.uint8)
    if precision in ("binary", "ubinary"):
        bits: NDArray[np.uint8] = np.packbits(vectors > 0, axis=1)
        return bits if precision == "ubinary" else (bits.astype(np.int16) - 128).astype(np.int8)
    return vectors


def restored(values: NDArray[Any], precision: Precision, dimension: int) -> NDArray[np.float32]:
    """Float32 vectors, shape (n, dimension), that point where the quantized ones do."""
    if precision in SCALED:
        offset = 128 if precision == "uint8" else 0
        steps: NDArray[np.float32] = values.astype(np.float32) - offset
        return steps * np.float32(_range(dimension) / STEPS)
    if precision in ("binary", "ubinary"):
        offset = 128 if precision == "binary" else 0
        packed = (values.astype(np.int16) + offset).astype(np.uint8)
        signs = np.unpackbits(packed, axis=1, count=dimension).astype(np.float32)
        return signs * 2 - 1
    return values.astype(np.float32)


def _range(dimension: int) -> float:
    return min(1.0, 8 / float(np.sqrt(dimension)))
