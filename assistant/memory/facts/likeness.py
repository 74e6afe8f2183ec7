"""How alike two statements are, in a measure that is the same for every embedding model."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.memory.facts.topics import TOPICS
from assistant.models.embedding.model import Embed
from assistant.prompts import language_of

Vector = NDArray[np.float32]

#: Statements that have nothing to do with each other: what a model's cosines are then.
UNRELATED = {
    "zh": (
        "我在一家医院做护士",
        "以后回答都用表格",
        "我们的服务器装的是 Debian 12",
        "我对青霉素过敏",
        "每周二晚上我要去上吉他课",
        "家里养了两只仓鼠",
        "项目的截止日期是六月底",
        "我开一辆二手的本田",
        "叫我阿哲就可以",
        "公司的报销系统叫云账",
    ),
    "en": (
        "I work as a nurse in a hospital",
        "always answer with a table",
        "our servers run Debian 12",
        "I'm allergic to penicillin",
        "I have guitar lessons on Tuesday evenings",
        "we keep two hamsters at home",
        "the deadline of the project is the end of June",
        "I drive a second-hand Honda",
        "call me Robin",
        "our expenses system is called CloudLedger",
    ),
}


class Likeness:
    """Cosines of statements, in standard deviations above those of unrelated ones.

    Args:
        embed: n texts to unit vectors (n, dimension).
        kept: how many texts' vectors are kept, the longest unused goes first.
    """

    def __init__(self, embed: Embed, kept: int = 4096) -> None:
        self._embed = embed
        self._kept = kept
        self._vectors: OrderedDict[str, Vector] = OrderedDict()
        self._scales: dict[str, tuple[float, float]] = {}
        self._topics: dict[str, tuple[Vector, Vector]] = {}
        self._lock = threading.Lock()

    def to_all(self, text: str, others: Sequence[str]) -> list[float]:
        """The likeness of ``text`` to each of ``others``. Unrelated ones lie around 0, within 2;
        of the same matter are those above 2 or 3.

        Raises:
            ModelError: the embedding model failed.
        """
        if not others:
            return []
        vectors = self.vectors([text, *others])
        mean, spread = self._scale(language_of(text))
        return [float((cosine - mean) / spread) for cosine in vectors[1:] @ vectors[0]]

    def topics(self, texts: Sequence[str]) -> Vector:
        """What each text is about: how near it is to each of :data:`TOPICS`, around 0 and in
        standard deviations over them; shape (n, topics).

        Raises:
            ModelError: the embedding model failed.
        """
        rows = []
        for text, vector in zip(texts, self.vectors(texts), strict=True):
            topics, usual = self._topics_in(language_of(text))
            near = topics @ vector - usual
            rows.append((near - near.mean()) / max(float(near.std()), 1e-6))
        return np.asarray(np.stack(rows), dtype=np.float32)

    def vectors(self, texts: Sequence[str]) -> Vector:
        """Unit vectors of ``texts``, shape (n, dimension)."""
        with self._lock:
            known = {text: self._vectors[text] for text in texts if text in self._vectors}
        fresh = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(fresh, self._embed(fresh), strict=True) if fresh else ())
        with self._lock:
            for text in texts:
                self._vectors[text] = known[text]
                self._vectors.move_to_end(text)
            while len(self._vectors) > self._kept:
                self._vectors.popitem(last=False)
        return np.stack([known[text] for text in texts])

    def _scale(self, language: str) -> tuple[float, float]:
        if language not in self._scales:
            vectors = self._embed(UNRELATED[language])
            cosines = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
            self._scales[language] = (float(cosines.mean()), max(float(cosines.std()), 1e-3))
        return self._scales[language]

    def _topics_in(self, language: str) -> tuple[Vector, Vector]:
        """The vectors of a language's topics, and how near each is to any statement."""
        if language not in self._topics:
            topics = self._embed(TOPICS[language])
            usual = topics @ self._embed(UNRELATED[language]).mean(axis=0)
            self._topics[language] = topics, usual
        return self._topics[language]
