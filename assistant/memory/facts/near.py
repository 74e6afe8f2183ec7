"""The known facts beside a statement: how alike, and what words they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.memory.facts.likeness import Likeness
from assistant.memory.facts.values import values
from assistant.memory.records import Fact
from assistant.sentences import terms_of

TERM_WEIGHT = 0.7
MOST_TERMS = 4.0
#: A shared version, number or name says more than another word.
VALUE_TERM = 2.0

#: Words that say nothing about the matter.
_EMPTY_WORDS = """
now week month year today again already still work us one two three got 给我 现在 目前 已经 这边
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())


@dataclass(frozen=True)
class Near:
    """A known fact beside a new statement."""

    fact: Fact
    likeness: float
    shared: float  # terms that both hold, each weighed by how few facts hold it

    @property
    def score(self) -> float:
        return self.likeness + TERM_WEIGHT * min(self.shared, MOST_TERMS)


def nearest(facts: Sequence[Fact], text: str, likeness: Likeness) -> list[Near]:
    """The facts, the nearest to ``text`` first.

    Raises:
        ModelError: the embedding model failed.
    """
    terms = terms_of(text) - _EMPTY
    valued = frozenset(term for value in values(text) for term in terms_of(value))
    held = [terms_of(fact.text) & terms for fact in facts]
    counts = Counter(term for found in held for term in found)
    scores = likeness.to_all(text, [fact.text for fact in facts])
    weights = {term: (VALUE_TERM if term in valued else 1) / counts[term] for term in counts}
    near = [
        Near(fact, score, sum(weights[term] for term in found))
        for fact, score, found in zip(facts, scores, held, strict=True)
    ]
    return sorted(near, key=lambda one: -one.score)
