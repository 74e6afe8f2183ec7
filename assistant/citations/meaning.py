"""Sentences compared by their vectors: what means the same in other words or another language."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.citations.records import Embed

_CJK = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]{2,}")


def are_of_one_script(one: str, other: str) -> bool:
    """Whether both are mainly Chinese, or both are not.

    >>> are_of_one_script("用 FAISS 建索引", "建立索引"), are_of_one_script("三年", "three years")
    (True, False)
    """
    return is_chinese(one) == is_chinese(other)


def is_chinese(text: str) -> bool:
    characters = len(_CJK.findall(text))
    return characters > 0 and 2 * characters >= len(_LATIN.findall(text))


class Meaning:
    """Vectors of claims and of the passages' sentences, made when they are first needed."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._known: dict[str, NDArray[np.float32]] = {}

    def near(self, claim: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """The cosine of each text to the claim."""
        vectors = self._vectors([claim, *texts])
        return np.asarray(vectors[1:] @ vectors[0], dtype=np.float32)

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        fresh = [text for text in dict.fromkeys(texts) if text not in self._known]
        if fresh:
            self._known.update(zip(fresh, self._embed(fresh), strict=True))
        return np.vstack([self._known[text] for text in texts])
