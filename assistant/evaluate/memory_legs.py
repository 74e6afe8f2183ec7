"""The ways of recalling that are measured: the product's index beside the plain ones.

Each is built for the passages of one scope, which are one user's memory, and gives places in their
list, best first, at most ``DEPTH``.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from assistant.evaluate.dataset import Passage
from assistant.evaluate.metrics import DEPTH
from assistant.memory.recall import Item, RecallIndex

Vectors = NDArray[np.float32]
#: A question and its vector -> places, best first.
Leg = Callable[[str, Vectors], list[int]]

RRF_K = 60
K1, B = 1.5, 0.75  # as is usual
_WORD = re.compile(r"[\u2e80-\u9fff]|[^\W\u2e80-\u9fff]{2,}")
_STOP_WORDS = """
a an and are as at be but by for if in into is it no not of on or such that the their then there
these they this to was will with
"""
_TIMES = ("%I:%M %p on %d %B, %Y", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M", "%Y-%m-%d")
HOUR = 3600.0


def product(passages: Sequence[Passage], vectors: Vectors) -> Leg:
    """The product's index: a passage is a turn, a session a conversation."""
    index = RecallIndex()
    times = [_time(passage, place) for place, passage in enumerate(passages)]
    index.put(
        [
            Item(
                f"t/{_session(passage)}/{place}",
                "turn",
                passage.embedding_text,
                _session(passage),
                times[place],
                vectors[place].astype(np.float16),
            )
            for place, passage in enumerate(passages)
        ]
    )
    now = max(times) + HOUR

    def recall(text: str, vector: Vectors) -> list[int]:
        found = index.search(text, vector, DEPTH, now=now)
        return [int(one.id.rsplit("/", 1)[1]) for one in found]

    return recall


def _session(passage: Passage) -> str:
    return f"{passage.scope}.{passage.metadata.get('session', '')}"


def _time(passage: Passage, place: int) -> float:
    """Seconds since the epoch; within a session the messages follow each other by a second."""
    text = str(passage.metadata.get("time") or "")
    for form in _TIMES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp() + place
        except ValueError:
            continue
    return float(place)


def dense(passages: Sequence[Passage], vectors: Vectors) -> Leg:
    """Cosine alone."""
    return lambda text, vector: _best(vectors @ vector)


def bm25(passages: Sequence[Passage], vectors: Vectors) -> Leg:
    """Words alone, as Lucene weighs them: no stems, few stop words."""
    texts = [Counter(_words(passage.embedding_text)) for passage in passages]
    lengths = np.array([text.total() for text in texts], dtype=np.float64)
    shares = K1 * (1 - B + B * lengths / max(1.0, lengths.mean()))
    rows: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        for word in text:
            rows.setdefault(word, []).append(row)

    def recall(text: str, vector: Vectors) -> list[int]:
        scores = np.zeros(len(texts))
        for word in set(_words(text)) & rows.keys():
            there = rows[word]
            times = np.array([texts[row][word] for row in there])
            rarity = math.log(1 + (len(texts) - len(there) + 0.5) / (len(there) + 0.5))
            scores[there] += rarity * times / (times + shares[there])
        return [place for place in _best(scores) if scores[place] > 0]

    return recall


def rrf(passages: Sequence[Passage], vectors: Vectors) -> Leg:
    """Both, joined by their ranks."""
    legs = [dense(passages, vectors), bm25(passages, vectors)]

    def recall(text: str, vector: Vectors) -> list[int]:
        scores: Counter[int] = Counter()
        for leg in legs:
            for rank, place in enumerate(leg(text, vector), 1):
                scores[place] += 1 / (RRF_K + rank)  # type: ignore[assignment]
        return sorted(scores, key=lambda place: -scores[place])[:DEPTH]

    return recall


#: One row each.
LEGS: dict[str, Callable[[Sequence[Passage], Vectors], Leg]] = {
    "ours": product,
    "dense": dense,
    "bm25": bm25,
    "rrf": rrf,
}


def _words(text: str) -> list[str]:
    stopped = frozenset(_STOP_WORDS.split())
    return [word for word in _WORD.findall(text.lower()) if word not in stopped]


def _best(scores: NDArray[np.floating]) -> list[int]:
    return [int(place) for place in np.argsort(-scores, kind="stable")[:DEPTH]]
