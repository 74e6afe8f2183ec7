"""The words of a recall index: BM25 over postings in memory, which looks at neighbours as well.

In a conversation a word stands where a thing is first named, and what is said of it one or two
turns later. So a row holds a word also where a neighbour does, for a share of what it would count
there. On LoCoMo this finds a sixth more of the turns than the rows' own words.

SQLite's full-text index scores a row in some 1.4 us, and knows no neighbours; here a common word
in 100,000 rows is one addition of arrays.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from assistant.knowledge.keywords import query_terms, segment

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

MOST_TOKENS = 400  # of a text that are indexed
K1, B = 0.9, 0.35
NEIGHBOURS = (0.7, 0.4, 0.2)  # what a word counts for a row that is one, two, three turns away
COMMON = 0.1  # words in more than this share of the rows are not looked for in neighbours
FEW = 50  # rows; of a word in so few, neighbours are always looked at


class Words:
    """Texts by row number. Rows are only added."""

    def __init__(self) -> None:
        # The rows in which a word stands, in order, each as often as it stands there. Most words
        # stand in one place only: its number alone takes a third of an array.
        self._postings: dict[str, array[int] | int] = {}
        self._beginning: dict[str, list[str]] = {}  # first character -> words that are not ASCII
        self._sorted = 0  # words that are in there, of all as they came
        self._lengths = array("H")

    def __len__(self) -> int:
        return len(self._lengths)

    def add(self, text: str) -> None:
        """Append a row."""
        row, postings = len(self._lengths), self._postings
        tokens = segment(text)[:MOST_TOKENS]
        self._lengths.append(len(tokens))
        for token in tokens:
            known = postings.get(token)
            if known is None:
                postings[token] = row
            elif isinstance(known, int):
                postings[token] = array("I", (known, row))
            else:
                known.append(row)

    def scan(self, text: str, links: tuple[Rows, Rows]) -> Floats:
        """How much of the question ``text`` each row holds, shape (rows,): about 1 where it holds
        every word once in a text of mean length, 0 where it holds none.

        Args:
            links: for each row the one before and the one after it in its conversation, or -1.
        """
        scores = np.zeros(len(self), dtype=np.float32)
        terms = self._terms(text)
        if not len(self) or not terms:
            return scores
        lengths = np.array(self._lengths, dtype=np.float32)
        shares = K1 * (1 - B + B * lengths / max(1.0, float(lengths.mean())))
        most = 0.0
        for term in terms:
            rows, times = self._rows(term)
            rarity = math.log(1 + (len(self) - len(rows) + 0.5) / (len(rows) + 0.5))
            most += rarity
            values = (rarity * times * (K1 + 1) / (times + shares[rows])).astype(np.float32)
            if len(rows) <= max(FEW, COMMON * len(self)):
                scores += _spread(rows, values, len(self), links)
            else:
                scores[rows] += values
        return scores / np.float32(most)

    def _terms(self, text: str) -> list[str]:
        """The question's terms. A pair of characters that no text has is rather the end of a word
        and the beginning of another than a word: each is looked for alone (猫叫什么: 猫名叫年糕).
        """
        terms: dict[str, None] = {}
        for term in query_terms(text):
            if len(term) == 2 and not term.isascii() and term not in self._postings:
                terms.update((character, None) for character in query_terms(" ".join(term)))
            else:
                terms[term] = None
        return list(terms)

    def _rows(self, term: str) -> tuple[Rows, Floats]:
        """The rows with a term, each once, and how often it stands there."""
        if len(term) == 1 and not term.isascii():
            # A single character finds every word that begins with it.
            known = [self._postings[word] for word in self._words_with(term)]
        else:
            known = [self._postings[term]] if term in self._postings else []
        if not known:
            return _NO_ROWS, _NO_FLOATS
        places = np.concatenate([np.atleast_1d(np.array(one, dtype=np.int64)) for one in known])
        if len(known) > 1:
            places.sort()
        starts = np.flatnonzero(np.diff(places, prepend=-1))
        return places[starts], np.diff(starts, append=len(places)).astype(np.float32)

    def _words_with(self, first: str) -> Sequence[str]:
        # The newest words stand last.
        for word in islice(reversed(self._postings), len(self._postings) - self._sorted):
            if not word.isascii():
                self._beginning.setdefault(word[0], []).append(word)
        self._sorted = len(self._postings)
        return self._beginning.get(first, ())


def _spread(rows: Rows, values: Floats, count: int, links: tuple[Rows, Rows]) -> Floats:
    """A term's value for each of ``count`` rows: its own, or the best share of a neighbour's."""
    spread = np.zeros(count, dtype=np.float32)
    spread[rows] = values
    for link in links:
        near, worth = rows, values
        for share in NEIGHBOURS:
            near = link[near]
            is_there = near >= 0
            near, worth = near[is_there], worth[is_there]
            # No two rows have the same neighbour on one side.
            spread[near] = np.maximum(spread[near], share * worth)
    return spread


_NO_ROWS = np.zeros(0, dtype=np.int64)
_NO_FLOATS = np.zeros(0, dtype=np.float32)
