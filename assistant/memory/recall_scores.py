"""How well each row of a recall table answers a question.

Meaning counts by how far a cosine lies above the mean of all, in standard deviations: models
differ in both. Words count by the share of the question's words that are there, rare ones weighing
more (:mod:`assistant.memory.recall_words`). Unlike ranks, both say how sure they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.memory.recall_rows import Table
from assistant.memory.recall_vectors import Floats

# What lies this many deviations above the mean counts as much as all the question's words. From 4
# to 8 nothing changes by more than .03: English messages like more, Chinese passages less.
DEVIATIONS = 6.0
# Of few memories none can lie far above their mean: the best counts as at least a third of that.
BEST = 1 / 3
RECENCY_WEIGHT = 0.02  # decides between memories that are about as good
RECENCY_DAYS = 30.0  # after which a memory's recency has fallen to 1/e
DAY = 86400.0
LEAST_SPREAD = 1e-4  # of cosines; less is one memory alone, or all the same


@dataclass(frozen=True)
class Scores:
    """The parts that a row's score is the sum of, and its cosine; shape (rows,) each."""

    dense: Floats
    keyword: Floats
    recency: Floats
    cosine: Floats

    @property
    def total(self) -> Floats:
        return self.dense + self.keyword + self.recency


def score(table: Table, text: str, query: Floats, now: float, allowed: NDArray[np.bool_]) -> Scores:
    """The scores of all rows; of those that are not ``allowed`` they mean nothing.

    Args:
        query: unit length, shape (dimension,).
        now: seconds since the epoch.
    """
    cosines, known = table.cosines(query)
    ages = np.maximum(0.0, now - table.times()) / DAY
    recency = RECENCY_WEIGHT * np.exp(-ages / RECENCY_DAYS)
    return Scores(
        _above_mean(cosines, known, known & allowed),
        table.words.scan(text, table.neighbours()),
        recency.astype(np.float32),
        cosines,
    )


def _above_mean(cosines: Floats, known: NDArray[np.bool_], counted: NDArray[np.bool_]) -> Floats:
    """What the ``known`` cosines count for beside those that are ``counted``; 0 at their mean and
    below."""
    there = cosines[counted]
    if not len(there):
        return np.zeros_like(cosines)
    mean = float(there.mean())
    above = float(there.max()) - mean
    if above < LEAST_SPREAD:
        return np.where(known, BEST, 0.0).astype(np.float32)
    spread = min(DEVIATIONS * float(there.std()), above / BEST)
    return np.where(known, np.maximum(0.0, (cosines - mean) / spread), 0.0).astype(np.float32)
