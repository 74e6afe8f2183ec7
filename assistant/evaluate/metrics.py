"""What is measured: rankings against judgements, and rewrites against a human's.

>>> ranking({"a": 1.0, "b": 1.0}, ["x", "a", "y"])["recall@5"], mrr({"a": 1.0}, ["x", "a"])
(0.5, 0.5)
>>> exact_match("Who was  Ada?", "who was Ada?"), round(rouge_l("who is ada", "who was Ada?"), 3)
(1.0, 0.667)
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np

DEPTH = 100  # of a ranking that is looked at
RECALL_AT = (1, 5, 10, 20)
NDCG_AT = 10
ROUGE_BETA = 1.2

Relevant = Mapping[str, float]


class AnyOf(dict[str, float]):
    """Judgements of which some are alternatives: of a group, one is enough, and more don't count.

    Args:
        relevant: ids and how relevant they are.
        groups: the group of each id.

    >>> chunks = AnyOf({"p1": 1.0, "p2": 1.0}, {"p1": "a page", "p2": "a page"})
    >>> ranking(chunks, ["p2", "p1"])["recall@1"], ranking(chunks, ["p2", "p1"])["ndcg@10"]
    (1.0, 1.0)
    """

    def __init__(self, relevant: Relevant, groups: Mapping[str, str]) -> None:
        super().__init__(relevant)
        self.groups = groups

    def plain(self, ids: Sequence[str]) -> tuple[Relevant, list[str]]:
        """The groups as judgements, and ``ids`` with each group in the place of its first one."""
        seen: set[str] = set()
        ranked = []
        for id in ids:
            group = self.groups.get(id, id)
            ranked.append(id if group in seen else group)
            seen.add(group)
        return {self.groups[id]: score for id, score in self.items()}, ranked


def ranking(relevant: Relevant, ids: Sequence[str]) -> dict[str, float]:
    """All measures of one question's ranking.

    Args:
        relevant: ids and how relevant they are; not empty.
        ids: best first.
    """
    if isinstance(relevant, AnyOf):
        relevant, ids = relevant.plain(ids)
    return {
        **{f"recall@{k}": recall(relevant, ids, k) for k in RECALL_AT},
        f"ndcg@{NDCG_AT}": ndcg(relevant, ids, NDCG_AT),
        "mrr": mrr(relevant, ids),
    }


def recall(relevant: Relevant, ids: Sequence[str], k: int) -> float:
    """The share of the relevant ones that are among the first ``k``."""
    return len(set(ids[:k]) & set(relevant)) / len(relevant)


def ndcg(relevant: Relevant, ids: Sequence[str], k: int) -> float:
    """Normalised discounted cumulative gain; the gain is the relevance itself."""
    ideal = sorted(relevant.values(), reverse=True)
    return _gain([relevant.get(id, 0.0) for id in ids[:k]]) / _gain(ideal[:k])


def _gain(values: Sequence[float]) -> float:
    return sum(value / math.log2(rank + 1) for rank, value in enumerate(values, 1))


def mrr(relevant: Relevant, ids: Sequence[str]) -> float:
    """One over the rank of the first relevant one; 0 if none is there."""
    return next((1 / rank for rank, id in enumerate(ids, 1) if id in relevant), 0.0)


def words(text: str) -> list[str]:
    """Lower-cased words without punctuation and symbols; each Chinese character is a word.

    >>> words("What's the  F-1 visa? 北京")
    ['whats', 'the', 'f1', 'visa', '北', '京']
    """
    plain = "".join(c for c in text.lower() if unicodedata.category(c)[0] not in "PS")
    return "".join(f" {c} " if "\u2e80" <= c <= "\u9fff" else c for c in plain).split()


def exact_match(text: str, gold: str) -> float:
    """1 where both are the same but for case and white space, else 0."""
    return float(text.lower().split() == gold.lower().split())


def rouge_l(text: str, gold: str) -> float:
    """ROUGE-L: the longest common subsequence of :func:`words`, as a share of the text's words
    (precision) and of the gold's (recall), joined as F with recall weighing 1.2 times as much
    (beta 1.2, as is usual)."""
    own, wanted = words(text), words(gold)
    common = _common(own, wanted)
    if not common:
        return 0.0
    precision, share = common / len(own), common / len(wanted)
    return (1 + ROUGE_BETA**2) * precision * share / (share + ROUGE_BETA**2 * precision)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        previous = 0
        for column, opposite in enumerate(other, 1):
            kept = row[column]
            row[column] = previous + 1 if word == opposite else max(row[column], row[column - 1])
            previous = kept
    return row[-1]


def mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each measure, to four places; rows have the same measures."""
    return {name: round(sum(row[name] for row in rows) / len(rows), 4) for name in rows[0]}


def percentiles(milliseconds: Sequence[float], prefix: str = "") -> dict[str, float]:
    """The median and the 95th percentile."""
    names = (f"{prefix}p50_ms", f"{prefix}p95_ms")
    values = np.percentile(list(milliseconds), (50, 95))
    return {name: round(float(value), 2) for name, value in zip(names, values, strict=True)}
