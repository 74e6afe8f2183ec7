"""What a search tells about whether the documents hold the answer: no model is asked.

Each feature is a number that rises with the chance of an answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations

from assistant.answerability.words import asked_terms, held, holds_answer, is_foreign, plain
from assistant.knowledge.records import Hit
from assistant.sentences import split_sentences

READ = 5  # of the best candidates are read
LEADERS = 10  # of each leg, whose agreement is counted
BACKGROUND = 20  # candidates before those that are taken for unrelated
LONGEST = 1200  # characters of a candidate that are read
BEGINNING = 200  # characters of candidates that are compared with each other
SHINGLE = 3  # characters that are compared at once

#: Features that are cosines of one embedding model: they mean nothing for another.
OF_MODEL = ("similarity", "lead")
#: Features of the dense leg alone, which crosses languages.
OF_DENSE = (*OF_MODEL, "alike")


def retrieval_features(question: str, candidates: Sequence[Hit]) -> dict[str, float]:
    """The features of a search for ``question`` that found ``candidates``, in any order.

    - ``similarity``: the best cosine; ``lead``: how far it lies above those of the candidates
      that are taken for unrelated
    - ``agreement``: share of the leaders that both legs have; ``word_lead``: how far the best by
      words lies above the last; ``word_best``: where the best by words stands in the dense leg
    - ``terms``, ``terms_all``: share of the question's terms that the best candidate holds, and
      the best three on average; ``together``: that two neighbouring sentences hold;
      ``together_thing``: the same of sentences with a date or number where one is asked for
    - ``alike``: how much the best candidates repeat each other

    A small knowledge base has no background to compare with: of fewer than :data:`BACKGROUND`
    candidates ``lead``, ``agreement``, ``word_lead``, ``word_best`` and ``alike`` are missing. Of
    documents in another language all are missing that compare words.
    """
    best = sorted(candidates, key=lambda hit: -hit.score)[:READ]
    found = {"similarity": max(_scores(candidates)[0].values(), default=0.0)}
    if len(candidates) > BACKGROUND:
        found |= _standing_out(candidates) | {"alike": _alike(best)}
    if is_foreign(question, [hit.text[:BEGINNING] for hit in best]):
        return {name: found[name] for name in OF_DENSE if name in found}
    return found | _coverage(question, best)


NAMES = (
    *OF_MODEL,
    "agreement",
    "word_lead",
    "word_best",
    "terms",
    "terms_all",
    "together",
    "together_thing",
    "alike",
)


def _standing_out(candidates: Sequence[Hit]) -> dict[str, float]:
    """How the best candidates of each leg lie to the others."""
    dense, words = _scores(candidates)
    cosines = sorted(dense.values(), reverse=True) or [0.0]
    scores = sorted(words.values(), reverse=True) or [0.0]
    rest = cosines[BACKGROUND:] or cosines[-1:]
    by_words = max(words, key=words.__getitem__, default="")
    low, spread = cosines[-1], cosines[0] - cosines[-1]
    return {
        "lead": cosines[0] - sum(rest) / len(rest),
        "agreement": len(_leaders(dense) & _leaders(words)) / LEADERS,
        "word_lead": 1 - scores[-1] / scores[0] if scores[0] > 0 else 0.0,
        "word_best": (dense.get(by_words, low) - low) / spread if spread > 0 else 0.0,
    }


def _scores(candidates: Sequence[Hit]) -> tuple[dict[str, float], dict[str, float]]:
    """The scores of the dense and of the keyword leg, by the chunks' ids."""
    return (
        {hit.id: hit.dense_score for hit in candidates if hit.dense_score is not None},
        {hit.id: hit.keyword_score for hit in candidates if hit.keyword_score is not None},
    )


def _leaders(scores: Mapping[str, float]) -> set[str]:
    return set(sorted(scores, key=lambda id: -scores[id])[:LEADERS])


def _coverage(question: str, best: Sequence[Hit]) -> dict[str, float]:
    terms = asked_terms(question)
    if not terms or not best:
        return dict.fromkeys(("terms", "terms_all", "together", "together_thing"), 0.0)
    subjects = [held(terms, plain(hit.subject)) for hit in best]
    shares: list[float] = []
    together = thing = 0.0
    for hit, subject in zip(best, subjects, strict=True):
        whole, before = set(subject), set[str]()
        for sentence in split_sentences(plain(hit.text[:LONGEST])):
            here = held(terms, sentence)
            share = len(subject | here | before) / len(terms)
            together = max(together, share)
            if share > thing and holds_answer(question, sentence):
                thing = share
            whole |= here
            before = here
        shares.append(len(whole) / len(terms))
    shares.sort(reverse=True)
    return {
        "terms": shares[0],
        "terms_all": sum(shares[:3]) / len(shares[:3]),
        "together": together,
        "together_thing": thing,
    }


def _alike(best: Sequence[Hit]) -> float:
    texts = [_shingles(hit.text) for hit in best]
    pairs = [
        len(one & other) / max(1, min(len(one), len(other)))
        for one, other in combinations(texts, 2)
    ]
    return sum(pairs) / len(pairs) if pairs else 0.0


def _shingles(text: str) -> frozenset[str]:
    flat = re.sub(r"\s+", " ", plain(text[:BEGINNING]))
    return frozenset(flat[place : place + SHINGLE] for place in range(len(flat) - SHINGLE + 1))
