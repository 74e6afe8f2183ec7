"""Tells small talk from other statements: a logistic regression on a message's sentence vector,
whose weights ``python -m benchmarks.asking train`` learned.

Only statements are judged: what asks, is a fragment, points back at what was said or holds a number
or a code is about something.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.asking.smalltalk import LONGEST, asks, without_greeting
from assistant.models.embedding.model import Embed

Floats = NDArray[np.float32]

WEIGHTS = Path(__file__).with_name("weights.npz")
#: From here on a statement is small talk.
THRESHOLD = 0.7
#: A shorter statement is a fragment, which may name what is asked for: words, Chinese characters.
LEAST_WORDS, LEAST_CHARACTERS = 4, 6

_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z']+")
_NAMES = re.compile(r"\d|[A-Z]{2}|\w[_/\\]\w|《")
_CORRECTS = re.compile(
    r"\b(?:meant?|not the|mention(?:ed)?)\b|(?:说|问|指)的是|不是.+是|提到|提过", re.IGNORECASE
)


@dataclass(frozen=True)
class Weights:
    """``weights`` (dimension,) for vectors less ``mean`` (dimension,), and ``bias``."""

    weights: Floats
    mean: Floats
    bias: float

    def probabilities(self, vectors: Floats) -> Floats:
        """Of small talk, for vectors (n, dimension): (n,)."""
        scores = (vectors - self.mean) @ self.weights + self.bias
        return np.asarray(1 / (1 + np.exp(-scores)), dtype=np.float32)

    def save(self, path: Path) -> None:
        np.savez_compressed(
            path,
            weights=self.weights.astype(np.float16),
            mean=self.mean.astype(np.float16),
            bias=np.float32(self.bias),
        )


@cache
def shipped() -> Weights:
    """The weights of the package, read once."""
    with np.load(WEIGHTS) as saved:
        weights, mean = saved["weights"].astype(np.float32), saved["mean"].astype(np.float32)
        return Weights(weights, mean, float(saved["bias"]))


def is_statement(message: str) -> bool:
    """Whether ``message`` is a statement that the classifier can judge."""
    if len(message) > LONGEST or _NAMES.search(message) or _CORRECTS.search(message):
        return False
    characters = len(_HAN.findall(message))
    is_long = (
        characters >= LEAST_CHARACTERS
        if characters
        else len(_LATIN.findall(message)) >= LEAST_WORDS
    )
    return is_long and not asks(message)


def smalltalk_probability(message: str, embed: Embed) -> float:
    """How likely ``message`` is small talk, by what it says after a greeting; 0 for all that is no
    statement.

    Args:
        embed: texts to questions' vectors of the embedded model, whichever one searches.

    Raises:
        ModelError: the model can't embed it.
    """
    statement = without_greeting(message)
    if asks(message) or not is_statement(statement):
        return 0.0
    return float(shipped().probabilities(embed([statement]))[0])
