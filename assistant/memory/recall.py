"""Recall: which of a user's earlier turns, facts and preferences bear on a question.

One user's memories, in this process. Meaning (cosine of vectors), words (BM25, Chinese as well)
and, mildly, recency make the score; a turn also gains from its neighbours in the conversation,
because a question and its reply tell what each other is about.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.memory.recall_rows import Item, Table
from assistant.memory.recall_scores import Scores, score

__all__ = ["Found", "Item", "RecallIndex"]

AT_ONCE = 200  # items that are added while searches wait, some 30 ms
LEAST_STRUCK = 1000  # rows that may be out before a table is made anew


@dataclass(frozen=True)
class Found:
    """An item that was found, and the parts that its score is the sum of.

    Scores order what one search found. How near an item is at all, its ``cosine`` to the question
    tells (0 where its vector is another model's).
    """

    id: str
    score: float
    dense: float
    keyword: float
    recency: float
    cosine: float = 0.0


class RecallIndex:
    """The memories of one user. Any thread may call any method."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._table = Table()

    def put(self, items: Sequence[Item]) -> None:
        """Add items, or replace them by id. Items in the order of their time cost least.

        A search that runs meanwhile may find some of them and not yet the others.
        """
        for start in range(0, len(items), AT_ONCE):
            with self._lock:
                for item in items[start : start + AT_ONCE]:
                    self._table.strike(item.id)
                    self._table.add(item)
                self._tidy()

    def remove(self, ids: Iterable[str]) -> None:
        """Take items out; unknown ids change nothing."""
        with self._lock:
            for id in ids:
                self._table.strike(id)
            self._tidy()

    def clear(self) -> None:
        with self._lock:
            self._table = Table()

    def get(self, id: str) -> Item | None:
        with self._lock:
            row = self._table.row_of.get(id)
            return None if row is None else Item(**self._table.values(row))

    def __len__(self) -> int:
        with self._lock:
            return len(self._table.row_of)

    def search(
        self,
        text: str,
        vector: NDArray[np.float32],
        k: int,
        *,
        now: float,
        kinds: Collection[str] | None = None,
        without_group: str = "",
    ) -> list[Found]:
        """At most ``k`` items that bear on a question, best first.

        Args:
            text: the question.
            vector: of the question, unit length. Items with a vector of another length (of a
                model used earlier) are found by their words only.
            now: seconds since the epoch, for recency.
            kinds: only these; all if None.
            without_group: not of this conversation.
        """
        query = np.asarray(vector, dtype=np.float32)
        with self._lock:
            table = self._table
            allowed = table.allowed(None if kinds is None else frozenset(kinds), without_group)
            scores = score(table, text, query, now, allowed)
            return [_found(table, scores, row) for row in _best(scores, allowed, k)]

    def _tidy(self) -> None:
        """Make the table anew when most of its rows are struck out."""
        old = self._table
        if len(old) > 2 * len(old.row_of) + LEAST_STRUCK:
            self._table = Table()
            for row in sorted(old.row_of.values()):
                self._table.add(Item(**old.values(row)))


def _best(scores: Scores, allowed: NDArray[np.bool_], k: int) -> list[int]:
    """The rows with the highest scores that have anything to do with the question."""
    total = scores.total
    rows = np.flatnonzero(allowed & (scores.dense + scores.keyword > 0))
    if k < 1:
        return []
    if len(rows) > k:
        rows = rows[np.argpartition(total[rows], len(rows) - k)[len(rows) - k :]]
    return sorted(map(int, rows), key=lambda row: (-total[row], -row))


def _found(table: Table, scores: Scores, row: int) -> Found:
    parts = (scores.dense, scores.keyword, scores.recency)
    dense, keyword, recency = (float(part[row]) for part in parts)
    total = dense + keyword + recency
    return Found(table.id_of(row), total, dense, keyword, recency, float(scores.cosine[row]))
