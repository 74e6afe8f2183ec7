"""Hybrid search: dense and keyword hits fused into one ranking that knows how sure each leg is.

A leg's score is put on a scale that means the same for every question, never stretched to the
candidates at hand (a flat list would look as sure as a steep one; ranks say even less):

- dense: ``exp(-gap / range)``, the gap to the best hit beside what lies between a chunk and an
  unrelated one in this collection. What few hits are far ahead of the rest is sure; what lies far
  behind is lost, however far.
- keyword: the share of the best hit's BM25, times how much of the question that best hit holds:
  the root of its BM25 over what all of the question's terms can give, if they were rare.

The constants were chosen on half of the questions of five sets (Chinese and English; as typed,
joined with their history, rewritten: eleven forms in all). On the other half nDCG@10 is above the
better leg's in each form, by .003 to .059, and so it is for each set where the other four choose;
nearby constants give the same within .005.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.knowledge.filters import Where
from assistant.knowledge.folder import Folder
from assistant.knowledge.gauge import Gauge, gauge_of
from assistant.knowledge.keywords import query_terms
from assistant.knowledge.records import Hit

CANDIDATES = 50  # hits of each leg that are fused
#: Of the gauge's spread: a dense hit this far behind the best counts 1/e of it.
RANGE = 0.4
#: Terms of a question that one chunk can be expected to hold; longer ones ask for several things.
MOST_TERMS = 8


class Searchable(Protocol):
    """The two legs of a collection in a data folder."""

    name: str

    @property
    def folder(self) -> Folder: ...
    def dense(
        self, vector: NDArray[np.float32], k: int, where: Where | None = None
    ) -> list[Hit]: ...
    def keyword(self, text: str, k: int, where: Where | None = None) -> list[Hit]: ...


@dataclass(frozen=True)
class Scale:
    """What one search's scores are measured by. ``keyword_weight``: of the keyword leg beside the
    dense one; both add up to 1."""

    dense_low: float
    dense_high: float
    dense_range: float
    keyword_high: float
    keyword_weight: float

    @classmethod
    def of(cls, hits: Sequence[Hit], text: str, gauge: Gauge) -> Scale:
        """The scale of all the candidates for the question ``text``, or of the whole list that
        :func:`fuse` made of them."""
        dense = [hit.dense_score for hit in hits if hit.dense_score is not None]
        keyword = [hit.keyword_score for hit in hits if hit.keyword_score is not None]
        best = max(keyword, default=0.0)
        terms = min(max(1, len(query_terms(text))), MOST_TERMS)
        held = math.sqrt(best / (terms * math.log(2 + gauge.rows))) if best > 0 else 0.0
        return cls(
            dense_low=min(dense, default=0.0),
            dense_high=max(dense, default=0.0),
            dense_range=RANGE * gauge.spread,
            keyword_high=best,
            keyword_weight=held / (1 + held) if dense else 1.0,
        )

    @property
    def dense_weight(self) -> float:
        return 1 - self.keyword_weight

    def dense(self, score: float | None) -> float:
        """A hit's share in the dense leg, 0..1. One that the leg didn't find may be as near as its
        last candidate, no nearer."""
        gap = self.dense_high - (self.dense_low if score is None else score)
        return math.exp(-gap / self.dense_range) if self.dense_range > 0 else float(gap <= 0)

    def keyword(self, score: float | None) -> float:
        """A hit's share in the keyword leg, 0..1."""
        return (score or 0.0) / self.keyword_high if self.keyword_high > 0 else 0.0


def hybrid(
    knowledge: Searchable,
    vector: NDArray[np.float32],
    text: str,
    candidates: int = CANDIDATES,
    where: Where | None = None,
) -> list[Hit]:
    """The chunks near ``vector``, or with words of ``text``, best first.

    Args:
        vector: of the question, shape (dimension,).
        candidates: hits of each leg.
        where: what the hits of both legs must match (``filters.py``).

    Raises:
        KnowledgeError: the collection is another model's, or the filter can't be used.
    """
    dense = knowledge.dense(vector, candidates, where)
    keyword = knowledge.keyword(text, candidates, where)
    return fuse(dense, keyword, text, gauge_of(knowledge.folder, knowledge.name))


def hybrid_of_all(
    collections: Sequence[Searchable],
    vector: NDArray[np.float32],
    text: str,
    candidates: int = CANDIDATES,
    where: Where | None = None,
) -> list[Hit]:
    """As :func:`hybrid` over several collections as if they were one: each leg's hits are put in
    one order before they are fused. What is in two of them comes once.

    Raises:
        KnowledgeError: as :func:`hybrid`, of any of them.
    """
    if len(collections) == 1:
        return hybrid(collections[0], vector, text, candidates, where)
    dense = [hit for one in collections for hit in one.dense(vector, candidates, where)]
    keyword = [hit for one in collections for hit in one.keyword(text, candidates, where)]
    gauges = [gauge_of(one.folder, one.name) for one in collections]
    gauge = max(gauges, key=lambda each: each.spread, default=Gauge(0.0, 0))
    return fuse(_best_first(dense, candidates), _best_first(keyword, candidates), text, gauge)


def _best_first(hits: Sequence[Hit], most: int) -> list[Hit]:
    ordered = sorted(hits, key=lambda hit: -hit.score)
    return list({hit.id: hit for hit in reversed(ordered)}.values())[::-1][:most]


def fuse(dense: Sequence[Hit], keyword: Sequence[Hit], text: str, gauge: Gauge) -> list[Hit]:
    """One ranking of both legs' hits for the question ``text``, each with its ranks and scores in
    the legs, and which of them found it; its own score lies in 0..1."""
    legs = [
        replace(hit, dense_rank=n, dense_score=hit.score, kept="dense")
        for n, hit in enumerate(dense, 1)
    ]
    found = {hit.id: hit for hit in legs}
    for rank, hit in enumerate(keyword, 1):
        known = found.get(hit.id, hit)
        kept = "both" if hit.id in found else "keyword"
        found[hit.id] = replace(known, keyword_rank=rank, keyword_score=hit.score, kept=kept)
    scale = Scale.of(list(found.values()), text, gauge)
    fused = [replace(hit, score=sum(parts(hit, scale))) for hit in found.values()]
    return sorted(fused, key=lambda hit: -hit.score)


def parts(hit: Hit, scale: Scale) -> tuple[float, float]:
    """What the dense and the keyword leg give to a hit's fused score."""
    return (
        scale.dense_weight * scale.dense(hit.dense_score),
        scale.keyword_weight * scale.keyword(hit.keyword_score),
    )
