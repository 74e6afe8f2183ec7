"""What tests of long-term memory share: turns, facts, vectors, and memories on a server."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.memory.records import Fact, Said, Turn, text_parts

DIMENSION = 16


def turn(
    question: str, answer: str = "好。", at: float = 1.0, id: str = "", parent: str = ""
) -> Turn:
    return Turn(id or f"t{at}", text_parts(question), answer, question, at, parent=parent)


def unit(place: int, beside: float = 0.0) -> NDArray[np.float32]:
    """A vector along axis ``place``, turned a little to the next."""
    vector = np.zeros(DIMENSION, dtype=np.float32)
    vector[place % DIMENSION] = 1.0
    vector[(place + 1) % DIMENSION] += beside
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def embedded(texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors that depend on the texts alone."""
    return np.stack([unit(sum(text.encode("utf-8", "replace"))) for text in texts])


def fact(id: str, text: str, *said: tuple[str, str, float], updated: float = 1.0) -> Fact:
    return Fact(id, "fact", text, tuple(Said(*one) for one in said), updated)
