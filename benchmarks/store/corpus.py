"""A seeded corpus of any size, made document by document: nothing of it need be kept in memory.

Document ``n`` is the same in every size, so 10,000 chunks are the beginning of 100,000.

The vectors are like those of texts: around centres of which some are more frequent, and spread in
some directions more than in others (their variances are 1, 1/2, 1/3 and so on; even noise would
make all vectors of a cluster equally far from each other).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.store.vocabulary import Vocabulary

Floats = NDArray[np.float32]

DIMENSION = 384
DOCUMENT = 1000  # chunks
SEED = 7
CENTRES = 4000
TOPICS = 50

_SPREAD = 0.7  # length of the noise; a centre's is 1
_QUERIES = 1 << 30  # these documents are none
_ADDED = 1 << 31
# A sentence of each language, three to five times.
_CHINESE_WORDS, _ENGLISH_WORDS = 20, 7
_SENTENCES = 4


@dataclass(frozen=True)
class Corpus:
    """``size`` chunks. Row ``n`` is chunk ``n % 1000`` of document ``n // 1000``."""

    size: int
    seed: int = SEED

    @property
    def documents(self) -> range:
        return range(-(-self.size // DOCUMENT))

    def rows(self, document: int) -> range:
        return range(document * DOCUMENT, min(self.size, (document + 1) * DOCUMENT))

    def vectors(self, document: int) -> Floats:
        """(n, 384), unit length."""
        return _vectors(self.seed, document, len(self.rows(document)))

    def texts(self, document: int) -> list[str]:
        return _texts(self.seed, document, len(self.rows(document)))

    def matrix(self) -> Floats:
        """(size, 384)."""
        matrix = np.empty((self.size, DIMENSION), dtype=np.float32)
        for document in self.documents:
            rows = self.rows(document)
            matrix[rows.start : rows.stop] = self.vectors(document)
        return matrix

    def queries(self, count: int) -> Floats:
        """(count, 384): from the same clusters, not stored."""
        return _vectors(self.seed, _QUERIES, count)

    def added(self, number: int, count: int) -> tuple[list[str], Floats]:
        """A further document, which isn't part of the corpus."""
        place = _ADDED + number
        return _texts(self.seed, place, count), _vectors(self.seed, place, count)


def uri_of(document: int) -> str:
    """Ten folders; a document with metadata and one without follow each other in one."""
    return f"/library/{document // 2 % 10}/{document:07}.md"


def has_metadata(document: int) -> bool:
    """Every other document comes through ``add_texts``, with metadata."""
    return document % 2 == 1


def metadata_of(row: int) -> dict[str, object]:
    """For rows of documents with metadata: a topic has 1 % of all rows, ``reviewed`` are 50 %."""
    return {"source": uri_of(row // DOCUMENT), "topic": row % TOPICS, "reviewed": True}


def questions(count: int) -> dict[str, list[str]]:
    """``count`` texts of each kind. "common" words stand in a fifth of all chunks, "medium" ones in
    1 %, "rare" ones in some 0.02 %; a question has one of each in each language."""
    kinds = {"rare": 0.0, "medium": 0.01, "common": 0.2}
    found = {kind: _words(share, count + 1) for kind, share in kinds.items()}
    mixed = [
        " ".join(word for words in found.values() for word in words[number : number + 2])
        for number in range(count)
    ]
    return {**{kind: words[:count] for kind, words in found.items()}, "6 words": mixed}


def _words(share: float, count: int) -> list[str]:
    """Words that stand in about ``share`` of the chunks, of both languages in turn."""
    vocabulary = _vocabulary()
    lists = []
    for words, length in (
        (vocabulary.chinese, _SENTENCES * _CHINESE_WORDS),
        (vocabulary.english, _SENTENCES * _ENGLISH_WORDS),
    ):
        middle, wanted = vocabulary.number_of(share, length), -(-count // 2)
        first = min(max(0, middle - wanted // 2), len(words) - wanted)
        lists.append(words[first : first + wanted])
    return [word for pair in zip(*lists, strict=True) for word in pair][:count]


def _texts(seed: int, place: int, count: int) -> list[str]:
    """Some 300 to 500 characters each, sentences of both languages in turn."""
    random, vocabulary = np.random.default_rng((seed, place, 1)), _vocabulary()
    sentences = random.integers(_SENTENCES - 1, _SENTENCES + 2, size=count).tolist()
    chinese = vocabulary.draw(random, (sum(sentences), _CHINESE_WORDS)).tolist()
    english = vocabulary.draw(random, (sum(sentences), _ENGLISH_WORDS)).tolist()
    pairs = (
        f"{''.join(vocabulary.chinese[n] for n in zh)}。"
        f"{' '.join(vocabulary.english[n] for n in en)}. "
        for zh, en in zip(chinese, english, strict=True)
    )
    return ["".join(itertools.islice(pairs, number)).strip() for number in sentences]


def _vectors(seed: int, place: int, count: int) -> Floats:
    centres, ends, directions = _clusters(seed)
    random = np.random.default_rng((seed, place, 0))
    chosen = np.searchsorted(ends, random.random(count))
    noise = random.normal(size=(count, DIMENSION)).astype(np.float32) @ directions
    vectors: Floats = centres[chosen] + noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


@cache
def _clusters(seed: int) -> tuple[Floats, NDArray[np.float64], Floats]:
    """Centres, where their shares end in 0..1, and the directions of the noise."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(CENTRES, DIMENSION)).astype(np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    shares = 1 / (np.arange(CENTRES) + CENTRES / 10)
    ends = np.cumsum(shares / shares.sum())
    ends[-1] = 1
    lengths = np.sqrt(1 / np.arange(1, DIMENSION + 1))
    lengths *= _SPREAD / np.linalg.norm(lengths)
    turned, _ = np.linalg.qr(random.normal(size=(DIMENSION, DIMENSION)))
    return centres, ends, (lengths[:, np.newaxis] * turned).astype(np.float32)


@cache
def _vocabulary() -> Vocabulary:
    return Vocabulary()
